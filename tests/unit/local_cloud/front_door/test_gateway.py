import pytest

from local_cloud.front_door.gateway import (
    CredentialScope,
    Destination,
    credential_scope,
    destination,
    operation_name,
)
from local_cloud.front_door.http import Request

SERVED_BY_MINISTACK = {"s3", "events", "lambda"}


def request(
    method: str = "POST",
    path: str = "/",
    *,
    service: str | None = None,
    target: str | None = None,
    query: dict[str, str] | None = None,
) -> Request:
    headers = {}
    if service:
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential=111122223333/20260101/eu-central-1/{service}/aws4_request, "
            "SignedHeaders=host, Signature=0"
        )
    if target:
        headers["x-amz-target"] = target
    return Request(method, path, query or {}, headers)


def goes_to(given: Request) -> Destination:
    return destination(given, credential_scope(given), ministack_serves=SERVED_BY_MINISTACK.__contains__)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(request("GET", "/_local_cloud/health"), Destination.ADMIN, id="admin"),
        pytest.param(
            request("PUT", "/_local_cloud/switches", service="s3"), Destination.ADMIN, id="admin, signed"
        ),
        pytest.param(
            request(service="sagemaker", target="SageMaker.CreateModel"),
            Destination.CONTROL_PLANE,
            id="control plane",
        ),
        pytest.param(
            request(path="/endpoints/churn/invocations", service="sagemaker"),
            Destination.RUNTIME,
            id="InvokeEndpoint",
        ),
        pytest.param(
            request(path="/endpoints/churn/async-invocations", service="sagemaker"),
            Destination.RUNTIME,
            id="InvokeEndpointAsync",
        ),
        pytest.param(
            request(path="/endpoints/churn/invocations-response-stream", service="sagemaker"),
            Destination.UNSUPPORTED,
            id="InvokeEndpointWithResponseStream",
        ),
        pytest.param(
            request("GET", "/endpoints/churn/invocations", service="sagemaker"),
            Destination.UNSUPPORTED,
            id="GET is no invocation",
        ),
        pytest.param(
            request(service="sagemaker", target="SageMakerMetrics.BatchPutMetrics"),
            Destination.UNSUPPORTED,
            id="another service that signs as sagemaker",
        ),
        pytest.param(
            request(target="SageMaker.CreateModel"), Destination.UNSIGNED, id="control plane, unsigned"
        ),
        pytest.param(
            request(
                service="application-autoscaling", target="AnyScaleFrontendService.RegisterScalableTarget"
            ),
            Destination.AUTO_SCALING,
            id="auto scaling",
        ),
        pytest.param(
            request(service="servicequotas", target="ServiceQuotasV20190624.ListServiceQuotas"),
            Destination.QUOTAS,
            id="quotas",
        ),
        pytest.param(
            request(service="fraud-detector", target="AWSHawksNestServiceFacade.GetModels"),
            Destination.UNSUPPORTED,
            id="a service that nobody implements",
        ),
        pytest.param(
            request(service="events", target="AWSEvents.PutRule"), Destination.MINISTACK, id="events"
        ),
        pytest.param(request("GET", "/bucket/key"), Destination.MINISTACK, id="unsigned S3"),
        pytest.param(
            request("PUT", "/endpoints/churn/invocations", service="s3"),
            Destination.MINISTACK,
            id="an S3 key that looks like an endpoint",
        ),
    ],
)
def test_credential_scope_decides_who_answers(given: Request, expected: Destination) -> None:
    assert goes_to(given) is expected


def test_scope_is_read_from_a_presigned_url() -> None:
    given = request("GET", query={"X-Amz-Credential": "111122223333/20260101/us-east-1/s3/aws4_request"})

    assert credential_scope(given) == CredentialScope("111122223333", "us-east-1", "s3")


def test_unsigned_request_has_no_scope() -> None:
    assert credential_scope(request()) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (request(target="AnyScaleFrontendService.RegisterScalableTarget"), "RegisterScalableTarget"),
        (request(query={"Action": "CreateThing"}), "CreateThing"),
        (request(path="/endpoints/churn/async-invocations"), "POST /endpoints/churn/async-invocations"),
    ],
)
def test_refused_operation_is_named(given: Request, expected: str) -> None:
    assert operation_name(given) == expected
