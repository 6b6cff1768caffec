"""The admin API's answers to impossible requests, and what the log of calls omits."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from local_cloud.child_process import LocalCloud, start_local_cloud

ACCOUNT, REGION = "111122223333", "eu-central-1"
PLACE = {"account_id": ACCOUNT, "region": REGION}
LIMIT = PLACE | {"instance_type": "ml.m5.large"}
FAILURE = PLACE | {"endpoint_name": "churn", "reason": "x"}
SCALING = PLACE | {"endpoint_name": "churn", "variant_name": "AllTraffic", "capacity": 1}


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with start_local_cloud() as cloud:
        yield cloud


def ask(cloud: LocalCloud, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(  # noqa: S310 - always http on loopback
        f"{cloud.endpoint_url}/_local_cloud/{path}",
        data=body,
        method=method,
        headers={"X-Local-Cloud-Secret": cloud.secret},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310 - as above
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


SWITCHES = ("PUT", "switches")
PARTS = ("switches", "timings", "delivery", "lambda")
NO_OBJECTS: tuple[object, ...] = ([], [1], 1, "x", None)
NO_NUMBERS: tuple[object, ...] = (float("inf"), float("nan"), -1, 1e300, 10**400, True, "1", [], {})
NUMBERS = (
    ("timings", "deleting_seconds"),
    ("timings", "wait_scale"),
    ("delivery", "delay_seconds"),
    ("delivery", "drop_probability"),
    ("lambda", "retry_base_seconds"),
)
WRONG: list[tuple[str, str, object]] = [
    *((*SWITCHES, {part: value}) for part in PARTS for value in NO_OBJECTS),
    *((*SWITCHES, {part: {name: value}}) for part, name in NUMBERS for value in NO_NUMBERS),
    (*SWITCHES, {"switches": {"same_config_update": []}}),
    (*SWITCHES, {"switches": {"requests_per_second": {}}}),
    (*SWITCHES, []),
    (*SWITCHES, None),
    ("PUT", "instance-limits", LIMIT | {"quota": "1"}),
    ("PUT", "instance-limits", LIMIT | {"quota": True}),
    ("PUT", "instance-limits", LIMIT | {"quotas": 1}),
    ("PUT", "instance-limits", LIMIT | {"account_id": 1}),
    ("PUT", "instance-limits", PLACE),
    ("POST", "failures", FAILURE | {"rollback_fails": "yes"}),
    ("POST", "failures", FAILURE | {"reason": []}),
    ("POST", "failures", FAILURE),
    ("POST", "scalings", SCALING | {"capacity": True}),
    ("POST", "scalings", SCALING | {"capacity": 1.5}),
    ("POST", "scalings", SCALING | {"variant_name": None}),
    ("POST", "scalings", []),
]


@pytest.mark.parametrize(
    ("method", "path", "document"), WRONG, ids=[f"{path}-{document!r}"[:80] for _, path, document in WRONG]
)
def test_a_wrong_document_is_told_what_would_be_right(
    cloud: LocalCloud, method: str, path: str, document: object
) -> None:
    before = cloud.switches()

    status, answer = ask(cloud, method, path, json.dumps(document).encode())

    assert status == 400, answer
    assert answer["error"]
    assert cloud.switches() == before


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 200_000, b'{"a":' * 200_000, b"\xff", b"NaN"])
def test_a_body_that_is_no_json_is_told(cloud: LocalCloud, body: bytes) -> None:
    status, answer = ask(cloud, *SWITCHES, body)

    assert status == 400
    assert "JSON" in answer["error"]


def test_what_was_refused_leaves_no_trace(cloud: LocalCloud) -> None:
    for method, path, document in WRONG:
        ask(cloud, method, path, json.dumps(document).encode())

    session = boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key=cloud.secret, region_name=REGION)
    assert session.client("sagemaker", endpoint_url=cloud.endpoint_url).list_models()["Models"] == []
    assert cloud.switch({"timings": {"deleting_seconds": 1}})["timings"]["deleting_seconds"] == 1


def call(cloud: LocalCloud, body: bytes) -> tuple[int, bytes]:
    """Send a body to SageMaker as it is."""
    request = botocore.awsrequest.AWSRequest(
        "POST",
        f"{cloud.endpoint_url}/",
        data=body,
        headers={
            "X-Amz-Target": "SageMaker.CreateModelPackageGroup",
            "Content-Type": "application/x-amz-json-1.1",
        },
    )
    credentials = botocore.credentials.Credentials(ACCOUNT, cloud.secret)
    botocore.auth.SigV4Auth(credentials, "sagemaker", REGION).add_auth(request)
    prepared = urllib.request.Request(  # noqa: S310 - always http on loopback
        f"{cloud.endpoint_url}/", data=body, headers=dict(request.headers.items()), method="POST"
    )
    try:
        with urllib.request.urlopen(prepared, timeout=20) as response:  # noqa: S310 - as above
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_log_of_calls_never_changes_an_answer(cloud: LocalCloud) -> None:
    """At any depth a call is either carried out and answered so, or refused as no JSON."""
    statuses = []
    for depth in (*range(100, 1100, 10), 1_500, 5_000, 200_000):
        body = b'{"ModelPackageGroupName":"g%d","Unknown":%s%s}' % (depth, b"[" * depth, b"]" * depth)
        status, answer = call(cloud, body)
        statuses.append(status)
        assert status == 200 or (status == 400 and b"SerializationException" in answer), (depth, answer)

    assert {200, 400} == set(statuses)
    assert call(cloud, b"[" * 200_000)[0] == 400
    assert cloud.calls()[-1]["error_code"] == "SerializationException"
