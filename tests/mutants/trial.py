"""Tries a mutant: its tests and the type checker run on a copy of the repository that has the change.

They run as `make test` runs them, so what mypy refuses needs no test.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from enum import Enum
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.mutants.mutation import Mutant
    from tests.mutants.subjects import Suites

_AT_MOST_SECONDS = 600
_PYTEST = ("-m", "pytest", "-x", "-q", "-n", "0", "-m", "not long", "-p", "no:cacheprovider")
_REPEATABLE = ("--hypothesis-seed=0", "-o", "timeout=120", "--no-header", "--tb=no")
_FAILED = re.compile(r"^(?:FAILED|ERROR) ([^\s\[]+)", re.MULTILINE)
"""A test without its parameters, as these may have spaces."""
_ONE_AT_A_TIME = Lock()
"""Held while mypy runs: all copies share the cache of the repository."""
_ALL_PASSED, _SOME_FAILED, _INTERRUPTED = 0, 1, 2


class Verdict(Enum):
    """A mutant's result."""

    KILLED = "killed"
    SURVIVES = "survives"


class BrokenTestsError(Exception):
    """The tests fail without a mutant too, or cannot run: they prove nothing."""


class Copy:
    """A copy of the tracked and new files, in a separate folder.

    Args:
        repository: The original; it is only read.
        folder: The copy's folder, created here.
    """

    def __init__(self, repository: Path, folder: Path) -> None:
        self._folder = folder
        self._types_cache = repository / ".mypy_cache"
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

    def has_types(self, paths: Sequence[str]) -> bool:
        """Return whether the type checker accepts these files as they are in this copy."""
        with _ONE_AT_A_TIME:
            run = self._run("-m", "mypy", "--cache-dir", str(self._types_cache), *paths)
        if run.returncode not in {_ALL_PASSED, _SOME_FAILED}:
            raise BrokenTestsError(run.stdout + run.stderr)
        return run.returncode == _ALL_PASSED

    def judge(self, mutant: Mutant, tests: Suites) -> Verdict:
        """Run the faster tests on a mutant, then the type checker, then the slower tests, until one fails.

        The first two must be known to accept the original. A slower test that fails runs on the original too.

        Raises:
            BrokenTestsError: It fails there.
        """
        file = self._folder / mutant.path
        original = file.read_bytes()
        try:
            self._write(file, mutant.source.encode())
            if self._failing(tests.first) is not None or not self.has_types([mutant.path]):
                return Verdict.KILLED
            failing = self._failing(tests.then)
        finally:
            self._write(file, original)
        if failing is None:
            return Verdict.SURVIVES
        if failing and not self.passes([failing]):
            raise BrokenTestsError(f"{failing} fails without a mutant, too.")
        return Verdict.KILLED

    @staticmethod
    def _write(file: Path, content: bytes) -> None:
        """Write a module, and forget its compiled form: Python would take it for the new one's."""
        file.write_bytes(content)
        for compiled in file.parent.glob(f"__pycache__/{file.stem}.*"):
            compiled.unlink()

    def _failing(self, tests: Sequence[str]) -> str | None:
        """Return the test that fails first; empty if the tests do not end, None if all pass."""
        try:
            run = self._run(*_PYTEST, *_REPEATABLE, *tests)
        except subprocess.TimeoutExpired:
            return ""
        if run.returncode == _ALL_PASSED:
            return None
        if run.returncode not in {_SOME_FAILED, _INTERRUPTED}:
            raise BrokenTestsError(run.stdout + run.stderr)
        found = _FAILED.search(run.stdout)
        return found.group(1) if found else ""

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - likewise
            (sys.executable, *arguments),
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=_AT_MOST_SECONDS,
            check=False,
        )
