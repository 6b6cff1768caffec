"""Only approved versions go live: no forged event helps, and no change after the approval."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.triggers import read_trigger
from tests.unit.deployer.builders import GROUP
from tests.unit.deployer.pipeline import REGION, Pipeline, change_artifact

WRITES = {"CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint", "DeleteEndpoint"}


@pytest.fixture
def pipeline() -> Pipeline:
    pipeline = Pipeline()
    pipeline.manage()
    return pipeline


def event(pipeline: Pipeline, **detail: Any) -> dict[str, Any]:
    """Return an event that tells of an approval of the group's first version."""
    arn = f"arn:aws:sagemaker:{REGION}:{pipeline.account_id}:model-package/{GROUP}/1"
    return {
        "version": "0",
        "id": "844e2571-85d4-695f-b930-0153b71dcb42",
        "detail-type": "SageMaker Model Package State Change",
        "source": "aws.sagemaker",
        "account": pipeline.account_id,
        "time": "2030-02-24T17:00:14Z",
        "region": REGION,
        "resources": [arn],
        "detail": {
            "ModelPackageGroupName": GROUP,
            "ModelPackageVersion": 1,
            "ModelPackageArn": arn,
            "ModelApprovalStatus": "Approved",
            "UpdatedModelPackageFields": ["ModelApprovalStatus"],
            **detail,
        },
    }


def assert_nothing_happened(pipeline: Pipeline) -> None:
    pipeline.run()
    assert not WRITES & set(pipeline.sagemaker_calls())
    assert pipeline.history.approvals == ()
    assert pipeline.attempts == []


ARN = f"arn:aws:sagemaker:{REGION}:{{account}}:model-package/{GROUP}/1"

FORGED: dict[str, dict[str, Any]] = {
    "a foreign account's version": {"ModelPackageArn": ARN.format(account="999999999999")},
    "a version of another group": {"ModelPackageArn": ARN.replace(GROUP, "others")},
    "a version that is not there": {"ModelPackageArn": ARN.replace("/1", "/7")},
    "a version that is not approved": {},
    "a group with a wildcard": {"ModelPackageGroupName": f"{GROUP}*"},
    "any group": {"ModelPackageGroupName": "*"},
    "a group with a path": {"ModelPackageGroupName": f"../{GROUP}"},
    "a group with a control character": {"ModelPackageGroupName": f"{GROUP}\n"},
    "a group that ends in nothing": {"ModelPackageGroupName": f"{GROUP}\x00"},
    "a group that is a list": {"ModelPackageGroupName": [GROUP]},
    "a group that is too long": {"ModelPackageGroupName": "a" * 64},
    "a version with a wildcard": {"ModelPackageArn": ARN.replace("/1", "/*")},
    "a version with a path": {"ModelPackageArn": f"{ARN}/../2"},
    "a version with an encoded path": {"ModelPackageArn": ARN.replace("/1", "%2F1")},
    "a version with a line's end": {"ModelPackageArn": f"{ARN}\n"},
    "another kind of resource": {"ModelPackageArn": ARN.replace("model-package/", "endpoint/")},
    "another service": {"ModelPackageArn": ARN.replace(":sagemaker:", ":s3:")},
    "another partition's look-alike": {"ModelPackageArn": ARN.replace("arn:aws:", "arn:aws*:")},
    "a status that is a list": {"ModelApprovalStatus": ["Approved"]},
}
"""A forged event's claims about a registered version that is not approved."""


@pytest.mark.parametrize("claim", FORGED)
def test_a_forged_event_puts_nothing_on_an_endpoint(pipeline: Pipeline, claim: str) -> None:
    pipeline.register()
    pipeline.undelivered()
    changes = {
        name: value.format(account=pipeline.account_id) if isinstance(value, str) else value
        for name, value in FORGED[claim].items()
    }
    pipeline.dispatch(read_trigger(event(pipeline, **changes)))

    assert_nothing_happened(pipeline)


def test_an_approved_version_of_another_group_does_not_come_in_under_a_followed_ones_name(
    pipeline: Pipeline,
) -> None:
    pipeline.sagemaker.create_model_package_group(ModelPackageGroupName="others")
    arn = pipeline.register("Approved", group="others")
    pipeline.undelivered()
    pipeline.dispatch(read_trigger(event(pipeline, ModelPackageArn=arn)))

    assert_nothing_happened(pipeline)


# A version that changes -------------------------------------------------------------------------------


def test_a_version_that_is_changed_while_it_waits_for_its_turn_has_to_be_approved_again(
    pipeline: Pipeline,
) -> None:
    pipeline.approve(pipeline.register())
    pipeline.deliver()
    second = pipeline.register()
    pipeline.approve(second)
    pipeline.deliver()
    change_artifact(pipeline, second)
    pipeline.run()

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == ["ignored"]
    assert "changed after it was approved" in pipeline.outcomes[-1]["Message"]

    pipeline.approve(second)
    pipeline.run()

    assert pipeline.serving() == "v2"


def test_a_change_is_seen_until_the_last_moment_before_the_write(pipeline: Pipeline) -> None:
    arn = pipeline.register()

    def change(service: str, operation: str) -> None:
        if (service, operation) == ("sagemaker", "CreateEndpointConfig"):
            pipeline.deployer_cloud.after_call = lambda *_: None
            change_artifact(pipeline, arn)

    pipeline.deployer_cloud.after_call = change
    pipeline.approve(arn)
    pipeline.run()

    assert pipeline.serving() is None
    assert pipeline.told(arn) == ["ignored"]


def test_what_serves_stays_when_its_version_is_changed(pipeline: Pipeline) -> None:
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    change_artifact(pipeline, arn)
    pipeline.run()
    pipeline.sweep()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn) == ["started", "succeeded"]


def test_what_served_before_is_not_gone_back_to_if_it_was_changed(pipeline: Pipeline) -> None:
    """Its model may be gone, and would be made of something that nobody approved."""
    first = pipeline.register()
    pipeline.approve(first)
    pipeline.run()
    second = pipeline.register()
    pipeline.approve(second)
    pipeline.run()
    change_artifact(pipeline, first)
    pipeline.reject(second)
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.told(first) == ["started", "succeeded", "ignored"]


def test_what_is_changed_and_approved_again_is_another_release(pipeline: Pipeline) -> None:
    """Under the same name SageMaker would be left with the model that there is."""
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    before = pipeline.endpoint["EndpointConfigName"]
    change_artifact(pipeline, arn)
    pipeline.approve(arn)
    pipeline.run()

    assert pipeline.endpoint["EndpointConfigName"] != before
    assert pipeline.told(arn) == ["started", "succeeded", "started", "succeeded"]
    running = {
        container.model_data_url
        for fleet in pipeline.hosting.fleets.values()
        for container in fleet.spec.containers
    }
    assert running == {"s3://models/other/model.tar.gz"}


def test_a_repeated_event_approves_nothing_that_was_changed_since(pipeline: Pipeline) -> None:
    first = pipeline.register()
    pipeline.approve(first)
    event = pipeline.events.events[-1]
    pipeline.run()
    change_artifact(pipeline, first)
    pipeline.dispatch(read_trigger(event))
    pipeline.run()

    assert pipeline.told(first) == ["started", "succeeded"]
    assert pipeline.history.approvals[0].artifact_digest == pipeline.history.deployments[-1].artifact_digest
