"""An attempt with a smoke test always ends, for every behaviour of its version."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deployer.dispatcher import PassesFailedError
from deployer.model.attempt import AttemptStatus
from local_cloud.hosting.variant_fleet import Answer
from tests.infra.sufficiency.test_trial import (
    BAD,
    GOOD,
    Trying,
    during_the_call,
    in_service,
    smoke_test,
    stored,
    without_body,
)

MARKER = "a-person-and-a-number"


class KilledError(BaseException):
    """The function's process ended."""


@pytest.fixture
def pipeline() -> Trying:
    return Trying()


def kill(pipeline: Trying) -> None:
    """End the process of every invocation that begins to try a version."""

    def die(service: str, _operation: str) -> None:
        if service == "sagemaker-runtime":
            raise KilledError

    pipeline.deployer_cloud.before_call = die


def sweeps(pipeline: Trying, count: int) -> None:
    """Let a quarter of an hour pass before each; a killed one is over."""
    for _ in range(count):
        pipeline.pass_time(900)
        for happen in (pipeline.sweep, pipeline.run):
            try:
                happen()
            except (KilledError, PassesFailedError):
                continue


def settled(pipeline: Trying) -> bool:
    return all(not each.unsettled for each in pipeline.attempts)


# What answers are -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expect"),
    [
        pytest.param(b"[" * 200_000, "score", id="deep"),
        pytest.param(b'{"score": 1e999}', "floor(score) > `0`", id="infinite"),
        pytest.param(b'{"score": "x"}', "ceil(score) > `0`", id="a word"),
        pytest.param(b"[" * 150 + b"]" * 150, "@", id="deeper than anybody judges"),
    ],
)
def test_an_answer_that_cannot_be_judged_fails_the_version(
    pipeline: Trying, body: bytes, expect: str
) -> None:
    pipeline.deploy(GOOD)
    pipeline.manage(SmokeTest=smoke_test(Expect=expect))
    second = pipeline.deploy(Answer(200, "application/json", body))

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == ["started", "failed"]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    answer=st.builds(
        Answer,
        st.sampled_from([200, 200, 200, 500]),
        st.one_of(st.just("application/json"), st.text(st.characters(codec="ascii"), max_size=9)),
        st.one_of(
            st.binary(max_size=40),
            st.recursive(st.none() | st.floats() | st.text(), st.lists).map(
                lambda each: json.dumps(each).encode()
            ),
            st.sampled_from([b"[" * 100_000, b'{"score": 1e999}', b"\xff\xfe", b"9" * 5000]),
        ),
    ),
    expect=st.sampled_from(["score", "floor(score) > `0`", "sum(@)", "max_by(@, &a)", "nonsense(", "@.*.*"]),
)
@example(answer=Answer(200, "application/json", b"[" * 100_000), expect="score")
def test_whatever_a_version_answers_its_attempt_is_settled(answer: Answer, expect: str) -> None:
    pipeline = Trying()
    pipeline.manage(SmokeTest=smoke_test(Expect=expect))
    pipeline.deploy(answer)

    assert settled(pipeline)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(200, "application/json", f'{{"score": "{MARKER}"}}'.encode()), id="a value"),
        pytest.param(Answer(200, "application/json", f'["{MARKER}"'.encode()), id="no JSON"),
        pytest.param(Answer(500, "text/plain", MARKER.encode()), id="an error"),
        pytest.param(Answer(200, f"{MARKER} is no type", b"{}"), id="a header"),
    ],
)
@pytest.mark.parametrize("expect", ["abs(score) > `0`", "length(@.score) > sum(@.score)", "nothing"])
def test_nothing_of_a_body_is_told_unless_bodies_may_be(answer: Answer, expect: str) -> None:
    pipeline = Trying()
    pipeline.manage(SmokeTest=smoke_test(Expect=expect, Body=f"{MARKER},1"))
    pipeline.deploy(answer)

    assert pipeline.outcomes[1]["Outcome"] == "failed"
    assert MARKER not in json.dumps(pipeline.outcomes)
    assert MARKER not in repr(pipeline.history)


# What is registered -----------------------------------------------------------------------------------


