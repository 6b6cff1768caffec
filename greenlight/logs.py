"""Reads log lines: the last ones of a time, in a bounded number of calls."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from rich.console import Group
from rich.text import Text

from greenlight.errors import CommandError
from greenlight.fleet.document import stack_document
from greenlight.words import clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from greenlight.connection import Connection, DeployedStack
    from greenlight.output import Symbols

_MOST_PAGES: Final = 50
"""CloudWatch's pages have up to 10,000 lines or 1 MB; it may also answer with empty ones."""

_LEVELS: Final = {"ERROR": "bad", "CRITICAL": "bad", "WARNING": "held"}
_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class Source:
    """Whose log is read.

    Attributes:
        log_group: The log group.
        pattern: CloudWatch's filter; empty for all lines.
        words: Whose it is, in words.
    """

    log_group: str
    pattern: str
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        at: When it was written.
        stream: The log stream: an instance's variant and id, or a Lambda instance.
        message: What it says.
    """

    at: datetime
    stream: str
    message: str


@dataclass(frozen=True, slots=True)
class Lines:
    """What was read.

    Attributes:
        lines: The last lines, oldest first.
        left_out: How many older ones were left out.
        is_cut: Whether the reading ended before the present: there were too many pages.
    """

    lines: tuple[Line, ...]
    left_out: int
    is_cut: bool


def source_of(stack: DeployedStack, endpoint: str | None, *, of_deployer: bool) -> Source:
    """Return whose log is meant."""
    if not of_deployer:
        return Source(f"/aws/sagemaker/Endpoints/{endpoint}", "", f"the containers of {endpoint}")
    if endpoint is None:
        return Source(stack.log_group_name, "", "the deployer")
    # A quoted term: the lines are JSON, and name the endpoint in several members.
    return Source(stack.log_group_name, f'"{endpoint}"', f"the deployer about {endpoint}")


def read_lines(connection: Connection, source: Source, begin: datetime, end: datetime, limit: int) -> Lines:
    """Read the last lines of a time.

    Raises:
        CommandError: There is no such log.
    """
    client = connection.client("logs")
    kept: deque[Line] = deque(maxlen=limit)
    count = 0
    token: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        request: dict[str, Any] = {
            "logGroupName": source.log_group,
            "startTime": _milliseconds(begin),
            "endTime": _milliseconds(end),
            **({"filterPattern": source.pattern} if source.pattern else {}),
            **token,
        }
        try:
            page: Mapping[str, Any] = client.filter_log_events(**request)
        except ClientError as error:
            raise _explained(error, source) from error
        for event in page.get("events", ()):
            count += 1
            at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
            kept.append(Line(at, event.get("logStreamName", ""), event["message"].rstrip("\n")))
        if "nextToken" not in page:
            return Lines(tuple(kept), count - len(kept), is_cut=False)
        token = {"nextToken": page["nextToken"]}
    return Lines(tuple(kept), count - len(kept), is_cut=True)


def _explained(error: ClientError, source: Source) -> Exception:
    if error.response["Error"]["Code"] != "ResourceNotFoundException":
        return error
    return CommandError(
        f"There is no log of {source.words}.",
        f"CloudWatch has no log group {source.log_group}: nothing ran there, or it was deleted.",
        "See what there is: greenlight status",
    )


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def lines_view(
    source: Source, found: Lines, begin: datetime, now: datetime, symbols: Symbols
) -> RenderableType:
    """Return the view of lines: the newest stands last, above the prompt."""
    parts: list[RenderableType] = []
    if found.left_out:
        told = f"{found.left_out} older lines are left out: --limit shows more."
        parts.append(Text(told, style="quiet"))
    parts += [_shown(each, now) for each in found.lines]
    if found.is_cut:
        parts.append(Text(f"{symbols.attention} There is more: name a later --since.", style="held"))
    if not found.lines:
        parts.append(Text(f"{source.words.capitalize()}: no line since {clock(begin, now, None)}."))
    return Group(*parts)


def _shown(line: Line, now: datetime) -> Text:
    text = Text(f"{clock(line.at, now, None)}:{line.at:%S}  ", style="quiet")
    level, message = _parsed(line.message)
    if level is not None:
        text.append(f"{level:<8}", style=_LEVELS.get(level, "quiet"))
    return text.append(message[:_LONGEST], style=_LEVELS.get(level or "", "not dim"))


def _parsed(message: str) -> tuple[str | None, str]:
    """Return the level and the message of a line of the deployer's JSON; others are shown as they are."""
    try:
        document = json.loads(message)
    except ValueError:
        return None, message
    if not isinstance(document, dict) or not isinstance(document.get("message"), str):
        return None, message
    about = document.get("endpoint_name") or document.get("endpoint")
    said = document["message"]
    return str(document.get("level", "")), f"{about}: {said}" if about and about not in said else said


def logs_document(source: Source, found: Lines, stack: DeployedStack) -> dict[str, Any]:
    """Return the JSON document of lines, oldest first."""
    return {
        "format": 1,
        "stack": stack_document(stack),
        "log_group": source.log_group,
        "lines": [
            {"at": each.at.isoformat(), "stream": each.stream, "message": each.message}
            for each in found.lines
        ],
        "left_out": found.left_out,
        "is_cut": found.is_cut,
    }
