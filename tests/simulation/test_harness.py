"""The simulation itself is deterministic; faults are really injected, disturbances really done."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import permutations
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given, settings

from local_cloud.sagemaker.ports import AlarmState
from local_cloud.sagemaker.switch_settings import SetAlarmState
from local_cloud.testing.virtual_clock import VirtualClock
from tests.simulation import clients, coverage
from tests.simulation.people import _OF_SAGEMAKER, _PERSONAL
from tests.simulation.runner import schedule_of
from tests.simulation.schedule import (
    ALARM_LASTS,
    EVENTS,
    SHAPES,
    SWITCH_SETTINGS,
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
    Shape,
    Stages,
    draw,
    drawn_switches,
    with_shapes,
)
from tests.simulation.shrink import _smallest
from tests.simulation.simulation import simulate
from tests.simulation.strategies import schedules
from tests.simulation.tasks import Agenda
from tests.simulation.world import PAGES_OF_A_CALL, Call, EndlessError, World

REGISTERED = Schedule(disturbances=(Disturbance(Kind.REGISTER_APPROVED), Disturbance(Kind.SWEEP, wait=8)))
"""One version is registered as Approved, while nothing goes wrong; a sweep follows."""


def story(schedule: Schedule) -> list[str]:
    result = simulate(schedule, tell=True)
    assert result.violation is None, result.story
    return result.story.splitlines()


def told_of(lines: list[str], who: str) -> list[str]:
    """Return the actions of one of the story's actors, in order."""
    return [line[21:] for line in lines if line[12:].split()[0] == who]


def headlines(lines: list[str]) -> list[str]:
    """Return what the mails' subjects said of the endpoint, in order.

    A subject says in words what happened. It does not name the kind of outcome, as the events do.
    """
    return [line.partition("  churn: ")[2] for line in lines if " Publish  churn: " in line]


def with_fault(kind: FaultKind, operation: str = "CreateModel", **changes: object) -> Schedule:
    fault = Fault(operation, 0, kind)
    return replace(REGISTERED, faults=(replace(fault, **changes),))  # type: ignore[arg-type] # Fault's fields


@pytest.mark.parametrize("number", range(4))
def test_equal_schedules_give_equal_stories_byte_for_byte(number: int) -> None:
    schedule = schedule_of("determinism", number)

    assert simulate(schedule, tell=True).story == simulate(schedule, tell=True).story


def test_the_seed_decides_who_runs_when() -> None:
    assert story(replace(REGISTERED, seed=1)) != story(replace(REGISTERED, seed=2))


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(schedules())
def test_a_schedule_survives_being_printed_and_read(schedule: Schedule) -> None:
    assert Schedule.from_json(schedule.to_json()) == schedule


def test_a_drawn_schedule_survives_being_printed_and_read() -> None:
    for number in range(50):
        schedule = schedule_of("printing", number)
        assert Schedule.from_json(schedule.to_json()) == schedule


def test_what_is_no_schedule_is_refused() -> None:
    with pytest.raises(ValueError, match="no schedule"):
        Schedule.from_json('{"seeds": 1}')


def test_every_switch_is_drawn_in_every_setting() -> None:
    drawn = {pair for number in range(1500) for pair in schedule_of("switches", number).switches.items()}

    assert drawn == {(name, value) for name, values in SWITCH_SETTINGS.items() for value in values}


def test_one_more_switch_leaves_the_others_as_they_were_drawn() -> None:
    more = {"a_new_one": ("on", "off"), **SWITCH_SETTINGS, "and_another": ("on", "off")}
    for seed in range(300):
        drawn = drawn_switches(seed, more)
        known = {name: value for name, value in drawn.items() if name in SWITCH_SETTINGS}
        assert known == drawn_switches(seed)
    assert any("a_new_one" in drawn_switches(seed, more) for seed in range(300))


def test_of_a_series_nothing_but_a_seed_is_drawn_for_a_schedule() -> None:
    """So that an additional part of schedules leaves later draws unchanged."""
    used, fresh = Random(1), Random(1)  # noqa: S311 - equal seeds must give equal schedules
    seed = draw(used).seed

    assert seed == fresh.randrange(1, 2**31)
    assert used.random() == fresh.random()


