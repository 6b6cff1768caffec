"""`greenlight adopt` writes settings with which the first deployment changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from deployer.contract import ADOPTED_TAG, ENDPOINT_TAG, STACK_TAG
from greenlight.adopting.place import Place, place_of
from greenlight.adopting.proposal import propose
from greenlight.adopting.view import changes_nothing, document, lines
from greenlight.adopting.writing import file_text, holds, tag, write_file
from greenlight.errors import CommandError
from greenlight.output import Symbols
from greenlight.planning.outlook import Effect
from infra.settings.catalogue import load_catalogue
from tests.infra.sufficiency.test_adoption import CHANGES, settle
from tests.unit.deployer.builders import ENDPOINT, GROUP
from tests.unit.deployer.pipeline import Pipeline
from tests.unit.greenlight.schemas import mistakes
from tests.unit.greenlight.test_why import previews_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from greenlight.adopting.proposal import Proposal

BY_HAND = "made-by-hand"
INSTANCES = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
TRACKING = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance",
    },
    "ScaleInCooldown": 120,
}


class ByHand:
    """A person who makes an endpoint by hand, in an account with the deployer."""

    def __init__(self, directory: Path) -> None:
        self.pipeline = Pipeline()
        self.directory = directory
        self.version_arn = self.pipeline.register("Approved")
        self.pipeline.undelivered()

    def make(
        self,
        *variants: Mapping[str, Any],
        model: Mapping[str, Any] | None = None,
        container: Mapping[str, Any] | None = None,
        **config: Any,
    ) -> None:
        """Make an endpoint of the version's image and artifact."""
        sagemaker = self.pipeline.sagemaker
        described = sagemaker.describe_model_package(ModelPackageName=self.version_arn)
        [brought] = described["InferenceSpecification"]["Containers"]
        content = {"Image": brought["Image"], "ModelDataUrl": brought["ModelDataUrl"]}
        sagemaker.create_model(
            ModelName=BY_HAND,
            ExecutionRoleArn=self.pipeline.role_arn,
            PrimaryContainer={**content, **(container or {})},
            **(model or {}),
        )
        made = [
            {"VariantName": "AllTraffic", "ModelName": BY_HAND, "InitialVariantWeight": 1.0, **each}
            for each in variants or (INSTANCES,)
        ]
        sagemaker.create_endpoint_config(EndpointConfigName=BY_HAND, ProductionVariants=made, **config)
        sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=BY_HAND)
        settle(self.pipeline)

    @property
    def place(self) -> Place:
        return place_of(self.directory, ENDPOINT, "Greenlight")

    def propose(self, group: str | None = None) -> Proposal:
        pipeline = self.pipeline
        client_of = pipeline.cloud.client
        return propose(ENDPOINT, group, self.place, previews_of(pipeline), client_of)

    def adopt(self) -> Proposal:
        """Write the file, tag the endpoint, and deploy what is in the directory."""
        proposal, file = self.propose(), self.place.file
        write_file(file, file_text(proposal, now=self.pipeline.clock.now(), has_schema=False))
        tag(proposal, self.pipeline.cloud.client)
        self.deploy()
        return proposal

    def deploy(self) -> None:
        specs, problems = load_catalogue(self.directory, "endpoints", stack_name="Greenlight")
        assert problems == []
        self.pipeline.documents = {each.endpoint_name: dict(each.compiled) for each in specs}
        self.pipeline.deploy_settings()
        self.pipeline.look_at_settings()
        settle(self.pipeline)

    @property
    def changes(self) -> list[str]:
        return [each for each in self.pipeline.sagemaker_calls() if each in CHANGES]


@pytest.fixture
def by_hand(tmp_path: Path) -> ByHand:
    return ByHand(tmp_path)


def scale(by_hand: ByHand, policy_name: str = "invocations-per-instance") -> None:
    scale_variant(by_hand.pipeline, policy_name)


def scale_variant(pipeline: Pipeline, policy_name: str = "invocations-per-instance") -> None:
    """Register the endpoint's variant for scaling, by hand."""
    scaling = pipeline.cloud.client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{ENDPOINT}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=4)
    scaling.put_scaling_policy(
        **target,
        PolicyName=policy_name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING,
    )


