"""Resource policies of model package groups: their grammar, and what they allow to other accounts.

Owns their peculiarities: they must name principals and resources. ARNs have a group's name in lower case,
while policies use the name itself; so letter case does not matter in resources.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from iam_evaluator.decision import AccessRequest
from iam_evaluator.evaluation import evaluate
from iam_evaluator.grammar import MalformedPolicyError, PolicyType
from iam_evaluator.policies import EVERYTHING, Policy, parse_policy
from local_cloud.sagemaker import errors

if TYPE_CHECKING:
    from iam_evaluator.policies import Statement
    from local_cloud.sagemaker.ports import Caller


@dataclass(frozen=True, slots=True)
class GroupPolicy:
    """A policy.

    Attributes:
        text: Its text, as sent.
        policy: The parsed policy, with resources in lower case.
        as_put: The parsed policy, with resources as sent.
    """

    text: str
    policy: Policy
    as_put: Policy

    def allows(self, caller: Caller, *, owner_account: str, action: str, resource_arn: str) -> bool:
        """Tell whether the policy allows the action to a caller of another account.

        `authorization` checks the caller's own policies.
        """
        request = AccessRequest(action, resource_arn.lower(), owner_account)
        principal = replace(
            caller.as_principal(),
            identity_policies=(EVERYTHING,),
            boundary=None,
            session_policies=None,
            on_decision=None,
        )
        return evaluate(principal, request, resource_policy=self.policy).is_allowed


def parse(text: str) -> GroupPolicy:
    """Return the policy.

    Raises:
        ServiceError: The text is not a policy, or a statement lacks Principal or Resource.
    """
    try:
        policy = parse_policy(text, PolicyType.MODEL_PACKAGE_GROUP)
    except MalformedPolicyError as error:
        raise errors.invalid_policy(f"{str(error).removesuffix('.')}.") from error
    return GroupPolicy(text, Policy(tuple(_in_lower_case(each) for each in policy.statements)), policy)


def _in_lower_case(statement: Statement) -> Statement:
    return replace(
        statement, resources=_lower(statement.resources), not_resources=_lower(statement.not_resources)
    )


def _lower(resources: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if resources is None else tuple(resource.lower() for resource in resources)
