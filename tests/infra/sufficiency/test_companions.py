"""Several versions on one endpoint: pinned ones beside the approved one, and one that shadows it."""

from __future__ import annotations

from typing import Any

import pytest

from infra.settings.compiling.alarm_definitions import Watched, abort_alarm
from local_cloud.hosting.variant_fleet import Answer
from local_cloud.testing.in_process import InProcessCloud
from tests.unit.deployer.builders import settings
from tests.unit.deployer.pipeline import REGION, Pipeline


def variant(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "VariantName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
        **changes,
    }


AB_TEST: dict[str, Any] = {
    "CreateEndpointConfig": {
        "ProductionVariants": [variant("Champion", InitialVariantWeight=9.0), variant("Challenger")]
    },
    "Pins": {"Champion": 1},
}

DEBUGGING = {"Containers": [{"Environment": {"LOG_LEVEL": "debug"}}]}

LEAD = "arn:aws:iam::*:user/lead"
SHADOWED: dict[str, Any] = {
    "CreateEndpointConfig": {
        "ProductionVariants": [variant("AllTraffic")],
        "ShadowProductionVariants": [variant("Shadow")],
    },
    "ApprovalPolicy": {"Approvers": [LEAD]},
    "Shadow": {},
}


def served(pipeline: Pipeline) -> dict[str, str]:
    """Return each variant's version, by its model's name: `v3`, say."""
    name = pipeline.endpoint["EndpointConfigName"]
    config = pipeline.sagemaker.describe_endpoint_config(EndpointConfigName=name)
    variants = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]
    return {each["VariantName"]: each["ModelName"].split("-")[1] for each in variants}


# A/B tests --------------------------------------------------------------------------------------------


def ab_test() -> Pipeline:
    """Return an endpoint with v1 pinned as champion, and v2 approved."""
    pipeline = Pipeline()
    pipeline.manage(**AB_TEST)
    pipeline.register("Approved")
    pipeline.approve(pipeline.register())
    pipeline.run()
    return pipeline


def test_pinned_variants_stay_while_the_others_follow_the_approvals() -> None:
    pipeline = ab_test()
    assert served(pipeline) == {"Champion": "v1", "Challenger": "v2"}

    pipeline.approve(pipeline.register())
    pipeline.run()

    assert served(pipeline) == {"Champion": "v1", "Challenger": "v3"}
    assert [each["Outcome"] for each in pipeline.outcomes][-2:] == ["started", "succeeded"]
    assert pipeline.outcomes[-1]["Companions"][0]["ModelPackageVersion"] == 1


def test_a_new_pin_is_a_new_release() -> None:
    pipeline = ab_test()
    pipeline.manage(**{**AB_TEST, "Pins": {"Champion": 2}})
    pipeline.sweep()
    pipeline.run()

    assert served(pipeline) == {"Champion": "v2", "Challenger": "v2"}


