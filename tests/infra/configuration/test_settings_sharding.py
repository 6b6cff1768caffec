from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.configuration.app_context import Configuration
from infra.configuration.settings_sharding import MOST_IN_STACK, check_room, place
from infra.settings.compiling.alarm_definitions import Watched, abort_alarm
from infra.settings.endpoint_spec import EndpointSpec


def endpoints(count: int, *, value: str = "{}") -> list[EndpointSpec]:
    return [
        EndpointSpec(f"endpoints/e{number}.yaml", f"e{number}", "group", value) for number in range(count)
    ]


def named(placed: list[list[EndpointSpec]]) -> dict[str, int]:
    """Stack by endpoint."""
    return {endpoint.endpoint_name: stack for stack, held in enumerate(placed) for endpoint in held}


@given(st.sets(st.text(min_size=1), max_size=50), st.integers(1, 24))
def test_adding_a_stack_moves_endpoints_to_that_stack_only(names: set[str], stacks: int) -> None:
    specs = [EndpointSpec("endpoints/a.yaml", name, "group", "{}") for name in names]

    before, after = named(place(specs, stacks)), named(place(specs, stacks + 1))

    assert before.keys() == after.keys() == names
    for name in names:
        assert after[name] in {before[name], stacks}


@given(st.integers(1, 25), st.integers(0, 60))
def test_an_endpoint_stays_where_it_is_whatever_becomes_of_the_others(stacks: int, removed: int) -> None:
    all_of_them = named(place(endpoints(60), stacks))

    fewer = named(place(endpoints(60)[removed:], stacks))

    assert fewer == {name: stack for name, stack in all_of_them.items() if name in fewer}


def test_a_placement_is_the_same_on_every_machine_and_for_ever() -> None:
    """Existing stacks use this placement: another one would move what is deployed."""
    assert [len(held) for held in place(endpoints(1000), 4)] == [264, 254, 258, 224]
    assert [named(place(endpoints(8), 4))[f"e{number}"] for number in range(8)] == [2, 2, 1, 3, 2, 2, 0, 1]


def test_one_stack_is_enough_up_to_its_limit() -> None:
    assert check_room(endpoints(MOST_IN_STACK), Configuration()) == []


@pytest.mark.parametrize(("count", "needed"), [(401, 2), (1_100, 3)])
def test_too_few_stacks_for_the_number_of_endpoints_are_refused_with_the_number_that_is_enough(
    count: int, needed: int
) -> None:
    [problem] = check_room(endpoints(count), Configuration())

    assert (problem.file, problem.field) == ("context (cdk.json, or -c key=value)", "settings_stacks")
    assert problem.got == f"1, for {count:,} endpoints"
    assert f"at least {needed}:" in problem.expected
    assert f"set it to {needed} in cdk.json" in problem.fix
    assert "cdk deploy --all" in problem.fix
    assert check_room(endpoints(count), Configuration(settings_stacks=needed)) == []


def test_settings_that_are_long_need_more_stacks_than_their_number_does() -> None:
    # GIVEN settings that fill their parameters, with as many quotes as JSON has
    long = json.dumps({f"K{number}": "v" * 20 for number in range(4096 // 32)})

    # THEN a stack's template would be full before its list of resources is
    [problem] = check_room(endpoints(MOST_IN_STACK, value=long), Configuration())
    assert "at least 4:" in problem.expected


def test_alarms_take_room_as_well() -> None:
    watched = Watched("Greenlight", "e", "AllTraffic")
    guarded = [
        replace(endpoint, alarms=(abort_alarm(watched),)) for endpoint in endpoints(MOST_IN_STACK // 2)
    ]

    assert check_room(guarded, Configuration()) == []
    [problem] = check_room([*guarded, *endpoints(1)], Configuration())
    assert "at least 2:" in problem.expected


def test_more_than_an_account_can_hold_are_sent_to_another() -> None:
    [problem] = check_room(endpoints(10_001), Configuration())

    assert "another account" in problem.fix


def test_alarms_take_room_in_the_template_too() -> None:
    # GIVEN settings of a length that just leaves room in one stack, whose resources are far from too many
    number = MOST_IN_STACK // 4
    length = next(
        length
        for length in range(8000, 0, -50)
        if check_room(endpoints(number, value="x" * length), Configuration()) == []
    )
    held = endpoints(number, value="x" * length)

    # WHEN each of them gets alarms
    alarm = abort_alarm(Watched("Greenlight", "e", "AllTraffic"))
    guarded = [replace(endpoint, alarms=(alarm, alarm)) for endpoint in held]

    # THEN the template is too long, though the stack's resources are not too many
    [problem] = check_room(guarded, Configuration())
    assert "at least 2:" in problem.expected
