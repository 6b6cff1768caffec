"""Each variant keeps the count and weight that people and autoscaling gave it, unless its settings change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.estate import NAMES
from tests.infra.roles import Deployed
from tests.infra.sufficiency.test_companions import variant
from tests.infra.sufficiency.test_scaling import scaling
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import DEPLOYER, REGION, Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iam_evaluator.principals import Principal
    from tests.infra.conftest import Synthesised

SETTING = "UpdateEndpointWeightsAndCapacities"


@pytest.fixture(params=["with autoscaling", "without autoscaling"])
def pipeline(
    request: pytest.FixtureRequest, synthesised: Synthesised, featured: Synthesised
) -> Iterator[Pipeline]:
    """Return a deployer whose stack has autoscaling, and so may rescale any endpoint; or has none."""
    stack = featured if request.param == "with autoscaling" else synthesised

    def session(account_id: str, region: str) -> Principal:
        return Deployed(stack, account_id, region, NAMES).session("DeployerRole")

    token = DEPLOYER.set(session)
    yield Pipeline()
    DEPLOYER.reset(token)


def champions(champion: dict[str, Any], challenger: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return settings of two variants, the first pinned to version 1."""
    variants = [variant("Champion", **champion), variant("Challenger", **challenger)]
    return {"CreateEndpointConfig": {"ProductionVariants": variants}, "Pins": {"Champion": 1}, **more}


def serving(pipeline: Pipeline, settings: dict[str, Any]) -> None:
    """Put v1 and v2 on the endpoint."""
    pipeline.manage(**settings)
    pipeline.register("Approved")
    pipeline.run()
    pipeline.approve(pipeline.register())
    pipeline.run()


def change(pipeline: Pipeline, settings: dict[str, Any]) -> None:
    """Deploy settings, and let everything that follows happen."""
    pipeline.manage(**settings)
    pipeline.sweep()
    pipeline.run()


def by_hand(pipeline: Pipeline, name: str, **members: float) -> None:
    """Rescale a variant as people and autoscaling do."""
    pipeline.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=ENDPOINT, DesiredWeightsAndCapacities=[{"VariantName": name, **members}]
    )
    pipeline.run()


def running(pipeline: Pipeline) -> dict[str, tuple[int, float]]:
    return {
        each["VariantName"]: (each["CurrentInstanceCount"], each["CurrentWeight"])
        for each in pipeline.endpoint["ProductionVariants"]
    }


def asked(pipeline: Pipeline) -> int:
    """Return how often the deployer set a count or weight."""
    return pipeline.deployer_cloud.calls.count(("sagemaker", SETTING))


def test_a_changed_count_of_one_variant_leaves_the_others_alone(pipeline: Pipeline) -> None:
    serving(pipeline, champions({"InitialVariantWeight": 9.0}, {}))
    by_hand(pipeline, "Champion", DesiredInstanceCount=10)
    by_hand(pipeline, "Challenger", DesiredInstanceCount=6)
    change(pipeline, champions({"InitialVariantWeight": 9.0}, {"InitialInstanceCount": 2}))

    assert running(pipeline) == {"Champion": (10, 9.0), "Challenger": (2, 1.0)}
    assert asked(pipeline) == 1


def test_a_changed_weight_sends_no_calls_to_a_variant_that_was_drained(pipeline: Pipeline) -> None:
    serving(pipeline, champions({}, {}))
    by_hand(pipeline, "Champion", DesiredWeight=0)
    change(pipeline, champions({}, {"InitialVariantWeight": 1.5}))

    assert running(pipeline) == {"Champion": (1, 0.0), "Challenger": (1, 1.5)}


def test_what_people_change_after_a_value_was_set_stays(pipeline: Pipeline) -> None:
    serving(pipeline, champions({}, {}))
    change(pipeline, champions({}, {"InitialInstanceCount": 2}))
    by_hand(pipeline, "Challenger", DesiredInstanceCount=5)
    pipeline.sweep()
    pipeline.approve(pipeline.register())
    pipeline.run()

    assert running(pipeline)["Challenger"] == (5, 1.0)
    assert asked(pipeline) == 1


def test_counts_grow_before_weights_change_and_shrink_afterwards(pipeline: Pipeline) -> None:
    few = {"InitialVariantWeight": 1.0}
    many = {"InitialVariantWeight": 9.0, "InitialInstanceCount": 3}
    serving(pipeline, champions(many, few))
    by_hand(pipeline, "Champion", DesiredInstanceCount=4)
    other = {"InitialVariantWeight": 9.0}
    variants = [variant("Champion", **few), variant("Challenger", **many), variant("Third", **other)]
    three = {"CreateEndpointConfig": {"ProductionVariants": variants}, "Pins": {"Champion": 1}}
    seen: list[dict[str, tuple[int, float]]] = []

    def look(service: str, operation: str) -> None:
        if (service, operation) == ("sagemaker", SETTING):
            seen.append(running(pipeline))

    pipeline.deployer_cloud.after_call = look
    change(pipeline, three)

    assert seen == [
        {"Champion": (4, 9.0), "Challenger": (1, 1.0), "Third": (1, 9.0)},
        {"Champion": (4, 9.0), "Challenger": (3, 1.0), "Third": (1, 9.0)},
        {"Champion": (4, 1.0), "Challenger": (3, 9.0), "Third": (1, 9.0)},
    ]
    assert running(pipeline) == {"Champion": (1, 1.0), "Challenger": (3, 9.0), "Third": (1, 9.0)}


