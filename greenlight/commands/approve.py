"""`greenlight approve` and `greenlight reject`: the registry's own call, after a look at what follows."""

from typing import TYPE_CHECKING, Annotated

import typer

from greenlight.options import STACK, Json, Profile, Region, Stack, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from greenlight.connection import Connection
    from greenlight.fleet.state import Standing
    from greenlight.output import Output
    from greenlight.steering.deciding import Candidate, Status

Group = Annotated[str, typer.Argument(help="The model package group: its name, or another account's ARN.")]
Number = Annotated[int, typer.Argument(help="The version's number.", metavar="VERSION", min=1)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def approve(
    group: Group,
    version: Number,
    *,
    description: Annotated[
        str | None, typer.Option("--description", "-m", help="Why: the registry keeps it.", metavar="TEXT")
    ] = None,
    yes: Yes = False,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Approve a version, as Studio does. Asks first, and says where it goes out."""
    from greenlight.connection import connected, stack_of
    from greenlight.output import Output
    from greenlight.steering.deciding import about_approving

    with connected(profile, region, stack_of(stack, stage)) as connection:
        output = Output(as_json=as_json)
        return _decide(connection, output, group, version, "Approved", description, about_approving, yes=yes)


def reject(
    group: Group,
    version: Number,
    *,
    reason: Annotated[
        str, typer.Option("--reason", "-m", help="Why: the registry keeps it.", metavar="TEXT")
    ],
    yes: Yes = False,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Reject a version, as Studio does. If it serves, the version before comes back at once."""
    from greenlight.connection import connected, stack_of
    from greenlight.output import Output
    from greenlight.steering.deciding import about_rejecting

    with connected(profile, region, stack_of(stack, stage)) as connection:
        output = Output(as_json=as_json)
        return _decide(connection, output, group, version, "Rejected", reason, about_rejecting, yes=yes)


def _decide(
    connection: "Connection",
    output: "Output",
    group: str,
    version: int,
    status: "Status",
    description: str | None,
    about: "Callable[[Candidate, Sequence[Standing]], list[str]]",
    *,
    yes: bool,
) -> int:
    from greenlight.steering.asking import ask, one_call
    from greenlight.steering.deciding import decide, demand_short, read_candidate
    from greenlight.steering.following import followers

    demand_short(description)
    candidate = read_candidate(connection, group, version)
    standings = followers(connection, candidate)
    verb = "Approve" if status == "Approved" else "Reject"
    if not output.as_json:
        output.write("\n".join(about(candidate, standings)))
    ask(f"{verb} it?", yes=yes)
    with one_call(verb.lower(), f"greenlight history, and the registry: {candidate.arn}"):
        decide(connection, candidate, status, description)
    names = [each.name for each in standings]
    lines = [f"{output.symbols.done} v{candidate.number} of {candidate.group} is {status}."]
    for name in names:
        option = f" --version {candidate.number}" if status == "Approved" else ""
        lines.append(f"  Follow it: greenlight watch {name}{option}")
    document = {
        "format": 1,
        "version": candidate.number,
        "version_arn": candidate.arn,
        "group": candidate.group,
        "before": candidate.status,
        "now": status,
        "description": description,
        "endpoints": names,
    }
    output.tell(document, lambda _: "\n".join(lines))
    return 0
