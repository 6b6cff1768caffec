"""`greenlight adopt`: takes over an endpoint that people made by hand, as it is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from greenlight.options import STACK, Json, Profile, Region, Stack, Stage

if TYPE_CHECKING:
    from greenlight.adopting.proposal import Proposal
    from greenlight.connection import Connection
    from greenlight.output import Output
    from greenlight.previewing import Previews

DIRECTORY = Path()

Name = Annotated[str, typer.Argument(help="The endpoint that was made by hand.", metavar="ENDPOINT")]
Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        help="The model package group that it is to follow. By default it is found.",
        metavar="GROUP",
    ),
]
Project = Annotated[Path, typer.Option("--directory", help="The project, with its cdk.json.", metavar="DIR")]


def adopt(
    endpoint: Name,
    *,
    group: Group = None,
    directory: Project = DIRECTORY,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Tag it without asking.")] = False,
    no_tag: Annotated[bool, typer.Option("--no-tag", help="Only write the YAML.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Overwrite the endpoint's YAML without asking.")
    ] = False,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Take over an endpoint that was made by hand, so that the first deployment changes nothing."""
    from greenlight.adopting.place import place_of
    from greenlight.adopting.proposal import propose
    from greenlight.adopting.view import changes_nothing, document
    from greenlight.connection import connected, stack_of
    from greenlight.errors import CommandError, ExitCode
    from greenlight.output import Output
    from greenlight.steering.asking import demand_somebody

    if yes and no_tag:
        raise CommandError(
            "It is not clear whether to tag the endpoint.",
            "--yes tags it, and --no-tag does not.",
            "Say one of the two.",
        )
    named = stack_of(stack, stage)
    question = f"Tag {endpoint} as {named}'s now?"
    demand_somebody(question, answered=yes or no_tag, beforehand="--yes or --no-tag")
    place = place_of(directory, endpoint, named)
    output = Output(as_json=as_json)
    with connected(profile, region, named) as connection:
        previews = _previews(connection, endpoint)
        proposal = propose(endpoint, group, place, previews, connection.client)
        written = _write(proposal, place.file, overwrite=overwrite)
        _show(proposal, place.file, output, written=written)
        tagged = _tag(proposal, connection, question, yes=yes, no_tag=no_tag)
    if as_json:
        output.write_json(document(proposal, place.file, written=written, tagged=tagged))
    else:
        output.write("\n".join(_next_steps(endpoint, output, tagged=tagged)))
    return ExitCode.FINE if changes_nothing(proposal) else ExitCode.BAD_NEWS


def _previews(connection: "Connection", name: str) -> "Previews":
    from deployer.contract import STACK_TAG
    from greenlight.deployed_settings import deployed_function, environment_of, settings_of
    from greenlight.errors import CommandError
    from greenlight.previewing import Previews

    function = deployed_function(connection)
    deployed = settings_of(function)
    previews = Previews(connection.client, environment_of(function), deployed)
    if name in deployed.digests:
        found = previews.gateways.endpoints.describe(name)
        tags = previews.gateways.tags.read(found.arn) if found is not None else {}
        if tags.get(STACK_TAG) == connection.stack.name:
            raise CommandError(
                f"{name} is managed already.",
                f"The deployed settings have it, and its tag says that it is {connection.stack.name}'s.",
                f"See how it stands: greenlight status {name}",
            )
    return previews


def _write(proposal: "Proposal", file: Path, *, overwrite: bool) -> bool:
    """Write the YAML, after asking if there is another one; return whether it was written."""
    from datetime import UTC, datetime

    from greenlight.adopting.writing import file_text, holds, write_file
    from greenlight.steering.asking import ask, demand_somebody

    if holds(file, proposal.content):
        return False
    if file.exists():
        question = f"{file} has other settings. Overwrite it?"
        demand_somebody(question, answered=overwrite, beforehand="--overwrite")
        ask(question, yes=overwrite)
    has_schema = (file.parent / "schema.json").exists()
    write_file(file, file_text(proposal, now=datetime.now(UTC), has_schema=has_schema))
    return True


def _show(proposal: "Proposal", file: Path, output: "Output", *, written: bool) -> None:
    from greenlight.adopting.view import lines
    from greenlight.planning.view import plan_view

    if not output.as_json:
        output.write("\n".join(lines(proposal, file, output.symbols, written=written)))
        output.write(plan_view([proposal.outlook], output.symbols))


def _tag(proposal: "Proposal", connection: "Connection", question: str, *, yes: bool, no_tag: bool) -> bool:
    """Tag the endpoint if it is wanted; return whether it has the tags."""
    from greenlight.adopting.writing import tag
    from greenlight.steering.asking import agrees, one_call

    if proposal.is_tagged:
        return True
    if no_tag or not agrees(question, yes=yes):
        return False
    with one_call("tag the endpoint", "greenlight plan"):
        tag(proposal, connection.client)
    return True


def _next_steps(name: str, output: "Output", *, tagged: bool) -> list[str]:
    if not tagged:
        return [
            "It is not tagged, so the deployer leaves it alone.",
            f"  Tag it later: greenlight adopt {name} --yes",
        ]
    return [
        f"{output.symbols.done} {name} is tagged.",
        "  Deploy its settings: npx cdk deploy --all",
    ]