def with_sample(pipeline: Trying, url: str) -> str:
    pipeline.deploy(GOOD)
    pipeline.manage(SmokeTest=without_body(SamplePayload=True))
    return pipeline.deploy(GOOD, SamplePayloadUrl=url, Domain="MACHINE_LEARNING", Task="OTHER")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/sample.tar.gz",
        "https://models.s3.eu-central-1.amazonaws.com/sample.tar.gz?versionId=1",
        "https://s3.eu-central-1.amazonaws.com/",
    ],
)
def test_a_sample_that_is_nowhere_in_s3_fails_the_version(pipeline: Trying, url: str) -> None:
    second = with_sample(pipeline, url)

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == ["started", "failed"]


def test_a_sample_may_be_named_by_its_web_address(pipeline: Trying) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as made:
        member = tarfile.TarInfo("a.csv")
        member.size = 1
        made.addfile(member, io.BytesIO(b"a"))
    bucket, _, key = stored(pipeline, "a b/sample.tar.gz", content.getvalue())[5:].partition("/")
    address = f"https://{bucket}.s3.eu-central-1.amazonaws.com/{key.replace(' ', '%20')}"
    second = with_sample(pipeline, address)

    assert pipeline.told(second) == ["started", "succeeded"]
    assert pipeline.endpoints.invoked[-1].body == b"a"


def test_a_sample_that_unpacks_to_gigabytes_fails_the_version(pipeline: Trying) -> None:
    bomb = io.BytesIO()
    with gzip.open(bomb, "wb", compresslevel=9) as made:
        member = tarfile.TarInfo("a.csv")
        member.size = 6_000_000
        for _ in range(12):
            made.write(member.tobuf())
            made.write(bytes(6_000_128))
    second = with_sample(pipeline, stored(pipeline, "bomb.tar.gz", bomb.getvalue()))

    assert pipeline.told(second) == ["started", "failed"]
    assert "unpacks to more than" in pipeline.outcomes[-3]["Reason"]


# What ends an invocation ------------------------------------------------------------------------------


def test_a_test_that_ends_the_function_is_begun_three_times_and_has_failed_then(pipeline: Trying) -> None:
    pipeline.deploy(GOOD)
    second = in_service(pipeline)
    kill(pipeline)
    sweeps(pipeline, 3)
    assert pipeline.attempts[0].status is AttemptStatus.TESTING
    sweeps(pipeline, 2)

    assert pipeline.told(second) == ["started", "failed"]
    assert pipeline.serving() == "v1"
    [failed] = [each for each in pipeline.outcomes if "SmokeTest" in each]
    assert "was begun 3 times and never came to an end" in failed["Message"]


def test_a_newer_approval_waits_for_one_test_that_ends_the_function_and_not_for_three(
    pipeline: Trying,
) -> None:
    pipeline.deploy(GOOD)
    second = in_service(pipeline)
    kill(pipeline)
    sweeps(pipeline, 1)
    third = pipeline.register()
    pipeline.script(third, GOOD)
    pipeline.approve(third)
    pipeline.deployer_cloud.before_call = lambda *_: None
    sweeps(pipeline, 2)

    assert pipeline.told(second) == ["started", "failed"]
    assert pipeline.told(third) == ["started", "succeeded"]


def test_a_test_that_others_disturb_does_not_count_as_begun(pipeline: Trying) -> None:
    pipeline.deploy(GOOD)
    arn = in_service(pipeline)
    pipeline.remaining_seconds = lambda: 100.0
    for _ in range(9):
        pipeline.pass_time(400)
        pipeline.sweep()
    pipeline.remaining_seconds = lambda: 300.0
    sweeps(pipeline, 1)

    assert pipeline.told(arn) == ["started", "succeeded"]


def test_what_s3_cannot_do_now_is_tried_again_and_not_for_ever(pipeline: Trying) -> None:
    second = with_timeouts(pipeline, "GetObject")
    sweeps(pipeline, 5)

    assert pipeline.told(second) == ["started", "failed"]


def with_timeouts(pipeline: Trying, operation: str) -> str:
    def time_out(_service: str, called: str) -> None:
        if called == operation:
            raise ReadTimeoutError(endpoint_url="https://s3")

    pipeline.deploy(GOOD)
    pipeline.manage(SmokeTest=without_body(BodyS3Uri=stored(pipeline, "a.csv", b"a")))
    pipeline.deployer_cloud.before_call = time_out
    arn = pipeline.register()
    pipeline.script(arn, GOOD)
    pipeline.approve(arn)
    with pytest.raises(PassesFailedError):
        pipeline.run()
    return arn


