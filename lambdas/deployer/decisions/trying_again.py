"""Decides which failures count since a person asked to try a version again. Pure.

A retry is one more chance: the failures before it do not count any more, and those after it do. The approval
keeps its time, so nothing else changes by it. Another approval of the version ends the note, as it ends
everything that an approval had collected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.asked import Asked
from deployer.model.attempt import AttemptStatus, Deployment
from deployer.model.names import same_arn, version_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deployer.model.approval import Approval
    from deployer.model.attempt import Attempt
    from deployer.model.history import History
    from deployer.model.request import Request


def counting(deployments: Iterable[Deployment], approval: Approval) -> list[Deployment]:
    """Return the deployments whose failures count against an approval."""
    retry = approval.retry
    return [each for each in deployments if retry is None or each.number >= retry.first_attempt]


def counting_like(history: History, failure: Attempt) -> list[Deployment]:
    """Return the deployments that count against the approval that led to a failure, if it still stands."""
    approval = next((each for each in history.approvals if _led_to(each, failure)), None)
    return counting(history.deployments, approval) if approval is not None else history.deployments


def _led_to(approval: Approval, attempt: Attempt) -> bool:
    return (
        isinstance(attempt, Deployment)
        and attempt.approved_at == approval.approved_at
        and any(same_arn(each, approval.version_arn) for each in attempt.version_arns)
    )


def retried_by(history: History, request: Request) -> tuple[Approval, ...] | str:
    """Return the approvals that a retry renews the chance of, or why it cannot be done.

    A crash may repeat a request that was taken in. It does not count twice.
    """
    if request.faults or request.version_arn is None or request.at is None:
        return f"its record is wrong: {' and '.join(request.faults)}"
    name = f"v{version_number(request.version_arn)}"
    approvals = [
        each for each in history.approvals if each.decides and same_arn(each.version_arn, request.version_arn)
    ]
    if not approvals:
        return f"{name} is not approved here"
    held = next((each.rollback for each in approvals if each.rollback is not None), None)
    if held is not None:
        return f"{name} is held back, as {held.words}"
    new = [each for each in approvals if each.retry is None or each.retry.at < request.at]
    if new and not any(last_failure(history, each) for each in new):
        return f"{name} has not failed here since its approval"
    return tuple(new)


def last_failure(history: History, approval: Approval) -> Deployment | None:
    """Return the last failure of a version that counts against its approval; None if there is none."""
    return next(
        (
            each
            for each in counting(history.deployments, approval)
            if each.status is AttemptStatus.FAILED
            # With a shadow, the shadow's approval decided.
            and approval.is_of((each.shadow or each).version_arn, each.approved_at)
            and each.answers(approval.approved_at)
        ),
        None,
    )


def as_retry(history: History, request: Request) -> Asked:
    """Return what a request without faults asks for: what is under way for the version is the new try."""
    assert request.at is not None, "it has no faults"
    assert request.version_arn is not None, "it has no faults"
    latest, under_way = history.latest_attempt, history.unsettled
    arn = request.version_arn
    if isinstance(under_way, Deployment) and any(same_arn(arn, each) for each in under_way.version_arns):
        first = under_way.number
    else:
        first = latest.number + 1 if latest is not None else 1
    return Asked(request.at, request.by or "somebody", first)


def still_renewed(history: History, approval: Approval) -> Asked | None:
    """Return the retry of a version, if it is younger than this approval, too.

    The journal may hear of an approval only after the retry that followed it.
    """
    retries = (
        each.retry
        for each in history.approvals
        if each.weight is approval.weight and same_arn(each.version_arn, approval.version_arn)
    )
    return next((each for each in retries if each is not None and approval.approved_at <= each.at), None)
