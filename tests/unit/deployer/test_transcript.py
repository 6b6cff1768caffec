"""A transcript shows every action of the deployer that no logged plan announced."""

from __future__ import annotations

from deployer.model.steps import ChangeTags, ClearAbortAlarm, CreateModel, Step
from tests.unit.deployer.transcript import Asked, Transcript

MODEL, CLEAR = CreateModel({"ModelName": "churn-v1"}), ClearAbortAlarm("abort")
TAGS = ChangeTags("arn", {"a": "1"}, frozenset({"b"}), {"a": "1"})
CREATE, SET = Asked("sagemaker", "CreateModel"), Asked("cloudwatch", "SetAlarmState")


def plan(transcript: Transcript, *steps: Step) -> None:
    transcript.hear("Deploying", {"steps": steps})


def make(transcript: Transcript, step: Step, *asked: Asked) -> None:
    transcript.hear("Making a step", {"step": step})
    transcript.events += asked
    transcript.hear("The step is over", {"step": step})


def test_planned_steps_account_for_their_writes_and_reads_need_none() -> None:
    with Transcript() as transcript:
        plan(transcript, MODEL, CLEAR)
        transcript.events.append(Asked("sagemaker", "DescribeEndpoint"))
        make(transcript, MODEL, CREATE)
        make(transcript, MODEL, CREATE)
        make(transcript, CLEAR, SET)

    assert list(transcript.violations()) == []


def test_a_write_outside_of_every_step_is_shown() -> None:
    with Transcript() as transcript:
        plan(transcript, CLEAR)
        make(transcript, CLEAR, SET)
        transcript.events.append(SET)

    assert list(transcript.violations()) == ["cloudwatch SetAlarmState asked for outside of every step"]


def test_a_write_of_another_kind_than_the_step_is_shown() -> None:
    with Transcript() as transcript:
        plan(transcript, CLEAR)
        make(transcript, CLEAR, CREATE)

    assert list(transcript.violations()) == [
        "sagemaker CreateModel asked for while this is made: clear alarm abort"
    ]


def test_writes_in_another_order_than_the_step_says_are_shown() -> None:
    with Transcript() as transcript:
        plan(transcript, TAGS)
        make(transcript, TAGS, Asked("sagemaker", "AddTags"), Asked("sagemaker", "DeleteTags"))

    assert len(list(transcript.violations())) == 1


def test_a_step_that_no_plan_holds_or_that_comes_out_of_order_is_shown() -> None:
    with Transcript() as transcript:
        plan(transcript, MODEL, CLEAR)
        make(transcript, CLEAR, SET)
        make(transcript, MODEL, CREATE)

    assert list(transcript.violations()) == ["made, and in no plan before it: create model churn-v1"]


def test_a_plan_is_one_invocations_own() -> None:
    with Transcript() as transcript:
        plan(transcript, CLEAR)
        with transcript:
            make(transcript, CLEAR, SET)

    assert len(list(transcript.violations())) == 1


def test_what_a_test_asks_for_itself_is_no_part_of_it() -> None:
    transcript = Transcript()
    transcript.events.append(CREATE)

    assert list(transcript.violations()) == []
