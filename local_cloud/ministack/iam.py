"""Enforce IAM with what MiniStack keeps of it: users, roles, sessions, and policies of resources.

Owns who somebody is, and the decision about every request to MiniStack's own services; `iam_evaluator`
evaluates. `emulator.py` alone makes one of it. What is changed in MiniStack, and why:

`iam_evaluator.enforce` becomes `_enforce`
    MiniStack's own evaluator takes a session for its role's ARN, knows no policy variables, gives the root
    user what its account's resources deny, and asks nobody for iam:PassRole. Signatures, tokens and dates
    are still checked by MiniStack.
`iam_actions.request_tag_context` becomes `_request_context`
    Condition keys that MiniStack does not know: `events:source`, `events:detail-type`,
    `cloudwatch:namespace`, those of grants on keys; and which roles a request passes to which service.
`iam_actions.extract_resource_arn` becomes `_resource_arn`
    MiniStack asks for GetParametersByPath on every parameter, for DescribeAlarms on everything, for an
    alias instead of its key, and for a role without its path.
`iam_actions.access_denied_response` says which action on which resource
    MiniStack names no resource for most services, and only the operation when a role may not be passed.
`cloudwatch._describe_alarms` hides composite alarms from those who may not see them
    CloudWatch shows them to who may describe all alarms, and tells nobody else (botocore: DescribeAlarms).
`app.pin_request_origin` calls every request encrypted
    The local cloud speaks HTTP on the loopback interface, where AWS speaks TLS: policies that demand
    `aws:SecureTransport`, as those of the CDK's own bucket, would let nobody in.
`s3._foreign_bucket_allows` agrees to signed requests
    It asks a bucket's policy about the caller's account only; `_enforce` has asked about the caller.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import json
import logging
import time
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from iam_evaluator.evaluation import AccessRequest, Decision, Outcome, PolicyKind, evaluate
from iam_evaluator.grammar import MalformedPolicyError, PolicyType
from iam_evaluator.policies import EVERYTHING, Policy, Statement, parse_policy
from iam_evaluator.principals import Principal, PrincipalKind, account_root, role_session
from local_cloud.ministack.propagation import Propagation
from local_cloud.sagemaker import arns
from local_cloud.sagemaker.switch_settings import CompositeAlarms, DescribedAlarms
from local_cloud.sagemaker.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from iam_evaluator.request_context import Values

_LOGGER = logging.getLogger("local_cloud.iam")

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.app", "_request_account_scope"),
    ("ministack.app", "pin_request_origin"),
    ("ministack.core.iam_actions", "_auth_failure"),
    ("ministack.core.iam_actions", "_query_param"),
    ("ministack.core.iam_actions", "access_denied_response"),
    ("ministack.core.iam_actions", "eventbridge_resource_arns"),
    ("ministack.core.iam_actions", "extract_iam_action"),
    ("ministack.core.iam_actions", "extract_resource_arn"),
    ("ministack.core.iam_actions", "request_tag_context"),
    ("ministack.core.iam_actions", "s3_service_context"),
    ("ministack.core.iam_evaluator", "AmbiguousAccessKeyError"),
    ("ministack.core.iam_evaluator", "AuthError"),
    ("ministack.core.iam_evaluator", "EvalResult"),
    ("ministack.core.iam_evaluator", "_gather_role_policies"),
    ("ministack.core.iam_evaluator", "_permissions_boundary"),
    ("ministack.core.iam_evaluator", "_resource_policy"),
    ("ministack.core.iam_evaluator", "authenticate"),
    ("ministack.core.iam_evaluator", "enforce"),
    ("ministack.core.iam_evaluator", "pin_signed_body"),
    ("ministack.core.iam_evaluator", "pin_signed_request"),
    ("ministack.core.iam_evaluator", "resolve_principal"),
    ("ministack.core.responses", "get_account_id"),
    ("ministack.core.responses", "get_region"),
    ("ministack.core.responses", "request_scope"),
    ("ministack.core.responses", "set_request_account_id"),
    ("ministack.services.cloudwatch", "_composite_alarms"),
    ("ministack.services.cloudwatch", "_describe_alarms"),
    ("ministack.services.ecr", "_repo_policies"),
    ("ministack.services.ecr", "_repositories"),
    ("ministack.services.eventbridge", "_event_bus_policies"),
    ("ministack.services.iam", "_roles"),
    ("ministack.services.iam", "_users"),
    ("ministack.services.kms", "_aliases"),
    ("ministack.services.kms", "_grants"),
    ("ministack.services.kms", "_resolve_key"),
    ("ministack.services.s3", "_bucket_policies"),
    ("ministack.services.s3", "_buckets"),
    ("ministack.services.s3", "_foreign_bucket_allows"),
    ("ministack.services.sns", "_topic_by_arn_any_scope"),
    ("ministack.services.tagging", "resource_tags"),
)

_REFUSED: Final[ContextVar[str]] = ContextVar("refused", default="")
"""Why the present request was refused last, in AWS's words."""

