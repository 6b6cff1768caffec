"""The only caller of SNS: publishes outcomes to the topic that people are subscribed to.

The topic is the channel for people because it authenticates: its policy and its key admit the deployer's
role and CloudWatch's alarms. Anybody with `events:PutEvents` can put an event with any source on a bus.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deployer.contract import OUTCOME_DETAIL_TYPE, SOURCE, STACK_NAME
from deployer.gateways.undelivered import refusals_of
from deployer.messages import chat, mail
from deployer.messages.message import compose

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sns import SNSClient

    from deployer.messages.place import Place
    from deployer.model.outcome import Outcome


class Topic:
    """The topic that outcomes are published to.

    Args:
        client: Makes the client on its first use: most invocations publish nothing.
        topic_arn: The topic.
        place: Whose outcomes these are.
        chats: Whether the subscribers by HTTPS are chats.
    """

    def __init__(
        self, client: Callable[[], SNSClient], *, topic_arn: str, place: Place, chats: bool = False
    ) -> None:
        self._client_of = client
        self._topic_arn = topic_arn
        self._place = place
        self._chats = chats

    def put(self, outcome: Outcome) -> None:
        """Publish one outcome.

        Machines get the event's document, e-mail gets sentences. Amazon Q Developer subscribes a chat's
        channel by HTTPS and takes its own form only. SNS permits a text for each protocol (SNS developer
        guide, "sns-send-custom-platform-specific-payloads-mobile-devices").

        Raises:
            UndeliveredError: SNS refused it.
        """
        # Only the outer document escapes characters beyond ASCII: lone surrogates pass, and it stays small.
        document = json.dumps(self._document(outcome), ensure_ascii=False)
        place, message = self._place, compose(outcome, self._place)
        texts = {"default": document, "email": mail.body(message, outcome, place)}
        if self._chats:
            texts["https"] = chat.notification(message, outcome, place)
        with refusals_of("SNS", f"the outcome {outcome.outcome_id}"):
            self._client.publish(
                TopicArn=self._topic_arn,
                Subject=mail.subject(message, place.stack_name),
                Message=json.dumps(texts),
                MessageStructure="json",
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in (
                        ("EndpointName", outcome.endpoint_name),
                        ("Outcome", outcome.kind.value),
                        ("StackName", place.stack_name),
                    )
                },
            )

    @property
    def _client(self) -> SNSClient:
        return self._client_of()

    def _document(self, outcome: Outcome) -> dict[str, object]:
        """Return the outcome in the envelope of an EventBridge event."""
        return {
            "detail-type": OUTCOME_DETAIL_TYPE,
            "source": SOURCE,
            "account": self._place.account,
            "region": self._place.region,
            "time": outcome.time.isoformat(),
            "detail": {STACK_NAME: self._place.stack_name, **outcome.event_detail()},
        }
