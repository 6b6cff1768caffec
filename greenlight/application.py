"""Owns the list of verbs, and what becomes of their errors."""

from __future__ import annotations

import os
import sys
from typing import Any, Final

import typer

from greenlight.commands import (
    adopt,
    approve,
    check,
    doctor,
    history,
    logs,
    messages,
    pause,
    plan,
    remove,
    restart,
    resume,
    retry,
    rollback,
    status,
    version,
    watch,
    why,
)
from greenlight.errors import CommandError, ExitCode

APPLICATION: Final = typer.Typer(
    name="greenlight",
    help="See what Greenlight deploys to SageMaker endpoints, ask it why, and steer it.",
    no_args_is_help=True,
    # Plain help: no boxes, and no second spent on drawing them.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine, 1 bad news, 2 wrong words or input, 3 AWS refuses or is unreachable, "
    "4 timeout, 130 interrupted.",
)


@APPLICATION.callback()
def _options() -> None:
    """See what Greenlight deploys to SageMaker endpoints, ask it why, and steer it."""


APPLICATION.command("status")(status.status)
APPLICATION.command("watch")(watch.watch)
APPLICATION.command("history")(history.history)
APPLICATION.command("check")(check.check)
APPLICATION.command("approve")(approve.approve)
APPLICATION.command("reject")(approve.reject)
APPLICATION.command("pause")(pause.pause)
APPLICATION.command("resume")(resume.resume)
APPLICATION.command("rollback")(rollback.rollback)
APPLICATION.command("retry")(retry.retry)
APPLICATION.command("restart")(restart.restart)
APPLICATION.command("logs")(logs.logs)
APPLICATION.command("messages")(messages.messages)
APPLICATION.command("why")(why.why)
APPLICATION.command("plan")(plan.plan)
APPLICATION.command("doctor")(doctor.doctor)
APPLICATION.command("adopt")(adopt.adopt)
APPLICATION.command("remove")(remove.remove)
APPLICATION.command("version")(version.version)


def run(arguments: list[str]) -> int:
    """Run a verb, and return the exit code. Every error becomes three lines."""
    from greenlight.addressing import addressing  # noqa: PLC0415 - help needs none of it

    with addressing(arguments):
        return _run(arguments)


def _run(arguments: list[str]) -> int:
    command: Any = typer.main.get_command(APPLICATION)
    try:
        answered = command.main(args=arguments, prog_name="greenlight", standalone_mode=False)
    except CommandError as error:
        return _told(error, arguments)
    except typer.Abort:
        # The question still stands on its line.
        sys.stderr.write("\n")
        return _told(_interrupted(), arguments)
    except typer.TyperException as error:
        return _told(_misused(error), arguments)
    except BrokenPipeError:
        # The reader of the output has enough, such as `head`. Python would complain again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FINE
    except Exception as error:
        if os.environ.get("GREENLIGHT_DEBUG"):
            raise
        return _told(_unexpected(error), arguments)
    if answered == ExitCode.INTERRUPTED:
        return _told(_interrupted(), arguments)
    return int(answered or ExitCode.FINE)


def _told(error: CommandError, arguments: list[str]) -> int:
    from greenlight.output import tell_error  # noqa: PLC0415 - only an error needs it

    tell_error(error, as_json="--json" in arguments)
    return error.code


def _interrupted() -> CommandError:
    return CommandError(
        "Interrupted.",
        "You pressed Ctrl-C before the command changed anything.",
        "Start it again when you like.",
        code=ExitCode.INTERRUPTED,
    )


def _unexpected(error: Exception) -> CommandError:
    return CommandError(
        "The command met what it was not written for.",
        f"{type(error).__name__}: {error}",
        "Please report it with what GREENLIGHT_DEBUG=1 shows. The deployer is not touched.",
        code=ExitCode.USAGE,
    )


def _misused(error: typer.TyperException) -> CommandError:
    context: Any = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "greenlight"
    usage = (
        context.get_usage().removeprefix("Usage: ") if context is not None else "greenlight [OPTIONS] COMMAND"
    )
    return CommandError(error.format_message(), f"The usage is: {usage}", f"See the words: {path} --help")
