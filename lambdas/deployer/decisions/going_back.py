"""Decides when an update goes back, and how: at once. Pure.

Forward means care: steps, waits and alarms. Back means haste, as something worse serves until then. The way
back has no alarm: the version that leaves may have raised it, and SageMaker would keep that version for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from deployer.decisions.served import ServedWell, has_served_as
from deployer.model.names import same_arn
from deployer.model.steps import UpdateEndpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.decisions.choice import Choice
    from deployer.decisions.plan import Deploy
    from deployer.model.endpoint import Endpoint
    from deployer.model.history import History

_LARGEST_BATCH: Final = {"Type": "CAPACITY_PERCENT", "Value": 50}
"""The largest batch of a rolling update (botocore: `RollingUpdatePolicy.MaximumBatchSize`)."""


def goes_back(history: History, choice: Choice, endpoint: Endpoint | None) -> bool:
    """Tell whether a version that served well comes back, as the one that serves was given up.

    The one that serves was approved later, or the same version served well with another config. That may be
    the config of the present settings without the shadow with which the smoke test failed. An old version
    that was approved again goes forward, also as it served.
    """
    is_former = choice.release.is_former
    serving = history.latest_on(endpoint.endpoint_config_name) if endpoint is not None else None
    well = ServedWell.on(history)
    if serving is None or not well.has(choice.approval):
        return is_former
    if same_arn(serving.version_arn, choice.approval.version_arn):
        has_failed = serving.failed_test is not None
        return is_former or (has_failed and well.has_config(choice.release.endpoint_config_name))
    renewed = [
        each.order
        for each in history.approvals
        if each.counts and same_arn(each.version_arn, serving.version_arn)
    ]
    return max([(serving.approved_at, serving.version), *renewed]) > choice.approval.order


def repairs(history: History, choice: Choice, endpoint: Endpoint) -> bool:
    """Tell whether the config that served well comes back after something that the deployer did not choose.

    Somebody else updated the endpoint, or an update failed together with its rollback.
    """
    is_known = history.latest_on(endpoint.endpoint_config_name) is not None
    if is_known and endpoint.status == "InService":
        return False
    return has_served_as(history, choice.approval, choice.release.endpoint_config_name)


def planned_at_once(deploy: Deploy) -> Deploy:
    """Return a deployment whose update gives all calls to the new fleet as soon as it can take them.

    A rolling update has no room for a second fleet, so it replaces the largest batches without waits.
    """
    change = deploy.change
    if not isinstance(change, UpdateEndpoint) or "DeploymentConfig" not in change.request:
        # Without a DeploymentConfig, all at once is SageMaker's default (botocore: `DeploymentConfig`).
        return deploy
    request = {**change.request, "DeploymentConfig": _at_once(change.request["DeploymentConfig"])}
    return replace(deploy, change=replace(change, request=request, at_once=True))


def _at_once(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a DeploymentConfig without steps, waits and alarms. The time limit stays."""
    if "RollingUpdatePolicy" in config:
        policy = {**config["RollingUpdatePolicy"], "MaximumBatchSize": _LARGEST_BATCH}
        return {"RollingUpdatePolicy": {**policy, "WaitIntervalInSeconds": 0}}
    policy = {
        **config.get("BlueGreenUpdatePolicy", {}),
        "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
        "TerminationWaitInSeconds": 0,
    }
    return {"BlueGreenUpdatePolicy": policy}
