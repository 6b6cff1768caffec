"""The last lines of a log: bounded, in order, and readable."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from greenlight.connection import Connection
from greenlight.errors import Addressee, CommandError
from greenlight.logs import Lines, Source, lines_view, logs_document, read_lines, source_of
from greenlight.output import Symbols
from tests.unit.deployer.builders import NOW
from tests.unit.greenlight.schemas import mistakes
from tests.unit.greenlight.snapshots import rendered
from tests.unit.greenlight.test_timeline import STACK

BEGIN = NOW - timedelta(hours=1)
SOURCE = Source("/aws/sagemaker/Endpoints/churn", "", "the containers of churn")


class Logs:
    """CloudWatch Logs with some pages; the last one may never come."""

    def __init__(self, *pages: list[str], endless: bool = False) -> None:
        self.pages = pages
        self.endless = endless
        self.asked: list[dict[str, Any]] = []

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        place = len(self.asked)
        self.asked.append(request)
        messages = self.pages[place % len(self.pages)]
        start = int(BEGIN.timestamp() * 1000)
        events = [
            {"timestamp": start + 1000 * number, "logStreamName": "one", "message": f"{each}\n"}
            for number, each in enumerate(messages)
        ]
        more = self.endless or place + 1 < len(self.pages)
        return {"events": events, **({"nextToken": str(place)} if more else {})}

    def read(self, limit: int = 200) -> Lines:
        connection = Connection(Addressee(None, "eu-central-1", "Greenlight"), lambda _service: self)
        return read_lines(connection, SOURCE, BEGIN, NOW, limit)


def test_the_last_lines_of_all_pages_are_kept() -> None:
    logs = Logs(["a", "b"], [], ["c", "d"])

    found = logs.read(limit=3)

    assert ([each.message for each in found.lines], found.left_out) == (["b", "c", "d"], 1)
    assert [each.get("nextToken") for each in logs.asked] == [None, "0", "1"]
    assert mistakes(logs_document(SOURCE, found, STACK), "logs") == []


def test_a_log_without_an_end_is_read_for_a_while() -> None:
    logs = Logs(["line"], endless=True)

    found = logs.read()

    assert (found.is_cut, len(logs.asked)) == (True, 50)
    assert "name a later --since" in rendered(lines_view(SOURCE, found, BEGIN, NOW, Symbols()), 80)


def test_lines_of_the_deployer_are_told_in_words_and_others_as_they_are() -> None:
    told = {"level": "ERROR", "message": "Attempt settled", "endpoint_name": "churn"}
    logs = Logs([json.dumps(told), "START RequestId: 1", '{"_aws": {}}'])

    shown = rendered(lines_view(SOURCE, logs.read(), BEGIN, NOW, Symbols()), 80).splitlines()

    assert [line.split("  ", 1)[1] for line in shown] == [
        "ERROR   churn: Attempt settled",
        "START RequestId: 1",
        '{"_aws": {}}',
    ]


def test_no_line_is_a_sentence() -> None:
    shown = rendered(lines_view(SOURCE, Logs([]).read(), BEGIN, NOW, Symbols()), 80)

    assert shown.startswith("The containers of churn: no line since")


def test_a_log_that_is_not_there_is_explained() -> None:
    class NoLogs(Logs):
        def filter_log_events(self, **_: Any) -> dict[str, Any]:
            code = "ResourceNotFoundException"
            raise ClientError({"Error": {"Code": code, "Message": "No."}}, "FilterLogEvents")

    with pytest.raises(CommandError, match="There is no log of the containers of churn"):
        NoLogs().read()


def test_each_log_has_its_group_and_its_filter() -> None:
    assert source_of(STACK, "churn", of_deployer=False).log_group == "/aws/sagemaker/Endpoints/churn"
    assert source_of(STACK, None, of_deployer=True) == Source("l", "", "the deployer")
    assert source_of(STACK, "churn", of_deployer=True).pattern == '"churn"'
