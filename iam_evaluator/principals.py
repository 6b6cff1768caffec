"""Describe who makes a request (user, session, account root or service), with every relevant policy.

Owns the description of a principal and its condition keys; it does not look policies up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from iam_evaluator.policies import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from iam_evaluator.decision import AccessRequest, Decision
    from iam_evaluator.policies import Policy
    from iam_evaluator.request_context import Values

_SESSION = re.compile(r"arn:([^:]+):sts::(\d{12}):assumed-role/([^/]+)/(.*)")


class PrincipalKind(Enum):
    """The kind of a principal, as `aws:PrincipalType` names it."""

    ROOT = "Account"
    USER = "User"
    SESSION = "AssumedRole"
    SERVICE = "Service"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request, with every limit on it.

    Attributes:
        kind: Its kind.
        arn: Its ARN by GetCallerIdentity; a service's name, such as `events.amazonaws.com`.
        account_id: Its account; for a service, the account that it acts for.
        entity_arn: The user or role that policies name; for a session, its role. `aws:PrincipalArn`.
        identity_policies: Policies of the user or role.
        boundary: Its permissions boundary.
        session_policies: Policies passed when the session began, or None.
        context: Condition keys that describe it, in lower case.
        on_decision: Called with each decision, for callers that record which permissions a principal needs.
    """

    kind: PrincipalKind
    arn: str
    account_id: str
    entity_arn: str
    identity_policies: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session_policies: tuple[Policy, ...] | None = None
    context: Mapping[str, Values] = field(default_factory=dict)
    on_decision: Callable[[AccessRequest, Decision], None] | None = field(
        default=None, compare=False, repr=False
    )

    def keys(self) -> dict[str, Values]:
        """Return the condition keys that describe the principal, in lower case."""
        if self.kind is PrincipalKind.SERVICE:
            return {"aws:principalisawsservice": "true", "aws:principalservicename": self.arn, **self.context}
        is_user = self.kind is PrincipalKind.USER and ":user/" in self.arn
        return {
            "aws:principalarn": self.entity_arn,
            "aws:principalaccount": self.account_id,
            "aws:principaltype": self.kind.value,
            "aws:principalisawsservice": "false",
            "aws:username": self.arn.rpartition("/")[2] if is_user else (),
            **self.context,
        }


def account_root(account_id: str) -> Principal:
    """Return an account's root user, who may do everything in the account."""
    arn = f"arn:aws:iam::{account_id}:root"
    return Principal(PrincipalKind.ROOT, arn, account_id, arn, (EVERYTHING,))


def service(name: str, *, source_account: str, source_arn: str | None) -> Principal:
    """Return an AWS service acting for an account's resource, such as `events.amazonaws.com` for a rule.

    Without `source_arn` the service states the account, but not the resource.
    """
    keys: dict[str, Values] = {"aws:sourceaccount": source_account}
    if source_arn is not None:
        keys["aws:sourcearn"] = source_arn
    return Principal(PrincipalKind.SERVICE, name, source_account, name, context=keys)


def role_session(
    role_arn: str,
    session_name: str,
    identity_policies: tuple[Policy, ...] = (EVERYTHING,),
    boundary: Policy | None = None,
    context: Mapping[str, Values] | None = None,
) -> Principal:
    """Return a session of a role; without policies, its account allows it everything."""
    _, partition, _, _, account_id, resource = role_arn.split(":", 5)
    name = resource.rpartition("/")[2]
    arn = f"arn:{partition}:sts::{account_id}:assumed-role/{name}/{session_name}"
    return Principal(
        PrincipalKind.SESSION, arn, account_id, role_arn, identity_policies, boundary, context=context or {}
    )


def unrestricted(arn: str, account_id: str) -> Principal:
    """Return a principal whose account allows it everything, described as far as its ARN tells."""
    if arn.endswith(":root"):
        return account_root(account_id)
    session = _SESSION.fullmatch(arn)
    if session is None:
        return Principal(PrincipalKind.USER, arn, account_id, arn, (EVERYTHING,))
    partition, role_account_id, name, session_name = session.groups()
    return role_session(f"arn:{partition}:iam::{role_account_id}:role/{name}", session_name)