def test_every_kind_of_disturbance_means_something() -> None:
    assert _PERSONAL.keys() | _OF_SAGEMAKER.keys() == set(Kind)
    assert not _PERSONAL.keys() & _OF_SAGEMAKER.keys()


def test_equal_times_keep_their_order() -> None:
    clock = VirtualClock()
    agenda, done = Agenda(clock), list[str]()
    agenda.put(2, lambda: done.append("third"))
    agenda.put(1, lambda: done.append("first"))
    agenda.put(1, lambda: done.append("second"))
    while agenda.next_due() is not None:
        agenda.run_next()

    assert done == ["first", "second", "third"]


def test_several_invocations_run_between_each_others_calls() -> None:
    """Two sweeps at once: neither is over before the other has begun."""
    sweeps = (Disturbance(Kind.SWEEP), Disturbance(Kind.SWEEP))
    lines = story(Schedule(head_start=1, disturbances=sweeps))
    actors = [line[12:].split()[0] for line in lines if " ListEndpoints " in line or " Query " in line]

    assert any(
        actors[index : index + 4] == [a, b, a, b]
        for index in range(len(actors))
        for a in actors
        for b in actors
        if a != b
    )


def test_a_disturbance_waits_for_the_status_that_it_is_to_meet() -> None:
    met = Disturbance(Kind.SWEEP, when="Updating")
    result = simulate(Schedule(head_start=1, disturbances=(Disturbance(Kind.SYSTEM_UPDATE), met)))
    assert ("endpoint Updating", "sweep") not in result.coverage

    rescale = Disturbance(Kind.RESCALE)
    result = simulate(Schedule(head_start=1, disturbances=(rescale, met)))
    assert ("endpoint Updating", "sweep") in result.coverage


# Faults of calls -------------------------------------------------------------------------------------


def test_without_a_fault_the_model_is_created_once() -> None:
    lines = story(REGISTERED)

    assert [line for line in lines if " CreateModel " in line and "200" in line]
    assert not [line for line in lines if " fault " in line]


def test_a_crash_before_a_call_keeps_it_from_taking_effect_and_ends_the_invocation() -> None:
    lines = told_of(story(with_fault(FaultKind.CRASH_BEFORE)), "i3")

    assert not [line for line in lines if line.startswith("CreateModel")]
    assert lines[-1].startswith("failed: CrashError")


def test_a_crash_after_a_call_lets_it_take_effect_and_ends_the_invocation() -> None:
    lines = told_of(story(with_fault(FaultKind.CRASH_AFTER)), "i3")

    assert lines[-2].startswith("CreateModel")
    assert "200 [crash after]" in lines[-2]
    assert lines[-1].startswith("failed: CrashError")


def test_a_failed_invocation_is_repeated_by_lambda_under_the_same_id() -> None:
    lines = story(with_fault(FaultKind.CRASH_BEFORE, "Query", times=9))

    assert told_of(lines, "i3'")[0].startswith("invoked")
    assert told_of(lines, "i3''")[0].startswith("invoked")
    assert not told_of(lines, "i3'''")


def test_a_timeout_before_a_call_keeps_it_from_taking_effect_and_botocore_repeats_it() -> None:
    lines = [
        line for line in told_of(story(with_fault(FaultKind.TIMEOUT_BEFORE)), "i3") if "CreateModel" in line
    ]

    assert len(lines) == 1
    assert "200" in lines[0]


def test_a_timeout_after_a_call_loses_only_its_answer() -> None:
    lines = [
        line for line in told_of(story(with_fault(FaultKind.TIMEOUT_AFTER)), "i3") if "CreateModel" in line
    ]

    assert "200 [timeout after]" in lines[0]
    assert "already existing model" in lines[1]


def test_throttling_is_repeated_and_outlives_botocore_when_it_lasts() -> None:
    read = "DescribeModelPackage"
    once = told_of(story(with_fault(FaultKind.THROTTLED, read)), "i3")
    lasting = told_of(story(with_fault(FaultKind.THROTTLED, read, times=3)), "i3")

    assert once[-1] == "done"
    assert "ThrottlingException" in lasting[-1]


