"""Check one action on one resource with IAM, with the keys of every request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from iam_evaluator.decision import AccessRequest, Decision
from iam_evaluator.evaluation import evaluate
from local_cloud.sagemaker import errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from iam_evaluator.policies import Policy
    from iam_evaluator.principals import Principal
    from iam_evaluator.request_context import Values


@dataclass(frozen=True, slots=True)
class Check:
    """One action on one resource that a call needs, with the check's own condition keys, in lower case."""

    action: str
    resource_arn: str
    keys: Mapping[str, Values] = field(default_factory=dict)
    resource_policy: Policy | None = None
    is_resource_policy_required: bool = False


def require_check(now: datetime, region: str, principal: Principal, check: Check) -> None:
    """Refuse an action that IAM does not allow.

    Raises:
        ServiceError: AccessDeniedException, in AWS's words.
    """
    request = _access_request(now, region, check)
    decision = _decide(principal, request, check)
    if not decision.is_allowed:
        raise errors.not_authorized(decision.message(principal, request))


def allows(now: datetime, region: str, principal: Principal, check: Check) -> bool:
    """Tell whether IAM allows an action."""
    return _decide(principal, _access_request(now, region, check), check).is_allowed


def _decide(principal: Principal, request: AccessRequest, check: Check) -> Decision:
    return evaluate(
        principal,
        request,
        resource_policy=check.resource_policy,
        is_resource_policy_required=check.is_resource_policy_required,
    )


def _access_request(now: datetime, region: str, check: Check) -> AccessRequest:
    """Return a check in IAM's form, with the keys of every request.

    The local cloud pretends to use TLS, so `aws:SecureTransport` is true.
    """
    fields = check.resource_arn.split(":")
    owner = fields[4] if len(fields) > 4 and fields[4].isdecimal() else None  # noqa: PLR2004 - the account's field
    keys: dict[str, Values] = {
        "aws:currenttime": now.isoformat(),
        "aws:epochtime": str(int(now.timestamp())),
        "aws:requestedregion": region,
        "aws:securetransport": "true",
        "aws:sourceip": "127.0.0.1",
        "aws:viaawsservice": "false",
    }
    if owner is not None:
        keys["aws:resourceaccount"] = owner
    return AccessRequest(check.action, check.resource_arn, owner, keys | dict(check.keys))
