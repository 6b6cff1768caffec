"""Makes a timeline of an endpoint's approvals and attempts, and says what served at some time. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Final

from deployer.gateways.requests import RESTART, RETRY, ROLLBACK
from deployer.model.approval import Approval
from deployer.model.attempt import Attempt, AttemptStatus, Bake, CleanUp, Deployment, Promotion
from greenlight.words import first_sentence, version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Item = Approval | Attempt
"""What the journal's history holds."""

BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


class Kind(Enum):
    """What happened."""

    SERVING = "serving"
    BACK = "back"
    """An older version came back, in the place of one that was given up."""

    ABORTED = "aborted"
    FAILED = "failed"
    UNDER_WAY = "under_way"
    PROMOTED = "promoted"
    NOT_PROMOTED = "not_promoted"
    APPROVED = "approved"
    """An approval that led to no deployment, or to none yet."""

    IGNORED = "ignored"


_LIVE: Final = frozenset({Kind.SERVING, Kind.BACK, Kind.FAILED})
"""What a version that is given up may have been before."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator asked the deployer for.

    Attributes:
        verb: The verb of the command: `rollback`, `retry` or `restart`.
        by: Who asked.
        at: When.
        reason: Why, if that was asked.
    """

    verb: str
    by: str
    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline.

    Attributes:
        endpoint_name: The endpoint.
        at: When it began.
        kind: What happened.
        version: The version that it is about.
        version_arn: Its ARN.
        by: Who approved it.
        seconds: How long it took; None if it is not over, or took no time.
        instead_of: The version that was given up, if an older one came back.
        was_rejected: Whether that one had served well, so that its approval was taken back.
        detail: More in words: the reason of a failure, the next stage of a promotion.
        number: The attempt's number; None of an approval.
        endpoint_config_name: The config of the attempt.
        asked: What an operator asked for, if it is the doing of that.
    """

    endpoint_name: str
    at: datetime
    kind: Kind
    version: int
    version_arn: str
    by: str
    seconds: float | None = None
    instead_of: int | None = None
    was_rejected: bool = False
    detail: str = ""
    number: int | None = None
    endpoint_config_name: str | None = None
    asked: Wish | None = None


def merged(attempts: Iterable[Attempt], approvals: Iterable[Approval]) -> Iterator[Item]:
    """Merge attempts and approvals, each newest first, without reading further than asked."""
    one, other = iter(attempts), iter(approvals)
    attempt, approval = next(one, None), next(other, None)
    while attempt is not None or approval is not None:
        if approval is None or (attempt is not None and attempt.started_at >= approval.approved_at):
            assert attempt is not None, "one of the two is left"
            yield attempt
            attempt = next(one, None)
        else:
            yield approval
            approval = next(other, None)


def timeline(items: Iterable[Item]) -> Iterator[Entry]:
    """Return the entries of an endpoint's items, newest first.

    An approval that led to an attempt is part of the attempt's entry. Clean-ups, and attempts that never
    reached SageMaker, are no entries.
    """
    answered: list[tuple[str, datetime]] = []
    for item in items:
        if isinstance(item, Approval):
            if item.key not in answered:
                yield _of_approval(item)
            continue
        if isinstance(item, CleanUp) or item.status is AttemptStatus.WITHDRAWN:
            continue
        if isinstance(item, Deployment):
            answered.append((item.version_arn.lower(), item.approved_at))
            yield _of_deployment(item)
        elif isinstance(item, Promotion):
            yield _of_promotion(item)


def with_given_up(entries: Sequence[Entry]) -> list[Entry]:
    """Return entries, newest first, in which one that went back says which version was given up."""
    found: list[Entry] = []
    for place, entry in enumerate(entries):
        if entry.kind is not Kind.BACK:
            found.append(entry)
            continue
        before = (each for each in entries[place + 1 :] if each.kind in _LIVE)
        given_up = next((each for each in before if each.version != entry.version), None)
        found.append(
            entry
            if given_up is None
            else replace(entry, instead_of=given_up.version, was_rejected=given_up.kind is not Kind.FAILED)
        )
    return found


def _of_approval(approval: Approval) -> Entry:
    if approval.objection is not None:
        kind, detail = Kind.IGNORED, approval.objection
    elif approval.ineligible_reported is not None:
        kind, detail = Kind.APPROVED, f"does not go out: {approval.ineligible_reported}"
    elif approval.rollback is not None:
        kind, detail = Kind.APPROVED, f"stays away: {approval.rollback.words}"
    elif approval.superseded_by is not None:
        kind, detail = Kind.APPROVED, f"superseded by {version(approval.superseded_by)}"
    else:
        kind, detail = Kind.APPROVED, ""
    return Entry(
        endpoint_name=approval.endpoint_name,
        at=approval.approved_at,
        kind=kind,
        version=approval.version,
        version_arn=approval.version_arn,
        by=approval.approved_by,
        detail=detail,
    )


def _of_deployment(each: Deployment) -> Entry:
    match each.status:
        case AttemptStatus.SUCCEEDED:
            kind = Kind.BACK if each.rolls_back else Kind.SERVING
            detail = each.rollback.words if each.rollback is not None else _how(each)
        case AttemptStatus.FAILED:
            tested = "smoke test: " if each.failed_test is not None else ""
            kind, detail = Kind.FAILED, f"{tested}{each.reason or 'SageMaker gives no reason'}"
        case AttemptStatus.ABORTED:
            kind, detail = Kind.ABORTED, each.reason or ""
        case _:
            kind, detail = Kind.UNDER_WAY, _how(each)
    return _entry(each, kind, detail)


def _how(each: Deployment) -> str:
    beside = [f"{companion.role} {version(companion.version)}" for companion in each.companions]
    words = []
    if each.at_once:
        words.append("at once")
    elif each.bake is Bake.LAST:
        words.append("in steps")
    if each.unguarded is not None:
        words.append("without guardrails")
    return ", ".join([*words, *beside])


def _of_promotion(each: Promotion) -> Entry:
    goal = "/".join(each.goal)
    kinds = {AttemptStatus.SUCCEEDED: Kind.PROMOTED, AttemptStatus.FAILED: Kind.NOT_PROMOTED}
    kind = kinds.get(each.status, Kind.UNDER_WAY)
    detail = goal if kind is not Kind.NOT_PROMOTED else f"{goal}: {first_sentence(each.reason or '')}"
    return _entry(each, kind, detail)


def _entry(each: Deployment | Promotion, kind: Kind, detail: str) -> Entry:
    return Entry(
        endpoint_name=each.endpoint_name,
        at=each.started_at,
        kind=kind,
        version=each.version,
        version_arn=each.version_arn,
        by=each.approved_by,
        seconds=_seconds(each),
        detail=detail,
        number=each.number,
        endpoint_config_name=each.endpoint_config_name,
        asked=_wish(each) if isinstance(each, Deployment) else None,
    )


def _wish(each: Deployment) -> Wish | None:
    """Return the last request of an operator's that led to a deployment."""
    found = [
        Wish(verb, asked.by, asked.at)
        for verb, asked in ((RETRY, each.retry), (RESTART, each.restart))
        if asked is not None
    ]
    if each.rollback is not None:
        found.append(Wish(ROLLBACK, each.rollback.by, each.rollback.at, each.rollback.reason))
    return max(found, key=lambda it: it.at, default=None)


def _seconds(each: Attempt) -> float | None:
    return (each.settled_at - each.started_at).total_seconds() if each.settled_at is not None else None


@dataclass(frozen=True, slots=True)
class ServedThen:
    """What served at some time.

    Attributes:
        at: The time.
        deployment: The deployment by which it served; None if nothing did.
        until: When the next deployment succeeded; None if it serves still.
        under_way: What was being rolled out at that time.
    """

    at: datetime
    deployment: Deployment | None
    until: datetime | None
    under_way: Deployment | None


def served_at(items: Iterable[Item], at: datetime) -> ServedThen:
    """Tell what served at a time, by the items newest first; no more are read than needed."""
    until: datetime | None = None
    under_way: Deployment | None = None
    for item in items:
        if not isinstance(item, Deployment) or item.status is AttemptStatus.WITHDRAWN:
            continue
        began, ended = item.started_at, item.settled_at
        if item.status is AttemptStatus.SUCCEEDED and ended is not None and ended <= at:
            return ServedThen(at, item, until, under_way)
        if began <= at and (ended is None or ended > at):
            under_way = item
        if item.status is AttemptStatus.SUCCEEDED and ended is not None:
            until = ended
    return ServedThen(at, None, until, under_way)
