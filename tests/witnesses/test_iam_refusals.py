from __future__ import annotations

from local_cloud.sagemaker.switch_settings import ArnLetterCase
from local_cloud.sagemaker.switches import Switches
from tests.witnesses.observed_cloud import ACCOUNT, TAG, ObservedCloud, allow, arn_of, refusal, specification
from tests.witnesses.witness import Observed, witness

_USER = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/deployer/session is not authorized to perform: "


@witness(
    "iam-update-on-config",
    source="aws-controllers-k8s/community#1889",
    date="2023-09-05",
    observed=Observed.REPORT,
    fact="UpdateEndpoint is authorised on the endpoint config too: a caller who may update only the endpoint"
    " is refused with the config's ARN.",
)
def test_an_update_is_refused_on_its_config(cloud: ObservedCloud) -> None:
    cloud.serving()
    cloud.config("next")
    client = cloud.acting(allow("sagemaker:UpdateEndpoint", resource=arn_of("endpoint/*"))).client(
        "sagemaker"
    )
    code, message = refusal(client.update_endpoint, EndpointName="endpoint", EndpointConfigName="next")
    assert code == "AccessDeniedException"
    assert message == (
        f"{_USER}sagemaker:UpdateEndpoint on resource: {arn_of('endpoint-config/next')} because no "
        "identity-based policy allows the sagemaker:UpdateEndpoint action"
    )


@witness(
    "iam-update-on-config-alone",
    source="aws/aws-cdk#11594",
    date="2020-11-19",
    observed=Observed.REPORT,
    fact="A role that may call UpdateEndpoint on `endpoint/*` is refused on `endpoint-config/…`, with status"
    " 400.",
)
def test_to_create_and_update_takes_endpoint_and_config(cloud: ObservedCloud) -> None:
    cloud.serving()
    cloud.config("next")
    either = [arn_of("endpoint/*"), arn_of("endpoint-config/*")]
    both = cloud.acting(*(allow("sagemaker:UpdateEndpoint", resource=arn) for arn in either))
    both.client("sagemaker").update_endpoint(EndpointName="endpoint", EndpointConfigName="next")
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "next"
    for missing in either:
        [held] = [arn for arn in either if arn != missing]
        only = cloud.acting(allow("sagemaker:UpdateEndpoint", resource=held))
        _, message = refusal(
            only.client("sagemaker").update_endpoint, EndpointName="endpoint", EndpointConfigName="next"
        )
        assert f"on resource: {missing.removesuffix('*')}" in message


@witness(
    "iam-package-letter-case",
    source="aws-samples/ml-edge-getting-started#18",
    date="2023-09-27",
    observed=Observed.REPORT,
    fact="A version of a group with capital letters was refused with an ARN in the same letters, not in "
    "lower case.",
)
def test_a_version_s_arn_may_keep_its_letters_in_a_refusal() -> None:
    cloud = ObservedCloud(switches=Switches(arn_letter_case=ArnLetterCase.PRESERVED))
    arn = cloud.version("Turbine")
    assert arn == arn_of("model-package/Turbine/1")
    lower = allow("sagemaker:DescribeModelPackage", resource=arn_of("model-package/turbine/*"))
    code, message = refusal(
        cloud.acting(lower).client("sagemaker").describe_model_package, ModelPackageName=arn
    )
    assert code == "AccessDeniedException"
    assert message == (
        f"{_USER}sagemaker:DescribeModelPackage on resource: {arn} because no identity-based policy allows "
        "the sagemaker:DescribeModelPackage action"
    )
    exact = allow("sagemaker:DescribeModelPackage", resource=arn_of("model-package/Turbine/*"))
    cloud.acting(exact).client("sagemaker").describe_model_package(ModelPackageName=arn)


@witness(
    "iam-invoke-letter-case",
    source="philschmid/cdk-samples#2",
    date="2022-01-17",
    observed=Observed.REPORT,
    fact="InvokeEndpoint is authorised on the endpoint's ARN in lower case: a policy with the name's own "
    "letters does not allow it.",
)
def test_invoking_is_asked_for_on_the_arn_in_lower_case(cloud: ObservedCloud) -> None:
    cloud.model()
    cloud.config()
    cloud.endpoint("Churn")
    cased = cloud.acting(allow("sagemaker:InvokeEndpoint", resource=arn_of("endpoint/Churn")))
    code, message = refusal(
        cased.client("sagemaker-runtime").invoke_endpoint, EndpointName="Churn", Body=b"1"
    )
    assert code == "AccessDeniedException"
    assert f"sagemaker:InvokeEndpoint on resource: {arn_of('endpoint/churn')} because" in message
    lower = cloud.acting(allow("sagemaker:InvokeEndpoint", resource=arn_of("endpoint/churn")))
    answer = lower.client("sagemaker-runtime").invoke_endpoint(EndpointName="Churn", Body=b"1")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@witness(
    "iam-tags-on-creation",
    source="aws-samples/sagemaker-custom-project-templates#41",
    date="2022-08-25",
    observed=Observed.REPORT,
    fact="Creating a resource with tags needs AddTags on it; without AddTags the refusal names that action.",
)
def test_creating_with_tags_is_refused_in_the_name_of_add_tags(cloud: ObservedCloud) -> None:
    client = cloud.acting(allow("sagemaker:CreateModelPackageGroup")).client("sagemaker")
    code, message = refusal(client.create_model_package_group, ModelPackageGroupName="churn", Tags=[TAG])
    assert code == "AccessDeniedException"
    assert message == (
        f"{_USER}sagemaker:AddTags on resource: {arn_of('model-package-group/churn')} because no "
        "identity-based policy allows the sagemaker:AddTags action"
    )
    client.create_model_package_group(ModelPackageGroupName="churn")


@witness(
    "iam-boundary",
    source="aws/amazon-sagemaker-feedback#88",
    date="2024-05-31",
    observed=Observed.REPORT,
    fact="An action that a permissions boundary does not allow is refused `because no permissions boundary "
    "allows` it.",
)
def test_a_boundary_s_refusal_names_it(cloud: ObservedCloud) -> None:
    boundary = allow("sagemaker:CreateModelPackageGroup")
    client = cloud.acting(allow("sagemaker:*"), boundary=boundary).client("sagemaker")
    code, message = refusal(client.create_model_package_group, ModelPackageGroupName="churn", Tags=[TAG])
    assert code == "AccessDeniedException"
    assert message.endswith(" because no permissions boundary allows the sagemaker:AddTags action")


@witness(
    "iam-explicit-deny",
    source="aws-samples/aws-modern-application-workshop#253",
    date="2021-04-20",
    observed=Observed.REPORT,
    fact="An explicitly denied action is refused with the words `with an explicit deny`, without a reason.",
)
def test_a_denial_s_refusal_says_so(cloud: ObservedCloud) -> None:
    cloud.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    denial = {"Effect": "Deny", "Action": "sagemaker:CreateModelPackage", "Resource": "*"}
    client = cloud.acting(allow("sagemaker:*"), denial).client("sagemaker")
    code, message = refusal(
        client.create_model_package, ModelPackageGroupName="churn", InferenceSpecification=specification()
    )
    assert code == "AccessDeniedException"
    assert " is not authorized to perform: sagemaker:CreateModelPackage on resource: arn:" in message
    assert " with an explicit deny" in message
    assert "because" not in message
