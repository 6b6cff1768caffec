"""A fleet costs what changed in it: the numbers that `make scale` prints, for ten endpoints."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tests.simulation.scale import IN_SYNC, ONE_APPROVAL, SOME_CHANGED, Measured, measure, sizes_up_to, table
from tests.simulation.scale_page import PAGE, plot, with_numbers


@pytest.fixture(scope="module")
def measured() -> Measured:
    return measure(10, part_size=4)


def test_every_endpoint_serves_its_newest_approval_in_the_end(measured: Measured) -> None:
    assert measured.in_sync == 10


def test_a_sweep_of_what_is_in_sync_writes_nothing_but_how_far_its_checks_came(measured: Measured) -> None:
    cost = measured.costs[IN_SYNC]

    assert cost.writes == cost.notes <= 1
    # The fleet's notes, the requests of operators, SageMaker's endpoints and its versions.
    assert cost.total_without_checks == 4


def test_a_sweep_finds_the_approvals_whose_events_were_lost(measured: Measured) -> None:
    assert measured.costs[SOME_CHANGED].calls["sagemaker UpdateEndpoint"] == 10


def test_an_approval_costs_the_calls_of_its_own_endpoint_alone(measured: Measured) -> None:
    calls = measured.costs[ONE_APPROVAL].calls

    assert calls["sagemaker UpdateEndpoint"] == 1
    assert "sagemaker ListEndpoints" not in calls


def test_the_numbers_survive_the_way_from_their_process(measured: Measured) -> None:
    assert Measured.from_json(measured.to_json()) == measured


def test_sizes_grow_tenfold_up_to_the_largest() -> None:
    assert sizes_up_to(10_000) == (10, 100, 1_000, 10_000)
    assert sizes_up_to(300) == (10, 100, 300)
    assert sizes_up_to(3) == (3,)


def test_the_table_has_a_row_for_each_call_and_a_column_for_each_size(measured: Measured) -> None:
    lines = table([measured, measured]).splitlines()
    row = next(line for line in lines if line.startswith("| `sagemaker UpdateEndpoint` |"))

    assert lines[0] == "|  | 10 endpoints | 10 endpoints |"
    assert row.count("|") == 4


def test_the_page_has_the_numbers_between_its_marks_and_a_picture_that_a_browser_can_read(
    measured: Measured,
) -> None:
    page = with_numbers(PAGE.read_text(encoding="utf-8"), [measured])
    root = ET.fromstring(plot([measured]))  # noqa: S314 - our own

    assert table([measured]) in page
    assert with_numbers(page, [measured]) == page
    assert len(root.findall(".//{*}polyline")) == 6


def test_a_page_without_marks_is_refused(measured: Measured) -> None:
    with pytest.raises(ValueError, match="marks"):
        with_numbers("nothing", [measured])
