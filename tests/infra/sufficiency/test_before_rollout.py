"""A version is tested on a test endpoint before its rollout: no caller reaches one that fails there."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from deployer.model.attempt import AttemptStatus, Deployment
from deployer.model.cause import Cause
from tests.infra.sufficiency.test_companions import SHADOWED, Shadowing, served, variant
from tests.infra.sufficiency.test_holds import held, sweep_after, window
from tests.infra.sufficiency.test_trial import BAD, GOOD, Trying, during_the_call, smoke_test
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import REGION
from tests.unit.deployer.test_first_look import lose_journal
from tests.unit.deployer.test_probation import KilledError, kill, sweeps

if TYPE_CHECKING:
    from local_cloud.hosting.variant_fleet import Answer

BEFORE: dict[str, Any] = {"SmokeTest": {**smoke_test(), "BeforeRollout": True}}


LARGER: dict[str, Any] = {
    "ProductionVariants": [
        {
            "VariantName": "AllTraffic",
            "InstanceType": "ml.m5.xlarge",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": 1.0,
        }
    ]
}


def client_error(code: str, message: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Careful(Trying):
    """An endpoint whose versions are tested before their rollout."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**BEFORE, **settings})

    def endpoints_there(self) -> list[str]:
        return sorted(each["EndpointName"] for each in self.sagemaker.list_endpoints()["Endpoints"])

    def test_endpoints(self) -> list[str]:
        """Return the test endpoints that exist and are not being deleted."""
        return [
            each["EndpointName"]
            for each in self.sagemaker.list_endpoints()["Endpoints"]
            if each["EndpointName"] != ENDPOINT and each["EndpointStatus"] != "Deleting"
        ]

    def begin_test(self, *answers: Answer | Exception) -> str:
        """Approve a version that answers so, and deliver its approval: its test endpoint is being created."""
        arn = self.register()
        self.script(arn, *answers)
        self.approve(arn)
        self.deliver()
        return arn

    def called(self) -> list[tuple[str, str]]:
        """Return which endpoint each call of the deployer's reached, and which version."""
        return [
            ("live" if call.endpoint_name == ENDPOINT else "test", call.model_name.split("-")[1])
            for call in self.endpoints.invoked
        ]


@pytest.fixture
def pipeline() -> Careful:
    return Careful()


def test_a_version_goes_out_once_it_passed_on_its_test_endpoint(pipeline: Careful) -> None:
    first, second = pipeline.deploy(GOOD), pipeline.deploy(GOOD)

    assert pipeline.serving() == "v2"
    assert pipeline.called() == [("test", "v1"), ("test", "v2")]
    assert pipeline.told(first) == pipeline.told(second) == ["started", "succeeded"]
    assert pipeline.endpoints_there() == [ENDPOINT]


