"""A version that is rejected and approved again at once worries nobody; a rejection that lasts is told."""

from __future__ import annotations

import pytest

from tests.unit.deployer.pipeline import Pipeline


@pytest.fixture
def pipeline() -> Pipeline:
    made = Pipeline()
    made.manage()
    return made


def test_a_reject_and_an_approval_within_a_minute_tell_nobody_anything(pipeline: Pipeline) -> None:
    arn = pipeline.register("Approved")
    pipeline.run()
    told = len(pipeline.mails)
    writes = list(pipeline.sagemaker_calls())

    pipeline.reject(arn)
    pipeline.deliver()
    pipeline.pass_time(40)
    pipeline.approve(arn)
    pipeline.run()
    pipeline.sweep()

    assert len(pipeline.mails) == told
    assert pipeline.serving() == "v1"
    assert "UpdateEndpoint" not in pipeline.sagemaker_calls()[len(writes) :]


def test_a_reject_that_lasts_is_told_by_the_next_sweep_and_once(pipeline: Pipeline) -> None:
    arn = pipeline.register("Approved")
    pipeline.run()

    pipeline.reject(arn)
    pipeline.run()
    assert [each["Outcome"] for each in pipeline.outcomes] == ["started", "succeeded"]
    pipeline.pass_time(900)
    pipeline.sweep()
    pipeline.pass_time(900)
    pipeline.sweep()

    assert [each["Outcome"] for each in pipeline.outcomes] == ["started", "succeeded", "needs_attention"]
    assert "is left to serve on churn" in pipeline.outcomes[-1]["Message"]


def test_a_report_that_was_made_holds_while_people_change_their_minds(pipeline: Pipeline) -> None:
    arn = pipeline.register("Approved")
    pipeline.run()
    pipeline.reject(arn)
    pipeline.run()
    pipeline.sweep()
    assert pipeline.outcomes[-1]["Outcome"] == "needs_attention"

    second = pipeline.register()
    pipeline.approve(second, "Rejected")
    pipeline.run()
    pipeline.sweep()

    assert [each["Outcome"] for each in pipeline.outcomes].count("needs_attention") == 1
