"""A call for the rules of authorization: its ARNs, and checks with tags and resource policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import arns, resource_tags
from local_cloud.sagemaker.authorization.iam_checks import Check
from local_cloud.sagemaker.switch_settings import ArnLetterCase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iam_evaluator.policies import Policy
    from iam_evaluator.request_context import Values
    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.state import State


@dataclass(frozen=True, slots=True)
class AuthorizedCall:
    """A validated call, with answers for the rules."""

    state: State
    caller: Caller
    operation: str
    request: Mapping[str, Any]

    @property
    def action(self) -> str:
        """The IAM action with the operation's name."""
        return f"sagemaker:{self.operation}"

    def arn(self, resource_type: str, name_or_arn: str) -> str:
        """Return the ARN of a resource in the caller's account, or in the account of a given ARN."""
        if arns.parse(name_or_arn) is not None:
            return name_or_arn
        return self.state.arn(self.state.scope(self.caller), resource_type, name_or_arn)

    def check(
        self, arn: str, keys: Mapping[str, Values | None] | None = None, *, action: str | None = None
    ) -> Check:
        """Return a check on a resource, with its present tags and all keys that are not None."""
        named = {key.lower(): value for key, value in (keys or {}).items() if value is not None}
        return Check(
            action or self.action,
            # Group policies are stored in lower case, for ARNs in lower case.
            arn.lower() if ":model-package" in arn and not _keeps_case(self.state) else arn,
            {**_resource_tags(self.state, arn), **named},
            _policy(self.state, arn),
        )


def _resource_tags(state: State, arn_text: str) -> dict[str, Values]:
    """Return a resource's tags as condition keys; a version has its group's tags."""
    arn = arns.parse(arn_text)
    if arn is None:
        return {}
    scope = state.scope_of(arn.account_id, arn.region)
    if arn.resource_type == "model-package" and "/" in arn.name:
        group = scope.model_package_groups.get(arn.name.partition("/")[0].lower())
        arn_text = "" if group is None else group.arn
    return {
        f"aws:resourcetag/{key.lower()}": value
        for key, value in resource_tags.as_map(scope, arn_text).items()
    }


def _policy(state: State, arn_text: str) -> Policy | None:
    """Return the policy of an ARN's group."""
    arn = arns.parse(arn_text)
    if arn is None or arn.resource_type not in {"model-package", "model-package-group"}:
        return None
    groups = state.scope_of(arn.account_id, arn.region).model_package_groups
    group = groups.get(arn.name.partition("/")[0].lower())
    if group is None or group.policy is None:
        return None
    return group.policy.as_put if _keeps_case(state) else group.policy.policy


def _keeps_case(state: State) -> bool:
    return state.switches.arn_letter_case is ArnLetterCase.PRESERVED
