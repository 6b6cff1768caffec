"""The deployer: keeps the approved model versions on their endpoints."""

from typing import Final

VERSION: Final = "0.1.0"
