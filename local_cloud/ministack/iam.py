"""Decide what IAM allows, from MiniStack's data.

Owns the decision about actions on MiniStack's resources; `iam_evaluator` evaluates, and `enforcement` asks
about requests.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from iam_evaluator.decision import AccessRequest, Decision
from iam_evaluator.evaluation import evaluate
from iam_evaluator.policies import Policy
from local_cloud.ministack.identities import Identities
from local_cloud.ministack.propagation import Propagation
from local_cloud.ministack.resource_policies import ResourcePolicies
from local_cloud.sagemaker import arns
from local_cloud.sagemaker.switch_settings import CompositeAlarms, DescribedAlarms
from local_cloud.sagemaker.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from iam_evaluator.policies import Statement
    from iam_evaluator.principals import Principal
    from iam_evaluator.request_context import Values

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.services.cloudwatch", "_composite_alarms"),
    ("ministack.services.cloudwatch", "_resource_tags"),
    ("ministack.services.tagging", "resource_tags"),
)

DESCRIBE_ALARMS: Final = "cloudwatch:DescribeAlarms"


class MiniStackIam(Identities, ResourcePolicies):
    """MiniStack's users, roles, sessions and resource policies, for one process.

    Attributes:
        switches: Returns the present settings of unknown behaviours.
        propagation: The known state of edited policies; up to date, unless a delay is set.
    """

    def __init__(self) -> None:
        propagation = Propagation(seconds=lambda: 0.0, now=time.time)
        Identities.__init__(self, propagation)
        ResourcePolicies.__init__(self, propagation)
        self.switches: Callable[[], Switches] = Switches
        self._cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
        self._tagging: Any = importlib.import_module("ministack.services.tagging")

    def decide(
        self,
        principal: Principal,
        action: str,
        resource_arn: str,
        *,
        region: str,
        keys: Mapping[str, Values] | None = None,
    ) -> Decision:
        """Decide about an action on a resource of MiniStack's, with the resource's own policy."""
        service = action.partition(":")[0]
        policy, owner = self.resource_policy(service, resource_arn)
        context = {**base_keys(region, owner or principal.account_id), **(keys or {})}
        if service == "kms":
            context.setdefault("kms:calleraccount", principal.account_id)
        if any(_names_resource_tags(each) for each in _all_policies(principal, policy)):
            for name, value in self._tags_of(resource_arn).items():
                context.setdefault(f"aws:resourcetag/{name.lower()}", str(value))
        return evaluate(
            principal,
            AccessRequest(action, resource_arn, owner, context),
            resource_policy=policy,
            is_resource_policy_required=service == "kms" and policy is not None,
        )

    def _tags_of(self, resource_arn: str) -> Mapping[str, str]:
        """Return the tags of a resource; MiniStack's own look-up knows none of alarms."""
        # MiniStack has one partition.
        arn = f"arn:aws:{resource_arn.split(':', 2)[-1]}"
        alarm_tags: Mapping[str, str] | None = self._cloudwatch._resource_tags.get(arn)
        return alarm_tags or self._tagging.resource_tags(resource_arn) or {}

    def decide_about_role(
        self, principal: Principal, role_arn: str, region: str, keys: Mapping[str, Values]
    ) -> Decision:
        """Decide by the caller's own policies about assuming a role.

        MiniStack checks the trust policy itself, with the conditions that it knows. Here only the principals
        in it matter: within an account, a named principal needs no other policy.
        """
        trust = self.trust_policy(role_arn) if role_arn.count(":") > 4 else None  # noqa: PLR2004 - the account's field
        bare = None if trust is None else Policy(tuple(_unconditional(each) for each in trust.statements))
        is_own = role_arn.split(":")[4:5] == [principal.account_id]
        request = AccessRequest(
            "sts:AssumeRole", role_arn, None, {**base_keys(region, principal.account_id), **keys}
        )
        return evaluate(principal, request, resource_policy=bare if is_own else None)

    def may_describe_alarm(self, principal: Principal, alarm_name: str, *, region: str) -> bool:
        """Tell whether a principal may describe an alarm of its account by name."""
        account_id, kept = principal.account_id, self._cloudwatch._composite_alarms
        if kept.contains_scoped(account_id, region, alarm_name):
            return self.sees_composite_alarms(principal, region)
        arn = f"{alarms_of(region, account_id)}{self.described(alarm_name)}"
        return self.decide(principal, DESCRIBE_ALARMS, arn, region=region).is_allowed

    def described(self, alarm_name: str) -> str:
        """Return the alarms that IAM checks when one is described by name."""
        each = self.switches().described_alarms is DescribedAlarms.EACH_NAME
        return alarm_name if each else "*"

    def sees_composite_alarms(self, principal: Principal, region: str) -> bool:
        """Tell whether a principal's DescribeAlarms shows composite alarms."""
        every_alarm = self.switches().composite_alarms is CompositeAlarms.EVERY_ALARM
        asked = f"{alarms_of(region, principal.account_id)}*" if every_alarm else "*"
        return self.decide(principal, DESCRIBE_ALARMS, asked, region=region).is_allowed


def _unconditional(statement: Statement) -> Statement:
    return replace(statement, conditions=()) if statement.allows else replace(statement, principals=())


def base_keys(region: str, resource_account: str) -> dict[str, Values]:
    """Return the keys of every request; the local cloud pretends that it uses TLS."""
    now = datetime.now(UTC)
    return {
        "aws:currenttime": now.isoformat(),
        "aws:epochtime": str(int(now.timestamp())),
        "aws:requestedregion": region,
        "aws:resourceaccount": resource_account,
        "s3:resourceaccount": resource_account,
        "aws:securetransport": "true",
        "aws:sourceip": "127.0.0.1",
        "aws:viaawsservice": "false",
    }


def _all_policies(principal: Principal, resource_policy: Policy | None) -> Iterator[Policy]:
    yield from principal.identity_policies
    yield from principal.session_policies or ()
    yield from (each for each in (principal.boundary, resource_policy) if each is not None)


def _names_resource_tags(policy: Policy) -> bool:
    """Tell whether a policy reads tags of resources, in a condition or by a variable."""
    return any(
        "aws:resourcetag/" in text.lower()
        for statement in policy.statements
        for text in (
            *(statement.resources or statement.not_resources or ()),
            *(text for condition in statement.conditions for text in (condition.key, *condition.values)),
        )
    )


def alarms_of(region: str, account_id: str) -> str:
    """Return the prefix of an account's alarm ARNs."""
    return f"arn:{arns.partition(region)}:cloudwatch:{region}:{account_id}:alarm:"
