"""Enforce IAM on every request to MiniStack's own services.

Owns the questions to IAM about a request, and the answer to a refused one; `iam` decides. Only `emulator.py`
creates one. Changes to MiniStack, and reasons:

`iam_evaluator.enforce` becomes `_enforce`
    MiniStack's own evaluator uses a session's role ARN in place of the session, ignores policy variables,
    lets the root user override denials, and never checks iam:PassRole. MiniStack still checks signatures,
    tokens and dates.
`iam_actions.request_tag_context` becomes `_request_context`
    Condition keys that MiniStack does not know: `events:source`, `events:detail-type`,
    `cloudwatch:namespace`, those of grants on keys; and the roles that a request passes to a service.
    Making an alarm with tags takes TagResource as well (CloudWatch user guide,
    "CloudWatch_alarms_and_tagging"; seen: cisagov/cool-assessment-terraform PR #245).
`iam_actions.extract_resource_arn` becomes `_resource_arn`
    MiniStack checks GetParametersByPath on every parameter, DescribeAlarms and the tagging of alarms on
    everything, an alias instead of its key, a role without its path, and FilterLogEvents without streams.
`iam_actions.access_denied_response` names the action and the resource
    MiniStack names no resource for most services, and only the operation when a role may not be passed.
`cloudwatch._describe_alarms` hides composite alarms from callers who may not see them
    CloudWatch shows them only to callers who may describe all alarms (botocore: DescribeAlarms).
`app.pin_request_origin` calls every request encrypted
    The local cloud speaks HTTP on the loopback interface, where AWS speaks TLS. Policies that require
    `aws:SecureTransport`, such as the CDK bucket's, would admit nobody.
`s3._foreign_bucket_allows` agrees to signed requests
    It checks a bucket's policy only for the caller's account; `_enforce` has checked it for the caller.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import logging
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from iam_evaluator.decision import AccessRequest, Decision, Outcome, PolicyKind
from local_cloud.ministack.iam import DESCRIBE_ALARMS, MiniStackIam, alarms_of
from local_cloud.ministack.identities import Refusal
from local_cloud.ministack.named_in_requests import alarms_named, asks, json_object, rule_named
from local_cloud.sagemaker import arns
from local_cloud.sagemaker.switch_settings import DescribedAlarms, TagsOfAlarmChanges

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from iam_evaluator.principals import Principal
    from iam_evaluator.request_context import Values

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.app", "pin_request_origin"),
    ("ministack.core.iam_actions", "_query_param"),
    ("ministack.core.iam_actions", "access_denied_response"),
    ("ministack.core.iam_actions", "dynamodb_transaction_checks"),
    ("ministack.core.iam_actions", "eventbridge_resource_arns"),
    ("ministack.core.iam_actions", "extract_iam_action"),
    ("ministack.core.iam_actions", "extract_resource_arn"),
    ("ministack.core.iam_actions", "request_tag_context"),
    ("ministack.core.iam_actions", "s3_service_context"),
    ("ministack.core.iam_evaluator", "AuthError"),
    ("ministack.core.iam_evaluator", "EvalResult"),
    ("ministack.core.iam_evaluator", "enforce"),
    ("ministack.core.responses", "get_region"),
    ("ministack.services.cloudwatch", "_alarms"),
    ("ministack.services.cloudwatch", "_describe_alarms"),
    ("ministack.services.iam", "_roles"),
    ("ministack.services.s3", "_foreign_bucket_allows"),
)

_LOGGER = logging.getLogger("local_cloud.iam")

_REFUSED: Final[ContextVar[str]] = ContextVar("refused", default="")
"""Why the present request was refused last, in AWS's words."""

_HIDES_COMPOSITE_ALARMS: Final[ContextVar[bool]] = ContextVar("hides_composite_alarms", default=False)
"""Whether the last authorised DescribeAlarms must hide composite alarms."""

_REQUEST_TAG: Final = "aws:requesttag/"
_ALWAYS_ALLOWED: Final = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
_PASSED: Final = "local-cloud:passed"
"""Our key in a request's context: the roles that it passes, each as `<service> <ARN>`."""

_ALSO: Final = "local-cloud:also"
"""Likewise: the names of further resources of the kind of the request's ARN."""

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
"""The member of a request that is a role, and the service that gets it."""


