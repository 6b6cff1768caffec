"""People's message: a mail program shows it as text, and a machine reads it as an event."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from deployer.gateways.topic import Topic, subject
from deployer.gateways.undelivered import UndeliveredError
from deployer.model.outcomes import Outcome, OutcomeKind

ARN = "arn:aws:sns:eu-central-1:111122223333:outcomes"
OUTCOME = Outcome(
    "churn/1/rolled_back",
    OutcomeKind.ROLLED_BACK,
    "churn",
    "Version 1 of churn serves on churn again.",
    "event-1",
    datetime(2026, 1, 1, tzinfo=UTC),
    {"Attempt": 1},
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


def topic(client: Recording) -> Topic:
    return Topic(lambda: cast("Any", client), topic_arn=ARN, stack_name="Greenlight")


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
    assert texts["email"].startswith("Version 1 of churn serves on churn again.\n\nOutcome: rolled_back\n")
    assert message["Subject"] == "Greenlight: churn rolled back"
    assert {name: each["StringValue"] for name, each in message["MessageAttributes"].items()} == {
        "EndpointName": "churn",
        "Outcome": "rolled_back",
        "StackName": "Greenlight",
    }


@pytest.mark.parametrize("stack_name", ["G", "Gr\u00fcn\nlight", "G" * 128])
@pytest.mark.parametrize("endpoint_name", ["c", "c" * 63, "churn\r\nBcc: everybody\t"])
@pytest.mark.parametrize("kind", OutcomeKind)
def test_a_subject_is_a_line_that_sns_takes(stack_name: str, endpoint_name: str, kind: OutcomeKind) -> None:
    line = subject(stack_name, replace(OUTCOME, endpoint_name=endpoint_name, kind=kind))

    assert 0 < len(line) < 100
    assert line.isascii()
    assert line.isprintable()


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
