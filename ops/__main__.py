"""Runs the commands: `python -m ops doctor --stage production`."""

from __future__ import annotations

import argparse
import sys

from ops import doctor


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ops", description="Commands for those who run Greenlight."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    described = "check everything that a stage needs of the registry's account; reads only"
    doctor.add_arguments(commands.add_parser("doctor", help=described, description=described))
    return doctor.run(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
