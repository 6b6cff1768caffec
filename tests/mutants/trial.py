"""Tries a mutant: its tests run on a copy of the repository that has the change, until one fails."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.mutants.mutation import Mutant
    from tests.mutants.subjects import Suites

_AT_MOST_SECONDS = 600
_PYTEST = ("-m", "pytest", "-x", "-q", "-n", "0", "-m", "not long", "-p", "no:cacheprovider")
_REPEATABLE = ("--hypothesis-seed=0", "-o", "timeout=120", "--no-header", "--tb=no")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_ALL_PASSED, _SOME_FAILED, _INTERRUPTED = 0, 1, 2


class Verdict(Enum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVES = "survives"


class BrokenTestsError(Exception):
    """The tests fail without a mutant too, or cannot run: they prove nothing."""


class Copy:
    """A copy of what git tracks, or would track, in a folder of its own.

    Args:
        repository: What is copied; it is only read.
        folder: Where to; it is made.
    """

    def __init__(self, repository: Path, folder: Path) -> None:
        self._folder = folder
        listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        found = subprocess.run(  # noqa: S603 - the command is this module's own
            listed, cwd=repository, check=True, capture_output=True, text=True
        )
        for name in filter(None, found.stdout.split("\0")):
            source, target = repository / name, folder / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)

    def passes(self, tests: Sequence[str]) -> bool:
        """Return whether the tests pass in this copy as it is."""
        return self._failing(tests) is None

    def judge(self, mutant: Mutant, tests: Suites) -> Verdict:
        """Run the tests on a mutant: the slower ones only if the faster ones pass.

        The faster ones must be known to pass without it. A slower one that fails is run again without it.

        Raises:
            BrokenTestsError: That fails, too.
        """
        failing = self._failing_with(mutant, tests.first)
        if failing is not None:
            return Verdict.KILLED
        failing = self._failing_with(mutant, tests.then)
        if failing is None:
            return Verdict.SURVIVES
        if failing and not self.passes([failing]):
            raise BrokenTestsError(f"{failing} fails without a mutant, too.")
        return Verdict.KILLED

    def _failing_with(self, mutant: Mutant, tests: Sequence[str]) -> str | None:
        """Return what fails with the mutant in place; empty if the tests do not end, None if all pass."""
        file = self._folder / mutant.path
        original = file.read_bytes()
        try:
            self._write(file, mutant.source.encode())
            return self._failing(tests)
        finally:
            self._write(file, original)

    @staticmethod
    def _write(file: Path, content: bytes) -> None:
        """Write a module, and forget its compiled form: Python would take it for the new one's."""
        file.write_bytes(content)
        for compiled in file.parent.glob(f"__pycache__/{file.stem}.*"):
            compiled.unlink()

    def _failing(self, tests: Sequence[str]) -> str | None:
        command = (sys.executable, *_PYTEST, *_REPEATABLE, *tests)
        try:
            run = subprocess.run(  # noqa: S603 - the command is this module's own
                command,
                cwd=self._folder,
                capture_output=True,
                text=True,
                timeout=_AT_MOST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return ""
        if run.returncode == _ALL_PASSED:
            return None
        if run.returncode not in {_SOME_FAILED, _INTERRUPTED}:
            raise BrokenTestsError(run.stdout + run.stderr)
        found = _FAILED.search(run.stdout)
        return found.group(1) if found else ""
