"""The CDK app's parts. What a stack and its function must name alike is read from the function's modules."""

from __future__ import annotations

import sys
from pathlib import Path

_FUNCTIONS = str(Path(__file__).parents[1] / "lambdas")
if _FUNCTIONS not in sys.path:
    # The root of the functions' imports, as in their bundles. It comes first, before an installed copy.
    sys.path.insert(0, _FUNCTIONS)
