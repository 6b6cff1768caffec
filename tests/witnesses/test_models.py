from __future__ import annotations

import pytest

from local_cloud.testing.scripted_ports import StrictArtifacts, StrictIdentity
from tests.witnesses.observed_cloud import DATA, IMAGE, ROLE, TAG, ObservedCloud, arn_of, refusal
from tests.witnesses.witness import Observed, witness

_ACK = "aws-controllers-k8s/sagemaker-controller@dc49707"
_TERRAFORM = "hashicorp/terraform-provider-aws@03f4c354:internal/service/sagemaker/model_test.go"


@witness(
    "model-again",
    source="aws/sagemaker-python-sdk@a248126:sagemaker-core/src/sagemaker/core/helper/session_helper.py:create_model",
    date="2026-08-21",
    observed=Observed.HANDLED,
    fact="A taken model name is a ValidationException `Cannot create already existing model`.",
)
def test_a_model_cannot_be_created_twice(cloud: ObservedCloud) -> None:
    arn = cloud.model("churn")
    code, message = refusal(
        cloud.sagemaker.create_model,
        ModelName="churn",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": IMAGE},
    )
    assert (code, message) == ("ValidationException", f'Cannot create already existing model "{arn}".')


@witness(
    "model-missing",
    source=f"{_ACK}:generator.yaml:Model",
    date="2026-08-13",
    observed=Observed.HANDLED,
    fact="Describing a model that is gone is a ValidationException that begins `Could not find model`.",
)
def test_a_missing_model_is_named_by_its_arn(cloud: ObservedCloud) -> None:
    code, message = refusal(cloud.sagemaker.describe_model, ModelName="churn")
    assert (code, message) == ("ValidationException", f'Could not find model "{arn_of("model/churn")}".')


@witness(
    "model-deletion-missing",
    source=(
        "aws/amazon-sagemaker-operator-for-k8s@e131566:controllers/sdkutil/clientwrapper/sagemaker_client.go"
        ":DeleteModel"
    ),
    date="2023-02-15",
    observed=Observed.HANDLED,
    fact="Deleting a model that is gone is also a ValidationException: `Could not find model`.",
)
def test_a_model_that_is_gone_cannot_be_deleted(cloud: ObservedCloud) -> None:
    cloud.model("churn")
    cloud.sagemaker.delete_model(ModelName="churn")
    code, message = refusal(cloud.sagemaker.delete_model, ModelName="churn")
    assert code == "ValidationException"
    assert message.startswith("Could not find model ")


@witness(
    "model-tags",
    source=f"{_ACK}:test/e2e/tests/test_model.py:test_create_model",
    date="2026-08-13",
    observed=Observed.TEST,
    fact="A model has the tags from its creation, and cannot be described once it is deleted.",
)
def test_a_model_has_its_tags_until_it_is_deleted(cloud: ObservedCloud) -> None:
    tags = [{"Key": "algorithm", "Value": "xgboost"}, TAG]
    arn = cloud.model("churn", Tags=tags)
    assert cloud.sagemaker.describe_model(ModelName="churn")["ModelArn"] == arn
    assert cloud.tags(arn) == {"algorithm": "xgboost", "environment": "testing"}
    cloud.sagemaker.delete_model(ModelName="churn")
    assert refusal(cloud.sagemaker.describe_model, ModelName="churn")[0] == "ValidationException"


@witness(
    "model-defaults",
    source=f"{_TERRAFORM}:basic",
    date="2021",
    observed=Observed.TEST,
    fact="A model without data can have a role without any permissions. Its description shows the mode "
    "SingleModel and no network isolation.",
)
def test_a_model_is_described_with_its_defaults(cloud: ObservedCloud) -> None:
    arn = cloud.model("churn", PrimaryContainer={"Image": IMAGE})
    shown = cloud.sagemaker.describe_model(ModelName="churn")
    assert shown["PrimaryContainer"] == {"Image": IMAGE, "Mode": "SingleModel"}
    assert shown["EnableNetworkIsolation"] is False
    assert shown["ModelArn"] == arn == arn_of("model/churn")
    assert "InferenceExecutionConfig" not in shown
    assert cloud.tags(arn) == {}


