"""A failure by a quota names it, and says when an update needs twice the instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deployer.model import outcomes
from deployer.model.attempt import AttemptStatus
from tests.unit.deployer.builders import deployment, endpoint, minutes
from tests.unit.deployer.pipeline import REGION, Pipeline

if TYPE_CHECKING:
    from deployer.model.outcome import Outcome

NAME = "ml.m5.large for endpoint usage"
EXCEEDED = (
    f"The account-level service limit '{NAME}' is 4 Instances, with current utilization of 4 Instances and a "
    "request delta of 4 Instances. Please use AWS Service Quotas to request an increase for this quota."
)
OF_SERVERLESS = "The account-level service limit 'Maximum total concurrency' is 10 Units, with a delta of 5."


def failed(reason: str, **changes: Any) -> Outcome:
    ended = deployment(
        status=AttemptStatus.FAILED, reason=reason, settled_at=minutes(1), doubles_instances=True, **changes
    )
    return outcomes.settled(ended, endpoint(), None)


@pytest.mark.parametrize("reason", [EXCEEDED, f"ResourceLimitExceeded: {EXCEEDED}"])
def test_the_quota_is_named_wherever_sagemaker_tells_of_it(reason: str) -> None:
    told = failed(reason)

    assert told.detail["Quota"] == NAME
    assert "old and new instances count: that takes twice as many" in told.message


@pytest.mark.parametrize("reason", [None, "The container did not pass the ping health check."])
def test_what_failed_for_something_else_names_no_quota(reason: str | None) -> None:
    assert deployment(reason=reason).quota is None


def test_a_quota_that_counts_no_instances_is_named_only() -> None:
    told = failed(OF_SERVERLESS)

    assert told.detail["Quota"] == "Maximum total concurrency"
    assert "twice" not in told.message


def test_an_update_without_a_second_fleet_takes_no_twice_the_instances() -> None:
    ended = deployment(status=AttemptStatus.FAILED, reason=EXCEEDED, settled_at=minutes(1))

    assert "twice" not in outcomes.settled(ended, endpoint(), None).message


ROLLING: dict[str, Any] = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 60,
    }
}
VARIANT = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}


@pytest.mark.parametrize(
    ("settings", "twice"),
    [
        pytest.param({}, True, id="blue/green by default"),
        pytest.param({"DeploymentConfig": ROLLING}, False, id="rolling"),
    ],
)
def test_an_update_that_a_quota_refuses_says_what_it_takes(settings: dict[str, Any], *, twice: bool) -> None:
    pipeline = Pipeline()
    pipeline.manage(CreateEndpointConfig={"ProductionVariants": [VARIANT]}, **settings)
    pipeline.approve(pipeline.register())
    pipeline.run()
    pipeline.control_plane.limits.set_instance_quota(pipeline.account_id, REGION, "ml.m5.large", 2)
    pipeline.approve(pipeline.register())
    pipeline.run()

    told = pipeline.outcomes[-1]
    assert (told["Outcome"], told["Quota"]) == ("failed", NAME)
    assert told["RetryAt"] is not None
    assert ("twice" in told["Message"]) is twice
    assert pipeline.serving() == "v1"


def test_a_creation_that_a_quota_refuses_needs_no_second_fleet() -> None:
    pipeline = Pipeline()
    pipeline.manage()
    pipeline.control_plane.limits.set_instance_quota(pipeline.account_id, REGION, "ml.m5.large", 0)
    pipeline.approve(pipeline.register())
    pipeline.run()

    assert pipeline.outcomes[-1]["Quota"] == NAME
    assert "twice" not in pipeline.outcomes[-1]["Message"]
