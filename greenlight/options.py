"""Owns the options that verbs share, and the connection that they describe."""

from typing import Annotated

import typer

Profile = Annotated[
    str | None,
    typer.Option(
        "--profile", help="The AWS profile. By default as AWS's own tools choose it.", metavar="NAME"
    ),
]
Region = Annotated[
    str | None,
    typer.Option("--region", help="The AWS region. By default the profile's.", metavar="REGION"),
]
Stack = Annotated[
    str,
    typer.Option(
        "--stack",
        help="Greenlight's stack.",
        metavar="STACK",
        envvar="GREENLIGHT_STACK",
    ),
]
Stage = Annotated[
    str | None,
    typer.Option("--stage", help="A stage of several accounts: its stack is STACK-STAGE.", metavar="STAGE"),
]
Stages = Annotated[
    list[str] | None,
    typer.Option(
        "--stage",
        help="A stage of several accounts: its stack is STACK-STAGE. With =PROFILE, the AWS profile for its "
        "account. Several times for several stages.",
        metavar="STAGE[=PROFILE]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON, as greenlight/schemas describes it.")]

STACK = "Greenlight"
"""The stack's name, unless the CDK app's context key `stack_name` gives another one."""

Endpoint = Annotated[
    str | None, typer.Argument(help="The endpoint. By default all of the stack's.", metavar="[ENDPOINT]")
]