_HIDES_COMPOSITE_ALARMS: Final[ContextVar[bool]] = ContextVar("hides_composite_alarms", default=False)
"""Whether the DescribeAlarms that was authorised last is by somebody who may not see composite alarms."""

_DENY_EVERYTHING: Final = Policy((Statement("", allows=False, actions=("*",), resources=("*",)),))
_ALWAYS_ALLOWED: Final = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
_PASSED: Final = "local-cloud:passed"
"""A key of ours among a request's: the roles that it passes, each as `<service> <ARN>`."""

_DESCRIBE_ALARMS: Final = "cloudwatch:DescribeAlarms"
_ALSO: Final = "local-cloud:also"
"""Likewise: the names of more resources of the kind that the request's ARN has."""

_PASSES: Final[dict[str, tuple[str, str]]] = {
    "lambda:CreateFunction": ("Role", "lambda.amazonaws.com"),
    "lambda:UpdateFunctionConfiguration": ("Role", "lambda.amazonaws.com"),
    "events:PutRule": ("RoleArn", "events.amazonaws.com"),
    "events:PutTargets": ("RoleArn", "events.amazonaws.com"),
    "cloudformation:CreateStack": ("RoleARN", "cloudformation.amazonaws.com"),
    "cloudformation:UpdateStack": ("RoleARN", "cloudformation.amazonaws.com"),
    "cloudformation:DeleteStack": ("RoleARN", "cloudformation.amazonaws.com"),
    "cloudformation:CreateChangeSet": ("RoleARN", "cloudformation.amazonaws.com"),
}
"""Which member of a request is a role, and to which service it is passed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request whose credentials are no good, as the service answers it."""

    code: str
    status: int
    message: str


