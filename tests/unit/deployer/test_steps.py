"""People read a plan in the log: each step's text names the action and its object."""

from __future__ import annotations

import io
import json
from typing import Any, get_args

import pytest
from aws_lambda_powertools import Logger

from deployer.contract import STACK_TAG
from deployer.model.life_cycle import LifeCycle
from deployer.model.steps import (
    ChangeTags,
    ClearAbortAlarm,
    CreateEndpoint,
    CreateEndpointConfig,
    CreateModel,
    CreateTestEndpoint,
    DeleteAlarms,
    DeleteEndpointConfig,
    DeleteFailedEndpoint,
    DeleteModel,
    DeleteTestEndpoint,
    DeregisterScaling,
    Promote,
    PutAlarm,
    RegisterScaling,
    SetOffAbortAlarm,
    SetVariantProperties,
    Step,
    UpdateEndpoint,
    WriteMetadata,
)
from deployer.model.variant_properties import COUNT, WEIGHT, PropertyToSet
from deployer.operations import OPERATIONS
from tests.unit.deployer.builders import release
from tests.unit.deployer.transcript import ASKED_FOR_BY, WRITES

NAMED = {"EndpointName": "churn", "EndpointConfigName": "churn-v2"}
ARN = "arn:aws:sagemaker:eu-central-1:111122223333:endpoint/churn"
ALARMS = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}, {"AlarmName": "abort"}]}}
CANARY = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "CANARY"}}}
COUNT_OF_ONE = PropertyToSet("one", COUNT, 2, 1)
WEIGHT_OF_OTHER = PropertyToSet("other", WEIGHT, 0.5, 1)
THEN = "then set the instance count 2 of variant one and the weight 0.5 of variant other"
SCALING: dict[str, Any] = {"MinCapacity": 1, "MaxCapacity": 4}

TEXTS: list[tuple[Step, str]] = [
    (CreateModel({"ModelName": "churn-v2"}), "create model churn-v2"),
    (CreateEndpointConfig({"EndpointConfigName": "churn-v2"}), "create endpoint config churn-v2"),
    (CreateEndpoint(NAMED), "create endpoint churn with config churn-v2"),
    (CreateTestEndpoint({"EndpointName": "churn-v2-1"}), "create test endpoint churn-v2-1"),
    (DeleteTestEndpoint("churn-v2-1"), "delete test endpoint churn-v2-1"),
    (
        UpdateEndpoint(NAMED),
        "update endpoint churn to config churn-v2, all at once, guarded by no alarm",
    ),
    (
        UpdateEndpoint({**NAMED, "DeploymentConfig": {**CANARY, **ALARMS}}),
        "update endpoint churn to config churn-v2, canary, guarded by errors, abort",
    ),
    (
        UpdateEndpoint({**NAMED, "DeploymentConfig": {"RollingUpdatePolicy": {}}}),
        "update endpoint churn to config churn-v2, rolling, guarded by no alarm",
    ),
    (
        UpdateEndpoint(NAMED, to_set=(COUNT_OF_ONE, WEIGHT_OF_OTHER)),
        f"update endpoint churn to config churn-v2, all at once, guarded by no alarm; {THEN}",
    ),
    (
        SetVariantProperties("churn", (COUNT_OF_ONE,), 1),
        "set the instance count 2 of variant one of endpoint churn",
    ),
    (DeleteFailedEndpoint("churn"), "delete failed endpoint churn"),
    (DeleteEndpointConfig("churn-v1"), "delete endpoint config churn-v1"),
    (DeleteModel("churn-v1"), "delete model churn-v1"),
    (
        ChangeTags(ARN, {"team": "risk", "cost": "1"}, frozenset({"owner"}), {}),
        f"set tags cost, team and remove tags owner of {ARN}",
    ),
    (ChangeTags(ARN, {"team": "risk"}, frozenset(), {}), f"set tags team of {ARN}"),
    (ChangeTags(ARN, {}, frozenset({"owner"}), {}), f"remove tags owner of {ARN}"),
    (RegisterScaling("main", SCALING, {}), "scale variant main automatically between 1 and 4"),
    (DeregisterScaling("main", SCALING), "end automatic scaling of variant main"),
    (PutAlarm({"AlarmName": "errors"}, "1"), "make alarm errors"),
    (PutAlarm({"AlarmName": "errors"}, "1", exists=True), "change alarm errors"),
    (DeleteAlarms(("errors",)), "delete alarm errors"),
    (DeleteAlarms(("errors", "latency")), "delete alarms errors, latency"),
    (SetOffAbortAlarm("abort", "it is not approved"), "set off alarm abort: it is not approved"),
    (ClearAbortAlarm("abort"), "clear alarm abort"),
    (WriteMetadata("churn/2", {"b": "1", "a": "2"}), "write a, b to churn/2"),
    (Promote("churn/2", LifeCycle("Production", "Ready"), "", {}), "promote churn/2 to Production/Ready"),
]


@pytest.mark.parametrize(("step", "text"), TEXTS, ids=[text for _, text in TEXTS])
def test_a_step_says_what_is_done(step: Step, text: str) -> None:
    assert str(step) == text


def test_every_kind_of_step_has_a_text_for_people() -> None:
    assert {type(step) for step, _ in TEXTS} == set(get_args(Step))


def test_a_plan_is_logged_as_texts_and_without_requests() -> None:
    made, stream = release(1), io.StringIO()
    logger = Logger(service="a-plan-in-the-log", stream=stream)

    logger.info("Deploying", steps=(CreateModel(made.create_models[0]), ClearAbortAlarm("abort")))

    line = json.loads(stream.getvalue())
    assert line["steps"] == [f"create model {made.model_name}", "clear alarm abort"]
    assert STACK_TAG not in stream.getvalue()


def test_it_is_known_of_every_kind_of_step_what_it_asks_for() -> None:
    assert set(ASKED_FOR_BY) == set(get_args(Step))


def test_steps_ask_for_every_write_that_the_deployer_may_make() -> None:
    """The journal, outcomes and the parts of a sweep are not resources that the deployer manages."""
    changed = ("sagemaker", "application-autoscaling", "cloudwatch")
    assert {
        (service, operation)
        for service in changed
        for operation in OPERATIONS[service]
        if not operation.startswith(("Describe", "List", "Search"))
    } == WRITES
