from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from demo.cdk import CdkError
from demo.ending import run
from demo.scene import NotAsItShouldBeError, Scene
from demo.timeline import Timeline
from local_cloud.child_process import LocalCloudError


def scene() -> Scene:
    """A scene without a cloud, with given measurements."""
    nothing: Any = None
    return Scene(Timeline(console=Console(file=io.StringIO())), nothing, nothing, nothing, nothing, nothing)


def test_a_demo_in_which_everything_holds_ends_well() -> None:
    assert run(lambda: scene().expect("what serves", "version 1", "version 1")) == 0


@pytest.mark.parametrize("error", [NotAsItShouldBeError, CdkError, LocalCloudError])
def test_a_demo_ends_with_a_failure_at_the_first_thing_that_is_not_as_promised(
    error: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    def walk_through() -> None:
        raise error("version 2 serves")

    assert run(walk_through) == 1
    assert "version 2 serves" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("measured", "holds"), [("version 1", True), ("version 2", False)], ids=["as expected", "not so"]
)
def test_a_check_is_noted_only_if_it_holds(measured: str, holds: bool) -> None:  # noqa: FBT001 - parametrised
    shown = scene()

    code = run(lambda: shown.expect("what serves", measured, "version 1"))

    assert (code == 0) is holds
    assert bool(shown.timeline.results) is holds