@pytest.mark.parametrize(
    ("kind", "times"), [(FaultKind.SERVER_ERROR_BEFORE, 1), (FaultKind.SERVER_ERROR_AFTER, 2)]
)
def test_a_server_error_comes_before_or_after_the_effect(kind: FaultKind, times: int) -> None:
    lines = [line for line in told_of(story(with_fault(kind)), "i3") if "CreateModel" in line]

    assert len(lines) == times


@pytest.mark.parametrize("kind", [FaultKind.SLOW_BEFORE, FaultKind.SLOW_AFTER])
def test_an_invocation_that_is_too_slow_is_ended(kind: FaultKind) -> None:
    quick = told_of(story(with_fault(kind, delay=0)), "i3")
    slow = told_of(story(with_fault(kind, delay=5)), "i3")

    assert quick[-1] == "done"
    assert slow[-2].startswith("is over its time limit")


def test_a_slow_call_takes_effect_late_or_is_answered_late() -> None:
    before = story(with_fault(FaultKind.SLOW_BEFORE, delay=2))
    after = story(with_fault(FaultKind.SLOW_AFTER, delay=2))

    def time_of(lines: list[str], what: str) -> float:
        return next(float(line[:10]) for line in lines if f" i3       {what} " in line)

    assert time_of(before, "CreateModel") - time_of(after, "CreateModel") == pytest.approx(60)
    assert time_of(after, "CreateEndpointConfig") - time_of(after, "CreateModel") > 60


@pytest.mark.parametrize("operation", ["DescribeEndpoint", "ListEndpoints"])
def test_a_stale_read_answers_what_was_before_the_last_change(operation: str) -> None:
    disturbances = (
        Disturbance(Kind.CHANGE_SETTINGS, how=1),
        Disturbance(Kind.SWEEP, wait=6),
        Disturbance(Kind.SWEEP, wait=6),
    )
    faults = tuple(Fault(operation, nth, FaultKind.STALE) for nth in range(9))
    lines = story(Schedule(head_start=1, disturbances=disturbances, faults=faults))

    assert [line for line in lines if f" {operation} " in line and "[stale]" in line]


def test_a_stale_read_counts_as_reached_only_if_it_was_answered_from_the_past() -> None:
    stale = (Fault("DescribeEndpoint", 0, FaultKind.STALE),)
    fresh = Schedule(head_start=1, disturbances=(Disturbance(Kind.SWEEP),), faults=stale)
    changed = replace(fresh, disturbances=(Disturbance(Kind.SYSTEM_UPDATE), Disturbance(Kind.SWEEP, wait=5)))

    assert ("DescribeEndpoint", "stale") not in simulate(fresh).coverage
    assert ("DescribeEndpoint", "stale") in simulate(changed).coverage


def test_what_happens_meanwhile_happens_right_before_the_call() -> None:
    schedule = with_fault(FaultKind.MEANWHILE, "CreateEndpoint", meanwhile=Disturbance(Kind.REJECT))
    lines = story(schedule)
    rejected = next(index for index, line in enumerate(lines) if "UpdateModelPackage" in line)

    assert " CreateEndpoint " in lines[rejected + 2]


NOT_YET: Final = "is not live yet."
"""A headline says so of a version that waits for a permission."""


def denied(lines: list[str]) -> list[int]:
    """Return which lines of a story are calls that were denied."""
    return [index for index, line in enumerate(lines) if line.endswith("[denied]")]


@pytest.mark.parametrize(
    ("elsewhere", "action"), [(False, "sagemaker:CreateModel"), (True, "iam:PassRole")], ids=str
)
def test_an_action_is_denied_for_a_while(*, elsewhere: bool, action: str) -> None:
    """A deployment waits some seconds for a permission, and is made again later if that was too short."""
    quick, slow = (
        story(replace(REGISTERED, denials=(Denial("CreateModel", lasts=lasts, elsewhere=elsewhere),)))
        for lasts in (0, 2)
    )

    assert [line for line in slow if f"perform: {action} on" in line]
    assert not [told for told in headlines(quick) if NOT_YET in told]
    assert len([told for told in headlines(slow) if NOT_YET in told]) == 1
    assert any("v2 serves." in told for told in headlines(quick))
    assert any("v2 serves." in told for told in headlines(slow))
    assert 0 < len(denied(quick)) < len(denied(slow))


