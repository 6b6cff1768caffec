"""No law breaks again for what long runs once found about versions: approvals, artifacts, tests, stages."""

from __future__ import annotations

from typing import Final

import pytest

from tests.simulation.judging import judge
from tests.simulation.schedule import (
    Companions,
    Denial,
    Disturbance,
    EventFault,
    EventFaultKind,
    Fault,
    FaultKind,
    Kind,
    RolloutKind,
    Schedule,
    Stages,
    possible,
)

FOUND: Final = {
    "an approval is taken back at the moment at which the version is registered": Schedule(
        head_start=2,
        disturbances=(
            Disturbance(Kind.REGISTER),
            Disturbance(Kind.REGISTER_ALARMING_APPROVED, wait=11, when="OutOfService"),
            Disturbance(Kind.RETURN_TO_PENDING, which=3),
            Disturbance(Kind.APPROVE, when="absent"),
        ),
    ),
    "what is to come back is as yet of another kind, and may come back as it served": Schedule(
        head_start=2,
        keep=0,
        disturbances=(
            Disturbance(Kind.RETURN_TO_PENDING, which=7),
            Disturbance(Kind.CHANGE_SHAPE, how=7),
        ),
    ),
    "a sweep whose list of the registry was lost on its way, and came again": Schedule(
        stages=Stages.PENDING,
        soak=1,
        disturbances=(Disturbance(Kind.APPROVE), Disturbance(Kind.SWEEP, wait=11)),
        faults=(Fault("ListModelPackages", 7, FaultKind.SERVER_ERROR_AFTER, times=3, delay=1),),
    ),
    "a version is approved again while it may not be read": Schedule(
        head_start=2,
        disturbances=(Disturbance(Kind.APPROVE, wait=11), Disturbance(Kind.SWEEP, wait=11)),
        denials=(Denial("DescribeModelPackage", lasts=5),),
    ),
    "an approver's approval comes while its version may not be read, and another edits it then": Schedule(
        head_start=2,
        policy=1,
        disturbances=(
            Disturbance(Kind.APPROVE, wait=11),
            Disturbance(Kind.UPDATE_METADATA, wait=8),
            Disturbance(Kind.SWEEP, wait=11),
        ),
        denials=(Denial("DescribeModelPackage", lasts=5),),
    ),
    "what served before is overwritten when another test fails": Schedule(
        head_start=1,
        smoke_test=True,
        stages=Stages.APPROVED,
        soak=1,
        disturbances=(
            Disturbance(Kind.OVERWRITE_ARTIFACT),
            Disturbance(Kind.APPROVE_NEWEST),
            Disturbance(Kind.REPLACE_LIVE, wait=10),
        ),
        faults=(Fault("InvokeEndpoint", 1, FaultKind.SLOW_BEFORE, delay=2),),
    ),
    "what a reject would bring back is hidden when the stage cleans up": Schedule(
        head_start=1,
        keep=1,
        stages=Stages.APPROVED,
        config_visible_seconds=2,
        disturbances=(
            Disturbance(Kind.REGISTER_FAILING_APPROVED),
            Disturbance(Kind.CHANGE_SETTINGS, how=2),
            Disturbance(Kind.MEND_MODEL, when="Failed"),
        ),
        faults=(
            Fault(
                "ListObjectsV2",
                18,
                FaultKind.MEANWHILE,
                meanwhile=Disturbance(Kind.HIDE_ARTIFACTS, how=2),
            ),
        ),
    ),
    "a model is made while its version is another for a moment": Schedule(
        head_start=2,
        stages=Stages.PENDING,
        disturbances=(
            Disturbance(Kind.REPLACE_LIVE),
            Disturbance(Kind.APPROVE_NEWEST),
            Disturbance(Kind.REPLACE_LIVE, wait=11),
        ),
        faults=(
            Fault(
                "CreateModel",
                0,
                FaultKind.MEANWHILE,
                meanwhile=Disturbance(Kind.REPLACE_LIVE, which=3, how=5),
            ),
        ),
    ),
    "a shadow fails that was approved in the same second as what it shadows": Schedule(
        policy=1,
        companions=Companions.SHADOW,
        disturbances=(
            Disturbance(Kind.REGISTER_FAILING_APPROVED),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, how=7),
        ),
    ),
    "what failed with a shadow is not what failed alone": Schedule(
        head_start=1,
        policy=1,
        keep=1,
        companions=Companions.SHADOW,
        disturbances=(
            Disturbance(Kind.REGISTER_APPROVED),
            Disturbance(Kind.REGISTER_APPROVED),
            Disturbance(Kind.LIMIT_QUOTA),
            Disturbance(Kind.APPROVE_NEWEST, how=9),
            Disturbance(Kind.APPROVE, wait=11, how=1, when="RollingBack"),
            Disturbance(Kind.APPROVE_NEWEST, wait=11),
        ),
    ),
    "a version is moved on, and approved right after, before a stage heard of it": Schedule(
        seed=1493792390,
        endpoints=3,
        policy=1,
        part_size=1,
        stages=Stages.PENDING,
        disturbances=(
            Disturbance(Kind.APPROVE_NEWEST, how=9),
            Disturbance(Kind.TAKE_BACK_LIVE, wait=11, how=7),
            Disturbance(Kind.APPROVE_NEWEST, wait=5),
        ),
    ),
    "what failed its test is approved again and tested where it is": Schedule(
        seed=836648882,
        head_start=1,
        smoke_test=True,
        stages=Stages.PENDING,
        disturbances=(Disturbance(Kind.PASS_ON_LIVE), Disturbance(Kind.PASS_ON_LIVE, wait=10)),
        faults=(Fault("InvokeEndpoint", 0, FaultKind.SLOW_BEFORE, times=3, delay=2),),
    ),
    "a version fails its test long after another one served": Schedule(
        head_start=2,
        smoke_test=True,
        stages=Stages.PENDING,
        disturbances=(Disturbance(Kind.APPROVE), Disturbance(Kind.REGISTER_FAILING_APPROVED)),
    ),
    "two are approved at once, and the one before was replaced": Schedule(
        head_start=1,
        disturbances=(
            Disturbance(Kind.REGISTER_BROKEN_APPROVED),
            Disturbance(Kind.REGISTER_APPROVED),
            Disturbance(Kind.REPLACE_ARTIFACT),
            Disturbance(Kind.APPROVE_NEWEST, wait=10),
            Disturbance(Kind.APPROVE),
        ),
    ),
    "what is to be tested is rejected, and nothing else may serve": Schedule(
        head_start=1,
        smoke_test=True,
        disturbances=(Disturbance(Kind.CHANGE_SETTINGS, how=2), Disturbance(Kind.REJECT, wait=7)),
    ),
    "a version is deleted before a sweep asks for those that were rejected": Schedule(
        endpoints=3,
        part_size=2,
        switches={"creation_events": "each_status", "search_group_names": "absent"},
        disturbances=(
            Disturbance(Kind.REJECT),
            Disturbance(Kind.DELETE_VERSION),
            Disturbance(Kind.DELETE_ALARM, wait=11),
        ),
    ),
    "a version failed its test with a shadow, and goes back to its config without it": Schedule(
        endpoints=2,
        head_start=1,
        policy=1,
        rollout=RolloutKind.LINEAR,
        smoke_test=True,
        companions=Companions.SHADOW,
        disturbances=(Disturbance(Kind.REGISTER_APPROVED, how=1), Disturbance(Kind.DELETE_ALARM, wait=11)),
        denials=(Denial("InvokeEndpoint", nth=3, lasts=4),),
    ),
    "a version that was rejected and cleaned up is approved again, and a later one fails": Schedule(
        head_start=2,
        keep=0,
        config_visible_seconds=2,
        disturbances=(
            Disturbance(Kind.REGISTER_APPROVED),
            Disturbance(Kind.REJECT_LIVE, wait=10),
            Disturbance(Kind.APPROVE_NEWEST, wait=9),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED),
        ),
    ),
    "a late copy of an event is heard of what superseded another version": Schedule(
        seed=1868788170,
        disturbances=(
            Disturbance(Kind.REGISTER_FAILING_APPROVED),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED),
            Disturbance(Kind.REJECT_LIVE, when="Deleting"),
        ),
        faults=(Fault("Publish", 0, FaultKind.SLOW_AFTER, times=4, delay=6),),
    ),
    "a version is rejected in a pause, after a clean-up": Schedule(
        head_start=3, keep=0, disturbances=(Disturbance(Kind.PAUSE), Disturbance(Kind.REJECT_LIVE))
    ),
    "an endpoint is deleted whose settings failed, and a former release makes it again": Schedule(
        head_start=1,
        disturbances=(
            Disturbance(Kind.CHANGE_SETTINGS, how=3),
            Disturbance(Kind.SWEEP, when="Updating"),
            Disturbance(Kind.DELETE_ENDPOINT, when="InService"),
            Disturbance(Kind.REGISTER_APPROVED, wait=11),
        ),
    ),
    "a version's artifact is replaced before the one that serves beside a pinned one is rejected": Schedule(
        seed=8600,
        endpoints=2,
        head_start=2,
        rollout=RolloutKind.CANARY,
        scaling=True,
        companions=Companions.PINNED,
        config_visible_seconds=2,
        disturbances=(
            Disturbance(Kind.DELETE_VERSION, which=5),
            Disturbance(Kind.REGISTER),
            Disturbance(Kind.REGISTER_ALARMING_APPROVED),
            Disturbance(Kind.DELETE_ALARM),
            Disturbance(Kind.REGISTER),
            Disturbance(Kind.SYSTEM_UPDATE, wait=11),
            Disturbance(Kind.REPLACE_ARTIFACT),
            Disturbance(Kind.REJECT_LIVE),
        ),
    ),
    "a topic takes nothing until the reports of many failed versions are owed": Schedule(
        head_start=1,
        disturbances=(Disturbance(Kind.REGISTER_BROKEN_APPROVED, wait=11),) * 9,
        denials=(Denial("Publish", nth=1, lasts=5),),
    ),
    "a version that was cleaned up is approved again, and a rollback fails": Schedule(
        head_start=2,
        rollout=RolloutKind.CANARY,
        keep=0,
        disturbances=(
            Disturbance(Kind.REGISTER_APPROVED, wait=10),
            Disturbance(Kind.REGISTER_APPROVED, wait=11),
            Disturbance(Kind.FAIL_ROLLBACK, wait=7),
            Disturbance(Kind.APPROVE),
        ),
    ),
    "AWS takes an endpoint out of service right before its version is promoted": Schedule(
        seed=471153624,
        head_start=1,
        stages=Stages.APPROVED,
        disturbances=(
            Disturbance(Kind.REGISTER_ALARMING_APPROVED, which=9, how=9),
            Disturbance(Kind.REGISTER_FAILING_APPROVED, wait=3, which=5, how=9),
            Disturbance(Kind.APPROVE_NEWEST, wait=10, which=9),
            Disturbance(Kind.REJECT_LIVE, wait=7, which=6),
            Disturbance(Kind.LIMIT_QUOTA, wait=9, which=8, how=6),
            Disturbance(Kind.OUT_OF_SERVICE, which=4, how=2),
        ),
    ),
    "two approvals of a version come at once, and then a reject and another approval": Schedule(
        seed=2089988899,
        head_start=2,
        rollout=RolloutKind.CANARY,
        keep=0,
        skew=-2,
        stages=Stages.PENDING,
        switches={"creation_events": "each_status"},
        disturbances=(
            Disturbance(Kind.PASS_ON_LIVE, wait=10, which=4, how=4),
            Disturbance(Kind.DELETE_ALARM, wait=3, which=8, how=6),
            Disturbance(Kind.DELETE_ALARM, wait=5, which=9),
            Disturbance(Kind.SET_LIFE_CYCLE, wait=1, which=7, how=4),
            Disturbance(Kind.APPROVE, wait=11, which=1, how=2),
        ),
        faults=(
            Fault(
                "DescribeModelPackage",
                6,
                FaultKind.MEANWHILE,
                meanwhile=Disturbance(Kind.REJECT_LIVE, how=1),
            ),
        ),
    ),
    "a topic takes nothing until the reports of many approvals that do not count are owed": Schedule(
        head_start=1,
        policy=2,
        disturbances=(Disturbance(Kind.REGISTER_APPROVED, wait=11),) * 9,
        denials=(Denial("Publish", nth=1, lasts=5),),
    ),
    "a topic takes nothing until the reports of many versions that may not be read are owed": Schedule(
        head_start=1,
        disturbances=(*(Disturbance(Kind.REGISTER_APPROVED, wait=10),) * 9, Disturbance(Kind.SWEEP, wait=11)),
        denials=(Denial("DescribeModelPackage", nth=4, lasts=5), Denial("Publish", nth=1, lasts=5)),
    ),
    "somebody deletes the config that serves, and its version is rejected before it is made again": Schedule(
        head_start=1,
        switches={"unapproved_package": "create_endpoint_config"},
        disturbances=(Disturbance(Kind.DELETE_CONFIG), Disturbance(Kind.REJECT_LIVE)),
    ),
    "versions are overtaken while their test endpoints are created, and a sweep finds these": Schedule(
        endpoints=3,
        head_start=1,
        smoke_test=True,
        before_rollout=True,
        part_size=2,
        disturbances=(
            *(Disturbance(Kind.REGISTER_BROKEN_APPROVED, wait=9),) * 5,
            Disturbance(Kind.SWEEP, wait=8),
        ),
    ),
    "the release as which a version served was cleaned up, and is made again without success": Schedule(
        seed=358240944,
        endpoints=2,
        head_start=2,
        instances=1,
        alarm_lasts=1,
        smoke_test=True,
        keep=1,
        part_size=2,
        companions=Companions.SEVERAL,
        switches={
            "not_found_names": "arn",
            "busy_scalable_target": "refuse",
            "tried_alarm": "every_name",
            "guarded_variants": "all_at_once",
        },
        disturbances=(
            Disturbance(Kind.REGISTER_APPROVED, wait=5, which=5, how=2),
            Disturbance(Kind.APPROVE, wait=10, which=1, how=1),
            Disturbance(Kind.LIMIT_CAPACITY, wait=5, which=2, how=6),
            Disturbance(Kind.CHANGE_SHAPE, wait=5),
            Disturbance(Kind.REJECT_LIVE, wait=3, which=1, how=6, when="Updating"),
            Disturbance(Kind.REGISTER_FAILING_APPROVED, wait=3, which=7, when="Failed"),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, wait=4, which=6, how=5),
            Disturbance(Kind.DELETE_CONFIG, wait=8, how=4),
            Disturbance(Kind.CHANGE_SETTINGS, wait=1, which=5, how=4),
        ),
        event_lag=2,
    ),
    "people delete the config and the model that serve during an update by SageMaker": Schedule(
        seed=1337770303,
        head_start=2,
        instances=1,
        alarm_lasts=4,
        keep=1,
        part_size=2,
        skew=2,
        disturbances=(
            Disturbance(Kind.DELETE_MODEL, wait=11, how=8),
            Disturbance(Kind.SYSTEM_UPDATE, wait=3, which=6, how=8),
            Disturbance(Kind.REJECT, wait=7, which=1, how=8),
            Disturbance(Kind.DELETE_CONFIG, wait=2, how=1),
        ),
    ),
    "a clean-up goes on with what another pass deleted already": Schedule(
        seed=882424615,
        head_start=1,
        rollout=RolloutKind.CANARY,
        alarm_lasts=4,
        before_rollout=True,
        skew=2,
        disturbances=(
            Disturbance(Kind.REGISTER_ALARMING_APPROVED, wait=10, how=7),
            Disturbance(Kind.REGISTER_APPROVED, wait=11, how=2),
            Disturbance(Kind.REJECT_LIVE, wait=11, how=2),
            Disturbance(Kind.REJECT_LIVE, wait=11, how=5),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, wait=10, how=3),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, wait=10, how=8),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, wait=10, how=9),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, wait=10, how=2),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, wait=10, how=2),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, wait=11, how=2),
            Disturbance(Kind.DELETE_ENDPOINT, wait=7, which=7, how=4),
            Disturbance(Kind.REJECT, wait=4, which=3, how=4),
        ),
        faults=(
            Fault(operation="DeleteModel", nth=1, kind=FaultKind.CRASH_AFTER, times=3, delay=1),
            Fault(
                operation="DeleteItem",
                nth=1,
                kind=FaultKind.MEANWHILE,
                delay=3,
                meanwhile=Disturbance(Kind.DELETE_ENDPOINT, wait=1, which=2, how=7),
            ),
            Fault(operation="DeleteModel", nth=0, kind=FaultKind.TIMEOUT_BEFORE, delay=3),
            Fault(
                operation="ListModelPackages",
                nth=0,
                kind=FaultKind.MEANWHILE,
                delay=6,
                meanwhile=Disturbance(Kind.APPROVE_NEWEST, which=7, how=1),
            ),
        ),
        event_lag=2,
    ),
    "the artifact of an older version is overwritten, and the next look cleans up": Schedule(
        head_start=2,
        keep=0,
        stages=Stages.PENDING,
        disturbances=(Disturbance(Kind.OVERWRITE_ARTIFACT, when="absent"),),
    ),
    "a shadow was chosen, and the endpoint is in a state in which nothing may go out": Schedule(
        policy=1,
        companions=Companions.SHADOW,
        disturbances=(
            Disturbance(Kind.REGISTER_FAILING_APPROVED),
            Disturbance(Kind.APPROVE, wait=10),
            Disturbance(Kind.OUT_OF_SERVICE, wait=9),
            Disturbance(Kind.APPROVE_NEWEST, how=1, when="Deleting"),
        ),
    ),
    "a clean-up is denied while the next version waits for an alarm, and then has more to delete": Schedule(
        head_start=2,
        keep=1,
        rollout=RolloutKind.ALL_AT_ONCE,
        disturbances=(
            Disturbance(Kind.REGISTER_APPROVED),
            Disturbance(Kind.REGISTER_APPROVED, wait=6),
            Disturbance(Kind.REJECT, wait=2, which=2),
            Disturbance(Kind.SWEEP, wait=11),
            Disturbance(Kind.SWEEP, wait=11),
            Disturbance(Kind.SWEEP, wait=11),
        ),
        denials=(Denial("DeleteEndpointConfig", lasts=5),),
    ),
    "a version that serves is deleted while the registry hides it, and no list shows a change": Schedule(
        endpoints=3,
        head_start=1,
        disturbances=(
            Disturbance(Kind.HIDE_VERSION, how=1),
            Disturbance(Kind.DELETE_VERSION),
            Disturbance(Kind.OUT_OF_SERVICE, wait=11),
        ),
    ),
    "S3 shows the artifact of an approved version again, and no event says so": Schedule(
        head_start=2,
        stages=Stages.APPROVED,
        disturbances=(
            Disturbance(Kind.HIDE_ARTIFACTS, wait=11, how=1),
            Disturbance(Kind.REGISTER_APPROVED),
            Disturbance(Kind.SWEEP, wait=11),
            Disturbance(Kind.SWEEP, wait=11),
            Disturbance(Kind.SWEEP, wait=11),
        ),
    ),
    "a late copy of an approval comes once its version was changed and approved again": Schedule(
        seed=1345926435,
        policy=2,
        stages=Stages.PENDING,
        disturbances=(
            Disturbance(Kind.CHANGE_SETTINGS, how=6),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, which=5, how=5),
            Disturbance(Kind.SET_LIFE_CYCLE, wait=4, which=2, how=6),
            Disturbance(Kind.REGISTER),
            Disturbance(Kind.APPROVE, wait=10, which=3, how=1),
            Disturbance(Kind.TAKE_BACK_LIVE, wait=8, which=1, how=5),
            Disturbance(Kind.APPROVE, wait=3, which=3, how=7),
            Disturbance(Kind.REPLACE_LIVE, which=3, how=1),
        ),
        faults=(Fault("Query", 7, FaultKind.TIMEOUT_AFTER, times=4, delay=5),),
        event_faults=(
            EventFault(
                "SageMaker Model Package State Change: PendingManualApproval", 1, EventFaultKind.DOUBLED, 2
            ),
            EventFault("SageMaker Model Package State Change: Approved", 2, EventFaultKind.DOUBLED, 4),
        ),
    ),
    "a version fails on a test endpoint whose name begins with the names of two endpoints": Schedule(
        smoke_test=True,
        before_rollout=True,
        stages=Stages.PENDING,
        disturbances=(
            Disturbance(Kind.REGISTER_BROKEN_APPROVED),
            Disturbance(Kind.REGISTER_FAILING_APPROVED),
            Disturbance(Kind.PASS_ON, which=4),
        ),
    ),
    "a test endpoint whose config is gone answers again, as nobody may delete it": Schedule(
        head_start=1,
        smoke_test=True,
        before_rollout=True,
        disturbances=(
            Disturbance(Kind.REGISTER_FAILING_APPROVED),
            Disturbance(Kind.RETRY, wait=11),
            Disturbance(Kind.RETRY, wait=8),
        ),
        denials=(Denial("DeleteEndpoint", lasts=4),),
    ),
    "a version waits for a quota with its shadow, and has not served without it": Schedule(
        seed=1878923282,
        head_start=1,
        policy=1,
        companions=Companions.SHADOW,
        disturbances=(
            Disturbance(Kind.REGISTER_ALARMING_APPROVED, wait=11, which=4, how=7),
            Disturbance(Kind.REGISTER_APPROVED, wait=7, which=7, how=6, when="SystemUpdating"),
            Disturbance(Kind.REGISTER, wait=4, which=7, how=6),
            Disturbance(Kind.LIMIT_QUOTA, wait=4, which=9, how=9),
            Disturbance(Kind.APPROVE, wait=4, which=8, how=9),
            Disturbance(Kind.OUT_OF_SERVICE, wait=8, which=6, how=5),
        ),
    ),
    "a late copy of a rejected approval's event is heard, and that approval had superseded another": Schedule(
        head_start=2,
        rollout=RolloutKind.ROLLING,
        stages=Stages.APPROVED,
        soak=2,
        disturbances=(
            Disturbance(Kind.REGISTER_ALARMING_APPROVED, wait=1, which=8, how=8),
            Disturbance(Kind.APPROVE, wait=11, which=1, how=2),
            Disturbance(Kind.PASS_ON_LIVE, wait=10, which=9, how=2),
            Disturbance(Kind.CHANGE_SHAPE, wait=10, how=8),
        ),
        faults=(
            Fault("DescribeAlarms", 1, FaultKind.SLOW_AFTER, times=2, delay=6),
            Fault(
                "UpdateModelPackage",
                1,
                FaultKind.MEANWHILE,
                delay=6,
                meanwhile=Disturbance(Kind.REJECT_LIVE, which=8, how=1),
            ),
        ),
    ),
    "a failed version is approved again, and a retry is asked for before the journal hears of it": Schedule(
        seed=1802376419,
        head_start=1,
        disturbances=(
            Disturbance(Kind.CHANGE_SHAPE, how=5),
            Disturbance(Kind.REGISTER_FAILING_APPROVED),
            Disturbance(Kind.RETRY, wait=9),
            Disturbance(Kind.FAIL_SERVICE),
            Disturbance(Kind.SWEEP, wait=11),
            Disturbance(Kind.APPROVE_NEWEST),
            Disturbance(Kind.RETRY, wait=3),
        ),
    ),
    "two looks meet a new version, and one adopts it after the other one's deployment changed it": Schedule(
        seed=2092753917,
        head_start=2,
        policy=2,
        stages=Stages.PENDING,
        disturbances=(Disturbance(Kind.SET_LIFE_CYCLE), Disturbance(Kind.PASS_ON_LIVE, how=1)),
        faults=(Fault("DescribeEndpoint", 2, FaultKind.SLOW_BEFORE, times=2, delay=3),),
    ),
    "only an endpoint that left the settings knows who approved what another one serves": Schedule(
        endpoints=2,
        head_start=2,
        policy=2,
        disturbances=(Disturbance(Kind.REMOVE_SETTINGS), Disturbance(Kind.HAND_OVER)),
        handed_over=4,
        metadata=True,
    ),
}
"""Schedules, reduced, that once broke a law, by the deployer's fault or the law's."""


@pytest.mark.parametrize("found", FOUND)
def test_what_broke_a_law_once_breaks_none_any_more(found: str) -> None:
    assert possible(FOUND[found]) == FOUND[found], "the product refuses its settings"
    judge(FOUND[found])
