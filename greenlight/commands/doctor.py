"""`greenlight doctor`: what an approval needs on its way to an endpoint, and what of it is missing."""

from typing import TYPE_CHECKING, Annotated

import typer

from greenlight.commands.check import DIRECTORY, Context, pair
from greenlight.errors import CommandError
from greenlight.options import STACK, Endpoint, Json, Profile, Region, Stack, Stage

if TYPE_CHECKING:
    from greenlight.connection import Connection
    from infra.stages.carried_stage import CarriedStage

Groups = Annotated[
    list[str] | None,
    typer.Option(
        "--group", help="A model package group. By default all that endpoints follow.", metavar="GROUP"
    ),
]
Version = Annotated[
    str | None,
    typer.Option(
        "--version", help="A version's ARN. By default the newest approved, or the newest.", metavar="ARN"
    ),
]
RegistryProfile = Annotated[
    str | None,
    typer.Option("--registry-profile", help="The AWS profile of the registry's account.", metavar="NAME"),
]


def doctor(
    endpoint: Endpoint = None,
    *,
    group: Groups = None,
    version: Version = None,
    registry_profile: RegistryProfile = None,
    context: Context = None,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Check what an approval needs to serve; say what is missing, why it matters, and what to add."""
    from greenlight.connection import connected, stack_of
    from greenlight.doctor.examination import document
    from greenlight.doctor.examining import examine_stack, examine_stage
    from greenlight.doctor.scope import Scope
    from greenlight.doctor.view import examination_view
    from greenlight.output import Output

    scope = Scope(endpoint, tuple(group or ()), version)
    named = stack_of(stack, stage)
    carried = _stage_here(dict(map(pair, context or ())), named)
    if carried is None:
        with connected(profile, region, named) as connection:
            examination = examine_stack(connection, scope)
    else:
        place = _region_of(carried, region)
        with connected(profile, place, named) as here:
            _ = here.caller_arn  # whose it is, before anybody else is asked
            registry = _identified(registry_profile, place, named) if registry_profile else None
            examination = examine_stage(carried, scope, here, registry)
    Output(as_json=as_json).tell(
        document(examination), lambda symbols: examination_view(examination, symbols)
    )
    return examination.exit_code


def _stage_here(given: dict[str, str], stack: str) -> "CarriedStage | None":
    """Return the stage of the project in this directory that a stack is of; None if it has no stages."""
    if not given and not (DIRECTORY / "cdk.json").is_file():
        return None
    from greenlight.checking import read_project, refuse_mistakes, stage_of

    project = read_project(DIRECTORY, given)
    # A registry or stages that cannot be read look like none.
    refuse_mistakes(project.mistakes, DIRECTORY, "nobody can tell what the stage needs")
    if project.configuration.registry is None:
        return None
    stage, problems = stage_of(project, stack)
    refuse_mistakes(problems, DIRECTORY, "nobody can tell what the stage needs")
    return stage


def _region_of(stage: "CarriedStage", region: str | None) -> str:
    if region not in (None, stage.names.region):
        raise CommandError(
            f"The stage {stage.names.stage_name} is not in {region}.",
            f"The project puts it into {stage.names.region}.",
            "Leave --region out.",
        )
    return stage.names.region


def _identified(profile: str | None, region: str | None, stack: str) -> "Connection":
    """Connect, and ask AWS who that is: without credentials, no other read makes sense."""
    from greenlight.connection import connected

    with connected(profile, region, stack) as connection:
        _ = connection.caller_arn
        return connection
