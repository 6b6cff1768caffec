"""`greenlight status`: what serves, since when, approved by whom, and what is under way or waits."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from greenlight.errors import ExitCode
from greenlight.options import STACK, Endpoint, Json, Profile, Region, Stack, Stages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from greenlight.connection import Connection
    from greenlight.fleet.state import Standing
    from greenlight.stages import Answer


def status(
    endpoint: Endpoint = None,
    *,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stages = None,
    as_json: Json = False,
) -> int:
    """Show what serves, since when, approved by whom, and what waits. Exit code 1 if something failed."""
    from greenlight.output import Output
    from greenlight.stages import read_stages, tell

    def read(connection: "Connection") -> "Answer":
        return _of_fleet(connection) if endpoint is None else _of_endpoint(connection, endpoint)

    return tell(read_stages(stage, profile), region, stack, Output(as_json=as_json), read)


def _of_fleet(connection: "Connection") -> "Answer":
    from greenlight.fleet.document import fleet_document
    from greenlight.fleet.reading import read_fleet
    from greenlight.fleet.state import standing_of
    from greenlight.fleet.view import FleetView, Scene
    from greenlight.stages import Answer

    seen = read_fleet(connection)
    now = datetime.now(UTC)
    standings = [standing_of(each, now) for each in seen]
    return Answer(
        fleet_document(standings, connection.stack, now),
        lambda symbols: FleetView(standings, Scene(now, None, symbols)),
        code_of(standings),
    )


def _of_endpoint(connection: "Connection", name: str) -> "Answer":
    from greenlight.endpoint.document import detail_document
    from greenlight.endpoint.reading import read_detail
    from greenlight.endpoint.view import detail_view
    from greenlight.fleet.view import Scene
    from greenlight.stages import Answer

    now = datetime.now(UTC)
    detail = read_detail(connection, name, now).detail
    return Answer(
        detail_document(detail, connection.stack, now),
        lambda symbols: detail_view(detail, Scene(now, None, symbols)),
        code_of([detail.standing]),
    )


def code_of(standings: "Iterable[Standing]") -> int:
    """Return the exit code: bad news if an endpoint or its version failed, or a person has to act."""
    from greenlight.fleet.state import BAD

    return ExitCode.BAD_NEWS if any(each.state in BAD for each in standings) else ExitCode.FINE
