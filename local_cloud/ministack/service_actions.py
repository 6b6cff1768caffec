"""Actions of services in MiniStack, checked by IAM: alarms notify topics, Lambda sends failures.

Only `emulator.py` creates one. Changes to MiniStack, and reasons:

`cloudwatch._dispatch_alarm_actions` is preceded by `admitted_actions`
    CloudWatch publishes to a topic only if its policy, and its key's policy, admit CloudWatch.
`lambda_svc._route_async_failure` is preceded by a check of the function's role
    Lambda sends failed events with the function's role.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any, Final

from iam_evaluator.decision import AccessRequest
from iam_evaluator.principals import service
from local_cloud.sagemaker import arns

if TYPE_CHECKING:
    from collections.abc import Callable

    from iam_evaluator.principals import Principal
    from local_cloud.ministack.iam import MiniStackIam

_LOGGER = logging.getLogger("local_cloud.service_actions")

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.responses", "get_account_id"),
    ("ministack.core.responses", "get_region"),
    ("ministack.services.cloudwatch", "_dispatch_alarm_actions"),
    ("ministack.services.lambda_svc", "_get_func_record_for_ref"),
    ("ministack.services.lambda_svc", "_route_async_failure"),
)

ACTIONS: Final = {
    "events": "events:PutEvents",
    "lambda": "lambda:InvokeFunction",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "states": "states:StartExecution",
}
"""The action for reaching a service's target."""


class ServiceActions:
    """Actions of alarms and failed invocations, if the target or the function's role allows them."""

    def __init__(self, iam: MiniStackIam) -> None:
        self._permissions = iam
        self._cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
        self._lambda: Any = importlib.import_module("ministack.services.lambda_svc")
        self._responses: Any = importlib.import_module("ministack.core.responses")

    def install(self) -> None:
        """Ask IAM from now on."""
        self._act: Callable[..., None] = self._cloudwatch._dispatch_alarm_actions
        self._cloudwatch._dispatch_alarm_actions = self._act_as_admitted
        self._route_failure: Callable[..., None] = self._lambda._route_async_failure
        self._lambda._route_async_failure = self._route_async_failure

    def _act_as_admitted(self, alarm: dict[str, Any], old: str, new: str, reason: str) -> None:
        """Carry out an alarm's actions, but only on topics that admit CloudWatch."""
        kinds = ("AlarmActions", "OKActions", "InsufficientDataActions")
        admitted = {kind: self.admitted_actions(alarm, kind) for kind in kinds}
        self._act({**alarm, **admitted}, old, new, reason)

    def admitted_actions(self, alarm: dict[str, Any], kind: str) -> list[str]:
        """Return the actions of a kind that an alarm may carry out; topics must admit it."""
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
                refused = decision.why_not or why_key_is_refused(
                    self._permissions, alarm_as_service, action_arn
                )
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
        """Return why a function's role may not send failures to a destination; empty if it may."""
        function, config, _ = self._lambda._get_func_record_for_ref(function_name)
        role = self._permissions.session_of(config["Role"], function_name) if function else None
        action = ACTIONS.get(target_arn.split(":")[2], "")
        if role is None or not action:
            return ""
        decision = self._permissions.decide(role, action, target_arn, region=self._responses.get_region())
        return "" if decision.is_allowed else decision.message(role, AccessRequest(action, target_arn))


def why_key_is_refused(permissions: MiniStackIam, principal: Principal, topic_arn: str) -> str:
    """Return why CloudWatch may not use a topic's key; empty if it may, or if there is no key."""
    uses = permissions.uses_of_topics_key(topic_arn) if topic_arn.split(":")[2] == "sns" else []
    for action, key_arn, keys in uses:
        if not key_arn:
            return f"The key of {topic_arn} does not exist"
        region = topic_arn.split(":")[3]
        decision = permissions.decide(principal, action, key_arn, region=region, keys=keys)
        if not decision.is_allowed:
            return decision.message(principal, AccessRequest(action, key_arn))
    return ""
