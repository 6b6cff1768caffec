"""Deliver events to the targets of MiniStack's rules as EventBridge does, or say why it cannot.

Owns the permissions of a rule, and the destination of events that it may not deliver. Only `emulator.py`
creates one. Changes to MiniStack, and reasons:

`eventbridge._invoke_target` becomes `_deliver`
    EventBridge reaches a target with the rule's role, or as a service that the target's policy admits. An
    event for a forbidden or missing target goes to the failure queue, if that queue's policy allows it.
    MiniStack has neither checks nor queues, and no buses of other accounts and Regions.
`eventbridge._dispatch_to_lambda` becomes `_invoke_asynchronously`
    EventBridge invokes Lambda asynchronously: Lambda retries function errors, then sends them to the
    on-failure destination. MiniStack runs the function once and forgets the error.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import json
import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from iam_evaluator.decision import AccessRequest
from iam_evaluator.evaluation import evaluate
from iam_evaluator.principals import service
from local_cloud.ministack.service_actions import ACTIONS, why_key_is_refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from iam_evaluator.principals import Principal
    from local_cloud.ministack.iam import MiniStackIam

_LOGGER = logging.getLogger("local_cloud.rule_targets")

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.responses", "get_account_id"),
    ("ministack.core.responses", "get_region"),
    ("ministack.core.responses", "request_scope"),
    ("ministack.services.eventbridge", "_archive_event"),
    ("ministack.services.eventbridge", "_dispatch_event"),
    ("ministack.services.eventbridge", "_dispatch_to_lambda"),
    ("ministack.services.eventbridge", "_ensure_default_bus"),
    ("ministack.services.eventbridge", "_event_buses"),
    ("ministack.services.eventbridge", "_events_log_list"),
    ("ministack.services.eventbridge", "_invoke_target"),
    ("ministack.services.eventbridge", "_pattern_event_view"),
    ("ministack.services.lambda_svc", "_execution_record_for_config"),
    ("ministack.services.lambda_svc", "_get_func_record_for_ref"),
    ("ministack.services.lambda_svc", "invoke_async_with_retry"),
    ("ministack.services.sqs", "_act_send_message"),
    ("ministack.services.sqs", "_queue_by_arn"),
)


_FORWARDED: Final = "_ForwardedFrom"
"""Our member in MiniStack's records: the account that sent an event to another account."""


class Undeliverable(NamedTuple):
    """Why EventBridge cannot reach a target: ERROR_CODE and ERROR_MESSAGE of EB/eb-rule-dlq."""

    code: str
    message: str


class RuleTargets:
    """The targets of all rules; with `enforce_iam` a target or its role must admit the rule."""

    def __init__(self, iam: MiniStackIam, *, enforce_iam: bool) -> None:
        self._permissions = iam
        self._enforces_iam = enforce_iam
        self._eventbridge: Any = importlib.import_module("ministack.services.eventbridge")
        self._lambda: Any = importlib.import_module("ministack.services.lambda_svc")
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._sqs: Any = importlib.import_module("ministack.services.sqs")

    def install(self) -> None:
        """Deliver this way from now on."""
        self._deliver_anyway: Callable[..., None] = self._eventbridge._invoke_target
        self._eventbridge._invoke_target = self._deliver
        self._eventbridge._dispatch_to_lambda = self._invoke_asynchronously

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
        if kind not in ACTIONS or is_own_bus or not (self._enforces_iam or kind == "lambda"):
            return None
        return self._why_not_admitted(target, rule, ACTIONS[kind])

    def _why_not_admitted(
        self, target: dict[str, Any], rule: dict[str, Any], action: str
    ) -> Undeliverable | None:
        """Return the permission that a rule lacks to reach its target: its role's, or the target's."""
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
        refused = why_key_is_refused(self._permissions, principal, arn)
        return Undeliverable("NO_PERMISSIONS", f"{refused} (rule {rule['Arn']}).") if refused else None

    def _assumed(self, role_arn: str, by: Principal) -> Principal | None:
        """Return a service's session with a role whose trust policy admits it; else None."""
        trust = self._permissions.trust_policy(role_arn)
        request = AccessRequest("sts:AssumeRole", role_arn)
        if trust is None or not evaluate(by, request, resource_policy=trust).is_allowed:
            return None
        return self._permissions.session_of(role_arn, by.arn.partition(".")[0])

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
        """Put an event on another account's or Region's bus; it keeps its sender's `account` and `region`."""
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
