"""A request to IAM and how it is decided, in AWS's words; deciding is `evaluation`'s matter."""

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
        resource_arn: The resource; `*` for an action that knows none.
        owner_account: The account whose resource it is; None for the principal's.
        context: Condition keys of the request and the resource, in lower case; with no values, a key is
            absent.
        is_context_complete: Whether a key that is neither there nor among the principal's is absent too, as
            for whoever enforces; otherwise nobody knows.
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
    """It depends on keys that nobody knows: ours, and only where a request's context is not complete."""


class PolicyKind(Enum):
    """The kinds of policies that count, as AWS's sentences call them."""

    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    RESOURCE = "resource-based policy"


class Named(Protocol):
    """Somebody who is named by an ARN."""

    @property
    def arn(self) -> str:
        """Who it is."""
        ...


@dataclass(frozen=True, slots=True)
class Decision:
    """How a request is decided.

    Attributes:
        outcome: How.
        why_not: If it is refused, why: the end of AWS's sentence.
        refused_by: If it is refused, which kind of policies denies it, or does not allow it.
    """

    outcome: Outcome
    why_not: str = ""
    refused_by: PolicyKind | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether it is allowed, and surely so."""
        return self.outcome is Outcome.ALLOWED

    def message(self, principal: Named, request: AccessRequest) -> str:
        """Return the refusal as AWS words it."""
        return (
            f"User: {principal.arn} is not authorized to perform: {request.action} on resource: "
            f"{request.resource_arn} {self.why_not}"
        )
