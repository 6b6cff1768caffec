"""Run the AWS CLI's own program for one command after another: importing it takes longer than its calls."""

import json
import runpy
import sys
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("aws"))

for command in json.loads(sys.argv[1]):
    sys.argv = [PROGRAM, *command, "--output", "json"]
    try:
        runpy.run_path(PROGRAM, run_name="__main__")
    except SystemExit as ended:
        if ended.code:
            sys.exit(f"aws {' '.join(command)} ended with {ended.code}")
