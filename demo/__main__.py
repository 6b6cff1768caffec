"""`python -m demo`: run the main job from end to end; exit non-zero at the first failed check."""

from __future__ import annotations

import sys

from demo.ending import run, shows_reads
from demo.walkthrough import walk_through

if __name__ == "__main__":
    reads = shows_reads("python -m demo", "Run Greenlight's main job on a local cloud.")
    sys.exit(run(lambda: walk_through(reads=reads)))
