"""`python -m demo.accounts`: one team trains, two accounts serve; exit non-zero at the first failed check."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from demo.accounts.walkthrough import walk_through
from demo.ending import run, shows_reads
from demo.timeline import Timeline
from local_cloud.child_process import start_local_cloud


def main(*, reads: bool) -> None:
    """Run the walkthrough on a new local cloud."""
    timeline = Timeline()
    with tempfile.TemporaryDirectory(prefix="greenlight-demo-") as directory, start_local_cloud() as cloud:
        walk_through(cloud, timeline, Path(directory), reads=reads)
    timeline.summary(("make cloud", "keeps a local cloud running, for a model of your own: docs/tutorial.md"))


if __name__ == "__main__":
    verbose = shows_reads("python -m demo.accounts", "Take one approval through two stages on a local cloud.")
    sys.exit(run(lambda: main(reads=verbose)))
