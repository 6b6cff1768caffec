"""Tells an endpoint's state in the product's words, from what the journal and SageMaker show. Pure.

It says what was done and what stands. What the deployer does next is for its own decisions to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Final

from deployer.decisions.holds import HELD_BACK, standing_hold
from deployer.decisions.restarting import approval_of, led_to
from deployer.decisions.retries import retry_at
from deployer.decisions.rollbacks import rollback_of
from deployer.decisions.trying_again import counting, counting_like
from deployer.model import statuses
from deployer.model.attempt import Action, AttemptStatus, Deployment
from deployer.model.names import same_arn
from greenlight.fleet.progress import Progress, Stage
from greenlight.fleet.served import Served, of_approval, of_deployment, serving

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.model.approval import Approval
    from deployer.model.history import History
    from deployer.model.hold import Hold
    from deployer.model.pause import Pause
    from deployer.model.settings import EndpointSettings


class State(Enum):
    """How an endpoint stands."""

    IN_SYNC = "in_sync"
    ROLLOUT = "rollout"
    ROLLING_BACK = "rolling_back"
    FAILED = "failed"
    HELD = "held"
    WAITING = "waiting"
    """Something changed that the deployer is about to look at."""

    ATTENTION = "needs_attention"
    EMPTY = "empty"
    """There is no endpoint: no version was approved yet."""

    UNMANAGED = "unmanaged"


UNDER_WAY: Final = frozenset({State.ROLLOUT, State.ROLLING_BACK, State.WAITING})
"""States that end by themselves soon: `watch` waits for that."""

BAD: Final = frozenset({State.FAILED, State.ATTENTION})
"""States that are bad news."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one endpoint stands.

    Attributes:
        name: The endpoint.
        state: Its state.
        serves: What serves; None if nothing does, or if the journal does not know it.
        coming: What is on its way, or waits, or failed; None if nothing is.
        progress: How far a rollout is.
        why: What happened, or what is waited for, in words; empty if there is nothing to say.
        at: When that happened, or when it ends.
        retry_at: When a failed version is tried again by itself.
    """

    name: str
    state: State
    serves: Served | None = None
    coming: Served | None = None
    progress: Progress | None = None
    why: str = ""
    at: datetime | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of one endpoint.

    Attributes:
        name: The endpoint.
        settings: Its settings; None if nobody manages it any more.
        history: What the journal knows of it; for one at rest, what its last records say.
        status: SageMaker's status; None if there is no endpoint.
        serving_config: The config that serves; None if there is none.
        failure_reason: SageMaker's reason, if the endpoint failed.
        progress: How far an update is; None at rest.
        pauses: The pauses of this endpoint and of all.
        settings_are_new: Whether the deployer has not looked at these settings yet.
        left_at: When its settings were removed.
    """

    name: str
    settings: EndpointSettings | None
    history: History
    status: str | None
    serving_config: str | None
    failure_reason: str | None = None
    progress: Progress | None = None
    pauses: Sequence[Pause] = ()
    settings_are_new: bool = False
    left_at: datetime | None = None


def standing_of(seen: Seen, now: datetime) -> Standing:
    """Return how an endpoint stands: the first that applies, from what cannot wait to what is in order."""
    serves = serving(seen.history, seen.serving_config)
    if seen.settings is None:
        why = "its YAML was removed; it serves on" if seen.status else "its YAML was removed"
        return Standing(seen.name, State.UNMANAGED, serves, why=why, at=seen.left_at)
    return (
        _under_way(seen, serves)
        or _failed_endpoint(seen, serves)
        or _held(seen, serves, now)
        or _failed_version(seen, serves)
        or _attention(seen, serves)
        or _waiting(seen, serves)
        or _empty(seen)
        or Standing(seen.name, State.IN_SYNC, serves, why=_paused(seen, now) or _rolled_back(seen, serves))
    )


def _under_way(seen: Seen, serves: Served | None) -> Standing | None:
    attempt = seen.history.unsettled
    if isinstance(attempt, Deployment):
        progress = seen.progress
        back = progress is not None and progress.stage is Stage.ROLLING_BACK
        is_back = back or attempt.abort_asked_at is not None
        why = _rollout_words(seen.history, attempt, is_back=is_back)
        state = State.ROLLING_BACK if is_back else State.ROLLOUT
        return Standing(seen.name, state, serves, of_deployment(attempt), progress, why, attempt.started_at)
    if seen.status in statuses.MODIFYING:
        back = seen.progress is not None and seen.progress.stage is Stage.ROLLING_BACK
        why = "SageMaker updates it" if seen.status == "SystemUpdating" else "somebody else changes it"
        state = State.ROLLING_BACK if back else State.ROLLOUT
        return Standing(seen.name, state, serves, progress=seen.progress, why=why)
    return None


def _rollout_words(history: History, attempt: Deployment, *, is_back: bool) -> str:
    rollback = rollback_of(history, attempt.version_arn) if is_back else attempt.rollback
    if rollback is not None:
        return rollback.words
    if is_back:
        return "its approval was taken back" if attempt.failed_test is None else "it failed its smoke test"
    if attempt.rolls_back:
        return "going back"
    if attempt.restart is not None:
        return f"a restart: {attempt.restart.words}"
    if attempt.retry is not None:
        return f"a retry: {attempt.retry.words}"
    if attempt.status is AttemptStatus.TESTING:
        return "smoke test"
    if attempt.test_endpoint_name is not None and attempt.accepted_at is None:
        return "tested before its rollout"
    return "first deployment" if attempt.action is Action.CREATE_ENDPOINT else ""


