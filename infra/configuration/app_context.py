"""Owns the context keys of this app: the one place where they are named, explained and checked.

Set them in `cdk.json` under "context", or on the command line: `cdk deploy -c sweep_minutes=5`. Values from
the command line are strings, so every reader here takes both.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, TypeVar

from infra.configuration.iam_quotas import MANAGED_POLICIES, MOST_MANAGED_POLICIES
from infra.configuration.stages_context import KEYS, read_accounts
from infra.settings.aws_shapes import shape
from infra.settings.problem import Problem, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from infra.configuration.registry_and_stages import Registry, Stage

PLACE: Final = "context (cdk.json, or -c key=value)"

LOG_RETENTION_DAYS: Final = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""What CloudWatch Logs accepts (logs:PutRetentionPolicy)."""

_STACK_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_EMAIL: Final = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")
_ROLE_ARN: Final = re.compile(shape("RoleArn").metadata["pattern"])
_UUID: Final = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_CHANNEL: Final = re.compile(
    r"slack:[0-9A-Z]{1,255}/[A-Za-z0-9]{1,255}"
    rf"|teams:{_UUID}/{_UUID}/[\w=+/.,-]*%3[aA][\w=+/.,-]*%40[\w=+/.,-]*",
    re.ASCII,
)
"""Shapes of Amazon Q Developer's API (botocore, chatbot: `SlackTeamId`, `UUID`, `TeamsChannelId`)."""
_ADDRESS: Final = re.compile(r"https://[\w.:-]+(/[\w.~:/@%+=-]*)?", re.ASCII)
_PLAIN_KEY: Final = re.compile(r"[a-z][a-z0-9_]*")
_LONGEST_STACK_NAME: Final = 128

LONGEST_HISTORY_DAYS: Final = 36_500
"""A hundred years: DynamoDB keeps items for ever without an expiry."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Hold the app's configuration; each field is a context key of the same name."""

    stack_name: str = "Greenlight"
    """The CloudFormation stack, and the value of the tag `greenlight:stack` on all that is deployed by it."""
    endpoints_dir: str = "endpoints"
    """The directory of endpoint settings, relative to the directory of `cdk.json`."""
    sweep_minutes: int = 15
    """How often everything is looked at, event or not: from 1 to 1440."""
    execution_role_arn: str | None = None
    """The role that models run with. Without it, a role is made that can do what plain models need."""
    model_buckets: tuple[str, ...] = ()
    """S3 buckets that the made role may read; by default SageMaker's own, sagemaker-<region>-<account>."""
    managed_policies_per_role: int = MANAGED_POLICIES
    """How many managed policies a role may have: the account's quota, from 10 to 20."""
    log_retention_days: int = 90
    """How long the deployer's logs are kept."""
    history_days: int | None = None
    """After how many days without a change the journal's history of approvals and attempts expires, from 1 to
    36500. Without it, history is kept for ever. No decision needs it."""
    outcome_emails: tuple[str, ...] = ()
    """Addresses that get every outcome by mail, once they have confirmed the subscription."""
    chat_channels: tuple[str, ...] = ()
    """Channels of Slack and Teams that get every outcome: `slack:workspace/channel` or
    `teams:tenant/team/channel`, by their ids."""
    studio_url: str | None = None
    """The address of the SageMaker Studio domain in which people open the registry, for links."""
    runbook_url: str | None = None
    """The address at which people read the folder docs/, for links."""
    registry: Registry | None = None
    """The account whose groups the stages deploy from; without it, all is one account and one stage."""
    stages: Mapping[str, Stage] = field(default_factory=dict)
    """By name, in which accounts endpoints are served, and which versions each takes."""