def test_a_version_that_fails_never_reaches_the_endpoint(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    before = pipeline.endpoint["LastModifiedTime"]
    second = pipeline.deploy(BAD)

    assert pipeline.serving() == "v1"
    assert pipeline.endpoint["LastModifiedTime"] == before
    assert pipeline.told(second) == ["failed"]
    assert pipeline.endpoints_there() == [ENDPOINT]


def test_a_first_version_that_fails_makes_no_endpoint(pipeline: Careful) -> None:
    first = pipeline.deploy(BAD)

    assert pipeline.endpoints_there() == []
    assert pipeline.told(first) == ["failed"]


def test_a_failure_says_that_no_caller_reached_the_version(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.deploy(BAD)

    [failed] = [each for each in pipeline.outcomes if each.get("ModelPackageArn") == second]
    assert "failed its smoke test before its rollout to churn, so no caller reached it" in failed["Message"]
    assert failed["SmokeTest"]["Expectation"] == "score to be true"


def test_a_version_that_failed_is_tested_again_once_it_is_approved_again(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.deploy(BAD)
    pipeline.pass_time(86_400)
    pipeline.sweep()
    pipeline.run()
    assert pipeline.called() == [("test", "v1"), ("test", "v2")]

    pipeline.script(second, GOOD)
    pipeline.approve(second)
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.called() == [("test", "v1"), ("test", "v2"), ("test", "v2")]


def test_a_version_that_goes_back_is_not_tested_again(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.deploy(GOOD)
    pipeline.reject(second)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.called() == [("test", "v1"), ("test", "v2")]


def test_changed_settings_are_tested_before_they_go_out(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    pipeline.manage(**{**pipeline.settings, "CreateEndpointConfig": LARGER})
    pipeline.sweep()
    pipeline.run()

    assert pipeline.called() == [("test", "v1"), ("test", "v1")]
    assert (
        pipeline.sagemaker.describe_endpoint_config(
            EndpointConfigName=pipeline.endpoint["EndpointConfigName"]
        )["ProductionVariants"][0]["InstanceType"]
        == "ml.m5.xlarge"
    )


# What a test endpoint is ------------------------------------------------------------------------------


def test_a_test_endpoint_has_one_instance_and_no_capture_and_says_whose_it_is() -> None:
    pipeline = Careful(
        CreateEndpointConfig={
            "ProductionVariants": [{**LARGER["ProductionVariants"][0], "InitialInstanceCount": 3}],
            "DataCaptureConfig": {
                "EnableCapture": True,
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": "s3://captured/churn",
                "CaptureOptions": [{"CaptureMode": "Input"}],
            },
        }
    )
    pipeline.begin_test(GOOD)

    [name] = pipeline.test_endpoints()
    shown = pipeline.sagemaker.describe_endpoint(EndpointName=name)
    config = pipeline.sagemaker.describe_endpoint_config(EndpointConfigName=shown["EndpointConfigName"])
    assert shown["EndpointConfigName"] == name
    assert [each["InitialInstanceCount"] for each in config["ProductionVariants"]] == [1]
    assert "DataCaptureConfig" not in config
    tags = pipeline.sagemaker.list_tags(ResourceArn=shown["EndpointArn"])["Tags"]
    assert {"Key": "greenlight:endpoint", "Value": ENDPOINT} in tags
    assert {"Key": "greenlight:stack", "Value": "Greenlight"} in tags


def test_only_variants_that_follow_the_group_are_tested_each_by_its_name() -> None:
    variants = [variant("Pinned"), variant("One"), variant("Other")]
    pipeline = Careful(CreateEndpointConfig={"ProductionVariants": variants}, Pins={"Pinned": 1})
    pipeline.register("Approved")
    pipeline.run()
    pipeline.begin_test(GOOD)
    [name] = pipeline.test_endpoints()
    config = pipeline.sagemaker.describe_endpoint_config(EndpointConfigName=name)
    pipeline.run()

    assert [each["VariantName"] for each in config["ProductionVariants"]] == ["One", "Other"]
    assert [call.variant_name for call in pipeline.endpoints.invoked if call.endpoint_name == name] == [
        "One",
        "Other",
    ]
    assert pipeline.endpoints_there() == [ENDPOINT]


def test_a_shadow_needs_no_other_test_of_the_version_that_serves() -> None:
    pipeline = Shadowing(**BEFORE)
    first = pipeline.register()
    pipeline.endpoints.script(pipeline.release(first, **SHADOWED).model_name, GOOD)
    pipeline.approved_by("lead", first)
    pipeline.approved_by("anybody", pipeline.register())

    assert served(pipeline) == {"AllTraffic": "v1", "Shadow": "v2"}
    assert [call.model_name.split("-")[1] for call in pipeline.endpoints.invoked] == ["v1"]


# What ends a test -------------------------------------------------------------------------------------


def withdrawn(pipeline: Careful) -> list[int]:
    found = [each for each in pipeline.attempts if each.status is AttemptStatus.WITHDRAWN]
    return [each.version for each in found if isinstance(each, Deployment)]


def test_a_reject_meanwhile_ends_it(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.begin_test(BAD)
    pipeline.reject(second)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.called() == [("test", "v1")]
    assert withdrawn(pipeline) == [2]
    assert pipeline.told(second) == []
    assert pipeline.endpoints_there() == [ENDPOINT]


def test_a_newer_approval_takes_its_place(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    second, third = pipeline.begin_test(GOOD), pipeline.begin_test(GOOD)
    assert len(pipeline.test_endpoints()) == 2
    pipeline.run()

    assert pipeline.serving() == "v3"
    assert pipeline.called() == [("test", "v1"), ("test", "v3")]
    assert pipeline.told(second) == []
    assert pipeline.told(third) == ["started", "succeeded"]
    assert pipeline.endpoints_there() == [ENDPOINT]


def test_settings_without_it_let_the_version_go_out_at_once(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    pipeline.begin_test(GOOD)
    pipeline.settings = {"SmokeTest": smoke_test()}
    pipeline.manage(**pipeline.settings)
    pipeline.look_at_settings()
    assert pipeline.endpoint["EndpointStatus"] == "Updating"
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.called() == [("test", "v1"), ("live", "v2")]
    assert pipeline.endpoints_there() == [ENDPOINT]


def test_a_changed_test_needs_another_test_endpoint(pipeline: Careful) -> None:
    pipeline.begin_test(GOOD)
    pipeline.settings = {"SmokeTest": {**smoke_test(Expect="keys(@)"), "BeforeRollout": True}}
    pipeline.manage(**pipeline.settings)
    pipeline.look_at_settings()
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.called() == [("test", "v1")]
    assert pipeline.endpoints_there() == [ENDPOINT]


def test_an_endpoint_that_leaves_the_settings_leaves_no_test_endpoint(pipeline: Careful) -> None:
    pipeline.sweep()
    pipeline.deploy(GOOD)
    sweep_after(pipeline)
    pipeline.begin_test(GOOD)
    pipeline.unmanage()
    for _ in range(4):
        sweep_after(pipeline)

    assert pipeline.endpoints_there() == [ENDPOINT]
    assert pipeline.serving() == "v1"


def test_a_hold_lets_no_test_begin_and_ends_one_that_has_begun(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    pipeline.begin_test(GOOD)
    pipeline.manage(**pipeline.settings, **window(pipeline))
    pipeline.look_at_settings()
    pipeline.run()
    pipeline.begin_test(GOOD)
    assert pipeline.endpoints_there() == [ENDPOINT]
    assert len(held(pipeline)) == 2
    sweep_after(pipeline, 7200)

    assert pipeline.serving() == "v3"
    assert pipeline.called() == [("test", "v1"), ("test", "v3")]


# Whose fault it is ------------------------------------------------------------------------------------


def test_a_test_endpoint_without_capacity_is_tried_again(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    where = pipeline.account_id, REGION, "ml.m5.large"
    pipeline.control_plane.limits.set_instance_capacity(*where, 1)
    second = pipeline.deploy(GOOD)
    [failed] = [each for each in pipeline.outcomes if each.get("ModelPackageArn") == second]
    assert "test endpoint" in failed["Reason"]
    assert failed["RetryAt"] is not None
    assert pipeline.endpoints_there() == [ENDPOINT]
    pipeline.control_plane.limits.set_instance_capacity(*where, 9)
    sweep_after(pipeline)

    assert pipeline.serving() == "v2"


def test_a_quota_that_refuses_it_is_told_and_tried_again(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    where = pipeline.account_id, REGION, "ml.m5.large"
    pipeline.control_plane.limits.set_instance_quota(*where, 1)
    second = pipeline.deploy(GOOD)
    [failed] = [each for each in pipeline.outcomes if each.get("ModelPackageArn") == second]
    assert failed["Quota"] == "ml.m5.large for endpoint usage"
    assert pipeline.serving() == "v1"
    pipeline.control_plane.limits.set_instance_quota(*where, None)
    sweep_after(pipeline)

    assert pipeline.serving() == "v2"


def test_a_version_whose_containers_do_not_start_has_failed(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    arn = pipeline.register()
    pipeline.break_model_of(arn, **pipeline.settings)
    pipeline.approve(arn)
    pipeline.run()
    sweep_after(pipeline, 86_400)

    assert pipeline.told(arn) == ["failed"]
    assert [each.cause for each in pipeline.attempts if each.cause is not None] == [Cause.VERSION]
    assert pipeline.serving() == "v1"
    assert pipeline.endpoints_there() == [ENDPOINT]


def test_a_test_that_may_not_be_made_is_no_failure_of_the_versions(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.begin_test(GOOD)

    def deny(service: str, operation: str) -> None:
        if service == "sagemaker-runtime":
            raise client_error(
                "AccessDeniedException", "not authorized to perform: sagemaker:InvokeEndpoint", operation
            )

    pipeline.deployer_cloud.before_call = deny
    pipeline.run()
    assert pipeline.told(second) == ["needs_attention"]
    assert pipeline.endpoints_there() == [ENDPOINT]
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None
    sweep_after(pipeline)

    assert pipeline.serving() == "v2"


def test_a_rollout_that_is_tried_again_needs_no_other_test(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    pipeline.begin_test(GOOD)

    def refuse(_service: str, operation: str) -> None:
        if operation == "UpdateEndpoint":
            raise client_error("ResourceLimitExceeded", "limit", operation)

    pipeline.deployer_cloud.before_call = refuse
    pipeline.run()
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None
    sweep_after(pipeline)

    assert pipeline.serving() == "v2"
    assert pipeline.called() == [("test", "v1"), ("test", "v2")]


def test_somebody_elses_endpoint_of_that_name_is_left_alone_and_told(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    pipeline.begin_test(GOOD)
    [name] = pipeline.test_endpoints()
    pipeline.sagemaker.delete_tags(
        ResourceArn=pipeline.sagemaker.describe_endpoint(EndpointName=name)["EndpointArn"],
        TagKeys=["greenlight:stack"],
    )
    pipeline.run()
    sweep_after(pipeline)

    assert pipeline.endpoints_there() == sorted([ENDPOINT, name])
    assert pipeline.called() == [("test", "v1")]
    [told] = [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert f"an endpoint named {name} exists, and not as this deployer makes it" in told


# What ends an invocation ------------------------------------------------------------------------------


def test_a_test_that_ends_the_function_is_begun_three_times_and_has_failed_then(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.begin_test(GOOD)
    kill(pipeline)
    sweeps(pipeline, 6)

    assert pipeline.told(second) == ["failed"]
    assert pipeline.serving() == "v1"
    assert "was begun 3 times" in pipeline.outcomes[-1]["Message"]
    assert pipeline.endpoints_there() == [ENDPOINT]


@pytest.mark.long
@pytest.mark.parametrize("answer", [GOOD, BAD], ids=["good", "bad"])
def test_an_invocation_may_end_before_any_call(answer: Answer) -> None:
    for doomed in itertools.count():
        pipeline = Careful()
        pipeline.deploy(GOOD)
        begun = pipeline.called()
        left = [doomed]

        def die(_service: str, _operation: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise KilledError

        pipeline.deployer_cloud.before_call = die
        arn = pipeline.register()
        pipeline.script(arn, answer)
        pipeline.approve(arn)
        sweeps(pipeline, 5)

        assert pipeline.serving() == ("v2" if answer is GOOD else "v1"), doomed
        assert pipeline.endpoints_there() == [ENDPOINT], doomed
        assert {endpoint for endpoint, _ in pipeline.called()[len(begun) :]} == {"test"}, doomed
        if left[0] >= 0:
            break


def test_a_lost_journal_leaves_no_test_endpoint(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.begin_test(GOOD)
    [name] = pipeline.test_endpoints()
    pipeline.reject(second)
    lose_journal(pipeline)
    pipeline.undelivered()
    sweep_after(pipeline)
    sweep_after(pipeline)

    assert name not in pipeline.endpoints_there()
    assert pipeline.serving() == "v1"


def test_a_test_endpoint_that_may_not_be_deleted_is_told_once(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)

    def deny(_service: str, operation: str) -> None:
        if operation == "DeleteEndpoint":
            raise client_error("AccessDeniedException", "explicit deny", operation)

    pipeline.deployer_cloud.before_call = deny
    pipeline.deploy(GOOD)
    sweep_after(pipeline)
    sweep_after(pipeline)
    told = [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert len(told) == 1
    assert "cannot be deleted, and costs money until it is: AccessDeniedException: explicit deny." in told[0]
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None
    sweep_after(pipeline)

    assert pipeline.endpoints_there() == [ENDPOINT]
    assert pipeline.serving() == "v2"


def test_a_test_endpoint_that_somebody_deletes_during_the_test_blames_no_version(pipeline: Careful) -> None:
    pipeline.deploy(GOOD)
    second = pipeline.begin_test(GOOD)
    [name] = pipeline.test_endpoints()
    during_the_call(pipeline, lambda: pipeline.sagemaker.delete_endpoint(EndpointName=name))
    pipeline.run()
    assert pipeline.told(second) == []
    sweep_after(pipeline)

    assert pipeline.serving() == "v2"
    assert pipeline.told(second) == ["started", "succeeded"]
    assert pipeline.endpoints_there() == [ENDPOINT]
