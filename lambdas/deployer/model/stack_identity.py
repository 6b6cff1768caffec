"""Tells which stack owns an endpoint, by the stack's tag.

Two installations may share an account, and people create endpoints by hand. The deployer leaves alone what is
not this stack's, makes nothing for it, and reports it once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deployer.contract import DEPLOYER_ROLE_ID, STACK_TAG
from deployer.model.names import account_of
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.model.endpoint import Endpoint
    from deployer.model.history import History
    from deployer.model.identity import Identity

_MADE_BY_STACK: Final = "aws:cloudformation:stack-name"
"""The tag that CloudFormation puts on its resources (user guide, "cfn-console-create-stack", resource
tags)."""

_SESSION: Final = re.compile(r"arn:[^:]+:sts::[0-9]{12}:assumed-role/(?P<role>[^/]+)/.+", re.DOTALL)

_DEPLOYERS_ROLE: Final = re.compile(rf"{DEPLOYER_ROLE_ID}[0-9A-F]{{8}}-[A-Za-z0-9]+$")
"""How CloudFormation names the roles of deployers: with their logical ids, to which CDK adds digits of a
hash. A person whose role has such a name cannot approve where approvers are asked for."""


@value
class StackIdentity:
    """The names and tags that the stack gives to the deployer's resources.

    Attributes:
        execution_role_arn: The role that models run with.
        stack_name: The stack.
        deployer_role_name: The role that the deployer itself runs with.
        model_buckets: The buckets that the role for models may read; None if somebody else made that role.
    """

    execution_role_arn: str
    stack_name: str
    deployer_role_name: str
    model_buckets: tuple[str, ...] | None = None

    @property
    def account_id(self) -> str:
        """The account of the endpoints: a role can only be passed within its own account."""
        return account_of(self.execution_role_arn)

    def is_deployer(self, identity: Identity) -> bool:
        """Tell whether an identity is a session of the deployer's role, or of another installation's.

        Source: the IAM user guide, "reference_identifiers" (ARNs of role sessions).
        """
        roles = (found["role"] for found in map(_SESSION.fullmatch, identity.arns) if found is not None)
        return any(each == self.deployer_role_name or _DEPLOYERS_ROLE.search(each) for each in roles)

    def has(self, tags: Mapping[str, str]) -> bool:
        """Tell whether a resource with these tags is this stack's."""
        return tags.get(STACK_TAG) == self.stack_name

    def describe_foreign_endpoint(self, endpoint: Endpoint, tags: Mapping[str, str]) -> str:
        """Describe an endpoint of another owner, and how to hand it over."""
        return (
            f"Endpoint {endpoint.name} is named in the YAML of stack {self.stack_name}, and {_owner(tags)}. "
            "Nothing is made for it, and it keeps serving what it has. To hand it over as it is, take it "
            f"away from its owner, and run: greenlight adopt {endpoint.name}. Or let it take the YAML's "
            f"settings, and only tag it: aws sagemaker add-tags --resource-arn {endpoint.arn} --tags "
            f"Key={STACK_TAG},Value={self.stack_name}. The next sweep goes on. Or write another "
            "endpoint_name in the YAML."
        )

    def managed(self, tags: Mapping[str, str], history: History) -> bool:
        """Tell whether this stack managed an endpoint whose settings were removed.

        Args:
            tags: The endpoint's; none if there is no endpoint.
            history: What this stack's journal knows of it.
        """
        owner = tags.get(STACK_TAG)
        if owner is not None:
            return owner == self.stack_name
        return bool(history.approvals) or history.latest_attempt is not None


def _owner(tags: Mapping[str, str]) -> str:
    if STACK_TAG in tags:
        return f"belongs to another installation: its tag {STACK_TAG} is {tags[STACK_TAG] or 'empty'}"
    if _MADE_BY_STACK in tags:
        return f"has no tag {STACK_TAG}: CloudFormation stack {tags[_MADE_BY_STACK]} made it"
    return f"has no tag {STACK_TAG}: somebody made it by hand, or by another tool"
