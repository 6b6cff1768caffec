"""The tutorial as a reader runs it: `make cloud`, then every command of the page, in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from infra.bundling.assets import REPOSITORY
from tests.infra.documented import blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(600)]

INSTALLED = ("-o", ".venv/.demo")
READY = "Ctrl-C ends it"
"""`make cloud` prints it on one line, however narrow the terminal of a CI run is."""

FAILS = "greenlight watch diabetes-progression --version 3"
"""The only command of the page that ends with an error, as the page says."""


class Cloud:
    """A running `make cloud`, with what it has printed so far."""

    def __init__(self, process: subprocess.Popen[str], output: Path, variables: Path) -> None:
        self.process = process
        self.variables = variables
        self._output = output

    @property
    def printed(self) -> str:
        return self._output.read_text()

    def wait_for(self, words: str, seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.printed:
            assert self.process.poll() is None, self.printed
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.05)

    def interrupt(self) -> int:
        """Press Ctrl-C, which reaches every process of the terminal's group."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(60)


def hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(command: list[str], directory: Path, variables: Path) -> Cloud:
    output = directory / "output"
    (directory / "tmp").mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE"))}
    with output.open("w") as file:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            cwd=REPOSITORY,
            env=environ | {"TMPDIR": str(directory / "tmp"), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # A shell starts a job in the background deaf to Ctrl-C, and make passes that on.
            preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - it takes no lock
            text=True,
        )
    return Cloud(process, output, variables)


@pytest.fixture
def made_cloud(tmp_path: Path) -> Iterator[Cloud]:
    variables = tmp_path / "cloud.sh"
    make = ["make", *INSTALLED, "cloud", "SPEED=20", "PORT=0", f"VARIABLES={variables}"]
    cloud = started(make, tmp_path, variables)
    try:
        cloud.wait_for(READY)
        yield cloud
    finally:
        if cloud.process.poll() is None:
            cloud.interrupt()


def run(cloud: Cloud, *commands: str) -> tuple[int, str]:
    """Run commands in one shell, after the page's own `source`.

    An environment that is older than the command has no `greenlight` on its path, and gets one.
    """
    script = "\n".join(["source .build/cloud.sh", *commands])
    programs = cloud.variables.parent / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "greenlight").write_text(f'#!/bin/sh\nexec {sys.executable} -m greenlight "$@"\n')
    (programs / "greenlight").chmod(0o755)
    done = subprocess.run(  # noqa: S603 - our own page
        ["/bin/bash", "-eu", "-c", script.replace(".build/cloud.sh", str(cloud.variables))],
        cwd=REPOSITORY,
        env={**os.environ, "PATH": f"{os.environ['PATH']}{os.pathsep}{programs}", "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def left_over(directory: Path) -> str:
    """Return the processes whose command names the directory."""
    listed = subprocess.run(["/bin/ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in listed.splitlines() if str(directory / "tmp") in line)


def test_a_reader_of_the_tutorial_registers_approves_watches_breaks_and_goes_back(
    made_cloud: Cloud, tmp_path: Path
) -> None:
    first, sourced, *blocks = blocks_of("docs/tutorial.md")
    assert (first, sourced) == (["make cloud SPEED=20"], ["source .build/cloud.sh"])
    said: list[tuple[str, str]] = []
    for command in (line for block in blocks for line in block):
        # README has the same command, and tests/e2e/test_destroy.py runs it.
        if not command.startswith("npx cdk deploy"):
            code, text = run(made_cloud, command)
            said.append((command, text))
            assert code == (1 if command == FAILS else 0), (command, text, made_cloud.printed)

    before, nonsense, after = [text for command, text in said if "predict.py" in command]
    assert "predicts 0;" in nonsense
    assert "predicts 0;" not in before
    assert after == before
    assert "a_package_that_only_the_notebook_had" in dict(said)["greenlight why diabetes-progression 3"]
    # The outcome comes by a queue, and the command reads the journal: it may be faster.
    made_cloud.wait_for("✗ Version 3", 60)
    told = made_cloud.printed.split(READY)[1]
    for words in (
        "Approved diabetes-progression/1",
        "decision",
        "CreateEndpoint",
        "✓ Version 1",
    ):
        assert words in told, told

    # make ends by the signal itself, however well its recipe ended.
    assert made_cloud.interrupt() == -signal.SIGINT, made_cloud.printed
    assert "Nothing is left running." in made_cloud.printed
    assert not made_cloud.variables.exists()
    assert (left_over(tmp_path), list((tmp_path / "tmp").iterdir())) == ("", [])


@pytest.mark.parametrize(
    "phase",
    [
        pytest.param("greenlight-cloud-*", id="while the cloud starts"),
        pytest.param("greenlight-cloud-*/cdk.out", id="while the CDK deploys"),
    ],
)
def test_ctrl_c_ends_it_in_every_phase_and_leaves_nothing(tmp_path: Path, phase: str) -> None:
    command = [sys.executable, "-m", "demo.cloud", "--port", "0", "--variables", str(tmp_path / "cloud.sh")]
    cloud = started(command, tmp_path, tmp_path / "cloud.sh")
    while not list((tmp_path / "tmp").glob(phase)):
        assert cloud.process.poll() is None, cloud.printed
        time.sleep(0.05)

    assert cloud.interrupt() == 0, cloud.printed
    assert not cloud.variables.exists()
    assert (left_over(tmp_path), list((tmp_path / "tmp").iterdir())) == ("", [])
