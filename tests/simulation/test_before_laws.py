"""Breaks the laws on tests before rollouts, one way at a time, with a deployer that does it on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation.laws import LawBrokenError
from tests.simulation.people import ROLE_ARN
from tests.simulation.rogues import (
    TAGS,
    Deployed,
    ask_of,
    deployed,
    make_release,
    only_law,
    sagemaker,
    write_attempt,
)
from tests.simulation.schedule import Schedule
from tests.simulation.test_bake_laws import begin

if TYPE_CHECKING:
    from collections.abc import Iterator

TEST_ENDPOINT = "churn-v1-0123456789ab"


@pytest.fixture
def tested() -> Iterator[Deployed]:
    """One version serves that was tested before its rollout."""
    scene = deployed(Schedule(head_start=1, smoke_test=True, before_rollout=True))
    yield scene
    scene.world.end()


def roll_out(scene: Deployed, environment: dict[str, str]) -> None:
    """Put the version that serves on the endpoint with another config, in the proper order."""
    arn = scene.world.people.versions[0].arn

    def act() -> None:
        ask_of("churn")
        write_attempt()
        sagemaker().create_model(
            ModelName="rogue",
            ExecutionRoleArn=ROLE_ARN,
            Containers=[{"ModelPackageName": arn, "Environment": environment}],
            Tags=TAGS,
        )
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": "rogue",
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 3,
        }
        sagemaker().create_endpoint_config(
            EndpointConfigName="rogue", ProductionVariants=[variant], Tags=TAGS
        )
        sagemaker().update_endpoint(EndpointName="churn", EndpointConfigName="rogue")

    begin(scene, act)


def test_law_34_nothing_new_goes_out_untested(tested: Deployed) -> None:
    only_law(tested, 34)

    with pytest.raises(LawBrokenError, match=r"Law34\w+: churn gets rogue, and .* has not passed its test"):
        roll_out(tested, {"LOG_LEVEL": "trace"})


def test_law_34_what_passed_on_a_test_endpoint_may_go_out(tested: Deployed) -> None:
    only_law(tested, 34)

    roll_out(tested, {"LOG_LEVEL": "info"})


def test_law_34_without_the_key_anything_may_go_out() -> None:
    scene = deployed(Schedule(head_start=1, smoke_test=True))
    only_law(scene, 34)

    roll_out(scene, {"LOG_LEVEL": "trace"})
    scene.world.end()


def make_test_endpoint(scene: Deployed) -> None:
    """Make a test endpoint that the journal names."""
    arn = scene.world.people.versions[0].arn
    scene.judge.facts.test_endpoints.add(TEST_ENDPOINT)
    begin(scene, lambda: make_release(arn, TEST_ENDPOINT))


def test_law_35_no_test_endpoint_is_left(tested: Deployed) -> None:
    only_law(tested, 35)
    make_test_endpoint(tested)
    begin(
        tested,
        lambda: sagemaker().create_endpoint(EndpointName=TEST_ENDPOINT, EndpointConfigName=TEST_ENDPOINT),
    )

    with pytest.raises(LawBrokenError, match=rf"Law35\w+: test endpoint {TEST_ENDPOINT} is left"):
        tested.judge.check_rest()


def test_law_35_a_config_stays_no_longer_than_its_models(tested: Deployed) -> None:
    only_law(tested, 35)
    make_test_endpoint(tested)
    tested.judge.check_rest()
    begin(tested, lambda: sagemaker().delete_model(ModelName=TEST_ENDPOINT))

    with pytest.raises(
        LawBrokenError, match=rf"Law35\w+: the config of test endpoint {TEST_ENDPOINT} is left"
    ):
        tested.judge.check_rest()
