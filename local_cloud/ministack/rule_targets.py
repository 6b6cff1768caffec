"""Deliver events to the targets of MiniStack's rules as EventBridge does, or say why it cannot.

Owns what a rule may reach, and where its event goes when it may not. `emulator.py` alone makes one of it.
What is changed in MiniStack, and why:

`eventbridge._invoke_target` becomes `_deliver`
    EventBridge reaches a target with the rule's role, or as a service that the target's policy admits. What
    it may not reach, or what is gone, goes to the target's failure queue if that queue's policy allows it.
    MiniStack has neither checks nor queues, and knows no buses of other accounts and Regions.
`eventbridge._dispatch_to_lambda` becomes `_invoke_asynchronously`
    EventBridge invokes Lambda asynchronously: function errors are retried and end at the on-failure
    destination. MiniStack runs the function once and forgets the error.
`eventbridge._put_permission` becomes `_put_permission`, `provisioners._RESOURCE_HANDLERS` gets a bus policy
    MiniStack forgets a whole `Policy`, and its CloudFormation has no `AWS::Events::EventBusPolicy`.
`cloudwatch._dispatch_alarm_actions` is preceded by `admitted_actions`
    CloudWatch publishes to a topic only if its policy, and that of its key, let it.
`lambda_svc._route_async_failure` is preceded by a look at the function's role
    Lambda sends what failed with the function's role.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import json
import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from iam_evaluator.evaluation import AccessRequest, evaluate
from iam_evaluator.principals import service
from local_cloud.sagemaker import arns

if TYPE_CHECKING:
    from collections.abc import Callable

    from iam_evaluator.principals import Principal
    from local_cloud.ministack.iam import MiniStackIam

_LOGGER = logging.getLogger("local_cloud.rule_targets")

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.responses", "get_account_id"),
    ("ministack.core.responses", "get_region"),
    ("ministack.core.responses", "request_scope"),
    ("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS"),
    ("ministack.services.cloudwatch", "_dispatch_alarm_actions"),
    ("ministack.services.eventbridge", "_archive_event"),
    ("ministack.services.eventbridge", "_dispatch_event"),
    ("ministack.services.eventbridge", "_dispatch_to_lambda"),
    ("ministack.services.eventbridge", "_ensure_default_bus"),
    ("ministack.services.eventbridge", "_event_bus_policies"),
    ("ministack.services.eventbridge", "_event_buses"),
    ("ministack.services.eventbridge", "_events_log_list"),
    ("ministack.services.eventbridge", "_invoke_target"),
    ("ministack.services.eventbridge", "_pattern_event_view"),
    ("ministack.services.eventbridge", "_put_permission"),
    ("ministack.services.eventbridge", "_remove_permission"),
    ("ministack.services.lambda_svc", "_execution_record_for_config"),
    ("ministack.services.lambda_svc", "_get_func_record_for_ref"),
    ("ministack.services.lambda_svc", "_route_async_failure"),
    ("ministack.services.lambda_svc", "invoke_async_with_retry"),
    ("ministack.services.sqs", "_act_send_message"),
    ("ministack.services.sqs", "_queue_by_arn"),
)

_ACTIONS: Final = {
    "events": "events:PutEvents",
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "states": "states:StartExecution",
}
"""What reaching a target of a service is called."""

_FORWARDED: Final = "_ForwardedFrom"
"""A member of ours in MiniStack's records: the account from which an event came to another one."""

_POLICY_SEPARATOR: Final = "|"


class Undeliverable(NamedTuple):
    """Why EventBridge cannot reach a target: ERROR_CODE and ERROR_MESSAGE of EB/eb-rule-dlq."""

    code: str
    message: str


