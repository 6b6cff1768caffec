"""`greenlight why`: why a version serves on an endpoint or does not, by the deployer's own decision."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from greenlight.errors import CommandError, ExitCode
from greenlight.options import STACK, Json, Profile, Region, Stack, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from deployer.decisions.course import Preview
    from deployer.model.model_version import Hidden, ModelVersion
    from deployer.model.settings import EndpointSettings
    from greenlight.output import Symbols
    from greenlight.previewing import Previews
    from greenlight.why.account import Account

EndpointName = Annotated[str, typer.Argument(help="The endpoint.", metavar="ENDPOINT")]
Version = Annotated[
    str | None,
    typer.Argument(help="The version's number, as 3 or v3. By default all.", metavar="[VERSION]"),
]


def why(
    endpoint: EndpointName,
    version: Version = None,
    *,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Say why a version serves or does not, what happened to it, and what would change it."""
    number = read_version(version) if version is not None else None
    from greenlight.connection import connected, stack_of
    from greenlight.deployed_settings import (
        deployed_function,
        environment_of,
        settings_for,
        settings_of,
    )
    from greenlight.output import Output
    from greenlight.previewing import Previews
    from greenlight.why.account import document
    from greenlight.why.view import WhyView

    with connected(profile, region, stack_of(stack, stage)) as connection:
        function = deployed_function(connection)
        deployed = settings_of(function)
        settings = settings_for(endpoint, deployed)
        previews = Previews(connection.client, environment_of(function), deployed)
        account = read_account(settings, previews, number)

    def view(symbols: "Symbols") -> "RenderableType":
        shown = WhyView(account, symbols, datetime.now(UTC), None)
        return shown.one() if number is not None else shown.several()

    Output(as_json=as_json).tell(document(account), view)
    return ExitCode.FINE


def read_version(text: str) -> int:
    """Return a version's number.

    Raises:
        CommandError: It is none.
    """
    digits = text.removeprefix("v")
    if not digits.isdecimal():
        raise CommandError(
            f"{text} is no version.",
            "A version is its number in the group, such as 3 or v3.",
            "See the endpoint's versions: greenlight why ENDPOINT",
        )
    return int(digits)


def read_account(settings: "EndpointSettings", previews: "Previews", number: int | None) -> "Account":
    """Try a pass over an endpoint, and read the versions that are asked about."""
    from greenlight.why.account import account_of

    seen = previews.of(settings)
    return account_of(settings.endpoint_name, seen, dict(_asked(seen, settings, previews, number)))


def _asked(
    seen: "Preview", settings: "EndpointSettings", previews: "Previews", number: int | None
) -> "Iterator[tuple[str, ModelVersion | Hidden | None]]":
    from greenlight.why.account import arn_of, known_versions

    if number is not None:
        found = previews.version(settings, number)
        yield arn_of(seen, number, found), found
        return
    for arn in known_versions(seen):
        # What the pass read is as fresh as another read.
        read = seen.facts.versions.get(arn.lower())
        yield arn, read if read is not None else previews.gateways.registry.describe_version(arn)
