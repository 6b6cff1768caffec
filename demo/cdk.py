"""Runs the real CDK CLI, as a platform team does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parent.parent
CLI: Final = ROOT / "node_modules" / ".bin" / "cdk"


class CdkError(Exception):
    """The CDK CLI failed; the message ends with what it said."""


def cdk(*arguments: str, environ: Mapping[str, str]) -> None:
    """Run one command of the CDK CLI in the repository.

    Raises:
        CdkError: It failed.
    """
    command = [str(CLI), *arguments, "--ci", "--progress", "events", "--no-notices", "--no-version-reporting"]
    done = subprocess.run(  # noqa: S603 - the pinned CLI
        command, cwd=ROOT, env=dict(environ), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
        raise CdkError(f"`cdk {' '.join(arguments)}` ended with exit code {done.returncode}:\n{said}")


def bootstrap(*, environ: Mapping[str, str], directory: Path) -> None:
    """Prepare the account and region for the CDK.

    Args:
        environ: The environment that points at the cloud.
        directory: Where the assembly goes.
    """
    cdk("bootstrap", "--output", str(directory / "cdk.out"), environ=environ)


def deploy(
    *, environ: Mapping[str, str], directory: Path, context: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Deploy the stack; return its outputs.

    Args:
        environ: The environment that points at the cloud.
        directory: Where the assembly and the outputs go.
        context: Context values for the app.
    """
    outputs = directory / "outputs.json"
    assembly = ["--output", str(directory / "cdk.out")]
    assembly += [part for key, value in (context or {}).items() for part in ("--context", f"{key}={value}")]
    cdk(
        "deploy",
        "--all",
        "--require-approval=never",
        f"--outputs-file={outputs}",
        *assembly,
        environ=environ,
    )
    (stack,) = json.loads(outputs.read_text()).values()
    return dict(stack)
