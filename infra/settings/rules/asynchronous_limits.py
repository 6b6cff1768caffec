"""Owns the requirements of asynchronous endpoints, as AWS documents them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.settings.rules.compiled_endpoint import Refusal, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def asynchronous_limits(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Check an asynchronous endpoint: a single variant, and a topic for every answer sent to one."""
    config = spec["CreateEndpointConfig"]
    asynchronous, variants = config.get("AsyncInferenceConfig"), config.get("ProductionVariants")
    if not isinstance(asynchronous, dict):
        return
    if isinstance(variants, list) and len(variants) > 1:
        yield refusal(
            "CreateEndpointConfig",
            ("ProductionVariants",),
            got=f"{len(variants)} variants, for an asynchronous endpoint",
            expected="one variant: SageMaker serves asynchronous calls from one",
            fix="keep one variant",
            source="aws-cdk RFC 431: a single variant on instances",
        )
    output = asynchronous.get("OutputConfig")
    notified = output.get("NotificationConfig") if isinstance(output, dict) else None
    included = notified.get("IncludeInferenceResponseIn") if isinstance(notified, dict) else None
    for topic, member, key in (
        ("SUCCESS_NOTIFICATION_TOPIC", "SuccessTopic", "success_topic_arn"),
        ("ERROR_NOTIFICATION_TOPIC", "ErrorTopic", "error_topic_arn"),
    ):
        if (
            isinstance(notified, dict)
            and topic in (included if isinstance(included, list) else ())
            and member not in notified
        ):
            yield refusal(
                "CreateEndpointConfig",
                ("AsyncInferenceConfig", "OutputConfig", "NotificationConfig", "IncludeInferenceResponseIn"),
                got="a topic that is not set",
                expected=f"{key}, for the answers to be sent to it",
                fix=f"add {key}, or send the answers to no such topic",
            )
