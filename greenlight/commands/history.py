"""`greenlight history`: approvals, attempts and their ends as a timeline, and what served at some time."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from greenlight.errors import CommandError
from greenlight.options import STACK, Endpoint, Json, Profile, Region, Stack, Stages

if TYPE_CHECKING:
    from greenlight.connection import Connection
    from greenlight.stages import Answer

_ENTRIES = 30
"""How many entries are shown unless somebody asks for more, or from a time on."""

_SPAN = timedelta(days=1)
"""How far back the history of all endpoints goes, unless somebody says."""


def history(
    endpoint: Endpoint = None,
    *,
    since: Annotated[
        str | None, typer.Option("--since", help="From when on: yesterday, 2d, 2026-05-03.", metavar="TIME")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", help="Tell what served at this time, and what it was made of.", metavar="TIME"),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="How many entries at most.", min=1)] = None,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stages = None,
    as_json: Json = False,
) -> int:
    """Show approvals, deployments and how they ended. Or, with --at, what served then."""
    from greenlight.output import Output
    from greenlight.stages import read_stages, tell
    from greenlight.times import read_moment

    now = datetime.now(UTC)
    begin = read_moment(since, now, None) if since is not None else None
    then = read_moment(at, now, None) if at is not None else None
    if then is not None and endpoint is None:
        raise CommandError(
            "--at needs an endpoint.",
            "`--at` needs the name of one endpoint.",
            "Name it: greenlight history ENDPOINT --at TIME",
        )

    def read(connection: "Connection") -> "Answer":
        if then is not None and endpoint is not None:
            return _origin(connection, endpoint, then, now)
        return _timeline(connection, endpoint, begin, limit, now)

    return tell(read_stages(stage, profile), region, stack, Output(as_json=as_json), read)


def _origin(connection: "Connection", endpoint: str, then: datetime, now: datetime) -> "Answer":
    from greenlight.fleet.reading import demand_known
    from greenlight.fleet.view import Scene
    from greenlight.stages import Answer
    from greenlight.timeline.document import origin_document
    from greenlight.timeline.entries import served_at
    from greenlight.timeline.origin import read_origin
    from greenlight.timeline.reading import read_items
    from greenlight.timeline.view import origin_view

    demand_known(connection, endpoint)
    origin = read_origin(connection, endpoint, served_at(read_items(connection, endpoint), then))
    return Answer(
        origin_document(origin, connection.stack),
        lambda symbols: origin_view(origin, Scene(now, None, symbols)),
    )


def _timeline(
    connection: "Connection", endpoint: str | None, begin: datetime | None, limit: int | None, now: datetime
) -> "Answer":
    from greenlight.fleet.reading import demand_known, known_names
    from greenlight.fleet.view import Scene
    from greenlight.stages import Answer
    from greenlight.timeline.document import timeline_document
    from greenlight.timeline.entries import BEGINNING
    from greenlight.timeline.reading import read_timeline, read_timelines
    from greenlight.timeline.view import timeline_view

    if endpoint is not None:
        demand_known(connection, endpoint)
        most = limit or (_ENTRIES if begin is None else None)
        entries, more = read_timeline(connection, endpoint, since=begin or BEGINNING, limit=most)
    else:
        entries, more = read_timelines(connection, known_names, since=begin or now - _SPAN, limit=limit)
    return Answer(
        timeline_document(entries, connection.stack, more=more),
        lambda symbols: timeline_view(entries, Scene(now, None, symbols), more=more, of_all=endpoint is None),
    )
