"""Holds an endpoint's smoke test: requests to a live version, and the answers that pass. Pure."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

import jmespath  # type: ignore[import-untyped] # comes with botocore, without types
from jmespath.exceptions import JMESPathTypeError  # type: ignore[import-untyped] # likewise

from deployer.contract import SettingsKey
from deployer.model.cause import Cause, of_unanswered_test
from deployer.model.excerpts import excerpt, media_type
from deployer.model.names import fingerprint
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST_EXCERPT: Final = 1024
"""The most characters of a body that are reported, if bodies may be reported."""

LARGEST_JSON_BYTES: Final = 6_291_456
"""The largest answer that is judged: as large as a request may be (botocore's shape `BodyBlob`)."""

DEEPEST_JSON: Final = 100
"""The deepest nesting of an answer that is judged."""

_WHEN: Final = frozenset({SettingsKey.BEFORE_ROLLOUT, SettingsKey.EVERY_SECONDS})
"""What says when a test is made, and not what is tested: a version that passed passes with any of these."""


@value
class Payload:
    """What is sent.

    Attributes:
        body: The bytes.
        content_type: Their content type; None if unknown.
        name: The file that it came from, if the archive has several.
    """

    body: bytes
    content_type: str | None
    name: str | None = None


@value
class Answer:
    """What the model answered.

    Attributes:
        status: The container's own status, and not SageMaker's.
        seconds: From the call to the last byte, as the caller measured it.
    """

    status: int
    content_type: str
    body: bytes
    seconds: float


@value
class Unanswered:
    """A call that no container answered, and the reason."""

    reason: str


@value
class Failure:
    """Why a version failed its smoke test.

    Attributes:
        smoke_test: The fingerprint of the test: the version may pass another one.
        request: The request, as in an event. It has the body only if bodies may be reported.
        answer: The answer, likewise.
        expectation: The expected answer.
    """

    smoke_test: str
    request: dict[str, Any]
    answer: dict[str, Any]
    expectation: str

    @property
    def cause(self) -> Cause:
        """Whose fault it is. An answer of the version is the version's own."""
        error = self.answer.get("Error")
        return Cause.VERSION if error is None else of_unanswered_test(error)

    @property
    def reason(self) -> str:
        """The failure as a sentence."""
        told = ", ".join(f"{name} {value}" for name, value in self.answer.items() if name != "Body")
        return f"{self.request['Name']}: expected {self.expectation}; the answer was {told}."


@value
class Request:
    """One request of a smoke test, and what is expected of its answer.

    Attributes:
        name: How reports name it.
        body: The body, if it is in the settings.
        body_s3_uri: The S3 object with the body.
        sample_payload: Whether to send the version's own sample payload (`SamplePayloadUrl`).
        content_type: The body's content type; None for a sample payload's own.
        accept: The requested content type.
        status: Of a good answer.
        response_content_type: Of a good answer; None for any.
        expect: A JMESPath expression that is true for a good answer.
        p95_milliseconds: The limit for the 95th percentile of the calls' times.
        calls: How often it is called.
    """

    name: str
    body: str | None
    body_s3_uri: str | None
    sample_payload: bool
    content_type: str | None
    accept: str | None
    status: int
    response_content_type: str | None
    expect: str | None
    p95_milliseconds: float | None
    calls: int

    def unmet(self, answer: Answer) -> str | None:
        """Return the first expectation that an answer misses; None if it is good."""
        if answer.status != self.status:
            return f"status {self.status}"
        wanted = self.response_content_type
        if wanted is not None and _media_type(answer.content_type) != _media_type(wanted):
            return f"content type {wanted}"
        if self.expect is not None:
            return _unmet_expression(self.expect, answer.body)
        return None

    def too_slow(self, seconds: Sequence[float]) -> str | None:
        """Return the expectation that the calls' times miss; None if they are good."""
        if self.p95_milliseconds is None:
            return None
        measured = p95(seconds) * 1000
        if measured <= self.p95_milliseconds:
            return None
        return f"95 % of {len(seconds)} calls within {self.p95_milliseconds:g} ms, not {measured:.0f} ms"


@value
class SmokeTest:
    """What a version must answer well before it counts as live.

    Attributes:
        requests: In the order of the calls.
        time_limit_seconds: For all requests together. A call under way at the end is waited for.
        log_bodies: Whether bodies may be logged and reported.
        fingerprint: Equal for equal tests, wherever they are made.
        before_rollout: Whether a version is tested on a test endpoint before its rollout.
        every_seconds: How long after a test in the bake the next one begins; None if a version that passed
            is not tested again.
    """

    requests: tuple[Request, ...]
    time_limit_seconds: int
    log_bodies: bool
    fingerprint: str
    before_rollout: bool = False
    every_seconds: int | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> SmokeTest:
        """Read the settings' `SmokeTest`."""
        return cls(
            requests=tuple(
                Request(
                    name=each.get("Name", f"request {number}"),
                    body=each.get("Body"),
                    body_s3_uri=each.get(SettingsKey.BODY_S3_URI),
                    sample_payload=each.get(SettingsKey.SAMPLE_PAYLOAD, False),
                    content_type=each.get("ContentType"),
                    accept=each.get("Accept"),
                    status=each["Status"],
                    response_content_type=each.get(SettingsKey.RESPONSE_CONTENT_TYPE),
                    expect=each.get(SettingsKey.EXPECT),
                    p95_milliseconds=each.get(SettingsKey.P95_MILLISECONDS),
                    calls=each[SettingsKey.CALLS],
                )
                for number, each in enumerate(document[SettingsKey.REQUESTS], 1)
            ),
            time_limit_seconds=document[SettingsKey.TIME_LIMIT_SECONDS],
            log_bodies=document.get(SettingsKey.LOG_BODIES, False),
            fingerprint=fingerprint({name: each for name, each in document.items() if name not in _WHEN}),
            before_rollout=document.get(SettingsKey.BEFORE_ROLLOUT, False),
            every_seconds=document.get(SettingsKey.EVERY_SECONDS),
        )

    def failure(
        self,
        request: Request,
        payload: Payload | None,
        answer: Answer | Unanswered,
        expectation: str,
        *,
        target_variant: str | None = None,
    ) -> Failure:
        """Word a failure, with bodies only if they may be reported."""
        return Failure(
            self.fingerprint,
            _told(
                Name=request.name,
                File=payload.name if payload else None,
                ContentType=payload.content_type if payload else request.content_type,
                Accept=request.accept,
                TargetVariant=target_variant,
                Bytes=len(payload.body) if payload else None,
                Body=_excerpt(payload.body) if payload and self.log_bodies else None,
            ),
            _told(Error=answer.reason)
            if isinstance(answer, Unanswered)
            else _told(
                Status=answer.status,
                ContentType=media_type(answer.content_type),
                Bytes=len(answer.body),
                Milliseconds=round(answer.seconds * 1000),
                Body=_excerpt(answer.body) if self.log_bodies else None,
            ),
            excerpt(expectation),
        )


def p95(values: Sequence[float]) -> float:
    """Return the 95th percentile by nearest rank: the least value that 95 % do not exceed."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _unmet_expression(expression: str, body: bytes) -> str | None:
    if len(body) > LARGEST_JSON_BYTES:
        return _no_json(expression)
    try:
        document = json.loads(body)
    except ValueError:
        return f"JSON, of which {expression} is true"
    except (RecursionError, MemoryError):
        return _no_json(expression)
    if _is_deep(document):
        return _no_json(expression)
    try:
        found = jmespath.search(expression, document)
    except Exception as error:  # noqa: BLE001 - an answer is others' content: whatever it upsets, it fails
        return f"{expression} to be true, which cannot be evaluated ({_trouble(error)})"
    # JMESPath's own rule: null, false, and empty strings, lists and objects are false; 0 is true.
    is_true = found is not None and found is not False and found not in ("", [], {})
    return None if is_true else f"{expression} to be true"


def _no_json(expression: str) -> str:
    return (
        f"JSON that can be judged (at most {LARGEST_JSON_BYTES:,} bytes, {DEEPEST_JSON} levels deep), "
        f"of which {expression} is true"
    )


def _is_deep(document: object) -> bool:
    level = [document]
    for _ in range(DEEPEST_JSON + 1):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def _trouble(error: Exception) -> str:
    """Name the error without the answer's values, which JMESPath's own messages quote."""
    name = type(error).__name__
    if isinstance(error, JMESPathTypeError):
        return f"{name}: {error.function_name}() of a value of type {error.actual_type}"
    return name


def _excerpt(body: bytes) -> str:
    return body.decode(errors="replace")[:LONGEST_EXCERPT]


def _told(**members: str | float | None) -> dict[str, Any]:
    return {
        name: excerpt(value) if isinstance(value, str) else value
        for name, value in members.items()
        if value is not None
    }