@witness(
    "model-containers",
    source=f"{_TERRAFORM}:containers",
    date="2021",
    observed=Observed.TEST,
    fact="Two containers of one image, without host names, make a model and are described in order.",
)
def test_a_model_may_have_several_containers(cloud: ObservedCloud) -> None:
    cloud.model("churn", Containers=[{"Image": IMAGE}, {"Image": IMAGE}])
    shown = cloud.sagemaker.describe_model(ModelName="churn")
    assert [container["Image"] for container in shown["Containers"]] == [IMAGE, IMAGE]
    assert "PrimaryContainer" not in shown


@witness(
    "model-serial",
    source=f"{_TERRAFORM}:inferenceExecutionConfig",
    date="2021",
    observed=Observed.TEST,
    fact="The way to invoke containers is described as sent.",
)
def test_the_execution_mode_of_containers_is_kept(cloud: ObservedCloud) -> None:
    containers = [{"Image": IMAGE}, {"Image": IMAGE}]
    cloud.model("churn", Containers=containers, InferenceExecutionConfig={"Mode": "Serial"})
    shown = cloud.sagemaker.describe_model(ModelName="churn")
    assert shown["InferenceExecutionConfig"] == {"Mode": "Serial"}


@witness(
    "model-vpc",
    source=f"{_TERRAFORM}:vpcConfig",
    date="2021",
    observed=Observed.TEST,
    fact="A model may have both a VPC and network isolation; both are described.",
)
def test_a_vpc_and_isolation_go_together(cloud: ObservedCloud) -> None:
    vpc = {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1", "sg-2"]}
    cloud.model("churn", EnableNetworkIsolation=True, VpcConfig=vpc)
    shown = cloud.sagemaker.describe_model(ModelName="churn")
    assert (shown["EnableNetworkIsolation"], shown["VpcConfig"]) == (True, vpc)


@witness(
    "model-data-by-path",
    source=f"{_TERRAFORM}:primaryContainerModelDataUrl",
    date="2021",
    observed=Observed.TEST,
    fact="ModelDataUrl may be an object's HTTPS address with the bucket in the path; it is described as "
    "sent. The object's content is not checked.",
)
def test_model_data_may_be_given_by_its_path_on_s3_s_host() -> None:
    cloud = ObservedCloud(artifacts=StrictArtifacts({DATA}))
    url = "https://s3.amazonaws.com/bucket/model.tar.gz"
    cloud.model("churn", PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url})
    shown = cloud.sagemaker.describe_model(ModelName="churn")
    assert shown["PrimaryContainer"]["ModelDataUrl"] == url
    other = {"Image": IMAGE, "ModelDataUrl": url.replace("bucket", "other")}
    code, _ = refusal(
        cloud.sagemaker.create_model, ModelName="other", ExecutionRoleArn=ROLE, PrimaryContainer=other
    )
    assert code == "ValidationException"


@witness(
    "model-data-by-host",
    source="hashicorp/terraform-provider-aws@01606926:internal/service/sagemaker/endpoint_test.go:Config_Base",
    date="2026-07-15",
    observed=Observed.TEST,
    fact="An endpoint comes into service with model data given by the bucket's regional host name.",
)
def test_an_endpoint_serves_model_data_that_is_given_by_the_bucket_s_host() -> None:
    cloud = ObservedCloud(artifacts=StrictArtifacts({DATA}))
    url = "https://bucket.s3.us-west-2.amazonaws.com/model.tar.gz"
    cloud.model("model", PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url})
    cloud.config()
    cloud.endpoint()
    assert cloud.status() == "InService"
    [fleet] = cloud.hosting.fleets.values()
    assert fleet.spec.containers[0].model_data_url == DATA


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("ContainerHostname", "test"),
        ("Environment", {"test": "bar"}),
        ("ImageConfig", {"RepositoryAccessMode": "Platform"}),
    ],
)
@witness(
    "model-container-members",
    source=f"{_TERRAFORM}:primaryContainer",
    date="2021",
    observed=Observed.TEST,
    fact="A container's host name, environment and image config are described as sent.",
)
def test_members_of_a_container_are_kept(cloud: ObservedCloud, member: str, value: object) -> None:
    cloud.model("churn", PrimaryContainer={"Image": IMAGE, member: value})
    shown = cloud.sagemaker.describe_model(ModelName="churn")
    assert shown["PrimaryContainer"][member] == value