def test_a_pinned_version_that_is_rejected_is_left_out_and_a_person_told_once() -> None:
    pipeline = ab_test()
    first = pipeline.history.deployments[0].companions[0].version_arn
    pipeline.reject(first)
    pipeline.run()
    pipeline.sweep()
    pipeline.sweep()

    assert served(pipeline) == {"Challenger": "v2"}
    told = [each for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert len(told) == 1
    assert "Champion (version 1: not approved in churn-models)" in told[0]["Message"]


def test_a_pinned_version_that_is_approved_again_is_back() -> None:
    pipeline = ab_test()
    first = pipeline.history.deployments[0].companions[0].version_arn
    pipeline.reject(first)
    pipeline.run()
    pipeline.approve(first)
    pipeline.run()

    assert served(pipeline) == {"Champion": "v1", "Challenger": "v1"}


def test_a_pin_that_is_rejected_just_before_the_change_never_goes_out() -> None:
    pipeline = Pipeline()
    pipeline.manage(**AB_TEST)
    first = pipeline.register("Approved")
    pipeline.run()
    pipeline.manage(**{**AB_TEST, "Pins": {"Champion": 2}})
    second = pipeline.register("Approved")

    def reject(service: str, operation: str) -> None:
        if (service, operation) == ("sagemaker", "CreateEndpointConfig"):
            pipeline.deployer_cloud.after_call = lambda *_: None
            pipeline.reject(second)

    pipeline.deployer_cloud.after_call = reject
    pipeline.run()

    assert pipeline.told(first)[-1] == "succeeded"
    assert served(pipeline) == {"Challenger": "v1"}


def test_models_of_pinned_versions_are_kept_while_they_serve_and_deleted_afterwards() -> None:
    pipeline = ab_test()
    pipeline.manage(**AB_TEST, Keep=0)
    pipeline.approve(pipeline.register())
    pipeline.run()
    models = {each["ModelName"].split("-")[1] for each in pipeline.sagemaker.list_models()["Models"]}
    assert models == {"v1", "v3", "v2"}

    third = pipeline.register()
    pipeline.manage(**{**AB_TEST, "Pins": {"Champion": 3}}, Keep=0)
    pipeline.approve(third)
    pipeline.run()
    models = {each["ModelName"].split("-")[1] for each in pipeline.sagemaker.list_models()["Models"]}

    assert "v1" not in models


def test_each_variant_that_follows_is_tried_and_no_pinned_one() -> None:
    test = {
        "TimeLimitSeconds": 60,
        "Requests": [{"Body": "1", "ContentType": "text/csv", "Status": 200, "Calls": 2}],
    }
    pipeline = Pipeline()
    pipeline.manage(**AB_TEST, SmokeTest=test)
    arn = pipeline.register("Approved")
    pipeline.run()

    assert [call.variant_name for call in pipeline.endpoints.invoked] == ["Challenger", "Challenger"]
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_a_pin_of_another_accounts_group_is_read_by_its_arn() -> None:
    group = "arn:aws:sagemaker:eu-central-1:444455556666:model-package-group/churn"

    assert settings(ModelPackageGroupName=group).version_name(7) == (
        "arn:aws:sagemaker:eu-central-1:444455556666:model-package/churn/7"
    )
    assert settings(ModelPackageGroupName="churn").version_name(7) == "churn/7"


# Shadows ----------------------------------------------------------------------------------------------


class Shadowing(Pipeline):
    """An endpoint whose approvals count if the lead gives them, and whose shadows anybody chooses."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.manage(**{**SHADOWED, **changes})

    def approved_by(self, user: str, version_arn: str) -> None:
        """Approve as that IAM user, and let everything happen."""
        self.approve_as(user, version_arn)
        self.run()

    def approve_as(self, user: str, version_arn: str) -> None:
        """Approve as that IAM user."""
        somebody = InProcessCloud(
            self.control_plane,
            account_id=self.account_id,
            region=REGION,
            caller_arn=f"arn:aws:iam::{self.account_id}:user/{user}",
        )
        somebody.client("sagemaker").update_model_package(
            ModelPackageArn=version_arn, ModelApprovalStatus="Approved"
        )


@pytest.fixture
def shadowing() -> Shadowing:
    """Return an endpoint on which v1 serves, as the lead approved it."""
    pipeline = Shadowing()
    pipeline.approved_by("lead", pipeline.register())
    assert served(pipeline) == {"AllTraffic": "v1"}
    return pipeline


def test_a_version_that_others_approve_shadows_the_one_that_serves(shadowing: Shadowing) -> None:
    arn = shadowing.register()
    shadowing.approved_by("scientist", arn)

    assert served(shadowing) == {"AllTraffic": "v1", "Shadow": "v2"}
    last = shadowing.outcomes[-1]
    assert last["Outcome"] == "succeeded"
    assert "with version 2 as its shadow" in last["Message"]
    assert last["ApprovedBy"].endswith("user/scientist")
    assert "ignored" not in [each["Outcome"] for each in shadowing.outcomes]


def test_the_leads_approval_promotes_a_shadow(shadowing: Shadowing) -> None:
    arn = shadowing.register()
    shadowing.approved_by("scientist", arn)
    shadowing.approved_by("lead", arn)

    assert served(shadowing) == {"AllTraffic": "v2"}


def test_a_shadow_that_is_rejected_is_taken_off(shadowing: Shadowing) -> None:
    arn = shadowing.register()
    shadowing.approved_by("scientist", arn)
    shadowing.reject(arn)
    shadowing.run()

    assert served(shadowing) == {"AllTraffic": "v1"}


def test_a_shadow_that_fails_is_left_out_and_what_serves_stays(shadowing: Shadowing) -> None:
    arn = shadowing.register()
    shadowing.break_model_of(arn, **SHADOWED)
    shadowing.approved_by("scientist", arn)
    shadowing.sweep()
    shadowing.run()

    assert served(shadowing) == {"AllTraffic": "v1"}
    assert [each["Outcome"] for each in shadowing.outcomes][-2:] == ["started", "failed"]


def test_no_shadow_goes_out_with_a_version_that_the_registry_hides_by_now(shadowing: Shadowing) -> None:
    """SageMaker would get another config with it. So the shadow waits, and nothing is tried in vain."""
    live = shadowing.history.deployments[0]
    arn = shadowing.register()
    shadowing.hidden.add(live.version_arn)
    shadowing.approved_by("scientist", arn)
    shadowing.sweep()

    assert shadowing.history.latest_attempt == live
    [told] = [each["Message"] for each in shadowing.outcomes if each.get("ModelPackageArn") == arn]
    assert "It is to shadow version 1, which may not be deployed again now." in told
    shadowing.hidden.clear()
    shadowing.sweep()
    shadowing.run()
    assert served(shadowing) == {"AllTraffic": "v1", "Shadow": "v2"}


def test_of_two_shadows_the_newest_is_taken_and_the_other_when_that_fails(shadowing: Shadowing) -> None:
    second, third = shadowing.register(), shadowing.register()
    shadowing.break_model_of(third, **SHADOWED)
    shadowing.approved_by("scientist", second)
    shadowing.approved_by("scientist", third)

    assert served(shadowing) == {"AllTraffic": "v1", "Shadow": "v2"}


def test_approving_what_serves_for_the_shadow_changes_nothing(shadowing: Shadowing) -> None:
    first = shadowing.history.deployments[0].version_arn
    before = shadowing.endpoint["EndpointConfigName"]
    shadowing.approved_by("scientist", first)

    assert shadowing.endpoint["EndpointConfigName"] == before


def test_a_version_that_goes_live_leaves_older_shadows_behind(shadowing: Shadowing) -> None:
    second, third = shadowing.register(), shadowing.register()
    shadowing.approved_by("scientist", second)
    shadowing.approved_by("lead", third)

    assert served(shadowing) == {"AllTraffic": "v3"}


def test_a_shadows_approvers_may_be_named() -> None:
    pipeline = Shadowing(Shadow={"Approvers": ["arn:aws:iam::*:user/scientist"]})
    pipeline.approved_by("lead", pipeline.register())
    arn = pipeline.register()
    pipeline.approved_by("stranger", arn)

    assert served(pipeline) == {"AllTraffic": "v1"}
    assert pipeline.told(arn) == ["ignored"]


def test_a_shadow_that_does_not_support_its_instances_is_ignored_with_the_reason() -> None:
    config = SHADOWED["CreateEndpointConfig"]
    shadow = [variant("Shadow", InstanceType="ml.p3.2xlarge")]
    pipeline = Shadowing(CreateEndpointConfig={**config, "ShadowProductionVariants": shadow})
    pipeline.approved_by("lead", pipeline.register())
    arn = pipeline.register()
    pipeline.approved_by("scientist", arn)
    pipeline.sweep()

    assert served(pipeline) == {"AllTraffic": "v1"}
    assert pipeline.told(arn) == ["ignored"]
    assert "ml.p3.2xlarge" in pipeline.outcomes[-1]["Message"]


def test_a_pinned_variant_may_have_instances_that_the_approved_version_does_not_support() -> None:
    variants = [variant("Champion", InstanceType="ml.p3.2xlarge"), variant("Challenger")]
    pipeline = Pipeline()
    pipeline.manage(CreateEndpointConfig={"ProductionVariants": variants}, Pins={"Champion": 1})
    arn = pipeline.register("Approved")
    pipeline.run()

    assert pipeline.told(arn) == ["started", "succeeded"]


def test_what_failed_its_test_does_not_give_way_to_a_release_with_a_rejected_pin() -> None:
    test = {
        "TimeLimitSeconds": 60,
        "Requests": [{"Body": "1", "ContentType": "text/csv", "Status": 200, "Calls": 1}],
    }
    pipeline = Pipeline()
    pipeline.manage(**{**AB_TEST, "Pins": {"Champion": 2}}, SmokeTest=test)
    first = pipeline.register("Approved")
    pipeline.run()
    second = pipeline.register("Approved")
    pipeline.undelivered()
    pipeline.sweep()
    pipeline.run()
    assert served(pipeline) == {"Champion": "v2", "Challenger": "v2"}

    pipeline.approve(first)
    pipeline.run()
    assert served(pipeline) == {"Champion": "v2", "Challenger": "v1"}
    made = pipeline.release(first, **AB_TEST, CreateModel=DEBUGGING)
    pipeline.endpoints.script(made.model_name, Answer(500, "text/plain", b""))
    pipeline.manage(**{**AB_TEST, "Pins": {"Champion": 2}}, SmokeTest=test, CreateModel=DEBUGGING)
    pipeline.reject(second)
    pipeline.sweep()
    pipeline.run()

    assert "v2" not in served(pipeline).values()


def test_a_rollout_is_aborted_when_its_shadow_is_rejected(shadowing: Shadowing) -> None:
    request = abort_alarm(Watched("Greenlight", "churn", "AllTraffic")).request()
    alarm = request["AlarmName"]
    shadowing.manage(
        **SHADOWED,
        AbortAlarmName=alarm,
        RollbackAlarms=[request],
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 1800},
                "TerminationWaitInSeconds": 1800,
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
        },
    )
    arn = shadowing.register()
    shadowing.approve_as("scientist", arn)
    shadowing.deliver()
    shadowing.pass_time(900)
    shadowing.deliver()
    shadowing.reject(arn)
    shadowing.run()

    assert served(shadowing) == {"AllTraffic": "v1"}
    assert [each["Outcome"] for each in shadowing.outcomes][-1] == "aborted"
