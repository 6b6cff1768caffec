"""Run clients in their own environment (`make .venv-clients/.installed`)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.clients.account import Account

_CLIENTS = Path(__file__).resolve().parents[3] / ".venv-clients" / "bin"
_SCRIPTS = Path(__file__).with_name("scripts")
# Nothing listens there: a client that tries to reach anything but the local cloud fails at once.
_NO_INTERNET = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost",
}


class ClientFailedError(Exception):
    """A client's process ended with an error; the message is its output."""


def run_script(
    account: Account, name: str, *arguments: str, environment: dict[str, str] | None = None
) -> str:
    """Run one of `scripts/` with the clients' interpreter and return its standard output."""
    return _run([str(_CLIENTS / "python"), str(_SCRIPTS / name), *arguments], account, environment or {})


def aws(account: Account, *arguments: str) -> str:
    """Run the AWS CLI and return its standard output."""
    return _run([str(_CLIENTS / "aws"), *arguments, "--output", "json"], account, {"AWS_PAGER": ""})


def _run(command: list[str], account: Account, environment: dict[str, str]) -> str:
    finished = subprocess.run(  # noqa: S603 - the clients under test
        command,
        env=account.environ() | _NO_INTERNET | environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if finished.returncode != 0:
        raise ClientFailedError(f"{' '.join(command)} failed:\n{finished.stdout}\n{finished.stderr}")
    return finished.stdout
