"""`greenlight resume`: ends a pause. The next sweep rolls out the newest approval that stands then."""

from datetime import UTC, datetime

from greenlight.commands.pause import All, Which, which
from greenlight.errors import CommandError
from greenlight.options import STACK, Json, Profile, Region, Stack, Stage


def resume(
    endpoint: Which = None,
    *,
    of_all: All = False,
    profile: Profile = None,
    region: Region = None,
    stack: Stack = STACK,
    stage: Stage = None,
    as_json: Json = False,
) -> int:
    """End the pause of one endpoint, or the one of --all. What waits goes out with the next sweep."""
    from greenlight.connection import connected, stack_of
    from greenlight.journal import journal_of
    from greenlight.output import Output
    from greenlight.steering.asking import one_call
    from greenlight.steering.pausing import end_pause, pause_document, pause_words, same

    name, now = which(endpoint, of_all=of_all, verb="resume"), datetime.now(UTC)
    with connected(profile, region, stack_of(stack, stage)) as connection:
        journal = journal_of(connection.client("dynamodb"), connection.stack.table_name)
        pauses = journal.pauses.all()
        ended = same(pauses, name)
        if ended is None:
            others = "; ".join(pause_words(each, now, None) for each in pauses)
            raise CommandError(
                f"Nothing pauses {name or 'all endpoints'}.",
                f"There is another pause: {others}." if others else "The journal has no pause.",
                "End that one: greenlight resume" if others else "See what waits, and why: greenlight status",
            )
        with one_call("resume", "greenlight status"):
            end_pause(connection, name)
    output = Output(as_json=as_json)
    stands = {None, name} if name is not None else {each.endpoint_name for each in pauses}
    left = [each for each in pauses if each is not ended and each.endpoint_name in stands]
    lines = [f"{output.symbols.good} Over: {pause_words(ended, now, None)}."]
    lines += [f"  Still {pause_words(each, now, None)}." for each in left]
    lines.append("  The next sweep, in 15 minutes at most by default, rolls out what waits.")
    document = {
        "format": 1,
        "ended": pause_document(ended),
        "left": [pause_document(each) for each in left],
    }
    output.tell(document, lambda _: "\n".join(lines))
    return 0