class RuleTargets:
    """The targets of all rules; with `enforce_iam` a target or its role has to admit the rule."""

    def __init__(self, iam: MiniStackIam, *, enforce_iam: bool) -> None:
        self._permissions = iam
        self._enforces_iam = enforce_iam
        self._cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
        self._eventbridge: Any = importlib.import_module("ministack.services.eventbridge")
        self._lambda: Any = importlib.import_module("ministack.services.lambda_svc")
        self._provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._sqs: Any = importlib.import_module("ministack.services.sqs")

    def install(self) -> None:
        """Deliver from now on."""
        self._deliver_anyway: Callable[..., None] = self._eventbridge._invoke_target
        self._eventbridge._invoke_target = self._deliver
        self._eventbridge._dispatch_to_lambda = self._invoke_asynchronously
        self._put_statement: Callable[..., Any] = self._eventbridge._put_permission
        self._eventbridge._put_permission = self._put_permission
        self._provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = {
            "create": self._create_bus_policy,
            "update": self._update_bus_policy,
            "delete": self._delete_bus_policy,
        }
        if not self._enforces_iam:
            return
        self._act: Callable[..., None] = self._cloudwatch._dispatch_alarm_actions
        self._cloudwatch._dispatch_alarm_actions = self._act_as_admitted
        self._route_failure: Callable[..., None] = self._lambda._route_async_failure
        self._lambda._route_async_failure = self._route_async_failure

    # Rules and their targets

    def _deliver(
        self, target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: object = None
    ) -> None:
        undeliverable = self.why_undeliverable(target, event, rule)
        if undeliverable is not None:
            _LOGGER.warning(
                "EventBridge could not deliver %s: %s", event.get("EventId"), undeliverable.message
            )
            self.keep_undelivered(target, event, rule, undeliverable)
        elif self._is_elsewhere(target["Arn"]):
            self._forward(target["Arn"], event)
        else:
            self._deliver_anyway(target, event, rule, view)

    def why_undeliverable(
        self, target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any]
    ) -> Undeliverable | None:
        """Return why an event cannot reach a target of a rule; None if it can."""
        arn: str = target["Arn"]
        fields = arn.split(":", 5)
        kind = fields[2]
        if kind == "lambda":
            function, _, name = self._lambda._get_func_record_for_ref(arn)
            if not function:
                return Undeliverable("NO_RESOURCE", f"There is no function {name} ({arn}).")
        is_bus = kind == "events" and fields[5].startswith("event-bus/")
        if is_bus and self._is_elsewhere(arn):
            if event.get(_FORWARDED) not in {None, fields[4]}:
                return Undeliverable(
                    "THIRD_ACCOUNT_HOP_DETECTED",
                    f"The event came from account {event[_FORWARDED]} and cannot go on to {fields[4]}.",
                )
            if not self._has_bus(fields[4], fields[3], fields[5].removeprefix("event-bus/")):
                return Undeliverable("NO_RESOURCE", f"There is no event bus {arn}.")
        is_own_bus = is_bus and not self._is_elsewhere(arn) and not target.get("RoleArn")
        if kind not in _ACTIONS or is_own_bus or not (self._enforces_iam or kind == "lambda"):
            return None
        return self._why_not_admitted(target, rule, _ACTIONS[kind])

    def _why_not_admitted(
        self, target: dict[str, Any], rule: dict[str, Any], action: str
    ) -> Undeliverable | None:
        """Return what a rule lacks to reach its target: its role's permission, or the target's."""
        region, role_arn = self._responses.get_region(), target.get("RoleArn")
        rule_as_service = service(
            "events.amazonaws.com", source_account=self._responses.get_account_id(), source_arn=rule["Arn"]
        )
        principal = rule_as_service
        if role_arn:
            session = self._assumed(role_arn, rule_as_service)
            if session is None:
                return Undeliverable(
                    "NO_PERMISSIONS", f"{role_arn} does not exist, or does not let {rule['Arn']} assume it."
                )
            principal = session
        arn: str = target["Arn"]
        decision = self._permissions.decide(principal, action, arn, region=region)
        if not decision.is_allowed:
            request = AccessRequest(action, arn)
            return Undeliverable(
                "NO_PERMISSIONS", f"{decision.message(principal, request)} (rule {rule['Arn']})."
            )
        refused = self._why_key_is_refused(principal, arn)
        return Undeliverable("NO_PERMISSIONS", f"{refused} (rule {rule['Arn']}).") if refused else None

    def _assumed(self, role_arn: str, by: Principal) -> Principal | None:
        """Return the session that a service has with a role whose trust policy lets it; else None."""
        trust = self._permissions.trust_policy(role_arn)
        request = AccessRequest("sts:AssumeRole", role_arn)
        if trust is None or not evaluate(by, request, resource_policy=trust).is_allowed:
            return None
        return self._permissions.session_of(role_arn, by.arn.partition(".")[0])

    def _why_key_is_refused(self, principal: Principal, topic_arn: str) -> str:
        """Return why a topic's key cannot be used to publish to it; empty if it can, or if it has none."""
        uses = self._permissions.uses_of_topics_key(topic_arn) if topic_arn.split(":")[2] == "sns" else []
        for action, key_arn, keys in uses:
            if not key_arn:
                return f"The key of {topic_arn} does not exist"
            region = topic_arn.split(":")[3]
            decision = self._permissions.decide(principal, action, key_arn, region=region, keys=keys)
            if not decision.is_allowed:
                return decision.message(principal, AccessRequest(action, key_arn))
        return ""

    def keep_undelivered(
        self, target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], why: Undeliverable
    ) -> None:
        """Send an event to the target's failure queue, as EB/eb-rule-dlq describes its messages."""
        queue_arn: str = (target.get("DeadLetterConfig") or {}).get("Arn", "")
        queue = self._sqs._queue_by_arn(queue_arn)
        if queue is None:
            return
        refused = self._why_not_admitted({"Arn": queue_arn}, rule, "sqs:SendMessage")
        if refused is not None:
            _LOGGER.warning("The event is lost: %s", refused.message)
            return
        attributes = {
            "ERROR_CODE": why.code,
            "ERROR_MESSAGE": why.message,
            "RULE_ARN": rule["Arn"],
            "TARGET_ARN": target["Arn"],
        }
        body = json.dumps(self._eventbridge._pattern_event_view(event).event_with_detail())
        message_attributes = {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        }
        message_of = {"QueueUrl": queue["url"], "MessageBody": body, "MessageAttributes": message_attributes}
        self._sqs._act_send_message(message_of, queue["url"])

    def _invoke_asynchronously(self, arn: str, payload: str) -> None:
        function, config, _ = self._lambda._get_func_record_for_ref(arn)
        record = self._lambda._execution_record_for_config(function, config)
        self._lambda.invoke_async_with_retry(record, json.loads(payload))

    # Buses of other accounts and Regions (EB/eb-cross-account, EB/eb-cross-region)

    def _is_elsewhere(self, target_arn: str) -> bool:
        fields = target_arn.split(":", 5)
        here = (self._responses.get_region(), self._responses.get_account_id())
        return fields[2] == "events" and fields[5].startswith("event-bus/") and (fields[3], fields[4]) != here

    def _has_bus(self, account_id: str, region: str, name: str) -> bool:
        if name == "default":
            return True
        return self._eventbridge._event_buses.get_scoped(account_id, region, name) is not None

    def _forward(self, bus_arn: str, event: dict[str, Any]) -> None:
        """Put an event on a bus elsewhere; `account` and `region` in it stay its sender's."""
        fields = bus_arn.split(":", 5)
        sender = self._responses.get_account_id()
        record = {name: value for name, value in event.items() if name != "_DispatchPath"}
        record["EventBusName"] = fields[5].removeprefix("event-bus/")
        if fields[4] != sender:
            record[_FORWARDED] = sender
        with self._responses.request_scope(fields[4], fields[3]):
            self._eventbridge._ensure_default_bus()
            self._eventbridge._events_log_list().append(record)
            self._eventbridge._dispatch_event(record)
            self._eventbridge._archive_event(record)

    # Policies of buses

    def _put_permission(self, data: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's response triple
        policy = data.get("Policy")
        if not policy:
            return self._put_statement(data)
        name = data.get("EventBusName", "default")
        response = self._put_statement({"EventBusName": name, "StatementId": "replaced", "Principal": "*"})
        self._eventbridge._event_bus_policies[name] = json.loads(policy)
        return response

    def _create_bus_policy(
        self, _logical_id: str, properties: dict[str, Any], _stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        bus, statement_id = properties.get("EventBusName", "default"), properties["StatementId"]
        self._put_statement({**properties, "EventBusName": bus})
        statement = properties.get("Statement")
        if statement:
            statements = self._eventbridge._event_bus_policies[bus]["Statement"]
            statements[-1] = {"Sid": statement_id, **statement}
        return f"{bus}{_POLICY_SEPARATOR}{statement_id}", {}

    def _update_bus_policy(
        self, physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str
    ) -> tuple[str, dict[str, Any]]:
        self._delete_bus_policy(physical_id, old)
        return self._create_bus_policy("", new, stack_name)

    def _delete_bus_policy(self, physical_id: str, _properties: dict[str, Any]) -> None:
        bus, _, statement_id = physical_id.partition(_POLICY_SEPARATOR)
        self._eventbridge._remove_permission({"EventBusName": bus, "StatementId": statement_id})

    # Alarms and failed invocations

    def _act_as_admitted(self, alarm: dict[str, Any], old: str, new: str, reason: str) -> None:
        """Carry out an alarm's actions, those on topics only that let CloudWatch publish."""
        kinds = ("AlarmActions", "OKActions", "InsufficientDataActions")
        admitted = {kind: self.admitted_actions(alarm, kind) for kind in kinds}
        self._act({**alarm, **admitted}, old, new, reason)

    def admitted_actions(self, alarm: dict[str, Any], kind: str) -> list[str]:
        """Return the actions of a kind that let an alarm carry them out; of topics, those that admit it."""
        region, account_id = self._responses.get_region(), self._responses.get_account_id()
        arn = f"arn:{arns.partition(region)}:cloudwatch:{region}:{account_id}:alarm:{alarm['AlarmName']}"
        alarm_as_service = service("cloudwatch.amazonaws.com", source_account=account_id, source_arn=arn)
        admitted = []
        for action_arn in alarm.get(kind) or []:
            refused = ""
            if ":sns:" in action_arn:
                decision = self._permissions.decide(
                    alarm_as_service, "sns:Publish", action_arn, region=region
                )
                refused = decision.why_not or self._why_key_is_refused(alarm_as_service, action_arn)
            if refused:
                _LOGGER.warning("The alarm %s cannot tell %s: %s", alarm["AlarmName"], action_arn, refused)
            else:
                admitted.append(action_arn)
        return admitted

    def _route_async_failure(
        self, target_arn: str, function_name: str, event: dict[str, Any], result: dict[str, Any]
    ) -> None:
        refused = self.why_failure_is_lost(function_name, target_arn)
        if refused:
            _LOGGER.warning("%s", refused)
        else:
            self._route_failure(target_arn, function_name, event, result)

    def why_failure_is_lost(self, function_name: str, target_arn: str) -> str:
        """Return why a function's role may not send what failed to a destination; empty if it may."""
        function, config, _ = self._lambda._get_func_record_for_ref(function_name)
        role = self._permissions.session_of(config["Role"], function_name) if function else None
        action = _ACTIONS.get(target_arn.split(":")[2], "")
        if role is None or not action:
            return ""
        decision = self._permissions.decide(role, action, target_arn, region=self._responses.get_region())
        return "" if decision.is_allowed else decision.message(role, AccessRequest(action, target_arn))
