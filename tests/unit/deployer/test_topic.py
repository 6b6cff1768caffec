"""People's message: a mail program shows it as text, and a machine reads it as an event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from deployer.gateways.topic import Topic
from deployer.gateways.undelivered import UndeliveredError
from deployer.messages.place import Place
from deployer.model.outcome import Outcome, OutcomeKind, Telling

ARN = "arn:aws:sns:eu-central-1:111122223333:outcomes"
OUTCOME = Outcome(
    "churn/1/rolled_back",
    OutcomeKind.ROLLED_BACK,
    "churn",
    "Version 1 of churn serves on churn again.",
    "event-1",
    datetime(2026, 1, 1, tzinfo=UTC),
    {"Attempt": 1},
    Telling(headline="v1 serves again.", thread="churn/1", page="operations.md#outcomes"),
)


class Recording:
    """Takes a message, or refuses it."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.messages: list[dict[str, Any]] = []
        self._refusal = refusal

    def publish(self, **message: Any) -> None:
        if self._refusal is not None:
            raise self._refusal
        self.messages.append(message)


def topic(client: Recording, *, chats: bool = False) -> Topic:
    place = Place.of_topic(ARN, stack_name="Greenlight")
    return Topic(lambda: cast("Any", client), topic_arn=ARN, place=place, chats=chats)


def test_machines_read_an_event_and_people_sentences() -> None:
    client = Recording()

    topic(client).put(OUTCOME)

    [message] = client.messages
    texts = json.loads(message["Message"])
    assert (message["TopicArn"], message["MessageStructure"]) == (ARN, "json")
    assert json.loads(texts["default"]) == {
        "detail-type": "Greenlight Deployment Outcome",
        "source": "greenlight",
        "account": "111122223333",
        "region": "eu-central-1",
        "time": "2026-01-01T00:00:00+00:00",
        "detail": {"StackName": "Greenlight", **OUTCOME.event_detail()},
    }
    assert texts["email"].startswith("↩ churn: v1 serves again.\n")
    assert message["Subject"] == "churn: v1 serves again. [Greenlight]"
    assert {name: each["StringValue"] for name, each in message["MessageAttributes"].items()} == {
        "EndpointName": "churn",
        "Outcome": "rolled_back",
        "StackName": "Greenlight",
    }


@pytest.mark.parametrize("chats", [True, False])
def test_a_chat_changes_nothing_for_queues_and_functions(*, chats: bool) -> None:
    client = Recording()

    topic(client, chats=chats).put(OUTCOME)

    texts = json.loads(client.messages[0]["Message"])
    assert texts.keys() == {"default", "email"} | ({"https"} if chats else set())
    assert json.loads(texts["default"])["detail"]["OutcomeId"] == "churn/1/rolled_back"


@pytest.mark.parametrize(
    "refusal",
    [
        ClientError({"Error": {"Code": "AuthorizationError", "Message": "no"}}, "Publish"),
        ClientError({"Error": {"Code": "NotFound", "Message": "no such topic"}}, "Publish"),
        ClientError({"Error": {"Code": "KMSDisabled", "Message": "no"}}, "Publish"),
        ConnectTimeoutError(endpoint_url="https://sns"),
    ],
)
def test_what_sns_refuses_or_does_not_answer_is_undelivered(refusal: Exception) -> None:
    with pytest.raises(UndeliveredError, match=r"SNS did not take the outcome churn/1/rolled_back: "):
        topic(Recording(refusal)).put(OUTCOME)
