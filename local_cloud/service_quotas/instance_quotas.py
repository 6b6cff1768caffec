"""Service Quotas for endpoint instances: list this local cloud's limits of an account.

Owns only the answers. Source: botocore's model of `service-quotas` (2019-06-24); the general reference has
the names of quotas ("sagemaker", "ml.m5.large for endpoint usage").
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from botocore.loaders import Loader

from local_cloud.sagemaker import arns
from local_cloud.sagemaker.authorization.iam_checks import Check, require_check
from local_cloud.sagemaker.errors import ServiceError, unknown_operation
from local_cloud.sagemaker.protocol.api_model import sagemaker_service_model
from local_cloud.sagemaker.protocol.validation import RequestValidator
from local_cloud.sagemaker.protocol.wire import respond

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.control_plane import ControlPlane
    from local_cloud.sagemaker.ports import Caller

TARGET_PREFIX: Final = "ServiceQuotasV20190624."

WITHOUT_LIMIT: Final = 1_000_000
"""The default quota: there is no limit but the one that an account was given."""

_LARGEST_PAGE: Final = 100
_OPERATIONS: Final = ("ListAWSDefaultServiceQuotas", "ListServiceQuotas")


def handle(
    control_plane: ControlPlane, *, target: str, body: bytes, caller: Caller
) -> tuple[int, dict[str, str], bytes]:
    """Answer one HTTP request; see `local_cloud.sagemaker.protocol.wire.handle`."""
    return respond(
        lambda operation, request: call(control_plane, operation, request, caller),
        prefix=TARGET_PREFIX,
        target=target,
        body=body,
        request_id=control_plane.next_request_id(),
    )


def call(
    control_plane: ControlPlane, operation: str, request: Mapping[str, Any], caller: Caller
) -> dict[str, Any]:
    """Answer a call.

    Raises:
        ServiceError: AWS's error.
    """
    if operation not in _OPERATIONS:
        raise unknown_operation(operation)
    asked = _validator().validate(operation, request)
    if caller.principal is not None:
        # The actions have no resource (service authorization reference, "Service Quotas").
        require_check(
            control_plane.now(), caller.region, caller.principal, Check(f"servicequotas:{operation}", "*")
        )
    if asked["ServiceCode"] != "sagemaker":
        raise ServiceError("NoSuchResourceException", "The request failed because the service is not known.")
    limits: Mapping[str, int] = dict.fromkeys(_instance_types(), WITHOUT_LIMIT)
    if operation == "ListServiceQuotas":
        # "If the applied quota value is not available for a quota, the quota is not retrieved" (botocore).
        limits = control_plane.limits.instance_quotas(caller.account_id, caller.region)
    first = _first(asked.get("NextToken"))
    size = asked.get("MaxResults", _LARGEST_PAGE)
    page = sorted(limits)[first : first + size]
    following = {"NextToken": str(first + size)} if first + size < len(limits) else {}
    return {"Quotas": [_quota(name, limits[name], caller) for name in page], **following}


def _first(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdecimal():
        raise ServiceError("InvalidPaginationTokenException", "Invalid input was provided.")
    return int(token)


def _quota(instance_type: str, limit: int, caller: Caller) -> dict[str, Any]:
    code = f"L-{sha256(instance_type.encode()).hexdigest()[:8].upper()}"
    place = f"{arns.partition(caller.region)}:servicequotas:{caller.region}:{caller.account_id}"
    return {
        "ServiceCode": "sagemaker",
        "ServiceName": "Amazon SageMaker",
        "QuotaArn": f"arn:{place}:sagemaker/{code}",
        "QuotaCode": code,
        "QuotaName": f"{instance_type} for endpoint usage",
        "Value": float(limit),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }


@cache
def _instance_types() -> list[str]:
    types: list[str] = sagemaker_service_model()["shapes"]["ProductionVariantInstanceType"]["enum"]
    return types


@cache
def _validator() -> RequestValidator:
    return RequestValidator(Loader().load_service_model("service-quotas", "service-2"))
