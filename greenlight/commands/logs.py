"""`greenlight logs`: the lines of an endpoint's containers, or of the deployer, from the last hour on."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from greenlight.errors import CommandError
from greenlight.options import STACK, Json, Profile, Region, Stack, Stage

_SPAN = timedelta(hours=1)
_LINES = 200


def logs(
    endpoint: Annotated[
        str | None,
        typer.Argument(help="The endpoint. With --deployer: what it logged of it.", metavar="ENDPOINT"),
    ] = None,
    *,
    deployer: Annotated[bool, typer.Option("--deployer", help="The deployer's log.")] = False,
    since: Annotated[
        str | None,
        typer.Option("--since", help="From when on: 2h, yesterday, a time. By default 1h.", metavar="TIME"),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="How many of the last lines.", min=1)] = _LINES,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Show the last lines that an endpoint's containers wrote, or the deployer."""
    from greenlight.connection import connected, stack_of
    from greenlight.logs import lines_view, logs_document, read_lines, source_of
    from greenlight.output import Output
    from greenlight.times import read_moment

    now = datetime.now(UTC)
    begin = read_moment(since, now, None) if since is not None else now - _SPAN
    if endpoint is None and not deployer:
        raise CommandError(
            "It is not clear whose log.",
            "An endpoint has one, and the deployer.",
            "Write: greenlight logs ENDPOINT, or: greenlight logs --deployer",
        )
    with connected(profile, region, stack_of(stack, stage)) as connection:
        source = source_of(connection.stack, endpoint, of_deployer=deployer)
        found = read_lines(connection, source, begin, now, limit)
        deployed = connection.stack
    output = Output(as_json=as_json)
    output.tell(
        logs_document(source, found, deployed), lambda symbols: lines_view(source, found, begin, now, symbols)
    )
    return 0
