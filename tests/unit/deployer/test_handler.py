"""The entry point alone: there is no cloud, so every call would fail."""

from __future__ import annotations

import importlib
import itertools
import json
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

_services = itertools.count()


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of Lambda's context that the function reads."""

    aws_request_id: str = "request-1"
    function_name: str = "deployer"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:111122223333:function:deployer"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set the variables of stack and Lambda; nobody listens at AWS's address."""
    variables = {
        "AWS_ACCESS_KEY_ID": "111122223333",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "EVENT_BUS_NAME": "default",
        "SWEEP_BUS_NAME": "Greenlight.sweep-parts",
        "OUTCOME_TOPIC_ARN": "arn:aws:sns:eu-central-1:111122223333:outcomes",
        "EXECUTION_ROLE_ARN": "arn:aws:iam::111122223333:role/models",
        "JOURNAL_TABLE_NAME": "journal",
        "STACK_NAME": "Greenlight",
        "DEPLOYER_ROLE_NAME": "deployer",
        # Loggers of one service share their level and stream: this one is the test's own.
        "POWERTOOLS_SERVICE_NAME": f"greenlight-{next(_services)}",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "deployer.handler", raising=False)
    return monkeypatch


def imported() -> Any:
    """Import the entry point as a new execution environment does."""
    module = importlib.import_module("deployer.handler")
    del sys.modules["deployer.handler"]
    return module


@pytest.mark.usefixtures("environment")
def test_an_event_that_is_none_of_ours_is_told_under_its_id_and_costs_no_call(
    capsys: pytest.CaptureFixture[str],
) -> None:
    event = {"id": "event-1", "source": "aws.s3", "detail-type": "Object Created", "detail": {}}

    imported().handler(event, Context())

    (line,) = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert line["level"] == "WARNING"
    assert line["message"].startswith("Event ignored: source 'aws.s3'")
    assert (line["correlation_id"], line["function_request_id"]) == ("event-1", "request-1")


def test_a_function_without_its_environment_stops_at_its_start(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("JOURNAL_TABLE_NAME")
    environment.delenv("STACK_NAME")

    with pytest.raises(RuntimeError, match="JOURNAL_TABLE_NAME, STACK_NAME"):
        imported()


@pytest.mark.usefixtures("environment")
def test_the_clock_tells_utc() -> None:
    assert imported().clients.gateways.now().utcoffset() == timedelta(0)


def test_the_client_of_sagemaker_sends_members_that_its_botocore_does_not_know(
    environment: pytest.MonkeyPatch,  # noqa: ARG001 - sets what the module reads
) -> None:
    client = imported().clients.gateways.endpoints._client  # noqa: SLF001 - what the entry point wired
    sent: list[dict[str, Any]] = []

    class _SentError(Exception):
        pass

    def note(request: Any, **_: object) -> None:
        sent.append(json.loads(request.body))
        raise _SentError

    client.meta.events.register("before-send.sagemaker.CreateModel", note)
    with pytest.raises(_SentError):
        client.create_model(ModelName="", NewerThanBotocore={"A": [1]})

    assert sent == [{"ModelName": "", "NewerThanBotocore": {"A": [1]}}]
