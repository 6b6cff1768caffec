"""Prove that no policy allows too much: remove or widen each element, and show which test fails.

`subjects.py` lists the holders of policies, `mutants.py` changes the policies, `proof.py` runs the scenarios,
`reasons.py` justifies elements that no scenario misses, `page.py` writes the record.
"""

import sys
from pathlib import Path

# As Lambda does, import the functions from the root of their bundles.
sys.path.insert(0, str(Path(__file__).parents[2] / "lambdas"))
