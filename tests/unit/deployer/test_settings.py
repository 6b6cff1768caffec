import json
from typing import Any

import pytest

from deployer.model.release import all_tags
from deployer.model.settings import EndpointSettings, InvalidSettingsError
from tests.unit.deployer.builders import release, settings, settings_document, version_arn


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is a JSON list"),
        (json.dumps(settings_document(SchemaVersion=2)), "SchemaVersion is 2, this deployer reads 1"),
        (json.dumps(settings_document(EndpointName="other")), "it names the endpoint 'other'"),
        (json.dumps(settings_document(ModelPackageGroupName="")), "ModelPackageGroupName is missing"),
        (json.dumps(settings_document(ModelPackageGroupName=7)), "ModelPackageGroupName is missing"),
        (json.dumps(settings_document(CreateModel=[])), "CreateModel.Containers"),
        (json.dumps(settings_document(CreateModel={"Containers": [{}, {}]})), "CreateModel.Containers"),
        (json.dumps(settings_document(CreateModel={"Containers": ["x"]})), "CreateModel.Containers"),
        (json.dumps(settings_document(CreateEndpointConfig=None)), "ProductionVariants"),
        (
            json.dumps(settings_document(CreateEndpointConfig={"ProductionVariants": []})),
            "ProductionVariants",
        ),
        (json.dumps(settings_document(DeploymentConfig=[])), "DeploymentConfig is not an object"),
        (json.dumps(settings_document(DeploymentConfig={"AutoRollbackConfiguration": 1})), "rollback alarms"),
        (
            json.dumps(settings_document(DeploymentConfig={"AutoRollbackConfiguration": {"Alarms": [{}]}})),
            "rollback alarms have names",
        ),
        (json.dumps(settings_document(Tags=["x"])), "Tags is not an object"),
        (json.dumps(settings_document(Tags={"x": 1})), "Tags is not an object of strings"),
        (json.dumps(settings_document(Keep="3")), "Keep is not a number of releases"),
        (json.dumps(settings_document(Keep=True)), "Keep is not a number of releases"),
        (json.dumps(settings_document(Keep=-1)), "Keep is not a number of releases"),
        (json.dumps(settings_document(AbortAlarmName=7)), "AbortAlarmName is not a string"),
        (json.dumps(settings_document(AutoScaling=[])), "AutoScaling is not an object of variants"),
        (json.dumps(settings_document(AutoScaling={"a": 1})), "AutoScaling is not an object of variants"),
        (json.dumps(settings_document(AutoScaling={"a": {}})), "each with ScalableDimension"),
        (json.dumps(settings_document(ApprovalPolicy=["ada"])), "ApprovalPolicy is not an object"),
        (json.dumps(settings_document(ApprovalPolicy={"Approvers": "ada"})), "ApprovalPolicy is not"),
        (json.dumps(settings_document(ApprovalPolicy={"Approvers": [7]})), "ApprovalPolicy is not"),
        (json.dumps(settings_document(ApprovalPolicy={"FourEyes": "yes"})), "ApprovalPolicy is not"),
    ],
)
def test_a_parameter_edited_by_hand_is_refused_with_the_fact_and_the_next_step(
    value: str, problem: str
) -> None:
    with pytest.raises(InvalidSettingsError) as refusal:
        EndpointSettings.parse("churn", value)

    assert problem in str(refusal.value)
    assert "deploy again" in str(refusal.value)


OTHERS_GROUP = "arn:aws:sagemaker:eu-central-1:444455556666:model-package-group/churn-models"


@pytest.mark.parametrize(
    ("group", "account", "name", "follows"),
    [
        pytest.param("churn-models", "111122223333", "churn-models", True, id="its own account's"),
        pytest.param("Churn-Models", "111122223333", "churn-models", True, id="in any letter case"),
        pytest.param("churn-models", "111122223333", "churn-models-2", False, id="no other"),
        pytest.param("churn-models", "444455556666", "churn-models", False, id="no other account's"),
        pytest.param(OTHERS_GROUP, "444455556666", "churn-models", True, id="another account's by ARN"),
        pytest.param(OTHERS_GROUP, "111122223333", "churn-models", False, id="not its own account's then"),
    ],
)
def test_an_endpoint_follows_one_group_of_one_account(
    group: str, account: str, name: str, *, follows: bool
) -> None:
    arn = f"arn:aws:sagemaker:eu-central-1:{account}:model-package/{name}/1"

    assert settings(ModelPackageGroupName=group).follows(arn, name, own_account="111122223333") is follows


def test_a_release_fills_the_templates_with_what_the_deployer_owns() -> None:
    made = release(7)

    [model] = made.create_models
    assert model == {
        "ModelName": made.model_name,
        "ExecutionRoleArn": "arn:aws:iam::111122223333:role/models",
        "Containers": [
            {
                "Environment": {"LOG_LEVEL": "info"},
                "ModelPackageName": version_arn(7),
            }
        ],
        "Tags": [
            {"Key": "team", "Value": "growth"},
            {"Key": "greenlight:stack", "Value": "Greenlight"},
            {"Key": "greenlight:endpoint", "Value": "churn"},
        ],
    }
    assert made.create_endpoint_config["ProductionVariants"][0]["ModelName"] == made.model_name
    assert made.create_endpoint["EndpointConfigName"] == made.endpoint_config_name
    assert made.update_endpoint == {
        "EndpointName": "churn",
        "EndpointConfigName": made.endpoint_config_name,
    }


def test_the_deployment_config_goes_to_the_update() -> None:
    config = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}

    assert release(1, settings(DeploymentConfig=config)).update_endpoint["DeploymentConfig"] == config


def changed_variant(**changes: Any) -> dict[str, Any]:
    variant = settings_document()["CreateEndpointConfig"]["ProductionVariants"][0]
    return {"ProductionVariants": [{**variant, **changes}]}


def test_a_setting_of_the_config_alone_keeps_the_model() -> None:
    before = release(1)
    after = release(1, settings(CreateEndpointConfig=changed_variant(InitialInstanceCount=2)))

    assert after.model_name == before.model_name
    assert after.endpoint_config_name != before.endpoint_config_name


def test_a_setting_of_the_model_changes_model_and_config() -> None:
    before = release(1)
    after = release(1, settings(CreateModel={"Containers": [{"Environment": {}}]}))

    assert after.model_name != before.model_name
    assert after.endpoint_config_name != before.endpoint_config_name


def test_tags_are_no_reason_for_a_rollout() -> None:
    before, after = release(1), release(1, settings(Tags={"team": "risk"}))

    assert (after.model_name, after.endpoint_config_name) == (before.model_name, before.endpoint_config_name)


def test_nobody_can_take_the_deployers_own_tags() -> None:
    taken = settings(Tags={"greenlight:stack": "mine"})

    assert all_tags(taken, "Greenlight")["greenlight:stack"] == "Greenlight"
