"""The laws hold: for schedules of fixed seeds, and for those that Hypothesis thinks of."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings

from tests.simulation.__main__ import replay_command
from tests.simulation.runner import schedule_of
from tests.simulation.sabotages import SABOTAGES
from tests.simulation.schedule import (
    TELLING,
    Companions,
    Denial,
    Disturbance,
    EventFault,
    EventFaultKind,
    Fault,
    FaultKind,
    Gap,
    Kind,
    RolloutKind,
    Schedule,
    Stages,
    possible,
)
from tests.simulation.simulation import simulate
from tests.simulation.strategies import schedules

BATCHES, BATCH = 12, 15
SHORT = 4
"""So many batches of schedules run in `make test`, and all in `make test-all`."""


def judge(schedule: Schedule) -> None:
    result = simulate(schedule)
    assert result.violation is None, (
        f"{result.violation}\n\n{result.story}\n\nReplay it: {replay_command(schedule)}"
    )


@pytest.mark.parametrize(
    "batch",
    [*range(SHORT), *(pytest.param(batch, marks=pytest.mark.long) for batch in range(SHORT, BATCHES))],
)
def test_the_laws_hold_for_a_fixed_series_of_schedules(batch: int) -> None:
    for number in range(batch * BATCH, (batch + 1) * BATCH):
        judge(schedule_of("build", number))


FOUND: Final = {
    "a pass ends a clean-up that another one made, and looks once more": Schedule(
        head_start=1,
        rollout=RolloutKind.CANARY,
        alarm_lasts=3,
        companions=Companions.PINNED,
        disturbances=(
            Disturbance(Kind.REGISTER_ALARMING_APPROVED),
            Disturbance(Kind.REGISTER_APPROVED),
            Disturbance(Kind.CHANGE_SETTINGS, wait=10),
        ),
        faults=(Fault("DeleteModel", 0, FaultKind.SERVER_ERROR_AFTER, times=3, delay=2),),
    ),
    "an invocation goes on while its journal is put back to before it wrote there": Schedule(
        seed=838802709,
        head_start=2,
        rollout=RolloutKind.LINEAR,
        disturbances=(
            Disturbance(Kind.APPROVE, wait=11),
            Disturbance(Kind.RESTORE_JOURNAL, wait=6),
        ),
    ),
    "an update goes back from the mix that a failed rollback left": Schedule(
        rollout=RolloutKind.LINEAR,
        disturbances=(
            Disturbance(Kind.APPROVE),
            Disturbance(Kind.REGISTER_APPROVED, when="absent"),
            Disturbance(Kind.SWEEP, wait=10),
            Disturbance(Kind.FAIL_ROLLBACK),
        ),
    ),
    "a weight was set without an answer, and the settings take it back": Schedule(
        head_start=2,
        companions=Companions.PINNED,
        disturbances=(
            Disturbance(Kind.CHANGE_SETTINGS, how=8),
            Disturbance(Kind.SWEEP, when="Updating"),
            Disturbance(Kind.SWEEP, when="InService"),
            Disturbance(Kind.CHANGE_SETTINGS, wait=7),
        ),
        faults=(Fault("UpdateEndpointWeightsAndCapacities", 0, FaultKind.TIMEOUT_AFTER, times=4, delay=4),),
    ),
    "an invocation may not look at one endpoint's alarms, and saw those of another that fails": Schedule(
        endpoints=3,
        head_start=1,
        rollout=RolloutKind.CANARY,
        companions=Companions.PINNED,
        disturbances=(
            Disturbance(Kind.FAIL_ALARM),
            Disturbance(Kind.REGISTER_APPROVED, when="UpdateRollbackFailed"),
            Disturbance(Kind.RESCALE, wait=11),
        ),
        denials=(Denial("DescribeAlarms", nth=2, lasts=2),),
    ),
    "an approval is taken back at the moment at which the version is registered": Schedule(
        head_start=2,
        disturbances=(
            Disturbance(Kind.REGISTER),
            Disturbance(Kind.REGISTER_ALARMING_APPROVED, wait=11, when="OutOfService"),
            Disturbance(Kind.RETURN_TO_PENDING, which=3),
            Disturbance(Kind.APPROVE, when="absent"),
        ),
    ),
    "a new stack's first list lacks the highest version, which failed beside the one that serves": Schedule(
        head_start=2,
        disturbances=(
            Disturbance(Kind.FAIL_ALARM),
            Disturbance(Kind.REGISTER_ALARMING_APPROVED),
            Disturbance(Kind.CHANGE_SETTINGS, wait=9),
            Disturbance(Kind.REDEPLOY_STACK),
        ),
        gaps=(Gap("ListModelPackages", times=2),),
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
    "a crash once an abort is settled": Schedule(
        head_start=1,
        rollout=RolloutKind.ROLLING,
        disturbances=(
            Disturbance(Kind.CHANGE_SETTINGS, how=1),
            Disturbance(Kind.REJECT_LIVE, wait=6),
            Disturbance(Kind.RESET_ALARM, wait=8),
        ),
        faults=(Fault("PutEvents", 1, FaultKind.CRASH_AFTER, times=4),),
    ),
    "one pass reads that an alarm is a person's while another may not look at it": Schedule(
        head_start=2,
        rollout=RolloutKind.ALL_AT_ONCE,
        disturbances=(
            Disturbance(Kind.FOREIGN_ALARM, how=2),
            Disturbance(Kind.CHANGE_SHAPE, how=4),
            Disturbance(Kind.APPROVE),
        ),
        denials=(Denial("DescribeAlarms", nth=1, lasts=1),),
    ),
    "much failed before an endpoint was deleted, and what had served is long ago": Schedule(
        head_start=1,
        keep=1,
        stages=Stages.PENDING,
        disturbances=(
            Disturbance(Kind.LIMIT_QUOTA),
            *(Disturbance(Kind.REGISTER_APPROVED, wait=10),) * 4,
            Disturbance(Kind.REJECT, wait=10),
            Disturbance(Kind.DELETE_ENDPOINT, wait=10),
            Disturbance(Kind.SWEEP, wait=8),
        ),
    ),
    "the journal denies to note what SageMaker accepted until it is rolled back": Schedule(
        head_start=1,
        disturbances=(
            Disturbance(Kind.REGISTER_BROKEN_APPROVED),
            Disturbance(Kind.SWEEP, wait=11),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, wait=11),
        ),
        denials=(Denial("UpdateItem", lasts=5),),
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
    "a rollback under an alarm is seen late, and the next update waits from then": Schedule(
        seed=1898791083,
        rollout=RolloutKind.CANARY,
        instances=2,
        alarm_lasts=4,
        part_size=2,
        companions=Companions.PINNED,
        disturbances=(
            Disturbance(Kind.CHANGE_SETTINGS, wait=11, which=1, how=7),
            Disturbance(Kind.REGISTER_ALARMING_APPROVED, wait=4, which=2),
            Disturbance(Kind.DELETE_VERSION, wait=9, which=4, how=4),
            Disturbance(Kind.REGISTER, wait=4, which=6, how=3),
            Disturbance(Kind.OUT_OF_SERVICE, wait=1, which=1, how=4),
            Disturbance(Kind.REGISTER, wait=9, which=9, how=9),
            Disturbance(Kind.LIFT_CAPACITY, wait=2, which=8, how=5),
            Disturbance(Kind.REGISTER_ALARMING_APPROVED, wait=1, which=5, how=6),
            Disturbance(Kind.LIMIT_CAPACITY, wait=3, which=6, how=3),
            Disturbance(Kind.DELETE_VERSION, wait=11, which=9),
            Disturbance(Kind.RETURN_TO_SERVICE, wait=2, which=5, how=9, when="OutOfService"),
            Disturbance(Kind.REGISTER_APPROVED, wait=9, which=4, how=8),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, wait=11, which=1, how=6),
            Disturbance(Kind.REJECT, wait=10, which=7, how=6),
        ),
        denials=(Denial("Query", lasts=5),),
    ),
    "an end is noted, and its beginning told late": Schedule(
        head_start=1,
        smoke_test=True,
        disturbances=(
            Disturbance(Kind.CHANGE_SETTINGS, how=6),
            Disturbance(Kind.CHANGE_SETTINGS, wait=8, how=8),
        ),
        faults=(Fault("UpdateItem", 1, FaultKind.SLOW_AFTER, times=2, delay=3),),
    ),
    "a retry fails under an alarm that is on": Schedule(
        rollout=RolloutKind.CANARY,
        disturbances=(
            Disturbance(Kind.REGISTER_ALARMING_APPROVED),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, wait=10),
            Disturbance(Kind.LIMIT_QUOTA),
            Disturbance(Kind.APPROVE),
            Disturbance(Kind.SYSTEM_UPDATE, wait=7),
        ),
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
    "a rollout ends in spite of its abort, and what it brought is to go at once": Schedule(
        head_start=1,
        rollout=RolloutKind.CANARY,
        switches={"set_alarm_state": "until_evaluated"},
        disturbances=(
            Disturbance(Kind.REGISTER_APPROVED),
            *(Disturbance(Kind.SWEEP, wait=wait) for wait in (10, 8, 8, 7, 7)),
            Disturbance(Kind.REJECT, wait=6, which=1),
        ),
    ),
    "alarms may not be read after an abort": Schedule(
        head_start=1,
        rollout=RolloutKind.CANARY,
        disturbances=(
            Disturbance(Kind.CHANGE_SETTINGS, how=8),
            Disturbance(Kind.REJECT_LIVE, wait=6),
            Disturbance(Kind.REGISTER_ALARMING_APPROVED),
            Disturbance(Kind.LIFT_CAPACITY, wait=8),
        ),
        denials=(Denial("ListTagsForResource", 5, lasts=5),),
    ),
    "a look fails while another one is under way": Schedule(
        head_start=1,
        config_visible_seconds=2,
        disturbances=(Disturbance(Kind.REGISTER_APPROVED), Disturbance(Kind.SWEEP, when="Updating")),
        switches={"creation_events": "each_status", "tried_alarm": "every_name"},
        faults=(Fault("UpdateEndpoint", 0, FaultKind.TIMEOUT_AFTER, times=3),),
    ),
    "SageMaker goes back on a weight, and an approval waits for the endpoint's rest": Schedule(
        head_start=2,
        companions=Companions.PINNED,
        disturbances=(
            Disturbance(Kind.CHANGE_SETTINGS, how=8),
            Disturbance(Kind.SWEEP, when="Updating"),
            Disturbance(Kind.SWEEP, when="InService"),
            Disturbance(Kind.SWEEP, wait=8),
            Disturbance(Kind.FAIL_ROLLBACK),
            Disturbance(Kind.APPROVE),
        ),
    ),
    "SageMaker goes back on a weight, and a crash kept that it was asked for from the journal": Schedule(
        head_start=2,
        companions=Companions.PINNED,
        disturbances=(
            Disturbance(Kind.CHANGE_SETTINGS, how=8),
            Disturbance(Kind.SWEEP, when="Updating"),
            Disturbance(Kind.SWEEP, when="InService"),
            Disturbance(Kind.SWEEP, wait=8),
            Disturbance(Kind.FAIL_ROLLBACK),
            Disturbance(Kind.APPROVE),
        ),
        faults=(Fault("UpdateEndpointWeightsAndCapacities", 0, FaultKind.CRASH_AFTER),),
    ),
    "one endpoint's look fails, and the note that another one rests is denied": Schedule(
        endpoints=2,
        head_start=1,
        disturbances=(
            Disturbance(Kind.REGISTER_APPROVED),
            Disturbance(Kind.CHANGE_SETTINGS, wait=7, how=2),
            Disturbance(Kind.SWEEP, wait=10),
        ),
        event_faults=(
            EventFault("Parameter Store Change", 0, EventFaultKind.LOST),
            EventFault("SageMaker Endpoint State Change", 2, EventFaultKind.LOST),
        ),
        denials=(Denial("PutItem", 4, lasts=5),),
    ),
    "a slow invocation makes an endpoint for the first time after its settings were removed": Schedule(
        disturbances=(
            Disturbance(Kind.MEND_MODEL, wait=11),
            Disturbance(Kind.APPROVE_NEWEST),
            Disturbance(Kind.REMOVE_SETTINGS, wait=7),
        ),
        faults=(Fault("DescribeModelPackage", 0, FaultKind.SLOW_BEFORE, delay=3),),
    ),
    "the approval of what serves brings the first look of a new stack, and its update fails": Schedule(
        head_start=2,
        disturbances=(
            Disturbance(Kind.REDEPLOY_STACK),
            Disturbance(Kind.APPROVE_NEWEST),
            Disturbance(Kind.FAIL_SERVICE, wait=6),
        ),
    ),
    "two invocations decide while a version is approved again": Schedule(
        endpoints=2,
        head_start=1,
        disturbances=(
            Disturbance(Kind.REDEPLOY_STACK),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED),
            Disturbance(Kind.REJECT_LIVE, wait=10),
        ),
        faults=(
            Fault(
                "CreateEndpointConfig",
                2,
                FaultKind.MEANWHILE,
                delay=5,
                meanwhile=Disturbance(Kind.APPROVE, wait=7, which=4, how=4),
            ),
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
    "the journal denies to note which endpoints rest after a look that failed": Schedule(
        endpoints=2,
        head_start=2,
        keep=1,
        disturbances=(Disturbance(Kind.CHANGE_SETTINGS, how=2), Disturbance(Kind.CHANGE_SETTINGS, wait=11)),
        denials=(Denial("PutItem", nth=1, lasts=5), Denial("Publish", lasts=3, elsewhere=True)),
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
    "a person makes an alarm while an invocation waits for its look at alarms": Schedule(
        endpoints=3,
        rollout=RolloutKind.LINEAR,
        disturbances=(Disturbance(Kind.APPROVE_NEWEST), Disturbance(Kind.APPROVE_NEWEST, wait=10)),
        faults=(
            Fault(
                "DescribeAlarms",
                3,
                FaultKind.MEANWHILE,
                delay=3,
                meanwhile=Disturbance(Kind.FOREIGN_ALARM, how=9),
            ),
            Fault("DescribeAlarms", 0, FaultKind.SLOW_AFTER, times=2, delay=3),
        ),
    ),
    "the journal is lost between an attempt and the config that it makes": Schedule(
        seed=720913811,
        head_start=1,
        disturbances=(
            Disturbance(Kind.CHANGE_SHAPE, wait=10, how=4),
            Disturbance(Kind.CHANGE_SHAPE, wait=4),
            Disturbance(Kind.UPDATE_METADATA, wait=5),
            Disturbance(Kind.LOSE_JOURNAL),
        ),
    ),
    "the journal is lost, and the settings are removed before the next look": Schedule(
        head_start=1,
        rollout=RolloutKind.CANARY,
        disturbances=(
            Disturbance(Kind.LOSE_JOURNAL),
            Disturbance(Kind.REGISTER_BROKEN, wait=2, when="InService"),
            Disturbance(Kind.REMOVE_SETTINGS),
        ),
    ),
    "a rollback fails after the journal was lost": Schedule(
        head_start=2,
        disturbances=(
            Disturbance(Kind.LOSE_JOURNAL),
            Disturbance(Kind.FAIL_ROLLBACK, which=4, how=1, when="InService"),
            Disturbance(Kind.HAND_OVER, wait=4),
            Disturbance(Kind.APPROVE, wait=2, which=1, how=6),
            Disturbance(Kind.REMOVE_SETTINGS, wait=10, which=5, how=1),
        ),
        handed_over=2,
    ),
    "two invocations at once tell what a restored journal does not have as told": Schedule(
        seed=161378324,
        endpoints=2,
        head_start=1,
        policy=1,
        config_visible_seconds=2,
        disturbances=(
            Disturbance(Kind.REGISTER_FAILING_APPROVED, when="InService"),
            Disturbance(Kind.CHANGE_SETTINGS, wait=5, which=2),
            Disturbance(Kind.REJECT_LIVE, wait=2, which=4, how=2),
            Disturbance(Kind.RESTORE_JOURNAL, wait=6, how=4),
            Disturbance(Kind.APPROVE, wait=5, which=5, how=7),
            Disturbance(Kind.APPROVE_NEWEST, wait=5, how=3),
        ),
    ),
    "a version is approved again while an older approval goes out, long after the journal was lost": Schedule(
        seed=1556886457,
        head_start=2,
        disturbances=(
            Disturbance(Kind.LOSE_JOURNAL),
            Disturbance(Kind.CHANGE_SETTINGS),
            Disturbance(Kind.REGISTER_ALARMING_APPROVED, wait=7, which=2, how=9),
            Disturbance(Kind.REGISTER_BROKEN, wait=6, which=8, how=2),
            Disturbance(Kind.APPROVE, wait=2, which=1, how=6),
        ),
        faults=(Fault("PutItem", 0, FaultKind.TIMEOUT_BEFORE, times=4, delay=3),),
        handed_over=2,
    ),
    "the settings that came with the loss of the journal fail with the version that serves": Schedule(
        seed=579935538,
        head_start=2,
        disturbances=(
            Disturbance(Kind.CHANGE_SETTINGS, how=3),
            Disturbance(Kind.LOSE_JOURNAL),
            Disturbance(Kind.APPROVE_NEWEST, which=2, how=8),
        ),
    ),
    "what serves was approved again since the restored journal, which knows it": Schedule(
        seed=1617863026,
        head_start=2,
        disturbances=(
            Disturbance(Kind.REGISTER_FAILING_APPROVED, wait=5, which=8, how=8),
            Disturbance(Kind.APPROVE, wait=9, which=9, how=3),
            Disturbance(Kind.FAIL_SERVICE, wait=10, which=3, when="InService"),
            Disturbance(Kind.LIFT_CAPACITY, wait=3, which=6, how=9),
            Disturbance(Kind.RESCALE, which=8),
            Disturbance(Kind.DELETE_ALARM, wait=11, how=2),
            Disturbance(Kind.REGISTER, wait=2, which=5, how=6),
            Disturbance(Kind.RESTORE_JOURNAL, which=1, how=6),
        ),
        event_lag=-3,
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
    "a restored journal knows that what serves was rejected, and not that it was approved again": Schedule(
        seed=1617863026,
        head_start=2,
        smoke_test=True,
        disturbances=(
            Disturbance(Kind.REJECT, wait=8, which=4, how=1),
            Disturbance(Kind.REGISTER_FAILING_APPROVED, wait=5, which=8, how=8),
            Disturbance(Kind.APPROVE, wait=9, which=9, how=3),
            Disturbance(Kind.FAIL_SERVICE, wait=10, which=3, when="InService"),
            Disturbance(Kind.LIFT_CAPACITY, wait=3, which=6, how=9),
            Disturbance(Kind.RESCALE, which=8),
            Disturbance(Kind.DELETE_ALARM, wait=11, how=2),
            Disturbance(Kind.REGISTER, wait=2, which=5, how=6),
            Disturbance(Kind.RESTORE_JOURNAL, which=1, how=6),
        ),
        event_lag=-3,
    ),
    "a stack is deployed again during an update, and its journal put back to before its first look": Schedule(
        head_start=2,
        disturbances=(
            Disturbance(Kind.REGISTER_FAILING_APPROVED),
            Disturbance(Kind.REDEPLOY_STACK, wait=8),
            Disturbance(Kind.FOREIGN_ALARM),
            Disturbance(Kind.RESTORE_JOURNAL, wait=6),
        ),
    ),
    "a lost journal forgot a scaling registration, and the variant gets another name": Schedule(
        head_start=1,
        scaling=True,
        disturbances=(Disturbance(Kind.LOSE_JOURNAL), Disturbance(Kind.CHANGE_SHAPE, how=5)),
    ),
    "an endpoint is deleted while its smoke test begins, and the test's calls get no answer": Schedule(
        seed=2126216070,
        head_start=2,
        smoke_test=True,
        disturbances=(Disturbance(Kind.REGISTER_APPROVED), Disturbance(Kind.DELETE_ENDPOINT, wait=9)),
    ),
    "a version is rejected in a pause, after a clean-up": Schedule(
        head_start=3, keep=0, disturbances=(Disturbance(Kind.PAUSE), Disturbance(Kind.REJECT_LIVE))
    ),
    "a journal is lost in the middle of a pass, which still notes what it saw": Schedule(
        seed=2,
        head_start=1,
        disturbances=(
            Disturbance(Kind.REGISTER_ALARMING_APPROVED),
            Disturbance(Kind.LOSE_JOURNAL, wait=9),
            Disturbance(Kind.REJECT_LIVE, when="RollingBack"),
        ),
    ),
    "everything is rejected that a lost journal heard of again, and somebody's alarm goes": Schedule(
        head_start=1,
        rollout=RolloutKind.ALL_AT_ONCE,
        disturbances=(
            Disturbance(Kind.REGISTER_APPROVED),
            Disturbance(Kind.FOREIGN_ALARM),
            Disturbance(Kind.REJECT_LIVE),
            Disturbance(Kind.LOSE_JOURNAL),
            Disturbance(Kind.APPROVE_NEWEST, wait=9),
            Disturbance(Kind.REJECT, which=3),
        ),
    ),
    "a variant's scaling changes and may not lose its old actions, and the settings go back": Schedule(
        head_start=1,
        scaling=True,
        disturbances=(
            Disturbance(Kind.CHANGE_SETTINGS, how=1),
            Disturbance(Kind.SWEEP, when="Updating"),
            Disturbance(Kind.SWEEP, when="InService"),
            Disturbance(Kind.CHANGE_SETTINGS, wait=4),
        ),
        denials=(Denial("DeleteScheduledAction", lasts=4, elsewhere=True),),
    ),
    "a version that sets off alarms came into service by a creation, and a new stack updates to it": Schedule(
        seed=848188473,
        rollout=RolloutKind.ALL_AT_ONCE,
        disturbances=(
            Disturbance(Kind.REGISTER_ALARMING_APPROVED),
            Disturbance(Kind.REDEPLOY_STACK, wait=11),
        ),
    ),
    "a journal is put back while an update waits for its alarm, and another takes its number": Schedule(
        head_start=1,
        rollout=RolloutKind.CANARY,
        handed_over=3,
        disturbances=(
            Disturbance(Kind.HAND_OVER),
            Disturbance(Kind.RAISE_ALARM, wait=8),
            Disturbance(Kind.RESTORE_JOURNAL, how=7),
            Disturbance(Kind.REGISTER_FAILING_APPROVED),
            Disturbance(Kind.RESCALE, wait=10, which=8),
        ),
        faults=(Fault("SetAlarmState", 0, FaultKind.SLOW_BEFORE, times=3, delay=4),),
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
    "a journal is put back to before a stack was deployed again, which took what served for new": Schedule(
        head_start=1,
        disturbances=(
            Disturbance(Kind.REGISTER_APPROVED),
            Disturbance(Kind.REDEPLOY_STACK, wait=8),
            Disturbance(Kind.FOREIGN_ALARM, wait=10),
            Disturbance(Kind.RESTORE_JOURNAL, how=2),
        ),
    ),
    "a look fails before the journal is lost, and again after that": Schedule(
        disturbances=(
            Disturbance(Kind.REGISTER_APPROVED),
            Disturbance(Kind.LOSE_JOURNAL, wait=10),
            Disturbance(Kind.REGISTER, wait=11),
        ),
        denials=(Denial("DescribeEndpoint", lasts=5),),
    ),
    "another version goes back at once after an abort, and the next one comes within five minutes": Schedule(
        rollout=RolloutKind.CANARY,
        companions=Companions.PINNED,
        disturbances=(
            Disturbance(Kind.APPROVE_NEWEST),
            Disturbance(Kind.REGISTER_APPROVED, which=5, how=3),
            Disturbance(Kind.REJECT, wait=2, which=3, how=7),
            Disturbance(Kind.FAIL_ALARM, wait=10, which=1),
            Disturbance(Kind.RESCALE, wait=11, how=2),
            Disturbance(Kind.APPROVE_NEWEST, wait=3, which=3, how=7),
            Disturbance(Kind.LIFT_CAPACITY, wait=8, which=9, how=7),
            Disturbance(Kind.REJECT_LIVE, wait=2, which=9, how=2),
            Disturbance(Kind.REGISTER_ALARMING_APPROVED, wait=8, which=6, how=6),
        ),
    ),
    "two invocations look at an endpoint for the first time at once, each with another version": Schedule(
        seed=1422465613,
        endpoints=3,
        head_start=1,
        alarm_lasts=3,
        smoke_test=True,
        keep=0,
        part_size=1,
        skew=-2,
        config_visible_seconds=2,
        switches={
            "package_environment": "merge",
            "return_to_pending": "refuse",
            "unpulled_image": "named_after_space",
        },
        disturbances=(
            Disturbance(Kind.RESTORE_JOURNAL, wait=8, which=7, how=6),
            Disturbance(Kind.REGISTER, wait=2, how=9),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, wait=3, which=4, how=6),
            Disturbance(Kind.REGISTER_BROKEN_APPROVED, how=8),
            Disturbance(Kind.REJECT_LIVE, wait=1, which=1, how=4),
            Disturbance(Kind.SWEEP, wait=7, which=1, how=3),
            Disturbance(Kind.REJECT, wait=7, which=4, how=4),
            Disturbance(Kind.REJECT, wait=8, which=4, how=4),
            Disturbance(Kind.REDEPLOY_STACK, wait=2, how=2),
            Disturbance(Kind.APPROVE_NEWEST, wait=10, which=2, how=6),
            Disturbance(Kind.REGISTER_ELSEWHERE, wait=2, which=1),
        ),
        denials=(Denial(operation="PutEvents", nth=3),),
    ),
    "an event reports an approval to a journal that was lost while its invocation ran": Schedule(
        seed=1383391934,
        rollout=RolloutKind.LINEAR,
        alarm_lasts=3,
        smoke_test=True,
        keep=0,
        part_size=1,
        skew=-2,
        config_visible_seconds=2,
        disturbances=(
            Disturbance(Kind.REGISTER, wait=9, which=3, how=6),
            Disturbance(Kind.SWEEP, wait=8, which=2, how=4),
            Disturbance(Kind.PAUSE, wait=10),
            Disturbance(Kind.CHANGE_SHAPE, wait=11, how=7),
            Disturbance(Kind.RESCALE, wait=11, which=5, how=2),
            Disturbance(Kind.LOSE_JOURNAL, wait=11, which=9, how=3),
            Disturbance(Kind.APPROVE, wait=4, which=7, how=6),
            Disturbance(Kind.REGISTER_FAILING_APPROVED, wait=1, which=5, how=9),
            Disturbance(Kind.REGISTER_FAILING_APPROVED, wait=2, how=1),
            Disturbance(Kind.PAUSE, wait=6, which=1, how=4),
            Disturbance(Kind.LOSE_JOURNAL, wait=2, which=6, how=7),
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
}
"""Reduced findings of long runs: schedules that once broke a law, by the deployer's fault or the law's."""


@pytest.mark.parametrize("found", FOUND)
def test_what_broke_a_law_once_breaks_none_any_more(found: str) -> None:
    judge(FOUND[found])


def test_no_schedule_has_settings_that_are_refused() -> None:
    drawn = (schedule_of("possible", number) for number in range(400))
    known = (each.known for each in SABOTAGES if each.known is not None)
    for schedule in (*drawn, *known, *FOUND.values()):
        assert possible(schedule) == schedule


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("operation", [TELLING, "PutEvents"])
@pytest.mark.parametrize(
    "kind", [kind for kind in FaultKind if kind not in {FaultKind.STALE, FaultKind.MEANWHILE}]
)
def test_the_laws_hold_whatever_a_channel_does_to_what_it_is_told(
    kind: FaultKind, operation: str, times: int
) -> None:
    """Four times in a row is longer than botocore repeats a call."""
    rollout = (Disturbance(Kind.REGISTER_APPROVED), Disturbance(Kind.SWEEP, wait=8))
    for nth in range(3):
        fault = Fault(operation, nth, kind, times=times, delay=2)
        judge(Schedule(head_start=1, disturbances=rollout, faults=(fault,)))


DRAWN: Final = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


@settings(DRAWN, max_examples=20)
@given(schedules())
def test_the_laws_hold_for_whatever_hypothesis_thinks_of(schedule: Schedule) -> None:
    judge(schedule)


@pytest.mark.long
@settings(DRAWN, max_examples=150)
@given(schedules())
def test_the_laws_hold_for_whatever_hypothesis_thinks_of_when_it_may_think_longer(schedule: Schedule) -> None:
    judge(schedule)
