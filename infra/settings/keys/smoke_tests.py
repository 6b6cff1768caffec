"""Owns the key `smoke_test`: calls that test a version as soon as it has all calls.

The deployer makes the calls. Their bodies are stored with the settings or read from S3. The time limit leaves
the deployer enough time to restore the previous version and to report.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from infra.settings.keys.base_model import StrictModel

MOST_REQUESTS: Final = 10
LEAST_CALLS_FOR_P95: Final = 20
"""With fewer calls, the p95 is the slowest call: a single hiccup would fail the version."""

DEFAULT_TIME_LIMIT_SECONDS: Final = 60
MOST_SECONDS: Final = 100
"""The deployer's function has 300 seconds. A call that begins within the limit may end 60 seconds after it: a
container may take that long to answer (botocore: sagemaker-runtime, InvokeEndpoint)."""

_OK: Final = 200
_HEADER: Final = r"^[\x20-\x7E]+$"
_OBJECT: Final = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+$"


class SmokeTestRequest(StrictModel):
    """Call the endpoint once or more, and describe a correct answer."""

    name: Annotated[
        str | None,
        Field(min_length=1, max_length=64, description="its name in reports, at most 64 characters"),
    ] = None
    body: Annotated[
        str | None, Field(max_length=4096, description="the body to send, as text, at most 4096 characters")
    ] = None
    body_from: Annotated[
        str | None,
        Field(
            max_length=1024,
            pattern=_OBJECT,
            description="an object in S3 to send, such as s3://bucket/key",
        ),
    ] = None
    sample_payload: Annotated[
        bool | None,
        Field(description="true to send the version's registered sample payload (SamplePayloadUrl)"),
    ] = None
    content_type: Annotated[
        str | None,
        Field(
            max_length=256,
            pattern=_HEADER,
            description="the content type of the body, such as text/csv; for a sample payload by default "
            "the version's first",
        ),
    ] = None
    accept: Annotated[
        str | None,
        Field(max_length=256, pattern=_HEADER, description="the content type to ask for; by default any"),
    ] = None
    status: Annotated[
        int,
        Field(ge=200, le=599, description="the status of a correct answer, from 200 to 599; by default 200"),
    ] = _OK
    response_content_type: Annotated[
        str | None,
        Field(
            max_length=256,
            pattern=_HEADER,
            description="the content type of a correct answer; by default any",
        ),
    ] = None
    expect: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=1024,
            description="a JMESPath expression that is true for a correct JSON answer, such as "
            "predictions[0].score > `0.5`",
        ),
    ] = None
    repeat: Annotated[
        int | None,
        Field(
            ge=1,
            le=100,
            description="how many times to call, from 1 to 100; by default 1, with p95_ms 20",
        ),
    ] = None
    p95_ms: Annotated[
        float | None,
        Field(
            gt=0,
            description="the time within which 95 % of the calls must be answered, in milliseconds, above 0",
        ),
    ] = None

    @property
    def calls(self) -> int:
        """How many times to make the request."""
        return self.repeat or (1 if self.p95_ms is None else LEAST_CALLS_FOR_P95)


class SmokeTest(StrictModel):
    """Call a new version as soon as it has all calls, while the old instances still wait.

    If an answer is wrong, the old instances take the calls back, and the attempt has failed. The deployer
    does not retry the failed version until it is approved again. Without `rollout`, a smoke test brings one:
    all at once, guarded by the abort alarm, and the old instances stay for 300 seconds. That costs their
    price. To do without, write `rollout: {kind: all_at_once, termination_wait_seconds: 0}`.

    If the old instances do not stay for the test, it begins once the version is in service. So it does for
    `kind: rolling`, for serverless and new endpoints, and if AWS does not show when all calls have moved. The
    deployer then restores the previous version by another update. Without a previous version, the deployer
    leaves the endpoint and reports the failure. `cdk synth` says what a bad version could do meanwhile.

    Of several variants, the deployer calls each one that follows the group by name (`TargetVariant`). Reports
    say what was wrong. They quote bodies only with `log_bodies`.
    """

    requests: Annotated[
        list[SmokeTestRequest],
        Field(
            min_length=1,
            max_length=MOST_REQUESTS,
            description=f"what to send, and what a correct answer is: 1 to {MOST_REQUESTS} requests",
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
        Field(description="true to log and report bodies when a test fails; by default false"),
    ] = False
