"""`python -m demo.cloud`: keep a local cloud with Greenlight in it, and tell what happens there."""

from __future__ import annotations

import sys

from demo.cloud.interruption import Interruption

if __name__ == "__main__":
    with Interruption() as interruption:
        # Importing takes a second, in which Ctrl-C must not end in a traceback either.
        from demo.cloud.program import main

        sys.exit(main(interruption))
