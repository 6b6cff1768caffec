"""Says which sabotages every build runs: those whose file changed, and some others by turns.

Owns what counts as changed, and whose turn it is. All sabotages run with the tests that are `long`.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.simulation.sabotages import SABOTAGES

if TYPE_CHECKING:
    from datetime import date

    from tests.simulation.sabotages import Sabotage

A_DAY: Final = 5
"""How many sabotages have their turn on one day."""

_DEPLOYER: Final = Path("lambdas") / "deployer"


def of_every_build(today: date, changed: frozenset[str]) -> list[Sabotage]:
    """Return the sabotages that a build runs on a day, when these files of the deployer changed."""
    first = today.toordinal() * A_DAY
    turns = {SABOTAGES[number % len(SABOTAGES)].name for number in range(first, first + A_DAY)}
    return [each for each in SABOTAGES if each.file in changed or each.name in turns]


def changed_files(repository: Path) -> frozenset[str]:
    """Return the deployer's files that are not as they were, by their paths in `lambdas/deployer`.

    A branch is compared with where it left `main`, and `main` with its last commit but one. Nothing counts as
    changed where git cannot tell.
    """
    git = shutil.which("git")
    if git is None:
        return frozenset()

    def answer(*arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 - git, with arguments of our own
            [git, *arguments], cwd=repository, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    forks = [answer("merge-base", "HEAD", name) for name in ("origin/main", "main")]
    head = answer("rev-parse", "HEAD")
    base = next((each for each in forks if each not in {"", head}), "HEAD~1")
    listed = answer("diff", "--name-only", "--no-renames", base, "--", str(_DEPLOYER))
    return frozenset(Path(line).relative_to(_DEPLOYER).as_posix() for line in listed.splitlines())
