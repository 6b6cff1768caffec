"""Run the command without its script: `python -m greenlight status`."""

import sys

from greenlight.main import main

if __name__ == "__main__":
    sys.exit(main())