# Who decides ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("killed", [0, 1])
def test_a_version_that_is_rejected_before_its_test_is_not_tried(pipeline: Trying, killed: int) -> None:
    pipeline.deploy(GOOD)
    second = in_service(pipeline)
    if killed:
        kill(pipeline)
        sweeps(pipeline, 1)
    tried = len(pipeline.endpoints.invoked)
    pipeline.deployer_cloud.before_call = lambda *_: None
    pipeline.reject(second)
    sweeps(pipeline, 1)

    assert pipeline.serving() == "v1"
    assert pipeline.told(second) == ["started", "aborted"]
    assert len(pipeline.endpoints.invoked) == tried
    assert "its approval was taken back" in pipeline.outcomes[-3]["Message"].lower()


def test_what_was_taken_back_untried_is_tried_when_it_is_approved_again(pipeline: Trying) -> None:
    arn = in_service(pipeline)
    pipeline.reject(arn)
    pipeline.run()
    assert pipeline.told(arn) == ["started", "aborted"]

    pipeline.approve(arn)
    pipeline.run()

    assert pipeline.told(arn) == ["started", "aborted", "succeeded"]
    assert len(pipeline.endpoints.invoked) == 1


@pytest.mark.parametrize(("answers", "ends"), [((GOOD,), "succeeded"), ((BAD,), "failed")])
def test_what_failed_its_test_and_stayed_is_tried_once_more_when_it_is_approved_again(
    pipeline: Trying, answers: tuple[Answer, ...], ends: str
) -> None:
    arn = pipeline.deploy(BAD)
    pipeline.pass_time(60)
    pipeline.script(arn, *answers)
    pipeline.approve(arn)
    pipeline.run()
    sweeps(pipeline, 2)

    assert pipeline.told(arn) == ["started", "failed", ends]
    assert pipeline.sagemaker_calls().count("UpdateEndpoint") == 0


def test_a_reject_in_the_middle_of_a_test_counts_when_the_test_is_over(pipeline: Trying) -> None:
    pipeline.deploy(GOOD)
    second = in_service(pipeline)
    during_the_call(pipeline, lambda: pipeline.reject(second))
    pipeline.run()

    assert pipeline.serving() == "v1"


def test_a_test_that_was_taken_out_while_it_ended_the_function_is_settled(pipeline: Trying) -> None:
    arn = in_service(pipeline)
    kill(pipeline)
    sweeps(pipeline, 1)
    pipeline.manage()
    sweeps(pipeline, 1)

    assert pipeline.told(arn) == ["started", "succeeded"]


# Whom it costs a turn -----------------------------------------------------------------------------------


def test_a_version_that_ends_the_function_costs_no_other_endpoint_its_turn(pipeline: Trying) -> None:
    pipeline.manage(EndpointName="zeta", ModelPackageGroupName="zeta-models")
    pipeline.sagemaker.create_model_package_group(ModelPackageGroupName="zeta-models")
    in_service(pipeline)
    pipeline.undelivered()
    pipeline.registry.update_model_package(
        ModelPackageArn=pipeline.register(group="zeta-models"), ModelApprovalStatus="Approved"
    )
    pipeline.undelivered()
    kill(pipeline)
    sweeps(pipeline, 2)

    assert "zeta" in {each["EndpointName"] for each in pipeline.sagemaker.list_endpoints()["Endpoints"]}


def test_a_repetition_of_the_invocation_that_ended_begins_with_the_others(pipeline: Trying) -> None:
    """Both follow one group: the event of the next approval leads to both."""
    pipeline.manage(EndpointName="zeta")
    arn = in_service(pipeline)
    kill(pipeline)
    sweeps(pipeline, 1)
    [first] = pipeline.journal.read("zeta").approvals
    pipeline.pass_time(400)
    pipeline.approve(arn)
    with pytest.raises(KilledError):
        pipeline.deliver()

    [second] = pipeline.journal.read("zeta").approvals
    assert second.approved_at > first.approved_at
