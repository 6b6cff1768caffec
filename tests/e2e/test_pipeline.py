"""The deployed stack, from the approval in the registry to the answer of the endpoint."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.clients.account import BROKEN_MODEL, eventually
from tests.e2e.deployment import Deployment

if TYPE_CHECKING:
    from pathlib import Path

    from local_cloud.process import LocalCloud

WRITES = frozenset({"CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint", "AddTags"})
ENDPOINTS = (
    "first",
    "update",
    "broken",
    "reject",
    "copies",
    "quiet",
    "unhandled",
    "settings",
    "by-hand",
    "logs",
)

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="session")
def deployment(local_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """One stack for the whole run: each test has an endpoint and a group of its own in it."""
    account_id = str(secrets.randbelow(9 * 10**11) + 10**11)
    return Deployment(local_cloud, account_id, tmp_path_factory.mktemp("stack")).deploy(*ENDPOINTS)


def test_an_approved_version_answers_after_three_writes_and_six_reads(deployment: Deployment) -> None:
    version_arn = deployment.register("first", factor=3)
    deployment.wait_until_handled("first")
    before = len(deployment.deployer_calls("first"))
    deployment.approve(version_arn)

    assert deployment.outcome(version_arn)["Outcome"] == "succeeded"
    assert deployment.account.predict("first", [[1, 2]]) == [[3, 6]]
    deployment.wait_until_handled("first")
    calls = deployment.deployer_calls("first")[before:]
    assert [each for each in calls if each in WRITES] == [
        "CreateModel",
        "CreateEndpointConfig",
        "CreateEndpoint",
    ]
    assert len(calls) <= 3 + 6


def test_the_next_version_updates_the_endpoint_in_place(deployment: Deployment) -> None:
    deployment.deployed("update", factor=2)
    created = deployment.account.sagemaker.describe_endpoint(EndpointName="update")["CreationTime"]
    deployment.deployed("update", factor=5)

    assert deployment.account.predict("update", [[1]]) == [[5]]
    assert deployment.account.sagemaker.describe_endpoint(EndpointName="update")["CreationTime"] == created


def test_a_broken_version_is_reported_and_the_endpoint_keeps_answering(deployment: Deployment) -> None:
    deployment.deployed("broken", factor=2)
    version_arn = deployment.register("broken", code=BROKEN_MODEL)
    deployment.approve(version_arn)

    outcome = deployment.outcome(version_arn)

    assert outcome["Outcome"] == "failed"
    assert "did not pass the ping health check" in outcome["Reason"]
    assert outcome["ApprovedBy"] == f"arn:aws:iam::{deployment.account.account_id}:root"
    assert deployment.account.predict("broken", [[1]]) == [[2]]


def test_a_reject_brings_back_the_version_before(deployment: Deployment) -> None:
    first = deployment.deployed("reject", factor=2)
    second = deployment.deployed("reject", factor=5)
    deployment.outcomes.received.clear()
    deployment.reject(second)

    assert deployment.outcome(first)["Outcome"] == "rolled_back"
    assert deployment.account.predict("reject", [[1]]) == [[2]]


def test_events_that_come_twice_and_late_deploy_once(deployment: Deployment) -> None:
    cloud = deployment.account.cloud
    before = cloud.switches()["delivery"]
    cloud.switch({"delivery": {"duplicate_probability": 1.0, "delay_seconds": 1.0}})
    try:
        version_arn = deployment.deployed("copies", factor=2)
        time.sleep(2)
    finally:
        cloud.switch({"delivery": before})

    calls = deployment.deployer_calls("copies")
    assert calls.count("CreateEndpoint") == 1
    assert calls.count("UpdateEndpoint") == 0
    told = [
        each["Outcome"] for each in deployment.outcomes.received if each.get("ModelPackageArn") == version_arn
    ]
    assert sorted(told) == ["started", "succeeded"]


def test_an_event_that_changes_nothing_makes_no_write(deployment: Deployment) -> None:
    version_arn = deployment.deployed("quiet", factor=2)
    before = deployment.deployer_calls("quiet")
    deployment.account.sagemaker.update_model_package(
        ModelPackageArn=version_arn, CustomerMetadataProperties={"reviewed": "yes"}
    )

    after = eventually(lambda: deployment.deployer_calls("quiet"), lambda calls: len(calls) > len(before))
    assert not WRITES & set(after[len(before) :])


def test_an_event_that_the_deployer_fails_on_ends_in_the_failure_queue(deployment: Deployment) -> None:
    """A role that SageMaker cannot use is no version's fault: a person must hear of it."""
    iam = deployment.account.client("iam")
    role_name = deployment.outputs["ExecutionRoleArn"].rsplit("/", 1)[-1]
    trust = iam.get_role(RoleName=role_name)["Role"]["AssumeRolePolicyDocument"]
    nobody = {"Version": "2012-10-17", "Statement": []}
    version_arn = deployment.register("unhandled", factor=2)
    iam.update_assume_role_policy(RoleName=role_name, PolicyDocument=json.dumps(nobody))
    try:
        deployment.approve(version_arn)
        (message, *_) = deployment.messages(deployment.outputs["UnhandledQueueUrl"])
    finally:
        iam.update_assume_role_policy(RoleName=role_name, PolicyDocument=json.dumps(trust))

    assert message["requestPayload"]["detail"]["ModelPackageArn"] == version_arn
    assert "The execution role ARN" in json.dumps(message["responsePayload"])


