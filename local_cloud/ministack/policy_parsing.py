"""Read MiniStack's policies; one that IAM would have refused denies everything."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from iam_evaluator.grammar import MalformedPolicyError, PolicyType
from iam_evaluator.policies import Policy, Statement, parse_policy

if TYPE_CHECKING:
    from collections.abc import Mapping


_LOGGER = logging.getLogger("local_cloud.iam")


_DENY_EVERYTHING: Final = Policy((Statement("", allows=False, actions=("*",), resources=("*",)),))


def parsed(
    document: str | Mapping[str, Any] | None, of_what: str, policy_type: PolicyType | None = None
) -> Policy | None:
    """Return a policy; one that IAM would have refused denies everything, with a line in the log."""
    if not document:
        return None
    if not isinstance(document, str) and not document.get("Statement"):
        return None
    try:
        return parse_policy(document, policy_type)
    except MalformedPolicyError as error:
        _LOGGER.warning("The policy of %s denies everything, because AWS would refuse it: %s", of_what, error)
        return _DENY_EVERYTHING
