"""boto3 itself, with its paginators, waiters and exceptions, on the wire layer without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

from local_cloud.sagemaker.ports import Health
from local_cloud.sagemaker.protocol import wire
from local_cloud.sagemaker.switch_settings import FilteredPages
from local_cloud.sagemaker.switches import Switches
from local_cloud.testing.scripted_hosting import Outcome
from tests.unit.local_cloud.sagemaker.virtual_cloud import ALICE, IMAGE, REGION, ROLE, VirtualCloud

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import WaiterConfigTypeDef

IMPATIENT: WaiterConfigTypeDef = {"Delay": 0, "MaxAttempts": 100}


class _Raw:
    """botocore expects this below an AWSResponse whose content is already there."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> list[bytes]:
        return [self._body]


def client_of(cloud: VirtualCloud) -> SageMakerClient:
    """Return a boto3 client whose every call takes a second of the virtual clock."""
    client = boto3.client(
        "sagemaker",
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        cloud.advance(1)
        target = request.headers["X-Amz-Target"]
        text = target.decode() if isinstance(target, bytes) else target
        body = request.body if isinstance(request.body, bytes) else b""
        status, headers, content = wire.handle(cloud.control_plane, target=text, body=body, caller=ALICE)
        return AWSResponse(request.url, status, HTTPHeaders.from_dict(headers), _Raw(content))

    # The stubs do not know that a hook may answer.
    client.meta.events.register("before-send.sagemaker", answer)  # type: ignore[arg-type]
    return client


def test_the_snippet_of_the_documentation_ends_in_service(cloud: VirtualCloud) -> None:
    client = client_of(cloud)
    client.create_model_package_group(ModelPackageGroupName="Churn")
    version = client.create_model_package(
        ModelPackageGroupName="Churn",
        InferenceSpecification={"Containers": [{"Image": IMAGE}]},
        ModelApprovalStatus="Approved",
    )["ModelPackageArn"]
    client.create_model(ModelName="m", ExecutionRoleArn=ROLE, Containers=[{"ModelPackageName": version}])
    client.create_endpoint_config(
        EndpointConfigName="c",
        ProductionVariants=[
            {
                "InstanceType": "ml.m4.xlarge",
                "InitialVariantWeight": 1,
                "InitialInstanceCount": 1,
                "ModelName": "m",
                "VariantName": "AllTraffic",
            }
        ],
    )
    client.create_endpoint(EndpointName="e", EndpointConfigName="c")
    client.get_waiter("endpoint_in_service").wait(EndpointName="e", WaiterConfig=IMPATIENT)
    assert client.describe_endpoint(EndpointName="e")["EndpointStatus"] == "InService"
    client.delete_endpoint(EndpointName="e")
    client.get_waiter("endpoint_deleted").wait(EndpointName="e", WaiterConfig=IMPATIENT)
    assert client.list_endpoints()["Endpoints"] == []


def test_the_waiter_fails_on_failed_and_succeeds_on_a_rolled_back_update(
    cloud: VirtualCloud,
) -> None:
    client = client_of(cloud)
    cloud.serving()
    cloud.hosting.script("model-2", Outcome(Health.UNHEALTHY))
    client.update_endpoint(EndpointName="churn", EndpointConfigName="config-2")
    client.get_waiter("endpoint_in_service").wait(EndpointName="churn", WaiterConfig=IMPATIENT)
    described = client.describe_endpoint(EndpointName="churn")
    assert described["EndpointConfigName"] == "config-1"
    assert "ping health check" in described["FailureReason"]
    client.create_endpoint(EndpointName="other", EndpointConfigName="config-2")
    with pytest.raises(WaiterError, match="Failed"):
        client.get_waiter("endpoint_in_service").wait(EndpointName="other", WaiterConfig=IMPATIENT)


@pytest.mark.parametrize("pages", FilteredPages)
def test_the_paginator_finds_every_approved_version(pages: FilteredPages) -> None:
    cloud = VirtualCloud(switches=Switches(filtered_pages=pages))
    client = client_of(cloud)
    cloud.group()
    for number in range(25):
        cloud.version("churn", "Approved" if number % 3 == 0 else "Rejected")
    paginator = client.get_paginator("list_model_packages")
    found = [
        summary["ModelPackageVersion"]
        for page in paginator.paginate(ModelPackageGroupName="churn", ModelApprovalStatus="Approved")
        for summary in page["ModelPackageSummaryList"]
    ]
    assert found == list(range(1, 26, 3))


def test_errors_arrive_as_the_service_declares_them(cloud: VirtualCloud) -> None:
    client = client_of(cloud)
    with pytest.raises(ClientError) as caught:
        client.describe_endpoint(EndpointName="x")
    response = caught.value.response
    assert response["Error"] == {"Code": "ValidationException", "Message": 'Could not find endpoint "x".'}
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["ResponseMetadata"]["RequestId"]
    cloud.group()
    cloud.version()
    with pytest.raises(client.exceptions.ConflictException):
        client.delete_model_package_group(ModelPackageGroupName="churn")
    with pytest.raises(ClientError, match="UnknownOperationException"):
        client.list_training_jobs()
