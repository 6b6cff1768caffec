"""`python -m demo`: run the main job from end to end; exit non-zero at the first failed check."""

from __future__ import annotations

import sys

from demo.ending import run
from demo.walkthrough import walk_through

if __name__ == "__main__":
    sys.exit(run(walk_through))
