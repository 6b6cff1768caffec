"""The local cloud's IAM with roles and policies of synthesised stacks, as if they were deployed.

MiniStack has the rest, such as buckets and their policies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.ministack.iam import MiniStackIam

if TYPE_CHECKING:
    from iam_evaluator.policies import Policy
    from iam_evaluator.principals import Principal
    from tests.infra.roles import Deployed


class SynthesisedIam(MiniStackIam):
    """IAM over all accounts that the stacks are in."""

    def __init__(self, *stacks: Deployed) -> None:
        super().__init__()
        self._stacks = stacks

    def session_of(self, role_arn: str, session_name: str) -> Principal | None:
        """Return a session of a stack's role."""
        found = (stack.session_of(role_arn) for stack in self._stacks)
        return next(filter(None, found), None) or super().session_of(role_arn, session_name)

    def trust_policy(self, role_arn: str) -> Policy | None:
        """Return the trust policy of a stack's role."""
        found = (stack.trust_policy(role_arn) for stack in self._stacks)
        return next(filter(None, found), None) or super().trust_policy(role_arn)

    def resource_policy(self, service: str, resource_arn: str) -> tuple[Policy | None, str | None]:
        """Return the policy of a stack's resource."""
        for stack in self._stacks:
            policy = stack.resource_policy(resource_arn)
            if policy is not None:
                return policy, stack.account_id
        return super().resource_policy(service, resource_arn)

    def key(self, account_id: str, region: str, key_id: str) -> tuple[str, Policy | None, tuple[str, ...]]:
        """Return a stack's key."""
        for stack in self._stacks:
            policy = stack.resource_policy(key_id) if ":key/" in key_id else None
            if policy is not None:
                return key_id, policy, ()
        return super().key(account_id, region, key_id)
