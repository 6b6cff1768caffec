"""What a container logged last is found, short, and one line, whatever else it logged."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.gateways.container_logs import MOST_STREAMS, ContainerLogs, UnreadableLogsError
from deployer.model.last_words import LONGEST, last_words
from tests.unit.deployer.builders import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence

PYTHON = """\
Loading the model
Traceback (most recent call last):
  File "/opt/ml/code/serve.py", line 9, in <module>
    import inference
  File "/opt/ml/model/code/inference.py", line 1, in <module>
    import lightgbm
ModuleNotFoundError: No module named 'lightgbm'
10.32.0.2 - - "GET /ping HTTP/1.1" 502 182
The container's process ended with exit code 1."""

JAVA = """\
2026-05-04 12:00:01,000 [ERROR] main - start failed
java.lang.IllegalStateException: could not start
    at ai.djl.serving.Start.main(Start.java:12)
Caused by: java.io.FileNotFoundException: /opt/ml/model/model.pt
    at ai.djl.Loader.open(Loader.java:77)
    ... 3 more"""

LOGGED = """\
2026-05-04T12:00:01,123 [INFO ] W-9000-model-stdout MODEL_LOG - Traceback (most recent call last):
2026-05-04T12:00:01,123 [INFO ] W-9000-model-stdout LOG -   File "/serve/handler.py", line 30, in load
2026-05-04T12:00:01,123 [INFO ] W-9000-model-stdout LOG - torch.cuda.OutOfMemoryError: CUDA out of memory.
2026-05-04T12:00:02,000 [INFO ] W-9000-model ACCESS_LOG - "GET /ping HTTP/1.1" 500 1"""


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (PYTHON, "ModuleNotFoundError: No module named 'lightgbm' (code/inference.py:1)"),
        (JAVA, "java.io.FileNotFoundException: /opt/ml/model/model.pt (Loader.java:77)"),
        (LOGGED, "torch.cuda.OutOfMemoryError: CUDA out of memory. (serve/handler.py:30)"),
        ("KeyError: 'age'\nValueError", "ValueError"),
        ("[2026-05-04] [1] [ERROR] ValueError: bad", "ValueError: bad"),
        ("starting\n[error] cannot open /opt/ml/model\nbye", "[error] cannot open /opt/ml/model"),
        ("Killed", "Killed"),
        ("starting\nGET /ping 200", None),
        ("", None),
        ("ERRORS: 0, MyErrorHandler registered", None),
    ],
)
def test_the_last_exception_of_a_log_is_its_last_words(log: str, words: str | None) -> None:
    assert last_words(log.splitlines()) == words


def test_words_are_bounded_and_keep_their_place() -> None:
    words = last_words(['  File "/a/b/c.py", line 3, in f', f"ValueError: {'x' * 9000}"])

    assert words is not None
    assert len(words) == LONGEST
    assert words.startswith("ValueError: xxx")
    assert words.endswith("… (b/c.py:3)")


def test_control_characters_and_colours_are_taken_out() -> None:
    assert last_words(["\x1b[31mRuntimeError: a\tb\x00c\x1b[0m\r"]) == "RuntimeError: a b c"


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.text(max_size=400) | st.sampled_from([*PYTHON.splitlines(), *JAVA.splitlines()]), max_size=30)
)
def test_any_log_gives_one_short_printable_line_or_none(lines: list[str]) -> None:
    words = last_words(lines)

    assert words is None or (0 < len(words) <= LONGEST and words.isprintable())


def test_a_long_line_takes_no_long_time() -> None:
    """A pattern that goes back over a line again and again would take minutes."""
    assert last_words(["a." * 500_000, "A" * 1_000_000, "Error:" * 200_000, 'File "' * 100_000]) is not None


def ms(minutes: float) -> int:
    return round((NOW + timedelta(minutes=minutes)).timestamp() * 1000)


class Logs:
    """CloudWatch Logs, with streams by name: when each began, and its lines."""

    def __init__(
        self, streams: dict[str, tuple[int, Sequence[str]]], refusal: Exception | None = None
    ) -> None:
        self._streams = streams
        self._refusal = refusal
        self.read: list[str] = []

    def describe_log_streams(self, **asked: Any) -> dict[str, Any]:
        assert asked["logGroupName"] == "/aws/sagemaker/Endpoints/churn"
        if self._refusal is not None:
            raise self._refusal
        return {
            "logStreams": [
                {"logStreamName": name, "creationTime": began} for name, (began, _) in self._streams.items()
            ]
        }

    def get_log_events(self, **asked: Any) -> dict[str, Any]:
        self.read.append(asked["logStreamName"])
        assert asked["startFromHead"] is False
        assert asked["startTime"] <= ms(0)
        return {"events": [{"message": each} for each in self._streams[asked["logStreamName"]][1]]}


def gateway(logs: Logs) -> ContainerLogs:
    return ContainerLogs(lambda: cast("Any", logs))


def test_only_streams_of_new_instances_are_read_the_newest_first() -> None:
    logs = Logs(
        {
            "AllTraffic/i-old": (ms(-60), ["KeyError: of the version that serves"]),
            "AllTraffic/i-1": (ms(1), ["one"]),
            "AllTraffic/i-2": (ms(2), ["two"]),
        }
    )

    assert gateway(logs).tails("churn", since=NOW) == [["two"], ["one"]]
    assert logs.read == ["AllTraffic/i-2", "AllTraffic/i-1"]


def test_few_streams_are_read_of_many() -> None:
    logs = Logs({f"AllTraffic/i-{each}": (ms(each), ["x"]) for each in range(40)})

    assert len(gateway(logs).tails("churn", since=NOW)) == MOST_STREAMS


def test_a_group_that_does_not_exist_has_no_lines() -> None:
    missing = ClientError(
        {"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "DescribeLogStreams"
    )

    assert gateway(Logs({}, missing)).tails("churn", since=NOW) == []


@pytest.mark.parametrize(
    "refusal",
    [
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeLogStreams"),
        ClientError({"Error": {"Code": "ThrottlingException", "Message": "no"}}, "DescribeLogStreams"),
        ConnectTimeoutError(endpoint_url="https://logs"),
        EndpointConnectionError(endpoint_url="https://logs"),
    ],
)
def test_what_logs_refuse_or_do_not_answer_is_unreadable(refusal: Exception) -> None:
    with pytest.raises(UnreadableLogsError):
        gateway(Logs({}, refusal)).tails("churn", since=NOW)