def test_changed_settings_reach_the_endpoint_with_the_next_deploy(deployment: Deployment) -> None:
    deployment.deployed("settings", factor=2)
    deployment.write_settings("settings", instance_count=2)
    deployment.deploy_again()

    described = eventually(
        lambda: deployment.account.sagemaker.describe_endpoint(EndpointName="settings"),
        lambda seen: (
            seen["EndpointStatus"] == "InService"
            and seen["ProductionVariants"][0]["CurrentInstanceCount"] == 2
        ),
    )
    assert described["EndpointConfigName"].startswith("settings-v1-")


def test_a_parameter_edited_by_hand_deploys_nothing(deployment: Deployment) -> None:
    ssm = deployment.account.client("ssm")
    name = "/greenlight/endpoints/by-hand"
    value = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    deployment.wait_until_handled("by-hand")
    before = deployment.deployer_calls("by-hand")
    ssm.put_parameter(Name=name, Value='{"SchemaVersion": 1}', Overwrite=True)
    version_arn = deployment.register("by-hand", factor=2)
    deployment.approve(version_arn)
    deployment.wait_until_handled("by-hand")
    after = deployment.deployer_calls("by-hand")
    # Mended, it goes on by itself: the change of the parameter is an event.
    ssm.put_parameter(Name=name, Value=value, Overwrite=True)

    assert after == before
    assert deployment.outcome(version_arn)["Outcome"] == "succeeded"


def test_one_correlation_id_runs_through_the_functions_log(deployment: Deployment) -> None:
    version_arn = deployment.deployed("logs", factor=2)
    correlation_id = deployment.outcome(version_arn)["CorrelationId"]

    said = eventually(
        lambda: deployment.log(correlation_id=correlation_id),
        lambda seen: "Version 1 of logs serves on logs." in seen,
    )
    assert "Approval journalled" in said
    assert "Deploying" in said


def test_a_lost_approval_is_healed_by_the_schedule(
    local_cloud: LocalCloud, account_id: str, tmp_path: Path
) -> None:
    deployment = Deployment(local_cloud, account_id, tmp_path).deploy("lost", sweep_minutes="1")
    before = local_cloud.switches()["delivery"]
    version_arn = deployment.register("lost", factor=2)
    local_cloud.switch({"delivery": {"drop_probability": 1.0}})
    try:
        deployment.approve(version_arn)
        time.sleep(0.5)
    finally:
        local_cloud.switch({"delivery": before})

    assert deployment.outcomes.wait_for(version_arn, timeout_seconds=100)["Outcome"] == "succeeded"
