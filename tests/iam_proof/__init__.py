"""Proves that no policy has anything to spare: takes each thing from it, or widens it, and shows what fails.

`subjects.py` lists who has policies, `mutants.py` changes them, `proof.py` runs the scenarios, `reasons.py`
says why something stays that no scenario misses, `page.py` writes it all down.
"""

import sys
from pathlib import Path

# As Lambda does, import the functions from the root of their bundles.
sys.path.insert(0, str(Path(__file__).parents[2] / "lambdas"))
