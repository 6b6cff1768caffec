"""Owns the key `smoke_test`: how a version is tried right after it went live.

The deployer makes the calls. A test is small: its bodies are stored with the settings or read from S3, and it
has a time limit that leaves the deployer time to put back what served before, and to report.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from infra.settings.keys.base_model import StrictModel

MOST_REQUESTS: Final = 10
LEAST_CALLS_FOR_P95: Final = 20
"""Of fewer calls, the p95 is the slowest one: a single hiccup would fail the version."""

DEFAULT_TIME_LIMIT_SECONDS: Final = 60
MOST_SECONDS: Final = 100
"""The deployer's function has 300 seconds, and a call that began within the limit may take 60 beyond it: that
long a container may take to answer (botocore: sagemaker-runtime, InvokeEndpoint)."""

_OK: Final = 200
_HEADER: Final = r"^[\x20-\x7E]+$"
_OBJECT: Final = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+$"


class SmokeTestRequest(StrictModel):
    """Call the endpoint once or more, and say what a good answer is."""

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


class SmokeTest(StrictModel):
    """Call a version that has not served before, once it is in service.

    If one of its answers is not a good one, the attempt counts as failed: what served before is put back, and
    the version is not tried again until it is approved again. If nothing served before, the endpoint is left
    as it is, and people are told. Of several variants, each that follows the group is called by its name
    (`TargetVariant`). Reports say what was wrong; what was sent and answered only with `log_bodies`.
    """

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
