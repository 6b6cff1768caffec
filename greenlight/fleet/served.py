"""Holds what serves on an endpoint, or may serve, by what the journal knows. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deployer.model.attempt import AttemptStatus

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.model.approval import Approval
    from deployer.model.attempt import Deployment
    from deployer.model.history import History


@dataclass(frozen=True, slots=True)
class Served:
    """A version on an endpoint, and how it got there.

    Attributes:
        version: Its number.
        version_arn: Its ARN.
        endpoint_config_name: The config.
        since: When it began to serve; None if it does not yet.
        approved_by: Who approved it.
        approved_at: When.
    """

    version: int
    version_arn: str
    endpoint_config_name: str
    since: datetime | None
    approved_by: str
    approved_at: datetime


def serving(history: History, endpoint_config_name: str | None) -> Served | None:
    """Return what a config serves, if the journal knows it."""
    if endpoint_config_name is None:
        return None
    adopted = _adopted(history, endpoint_config_name)
    of_config = [each for each in history.deployments if each.endpoint_config_name == endpoint_config_name]
    succeeded = next((each for each in of_config if each.status is AttemptStatus.SUCCEEDED), None)
    found = succeeded or next(iter(of_config), None)
    return adopted if found is None else of_deployment(found, found.settled_at or found.accepted_at)


def _adopted(history: History, endpoint_config_name: str) -> Served | None:
    """Return what a config of somebody else serves that the deployer found in the place of its own."""
    if history.last_observed.endpoint_config_name != endpoint_config_name:
        return None
    served = [each for each in history.approvals if each.counts and each.served_with is not None]
    if not served:
        return None
    return replace(of_approval(served[0]), endpoint_config_name=endpoint_config_name)


def of_deployment(deployment: Deployment, since: datetime | None = None) -> Served:
    """Return what a deployment brings, and since when it serves."""
    return Served(
        version=deployment.version,
        version_arn=deployment.version_arn,
        endpoint_config_name=deployment.endpoint_config_name,
        since=since,
        approved_by=deployment.approved_by,
        approved_at=deployment.approved_at,
    )


def of_approval(approval: Approval) -> Served:
    """Return what an approval brings, which no deployment has yet."""
    return Served(
        version=approval.version,
        version_arn=approval.version_arn,
        endpoint_config_name="",
        since=None,
        approved_by=approval.approved_by,
        approved_at=approval.approved_at,
    )