@witness(
    "model-tags-change",
    source=f"{_TERRAFORM}:tags",
    date="2021",
    observed=Observed.TEST,
    fact="A model's tags can be changed and removed later, although a model never changes.",
)
def test_tags_of_a_model_change(cloud: ObservedCloud) -> None:
    arn = cloud.model("churn", Tags=[{"Key": "key1", "Value": "value1"}])
    changed = [{"Key": "key1", "Value": "value1updated"}, {"Key": "key2", "Value": "value2"}]
    cloud.sagemaker.add_tags(ResourceArn=arn, Tags=changed)
    assert cloud.tags(arn) == {"key1": "value1updated", "key2": "value2"}
    cloud.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["key1"])
    assert cloud.tags(arn) == {"key2": "value2"}


@witness(
    "model-list-by-name",
    source=f"{_TERRAFORM}:CheckModelDestroy",
    date="2021",
    observed=Observed.TEST,
    fact="ListModels with NameContains returns an empty list, not an error, for a model that is gone.",
)
def test_models_are_found_by_a_part_of_their_names(cloud: ObservedCloud) -> None:
    cloud.model("tf-acc-test-1")
    cloud.model("other")
    found = cloud.sagemaker.list_models(NameContains="acc-test")["Models"]
    assert [model["ModelName"] for model in found] == ["tf-acc-test-1"]
    cloud.sagemaker.delete_model(ModelName="tf-acc-test-1")
    assert cloud.sagemaker.list_models(NameContains="acc-test")["Models"] == []


@witness(
    "model-role-untrusted",
    source="bentoml/BentoML#892",
    date="2020-07-21",
    observed=Observed.REPORT,
    fact="CreateModel refuses a role that does not trust SageMaker, and says so.",
)
def test_a_role_that_sagemaker_cannot_assume_is_refused_at_once() -> None:
    cloud = ObservedCloud(identity=StrictIdentity())
    code, message = refusal(
        cloud.sagemaker.create_model,
        ModelName="churn",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": IMAGE},
    )
    assert code == "ValidationException"
    assert message.startswith(f'The execution role ARN "{ROLE}" is invalid.')
    assert '"sts:AssumeRole" for the service principal "sagemaker.amazonaws.com"' in message


@witness(
    "model-data-unreadable",
    source="philschmid/llm-sagemaker-sample#2",
    date="2023-10-17",
    observed=Observed.REPORT,
    fact="CreateModel refuses model data that the role cannot read; the text ends with a hint at "
    "s3:ListBucket.",
)
def test_model_data_that_the_role_cannot_read_is_refused_at_once() -> None:
    cloud = ObservedCloud("eu-west-1", artifacts=StrictArtifacts())
    code, message = refusal(
        cloud.sagemaker.create_model,
        ModelName="churn",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": DATA},
    )
    assert code == "ValidationException"
    assert message == (
        f'Could not access model data at {DATA}. Please ensure that the role "{ROLE}" exists and that its '
        'trust relationship policy allows the action "sts:AssumeRole" for the service principal '
        '"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the '
        "object is located in eu-west-1. If your Model uses multiple models or uncompressed models, please "
        'ensure that the role has "s3:ListBucket" permission.'
    )


@witness(
    "model-data-missing",
    source="aws-ia/ecs-blueprints#223",
    date="2024-07-02",
    observed=Observed.REPORT,
    fact="A prefix without objects is refused in other words: `Could not find model data at`.",
)
def test_a_prefix_without_model_data_is_refused_in_words_of_its_own() -> None:
    cloud = ObservedCloud(artifacts=StrictArtifacts())
    url = "s3://jumpstart-cache/flan-t5-xl/artifacts/inference-prepack/v2.0.0/"
    source = {"S3Uri": url, "S3DataType": "S3Prefix", "CompressionType": "None"}
    code, message = refusal(
        cloud.sagemaker.create_model,
        ModelName="churn",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": IMAGE, "ModelDataSource": {"S3DataSource": source}},
    )
    assert (code, message) == ("ValidationException", f"Could not find model data at {url}.")
