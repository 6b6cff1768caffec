"""`greenlight plan`: what the settings here, or a decision, would do to the endpoints there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from greenlight.commands.check import DIRECTORY, Context, Directory, pair
from greenlight.commands.why import read_version
from greenlight.errors import CommandError, ExitCode
from greenlight.options import STACK, Json, Profile, Region, Stack, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from greenlight.connection import Connection
    from greenlight.planning.outlook import Outlook
    from greenlight.planning.reading import Deployed, QuotasOf

Decision = tuple[str, str]

Approve = Annotated[
    Decision | None,
    typer.Option("--approve", help="What the approval of a version would do.", metavar="GROUP VERSION"),
]
Reject = Annotated[
    Decision | None,
    typer.Option("--reject", help="What the rejection of a version would do.", metavar="GROUP VERSION"),
]


def plan(
    directory: Directory = DIRECTORY,
    *,
    approve: Approve = None,
    reject: Reject = None,
    context: Context = None,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Say what the settings here would do to the endpoints there, or what a decision would do."""
    if approve is not None and reject is not None:
        raise CommandError(
            "Two decisions cannot be planned at once.",
            "--approve and --reject were both given.",
            "Plan one after the other.",
        )
    from greenlight.connection import connected, stack_of
    from greenlight.output import Output
    from greenlight.planning.outlook import document
    from greenlight.planning.view import plan_view

    named = stack_of(stack, stage)
    look = _look_at_decision(approve, reject) or _look_at_settings(directory, context, named)
    with connected(profile, region, named) as connection:
        outlooks = look(connection)
    Output(as_json=as_json).tell(document(outlooks), lambda symbols: plan_view(outlooks, symbols))
    is_bad = any(each.is_bad_news for each in outlooks)
    return ExitCode.BAD_NEWS if is_bad else ExitCode.FINE


def _look_at_decision(
    approve: Decision | None, reject: Decision | None
) -> "Callable[[Connection], list[Outlook]] | None":
    decision = approve or reject
    if decision is None:
        return None
    group, number = decision[0], read_version(decision[1])

    def look(connection: "Connection") -> "list[Outlook]":
        from deployer.model.identity import Identity
        from greenlight.planning.reading import Proposal, plan_decision

        status = "Approved" if approve is not None else "Rejected"
        proposal = Proposal(group, number, status, Identity(iam_arn=connection.caller_arn))
        return plan_decision(_deployed(connection), proposal, connection.client, _quotas(connection))

    return look


def _look_at_settings(
    directory: Path, context: list[str] | None, stack: str
) -> "Callable[[Connection], list[Outlook]]":
    from greenlight.planning.reading import plan_settings, settings_here

    here = settings_here(directory, dict(map(pair, context or ())), stack)
    return lambda connection: plan_settings(_deployed(connection), here, _quotas(connection))


def _quotas(connection: "Connection") -> "QuotasOf":
    from greenlight.doctor.reading.quotas import read_quotas

    return lambda instance_types: read_quotas(connection, instance_types)


def _deployed(connection: "Connection") -> "Deployed":
    from greenlight.deployed_settings import deployed_function, environment_of, settings_of
    from greenlight.planning.reading import Deployed
    from greenlight.previewing import Previews

    function = deployed_function(connection)
    settings = settings_of(function)
    return Deployed(settings, Previews(connection.client, environment_of(function), settings))
