"""`greenlight remove`: deletes what is left of an endpoint that nobody manages any more."""

from typing import TYPE_CHECKING, Annotated

import typer

from greenlight.options import STACK, Json, Profile, Region, Stack, Stage

if TYPE_CHECKING:
    from greenlight.removing.remains import Remains

Name = Annotated[str, typer.Argument(help="The endpoint, whose YAML is gone.", metavar="ENDPOINT")]


def remove(
    endpoint: Name,
    *,
    keep_endpoint: Annotated[
        bool,
        typer.Option("--keep-endpoint", help="Leave the endpoint, and take the stack's tags off it."),
    ] = False,
    delete_endpoint: Annotated[
        bool, typer.Option("--delete-endpoint", help="Delete also an endpoint that serves, without its name.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask. For an endpoint that serves, say which as well.")
    ] = False,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """Delete what is left of an endpoint that is not managed any more. Asks first."""
    from datetime import UTC, datetime

    from greenlight.connection import connected, stack_of
    from greenlight.deployed_settings import deployed_settings
    from greenlight.errors import CommandError
    from greenlight.output import Output
    from greenlight.removing.deleting import Removal
    from greenlight.removing.remains import read_remains
    from greenlight.removing.view import document, lines

    if keep_endpoint and delete_endpoint:
        raise CommandError(
            "It is not clear what becomes of the endpoint.",
            "--keep-endpoint leaves it, and --delete-endpoint deletes it.",
            "Say one of the two.",
        )
    output = Output(as_json=as_json)
    with connected(profile, region, stack_of(stack, stage)) as connection:
        remains = read_remains(connection, endpoint, datetime.now(UTC), deployed_settings)
        if not as_json and not remains.is_nothing:
            output.write("\n".join(lines(remains, output.symbols, keeps_endpoint=keep_endpoint)))
        if not remains.is_nothing:
            _ask(remains, keep_endpoint=keep_endpoint, delete_endpoint=delete_endpoint, yes=yes)
            Removal(connection, remains, keeps_endpoint=keep_endpoint).run()
    done = f"{output.symbols.done} Nothing is left of {endpoint}."
    if keep_endpoint and remains.endpoint is not None:
        done = f"{output.symbols.done} {endpoint} serves on, and is nobody's. The rest is deleted."
    told = document(remains, removed=not remains.is_nothing, keeps_endpoint=keep_endpoint)
    output.tell(told, lambda _: done)
    return 0


def _ask(remains: "Remains", *, keep_endpoint: bool, delete_endpoint: bool, yes: bool) -> None:
    """Ask. To delete an endpoint that serves, a person types its name, or gives --delete-endpoint.

    Raises:
        CommandError: The answer is no, or nobody can be asked.
    """
    from greenlight.errors import CommandError, ExitCode
    from greenlight.steering.asking import ask, demand_somebody

    if remains.endpoint is None or keep_endpoint:
        ask("Delete it?" if not keep_endpoint else "Take the tags off, and delete the rest?", yes=yes)
        return
    question = f"{remains.name} answers nobody from then on. Type its name to delete it"
    demand_somebody(question, answered=yes and delete_endpoint, beforehand="--yes --delete-endpoint")
    if delete_endpoint:
        ask("Delete it, with the endpoint?", yes=yes)
    elif typer.prompt(question, err=True) != remains.name:
        raise CommandError(
            "Nothing was deleted.",
            "That is not the endpoint's name.",
            f"Or leave it, and only take the tags off: greenlight remove {remains.name} --keep-endpoint",
            code=ExitCode.BAD_NEWS,
        )
