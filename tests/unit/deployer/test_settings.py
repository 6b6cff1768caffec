from typing import Any

import pytest

from deployer.decisions.releases import release_of
from deployer.model.asked import Asked
from deployer.model.release import Release, Version, all_tags
from tests.unit.deployer.builders import (
    NOW,
    approval,
    facts,
    minutes,
    release,
    settings,
    settings_document,
    version_arn,
)
from tests.unit.deployer.pipeline import Pipeline

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


def test_who_approved_it_changes_tags_and_no_name() -> None:
    who = "arn:aws:sts::111122223333:assumed-role/x/ada, or \n" + "b" * 300
    named = Version(version_arn(7), 7, None, who, NOW)
    made, nobodys = (
        Release.build(
            settings(), each, pinned={}, execution_role_arn="arn:aws:iam::1:role/m", stack_name="Greenlight"
        )
        for each in (named, Version(version_arn(7), 7))
    )

    tags = {each["Key"]: each["Value"] for each in made.create_endpoint_config["Tags"]}
    assert made.endpoint_config_name == nobodys.endpoint_config_name
    assert tags["greenlight:version"] == "7"
    assert tags["greenlight:approved-at"] == NOW.isoformat()
    assert tags["greenlight:approved-by"].startswith("arn:aws:sts::111122223333:assumed-role/x/ada  or  bbb")
    assert len(tags["greenlight:approved-by"]) == 256
    assert "greenlight:approved-by" not in {each["Key"] for each in nobodys.create_endpoint_config["Tags"]}
    assert "greenlight:version" not in {each["Key"] for each in made.create_endpoint["Tags"]}


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


def test_another_text_of_restart_changes_the_config_and_keeps_the_model() -> None:
    releases = [release(under=settings(**changes)) for changes in ({}, {"Restart": "a"}, {"Restart": "b"})]

    assert len({each.endpoint_config_name for each in releases}) == 3
    assert len({each.model_name for each in releases}) == 1


def test_a_restart_that_was_asked_for_changes_the_config_as_the_settings_text_does() -> None:
    asked = [None, Asked(minutes(1), "ada", 2), Asked(minutes(1), "bob", 3), Asked(minutes(2), "ada", 4)]
    under = settings(), settings(Restart="a")
    releases = [
        release_of(facts([given], under=each), given)
        for each in under
        for given in (approval(1, restart=one) for one in asked)
    ]

    assert len({each.endpoint_config_name for each in releases}) == 6, "only its time counts"
    assert len({each.model_name for each in releases}) == 1


def test_the_version_that_serves_is_rolled_out_again_when_restart_says_so() -> None:
    pipeline = Pipeline()
    pipeline.manage()
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    before = pipeline.endpoint["EndpointConfigName"]
    pipeline.manage(Restart="2026-11-30")
    pipeline.look_at_settings()
    pipeline.run()

    assert pipeline.told(arn) == ["started", "succeeded"] * 2
    assert pipeline.endpoint["EndpointConfigName"] != before
    assert pipeline.sagemaker_calls().count("CreateModel") == 1


def test_tags_are_no_reason_for_a_rollout() -> None:
    before, after = release(1), release(1, settings(Tags={"team": "risk"}))

    assert (after.model_name, after.endpoint_config_name) == (before.model_name, before.endpoint_config_name)


def test_nobody_can_take_the_deployers_own_tags() -> None:
    taken = settings(Tags={"greenlight:stack": "mine"})

    assert all_tags(taken, "Greenlight")["greenlight:stack"] == "Greenlight"
