"""Which counts and weights an update keeps, and which are set afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployer.decisions.variant_properties import (
    Properties,
    due_properties,
    noted_as_set,
    setting_step,
    undone_properties,
    unset_properties,
)
from deployer.model.attempt import AttemptStatus
from deployer.model.history import LastObserved
from deployer.model.variant_properties import COUNT, WEIGHT, PropertyToSet
from tests.unit.deployer.builders import deployment, endpoint, history_of

KEEP = {"RetainAllVariantProperties": True}
Variant = dict[str, Any]


def variant(name: str = "A", count: int = 1, **members: Any) -> Variant:
    return {"VariantName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": count, **members}


def weighing(name: str, weight: float) -> Variant:
    return variant(name, InitialVariantWeight=weight)


def excluding(*names: str) -> dict[str, Any]:
    return {**KEEP, "ExcludeRetainedVariantProperties": [{"VariantPropertyType": name} for name in names]}


def run(**variants: tuple[float, float]) -> dict[str, dict[str, float]]:
    return {name: {COUNT: count, WEIGHT: weight} for name, (count, weight) in variants.items()}


SERVERLESS = {"VariantName": "A", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}


@pytest.mark.parametrize(
    ("serving", "wanted", "expected"),
    [
        pytest.param([variant()], [variant(ModelName="new")], KEEP, id="another model"),
        pytest.param([variant()], [variant(InstanceType="ml.m5.xlarge")], KEEP, id="another type"),
        pytest.param([variant()], [variant(count=2)], excluding(COUNT), id="another count"),
        pytest.param([variant()], [weighing("A", 0.5)], excluding(WEIGHT), id="another weight"),
        pytest.param(
            [variant()],
            [variant(count=2, InitialVariantWeight=0.5)],
            excluding(COUNT, WEIGHT),
            id="both",
        ),
        pytest.param([weighing("A", 1.0)], [variant()], KEEP, id="a default written out is no change"),
        pytest.param(
            [variant("A"), variant("B")],
            [variant("A", 2), variant("B", 3)],
            excluding(COUNT),
            id="every variant's count",
        ),
        pytest.param([variant("A"), variant("B")], [variant("A", 2), variant("B")], KEEP, id="one's count"),
        pytest.param([variant("A")], [variant("B")], {}, id="another variant"),
        pytest.param([variant("A")], [variant("A"), variant("B")], KEEP, id="one variant more"),
        pytest.param([variant("A")], [variant("A", 2), variant("B")], KEEP, id="one more, and a change"),
        pytest.param([variant("A"), variant("B")], [variant("A")], {}, id="one variant less"),
        pytest.param([SERVERLESS], [variant()], {}, id="serverless variants have no counts"),
        pytest.param([variant()], [SERVERLESS], {}, id="nor will they have any"),
    ],
)
def test_an_update_keeps_what_the_settings_do_not_change_everywhere(
    serving: list[Variant], wanted: list[Variant], expected: dict[str, Any]
) -> None:
    assert Properties(serving, wanted, running={}).request == expected


A2 = PropertyToSet("A", COUNT, 2, 1)


@pytest.mark.parametrize(
    ("serving", "wanted", "running", "expected"),
    [
        pytest.param(
            [variant()], [variant(count=2)], run(A=(9, 1)), (), id="the update sets what all change"
        ),
        pytest.param(
            [variant("A"), variant("B")],
            [variant("A", 2), variant("B")],
            run(A=(6, 1)),
            (A2,),
            id="one count",
        ),
        pytest.param(
            [variant("A"), variant("B")],
            [weighing("A", 3), variant("B", 4)],
            {},
            (PropertyToSet("A", WEIGHT, 3, 1), PropertyToSet("B", COUNT, 4, 1)),
            id="one count, and another one's weight",
        ),
        pytest.param(
            [variant("A")], [variant("A", 2), variant("B")], run(A=(1, 1)), (A2,), id="one comes, one changes"
        ),
        pytest.param(
            [variant("A"), variant("B")],
            [variant("A")],
            run(A=(7, 0.5), B=(9, 1)),
            (
                PropertyToSet("A", COUNT, 7, 1, restores=True),
                PropertyToSet("A", WEIGHT, 0.5, 1, restores=True),
            ),
            id="one goes, and the other is restored",
        ),
        pytest.param(
            [variant("A"), variant("B")],
            [variant("A", 3)],
            run(A=(7, 1), B=(9, 1)),
            (),
            id="one goes, and the update sets what changes",
        ),
        pytest.param(
            [variant("A"), variant("B")],
            [variant("A")],
            run(A=(1, 0), B=(1, 1)),
            (),
            id="the last one answers",
        ),
        pytest.param(
            [variant("A"), variant("B"), variant("C")],
            [variant("A"), variant("B")],
            run(A=(1, 0), B=(1, 1), C=(1, 1)),
            (PropertyToSet("A", WEIGHT, 0, 1, restores=True),),
            id="one that was drained stays so",
        ),
        pytest.param([SERVERLESS], [variant()], run(A=(4, 4)), (), id="serverless"),
        pytest.param([variant("A"), variant("B")], [variant("A")], {}, (), id="nothing is known to run"),
    ],
)
def test_an_update_leaves_to_be_set_what_it_cannot_set(
    serving: list[Variant],
    wanted: list[Variant],
    running: dict[str, dict[str, float]],
    expected: tuple[PropertyToSet, ...],
) -> None:
    assert Properties(serving, wanted, running=running).to_set == expected


def test_a_variant_that_scales_keeps_its_count() -> None:
    alone = Properties([variant()], [variant(count=2)], running=run(A=(9, 1)), scaled={"A"})
    beside = Properties(
        [variant("A"), variant("B")], [variant("A", 2), variant("B", 2)], running={}, scaled={"A"}
    )
    left = Properties([variant("A"), variant("B")], [variant("A", 2)], running=run(A=(9, 1)), scaled={"A"})

    assert (alone.request, alone.to_set) == (KEEP, ())
    assert (beside.request, beside.to_set) == (KEEP, (PropertyToSet("B", COUNT, 2, 1),))
    assert left.to_set == (PropertyToSet("A", COUNT, 9, 2, restores=True),)


def test_what_was_not_set_yet_is_compared_with_what_took_effect() -> None:
    serving, others = [variant("A", 2), variant("B")], [variant("A", 1), variant("B")]

    back = Properties(serving, others, running={}, unset=[A2])
    same = Properties(serving, serving, running={}, unset=[A2])
    more = Properties(serving, [variant("A", 2), variant("B", 5)], running={}, unset=[A2])

    assert (back.request, back.to_set) == (KEEP, ())
    assert (same.request, same.to_set) == (KEEP, (A2,))
    assert more.request == excluding(COUNT)


def test_what_a_lost_answer_had_set_is_set_back_if_the_settings_are() -> None:
    serving, others = [variant("A", 2), variant("B")], [variant("A", 1), variant("B")]

    back = Properties(serving, others, running=run(A=(2, 1)), unset=[A2])

    assert (back.request, back.to_set) == (KEEP, (PropertyToSet("A", COUNT, 1, 2),))


def test_what_was_not_restored_yet_is_restored_after_the_next_update() -> None:
    owed = PropertyToSet("A", COUNT, 7, 1, restores=True)

    def after(wanted: Variant, *more: Variant) -> tuple[PropertyToSet, ...]:
        return Properties([variant()], [wanted, *more], running=run(A=(1, 1)), unset=[owed]).to_set

    assert after(variant(ModelName="new")) == after(variant(), variant("B")) == (owed,)
    assert after(variant(count=3)) == ()


@pytest.mark.parametrize("count", [5, 7])
def test_a_count_to_restore_is_restored_also_if_the_settings_of_a_variant_that_scales_change(
    count: int,
) -> None:
    owed = PropertyToSet("A", COUNT, 7, 1, restores=True)

    update = Properties(
        [variant()], [variant(count=count)], running=run(A=(1, 1)), unset=[owed], scaled={"A"}
    )

    assert (update.request, update.to_set) == (KEEP, (owed,))


def test_what_somebody_changed_since_it_was_reset_stays_when_another_variant_goes() -> None:
    owed = PropertyToSet("A", COUNT, 7, 1, restores=True)
    serving = [variant("A"), variant("B")]

    def after(shown: int) -> tuple[PropertyToSet, ...]:
        running = run(A=(shown, 1), B=(1, 1))
        return Properties(serving, [variant("A")], running=running, unset=[owed]).to_set

    assert after(1) == (owed,)
    assert after(4) == (PropertyToSet("A", COUNT, 4, 1, restores=True),)


@pytest.mark.parametrize(
    ("unset", "shown", "scaled", "due"),
    [
        (A2, 1, "", [A2]),
        (A2, 6, "", [A2]),
        (A2, 2, "", []),
        (A2, 1, "A", []),
        (replace(A2, name=WEIGHT), 1, "A", [replace(A2, name=WEIGHT)]),
        (replace(A2, restores=True), 1, "A", [replace(A2, restores=True)]),
        (replace(A2, restores=True), 6, "", []),
        (replace(A2, variant_name="B"), 1, "", []),
    ],
)
def test_a_value_is_due_until_it_is_so_and_one_to_restore_while_it_is_reset(
    unset: PropertyToSet, shown: float, scaled: str, due: list[PropertyToSet]
) -> None:
    running = {"A": {unset.name: shown}}

    assert due_properties([unset], running, scaled={scaled}) == tuple(due)


def test_one_call_sets_all_weights_or_one_count() -> None:
    weights = (PropertyToSet("A", WEIGHT, 0.5, 1), PropertyToSet("B", WEIGHT, 2, 1))
    grows, shrinks = PropertyToSet("A", COUNT, 3, 1), PropertyToSet("B", COUNT, 1, 4)
    at_rest = endpoint(variant_properties=run(A=(1, 1), B=(4, 1)))
    due = [shrinks, *weights, grows]
    made = []
    while (step := setting_step(due, at_rest, attempt=3)) is not None:
        made.append(step.to_set)
        assert step.attempt == 3
        due = [each for each in due if each not in step.to_set]

    assert made == [(grows,), weights, (shrinks,)]


LEFT = deployment(4, number=4, status=AttemptStatus.SUCCEEDED, to_set=(A2,))
CONFIG = LEFT.endpoint_config_name


def test_what_is_unset_is_what_the_deployment_that_led_to_the_config_left() -> None:
    known = history_of([LEFT])
    noted = replace(known, last_observed=LastObserved(properties_set=noted_as_set(known, [A2], 4)))
    withdrawn = replace(LEFT, number=5, status=AttemptStatus.WITHDRAWN, to_set=())
    again = replace(LEFT, number=6)

    assert unset_properties(known, CONFIG) == unset_properties(history_of([LEFT, withdrawn]), CONFIG) == (A2,)
    assert unset_properties(known, "other") == unset_properties(noted, CONFIG) == ()
    assert unset_properties(history_of([withdrawn]), CONFIG) == ()
    assert unset_properties(history_of([LEFT, again], last_observed=noted.last_observed), CONFIG) == (A2,)


def test_what_sagemaker_went_back_on_is_known_by_the_failure_reason() -> None:
    known = history_of([LEFT], last_observed=LastObserved(properties_set={A2.key: 4}))
    later = deployment(5, number=5, status=AttemptStatus.FAILED, endpoint_config_name="other")
    back = endpoint(
        endpoint_config_name=CONFIG, failure_reason="No capacity", variant_properties=run(A=(1, 1))
    )

    assert undone_properties(known, back, scaled=()) == (A2,)
    assert undone_properties(known, back, scaled={"A"}) == ()
    assert undone_properties(known, replace(back, failure_reason=None), scaled=()) == ()
    assert undone_properties(known, replace(back, variant_properties=run(A=(2, 1))), scaled=()) == ()
    assert undone_properties(known, replace(back, endpoint_config_name="other"), scaled=()) == ()
    assert undone_properties(history_of([LEFT]), back, scaled=()) == ()
    newer = history_of([LEFT, later], last_observed=known.last_observed)
    assert undone_properties(newer, back, scaled=()) == ()
