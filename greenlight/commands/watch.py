"""`greenlight watch`: the same as `status`, live, until it rests. The exit code tells how it ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from greenlight.errors import CommandError, ExitCode
from greenlight.options import STACK, Endpoint, Json, Profile, Region, Stack, Stage

if TYPE_CHECKING:
    from rich.console import RenderableType

    from greenlight.connection import Connection
    from greenlight.endpoint.reading import SeenDetail
    from greenlight.fleet.state import Standing
    from greenlight.output import Output
    from greenlight.watching import Verdict

_ONE_SECONDS, _FLEET_SECONDS, _FRAME_SECONDS = 2.0, 5.0, 0.5
"""Between two reads of one endpoint, of the fleet, and between two views."""


def watch(
    endpoint: Endpoint = None,
    *,
    version: Annotated[
        int | None,
        typer.Option("--version", help="Wait until this version serves, or cannot.", metavar="N", min=1),
    ] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", help="Give up after this time, such as 30m.", metavar="TIME")
    ] = None,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Follow a rollout until it ends. Exit code 0 if all is well, 1 if not, 4 after the timeout."""
    from greenlight.connection import connected, stack_of
    from greenlight.output import Output
    from greenlight.times import read_span

    limit = read_span(timeout).total_seconds() if timeout is not None else None
    if version is not None and endpoint is None:
        raise CommandError(
            "--version needs an endpoint.",
            "A version is watched on one endpoint.",
            "Name it: greenlight watch ENDPOINT --version N",
        )
    output = Output(as_json=as_json)
    with connected(profile, region, stack_of(stack, stage)) as connection:
        subject = (
            _fleet(connection, output) if endpoint is None else _one(connection, output, endpoint, version)
        )
        return _follow(connection, output, subject, limit)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is watched.

    Attributes:
        read: Reads it.
        judge: Judges what was read; None to go on.
        view: Returns the view of what was read.
        standings: Returns how the endpoints stand that were read.
        waited_for: Says what is still waited for.
        words: The arguments of `greenlight status` for the same.
        between: How many seconds lie between two reads.
    """

    read: Callable[[], Any]
    judge: "Callable[[Any], Verdict | None]"
    view: "Callable[[Any], RenderableType]"
    standings: "Callable[[Any], list[Standing]]"
    waited_for: Callable[[Any], list[str]]
    words: str
    between: float


def _one(connection: "Connection", output: "Output", name: str, version: int | None) -> _Subject:
    from greenlight.endpoint.reading import read_detail
    from greenlight.endpoint.view import detail_view
    from greenlight.fleet.view import Scene
    from greenlight.watching import at_rest, of_version, waited_for

    def judge(found: "SeenDetail") -> "Verdict | None":
        if version is not None:
            return of_version(found.detail.standing, found.history, version)
        verdict = at_rest([found.detail.standing])
        return None if verdict is not None and _goes_on(connection, name) else verdict

    return _Subject(
        read=lambda: read_detail(connection, name, datetime.now(UTC)),
        judge=judge,
        view=lambda found: detail_view(found.detail, Scene(datetime.now(UTC), None, output.symbols)),
        standings=lambda found: [found.detail.standing],
        waited_for=lambda found: [waited_for(found.detail.standing, found.history, version)],
        words=f" {name}",
        between=_ONE_SECONDS,
    )


def _goes_on(connection: "Connection", name: str) -> bool:
    """Try a pass over an endpoint that seems to rest: right after a decision, the deployer has not begun."""
    from botocore.exceptions import ClientError

    from greenlight.deployed_settings import deployed_function, environment_of, settings_of
    from greenlight.previewing import Previews
    from greenlight.watching import has_work

    function = deployed_function(connection)
    deployed = settings_of(function)
    settings = deployed.read(name)
    if settings is None:
        return False
    previews = Previews(connection.client, environment_of(function), deployed)
    try:
        return has_work(previews.of(settings).course)
    except (ClientError, CommandError):
        # A person who may not look that far still sees how the endpoint stands.
        return False


def _fleet(connection: "Connection", output: "Output") -> _Subject:
    from greenlight.fleet.reading import read_fleet
    from greenlight.fleet.state import UNDER_WAY, standing_of
    from greenlight.fleet.view import FleetView, Scene
    from greenlight.watching import at_rest, waited_for

    def read() -> "list[Standing]":
        seen = read_fleet(connection)
        now = datetime.now(UTC)
        return [standing_of(each, now) for each in seen]

    return _Subject(
        read=read,
        judge=at_rest,
        view=lambda found: FleetView(found, Scene(datetime.now(UTC), None, output.symbols)),
        standings=lambda found: found,
        waited_for=lambda found: [waited_for(each) for each in found if each.state in UNDER_WAY],
        words="",
        between=_FLEET_SECONDS,
    )


def _follow(connection: "Connection", output: "Output", subject: _Subject, limit: float | None) -> int:
    from greenlight.fleet.document import fleet_document
    from greenlight.watching import Watch
    from greenlight.watching_view import Shown

    with Shown(output, subject.view, subject.standings) as shown:
        watching = Watch(
            subject.read,
            subject.judge,
            shown.show,
            seconds=time.monotonic,
            sleep=time.sleep,
            between=subject.between,
            frame=_FRAME_SECONDS,
        )
        found, verdict = watching.run(limit)
    code = verdict.code if verdict is not None else ExitCode.TIMEOUT
    if output.as_json:
        document = fleet_document(subject.standings(found), connection.stack, datetime.now(UTC))
        why = verdict.words if verdict is not None else None
        output.write_json({**document, "verdict": {"exit_code": int(code), "why": why}})
    if verdict is None:
        raise CommandError(
            "The time is up.",
            " ".join(subject.waited_for(found)),
            f"It goes on without you. Look again: greenlight status{subject.words}",
            code=ExitCode.TIMEOUT,
        )
    if not output.as_json:
        sign = output.symbols.done if code is ExitCode.FINE else output.symbols.bad
        output.write(f"{sign} {verdict.words}")
    return code
