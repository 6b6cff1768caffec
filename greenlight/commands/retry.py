"""`greenlight retry`: a version that failed is tried again, once."""

from typing import Annotated

import typer

from greenlight.commands.rollback import Yes
from greenlight.commands.why import EndpointName, read_version
from greenlight.options import STACK, Json, Profile, Region, Stack, Stage

Failed = Annotated[
    str | None,
    typer.Argument(
        help="The version's number, as 3 or v3. By default the newest that failed.", metavar="[VERSION]"
    ),
]


def retry(
    endpoint: EndpointName,
    failed: Failed = None,
    *,
    yes: Yes = False,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Try a failed version again, now and once. Asks first."""
    number = read_version(failed) if failed is not None else None
    from greenlight.connection import connected, stack_of
    from greenlight.output import Output
    from greenlight.steering.operator import operator_of
    from greenlight.steering.requesting import NOT_TOLD, ask_for
    from greenlight.steering.trying_again import second_try, second_try_document
    from greenlight.words import version

    output = Output(as_json=as_json)
    with connected(profile, region, stack_of(stack, stage)) as connection:
        operator = operator_of(connection, endpoint)
        found = second_try(operator, number)
        if not output.as_json:
            output.write("\n".join(found.lines))
        told = ask_for(connection, found.request, question="Try it again?", what="try it again", yes=yes)
    lines = [f"{output.symbols.done} {version(found.number)} is tried again on {endpoint}."]
    if not told:
        lines.append(NOT_TOLD)
    lines.append(f"  Follow it: greenlight watch {endpoint} --version {found.number}")
    output.tell(second_try_document(found, told=told), lambda _: "\n".join(lines))
    return 0
