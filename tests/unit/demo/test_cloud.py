"""The parts of `make cloud` that need no cloud."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from demo.cloud.interruption import Interruption
from demo.cloud.raw import RawLog
from demo.cloud.variables import written

if TYPE_CHECKING:
    from pathlib import Path


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_where_that_is_allowed(number: signal.Signals) -> None:
    with Interruption() as interruption, pytest.raises(KeyboardInterrupt), interruption.allowed():
        send(number)


def test_an_early_signal_waits_until_it_may_interrupt() -> None:
    reached = False
    with Interruption() as interruption:
        send(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), interruption.allowed():
            reached = True

    assert not reached


def test_a_second_signal_does_not_interrupt_the_clean_up() -> None:
    cleaned = []

    def work() -> None:
        try:
            send(signal.SIGINT)
        finally:
            send(signal.SIGINT)
            cleaned.append("all")

    with Interruption() as interruption, pytest.raises(KeyboardInterrupt), interruption.allowed():
        work()

    assert cleaned == ["all"]


def test_signals_mean_afterwards_what_they_meant_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption():
        assert signal.getsignal(signal.SIGINT) != before

    assert signal.getsignal(signal.SIGINT) == before


def test_a_shell_that_sources_the_file_talks_to_the_cloud_and_finds_the_command(tmp_path: Path) -> None:
    with written({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, tmp_path / "new" / "cloud.sh") as file:
        assert file.stat().st_mode & 0o077 == 0
        script = f'source {file}; echo "$AWS_ENDPOINT_URL ${{AWS_PROFILE-none}} ${{PATH%%:*}}"'
        said = subprocess.run(  # noqa: S603 - our own file
            ["/bin/bash", "-euc", script],
            env={"AWS_PROFILE": "production", "PATH": "/usr/bin"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()

    assert said[:2] == ["http://127.0.0.1:1", "none"]
    assert said[2].endswith(".venv/bin")
    assert not file.exists()


def test_the_file_of_another_cloud_stays(tmp_path: Path) -> None:
    file = tmp_path / "cloud.sh"
    with written({"A": "1"}, file):
        with written({"A": "2"}, file):
            pass
        assert not file.exists()
        file.write_text("another")

    assert file.read_text() == "another"


def test_a_raw_log_is_shown_as_it_is_and_to_its_end(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"first\n")
    with RawLog(log):
        time.sleep(0.2)
        with log.open("ab") as growing:
            growing.write(b"\xff last\n")

    assert capfdbinary.readouterr().out == b"first\n\xff last\n"