def test_what_is_denied_is_permitted_once_disturbances_stop() -> None:
    lines = story(replace(REGISTERED, denials=(Denial("UpdateItem", lasts=5),)))
    (stopped,) = [index for index, line in enumerate(lines) if line.endswith("disturbances stop")]

    assert denied(lines)
    assert max(denied(lines)) < stopped


def test_an_action_is_denied_in_one_account() -> None:
    """Each stage's deployer has its own role."""
    sweeps = (Disturbance(Kind.SWEEP), Disturbance(Kind.SWEEP, wait=8))
    schedule = Schedule(head_start=1, stages=Stages.PENDING, disturbances=sweeps)
    lines = story(replace(schedule, denials=(Denial("Query", lasts=5),)))
    who = {lines[index].split()[1].rstrip("'") for index in denied(lines)}
    begun = [line for line in lines if " invoked with " in line and line.split()[1] in who]

    assert {line.rpartition(", for ")[2] for line in begun} == {"churn"}


def test_faults_stop_when_disturbances_stop() -> None:
    lines = story(with_fault(FaultKind.THROTTLED, "ListTags", nth=0))

    assert not [line for line in lines if " fault " in line]


# Kinds of endpoints ----------------------------------------------------------------------------------

REFUSED = {
    (Shape.USUAL, Shape.SERVERLESS),
    (Shape.RENAMED, Shape.SERVERLESS),
    (Shape.ASYNCHRONOUS, Shape.USUAL),
    (Shape.ASYNCHRONOUS, Shape.RENAMED),
    (Shape.ASYNCHRONOUS, Shape.SERVERLESS),
}
"""Calls that SageMaker refuses under every switch."""


def reshaped(old: Shape, new: Shape, **others: Any) -> list[str]:
    """Return the story of an endpoint that was made as one kind, and is to be of another."""
    disturbances = (
        Disturbance(Kind.CHANGE_SHAPE, how=SHAPES.index(old)),
        Disturbance(Kind.APPROVE_NEWEST, wait=6),
        Disturbance(Kind.CHANGE_SHAPE, wait=11, how=SHAPES.index(new)),
        Disturbance(Kind.REGISTER_APPROVED, wait=8),
        Disturbance(Kind.SWEEP, wait=11),
    )
    return story(Schedule(disturbances=disturbances, **others))


@pytest.mark.parametrize("added", ["accept", "refuse"])
@pytest.mark.parametrize("rollout", [RolloutKind.UNGUARDED, RolloutKind.CANARY])
@pytest.mark.parametrize(
    ("old", "new"), list(permutations([each for each in Shape if each in SHAPES[:6]], 2))
)
def test_an_endpoint_becomes_another_kind_unless_sagemaker_refuses_that(
    old: Shape, new: Shape, rollout: RolloutKind, added: str
) -> None:
    lines = reshaped(old, new, rollout=rollout, scaling=True, switches={"asynchronous_added": added})
    is_refused = (old, new) in REFUSED or (new is Shape.ASYNCHRONOUS and added == "refuse")

    assert any("A person must act." in told for told in headlines(lines)) is is_refused
    assert any(" UpdateEndpoint " in line and "-> 200" in line for line in lines) is not is_refused


def test_a_shadow_comes_and_goes_by_its_settings() -> None:
    shadowed = Schedule(
        policy=1,
        companions=Companions.SHADOW,
        disturbances=(
            Disturbance(Kind.APPROVE_NEWEST),
            Disturbance(Kind.REGISTER_APPROVED, wait=10, how=1),
            Disturbance(Kind.CHANGE_SHAPE, wait=11, how=SHAPES.index(Shape.UNSHADOWED)),
            Disturbance(Kind.CHANGE_SHAPE, wait=11),
        ),
    )

    assert len([line for line in story(shadowed) if " UpdateEndpoint " in line and "-> 200" in line]) == 3


