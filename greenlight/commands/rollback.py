"""`greenlight rollback`: an endpoint goes back now, and what it leaves needs another approval to return."""

from typing import Annotated

import typer

from greenlight.commands.why import EndpointName, read_version
from greenlight.options import STACK, Json, Profile, Region, Stack, Stage

To = Annotated[
    str | None,
    typer.Option(
        "--to",
        help="The version to go back to. By default the newest before that served well.",
        metavar="VERSION",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def rollback(
    endpoint: EndpointName,
    *,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why: people read it.", metavar="TEXT")],
    to: To = None,
    yes: Yes = False,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Go back to an older version now. What is left does not return by itself. Asks first."""
    number = read_version(to) if to is not None else None
    from greenlight.connection import connected, stack_of
    from greenlight.output import Output
    from greenlight.steering.operator import operator_of
    from greenlight.steering.requesting import NOT_TOLD, ask_for
    from greenlight.steering.rolling_back import way_back, way_back_document
    from greenlight.words import version

    output = Output(as_json=as_json)
    with connected(profile, region, stack_of(stack, stage)) as connection:
        operator = operator_of(connection, endpoint)
        way = way_back(operator, number, reason=reason)
        if not output.as_json:
            output.write("\n".join(way.lines))
        told = ask_for(connection, way.request, question="Go back?", what="roll back", yes=yes)
    lines = [f"{output.symbols.back} {endpoint} goes back to {version(way.to)}."]
    if not told:
        lines.append(NOT_TOLD)
    lines.append(f"  Follow it: greenlight watch {endpoint} --version {way.to}")
    lines.append(f"  Bring it out again: greenlight approve {way.group} {way.leaving}")
    output.tell(way_back_document(way, told=told), lambda _: "\n".join(lines))
    return 0
