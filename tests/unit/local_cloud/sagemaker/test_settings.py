"""Switches and timings as documents, and as what can be changed while the control plane runs."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any, get_type_hints

import pytest

from local_cloud.sagemaker.switch_settings import SameConfigUpdate, UnapprovedPackage
from local_cloud.sagemaker.switches import Switches
from local_cloud.sagemaker.timings import Timings
from tests.unit.local_cloud.sagemaker.virtual_cloud import VirtualCloud


def _settings() -> list[tuple[str, StrEnum]]:
    hints = get_type_hints(Switches)
    return [
        (field.name, setting)
        for field in dataclasses.fields(Switches)
        if isinstance(hints[field.name], type) and issubclass(hints[field.name], StrEnum)
        for setting in hints[field.name]
    ]


@pytest.mark.parametrize(("name", "setting"), _settings())
def test_the_whole_life_of_an_endpoint_works_under_every_setting(name: str, setting: StrEnum) -> None:
    switches: Any = {name: setting}
    cloud = VirtualCloud(switches=Switches(**switches))
    cloud.group()
    for number in (1, 2):
        arn = cloud.version()
        cloud.model(f"model-{number}", Containers=[{"ModelPackageName": arn}])
        cloud.config(f"config-{number}", {**_variant(number)})
    cloud.endpoint()
    cloud.update()
    cloud.settle()
    assert cloud.describe()["EndpointConfigName"] == "config-2"
    cloud.call("DeleteEndpoint", EndpointName="churn")
    cloud.settle()
    assert cloud.call("ListEndpoints") == {"Endpoints": []}


def _variant(number: int) -> dict[str, Any]:
    return {
        "VariantName": "AllTraffic",
        "ModelName": f"model-{number}",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }


def test_switches_survive_the_way_through_a_document() -> None:
    for name, setting in _settings():
        members: Any = {name: setting}
        switches = Switches(**members, requests_per_second=5)
        assert Switches.from_document(switches.to_document()) == switches


def test_a_document_changes_only_what_it_names() -> None:
    base = Switches(unapproved_package=UnapprovedPackage.NEVER)
    changed = Switches.from_document({"same_config_update": "refuse"}, base)
    assert changed == dataclasses.replace(base, same_config_update=SameConfigUpdate.REFUSE)


@pytest.mark.parametrize(
    ("document", "fragment"),
    [
        ({"nope": 1}, "Unknown switch 'nope'. Switches: alarm_at_start, "),
        ({"same_config_update": "maybe"}, "cannot be 'maybe'. Settings: redeploy, refuse, no_operation."),
        ({"requests_per_second": 0}, "a positive whole number or null"),
        ({"requests_per_second": True}, "a positive whole number or null"),
    ],
)
def test_a_wrong_switch_is_explained(document: dict[str, Any], fragment: str) -> None:
    with pytest.raises(ValueError, match="witch") as caught:
        Switches.from_document(document)
    assert fragment in str(caught.value)


def test_timings_survive_the_way_through_a_document() -> None:
    for timings in (Timings(), Timings.like_aws()):
        assert Timings.from_document(timings.to_document()) == timings
    assert Timings.from_document({"deleting_seconds": 9}, Timings.like_aws()) == dataclasses.replace(
        Timings.like_aws(), deleting_seconds=9
    )


@pytest.mark.parametrize(
    "document",
    [
        {"nope": 1},
        *(
            {"deleting_seconds": value}
            for value in (-1, "1", True, None, [1], float("inf"), float("nan"), 1e300)
        ),
        {"wait_scale": 1e9},
    ],
)
def test_a_wrong_timing_is_explained(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="iming"):
        Timings.from_document(document)


def test_settings_changed_while_running_hold_for_what_begins_from_then_on() -> None:
    cloud = VirtualCloud()
    cloud.serving()
    cloud.control_plane.timings = Timings(provisioning_seconds=100)
    cloud.control_plane.switches = Switches(same_config_update=SameConfigUpdate.REFUSE)
    assert (
        "already uses"
        in cloud.refused("UpdateEndpoint", EndpointName="churn", EndpointConfigName="config-1").message
    )
    cloud.update()
    cloud.advance(99)
    assert cloud.status() == "Updating"
    assert cloud.control_plane.timings.provisioning_seconds == 100
    assert cloud.control_plane.switches.same_config_update is SameConfigUpdate.REFUSE


def test_a_rollout_in_the_time_that_aws_takes() -> None:
    cloud = VirtualCloud(timings=Timings.like_aws())
    cloud.serving()
    start = cloud.clock.now()
    cloud.update()
    cloud.settle()
    assert 180 <= (cloud.clock.now() - start).total_seconds() <= 600


def test_a_faster_clock_shortens_waits_and_periods_and_no_container_s_start() -> None:
    usual, fast = Timings(), Timings().faster(20)

    assert fast.provisioning_seconds == usual.provisioning_seconds / 20
    assert (fast.wait_scale, fast.alarm_period_scale, fast.schedule_scale) == (0.05, 0.05, 0.05)
    assert fast.health_check_timeout_seconds == usual.health_check_timeout_seconds
    assert fast.unhealthy_patience_seconds == usual.unhealthy_patience_seconds
    assert Timings().faster(1) == usual


@pytest.mark.parametrize("speed", [0, 0.5, -1, 61, float("nan"), float("inf")])
def test_a_clock_runs_neither_slower_nor_faster_than_alarms_can_follow(speed: float) -> None:
    with pytest.raises(ValueError, match="from 1 to 60"):
        Timings().faster(speed)
