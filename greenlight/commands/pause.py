"""`greenlight pause`: nothing new goes out, on one endpoint or on all. Going back and aborts go on."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from greenlight.errors import CommandError
from greenlight.options import STACK, Json, Profile, Region, Stack, Stage

Which = Annotated[str | None, typer.Argument(help="The endpoint. Or --all.", metavar="ENDPOINT")]
All = Annotated[bool, typer.Option("--all", help="All endpoints of the stack.")]


def pause(
    endpoint: Which = None,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why: people read it.", metavar="TEXT")],
    until: Annotated[
        str | None,
        typer.Option("--until", help="When it ends: 2h, or a time. By default never.", metavar="TIME"),
    ] = None,
    of_all: All = False,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Hold back what is new, on one endpoint or --all. Going back, aborts and repairs go on."""
    from deployer.model.pause import Pause
    from greenlight.connection import connected, stack_of
    from greenlight.fleet.reading import demand_known
    from greenlight.journal import journal_of
    from greenlight.output import Output
    from greenlight.steering.asking import one_call
    from greenlight.steering.pausing import pause_document, pause_words, same, write_pause
    from greenlight.times import read_future
    from greenlight.words import person

    name, now = which(endpoint, of_all=of_all, verb="pause"), datetime.now(UTC)
    end = read_future(until, now, None) if until is not None else None
    with connected(profile, region, stack_of(stack, stage)) as connection:
        if name is not None:
            demand_known(connection, name)
        journal = journal_of(connection.client("dynamodb"), connection.stack.table_name)
        before = same(journal.pauses.all(), name)
        caller = connection.caller_arn
        made = Pause(name, reason, person(caller), end)
        with one_call("pause", "greenlight status"):
            write_pause(connection, made)
    output = Output(as_json=as_json)
    lines = [f"{output.symbols.held} {pause_words(made, now, None)}."]
    if before is not None:
        lines.append(f"  In the place of: {pause_words(before, now, None)}.")
    lines.append(f"  End it: greenlight resume {name or '--all'}")
    document = {"format": 1, "pause": pause_document(made), "before": pause_document(before)}
    output.tell(document, lambda _: "\n".join(lines))
    return 0


def which(endpoint: str | None, *, of_all: bool, verb: str) -> str | None:
    """Return the endpoint that is meant; None for all.

    Raises:
        CommandError: Neither or both are said.
    """
    if (endpoint is None) is not of_all:
        raise CommandError(
            f"It is not clear what to {verb}.",
            "Name one endpoint, or say --all, and not both.",
            f"Write: greenlight {verb} ENDPOINT, or: greenlight {verb} --all",
        )
    return endpoint
