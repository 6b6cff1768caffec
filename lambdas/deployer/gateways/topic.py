"""The only caller of SNS: publishes outcomes to the topic that people are subscribed to.

The topic is the channel for people because it authenticates: its policy and its key admit the deployer's
role and CloudWatch's alarms. Anybody with `events:PutEvents` can put an event with any source on a bus.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from deployer.contract import OUTCOME_DETAIL_TYPE, SOURCE, STACK_NAME
from deployer.gateways.undelivered import refusals_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sns import SNSClient

    from deployer.model.outcomes import Outcome

LONGEST_SUBJECT: Final = 99
"""SNS takes less than 100 characters of ASCII, without line breaks. Source: SNS API reference, Publish."""


class Topic:
    """The topic that outcomes are published to.

    Args:
        client: Makes the client on its first use: most invocations publish nothing.
        topic_arn: The topic.
        stack_name: Whose outcomes these are.
    """

    def __init__(self, client: Callable[[], SNSClient], *, topic_arn: str, stack_name: str) -> None:
        self._client_of = client
        self._topic_arn = topic_arn
        self._stack_name = stack_name

    def put(self, outcome: Outcome) -> None:
        """Publish one outcome.

        Machines get the event's document, e-mail gets sentences.

        Raises:
            UndeliveredError: SNS refused it.
        """
        # Only the outer document escapes characters beyond ASCII: lone surrogates pass, and it stays small.
        document = json.dumps(self._document(outcome), ensure_ascii=False)
        texts = {"default": document, "email": self._mail(outcome)}
        with refusals_of("SNS", f"the outcome {outcome.outcome_id}"):
            self._client.publish(
                TopicArn=self._topic_arn,
                Subject=subject(self._stack_name, outcome),
                Message=json.dumps(texts),
                MessageStructure="json",
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in (
                        ("EndpointName", outcome.endpoint_name),
                        ("Outcome", outcome.kind.value),
                        ("StackName", self._stack_name),
                    )
                },
            )

    @property
    def _client(self) -> SNSClient:
        return self._client_of()

    def _document(self, outcome: Outcome) -> dict[str, object]:
        """Return the outcome in the envelope of an EventBridge event."""
        _, _, _, region, account, _ = self._topic_arn.split(":", 5)
        return {
            "detail-type": OUTCOME_DETAIL_TYPE,
            "source": SOURCE,
            "account": account,
            "region": region,
            "time": outcome.time.isoformat(),
            "detail": {STACK_NAME: self._stack_name, **outcome.event_detail()},
        }

    def _mail(self, outcome: Outcome) -> str:
        _, _, _, region, account, _ = self._topic_arn.split(":", 5)
        return (
            f"{outcome.message}\n\n"
            f"Outcome: {outcome.kind.value}\n"
            f"Endpoint: {outcome.endpoint_name}\n"
            f"Stack: {self._stack_name} in account {account}, region {region}\n"
            f"Time: {outcome.time.isoformat()}\n"
            f"Correlation id, for the deployer's log: {outcome.correlation_id}\n"
        )


def subject(stack_name: str, outcome: Outcome) -> str:
    """Return one line that says what happened to which endpoint, in a form that SNS accepts."""
    line = f"{stack_name}: {outcome.endpoint_name} {outcome.kind.value.replace('_', ' ')}"
    plain = "".join(each if " " <= each <= "~" else "?" for each in line)
    return plain[:LONGEST_SUBJECT]
