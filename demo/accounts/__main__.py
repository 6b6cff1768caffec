"""`python -m demo.accounts`: one team trains, two accounts serve; exit non-zero at the first failed check."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from demo.accounts.walkthrough import walk_through
from demo.ending import run
from demo.timeline import Timeline
from local_cloud.child_process import start_local_cloud


def main() -> None:
    """Run the walkthrough on a new local cloud."""
    timeline = Timeline()
    with tempfile.TemporaryDirectory(prefix="greenlight-demo-") as directory, start_local_cloud() as cloud:
        walk_through(cloud, timeline, Path(directory))
    timeline.summary()


if __name__ == "__main__":
    sys.exit(run(main))
