"""Runs the real CDK CLI, as a platform team does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parent.parent
CLI: Final = ROOT / "node_modules" / ".bin" / "cdk"


class CdkError(Exception):
    """The CDK CLI failed; the message ends with its output."""


def cdk(*arguments: str, environ: Mapping[str, str], directory: Path = ROOT) -> None:
    """Run one command of the CDK CLI, in the repository unless told otherwise.

    Raises:
        CdkError: It failed.
    """
    command = [str(CLI), *arguments, "--ci", "--progress", "events", "--no-notices", "--no-version-reporting"]
    # In a group of its own, so that an interruption can end its child processes, too.
    with subprocess.Popen(  # noqa: S603 - the pinned CLI
        command,
        cwd=directory,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        said = "\n".join((output + errors).splitlines()[-40:])
        raise CdkError(f"`cdk {' '.join(arguments)}` ended with exit code {process.returncode}:\n{said}")


def bootstrap(account_id: str, region: str, *, environ: Mapping[str, str], directory: Path) -> None:
    """Prepare an account and region for the CDK.

    Args:
        account_id: The account.
        region: The region.
        environ: The environment that points at the cloud, with the account's credentials.
        directory: A directory without a `cdk.json`: with one, the CLI would first synthesise the app, which
            takes seconds.
    """
    cdk("bootstrap", f"aws://{account_id}/{region}", environ=environ, directory=directory)


def deploy(
    *, environ: Mapping[str, str], directory: Path, context: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Deploy the stack; return its outputs.

    Args:
        environ: The environment that points at the cloud.
        directory: Where the assembly and the outputs go.
        context: Context values for the app.
    """
    assembly = ["--output", str(directory / "cdk.out"), *_context(context or {})]
    return _deploy("--all", *assembly, environ=environ, outputs=directory / "outputs.json")


def synthesise(*, environ: Mapping[str, str], directory: Path, context: Mapping[str, str]) -> Path:
    """Synthesise the app with stacks for several accounts, and return the assembly's directory.

    Args:
        environ: The environment that points at the cloud.
        directory: Where the assembly goes.
        context: Context values for the app.
    """
    assembly = directory / "cdk.out"
    cdk("synth", "--quiet", "--output", str(assembly), *_context(context), environ=environ)
    return assembly


def deploy_stack(name: str, *, assembly: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Deploy one stack of a synthesised app with its account's credentials; return its outputs."""
    return _deploy(
        name,
        "--exclusively",
        "--app",
        str(assembly),
        environ=environ,
        outputs=assembly.with_name(f"{name}.outputs.json"),
    )


def _deploy(*arguments: str, environ: Mapping[str, str], outputs: Path) -> dict[str, str]:
    cdk("deploy", "--require-approval=never", f"--outputs-file={outputs}", *arguments, environ=environ)
    (stack,) = json.loads(outputs.read_text()).values()
    return dict(stack)


def _context(context: Mapping[str, str]) -> list[str]:
    return [part for key, value in context.items() for part in ("--context", f"{key}={value}")]