def test_a_variant_that_scales_keeps_its_count_whatever_its_settings_say(pipeline: Pipeline) -> None:
    """Under a stack without autoscaling the registration is refused, and the count stays all the same."""
    alone = {
        "CreateEndpointConfig": {"ProductionVariants": [variant("AllTraffic")]},
        "AutoScaling": scaling(),
    }
    serving(pipeline, alone)
    by_hand(pipeline, "AllTraffic", DesiredInstanceCount=3)
    two = [variant("AllTraffic", InitialInstanceCount=2)]
    change(pipeline, {**alone, "CreateEndpointConfig": {"ProductionVariants": two}})

    assert running(pipeline) == {"AllTraffic": (3, 1.0)}
    assert asked(pipeline) == 0


def test_a_pin_that_goes_and_comes_back_leaves_the_others_as_they_were(pipeline: Pipeline) -> None:
    serving(pipeline, champions({"InitialVariantWeight": 9.0}, {}))
    pinned = pipeline.history.deployments[0].companions[0].version_arn
    by_hand(pipeline, "Challenger", DesiredInstanceCount=4, DesiredWeight=2.0)
    pipeline.reject(pinned)
    pipeline.run()
    assert running(pipeline) == {"Challenger": (4, 2.0)}

    pipeline.approve(pinned)
    pipeline.run()
    assert running(pipeline) == {"Champion": (1, 9.0), "Challenger": (4, 2.0)}


def test_the_last_variant_answers_although_it_was_drained_beside_another(pipeline: Pipeline) -> None:
    serving(pipeline, champions({}, {}))
    pinned = pipeline.history.deployments[0].companions[0].version_arn
    by_hand(pipeline, "Challenger", DesiredWeight=0)
    pipeline.reject(pinned)
    pipeline.run()

    assert running(pipeline) == {"Challenger": (1, 1.0)}


def test_a_change_that_was_not_set_yet_is_set_after_the_next_update(pipeline: Pipeline) -> None:
    serving(pipeline, champions({}, {}))
    by_hand(pipeline, "Champion", DesiredInstanceCount=3)

    def approve(service: str, operation: str) -> None:
        if (service, operation) == ("sagemaker", "UpdateEndpoint"):
            pipeline.deployer_cloud.after_call = lambda *_: None
            pipeline.approve(pipeline.register())

    pipeline.deployer_cloud.after_call = approve
    change(pipeline, champions({}, {"InitialInstanceCount": 2}))

    assert pipeline.history.deployments[0].version == 3
    assert running(pipeline) == {"Champion": (3, 1.0), "Challenger": (2, 1.0)}
    assert asked(pipeline) == 1


def test_a_count_that_sagemaker_goes_back_on_is_told_once_and_not_tried_again(pipeline: Pipeline) -> None:
    serving(pipeline, champions({}, {}))
    by_hand(pipeline, "Champion", DesiredInstanceCount=3)
    where = (pipeline.account_id, REGION, "ml.m5.large")

    def lack(service: str, operation: str) -> None:
        if (service, operation) == ("sagemaker", SETTING):
            pipeline.control_plane.limits.set_instance_capacity(*where, 4)

    pipeline.deployer_cloud.after_call = lack
    change(pipeline, champions({}, {"InitialInstanceCount": 2}))
    pipeline.sweep()
    pipeline.run()

    told = [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert len(told) == 1
    assert "did not give churn the instance count 2 of variant Challenger: " in told[0]
    assert (running(pipeline)["Challenger"], asked(pipeline)) == ((1, 1.0), 1)


def test_a_count_that_sagemaker_goes_back_on_is_told_although_a_version_waits(pipeline: Pipeline) -> None:
    """The version's deployment begins at the rest that shows it, and clears SageMaker's reason."""
    serving(pipeline, champions({}, {}))
    third = pipeline.register()
    pipeline.manage(**champions({}, {"InitialInstanceCount": 2}))
    pipeline.sweep()
    while not asked(pipeline):
        pipeline.pass_time(30)
        pipeline.deliver()
    pipeline.control_plane.incidents.fail_work(pipeline.account_id, REGION, ENDPOINT, "No capacity")
    pipeline.approve(third)
    pipeline.deliver()
    pipeline.run()

    told = [each["Outcome"] for each in pipeline.outcomes]
    [message] = [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert told[-3:] == ["needs_attention", "started", "succeeded"]
    assert "did not give churn the instance count 2 of variant Challenger: No capacity." in message
    assert (running(pipeline)["Challenger"], asked(pipeline)) == ((1, 1.0), 1)