class MiniStackIam:
    """MiniStack's users, roles, sessions and resource policies, for one process.

    Attributes:
        switches: Answers which way the unknown behaviours go at present.
        propagation: What is known of policies that are edited; at once, unless a delay is set.
    """

    def __init__(self) -> None:
        self.switches: Callable[[], Switches] = Switches
        self.propagation = Propagation(seconds=lambda: 0.0, now=time.time)
        self._app: Any = importlib.import_module("ministack.app")
        self._actions: Any = importlib.import_module("ministack.core.iam_actions")
        self._evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
        self._ecr: Any = importlib.import_module("ministack.services.ecr")
        self._eventbridge: Any = importlib.import_module("ministack.services.eventbridge")
        self._iam: Any = importlib.import_module("ministack.services.iam")
        self._kms: Any = importlib.import_module("ministack.services.kms")
        self._s3: Any = importlib.import_module("ministack.services.s3")
        self._sns: Any = importlib.import_module("ministack.services.sns")
        self._tagging: Any = importlib.import_module("ministack.services.tagging")
        self._tag_context: Callable[..., dict[str, Any]] = self._actions.request_tag_context
        self._arn_of_request: Callable[..., str] = self._actions.extract_resource_arn

    def install(self) -> None:
        """Decide about MiniStack's own services from now on; they have to run with `AUTH=true`."""
        self._authenticate_only: Callable[..., Any] = self._evaluator.enforce
        self._evaluator.enforce = self._enforce
        self._actions.request_tag_context = self._request_context
        self._actions.extract_resource_arn = self._resource_arn
        denied = self._actions.access_denied_response

        def access_denied_response(*asked: Any, **named: Any) -> Any:  # noqa: ANN401 - as MiniStack answers
            # Without a code of its own it is a policy that refused.
            if not named.get("error_code") and not named.get("message"):
                named["message"] = _REFUSED.get()
            return denied(*asked, **named)

        self._actions.access_denied_response = access_denied_response
        pin_origin = self._app.pin_request_origin
        self._app.pin_request_origin = lambda source_ip, _is_secure: pin_origin(source_ip, True)  # noqa: FBT003
        self.hide_composite_alarms()
        asks_about_account = self._s3._foreign_bucket_allows

        def foreign_bucket_allows(*asked: Any) -> bool:  # noqa: ANN401 - as MiniStack asks
            is_signed = bool(asked[5])
            return is_signed or bool(asks_about_account(*asked))

        self._s3._foreign_bucket_allows = foreign_bucket_allows

    def hide_composite_alarms(self) -> None:
        """Let MiniStack's DescribeAlarms hide composite alarms where `_first_refusal` says so."""
        describe = self._cloudwatch._describe_alarms

        def describe_alarms(params: Any, document: Any, *protocol: bool) -> Any:  # noqa: ANN401 - MiniStack's own
            if not _HIDES_COMPOSITE_ALARMS.get():
                return describe(params, document, *protocol)
            _HIDES_COMPOSITE_ALARMS.set(False)
            hidden = {"AlarmTypes": ["MetricAlarm"]}
            shown = {name: value for name, value in (params or {}).items() if "AlarmTypes" not in name}
            return describe(shown, {**(document or {}), **hidden}, *protocol)

        self._cloudwatch._describe_alarms = describe_alarms

    # Who somebody is

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
        """Return who signed a request to a service that MiniStack does not serve.

        Keys of users and sessions have to fit the signature; an account's own key is not checked.
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
        """Return whose an access key is, in the present account, with every policy that counts."""
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
        """Return a session that a service begins with a role; None if there is no such role."""
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
        trust = _parsed(role["AssumeRolePolicyDocument"], role_arn)
        identity = ("trust", role_arn, role["RoleId"])
        return self.propagation.known(identity, trust, before=Policy(()), made_at=_made_at(role))

    def _known_policies(self, entity_arn: str, policies: Iterable[Iterable[Any]]) -> tuple[Policy, ...]:
        """Return what is known of a user's or role's own policies."""
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

    # Policies of resources

    def resource_policy(self, service: str, resource_arn: str) -> tuple[Policy | None, str | None]:
        """Return what is known of a resource's own policy, and whose it is, as far as MiniStack keeps it."""
        policy, owner = self._newest_resource_policy(service, resource_arn)
        # Objects have their bucket's.
        of = resource_arn.partition("/")[0] if service == "s3" else resource_arn
        return self.propagation.known((service, owner, of), policy, before=None), owner

    def _newest_resource_policy(self, service: str, resource_arn: str) -> tuple[Policy | None, str | None]:
        fields = resource_arn.split(":", 5)
        if len(fields) < 6:  # noqa: PLR2004 - an ARN's fields
            return None, None
        owner = fields[4] or None
        if service == "s3":
            return self._bucket_policy(fields[5].partition("/")[0])
        if service == "events" and fields[5].startswith("event-bus/"):
            bus = fields[5].removeprefix("event-bus/")
            document = self._eventbridge._event_bus_policies.get_scoped(owner, fields[3], bus)
            return _parsed(document, resource_arn), owner
        if service == "ecr" and owner is not None:
            name = fields[5].removeprefix("repository/")
            document = self._ecr._repo_policies.get_scoped(owner, fields[3], name)
            return _parsed(document, resource_arn), owner
        if service == "kms" and owner is not None:
            return self.key(owner, fields[3], resource_arn)[1], owner
        found = self._evaluator._resource_policy(service, resource_arn)
        if found is None:
            return None, owner if owner and owner.isdecimal() else None
        return _parsed(found[0], resource_arn), found[1]

    def key(self, account_id: str, region: str, key_id: str) -> tuple[str, Policy | None, tuple[str, ...]]:
        """Return a key's ARN, policy (its grants in it) and aliases; an empty ARN if there is none."""
        with self._responses.request_scope(account_id, region):
            record = self._kms._resolve_key(key_id)
            if record is None:
                return "", None, ()
            aliases = tuple(
                arn.rpartition(":")[2]
                for arn, target in self._kms._aliases.items()
                if target == record["KeyId"]
            )
            grants = [grant for grant in self._kms._grants.values() if grant["KeyId"] == record["Arn"]]
        # A key without a policy of its own has KMS's default one, which leaves it to the account.
        policy = _parsed(record.get("Policy"), record["Arn"], PolicyType.KEY) or _of_account(account_id)
        granted = (statement for grant in grants for statement in _of_grant(grant).statements)
        return str(record["Arn"]), Policy((*policy.statements, *granted)), aliases

    def uses_of_topics_key(self, topic_arn: str) -> list[tuple[str, str, dict[str, Values]]]:
        """Return what a publisher to an encrypted topic asks of KMS: action, key, and keys of conditions.

        Source: SNS developer guide, "sns-key-management". The key's ARN is empty if there is no such key.
        """
        topic = self._sns._topic_by_arn_any_scope(topic_arn)
        key_id = "" if topic is None else (topic.get("attributes") or {}).get("KmsMasterKeyId", "")
        if not key_id:
            return []
        _, _, _, region, owner, _ = topic_arn.split(":")
        key_arn, _, _ = self.key(owner, region, key_id)
        keys: dict[str, Values] = {
            "kms:viaservice": f"sns.{region}.{arns.dns_suffix(region)}",
            "kms:encryptioncontext:aws:sns:topicarn": topic_arn,
        }
        return [(action, key_arn, keys) for action in ("kms:GenerateDataKey", "kms:Decrypt")]

    def has_repository(self, account_id: str, region: str, name: str) -> bool:
        """Tell whether MiniStack's ECR has a repository."""
        return bool(self._ecr._repositories.contains_scoped(account_id, region, name))

    def _bucket_policy(self, bucket: str) -> tuple[Policy | None, str | None]:
        owners = [account for account, name in list(self._s3._buckets._data) if name == bucket]
        here = self._responses.get_account_id()
        owner = here if here in owners else next(iter(owners), None)
        if owner is None:
            return None, None
        return _parsed(self._s3._bucket_policies.get_scoped(owner, None, bucket), bucket), owner

    # Decisions

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
        context = {**_base_keys(region, owner or principal.account_id), **(keys or {})}
        if service == "kms":
            context.setdefault("kms:calleraccount", principal.account_id)
        if any(_names_resource_tags(each) for each in _all_policies(principal, policy)):
            for name, value in (self._tagging.resource_tags(resource_arn) or {}).items():
                context.setdefault(f"aws:resourcetag/{name.lower()}", str(value))
        return evaluate(
            principal,
            AccessRequest(action, resource_arn, owner, context),
            resource_policy=policy,
            is_resource_policy_required=service == "kms" and policy is not None,
        )

    def may_describe_alarm(self, principal: Principal, alarm_name: str, *, region: str) -> bool:
        """Tell whether somebody sees an alarm of his account that he asks for by its name."""
        account_id, kept = principal.account_id, self._cloudwatch._composite_alarms
        if kept.contains_scoped(account_id, region, alarm_name):
            return self._sees_composite_alarms(principal, region)
        arn = f"{_alarms_of(region, account_id)}{self._described(alarm_name)}"
        return self.decide(principal, _DESCRIBE_ALARMS, arn, region=region).is_allowed

    def _described(self, alarm_name: str) -> str:
        """Return which alarms IAM is asked about where one is described by its name."""
        each = self.switches().described_alarms is DescribedAlarms.EACH_NAME
        return alarm_name if each else "*"

    def _sees_composite_alarms(self, principal: Principal, region: str) -> bool:
        every_alarm = self.switches().composite_alarms is CompositeAlarms.EVERY_ALARM
        asked = f"{_alarms_of(region, principal.account_id)}*" if every_alarm else "*"
        return self.decide(principal, _DESCRIBE_ALARMS, asked, region=region).is_allowed

    def _enforce(
        self,
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - MiniStack's own results
        """Answer what MiniStack's `enforce` answers: None, or why a request is refused."""
        if not access_key_id:
            return self._authenticate_only(access_key_id, iam_action, service, region, resource_arn)
        # An action that is always allowed leaves nothing but the check of the credentials.
        failure = self._authenticate_only(access_key_id, "sts:GetCallerIdentity", service, region)
        if failure is not None or iam_action in _ALWAYS_ALLOWED:
            return failure
        principal = self.principal(access_key_id)
        if isinstance(principal, Refusal):
            return self._evaluator.AuthError("UnrecognizedClientException", principal.message)
        refused = self._first_refusal(principal, iam_action, resource_arn, region, service_context or {})
        if refused is None:
            return None
        decision, request = refused
        _REFUSED.set(decision.message(principal, request))
        _LOGGER.info("%s", _REFUSED.get())
        return self._evaluator.EvalResult(
            "Deny" if decision.outcome is Outcome.EXPLICIT_DENY else "ImplicitDeny",
            principal_arn=principal.arn,
            resource_policy_arn=request.resource_arn if decision.refused_by is PolicyKind.RESOURCE else "",
        )

    def refusal(
        self,
        principal: Principal,
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        params: Mapping[str, Any],
    ) -> tuple[int, dict[str, str], bytes] | None:
        """Return the answer to a request that IAM does not allow, in the present account and region.

        For requests that do not come past MiniStack's front; `service` is MiniStack's name of it.
        """
        action = self._actions.extract_iam_action(service, method, path, headers, body, params)
        if action is None:
            return None
        region = self._responses.get_region()
        arn = self._resource_arn(service, method, path, headers, body, params, region, principal.account_id)
        keys = self._request_context(service, action, body, params)
        if service == "s3":
            # MiniStack's front asks for these by itself.
            keys |= self._actions.s3_service_context(action, params, path, headers)
        refused = self._first_refusal(principal, action, arn, region, keys)
        if refused is None:
            return None
        decision, request = refused
        answer: tuple[int, dict[str, str], bytes] = self._actions.access_denied_response(
            service,
            request.action,
            principal.arn,
            "",
            headers=dict(headers),
            resource_arn=request.resource_arn,
            message=decision.message(principal, request),
        )
        return answer

    def _first_refusal(
        self, principal: Principal, action: str, arn: str, region: str, found: Mapping[str, Any]
    ) -> tuple[Decision, AccessRequest] | None:
        """Return what of a request is refused: its action, or the passing of a role."""
        if action == _DESCRIBE_ALARMS:
            _HIDES_COMPOSITE_ALARMS.set(not self._sees_composite_alarms(principal, region))
        keys = {name.lower(): _values(value) for name, value in found.items()}
        passed, also = keys.pop(_PASSED, ()), keys.pop(_ALSO, ())
        given = {name: value for name, value in keys.items() if value}
        checks: list[tuple[str, str, dict[str, Values]]] = [(action, arn, given)]
        beside = arn.rpartition(":")[0]
        checks += [(action, f"{beside}:{name}", given) for name in (also if isinstance(also, tuple) else ())]
        for each in passed if isinstance(passed, tuple) else (passed,):
            to_service, _, role_arn = each.partition(" ")
            checks.append(("iam:PassRole", role_arn, {"iam:passedtoservice": to_service}))
        if action == "sns:Publish":
            checks += self.uses_of_topics_key(arn)
        for checked, on, its_keys in checks:
            decision = self._decide_directly(principal, checked, on, region, its_keys)
            if not decision.is_allowed:
                return decision, AccessRequest(checked, on)
        return None

    def _decide_directly(
        self, principal: Principal, action: str, arn: str, region: str, keys: Mapping[str, Values]
    ) -> Decision:
        if action == "sts:AssumeRole":
            return self._decide_about_role(principal, arn, region, keys)
        return self.decide(principal, action, arn, region=region, keys=keys)

    def _decide_about_role(
        self, principal: Principal, role_arn: str, region: str, keys: Mapping[str, Values]
    ) -> Decision:
        """Decide what the caller's side has to say about assuming a role.

        MiniStack asks the trust policy itself, with the conditions that it knows of the request. Here it
        matters only for who is named in it: within an account, that needs no other policy.
        """
        trust = self.trust_policy(role_arn) if role_arn.count(":") > 4 else None  # noqa: PLR2004 - the account's field
        bare = None if trust is None else Policy(tuple(_unconditional(each) for each in trust.statements))
        is_own = role_arn.split(":")[4:5] == [principal.account_id]
        request = AccessRequest(
            "sts:AssumeRole", role_arn, None, {**_base_keys(region, principal.account_id), **keys}
        )
        return evaluate(principal, request, resource_policy=bare if is_own else None)

    def _resource_arn(
        self,
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        params: Mapping[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        """Return the ARN that a request is about, as AWS authorises it."""
        arn = self._arn_of_request(service, method, path, headers, body, params, region, account_id)
        if service == "ssm" and headers.get("x-amz-target", "").endswith(".GetParametersByPath"):
            below = str(_json_object(body).get("Path", "/"))
            return (
                f"arn:{arns.partition(region)}:ssm:{region}:{account_id}:parameter/{below.removeprefix('/')}"
            )
        if service == "monitoring" and arn == "*" and (names := _alarms_named(headers, body, params)):
            described = _asks(headers, params, "DescribeAlarms")
            name = self._described(names[0]) if described else names[0]
            return f"{_alarms_of(region, account_id)}{name}"
        if service == "kms" and ":alias/" in arn:
            return self.key(account_id, region, arn)[0] or arn
        if service == "iam" and ":role/" in arn:
            role = self._iam._roles.get_scoped(account_id, None, arn.rpartition("/")[2])
            return arn if role is None else str(role["Arn"])
        return arn

    def _request_context(
        self, service: str, iam_action: str, body: bytes, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return MiniStack's keys of a request, and those that it does not know."""
        keys = self._tag_context(service, iam_action, body, params)
        document = _json_object(body)
        if iam_action == _DESCRIBE_ALARMS and self.switches().described_alarms is DescribedAlarms.EACH_NAME:
            keys[_ALSO] = tuple(_alarms_named({}, body, params)[1:])
        if iam_action == "events:PutEvents":
            buses = self._actions.eventbridge_resource_arns(body, "", "")
            keys[_ALSO] = tuple(bus.rpartition(":")[2] for bus in buses[1:])
            entries = [entry for entry in document.get("Entries") or () if isinstance(entry, dict)]
            for key, member in (("events:source", "Source"), ("events:detail-type", "DetailType")):
                keys[key] = tuple(dict.fromkeys(str(entry.get(member, "")) for entry in entries))
        if iam_action == "kms:CreateGrant":
            keys["kms:GranteePrincipal"] = document.get("GranteePrincipal")
            keys["kms:RetiringPrincipal"] = document.get("RetiringPrincipal")
            keys["kms:GrantOperations"] = tuple(document.get("Operations") or ())
            keys["kms:GrantIsForAWSResource"] = "false"
        if iam_action == "cloudwatch:PutMetricData":
            keys["cloudwatch:namespace"] = document.get("Namespace") or self._actions._query_param(
                params, "Namespace"
            )
        if iam_action in _PASSES:
            member, to_service = _PASSES[iam_action]
            roles = [document.get(member), self._actions._query_param(params, member)]
            roles += [each.get(member) for each in document.get("Targets") or () if isinstance(each, dict)]
            keys[_PASSED] = tuple(f"{to_service} {role}" for role in roles if role)
        return keys


def _made_at(record: Mapping[str, Any]) -> float | None:
    """Return when MiniStack made something, in seconds; None if it does not say."""
    try:
        return datetime.fromisoformat(str(record.get("CreateDate"))).timestamp()
    except ValueError:
        return None


def _base_keys(region: str, resource_account: str) -> dict[str, Values]:
    """Return the keys of every request; the local cloud stands for the world behind TLS."""
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


def _policy(statements: Iterable[Any]) -> Policy:
    """Return a policy that MiniStack has taken apart."""
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
    return _parsed({"Version": "2012-10-17", "Statement": documents}, "an identity policy") or Policy(())


def _parsed(
    document: str | Mapping[str, Any] | None, of_what: str, policy_type: PolicyType | None = None
) -> Policy | None:
    """Return a policy; one that IAM would not have accepted denies everything, and says so in the log."""
    if not document:
        return None
    if not isinstance(document, str) and not document.get("Statement"):
        return None
    try:
        return parse_policy(document, policy_type)
    except MalformedPolicyError as error:
        _LOGGER.warning("The policy of %s denies everything, because AWS would refuse it: %s", of_what, error)
        return _DENY_EVERYTHING


def _of_account(account_id: str) -> Policy:
    statement = replace(EVERYTHING.statements[0], principals=(("AWS", account_id),))
    return Policy((statement,))


def _of_grant(grant: Mapping[str, Any]) -> Policy:
    """Return what a grant on a key allows, as a policy of the key would."""
    constraints = grant.get("Constraints") or {}
    pairs = {
        **constraints.get("EncryptionContextSubset", {}),
        **constraints.get("EncryptionContextEquals", {}),
    }
    grantee: str = grant["GranteePrincipal"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service" if grantee.endswith(".amazonaws.com") else "AWS": grantee},
        "Action": [f"kms:{operation}" for operation in grant["Operations"]],
        "Resource": "*",
        "Condition": {
            "StringEquals": {f"kms:EncryptionContext:{key}": value for key, value in pairs.items()}
        },
    }
    return _parsed({"Version": "2012-10-17", "Statement": statement}, "a grant") or Policy(())


def _unconditional(statement: Statement) -> Statement:
    return replace(statement, conditions=()) if statement.allows else replace(statement, principals=())


def _all_policies(principal: Principal, resource_policy: Policy | None) -> Iterator[Policy]:
    yield from principal.identity_policies
    yield from principal.session_policies or ()
    yield from (each for each in (principal.boundary, resource_policy) if each is not None)


def _names_resource_tags(policy: Policy) -> bool:
    """Tell whether a policy looks at the tags of resources, in a condition or by a variable."""
    return any(
        "aws:resourcetag/" in text.lower()
        for statement in policy.statements
        for text in (
            *(statement.resources or statement.not_resources or ()),
            *(text for condition in statement.conditions for text in (condition.key, *condition.values)),
        )
    )


def _values(value: Any) -> Values:  # noqa: ANN401 - whatever MiniStack found
    if isinstance(value, list | tuple):
        return tuple(str(each) for each in value)
    return "" if value is None else str(value)


def _alarms_named(headers: Mapping[str, str], body: bytes, params: Mapping[str, Any]) -> list[str]:
    """Return the alarms that a request names; all (`*`) for a DescribeAlarms that names none (seen)."""
    document = _json_object(body)
    named = document.get("AlarmNames") or [
        value[0] if isinstance(value, list) else value
        for name, value in sorted(params.items())
        if name.startswith("AlarmNames.")
    ]
    return [str(name) for name in named] or (["*"] if _asks(headers, params, "DescribeAlarms") else [])


def _asks(headers: Mapping[str, str], params: Mapping[str, Any], operation: str) -> bool:
    return operation in (*headers.get("x-amz-target", "").rsplit(".", 1), *params.get("Action", ()))


def _alarms_of(region: str, account_id: str) -> str:
    """Return the beginning of the ARNs of an account's alarms."""
    return f"arn:{arns.partition(region)}:cloudwatch:{region}:{account_id}:alarm:"


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
