"""Decides what goes out while a pause or a freeze window holds rollouts back. Pure.

Something new waits: another version, other settings, another shadow. The removal of something bad goes on:
going back, repairs, and taking off a companion that is no longer approved.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from deployer.decisions.choice import decide_choice
from deployer.decisions.facts import reads_first
from deployer.decisions.freezing import frozen_until
from deployer.decisions.going_back import goes_back, repairs
from deployer.decisions.restarting import restart_of
from deployer.decisions.served import has_served_as
from deployer.decisions.serving import serving_on
from deployer.model import statuses
from deployer.model.hold import Hold
from deployer.model.model_version import Hidden
from deployer.model.names import same_arn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deployer.decisions.choice import Choice, Decision
    from deployer.decisions.facts import Facts
    from deployer.model.approval import Approval
    from deployer.model.attempt import Deployment
    from deployer.model.endpoint import Endpoint
    from deployer.model.freeze_window import FreezeWindow
    from deployer.model.pause import Pause


HELD_BACK: Final = "Held back"
"""How the message of a hold begins: it is kept among the problems that last."""

_ANY_TIME: Final = datetime.min.replace(tzinfo=UTC)
"""What stands in the place of an end that nobody knows, beside others of which nobody knows one."""


def standing_hold(pauses: Iterable[Pause], windows: Iterable[FreezeWindow], *, now: datetime) -> Hold | None:
    """Return what holds rollouts back for the longest time; None if nothing does."""
    holds = [_hold(each) for each in pauses if each.until is None or now < each.until]
    for window in windows:
        until = frozen_until(window, now)
        if until is not None:
            holds.append(Hold(f"a freeze window of its settings, {_until(until)}: {window.reason}", until))
    return max(holds, key=_length, default=None)


def _length(hold: Hold) -> tuple[bool, datetime]:
    return hold.until is None, hold.until or _ANY_TIME


def _hold(pause: Pause) -> Hold:
    of = "of all endpoints" if pause.endpoint_name is None else "of this endpoint"
    until = _until(pause.until) if pause.until is not None else "until somebody ends it"
    description = f"a pause {of} by {pause.by or 'somebody'}, {until}: {pause.reason or 'without a reason'}"
    if pause.faults:
        description += f" (its record is to be corrected, as {' and '.join(pause.faults)})"
    return Hold(description, pause.until)


def _until(until: datetime) -> str:
    return f"until {until:%Y-%m-%d %H:%M} UTC"


def brings_new(facts: Facts, choice: Choice, endpoint: Endpoint | None) -> bool:
    """Tell whether a choice brings anything to an endpoint that did not serve well on it before."""
    history = facts.history
    serving = history.latest_on(endpoint.endpoint_config_name) if endpoint is not None else None
    if choice.shadow is not None and not _is_on(choice.shadow.version_arn, serving):
        return True
    if endpoint is None or endpoint.status in statuses.FAILED:
        return not has_served_as(history, choice.approval, choice.release.endpoint_config_name)
    return not (
        goes_back(history, choice, endpoint)
        or repairs(history, choice, endpoint)
        or (serving is not None and _only_takes_off(facts, choice, serving))
    )


def _is_on(version_arn: str, serving: Deployment | None) -> bool:
    return serving is not None and any(same_arn(each, version_arn) for each in serving.version_arns)


def _only_takes_off(facts: Facts, choice: Choice, serving: Deployment) -> bool:
    """Tell whether a choice leaves the version that serves, and takes off companions that do not stand."""
    left = [each for each in serving.version_arns if not _is_in(each, choice.release.version_arns)]
    return (
        bool(left)
        and same_arn(choice.release.version_arn, serving.version_arn)
        and all(_is_on(each, serving) for each in choice.release.version_arns)
        and not any(_stands(facts, each) for each in left)
    )


def _is_in(version_arn: str, arns: Iterable[str]) -> bool:
    return any(same_arn(version_arn, each) for each in arns)


def _stands(facts: Facts, version_arn: str) -> bool:
    version = facts.version(version_arn)
    return isinstance(version, Hidden) or facts.is_deployable(version)


is_new = reads_first(brings_new)
"""`brings_new`, but a fact that was not read is returned, not raised."""


@reads_first
def choose_held(
    facts: Facts, endpoint: Endpoint | None, *, foreign_version_arn: str | None, now: datetime
) -> Decision | None:
    """Decide what the endpoint serves while nothing new may go out; None if it stays as it is.

    Args:
        facts: What was read.
        endpoint: The endpoint at rest; None if there is none.
        foreign_version_arn: As in `decide_choice`.
        now: The time.
    """
    serves = endpoint is not None and endpoint.status not in statuses.FAILED
    serving_config_name = endpoint.endpoint_config_name if endpoint is not None and serves else None
    in_service = endpoint is not None and endpoint.status == "InService"
    serving = serving_on(facts.history, serving_config_name, foreign_version_arn, in_service=in_service)
    besides: tuple[Approval, ...] = ()
    while True:
        decision = decide_choice(
            facts,
            serving_config_name,
            now=now,
            in_service=in_service,
            foreign_version_arn=foreign_version_arn,
            besides=besides,
            nothing_new=True,
        )
        choice = decision.choice
        if choice is None or not brings_new(facts, choice, endpoint):
            return decision
        if serving is not None and same_arn(serving.version_arn, choice.approval.version_arn):
            return None
        besides = (*besides, choice.approval)


def held_message(facts: Facts, choice: Choice, hold: Hold, serving_config_name: str | None) -> str:
    """Word what waits, for what, and what ends it."""
    serving = facts.history.latest_on(serving_config_name)
    approval, name = choice.approval, facts.settings.endpoint_name
    what = f"version {approval.version} of {approval.group_name}"
    if serving is not None and same_arn(serving.version_arn, approval.version_arn):
        if choice.shadow is not None and not _is_on(choice.shadow.version_arn, serving):
            what = f"version {choice.shadow.version} of {choice.shadow.group_name} as the shadow of {what}"
        elif restart_of(facts.history, choice) is not None:
            what = f"its restart, with {what}"
        else:
            what = f"its changed settings, with {what}"
    return (
        f"{HELD_BACK} on {name}: {what}. The cause is {hold.description}. "
        "Going back, aborts and repairs go on. Once it is over, the next sweep rolls out the newest approval "
        "that stands then."
    )