def test_shapes_leave_the_rest_of_a_schedule_as_it_was_drawn() -> None:
    drawn = [draw(Random(number)) for number in range(40)]  # noqa: S311 - equal tests, equal schedules
    changed = [with_shapes(each) for each in drawn]
    others = [
        replace(
            each,
            disturbances=tuple(one for one in each.disturbances if one.kind is not Kind.CHANGE_SHAPE),
        )
        for each in changed
    ]

    assert others == drawn
    assert changed != drawn


# Faults of deliveries --------------------------------------------------------------------------------


def deliveries(kind: EventFaultKind | None, delay: int = 0) -> list[tuple[float, str]]:
    """Return when the event of a registration led to invocations, if a fault hits it."""
    faults = (EventFault(EVENTS[0], 0, kind, delay),) if kind is not None else ()
    lines = story(replace(REGISTERED, event_faults=faults))
    return [(float(line[:10]), line) for line in lines if "invoked with" in line and "Model Package" in line]


def test_events_are_lost_doubled_and_late() -> None:
    plain = deliveries(None)

    assert len(deliveries(EventFaultKind.LOST)) == len(plain) - 1
    assert len(deliveries(EventFaultKind.DOUBLED)) == len(plain) + 1
    assert deliveries(EventFaultKind.LATE, delay=2)[-1][0] - plain[-1][0] == pytest.approx(60, abs=1)


# Alarms ----------------------------------------------------------------------------------------------

ALARMING: Final = Schedule(
    head_start=1,
    rollout=RolloutKind.CANARY,
    disturbances=(Disturbance(Kind.REGISTER_ALARMING_APPROVED), Disturbance(Kind.SWEEP, when="InService")),
)
"""A version goes out that serves, and fails its requests."""


def times_of(schedule: Schedule, what: str) -> list[float]:
    return [float(line[:10]) for line in story(schedule) if what in line]


def test_a_version_that_fails_requests_sets_the_alarm_off_and_is_rolled_back() -> None:
    result = simulate(ALARMING)

    assert result.violation is None
    assert ("rollout canary", "alarmed") in result.coverage


def test_an_alarm_stays_on_for_as_long_as_was_drawn_after_its_cause_is_gone() -> None:
    """A rollback takes the cause away at once: SageMaker looks at alarms twice a minute."""
    for index, lasts in enumerate(ALARM_LASTS):
        if lasts is not None:
            schedule = replace(ALARMING, alarm_lasts=index)
            (on,), (off,) = (
                times_of(schedule, "error-ratio goes on"),
                times_of(schedule, "error-ratio goes off"),
            )
            assert lasts <= round(off - on) <= lasts + 30


def test_an_alarm_that_nothing_clears_is_cleared_by_hand() -> None:
    lasts = ALARM_LASTS.index(None)
    world = World(Schedule(head_start=1, rollout=RolloutKind.CANARY, alarm_lasts=lasts))
    world.people.begin()
    world.people.do(Disturbance(Kind.RAISE_ALARM))
    world.run_until_quiet()
    assert "Greenlight.churn.error-ratio" in world.alarms.on_since
    world.people.do(Disturbance(Kind.RESET_ALARM))
    assert "Greenlight.churn.error-ratio" not in world.alarms.on_since


def test_an_alarm_whose_cause_is_still_there_goes_on_again() -> None:
    """Nothing guards a first deployment: what fails requests serves."""
    world = World(Schedule(rollout=RolloutKind.CANARY))
    world.people.begin()
    world.people.register("Approved", alarming=True)
    world.run_until_quiet()
    assert "Greenlight.churn.error-ratio" in world.alarms.on_since
    world.people.do(Disturbance(Kind.RESET_ALARM))
    assert "Greenlight.churn.error-ratio" not in world.alarms.on_since
    world.run_until_quiet()

    assert "Greenlight.churn.error-ratio" in world.alarms.on_since
    assert len(world.alarms.raised) == 2


