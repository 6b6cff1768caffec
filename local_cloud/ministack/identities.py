"""Identify callers by MiniStack's users, roles and sessions, with every relevant policy."""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from iam_evaluator.policies import Policy
from iam_evaluator.principals import Principal, PrincipalKind, account_root, role_session
from local_cloud.ministack.policy_parsing import parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local_cloud.ministack.propagation import Propagation


RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.app", "_request_account_scope"),
    ("ministack.core.iam_actions", "_auth_failure"),
    ("ministack.core.iam_evaluator", "AmbiguousAccessKeyError"),
    ("ministack.core.iam_evaluator", "AuthError"),
    ("ministack.core.iam_evaluator", "_gather_role_policies"),
    ("ministack.core.iam_evaluator", "_permissions_boundary"),
    ("ministack.core.iam_evaluator", "authenticate"),
    ("ministack.core.iam_evaluator", "pin_signed_body"),
    ("ministack.core.iam_evaluator", "pin_signed_request"),
    ("ministack.core.iam_evaluator", "resolve_principal"),
    ("ministack.core.responses", "get_account_id"),
    ("ministack.core.responses", "request_scope"),
    ("ministack.core.responses", "set_request_account_id"),
    ("ministack.services.iam", "_roles"),
    ("ministack.services.iam", "_users"),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request with invalid credentials, and the service's answer."""

    code: str
    status: int
    message: str


class Identities:
    """MiniStack's users, roles and sessions.

    Attributes:
        propagation: The known state of edited policies.
    """

    def __init__(self, propagation: Propagation) -> None:
        self.propagation = propagation
        self._app: Any = importlib.import_module("ministack.app")
        self._actions: Any = importlib.import_module("ministack.core.iam_actions")
        self._evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._iam: Any = importlib.import_module("ministack.services.iam")

    def authenticate(
        self,
        access_key_id: str,
        *,
        region: str,
        method: str,
        raw_path: str,
        query: Mapping[str, list[str]],
        headers: Iterable[tuple[bytes, bytes]],
        body: bytes,
    ) -> Principal | Refusal:
        """Return the signer of a request to a service outside MiniStack.

        Signatures of users and sessions are checked; an account's own key is not.
        """
        evaluator = self._evaluator
        with self._responses.request_scope("", region):
            try:
                self._responses.set_request_account_id(self._app._request_account_scope(access_key_id))
            except evaluator.AmbiguousAccessKeyError:
                return self._refusal("UnrecognizedClientException", "")
            account_id = self._responses.get_account_id()
            evaluator.pin_signed_request(method, raw_path, dict(query), list(headers))
            evaluator.pin_signed_body(body)
            checked = evaluator.authenticate(access_key_id, account_id)
            if isinstance(checked, evaluator.AuthError):
                return self._refusal(checked.code, checked.message)
            return self.principal(access_key_id)

    def principal(self, access_key_id: str) -> Principal | Refusal:
        """Return the owner of an access key in the present account, with every relevant policy."""
        found = self._evaluator.resolve_principal(access_key_id, self._responses.get_account_id())
        if isinstance(found, self._evaluator.AuthError):
            return self._refusal(found.code, found.message)
        if found.policies is None:
            return account_root(found.account)
        kind = PrincipalKind.SESSION if found.type == "AssumedRole" else PrincipalKind.USER
        layers = [tuple(_policy(statements) for statements in layer) for layer in found.limits]
        boundary = self._boundary(found.arn, found.account)
        passed = layers[1:] if boundary is not None else layers
        entity_arn = self._entity_arn(found.arn, found.account)
        return Principal(
            kind,
            found.arn,
            found.account,
            entity_arn,
            self._known_policies(entity_arn, found.policies),
            boundary,
            passed[0] if passed else None,
            {key.lower(): str(value) for key, value in found.keys.items() if value},
        )

    def session_of(self, role_arn: str, session_name: str) -> Principal | None:
        """Return a service's session with a role; None if there is no such role."""
        account_id, name = role_arn.split(":")[4], role_arn.rpartition("/")[2]
        role = self._iam._roles.get_scoped(account_id, None, name)
        if role is None or role["Arn"] != role_arn:
            return None
        policies = self._evaluator._gather_role_policies(name, account_id)
        tags = {f"aws:principaltag/{tag['Key'].lower()}": tag["Value"] for tag in role.get("Tags") or ()}
        return role_session(
            role_arn,
            session_name,
            self._known_policies(role_arn, policies),
            self._boundary(role_arn, account_id),
            tags,
        )

    def trust_policy(self, role_arn: str) -> Policy | None:
        """Return a role's trust policy; None if there is no such role."""
        role = self._iam._roles.get_scoped(role_arn.split(":")[4], None, role_arn.rpartition("/")[2])
        if role is None or role["Arn"] != role_arn:
            return None
        trust = parsed(role["AssumeRolePolicyDocument"], role_arn)
        identity = ("trust", role_arn, role["RoleId"])
        return self.propagation.known(identity, trust, before=Policy(()), made_at=_made_at(role))

    def _known_policies(self, entity_arn: str, policies: Iterable[Iterable[Any]]) -> tuple[Policy, ...]:
        """Return the known state of a user's or role's own policies."""
        role = None
        if ":role/" in entity_arn:
            account_id, name = entity_arn.split(":")[4], entity_arn.rpartition("/")[2]
            role = self._iam._roles.get_scoped(account_id, None, name)
        newest = tuple(_policy(statements) for statements in policies)
        identity = ("policies", entity_arn, None if role is None else role["RoleId"])
        made_at = None if role is None else _made_at(role)
        return self.propagation.known(identity, newest, before=(), made_at=made_at)

    def _entity_arn(self, arn: str, account_id: str) -> str:
        if ":assumed-role/" not in arn:
            return arn
        role = self._iam._roles.get_scoped(account_id, None, arn.split("/")[1])
        return arn if role is None else str(role["Arn"])

    def _boundary(self, arn: str, account_id: str) -> Policy | None:
        """Return the boundary of a user, of a role, or of the role of a session."""
        name = arn.split("/")[1] if ":assumed-role/" in arn else arn.rpartition("/")[2]
        is_role = ":assumed-role/" in arn or ":role/" in arn
        store = self._iam._roles if is_role else self._iam._users
        layers = self._evaluator._permissions_boundary(store, name, account_id)
        return _policy(layers[0][0]) if layers else None

    def _refusal(self, code: str, message: str) -> Refusal:
        text = message or "The security token included in the request is invalid."
        code, status, text = self._actions._auth_failure(
            "sagemaker", code, text, {"x-amz-target": "SageMaker."}
        )
        return Refusal(code, status, text)


def _made_at(record: Mapping[str, Any]) -> float | None:
    """Return when MiniStack made something, in seconds; None if unknown."""
    try:
        return datetime.fromisoformat(str(record.get("CreateDate"))).timestamp()
    except ValueError:
        return None


def _policy(statements: Iterable[Any]) -> Policy:
    """Return a policy that MiniStack has parsed."""
    documents = []
    for statement in statements:
        members = {
            "Action": statement.actions,
            "NotAction": statement.not_actions,
            "Resource": statement.resources,
            "NotResource": statement.not_resources,
            "Condition": statement.conditions,
        }
        documents.append(
            {"Effect": statement.effect, **{name: value for name, value in members.items() if value}}
        )
    if not documents:
        return Policy(())
    return parsed({"Version": "2012-10-17", "Statement": documents}, "an identity policy") or Policy(())
