"""What a test endpoint is, and when a release needs one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.decisions import before_rollout
from deployer.decisions.before_rollout import is_waited_for, may_be_for_a_test
from deployer.decisions.choice import Choice
from deployer.decisions.plan import Deploy
from deployer.model.attempt import AttemptStatus
from deployer.model.stack_identity import StackIdentity
from deployer.model.steps import (
    CreateEndpoint,
    CreateEndpointConfig,
    CreateTestEndpoint,
    DeleteFailedEndpoint,
    UpdateEndpoint,
)
from tests.unit.deployer.builders import (
    ROLE_ARN,
    approval,
    deployment,
    history_of,
    minutes,
    release,
    settings,
)

if TYPE_CHECKING:
    from deployer.model.history import History

REQUEST = {"Name": "one", "Body": "1", "ContentType": "text/csv", "Status": 200, "Calls": 1}
TEST: dict[str, Any] = {"TimeLimitSeconds": 60, "Requests": [REQUEST], "BeforeRollout": True}
VARIANT = {
    "VariantName": "AllTraffic",
    "InstanceType": "ml.m5.large",
    "InitialInstanceCount": 4,
    "InitialVariantWeight": 0.0,
    "ManagedInstanceScaling": {"Status": "ENABLED"},
}
IDENTITY = StackIdentity(ROLE_ARN, "Greenlight", "deployer")


def first(past: History | None = None, *, test: dict[str, Any] | None = None, **changes: Any) -> Deploy:
    """Return what is done first to roll version 1 out."""
    under = settings(**{"SmokeTest": test or TEST, **changes})
    made = release(1, under)
    deploy = Deploy((), UpdateEndpoint(made.update_endpoint))
    return before_rollout.tested_first(deploy, Choice(approval(1), made), under, past or history_of())


def config_of(deploy: Deploy) -> dict[str, Any]:
    [config] = [each for each in deploy.preparation if isinstance(each, CreateEndpointConfig)]
    return config.request


def test_a_test_endpoint_has_its_configs_name_within_what_sagemaker_takes() -> None:
    made = first(EndpointName="e" * 63)

    assert isinstance(made.change, CreateTestEndpoint)
    assert made.change.endpoint_name == made.test_endpoint_name == config_of(made)["EndpointConfigName"]
    assert len(made.change.endpoint_name) == 63
    assert may_be_for_a_test(made.change.endpoint_name)


def test_it_is_the_smallest_that_can_be_tested() -> None:
    capture = {"EnableCapture": True}
    made = first(CreateEndpointConfig={"ProductionVariants": [VARIANT], "DataCaptureConfig": capture})

    config = config_of(made)
    assert "DataCaptureConfig" not in config
    assert [
        {name: each for name, each in variant.items() if name != "ModelName"}
        for variant in config["ProductionVariants"]
    ] == [
        {
            "VariantName": "AllTraffic",
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": 1.0,
        }
    ]


def test_a_serverless_one_keeps_nothing_warm() -> None:
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    variant = {"VariantName": "AllTraffic", "ServerlessConfig": {**serverless, "ProvisionedConcurrency": 2}}
    made = first(CreateEndpointConfig={"ProductionVariants": [variant]})

    assert config_of(made)["ProductionVariants"][0]["ServerlessConfig"] == serverless


def test_counts_need_no_other_test_and_another_test_or_type_does() -> None:
    def name(**changes: Any) -> str | None:
        return first(**changes).test_endpoint_name

    def config(**changes: Any) -> dict[str, Any]:
        return {"ProductionVariants": [{**VARIANT, **changes}]}

    usual = name(CreateEndpointConfig=config())
    assert usual == name(CreateEndpointConfig=config(InitialInstanceCount=2))
    assert usual != name(CreateEndpointConfig=config(InstanceType="ml.m5.xlarge"))
    assert usual != name(CreateEndpointConfig=config(), test={**TEST, "Requests": [{**REQUEST, "Body": "2"}]})


@pytest.mark.parametrize(
    ("passed", "is_known"),
    [
        pytest.param({"approved_at": approval(1).approved_at}, True, id="for this approval"),
        pytest.param({"approved_at": minutes(-60)}, False, id="for another approval"),
        pytest.param(
            {"approved_at": minutes(-60), "status": AttemptStatus.SUCCEEDED}, True, id="before it served well"
        ),
        pytest.param({"test_passed_at": None}, False, id="never"),
    ],
)
def test_what_passed_is_not_tested_again(passed: dict[str, Any], *, is_known: bool) -> None:
    made = first()
    before = deployment(
        1,
        **{
            "endpoint_config_name": "churn-v1-other",
            "status": AttemptStatus.FAILED,
            "test_endpoint_name": made.test_endpoint_name,
            "test_passed_at": minutes(-1),
            **passed,
        },
    )
    again = first(history_of([before]))

    assert isinstance(again.change, UpdateEndpoint) is is_known
    assert again.test_endpoint_name == made.test_endpoint_name
    assert (again.test_passed_at is not None) is is_known


def test_some_deployments_need_no_test_first() -> None:
    under = settings(SmokeTest=TEST)
    made = release(1, under)
    choice, update = Choice(approval(1), made), Deploy((), UpdateEndpoint(made.update_endpoint))
    proven = deployment(1, endpoint_config_name=made.endpoint_config_name, status=AttemptStatus.SUCCEEDED)
    deletion = Deploy((), DeleteFailedEndpoint("churn"))
    refused = replace(update, refusal="It was made again.")
    former = replace(choice, release=replace(made, create_models=()))
    without = settings(SmokeTest={**TEST, "BeforeRollout": False})

    assert before_rollout.tested_first(update, choice, under, history_of([proven])) == update
    assert before_rollout.tested_first(deletion, choice, under, history_of()) == deletion
    assert before_rollout.tested_first(refused, choice, under, history_of()) == refused
    assert before_rollout.tested_first(update, former, under, history_of()) == update
    assert before_rollout.tested_first(update, choice, without, history_of()) == update
    assert before_rollout.tested_first(update, choice, settings(), history_of()) == update


def test_a_first_deployment_is_tested_first() -> None:
    under = settings(SmokeTest=TEST)
    made = release(1, under)
    deploy = Deploy((), CreateEndpoint(made.create_endpoint))

    assert isinstance(
        before_rollout.tested_first(deploy, Choice(approval(1), made), under, history_of()).change,
        CreateTestEndpoint,
    )


@pytest.mark.parametrize(
    ("tags", "owner"),
    [
        ({"greenlight:stack": "Greenlight", "greenlight:endpoint": "churn"}, "churn"),
        ({"greenlight:stack": "Other", "greenlight:endpoint": "churn"}, None),
        ({"greenlight:endpoint": "churn"}, None),
        ({"greenlight:stack": "Greenlight"}, None),
        ({"greenlight:stack": "Greenlight", "greenlight:endpoint": "churn-v1-0123456789ab"}, None),
    ],
)
def test_tags_say_what_a_test_endpoint_is_for(tags: dict[str, str], owner: str | None) -> None:
    assert before_rollout.tested_for("churn-v1-0123456789ab", tags, IDENTITY) == owner


@pytest.mark.parametrize(
    ("name", "may_be"),
    [
        ("churn-v1-0123456789ab", True),
        ("churn-v2", False),
        ("churn", False),
        ("churn-v0-0123456789ab", False),
        ("churn-v1-0123456789AB", False),
    ],
)
def test_names_say_whose_tags_are_read(name: str, *, may_be: bool) -> None:
    assert may_be_for_a_test(name) is may_be


@pytest.mark.parametrize(
    ("changes", "is_waiting"),
    [
        ({}, True),
        ({"test_passed_at": minutes(1)}, False),
        ({"status": AttemptStatus.ACCEPTED}, False),
        ({"status": AttemptStatus.FAILED}, False),
        ({"test_endpoint_name": "churn-v1-0123456789ac"}, False),
    ],
)
def test_an_open_attempt_waits_for_its_test_endpoint(changes: dict[str, Any], *, is_waiting: bool) -> None:
    usual = {"status": AttemptStatus.OPEN, "test_endpoint_name": "churn-v1-0123456789ab"}
    waiting = deployment(1, **{**usual, **changes})

    assert is_waited_for(history_of([waiting]), "churn-v1-0123456789ab") is is_waiting
