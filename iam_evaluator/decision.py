"""Describe a request to IAM and its decision, in AWS's words; `evaluation` decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iam_evaluator.request_context import Values


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One action on one resource.

    Attributes:
        action: Such as `sagemaker:CreateModel`.
        resource_arn: The resource; `*` for an action without resources.
        owner_account: The account of the resource; None for the principal's.
        context: Condition keys of the request and the resource, in lower case; a key without values is
            absent.
        is_context_complete: Whether every other key is absent, as for the local cloud, which enforces. If
            not, other keys are unknown.
    """

    action: str
    resource_arn: str
    owner_account: str | None = None
    context: Mapping[str, Values] = field(default_factory=dict)
    is_context_complete: bool = True


class Outcome(Enum):
    """How a request is decided, as IAM's simulator calls it (botocore: PolicyEvaluationDecisionType)."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"
    UNKNOWN = "unknown"
    """The decision depends on unknown keys: ours, and only for a request with an incomplete context."""


class PolicyKind(Enum):
    """The kinds of policies, as AWS's messages name them."""

    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    RESOURCE = "resource-based policy"


class Named(Protocol):
    """Somebody with an ARN."""

    @property
    def arn(self) -> str:
        """The ARN."""
        ...


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about a request.

    Attributes:
        outcome: The decision.
        why_not: The end of AWS's message, if the request is refused.
        refused_by: The kind of policies that denies the request, or does not allow it.
    """

    outcome: Outcome
    why_not: str = ""
    refused_by: PolicyKind | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether the request is certainly allowed."""
        return self.outcome is Outcome.ALLOWED

    def message(self, principal: Named, request: AccessRequest) -> str:
        """Return the refusal in AWS's words."""
        return (
            f"User: {principal.arn} is not authorized to perform: {request.action} on resource: "
            f"{request.resource_arn} {self.why_not}"
        )