def test_alarms_can_be_described() -> None:
    world = World(Schedule(rollout=RolloutKind.CANARY))
    names = ["Greenlight.churn.error-ratio", "Greenlight.churn-v2.error-ratio"]
    for name in names:
        world.alarms.handle("PutMetricAlarm", {"AlarmName": name, "Tags": []})
    world.alarms.set(names[0], AlarmState.ALARM)
    described = world.alarms.describe({"AlarmNames": [*names, "Greenlight.fraud.error-ratio"]})

    states = [each["StateValue"] for each in described["MetricAlarms"]]
    assert states == ["ALARM", "INSUFFICIENT_DATA"]
    found = world.alarms.describe({"AlarmNamePrefix": "Greenlight.churn."})["MetricAlarms"]
    assert [each["AlarmName"] for each in found] == names[:1]


def test_alarms_may_be_shown_late_and_a_missing_one_has_no_tags_and_no_state() -> None:
    world, name = World(Schedule(rollout=RolloutKind.CANARY)), "Greenlight.churn.abort"
    asked = {"ResourceARN": f"arn:aws:cloudwatch:{clients.REGION}:123456789012:alarm:{name}"}
    assert world.alarms.handle("ListTagsForResource", asked)[0] == 404
    assert world.alarms.handle("SetAlarmState", {"AlarmName": name, "StateValue": "OK"})[0] == 404
    world.alarms.handle("PutMetricAlarm", {"AlarmName": name, "Tags": [{"Key": "a", "Value": "b"}]})

    assert world.alarms.handle("ListTagsForResource", asked) == (200, {"Tags": [{"Key": "a", "Value": "b"}]})
    assert world.alarms.describe({"AlarmNames": [name]}, late=True)["MetricAlarms"] == []
    world.pass_time(60)
    assert len(world.alarms.describe({"AlarmNames": [name]}, late=True)["MetricAlarms"]) == 1
    world.alarms.handle("DeleteAlarms", {"AlarmNames": [name]})
    assert world.alarms.describe({"AlarmNames": [name]})["MetricAlarms"] == []
    assert len(world.alarms.describe({"AlarmNames": [name]}, late=True)["MetricAlarms"]) == 1


@pytest.mark.parametrize("lasts", list(SetAlarmState))
def test_a_state_that_was_set_lasts_or_gives_way_to_what_is_measured(lasts: SetAlarmState) -> None:
    world = World(Schedule(rollout=RolloutKind.CANARY, switches={"set_alarm_state": lasts.value}))
    name = "Greenlight.churn.abort"
    own = [{"Key": "greenlight:stack", "Value": "Greenlight"}]
    world.alarms.handle("PutMetricAlarm", {"AlarmName": name, "Tags": own})

    def state() -> str:
        return str(world.alarms.describe({"AlarmNames": [name]})["MetricAlarms"][0]["StateValue"])

    def publish(value: float) -> None:
        dimensions = [{"Name": "EndpointName", "Value": "churn"}]
        world.alarms.handle("PutMetricData", {"MetricData": [{"Dimensions": dimensions, "Value": value}]})

    world.alarms.handle("SetAlarmState", {"AlarmName": name, "StateValue": "ALARM"})
    assert state() == "ALARM"
    world.pass_time(300)
    assert state() == ("ALARM" if lasts is SetAlarmState.KEPT else "INSUFFICIENT_DATA")
    publish(1.0)
    world.pass_time(300)
    assert state() == "ALARM"
    publish(-2.0)
    world.pass_time(300)
    assert state() == "OK"


# Smoke tests -----------------------------------------------------------------------------------------


TESTED: Final = Schedule(
    smoke_test=True,
    disturbances=(
        Disturbance(Kind.REGISTER_APPROVED),
        Disturbance(Kind.SWEEP, when="InService"),
        Disturbance(Kind.SWEEP, wait=8),
    ),
)
"""A version registered as Approved must pass a smoke test once it serves."""


def test_a_version_that_answers_wrongly_fails_its_smoke_test() -> None:
    failing = (Disturbance(Kind.REGISTER_FAILING_APPROVED), *TESTED.disturbances[1:])

    assert any("churn/1/succeeded" in line for line in story(TESTED))
    assert any("churn/1/failed" in line for line in story(replace(TESTED, disturbances=failing)))


