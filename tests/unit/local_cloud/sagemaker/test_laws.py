"""Laws of the state machine, for all calls at all times and all healths of fleets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from local_cloud.application_auto_scaling.service import ApplicationAutoScaling
from local_cloud.sagemaker.endpoints.endpoint_state import STATUSES, EndpointStatus, StatusGroup
from local_cloud.sagemaker.errors import ServiceError
from local_cloud.sagemaker.ports import AlarmState, Health
from local_cloud.testing.scripted_hosting import Outcome
from local_cloud.testing.virtual_clock import VirtualClock, settle
from tests.unit.local_cloud.sagemaker.virtual_cloud import ACCOUNT, ALICE, REGION, VirtualCloud, variant

GUARDED = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "alarm"}]}}
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/churn/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
CONFIGS = [f"config-{number}" for number in range(1, 5)]
SERVING = {"InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"}
LINEAR = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "LINEAR",
            "WaitIntervalInSeconds": 2,
            "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        }
    },
    **GUARDED,
}
ROLLING = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
        "WaitIntervalInSeconds": 2,
        "RollbackMaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
    },
    **GUARDED,
}


class EndpointLife(RuleBasedStateMachine):
    """One endpoint, four configs, and everything that can be done to it or happen to it."""

    @initialize()
    def begin(self) -> None:
        self.cloud = VirtualCloud()
        for number, name in enumerate(CONFIGS, 1):
            self.cloud.model(f"model-{number}")
            instance_type = "ml.m5.xlarge" if number == 4 else "ml.m5.large"
            self.cloud.config(
                name,
                variant(ModelName=f"model-{number}", InitialInstanceCount=2, InstanceType=instance_type),
            )
        self.scaling = ApplicationAutoScaling(self.cloud.control_plane)
        self.type_when_registered: str | None = None

    def _instance_type(self) -> str | None:
        described = self._described()
        if described is None:
            return None
        return "ml.m5.xlarge" if described["EndpointConfigName"] == "config-4" else "ml.m5.large"

    def _answer(self, operation: str, **members: int) -> str | None:
        """Call Application Auto Scaling; return the code of its refusal, or None."""
        try:
            self.scaling.call(operation, {**TARGET, **members}, ALICE)
        except ServiceError as error:
            return error.code
        return None

    @rule(low=st.integers(0, 2), high=st.integers(2, 4))
    def register(self, low: int, high: int) -> None:
        code = self._answer("RegisterScalableTarget", MinCapacity=low, MaxCapacity=high)
        assert code in {None, "ValidationException"}
        if code is None:
            self.type_when_registered = self._instance_type()

    @rule()
    def deregister(self) -> None:
        code = self._answer("DeregisterScalableTarget")
        assert code in {None, "ObjectNotFoundException"}

    @rule(capacity=st.integers(0, 6))
    def scale(self, capacity: int) -> None:
        scaled_to = self.scaling.scale(ACCOUNT, REGION, "churn", "AllTraffic", capacity)
        assert scaled_to is None or 1 <= scaled_to <= 4

    def _attempt(self, operation: str, **request: Any) -> None:
        """Call; a refusal must be one that AWS would give, and change nothing."""
        before = self._described()
        try:
            self.cloud.call(operation, EndpointName="churn", **request)
        except ServiceError as error:
            code = error.code
        else:
            return
        assert code in {"ValidationException", "ResourceLimitExceeded"}
        assert self._described() == before

    def _described(self) -> dict[str, Any] | None:
        try:
            return self.cloud.describe()
        except ServiceError:
            return None

    @rule(config=st.sampled_from(CONFIGS))
    def create(self, config: str) -> None:
        self._attempt("CreateEndpoint", EndpointConfigName=config)

    @rule(config=st.sampled_from(CONFIGS), retain=st.booleans(), how=st.sampled_from([None, LINEAR, ROLLING]))
    def update(self, config: str, how: dict[str, Any] | None, *, retain: bool) -> None:
        members: dict[str, Any] = {} if how is None else {"DeploymentConfig": how}
        self._attempt(
            "UpdateEndpoint", EndpointConfigName=config, RetainAllVariantProperties=retain, **members
        )

    @rule(state=st.sampled_from(AlarmState))
    def set_alarm(self, state: AlarmState) -> None:
        self.cloud.alarms.set("alarm", state)

    @rule()
    def delete(self) -> None:
        self._attempt("DeleteEndpoint")

    @rule(count=st.integers(1, 4))
    def rescale(self, count: int) -> None:
        change = {"VariantName": "AllTraffic", "DesiredInstanceCount": count}
        self._attempt("UpdateEndpointWeightsAndCapacities", DesiredWeightsAndCapacities=[change])

    @rule(number=st.integers(1, 4), health=st.sampled_from(Health), seconds=st.sampled_from([0, 1, 30]))
    def script(self, number: int, health: Health, seconds: int) -> None:
        self.cloud.hosting.script(f"model-{number}", Outcome(health, seconds))

    @rule(capacity=st.sampled_from([None, 0, 3, 8]))
    def limit_capacity(self, capacity: int | None) -> None:
        self.cloud.control_plane.limits.set_instance_capacity(ACCOUNT, REGION, "ml.m5.large", capacity)

    @rule(quota=st.sampled_from([None, 2, 5]))
    def limit_quota(self, quota: int | None) -> None:
        self.cloud.control_plane.limits.set_instance_quota(ACCOUNT, REGION, "ml.m5.large", quota)

    @rule(rollback_fails=st.booleans())
    def fail(self, *, rollback_fails: bool) -> None:
        try:
            self.cloud.control_plane.incidents.fail_work(
                ACCOUNT, REGION, "churn", "injected", rollback_fails=rollback_fails
            )
        except ValueError:
            described = self._described()
            assert described is None or "PendingDeploymentSummary" not in described

    @rule()
    def maintain(self) -> None:
        described = self._described()
        if described is not None and described["EndpointStatus"] == "InService":
            self.cloud.control_plane.incidents.begin_system_update(ACCOUNT, REGION, "churn")

    @rule(seconds=st.sampled_from([0.1, 0.5, 1, 5, 100]))
    def wait(self, seconds: float) -> None:
        self.cloud.advance(seconds)

    @rule()
    def come_to_rest(self) -> None:
        self.cloud.settle()
        described = self._described()
        if described is None:
            assert self.cloud.hosting.fleets == {}
            return
        assert EndpointStatus(described["EndpointStatus"]) not in STATUSES[StatusGroup.MODIFYING]
        if described["EndpointStatus"] == "InService":
            model = f"model-{described['EndpointConfigName'][-1]}"
            assert set(self.cloud.models_serving()) == {model}
            (fleet,) = self.cloud.hosting.fleets.values()
            (summary,) = described["ProductionVariants"]
            assert fleet.spec.model_name == model
            assert fleet.instance_count == summary["CurrentInstanceCount"] == summary["DesiredInstanceCount"]
        if described["EndpointStatus"] == "Failed":
            assert described["FailureReason"]
            assert self.cloud.hosting.fleets == {}

    @invariant()
    def what_serves_is_routed_and_nothing_else(self) -> None:
        if not hasattr(self, "cloud"):
            return
        described = self._described()
        status = None if described is None else described["EndpointStatus"]
        shares = self.cloud.models_serving()
        if status in SERVING:
            assert sum(shares.values()) == pytest.approx(1)
        if status in {None, "Deleting", "Failed", "Creating"}:
            assert shares == {}

    @invariant()
    def a_serving_endpoint_has_the_instances_that_it_had_when_it_rested(self) -> None:
        """While an update runs and while it goes back; a rolling update exchanges one at a time."""
        described = self._described() if hasattr(self, "cloud") else None
        if described is None or described["EndpointStatus"] != "Updating":
            return
        pending = described.get("PendingDeploymentSummary")
        (old,) = described["ProductionVariants"]
        if pending is None or old["CurrentInstanceCount"] == old["DesiredInstanceCount"]:
            return
        (new,) = pending["ProductionVariants"]
        total = old["CurrentInstanceCount"] + new["CurrentInstanceCount"]
        assert total >= min(old["DesiredInstanceCount"], new["DesiredInstanceCount"])

    @invariant()
    def a_registered_variant_keeps_its_instance_type(self) -> None:
        if not hasattr(self, "cloud"):
            return
        registered = self.scaling.call("DescribeScalableTargets", {"ServiceNamespace": "sagemaker"}, ALICE)
        if registered["ScalableTargets"]:
            assert self._instance_type() == self.type_when_registered

    @invariant()
    def a_pending_deployment_shows_exactly_while_one_runs(self) -> None:
        if not hasattr(self, "cloud"):
            return
        described = self._described()
        if described is not None and "PendingDeploymentSummary" in described:
            assert described["EndpointStatus"] in {"Creating", "Updating"}

    @invariant()
    def the_next_transition_is_never_in_the_past(self) -> None:
        if hasattr(self, "cloud"):
            due = self.cloud.control_plane.next_due()
            assert due is None or due >= self.cloud.clock.now()


EndpointLife.TestCase.settings = settings(
    max_examples=50,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestEndpointLife = EndpointLife.TestCase


def _trace(seed: int) -> list[dict[str, Any]]:
    cloud = VirtualCloud(seed=seed)
    cloud.group()
    cloud.serving()
    cloud.version()
    cloud.hosting.script("model-2", Outcome(Health.UNHEALTHY))
    cloud.update()
    cloud.settle()
    return cloud.sink.events


def test_equal_seeds_give_equal_traces_and_others_other_identifiers() -> None:
    assert _trace(7) == _trace(7)
    first, second = _trace(7), _trace(8)
    assert first != second
    without_ids = [[{**event, "id": None} for event in trace] for trace in (first, second)]
    assert without_ids[0] == without_ids[1]


def test_reading_changes_no_identifier_of_an_event() -> None:
    quiet, read = VirtualCloud(), VirtualCloud()
    for cloud in (quiet, read):
        cloud.group()
        if cloud is read:
            cloud.call("ListModels")
        cloud.version()
    assert quiet.sink.events == read.sink.events


def test_time_in_one_leap_or_in_many_steps_ends_the_same() -> None:
    leap, steps = VirtualCloud(), VirtualCloud()
    for cloud in (leap, steps):
        cloud.serving()
        cloud.update()
    leap.advance(60)
    for _ in range(600):
        steps.advance(0.1)
    assert leap.sink.events == steps.sink.events


def test_a_clock_does_not_go_back(cloud: VirtualCloud) -> None:
    clock = VirtualClock()
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-1)
    cloud.model()
    cloud.config()
    cloud.hosting.script("model-1", Outcome(Health.STARTING))
    cloud.call("CreateEndpoint", EndpointName="churn", EndpointConfigName="config-1")
    with pytest.raises(RuntimeError, match="did not come to rest within 1"):
        settle(cloud.control_plane, cloud.clock, limit_seconds=1)


def test_hosting_in_virtual_time_refuses_routes_to_fleets_that_do_not_run(cloud: VirtualCloud) -> None:
    cloud.serving()
    (routes,) = cloud.hosting.routes.values()
    cloud.hosting.terminate("fleet-1")
    cloud.hosting.terminate("fleet-1")
    assert cloud.hosting.terminated == ["fleet-1"]
    with pytest.raises(ValueError, match="routed to fleets that do not run"):
        cloud.hosting.route(ACCOUNT, REGION, "churn", routes)
