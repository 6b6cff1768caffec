"""Two installations in one account leave each other's endpoints alone, also below one path of settings."""

from __future__ import annotations

import pytest

from tests.unit.deployer.pipeline import Pipeline


def approved(**settings: str) -> Pipeline:
    """Approve a version for an endpoint with these settings, and let everything happen that may deploy it."""
    pipeline = Pipeline()
    pipeline.manage(**settings)
    pipeline.approve(pipeline.register())
    pipeline.run()
    for _ in range(2):
        pipeline.sweep()
        pipeline.run()
    return pipeline


def test_settings_of_another_stack_are_left_alone() -> None:
    pipeline = approved(StackName="Other")

    assert pipeline.serving() is None
    assert "CreateModel" not in pipeline.sagemaker_calls()
    assert not pipeline.history.approvals


@pytest.mark.parametrize("settings", [{"StackName": "Greenlight"}, {}])
def test_settings_of_this_stack_or_of_nobody_are_acted_on(settings: dict[str, str]) -> None:
    assert approved(**settings).serving() is not None


def test_another_stacks_settings_are_told_once() -> None:
    pipeline = Pipeline()
    pipeline.manage(StackName="Other")
    [foreign] = pipeline.parameters.read_all().readable

    assert [pipeline.parameters.is_news(foreign) for _ in range(3)] == [True, False, False]
