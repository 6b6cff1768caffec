"""Owns how a version is tried right after it went live: the keys, what is stored, and what could never pass.

The deployer makes the calls. A test is small: its bodies are stored with the settings or read from S3, and it
has a time limit that leaves the deployer time to put back what served before, and to report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import jmespath  # type: ignore[import-untyped] # comes with botocore, without types
from jmespath.exceptions import JMESPathError  # type: ignore[import-untyped] # likewise
from jmespath.functions import Functions  # type: ignore[import-untyped] # likewise
from pydantic import BaseModel, Field

from infra.settings.problem import nearest, shown
from infra.settings.strict import STRICT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.document import Document
    from infra.settings.problem import FieldPath, Problem

MOST_REQUESTS: Final = 10
MOST_CALLS: Final = 200
LEAST_CALLS_FOR_P95: Final = 20
"""Of fewer calls, the p95 is the slowest one: a single hiccup would fail the version."""

DEFAULT_TIME_LIMIT_SECONDS: Final = 60
MOST_SECONDS: Final = 100
"""The deployer's function has 300 seconds, and a call that began within the limit may take 60 beyond it: that
long a container may take to answer (botocore: sagemaker-runtime, InvokeEndpoint)."""

_OK: Final = 200
_SOURCES: Final = ("body", "body_from", "sample_payload")
_HEADER: Final = r"^[\x20-\x7E]+$"
_OBJECT: Final = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+$"


class SmokeTestRequest(BaseModel):
    """Call the endpoint once or more, and say what a good answer is."""

    model_config = STRICT

    name: Annotated[
        str | None,
        Field(min_length=1, max_length=64, description="how reports name it, at most 64 characters"),
    ] = None
    body: Annotated[
        str | None, Field(max_length=4096, description="what is sent, as text, at most 4096 characters")
    ] = None
    body_from: Annotated[
        str | None,
        Field(
            max_length=1024,
            pattern=_OBJECT,
            description="an object in S3 that is sent, such as s3://bucket/key",
        ),
    ] = None
    sample_payload: Annotated[
        bool | None,
        Field(description="true to send the payload that the version was registered with (SamplePayloadUrl)"),
    ] = None
    content_type: Annotated[
        str | None,
        Field(
            max_length=256,
            pattern=_HEADER,
            description="the content type of what is sent, such as text/csv; of a sample payload by default "
            "the version's first",
        ),
    ] = None
    accept: Annotated[
        str | None,
        Field(
            max_length=256, pattern=_HEADER, description="the content type that is asked for; by default any"
        ),
    ] = None
    status: Annotated[
        int, Field(ge=200, le=599, description="the status of a good answer, from 200 to 599; by default 200")
    ] = _OK
    response_content_type: Annotated[
        str | None,
        Field(
            max_length=256, pattern=_HEADER, description="the content type of a good answer; by default any"
        ),
    ] = None
    expect: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=1024,
            description="a JMESPath expression over the JSON answer that is true of a good one, such as "
            "predictions[0].score > `0.5`",
        ),
    ] = None
    repeat: Annotated[
        int | None,
        Field(
            ge=1,
            le=100,
            description="how many times it is called, from 1 to 100; by default 1, with p95_ms 20",
        ),
    ] = None
    p95_ms: Annotated[
        float | None,
        Field(gt=0, description="the milliseconds within which 95 % of the calls are answered, above 0"),
    ] = None

    @property
    def calls(self) -> int:
        """How many times the request is made."""
        return self.repeat or (1 if self.p95_ms is None else LEAST_CALLS_FOR_P95)


class SmokeTest(BaseModel):
    """Call a version that has not served before, once it is in service.

    If one of its answers is not a good one, the attempt counts as failed: what served before is put back, and
    the version is not tried again until it is approved again. If nothing served before, the endpoint is left
    as it is, and people are told. Of several variants, each that follows the group is called by its name
    (`TargetVariant`). Reports say what was wrong; what was sent and answered only with `log_bodies`.
    """

    model_config = STRICT

    requests: Annotated[
        list[SmokeTestRequest],
        Field(
            min_length=1,
            max_length=MOST_REQUESTS,
            description=f"what is sent, and what a good answer is: 1 to {MOST_REQUESTS} requests",
        ),
    ]
    time_limit_seconds: Annotated[
        int,
        Field(
            ge=1,
            le=MOST_SECONDS,
            description=f"the time for all calls together, in seconds, from 1 to {MOST_SECONDS}; by default "
            f"{DEFAULT_TIME_LIMIT_SECONDS}",
        ),
    ] = DEFAULT_TIME_LIMIT_SECONDS
    log_bodies: Annotated[
        bool,
        Field(description="true if bodies may be logged and reported when a test fails; by default false"),
    ] = False


def stored_test(test: SmokeTest) -> dict[str, Any]:
    """Turn the keys into what the deployer reads; only what differs from the obvious is stored."""
    stored: dict[str, Any] = {
        "TimeLimitSeconds": test.time_limit_seconds,
        "Requests": [_stored_request(request) for request in test.requests],
    }
    if test.log_bodies:
        stored["LogBodies"] = True
    return stored


def _stored_request(request: SmokeTestRequest) -> dict[str, Any]:
    members = {
        "Name": request.name,
        "Body": request.body,
        "BodyS3Uri": request.body_from,
        "SamplePayload": request.sample_payload,
        "ContentType": request.content_type,
        "Accept": request.accept,
        "Status": request.status,
        "ResponseContentType": request.response_content_type,
        "Expect": request.expect,
        "P95Milliseconds": request.p95_ms,
        "Calls": request.calls,
    }
    return {name: value for name, value in members.items() if value is not None}


def smoke_problems(
    document: Document, test: SmokeTest, *, asynchronous: bool, variants: int
) -> Iterator[Problem]:
    """Find requests that could never be made, and expectations that could never hold.

    `variants` is how many follow the group: each of them is called.
    """
    if asynchronous:
        yield document.problem(
            ("smoke_test",),
            got="a smoke test of an asynchronous endpoint",
            expected="an endpoint that answers at once: this one cannot be called directly",
            fix="remove it",
        )
    for index, request in enumerate(test.requests):
        yield from _request_problems(document, ("smoke_test", "requests", index), request)
    calls = sum(request.calls for request in test.requests) * variants
    if calls > MOST_CALLS:
        each = "" if variants == 1 else f", to {variants} variants that follow the group"
        yield document.problem(
            ("smoke_test", "requests"),
            got=f"{calls} calls in all{each}",
            expected=f"at most {MOST_CALLS}: a version is tried, not load-tested",
            fix="lower repeat",
        )


def _request_problems(document: Document, path: FieldPath, request: SmokeTestRequest) -> Iterator[Problem]:
    sources = [name for name in _SOURCES if getattr(request, name) not in (None, False)]
    if len(sources) != 1:
        yield document.problem(
            path,
            got=" beside ".join(sources) or "nothing to send",
            expected=f"exactly one of {', '.join(_SOURCES)}",
            fix="keep one of them" if sources else "add body, say",
        )
    if request.content_type is None and not request.sample_payload:
        yield document.problem(
            (*path, "content_type"),
            got="nothing",
            expected="the content type of what is sent: models choose by it how to read it",
            fix="add content_type: text/csv, say",
        )
    if request.p95_ms is not None and request.calls < LEAST_CALLS_FOR_P95:
        yield document.problem(
            (*path, "repeat"),
            got=f"{request.calls} calls, with p95_ms",
            expected=f"at least {LEAST_CALLS_FOR_P95}: of fewer calls, the p95 is the slowest one",
            fix=f"raise it to {LEAST_CALLS_FOR_P95}, or leave it out",
        )
    if request.expect is not None:
        yield from _expression_problems(document, path, request.expect, request.response_content_type)


def _expression_problems(
    document: Document, path: FieldPath, expression: str, content_type: str | None
) -> Iterator[Problem]:
    if content_type is not None and "json" not in content_type.lower():
        yield document.problem(
            (*path, "expect"),
            got=f"an expression over an answer in {content_type}",
            expected="an answer in JSON: JMESPath reads nothing else",
            fix="remove expect, or ask for JSON with accept",
        )
    try:
        parsed = jmespath.compile(expression).parsed
    except JMESPathError as error:
        said = " ".join(str(error).splitlines()[0].split())
        yield document.problem(
            (*path, "expect"),
            got=f"{shown(expression)}: {said}",
            expected="a JMESPath expression (jmespath.org)",
            fix="correct it; numbers stand in backquotes, as in score > `0.5`",
        )
        return
    known = Functions.FUNCTION_TABLE
    for name in _functions(parsed):
        if name not in known:
            meant = nearest(name, known)
            yield document.problem(
                (*path, "expect"),
                got=f"the unknown function {name}",
                expected="functions that JMESPath has (jmespath.org)",
                fix=f"did you mean {' or '.join(meant)}?" if meant else "use another one",
            )


def _functions(node: dict[str, Any]) -> Iterator[str]:
    """List the functions that a parsed expression calls."""
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _functions(child)
