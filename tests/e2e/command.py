"""Runs the command: in this process, or in one of its own, which needs a second to start."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from greenlight.application import run
from infra.bundling.assets import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping


class Done(NamedTuple):
    """How a run of the command ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def greenlight(*words: str, environ: Mapping[str, str]) -> Done:
    """Run the command with no other variables than these, in the repository and without a terminal."""
    out, errors = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as process,
        Path(os.devnull).open() as nobody,
        redirect_stdout(out),
        redirect_stderr(errors),
    ):
        for name in os.environ.keys() - environ.keys():
            process.delenv(name)
        for name, value in environ.items():
            process.setenv(name, value)
        process.setattr(sys, "stdin", nobody)
        process.chdir(REPOSITORY)
        code = run(list(words))
    return Done(code, out.getvalue(), errors.getvalue())


def greenlight_process(*words: str, environ: Mapping[str, str]) -> Done:
    """Run the command likewise as a process, as a person or a pipeline does."""
    ended = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "greenlight", *words],
        cwd=REPOSITORY,
        env={**environ, "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(ended.returncode, ended.stdout, ended.stderr)
