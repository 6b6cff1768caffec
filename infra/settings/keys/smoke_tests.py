"""Owns the key `smoke_test`: calls that test a version as soon as it has all calls, or before its rollout.

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

LEAST_EVERY_SECONDS: Final = 10
"""Each repetition reads the journal and the version once, and the endpoint twice. SageMaker's rate limits are
undocumented, and many endpoints may bake at once."""

MOST_EVERY_SECONDS: Final = 90
"""An invocation waits only if the wait, the longest test and its notes fit into the function's 300 seconds:
90 + 100 + 65 + 30 leave a few seconds for the first test. Otherwise it would hand over without any wait."""

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

    With `before_rollout: true`, a version is tested before any caller reaches it: also the first version, and
    one with changed settings. The deployer makes a test endpoint for it, and deletes that after the test. The
    test endpoint has one instance for each variant that follows the group, or the same serverless settings
    without provisioned concurrency. It has no data capture, no scaling and no shadow. While it exists, its
    instances cost their price and count against the account's quotas. A rollout begins later by the time that
    SageMaker takes to create an endpoint, which is minutes, and by the test. A version that comes back after
    it served well is not tested again. Such a smoke test brings no `rollout`.

    With `every_seconds: 30`, the deployer tests again 30 seconds after each test that the version passed, as
    long as the old instances stay. So it finds a version that answers well at first and badly later, also if
    the bad answers are well-formed and set off no alarm. Without `every_seconds`, a version that passed is
    not tested again. In a canary nothing is tested, as no call can be aimed at the new instances.

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
    before_rollout: Annotated[
        bool,
        Field(
            description="true to test a version on a test endpoint before its rollout, so that no caller "
            "reaches one that fails; by default false"
        ),
    ] = False
    every_seconds: Annotated[
        int | None,
        Field(
            ge=LEAST_EVERY_SECONDS,
            le=MOST_EVERY_SECONDS,
            description="how long after a passed test to test again while the old instances stay, in "
            f"seconds, from {LEAST_EVERY_SECONDS} to {MOST_EVERY_SECONDS}; by default never",
        ),
    ] = None