def shared_context(home: Path) -> frozenset[str]:
    """List the context keys of `~/.cdk.json`, which the CDK CLI hands to every app of its user."""
    try:
        document = json.loads((home / ".cdk.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()  # the CLI has complained of it already
    context = document.get("context") if isinstance(document, dict) else None
    return frozenset(context) if isinstance(context, dict) else frozenset()


def read_configuration(
    context: Mapping[str, Any], *, shared: Collection[str] = ()
) -> tuple[Configuration, list[Problem]]:
    """Read the app's keys out of the whole CDK context.

    The context also holds CDK's own keys, which all have a colon, a slash, an at sign or a hyphen in them.
    Any other key that is not ours is a problem, as is one that looks like a misspelling of ours. Keys that
    are `shared` by all apps of the user may be another app's: only a misspelling of ours is a problem then.
    """
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for key, value in ((key, value) for key, value in context.items() if key not in KEYS):
        if key in _READERS:
            try:
                values[key] = _READERS[key](value)
            except _RefusedError as error:
                problems.append(Problem(PLACE, 0, key, shown(value), error.expected, error.fix))
        elif _misspells(key) or (_PLAIN_KEY.fullmatch(key) and key not in shared):
            known = ", ".join(each.name for each in fields(Configuration))
            meant = nearest(key, [*_READERS, *KEYS], count=1)
            fix = f"did you mean {meant[0]}?" if meant else "remove it"
            place = "context (~/.cdk.json)" if key in shared else PLACE
            problems.append(Problem(place, 0, key, "an unknown key", f"one of {known}", fix))
    if values.get("execution_role_arn") and values.get("model_buckets"):
        expected = "one of the two: buckets are granted to the made role only"
        fix = "remove it, and grant the passed role access to the buckets"
        problems.append(Problem(PLACE, 0, "model_buckets", "both it and execution_role_arn", expected, fix))
    registry, stages, found = read_accounts(context, PLACE)
    problems += found
    if registry is not None:
        problems += _beside_stages(values)
    return Configuration(**values, registry=registry, stages=stages), problems


def _beside_stages(values: dict[str, Any]) -> Iterator[Problem]:
    """Find, and take out, what cannot be the same in every account."""
    for key in ("execution_role_arn", "model_buckets"):
        if values.pop(key, None):
            expected = "no such key beside stages: each account has roles and buckets of its own"
            fix = "move it to stages.<name>.execution_role_arn, or to registry.groups.<name>.artifacts"
            yield Problem(PLACE, 0, key, "it and stages", expected, fix)


def _misspells(key: str) -> bool:
    """Tell `sweepMinutes` and `sweep-minutes` from the hyphenated keys that are CDK's own."""
    letters = key.replace("-", "").replace("_", "").lower()
    return letters in {known.replace("_", "") for known in (*_READERS, *KEYS)}


class _RefusedError(Exception):
    def __init__(self, expected: str, fix: str) -> None:
        super().__init__(expected)
        self.expected, self.fix = expected, fix


def _text(pattern: re.Pattern[str], expected: str, fix: str, longest: int = 2048) -> Callable[[Any], str]:
    def read(value: object) -> str:
        if isinstance(value, str) and len(value) <= longest and pattern.fullmatch(value):
            return value
        raise _RefusedError(expected, fix)

    return read


def _number(allowed: range | tuple[int, ...], expected: str, fix: str) -> Callable[[Any], int]:
    def read(value: object) -> int:
        text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
        if text.isdecimal() and int(text) in allowed:
            return int(text)
        raise _RefusedError(expected, fix)

    return read


def _several(read_one: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    def read(value: object) -> tuple[T, ...]:
        items = [item.strip() for item in value.split(",")] if isinstance(value, str) else value
        if not isinstance(items, list):
            raise _RefusedError("a list, or one string with commas", "write [...] in cdk.json, or -c key=a,b")
        return tuple(dict.fromkeys(read_one(item) for item in items if item != ""))

    return read


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "stack_name": _text(
        _STACK_NAME,
        "a CloudFormation stack name",
        "use letters, digits and hyphens, a letter first",
        _LONGEST_STACK_NAME,
    ),
    "endpoints_dir": _text(re.compile(r".*\S.*"), "a directory", "name the directory of the YAML files"),
    "sweep_minutes": _number(range(1, 1441), "minutes from 1 to 1440", "choose 15, say"),
    "execution_role_arn": _text(_ROLE_ARN, "the ARN of an IAM role", "copy it from the role's page"),
    "model_buckets": _several(
        _text(_BUCKET, "names of S3 buckets", "write names only, without s3:// and without a path")
    ),
    "managed_policies_per_role": _number(
        range(MANAGED_POLICIES, MOST_MANAGED_POLICIES + 1),
        f"a number from {MANAGED_POLICIES} to {MOST_MANAGED_POLICIES}",
        "leave it out, unless the account's IAM quota is raised",
    ),
    "log_retention_days": _number(
        LOG_RETENTION_DAYS, f"one of {', '.join(map(str, LOG_RETENTION_DAYS))}", "choose one of them"
    ),
    "history_days": _number(
        range(1, LONGEST_HISTORY_DAYS + 1),
        f"days from 1 to {LONGEST_HISTORY_DAYS}",
        "choose 400, say, or leave it out to keep history for ever",
    ),
    "outcome_emails": _several(_text(_EMAIL, "e-mail addresses", "write name@example.com")),
    "chat_channels": _several(
        _text(
            _CHANNEL,
            "channels by their ids",
            "write slack:T0123456789/C0123456789, or teams:<tenant id>/<team id>/<channel id>",
        )
    ),
    "studio_url": _text(
        _ADDRESS, "an https address", "copy it from Studio's address bar, without what follows the host"
    ),
    "runbook_url": _text(_ADDRESS, "an https address", "name the folder that has operations.md"),
}
