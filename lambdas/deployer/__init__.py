"""The deployer: puts approved model versions behind their endpoints, and keeps it so."""

from typing import Final

VERSION: Final = "0.1.0"
