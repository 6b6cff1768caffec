"""Service Quotas: the limits of instances for endpoints that an account is held to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iam_evaluator.policies import parse_policy
from iam_evaluator.principals import Principal, PrincipalKind
from local_cloud.sagemaker.ports import Caller
from local_cloud.service_quotas.instance_quotas import TARGET_PREFIX, WITHOUT_LIMIT, handle
from tests.unit.local_cloud.sagemaker.virtual_cloud import ACCOUNT, OTHER_ACCOUNT, REGION, VirtualCloud

QUOTA = "ml.m5.large for endpoint usage"


class Client:
    """An account's view of the quotas of a control plane."""

    def __init__(self, cloud: VirtualCloud, caller: Caller) -> None:
        self._cloud, self._caller = cloud, caller

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        _, _, body = handle(
            self._cloud.control_plane,
            target=f"{TARGET_PREFIX}{operation}",
            body=json.dumps({"ServiceCode": "sagemaker", **request}).encode(),
            caller=self._caller,
        )
        answer: dict[str, Any] = json.loads(body)
        return answer

    def values(self, operation: str, **request: Any) -> dict[str, float]:
        """Every quota's value, page by page."""
        found: dict[str, float] = {}
        token: dict[str, str] = {}
        while True:
            page = self.call(operation, **request, **token)
            for quota in page["Quotas"]:
                assert quota["QuotaName"] not in found
                found[quota["QuotaName"]] = quota["Value"]
            if "NextToken" not in page:
                return found
            token = {"NextToken": page["NextToken"]}


def root(account_id: str = ACCOUNT) -> Caller:
    return Caller(account_id, REGION, f"arn:aws:iam::{account_id}:root")


def test_an_account_sees_the_limit_that_it_is_held_to_and_nobody_elses() -> None:
    cloud = VirtualCloud()
    cloud.control_plane.limits.set_instance_quota(ACCOUNT, REGION, "ml.m5.large", 4)

    assert Client(cloud, root()).values("ListServiceQuotas")[QUOTA] == 4
    assert Client(cloud, root(OTHER_ACCOUNT)).values("ListServiceQuotas") == {}
    assert Client(cloud, root()).values("ListAWSDefaultServiceQuotas")[QUOTA] == WITHOUT_LIMIT


def test_pages_of_any_size_have_the_same_quotas_in_them() -> None:
    client = Client(VirtualCloud(), root())

    found = client.values("ListAWSDefaultServiceQuotas", MaxResults=7)

    assert QUOTA in found
    assert found == client.values("ListAWSDefaultServiceQuotas")


@pytest.mark.parametrize(
    ("operation", "request_members", "code"),
    [
        ("GetServiceQuota", {}, "UnknownOperationException"),
        ("ListServiceQuotas", {"ServiceCode": "ec2"}, "NoSuchResourceException"),
        ("ListServiceQuotas", {"NextToken": "elsewhere"}, "InvalidPaginationTokenException"),
        ("ListServiceQuotas", {"MaxResults": 101}, "ValidationException"),
    ],
)
def test_what_it_cannot_answer_is_refused(operation: str, request_members: dict[str, Any], code: str) -> None:
    assert Client(VirtualCloud(), root()).call(operation, **request_members)["__type"] == code


def test_it_takes_the_very_action_to_list_them() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:user/ann"
    statement = {"Effect": "Allow", "Action": "servicequotas:ListServiceQuotas", "Resource": "*"}
    policy = parse_policy({"Version": "2012-10-17", "Statement": [statement]})
    ann = Caller(ACCOUNT, REGION, arn, Principal(PrincipalKind.USER, arn, ACCOUNT, arn, (policy,)))
    client = Client(VirtualCloud(), ann)

    assert client.values("ListServiceQuotas") == {}
    assert client.call("ListAWSDefaultServiceQuotas")["__type"] == "AccessDeniedException"
