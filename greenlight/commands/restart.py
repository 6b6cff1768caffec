"""`greenlight restart`: what serves goes out once more, on new instances."""

from greenlight.commands.rollback import Yes
from greenlight.commands.why import EndpointName
from greenlight.options import STACK, Json, Profile, Region, Stack, Stage


def restart(
    endpoint: EndpointName,
    *,
    yes: Yes = False,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Roll the version that serves out once more, on new instances. Asks first."""
    from greenlight.connection import connected, stack_of
    from greenlight.output import Output
    from greenlight.steering.operator import operator_of
    from greenlight.steering.requesting import NOT_TOLD, ask_for
    from greenlight.steering.restarting import once_more, once_more_document
    from greenlight.words import version

    output = Output(as_json=as_json)
    with connected(profile, region, stack_of(stack, stage)) as connection:
        operator = operator_of(connection, endpoint)
        found = once_more(operator)
        if not output.as_json:
            output.write("\n".join(found.lines))
        told = ask_for(connection, found.request, question="Restart it?", what="restart it", yes=yes)
    lines = [f"{output.symbols.done} {version(found.number)} goes out once more on {endpoint}."]
    if not told:
        lines.append(NOT_TOLD)
    lines.append(f"  Follow it: greenlight watch {endpoint}")
    output.tell(once_more_document(found, told=told), lambda _: "\n".join(lines))
    return 0
