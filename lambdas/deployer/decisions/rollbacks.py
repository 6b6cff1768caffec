"""Decides what a rollback holds back, and tells what one did. Pure.

A rollback names the version to go back to. Every approval that is newer than that version's, and not younger
than the rollback, is held: its version does not go out again by itself, whatever fails or changes. Another
approval of the version ends that, as it ends everything that an approval had collected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.served import ServedWell
from deployer.model.names import same_arn, version_number
from deployer.model.rollback import Rollback

if TYPE_CHECKING:
    from deployer.model.approval import Approval
    from deployer.model.attempt import Deployment
    from deployer.model.history import History
    from deployer.model.request import Request


def held_by(history: History, request: Request) -> tuple[Approval, ...] | str:
    """Return the approvals that a rollback holds back, or why it cannot be done.

    Approvals that came after the request are not meant: a person gave them later.
    """
    if request.faults or request.version_arn is None or request.at is None:
        return f"its record is wrong: {' and '.join(request.faults)}"
    target = target_of(history, request.version_arn)
    if isinstance(target, str):
        return target
    return tuple(
        each
        for each in history.approvals
        if each.counts
        and each.rollback is None
        and each.order > target.order
        and not same_arn(each.version_arn, target.version_arn)
        and each.approved_at <= request.at
    )


def target_of(history: History, version_arn: str) -> Approval | str:
    """Return the approval of the version to go back to, or why nobody can go back to it."""
    name = f"v{version_number(version_arn)}"
    target = next(
        (each for each in history.approvals if each.counts and same_arn(each.version_arn, version_arn)), None
    )
    if target is None:
        return f"{name} is not approved here"
    if target.rollback is not None:
        return f"{name} is held back itself, as {target.rollback.words}"
    if not ServedWell.on(history).has(target):
        return f"{name} has not served well here"
    return target


def before(history: History, version_arn: str) -> Approval | None:
    """Return the newest approval, older than a version's, of a version that served well and is not held."""
    served_well = ServedWell.on(history)
    leaving = [each for each in history.approvals if same_arn(each.version_arn, version_arn)]
    tried = (each for each in history.deployments if same_arn(each.version_arn, version_arn))
    last = max(
        (*(each.order for each in leaving if each.counts), *((it.approved_at, it.version) for it in tried)),
        default=None,
    )
    older = (
        each
        for each in history.approvals
        if each.counts
        and each.rollback is None
        and not same_arn(each.version_arn, version_arn)
        and (last is None or each.order < last)
        and served_well.has(each)
    )
    return max(older, key=lambda each: each.order, default=None)


def as_rollback(request: Request) -> Rollback:
    """Return what a request without faults asks for."""
    assert request.at is not None, "it has no faults"
    assert request.version_arn is not None, "it has no faults"
    return Rollback(
        request.at, request.by or "somebody", request.reason or "", version_number(request.version_arn)
    )


def rollback_of(history: History, version_arn: str) -> Rollback | None:
    """Return the rollback that holds a version back; None if none does."""
    held = (
        each.rollback for each in history.approvals if each.counts and same_arn(each.version_arn, version_arn)
    )
    return next(held, None)


def still_holding(history: History, approval: Approval) -> Rollback | None:
    """Return the rollback that holds a version back, if it is younger than this approval, too.

    The journal may hear of an approval only after the rollback that followed it.
    """
    rollback = rollback_of(history, approval.version_arn)
    return rollback if rollback is not None and approval.approved_at <= rollback.at else None


def rollback_from(history: History, endpoint_config_name: str | None) -> Rollback | None:
    """Return the rollback that takes the version of a config off; None if something else does."""
    leaving = history.latest_on(endpoint_config_name)
    return rollback_of(history, leaving.version_arn) if leaving is not None else None


def why_aborted(history: History, deployment: Deployment, reason: str | None) -> str | None:
    """Return why a rollout was aborted: a rollback says it better than a missing approval."""
    rollback = rollback_of(history, deployment.version_arn)
    return f"While it was being rolled out, {rollback.words}" if rollback is not None else reason