@pytest.mark.parametrize("operation", ["InvokeEndpoint", "GetObject"])
@pytest.mark.parametrize("kind", [FaultKind.THROTTLED, FaultKind.SERVER_ERROR_BEFORE])
def test_a_call_of_a_smoke_test_that_fails_once_is_made_again(operation: str, kind: FaultKind) -> None:
    """Invocations by the smoke test itself, objects by botocore: an error of either is read as such."""
    lines = story(replace(TESTED, faults=(Fault(operation, 0, kind),)))

    assert [line for line in lines if " fault " in line and operation in line]
    assert any("churn/1/succeeded" in line for line in lines)


def test_an_invocation_that_times_out_is_no_answer() -> None:
    lines = story(replace(TESTED, faults=(Fault("InvokeEndpoint", 1, FaultKind.TIMEOUT_AFTER),)))

    assert len([line for line in lines if " InvokeEndpoint  churn -> 200" in line]) == 4
    assert any("churn/1/succeeded" in line for line in lines)


# The end ---------------------------------------------------------------------------------------------


def test_what_still_runs_at_the_end_has_no_effect() -> None:
    world = World(Schedule(head_start=1))
    world.people.begin()
    world.sweep()
    for _ in range(5):
        world.step()
    assert world.running
    before = len(world.calls)
    world.end()

    assert not world.running
    assert len(world.calls) == before


def test_a_world_that_remembers_nothing_counts_its_calls_and_shows_them_to_observers() -> None:
    """Thousands of endpoints make a million calls, and a call may carry every endpoint's settings."""
    world = World(Schedule(head_start=1))
    world.remembers = False
    seen: list[str] = []
    world.observers.append(lambda call: seen.append(call.operation))
    world.people.begin()
    world.sweep()
    world.run_until_quiet()

    assert world.call_count == len(seen) > 0
    assert [*world.calls, *world.trace, *world.ended] == []


def test_the_further_pages_of_a_query_make_no_endless_loop() -> None:
    """A page may be as small as one item, and the journal of a long life has a hundred."""

    def live(call_limit: int) -> list[Call]:
        world = World(Schedule(head_start=1, page_bytes=1))
        world.call_limit = call_limit
        world.people.begin()
        world.sweep()
        world.run_until_quiet()
        return world.calls

    calls = live(1000)
    pages = sum("ExclusiveStartKey" in each.request for each in calls)
    least = len(calls) - pages + pages // PAGES_OF_A_CALL

    assert pages > 0
    assert len(live(least)) == len(calls)
    with pytest.raises(EndlessError):
        live(least - 1)


def test_a_violation_is_told_with_its_story() -> None:
    """A world in which SageMaker ends a rollout that nobody asked for: the journal cannot explain it."""
    world = World(Schedule(head_start=1))
    world.people.begin()
    world.tell("LAW", "it is broken")

    assert world.story().endswith("LAW      it is broken")


def test_shrinking_keeps_only_what_matters() -> None:
    wanted = Disturbance(Kind.REJECT, which=3)
    schedule = replace(
        schedule_of("shrink", 1), disturbances=(Disturbance(Kind.SWEEP), wanted, Disturbance(Kind.REGISTER))
    )
    smallest = _smallest(schedule, lambda each: wanted in each.disturbances)

    assert smallest == Schedule(disturbances=(wanted,))


# Coverage --------------------------------------------------------------------------------------------


def test_a_hole_in_the_coverage_is_found_unless_it_is_explained() -> None:
    everything = Counter(dict.fromkeys(coverage.everything(), 1))
    del everything["CreateModel", "crash before"]
    del everything["CreateModel", "stale"]

    assert coverage.unexplained_holes(everything) == [("CreateModel", "crash before")]


def test_the_table_shows_every_row_and_what_cannot_be() -> None:
    shown = coverage.table(Counter({("CreateModel", "crash before"): 7}))
    (row,) = [line for line in shown.splitlines() if line.startswith("CreateModel ")]

    assert row.split()[1:] == ["7", *"00000000", ".", "0", "0", "."]
