"""Owns the functions' Python version, and its bytecode.

Lambda runs an asset from a read-only folder: without bytecode, every cold start compiles it again. Bytecode
belongs to one Python version, so we choose a runtime whose Python this machine has.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from infra.bundling.bundling_error import BundlingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
RUNTIMES: Final = ("3.14", "3.13", "3.12", "3.11")
"""The Lambda runtimes of the functions, the best first (developer guide, "lambda-runtimes").

The functions' code does not run on older ones.
"""
NO_BYTECODE: Final = (
    f"without bytecode: no Python {', '.join(RUNTIMES)} is on the PATH, so each cold start compiles the asset"
)
_TASK_ROOT: Final = "/var/task"
"""Where Lambda unpacks an asset (developer guide, "lambda-python")."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The functions' Lambda runtime, and a local Python that compiles for it, if there is one."""

    version: str
    interpreter: str | None

    @property
    def name(self) -> str:
        """Return Lambda's name for it."""
        return f"python{self.version}"


@cache
def runtime() -> Runtime:
    """Choose the newest runtime whose Python this machine has; without any, the newest of all.

    Bytecode is worth more than a newer Python: without it, each cold start takes several times as long
    (docs/benchmarks.md).
    """
    return choose_runtime(interpreter_of)


def choose_runtime(find: Callable[[str], str | None]) -> Runtime:
    """Choose a runtime; `find` looks up interpreters by version."""
    for version in RUNTIMES:
        if interpreter := find(version):
            return Runtime(version, interpreter)
    return Runtime(RUNTIMES[0], None)


def interpreter_of(version: str) -> str | None:
    """Return a Python of a version: this one, or one on the PATH; None if there is none."""
    if sys.version_info[:2] == tuple(int(part) for part in version.split(".")):
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    # A version manager's shim is on the PATH even if it leads nowhere.
    works = subprocess.run([found, "-c", ""], capture_output=True, check=False)  # noqa: S603 - as found
    return found if works.returncode == 0 else None


def compile_to_bytecode(target: Path, interpreter: str) -> None:
    """Compile every module in place.

    Python never checks this bytecode against its source, and it names files by their paths on Lambda. So it
    is the same wherever it is built. Raises `BundlingError` if a module does not compile.
    """
    command = [interpreter, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(target), "-p", _TASK_ROOT, str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - as found
    if done.returncode != 0:
        raise BundlingError(f"{interpreter} could not compile the asset:\n{done.stdout}{done.stderr}")
