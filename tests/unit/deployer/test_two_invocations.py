"""An approval or a reject that comes while another invocation is at work has its effect without a sweep."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from deployer.model.attempt import AttemptStatus
from deployer.triggers import read_trigger
from tests.unit.deployer.builders import clean_up
from tests.unit.deployer.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.model.attempt import CleanUp


def serving() -> Pipeline:
    pipeline = Pipeline()
    pipeline.manage()
    pipeline.approve(pipeline.register())
    pipeline.run()
    return pipeline


def once_at(pipeline: Pipeline, operation: str, act: Callable[[], None]) -> None:
    """Act when the deployer makes its next call of this operation, before the call is answered."""

    def before(_service: str, called: str) -> None:
        if called == operation:
            pipeline.deployer_cloud.before_call = lambda _service, _operation: None
            act()

    pipeline.deployer_cloud.before_call = before


def deliver(pipeline: Pipeline, events: list[dict[str, Any]]) -> None:
    for event in events:
        pipeline.dispatch(read_trigger(event))


def clean_up_of_another(pipeline: Pipeline) -> CleanUp:
    """Return a clean-up that another invocation has begun."""
    [latest, *_] = pipeline.attempts
    under_way = clean_up(
        number=latest.number + 1,
        endpoint_name=latest.endpoint_name,
        invocation_id="another",
        started_at=pipeline.clock.now(),
        lease_until=pipeline.clock.now() + timedelta(minutes=6),
    )
    assert pipeline.journal.begin(under_way, latest, unannounced=False, announced=[])
    return under_way


@pytest.fixture
def rollout_ended() -> Pipeline:
    """An endpoint whose update is over, and whose event of that is not delivered yet."""
    pipeline = serving()
    pipeline.approve(pipeline.register())
    pipeline.deliver()
    due = pipeline.control_plane.next_due()
    while due is not None:
        pipeline.clock.set(due)
        pipeline.control_plane.advance()
        due = pipeline.control_plane.next_due()
    return pipeline


def test_an_approval_that_was_read_beside_the_last_round_of_another_invocation(
    rollout_ended: Pipeline,
) -> None:
    ended = rollout_ended.undelivered()
    newest = rollout_ended.register()
    rollout_ended.approve(newest)
    [*_, approval] = rollout_ended.undelivered()

    once_at(rollout_ended, "DescribeModelPackage", partial(deliver, rollout_ended, ended))
    rollout_ended.dispatch(read_trigger(approval))

    assert rollout_ended.told(newest) == ["started"]


def test_a_reject_that_was_read_beside_the_last_round_of_another_invocation(rollout_ended: Pipeline) -> None:
    ended = rollout_ended.undelivered()
    [rejected] = [each.version_arn for each in rollout_ended.history.approvals if each.version == 2]
    rollout_ended.reject(rejected)
    [*_, reject] = rollout_ended.undelivered()

    once_at(rollout_ended, "DescribeModelPackage", partial(deliver, rollout_ended, ended))
    rollout_ended.dispatch(read_trigger(reject))

    assert rollout_ended.endpoint["EndpointStatus"] == "Updating"


def test_an_approval_that_was_read_beside_the_end_of_a_clean_up() -> None:
    pipeline = serving()
    under_way = clean_up_of_another(pipeline)
    newest = pipeline.register()
    pipeline.approve(newest)

    def the_other_ends() -> None:
        over = replace(under_way, status=AttemptStatus.SUCCEEDED, settled_at=pipeline.clock.now())
        assert pipeline.journal.move(under_way, over, is_latest=True, records=[], forget=[])

    once_at(pipeline, "DescribeModelPackage", the_other_ends)
    pipeline.deliver()

    assert pipeline.told(newest) == ["started"]


def test_an_approval_during_a_clean_up_that_is_under_way_waits_for_its_end() -> None:
    pipeline = serving()
    clean_up_of_another(pipeline)
    newest = pipeline.register()
    pipeline.approve(newest)
    pipeline.deliver()

    assert pipeline.told(newest) == []
    assert any(each.version_arn == newest for each in pipeline.history.approvals)


def test_an_approval_during_a_clean_up_that_is_refused_goes_out_once_that_ended() -> None:
    pipeline = serving()
    pipeline.manage(Keep=0)
    failing = pipeline.register()
    pipeline.break_model_of(failing)
    came: list[str] = []

    def deny(_service: str, operation: str) -> None:
        if operation not in {"DeleteModel", "DeleteEndpointConfig"}:
            return
        if not came:
            came.append(pipeline.register())
            pipeline.approve(came[0])
            pipeline.deliver()
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "SCP"}}, operation)

    pipeline.deployer_cloud.before_call = deny
    pipeline.approve(failing)
    pipeline.run()

    assert pipeline.told(came[0]) == ["started", "succeeded"]
