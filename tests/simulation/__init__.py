"""The deployer, simulated: see `python -m tests.simulation --help`."""

import importlib.util
import sys
from pathlib import Path

# As Lambda does, import the deployer from the root of its bundle; a sabotaged copy comes first by PYTHONPATH.
if importlib.util.find_spec("deployer") is None:
    sys.path.insert(0, str(Path(__file__).parents[2] / "lambdas"))
