"""The entry point: run a verb, and turn however it ends into an exit code."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line, and return the exit code."""
    try:
        # Imported here, so that Ctrl-C is answered in a sentence at any moment.
        from greenlight.application import run  # noqa: PLC0415

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. Nothing was begun.\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
