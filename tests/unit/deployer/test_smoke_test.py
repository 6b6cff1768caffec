"""Correct answers, reports of wrong ones, and the sources of requests' bodies."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from deployer.gateways.invocations import Invocations
from deployer.gateways.s3 import LARGEST_BYTES, MOST_FILES, S3, PayloadError
from deployer.model.excerpts import MOST_BYTES
from deployer.model.smoke_test import (
    LONGEST_EXCERPT,
    Answer,
    Payload,
    SmokeTest,
    Unanswered,
    p95,
)

if TYPE_CHECKING:
    from collections.abc import Callable

URI = "s3://checks/calls/one.csv"


def smoke_test(*, log_bodies: bool = False, **request: Any) -> SmokeTest:
    document: dict[str, Any] = {
        "TimeLimitSeconds": 60,
        "Requests": [{"Body": "1,2", "ContentType": "text/csv", "Status": 200, "Calls": 1, **request}],
    }
    if log_bodies:
        document["LogBodies"] = True
    return SmokeTest.parse(document)


def answer(body: object = None, **changes: Any) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(
        **{
            "status": 200,
            "content_type": "application/json; charset=utf-8",
            "body": content,
            "seconds": 0.02,
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("request_members", "given_answer", "unmet"),
    [
        ({}, answer(), None),
        ({}, answer(status=500), "status 200"),
        ({"Status": 400}, answer(status=400), None),
        ({"ResponseContentType": "Application/JSON"}, answer(), None),
        ({"ResponseContentType": "text/csv"}, answer(), "content type text/csv"),
        ({"Expect": "score > `0.5`"}, answer({"score": 0.7}), None),
        ({"Expect": "score > `0.5`"}, answer({"score": 0.2}), "score > `0.5` to be true"),
        ({"Expect": "score"}, answer({"score": 0}), None),
        ({"Expect": "scores"}, answer({"scores": []}), "scores to be true"),
        ({"Expect": "scores"}, answer({}), "scores to be true"),
        ({"Expect": "score"}, answer(b"0.7,"), "JSON, of which score is true"),
        ({"Expect": "score"}, answer(b"\xff"), "JSON, of which score is true"),
    ],
)
def test_an_answer_is_good_if_it_meets_every_expectation(
    request_members: dict[str, Any], given_answer: Answer, unmet: str | None
) -> None:
    [request] = smoke_test(**request_members).requests

    assert request.unmet(given_answer) == unmet


def test_an_expression_that_cannot_be_told_is_not_met() -> None:
    [request] = smoke_test(Expect="length(score) > `1`").requests
    unmet = request.unmet(answer({"score": 1}))

    assert unmet is not None
    assert "cannot be evaluated" in unmet
    assert "\n" not in unmet


def test_a_p95_lets_one_call_of_twenty_be_slow_and_not_two() -> None:
    [request] = smoke_test(P95Milliseconds=100, Calls=20).requests

    assert request.too_slow([0.05] * 19 + [9.0]) is None
    assert request.too_slow([0.05] * 18 + [9.0] * 2) == "95 % of 20 calls within 100 ms, not 9000 ms"


@given(st.lists(st.floats(0, 1000), min_size=1))
def test_a_p95_is_the_least_that_95_percent_do_not_exceed(values: list[float]) -> None:
    found = p95(values)

    assert found in values
    assert sum(each <= found for each in values) >= 0.95 * len(values)
    assert sum(each < found for each in values) < 0.95 * len(values)


def test_bodies_are_told_only_if_asked_for() -> None:
    payload, given_answer = Payload(b"secret input", "text/csv"), answer(b"secret output", status=500)
    quiet, open_hearted = smoke_test(Name="typical"), smoke_test(log_bodies=True, Name="typical")
    silent = quiet.failure(quiet.requests[0], payload, given_answer, "status 200")
    told = open_hearted.failure(open_hearted.requests[0], payload, given_answer, "status 200")

    assert "secret" not in repr(silent)
    assert silent.request == {"Name": "typical", "ContentType": "text/csv", "Bytes": 12}
    assert silent.answer == {
        "Status": 500,
        "ContentType": "application/json; charset=utf-8",
        "Bytes": 13,
        "Milliseconds": 20,
    }
    assert (told.request["Body"], told.answer["Body"]) == ("secret input", "secret output")
    assert "secret" not in told.reason
    assert told.reason.startswith("typical: expected status 200; the answer was Status 500,")


def test_no_more_of_a_body_is_told_than_a_page() -> None:
    test = smoke_test(log_bodies=True)
    failure = test.failure(test.requests[0], Payload(b"x" * 9999, None), answer(b"y" * 9999), "JSON")

    assert len(failure.request["Body"]) == len(failure.answer["Body"]) == LONGEST_EXCERPT


def test_a_body_that_is_no_text_is_told_in_as_many_bytes_as_an_outcome_has_room_for() -> None:
    test = smoke_test(log_bodies=True)
    failure = test.failure(test.requests[0], Payload(b"x", None), answer(b"\xff" * 9999), "JSON")

    assert 0 < len(json.dumps(failure.answer["Body"])) <= MOST_BYTES + len('"\\u2026"')


# The runtime --------------------------------------------------------------------------------------------


class FakeRuntime:
    """Answers or raises what a test gives it."""

    def __init__(self, result: dict[str, Any] | Exception) -> None:
        self.result = result
        self.requests: list[dict[str, Any]] = []

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def ticking() -> Callable[[], float]:
    times = iter([10.0, 10.25])
    return lambda: next(times)


def invoked(result: dict[str, Any] | Exception, **changes: Any) -> tuple[Answer | Unanswered, dict[str, Any]]:
    runtime = FakeRuntime(result)
    invocations = Invocations(lambda: runtime, ticking())  # type: ignore[arg-type, return-value] # a fake
    given_answer = invocations.invoke(
        "churn", Payload(b"1,2", "text/csv"), **{"accept": None, "target_variant": None, **changes}
    )
    return given_answer, runtime.requests[0]


def test_an_answer_is_the_containers_own_and_timed() -> None:
    found, request = invoked({"Body": io.BytesIO(b"[1]"), "ContentType": "application/json"})

    assert found == Answer(200, "application/json", b"[1]", 0.25)
    assert request == {"EndpointName": "churn", "Body": b"1,2", "ContentType": "text/csv"}


def test_a_request_names_what_it_accepts_and_the_variant() -> None:
    _, request = invoked({"Body": io.BytesIO(b"")}, accept="text/csv", target_variant="B")

    assert (request["Accept"], request["TargetVariant"]) == ("text/csv", "B")


def error(code: str, **members: Any) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "said"}, **members}
    return ClientError(response, "InvokeEndpoint")


def test_what_the_container_answers_is_an_answer_also_if_it_is_an_error() -> None:
    found, _ = invoked(error("ModelError", OriginalStatusCode=500, OriginalMessage="trace"))

    assert found == Answer(500, "", b"trace", 0.25)


@pytest.mark.parametrize("code", ["ServiceUnavailable", "ModelNotReadyException", "ModelError"])
def test_what_nobody_but_sagemaker_says_is_no_answer(code: str) -> None:
    assert invoked(error(code))[0] == Unanswered(f"{code}: said")


def test_a_call_that_takes_too_long_is_no_answer() -> None:
    found, _ = invoked(ReadTimeoutError(endpoint_url="https://runtime"))

    assert isinstance(found, Unanswered)
    assert found.reason.startswith("ReadTimeoutError: ")


# S3 -----------------------------------------------------------------------------------------------------


def s3_error(status: int, code: str, message: str) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "GetObject")


class FakeS3:
    """Holds one object."""

    def __init__(self, content: bytes, length: int | None = None) -> None:
        self.content = content
        self.length = len(content) if length is None else length

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        if (Bucket, Key) != ("checks", "calls/one.csv"):
            raise s3_error(404, "NoSuchKey", "no such key")
        return {"Body": io.BytesIO(self.content), "ContentLength": self.length}


def payloads(content: bytes, length: int | None = None) -> S3:
    return S3(lambda: FakeS3(content, length))  # type: ignore[arg-type, return-value] # a fake


def archive(*files: tuple[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as made:
        folder = tarfile.TarInfo("calls")
        folder.type = tarfile.DIRTYPE
        made.addfile(folder)
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return target.getvalue()


def test_an_object_is_sent_as_it_is() -> None:
    assert payloads(b"1,2").read(URI) == b"1,2"


def test_an_object_that_is_not_there_is_told_with_its_name() -> None:
    with pytest.raises(PayloadError, match=r"s3://checks/other cannot be read \(NoSuchKey: no such key\)"):
        payloads(b"").read("s3://checks/other")


def test_a_fault_of_s3_is_no_fault_of_the_version() -> None:
    class FailingS3:
        def get_object(self, **_: str) -> None:
            raise s3_error(503, "SlowDown", "reduce your rate")

    with pytest.raises(ClientError, match="SlowDown"):
        S3(FailingS3).read(URI)  # type: ignore[arg-type] # a fake


def test_what_no_request_can_hold_is_not_even_read() -> None:
    with pytest.raises(PayloadError, match="6,291,457 bytes, and a request holds at most 6,291,456"):
        payloads(b"", LARGEST_BYTES + 1).read(URI)


def test_a_sample_payload_is_every_file_of_its_archive_by_name() -> None:
    made = archive(("calls/b.csv", b"b"), ("calls/._b.csv", b"resource fork"), ("calls/a.csv", b"a"))

    assert payloads(made).read_archive(URI) == [("calls/a.csv", b"a"), ("calls/b.csv", b"b")]


def test_of_many_files_the_first_ones_are_sent() -> None:
    made = archive(*((f"{number:03}.csv", b"") for number in range(30)))

    assert len(payloads(made).read_archive(URI)) == MOST_FILES


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"1,2", "no gzip compressed tar archive", id="no archive"),
        pytest.param(archive(("a.csv", b"a" * 99))[:-20], "no gzip compressed tar archive", id="cut short"),
        pytest.param(archive(), "has no file in it", id="empty"),
        pytest.param(
            archive(("a.csv", bytes(LARGEST_BYTES + 1))),
            "a.csv in s3://checks/calls/one.csv has 6,291,457",
            id="too large",
        ),
    ],
)
def test_an_archive_that_cannot_be_sent_is_told_with_its_name(content: bytes, told: str) -> None:
    with pytest.raises(PayloadError, match=told):
        payloads(content).read_archive(URI)