class Enforcement:
    """Asks IAM about requests to MiniStack, for one process."""

    def __init__(self, permissions: MiniStackIam) -> None:
        self._permissions = permissions
        self._app: Any = importlib.import_module("ministack.app")
        self._actions: Any = importlib.import_module("ministack.core.iam_actions")
        self._evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
        self._iam: Any = importlib.import_module("ministack.services.iam")
        self._s3: Any = importlib.import_module("ministack.services.s3")
        self._tag_context: Callable[..., dict[str, Any]] = self._actions.request_tag_context
        self._arn_of_request: Callable[..., str] = self._actions.extract_resource_arn

    def install(self) -> None:
        """From now on, decide about MiniStack's own services, which must run with `AUTH=true`."""
        self._authenticate_only: Callable[..., Any] = self._evaluator.enforce
        self._evaluator.enforce = self._enforce
        self._actions.request_tag_context = self._request_context
        self._actions.extract_resource_arn = self._resource_arn
        denied = self._actions.access_denied_response

        def access_denied_response(*asked: Any, **named: Any) -> Any:  # noqa: ANN401 - as MiniStack answers
            # Without its own code, a refusal comes from a policy.
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

    def _enforce(
        self,
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - MiniStack's own results
        """Return what MiniStack's `enforce` returns: None, or why a request is refused."""
        if not access_key_id:
            return self._authenticate_only(access_key_id, iam_action, service, region, resource_arn)
        # For an action that is always allowed, only the credentials are checked.
        failure = self._authenticate_only(access_key_id, "sts:GetCallerIdentity", service, region)
        if failure is not None or iam_action in _ALWAYS_ALLOWED:
            return failure
        principal = self._permissions.principal(access_key_id)
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

        For requests that bypass MiniStack's front; `service` is MiniStack's name for it.
        """
        action = self._actions.extract_iam_action(service, method, path, headers, body, params)
        if action is None:
            return None
        region = self._responses.get_region()
        arn = self._resource_arn(service, method, path, headers, body, params, region, principal.account_id)
        keys = self._request_context(service, action, body, params)
        if service == "s3":
            # MiniStack's front checks these by itself.
            keys |= self._actions.s3_service_context(action, params, path, headers)
        writes = self._actions.dynamodb_transaction_checks(action, body, region, principal.account_id)
        refusals = (
            self._first_refusal(principal, each, on, region, keys) for each, on in writes or [(action, arn)]
        )
        refused = next((each for each in refusals if each is not None), None)
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
        """Return what is refused about a request: its action, or passing a role."""
        if action == DESCRIBE_ALARMS:
            _HIDES_COMPOSITE_ALARMS.set(not self._permissions.sees_composite_alarms(principal, region))
        keys = {name.lower(): _values(value) for name, value in found.items()}
        passed, also = keys.pop(_PASSED, ()), keys.pop(_ALSO, ())
        given = {name: value for name, value in keys.items() if value}
        checks: list[tuple[str, str, dict[str, Values]]] = [(action, arn, given)]
        beside = arn.rpartition(":")[0]
        checks += [(action, f"{beside}:{name}", given) for name in (also if isinstance(also, tuple) else ())]
        for each in passed if isinstance(passed, tuple) else (passed,):
            to_service, _, role_arn = each.partition(" ")
            checks.append(("iam:PassRole", role_arn, {"iam:passedtoservice": to_service}))
        if action == "cloudwatch:PutMetricAlarm" and any(key.startswith(_REQUEST_TAG) for key in given):
            checks.append(("cloudwatch:TagResource", arn, given))
        if action == "sns:Publish":
            checks += self._permissions.uses_of_topics_key(arn)
        for checked, on, its_keys in checks:
            decision = self._decide_directly(principal, checked, on, region, its_keys)
            if not decision.is_allowed:
                return decision, AccessRequest(checked, on)
        return None

    def _decide_directly(
        self, principal: Principal, action: str, arn: str, region: str, keys: Mapping[str, Values]
    ) -> Decision:
        if action == "sts:AssumeRole":
            return self._permissions.decide_about_role(principal, arn, region, keys)
        return self._permissions.decide(principal, action, arn, region=region, keys=keys)

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
        """Return the ARN that AWS uses to authorise a request."""
        arn = self._arn_of_request(service, method, path, headers, body, params, region, account_id)
        if service == "ssm" and headers.get("x-amz-target", "").endswith(".GetParametersByPath"):
            below = str(json_object(body).get("Path", "/"))
            return (
                f"arn:{arns.partition(region)}:ssm:{region}:{account_id}:parameter/{below.removeprefix('/')}"
            )
        if service == "events" and (rule := rule_named(body)):
            return f"arn:{arns.partition(region)}:events:{region}:{account_id}:rule/{rule}"
        if service == "monitoring" and (tagged := json_object(body).get("ResourceARN")):
            return str(tagged)
        if service == "monitoring" and arn == "*" and (names := alarms_named(headers, body, params)):
            described = asks(headers, params, "DescribeAlarms")
            name = self._permissions.described(names[0]) if described else names[0]
            return f"{alarms_of(region, account_id)}{name}"
        if asks(headers, params, "FilterLogEvents"):
            # Seen with DescribeMetricFilters: prowler-cloud/prowler PR #37.
            return f"{arn}:log-stream:"
        if service == "kms" and ":alias/" in arn:
            return self._permissions.key(account_id, region, arn)[0] or arn
        if service == "iam" and ":role/" in arn:
            role = self._iam._roles.get_scoped(account_id, None, arn.rpartition("/")[2])
            return arn if role is None else str(role["Arn"])
        return arn

    def _request_context(
        self, service: str, iam_action: str, body: bytes, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return MiniStack's keys of a request, and those that it does not know."""
        # MiniStack knows the operations of CloudWatch that carry tags by botocore's name of the service.
        name = "cloudwatch" if service == "monitoring" else service
        keys = self._tag_context(name, iam_action, body, params)
        document = json_object(body)
        if (
            iam_action == DESCRIBE_ALARMS
            and self._permissions.switches().described_alarms is DescribedAlarms.EACH_NAME
        ):
            keys[_ALSO] = tuple(alarms_named({}, body, params)[1:])
        if iam_action == "cloudwatch:DeleteAlarms":
            keys[_ALSO] = tuple(alarms_named({}, body, params)[1:])
        if iam_action == "cloudwatch:PutMetricAlarm" and self._ignores_tags(str(document.get("AlarmName"))):
            keys = {key: value for key, value in keys.items() if not _is_of_request_tags(key)}
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

    def _ignores_tags(self, alarm_name: str) -> bool:
        """Tell whether IAM sees no tags of a request to put an alarm, because the alarm exists."""
        ignored = self._permissions.switches().tags_of_alarm_changes is TagsOfAlarmChanges.IGNORED
        return ignored and alarm_name in self._cloudwatch._alarms


def _is_of_request_tags(key: str) -> bool:
    return key.lower().startswith((_REQUEST_TAG, "aws:tagkeys"))


def _values(value: Any) -> Values:  # noqa: ANN401 - whatever MiniStack found
    if isinstance(value, list | tuple):
        return tuple(str(each) for each in value)
    return "" if value is None else str(value)