def _failed_endpoint(seen: Seen, serves: Served | None) -> Standing | None:
    if seen.status not in statuses.FAILED | statuses.UNDECIDED | {"UpdateRollbackFailed"}:
        return None
    last = seen.history.last_deployment
    reason = seen.failure_reason or "SageMaker gives no reason"
    coming, at = (of_deployment(last), last.settled_at) if last is not None else (None, None)
    words = f"the endpoint is {seen.status}: {reason}"
    return Standing(seen.name, State.FAILED, serves, coming, why=words, at=at)


def newest(history: History) -> Approval | None:
    """Return the newest approval that counts, may stand, and was not rolled back."""
    return next((each for each in history.approvals if each.counts and each.rollback is None), None)


def waits(seen: Seen, serves: Served | None) -> Approval | None:
    """Return the newest approval if it is neither served, nor older than what serves, nor failed."""
    approval = newest(seen.history)
    if approval is None:
        return None
    if serves is not None and (
        same_arn(approval.version_arn, serves.version_arn) or approval.approved_at < serves.approved_at
    ):
        return None
    return None if _failure_of(seen.history, approval) is not None else approval


def _failure_of(history: History, approval: Approval) -> Deployment | None:
    """Return the newest end of an approved version, if that is a failure that answers the approval."""
    for each in counting(_ended(history), approval):
        if same_arn(each.version_arn, approval.version_arn) and each.answers(approval.approved_at):
            return each if each.status is AttemptStatus.FAILED else None
    return None


def _ended(history: History) -> list[Deployment]:
    return [each for each in history.deployments if not each.unsettled]


def hold_of(seen: Seen, now: datetime) -> Hold | None:
    """Return what holds rollouts of an endpoint back now."""
    windows = seen.settings.freeze if seen.settings is not None else ()
    return standing_hold(seen.pauses, windows, now=now)


def _held(seen: Seen, serves: Served | None, now: datetime) -> Standing | None:
    hold = hold_of(seen, now)
    if hold is None:
        return None
    approval = waits(seen, serves)
    told = [each for each in seen.history.last_observed.reported if each.startswith(HELD_BACK)]
    if approval is None and not told:
        return None
    coming = of_approval(approval) if approval is not None else None
    if approval is not None:
        what = f"v{approval.version} waits"
    else:
        what = "changed settings wait" if _restart(seen, serves) is None else "its restart waits"
    return Standing(
        seen.name, State.HELD, serves, coming, why=f"{what} for {hold.description}", at=hold.until
    )


def _failed_version(seen: Seen, serves: Served | None) -> Standing | None:
    approval = newest(seen.history)
    failure = _failure_of(seen.history, approval) if approval is not None else None
    if failure is None or (serves is not None and _serves_since(serves, failure)):
        return None
    return Standing(
        seen.name,
        State.FAILED,
        serves,
        of_deployment(failure),
        why=failure.reason or "SageMaker gives no reason",
        at=failure.settled_at,
        retry_at=retry_at(failure, counting_like(seen.history, failure)),
    )


def _serves_since(serves: Served, failure: Deployment) -> bool:
    """Tell whether the version that failed serves all the same since then, such as with other settings."""
    is_same = same_arn(serves.version_arn, failure.version_arn)
    ended = failure.settled_at or datetime.min.replace(tzinfo=UTC)
    return is_same and serves.since is not None and serves.since >= ended


def _attention(seen: Seen, serves: Served | None) -> Standing | None:
    reported = seen.history.last_observed.reported
    told = [each for each in reported if not each.startswith(HELD_BACK)]
    if told:
        return Standing(seen.name, State.ATTENTION, serves, why=told[0])
    approval = waits(seen, serves)
    if approval is not None and approval.ineligible_reported is not None:
        why = f"v{approval.version} is approved and does not go out: {approval.ineligible_reported}"
        return Standing(seen.name, State.ATTENTION, serves, of_approval(approval), why=why)
    return None


def _waiting(seen: Seen, serves: Served | None) -> Standing | None:
    approval = waits(seen, serves)
    if approval is not None:
        why = f"v{approval.version} is next"
        return Standing(seen.name, State.WAITING, serves, of_approval(approval), why=why)
    restarted = _restart(seen, serves)
    if restarted is not None:
        why = "its restart is next"
        return Standing(seen.name, State.WAITING, serves, of_approval(restarted), why=why)
    if seen.settings_are_new:
        return Standing(seen.name, State.WAITING, serves, why="its new settings are next")
    return None


def _restart(seen: Seen, serves: Served | None) -> Approval | None:
    """Return the approval of what serves, if it is to go out once more and has not since a person said so."""
    approval = approval_of(seen.history, serves.version_arn) if serves is not None else None
    asked = led_to(approval.restart, seen.history, approval.version_arn) if approval is not None else None
    return approval if asked is not None else None


def _empty(seen: Seen) -> Standing | None:
    if seen.status is not None:
        return None
    group = seen.settings.group_name if seen.settings is not None else "its group"
    return Standing(seen.name, State.EMPTY, why=f"no version of {group} was approved yet")


def _rolled_back(seen: Seen, serves: Served | None) -> str:
    """Return what a person rolled back and was not approved again; of the whole fleet only if it serves."""
    for each in seen.history.approvals:
        if each.counts and each.rollback is not None:
            return f"v{each.version} stays away: {each.rollback.words}"
    last = seen.history.last_deployment
    if serves is None or last is None or last.rollback is None:
        return ""
    return last.rollback.words if last.endpoint_config_name == serves.endpoint_config_name else ""


def _paused(seen: Seen, now: datetime) -> str:
    hold = hold_of(seen, now)
    return "" if hold is None else f"nothing new goes out: {hold.description}"
