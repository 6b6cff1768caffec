"""Reads from an endpoint's history what served on it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.attempt import AttemptStatus
from deployer.model.names import same_arn

if TYPE_CHECKING:
    from deployer.model.attempt import Deployment
    from deployer.model.history import History


def live_version_arns(history: History) -> tuple[str, ...]:
    """Return every version of the deployment that succeeded last."""
    live = (each for each in history.deployments if each.status is AttemptStatus.SUCCEEDED)
    return next((each.version_arns for each in live), ())


def former_deployment(history: History, version_arn: str, *, besides: str) -> Deployment | None:
    """Return the last deployment of a version that succeeded with another config than the given one."""
    return next(
        (
            each
            for each in history.deployments
            if same_arn(each.version_arn, version_arn)
            and each.status is AttemptStatus.SUCCEEDED
            and each.endpoint_config_name != besides
        ),
        None,
    )