CAPTURE = {
    "DataCaptureConfig": {
        "EnableCapture": True,
        "InitialSamplingPercentage": 30,
        "DestinationS3Uri": "s3://captured/calls",
        "CaptureOptions": [{"CaptureMode": "Input"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
}
ASYNC = {
    "AsyncInferenceConfig": {
        "OutputConfig": {"S3OutputPath": "s3://answers/out"},
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4},
    }
}
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}


@pytest.mark.parametrize(
    ("made", "content"),
    [
        ({}, {"instance_type": "ml.m5.large", "instance_count": 2}),
        (
            {
                "variants": [{**INSTANCES, "VariantName": "Main", "VolumeSizeInGB": 50}],
                "container": {"Environment": {"LOG_LEVEL": "debug"}},
                "model": {
                    "EnableNetworkIsolation": True,
                    "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
                },
                **CAPTURE,
            },
            {
                "environment": {"LOG_LEVEL": "debug"},
                "network_isolation": True,
                "vpc": {"subnets": ["subnet-1"], "security_groups": ["sg-1"]},
                "instance_type": "ml.m5.large",
                "instance_count": 2,
                "volume_size_in_gb": 50,
                "data_capture": {
                    "destination": "s3://captured/calls",
                    "sampling_percent": 30,
                    "capture": ["input"],
                    "csv_content_types": ["text/csv"],
                },
                "overrides": {"endpoint_config": {"ProductionVariants": [{"VariantName": "Main"}]}},
            },
        ),
        ({"variants": [SERVERLESS]}, {"serverless": {"memory_size_in_mb": 2048, "max_concurrency": 5}}),
        (
            ASYNC,
            {
                "instance_type": "ml.m5.large",
                "instance_count": 2,
                "asynchronous": {
                    "output_path": "s3://answers/out",
                    "max_concurrent_invocations_per_instance": 4,
                },
            },
        ),
        (
            {
                "variants": [
                    {**INSTANCES, "VariantName": "A", "InitialVariantWeight": 3.0},
                    {
                        **INSTANCES,
                        "VariantName": "B",
                        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
                    },
                ]
            },
            {
                "variants": [
                    {"name": "A", "weight": 3.0, "instance_type": "ml.m5.large", "instance_count": 2},
                    {
                        "name": "B",
                        "weight": 1.0,
                        "instance_type": "ml.m5.large",
                        "instance_count": 2,
                        "routing": "least_outstanding_requests",
                    },
                ]
            },
        ),
    ],
    ids=["plain", "rich", "serverless", "asynchronous", "variants"],
)
def test_the_first_deployment_changes_nothing(
    by_hand: ByHand, made: dict[str, Any], content: dict[str, Any]
) -> None:
    variants = made.pop("variants", ())
    by_hand.make(*variants, **made)

    proposal = by_hand.adopt()

    assert proposal.content == {"model_package_group": GROUP, **content}
    assert proposal.notes == ()
    assert changes_nothing(proposal)
    assert by_hand.changes == []
    assert by_hand.pipeline.endpoint["EndpointConfigName"] == BY_HAND


def test_scaling_stays_as_it_is(by_hand: ByHand) -> None:
    by_hand.make()
    scale(by_hand)

    proposal = by_hand.adopt()

    assert proposal.content["autoscaling"] == {
        "min": 1,
        "max": 4,
        "target_tracking": [
            {"metric": "invocations_per_instance", "target": 70.0, "scale_in_cooldown_seconds": 120}
        ],
    }
    assert (proposal.notes, by_hand.changes) == ((), [])
    scaling = by_hand.pipeline.cloud.client("application-autoscaling")
    policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert [each["PolicyName"] for each in policies] == ["invocations-per-instance"]


def test_a_policy_by_another_name_gets_a_twin_and_that_is_said(by_hand: ByHand) -> None:
    by_hand.make()
    scale(by_hand, policy_name="mine")

    [note] = by_hand.adopt().notes

    assert "adds the scaling policy invocations-per-instance" in note
    assert "Delete mine then." in note
    assert by_hand.changes == []


def test_what_defaults_would_change_is_taken_out(by_hand: ByHand) -> None:
    (by_hand.directory / "defaults.yaml").write_text(
        yaml.safe_dump(
            {"network_isolation": True, "environment": {"LOG_LEVEL": "info"}, "tags": {"team": "growth"}}
        )
    )
    by_hand.make()

    proposal = by_hand.adopt()

    assert proposal.content["network_isolation"] is None
    assert proposal.content["environment"] is None
    assert by_hand.changes == []
    tags = by_hand.pipeline.sagemaker.list_tags(ResourceArn=by_hand.pipeline.endpoint["EndpointArn"])["Tags"]
    assert {"Key": "team", "Value": "growth"} in tags


def test_a_version_that_is_not_approved_is_said(by_hand: ByHand) -> None:
    by_hand.make()
    by_hand.pipeline.reject(by_hand.version_arn)

    proposal = by_hand.propose()

    shown = "\n".join(lines(proposal, by_hand.place.file, Symbols(), written=True))
    assert f"v1 is Rejected. Approve it before the first deployment: greenlight approve {GROUP} 1" in shown
    assert proposal.outlook.effect is Effect.STUCK
    assert ADOPTED_TAG not in proposal.tags


def test_the_tags_say_whose_it_is_and_what_it_stands_for(by_hand: ByHand) -> None:
    by_hand.make()

    proposal = by_hand.propose()

    release = by_hand.pipeline.release(
        by_hand.version_arn,
        CreateModel={"Containers": [{}]},
        CreateEndpointConfig={
            "ProductionVariants": [{"VariantName": "AllTraffic", "InitialVariantWeight": 1.0, **INSTANCES}]
        },
    )
    assert proposal.tags == {
        STACK_TAG: "Greenlight",
        ENDPOINT_TAG: ENDPOINT,
        ADOPTED_TAG: release.endpoint_config_name,
    }
    assert not proposal.is_tagged
    told = document(proposal, by_hand.place.file, written=True, tagged=False)
    assert mistakes(told, "adopt") == []
    assert told["plan"]["effect"] == "nothing"


def test_it_can_be_asked_again(by_hand: ByHand) -> None:
    """Such as after Ctrl-C between the file and the tag, or after both."""
    by_hand.make()
    first = by_hand.adopt()

    again = by_hand.propose()

    assert again.is_tagged
    assert (again.content, again.tags) == (first.content, first.tags)
    assert holds(by_hand.place.file, again.content)
    assert [each.name for each in by_hand.directory.iterdir()] == [f"{ENDPOINT}.yaml"]


def test_an_artifact_that_no_version_has_is_nothing_to_adopt(by_hand: ByHand) -> None:
    other = "s3://models/other/model.tar.gz"
    by_hand.pipeline.artifacts.s3_urls.add(other)
    by_hand.make(container={"ModelDataUrl": other})

    with pytest.raises(CommandError) as raised:
        by_hand.propose()

    assert other in raised.value.cause
    assert "Register that artifact" in raised.value.next_step


def test_versions_of_two_groups_are_a_question(by_hand: ByHand) -> None:
    by_hand.make()
    sagemaker = by_hand.pipeline.sagemaker
    specification = sagemaker.describe_model_package(ModelPackageName=by_hand.version_arn)[
        "InferenceSpecification"
    ]
    sagemaker.create_model_package_group(ModelPackageGroupName="other-models")
    sagemaker.create_model_package(ModelPackageGroupName="other-models", InferenceSpecification=specification)

    with pytest.raises(CommandError) as raised:
        by_hand.propose()

    assert "--group" in raised.value.next_step
    assert by_hand.propose(GROUP).match.group == GROUP


def test_an_endpoint_of_another_installation_is_left_alone(by_hand: ByHand) -> None:
    by_hand.make()
    tags = [{"Key": STACK_TAG, "Value": "Other"}]
    by_hand.pipeline.sagemaker.add_tags(ResourceArn=by_hand.pipeline.endpoint["EndpointArn"], Tags=tags)

    with pytest.raises(CommandError, match="belongs to another installation"):
        by_hand.propose()


def test_there_is_no_such_endpoint(by_hand: ByHand) -> None:
    with pytest.raises(CommandError, match="There is no endpoint churn"):
        by_hand.propose()


def test_a_file_is_whole_or_not_there(by_hand: ByHand) -> None:
    file = by_hand.directory / "churn.yaml"
    write_file(file, "a: 1\n")
    with pytest.raises(UnicodeEncodeError):
        write_file(file, "\ud800")

    assert file.read_text() == "a: 1\n"
    assert [each.name for each in by_hand.directory.iterdir()] == ["churn.yaml"]


def test_a_registration_without_a_policy_stays_as_it_is_and_that_is_said(by_hand: ByHand) -> None:
    by_hand.make()
    by_hand.pipeline.cloud.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId=f"endpoint/{ENDPOINT}/variant/AllTraffic",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=4,
    )

    proposal = by_hand.adopt()

    assert "autoscaling" not in proposal.content
    assert proposal.notes[0].startswith("AllTraffic stays registered for scaling as it is")
    assert by_hand.changes == []
