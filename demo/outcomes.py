"""Listen to outcomes like a team's pager or chat: with a queue subscribed to the stack's topic."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


class OutcomeQueue:
    """A queue that receives every outcome from the topic."""

    def __init__(self, sqs: SQSClient, sns: SNSClient, *, topic_arn: str, name: str) -> None:
        self._sqs = sqs
        self._url = sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": attributes["QueueArn"],
                    "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
                }
            ],
        }
        sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": json.dumps(policy)})
        sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=attributes["QueueArn"])
        self.received: list[dict[str, Any]] = []

    def receive(self, *, wait_seconds: int = 0) -> list[dict[str, Any]]:
        """Return the outcomes (their events' details) that have come since, and keep them."""
        came: list[dict[str, Any]] = []
        answer = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds
        )
        for message in answer.get("Messages", []):
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            told = json.loads(json.loads(message["Body"])["Message"])
            # Alarms on the failure queues go to the same topic, in CloudWatch's own form.
            if "detail" in told:
                came.append(told["detail"])
        self.received += came
        return came

    def wait_for(
        self,
        version_arn: str | None,
        *,
        endpoint_name: str | None = None,
        kind: str | None = None,
        timeout_seconds: float,
    ) -> dict[str, Any]:
        """Return the version's final outcome (its event's detail), and keep all others.

        Args:
            version_arn: The version; None for an outcome of none.
            endpoint_name: On which endpoint; None for any.
            kind: Which of a version's outcomes, such as `promoted`; None for the first.
            timeout_seconds: How long to wait for it.

        Raises:
            TimeoutError: It did not come; the message lists the other outcomes.
        """
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            self.receive(wait_seconds=1)
            for outcome in self.received:
                if (
                    outcome.get("ModelPackageArn") == version_arn
                    and outcome["Outcome"] != "started"
                    and kind in {None, outcome["Outcome"]}
                    and endpoint_name in {None, outcome["EndpointName"]}
                ):
                    return outcome
        wanted = f"{kind or 'final'} outcome of {version_arn}"
        came = "; ".join(outcome["Message"] for outcome in self.received) or "nothing"
        raise TimeoutError(f"no {wanted} within {timeout_seconds:.0f} s, but {came}")
