"""The next pass repairs what one pass left undone, or what somebody else did beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.exceptions import ConnectTimeoutError

from deployer.dispatcher import PassesFailedError
from deployer.model.attempt import AttemptStatus
from deployer.triggers import read_trigger
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import Pipeline


@pytest.fixture
def pipeline() -> Pipeline:
    made = Pipeline()
    made.manage()
    return made


def calm(pipeline: Pipeline) -> None:
    """Inject nothing any more."""
    pipeline.deployer_cloud.before_call = lambda _service, _operation: None


def approved(pipeline: Pipeline) -> str:
    """Register and approve a version; only the approval's event is still to be delivered."""
    arn = pipeline.register()
    pipeline.undelivered()
    pipeline.approve(arn)
    return arn


def come_to_rest(pipeline: Pipeline) -> None:
    """Let SageMaker finish its transitions, and deliver no events."""
    while (due := pipeline.control_plane.next_due()) is not None:
        pipeline.pass_time((due - pipeline.clock.now()).total_seconds())


def left_behind(pipeline: Pipeline) -> str:
    """Approve a version whose attempt is begun and, as the answer is lost, given back."""
    arn = approved(pipeline)

    def refuse(_service: str, operation: str) -> None:
        if operation == "CreateModel":
            raise ConnectTimeoutError(endpoint_url="https://sagemaker")

    pipeline.deployer_cloud.before_call = refuse
    with pytest.raises(PassesFailedError, match="ConnectTimeoutError"):
        pipeline.deliver()
    calm(pipeline)
    pipeline.pass_time(60)
    return arn


def failed_first_deployment(pipeline: Pipeline) -> None:
    broken = pipeline.register()
    pipeline.break_model_of(broken)
    pipeline.approve(broken)
    pipeline.run()
    assert pipeline.endpoint["EndpointStatus"] == "Failed"


def test_an_attempt_left_behind_is_withdrawn_for_a_newer_approval(pipeline: Pipeline) -> None:
    first = left_behind(pipeline)
    second = approved(pipeline)
    pipeline.run()

    assert [(each.version, each.status) for each in pipeline.history.deployments] == [
        (2, AttemptStatus.SUCCEEDED),
        (1, AttemptStatus.WITHDRAWN),
    ]
    assert pipeline.told(first) == []
    assert pipeline.told(second) == ["started", "succeeded"]


def test_an_attempt_left_behind_is_withdrawn_when_its_approval_is_taken_back(pipeline: Pipeline) -> None:
    arn = left_behind(pipeline)
    pipeline.reject(arn)
    pipeline.run()

    attempt = pipeline.attempts[-1]
    assert (attempt.status, attempt.reason) == (AttemptStatus.WITHDRAWN, "It is no longer wanted.")
    assert pipeline.sagemaker.list_endpoints()["Endpoints"] == []
    assert pipeline.outcomes == []


def test_a_start_that_could_not_be_told_is_told_while_the_change_is_under_way(pipeline: Pipeline) -> None:
    arn = approved(pipeline)

    def refuse(_service: str, operation: str) -> None:
        if operation == "PutEvents":
            raise ZeroDivisionError

    pipeline.deployer_cloud.before_call = refuse
    with pytest.raises(PassesFailedError, match="ZeroDivisionError"):
        pipeline.deliver()
    calm(pipeline)
    pipeline.outcomes.clear()
    pipeline.pass_time(30)
    pipeline.sweep()
    pipeline.sweep()

    assert pipeline.endpoint["EndpointStatus"] == "Creating"
    assert pipeline.told(arn) == ["started"]


def test_the_end_of_an_unmanaged_rollout_is_told_by_one_of_two_passes_at_once(pipeline: Pipeline) -> None:
    arn = approved(pipeline)
    pipeline.deliver()
    pipeline.unmanage()
    come_to_rest(pipeline)
    in_service = pipeline.undelivered()[-1]

    def overtake(_service: str, operation: str) -> None:
        if operation == "TransactWriteItems":
            calm(pipeline)
            pipeline.dispatch(read_trigger(in_service))

    pipeline.deployer_cloud.before_call = overtake
    pipeline.dispatch(read_trigger(in_service))

    assert pipeline.told(arn) == ["started", "succeeded"]


def test_an_update_that_misses_the_serving_config_makes_it_again_first(pipeline: Pipeline) -> None:
    """AWS warns against deleting the config of a live endpoint: its update needs the old one, too."""
    approved(pipeline)
    pipeline.run()
    pipeline.pass_time(60)
    serving = pipeline.endpoint["EndpointConfigName"]
    pipeline.sagemaker.delete_endpoint_config(EndpointConfigName=serving)
    second = approved(pipeline)
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.told(second) == ["started", "succeeded"]
    assert pipeline.sagemaker_calls().count("CreateEndpointConfig") == 3
    assert serving != pipeline.endpoint["EndpointConfigName"]


@pytest.mark.parametrize("gone", [False, True])
def test_a_failed_endpoint_that_somebody_else_deletes_makes_way_all_the_same(
    pipeline: Pipeline, *, gone: bool
) -> None:
    failed_first_deployment(pipeline)
    mended = approved(pipeline)

    def delete_first(_service: str, operation: str) -> None:
        if operation == "DeleteEndpoint":
            calm(pipeline)
            pipeline.sagemaker.delete_endpoint(EndpointName=ENDPOINT)
            if gone:
                come_to_rest(pipeline)

    pipeline.deployer_cloud.before_call = delete_first
    pipeline.run()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.serving() == "v2"
    assert pipeline.told(mended) == ["started", "succeeded"]


def test_what_one_pass_told_while_another_mended_it_is_over_with_the_next_sweep(pipeline: Pipeline) -> None:
    """Otherwise nobody would hear of the same trouble when it returns."""
    approved(pipeline)
    pipeline.run()
    rest = pipeline.history.last_observed
    pipeline.journal.record_last_observed(ENDPOINT, rest, replace(rest, reported=("Nothing stands.",)))

    pipeline.sweep()

    assert pipeline.history.last_observed == rest
