"""Measures the product: see `make bench`, `make blast-radius` and `make exposure`."""

import importlib.util
import sys
from pathlib import Path

# As Lambda does, import the deployer from the root of its bundle.
if importlib.util.find_spec("deployer") is None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "lambdas"))
