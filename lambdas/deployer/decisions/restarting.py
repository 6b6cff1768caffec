"""Decides which release a restart rolls out once more, and which deployments are a request's doing. Pure.

A restart gives the releases of one version other names, as the settings' `restart` does for all versions: so
what serves goes out once more, like any change. It touches no other version: one that failed stays away. The
note is kept when the version is approved again, so that nothing goes out a third time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.served import live_version_arns
from deployer.model.asked import Asked
from deployer.model.attempt import AttemptStatus
from deployer.model.names import same_arn, version_number

if TYPE_CHECKING:
    from deployer.decisions.choice import Choice
    from deployer.model.approval import Approval
    from deployer.model.history import History
    from deployer.model.request import Request


def restarted_by(history: History, request: Request) -> tuple[Approval, ...] | str:
    """Return the approval whose release a restart rolls out once more, or why it cannot be done.

    A crash may repeat a request that was taken in. Then there is none.
    """
    if request.faults or request.version_arn is None or request.at is None:
        return f"its record is wrong: {' and '.join(request.faults)}"
    name = f"v{version_number(request.version_arn)}"
    approval = approval_of(history, request.version_arn)
    if approval is None:
        return f"{name} is not approved here"
    if approval.restart is not None and approval.restart.at >= request.at:
        return ()
    if approval.rollback is not None:
        return f"{name} is held back, as {approval.rollback.words}"
    live = live_version_arns(history)
    if live and not same_arn(live[0], request.version_arn):
        return f"v{version_number(live[0])} serves, and {name} does not"
    return (approval,)


def approval_of(history: History, version_arn: str) -> Approval | None:
    """Return the approval that counts of a version; None if there is none."""
    return next(
        (each for each in history.approvals if each.counts and same_arn(each.version_arn, version_arn)), None
    )


def as_restart(history: History, request: Request) -> Asked:
    """Return what a request without faults asks for. What is under way has another name, and is not it."""
    assert request.at is not None, "it has no faults"
    latest = history.latest_attempt
    return Asked(request.at, request.by or "somebody", latest.number + 1 if latest is not None else 1)


def still_restarted(history: History, approval: Approval) -> Asked | None:
    """Return the restart of a version, for another approval of it: the config that serves keeps its name."""
    known = approval_of(history, approval.version_arn) if approval.counts else None
    return known.restart if known is not None else None


def led_to(
    asked: Asked | None, history: History, version_arn: str, endpoint_config_name: str | None = None
) -> Asked | None:
    """Return what a person asked for, if a deployment that begins now is its doing.

    It is, until one has succeeded. Once the version went out with another config, the reason is another one.

    Args:
        asked: What was asked for, if anything was.
        history: The endpoint's.
        version_arn: The version that it is about.
        endpoint_config_name: The config of the deployment; None to ask whether none has begun yet.
    """
    if asked is None:
        return None
    since = [
        each
        for each in history.deployments
        if each.number >= asked.first_attempt
        and each.status is not AttemptStatus.WITHDRAWN
        and any(same_arn(version_arn, its) for its in each.version_arns)
    ]
    is_over = any(
        each.status is AttemptStatus.SUCCEEDED or each.endpoint_config_name != endpoint_config_name
        for each in since
    )
    return None if is_over else asked


def restart_of(history: History, choice: Choice) -> Asked | None:
    """Return the restart that a choice brings about; None if it brings about something else."""
    approval = choice.approval
    return led_to(approval.restart, history, approval.version_arn, choice.release.endpoint_config_name)


def retry_of(history: History, choice: Choice) -> Asked | None:
    """Return the retry that a choice brings about; None if it brings about something else."""
    approval = choice.decided_by
    return led_to(approval.retry, history, approval.version_arn, choice.release.endpoint_config_name)
