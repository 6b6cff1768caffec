"""Foretells each sweep of a story, and compares what was foretold with what the sweep did.

Only a sweep reads all that there is, as a preview does: an event's pass may not know of what comes with the
next event. A sweep that makes no pass over an endpoint does nothing there, whatever a pass would do. `make
test` foretells a fifth of the stories, always the same ones, and `make foretold` all.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from deployer.contract import ENDPOINT_TAG
from deployer.decisions.plan import Deploy
from deployer.gateways.newer_members import pass_on_newer_members
from deployer.gateways.settings_files import DamagedSettingsError, SettingsFiles
from deployer.model import steps
from deployer.preview import preview, read_only
from tests.unit.deployer.transcript import HeardLogger, Passed, Planned, Transcript

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

    from deployer.decisions.course import Preview
    from tests.unit.deployer.pipeline import Pipeline

FORETELLS: ContextVar[bool] = ContextVar("foretells", default=False)

_SHARES: Final = 5


@contextmanager
def foretold_in_its_turn(story: pytest.FixtureRequest) -> Iterator[None]:
    """Foretell the sweeps of a story if it is one of the fifth, or if all are asked for."""
    is_in_turn = crc32(story.node.nodeid.encode()) % _SHARES == 0
    token = FORETELLS.set(is_in_turn or os.environ.get("GREENLIGHT_FORETELL") == "all")
    yield
    FORETELLS.reset(token)


def foretell(pipeline: Pipeline) -> dict[str, Preview]:
    """Return what a pass over each managed endpoint would do now, by the endpoint's name."""
    before = len(pipeline.cloud.calls)

    def client_of(service: str) -> Any:
        client = pipeline.cloud.client(service, pipeline.config_of(service))
        if service != "sagemaker":
            return client
        pipeline.hide_from(client)
        return pass_on_newer_members(client)

    gateways = replace(read_only(client_of, table_name=pipeline.table, now=pipeline.now), s3=pipeline.s3)
    files = SettingsFiles(pipeline.files.__getitem__)
    found: dict[str, Preview] = {}
    for name in files.digests:
        try:
            settings = files.read(name)
        except DamagedSettingsError:
            # Nobody can tell what its settings would do.
            continue
        assert settings is not None
        found[name] = preview(
            settings, gateways, pipeline.stack, HeardLogger(Transcript()), followers=files.followers
        )
    made = [operation for _, operation in pipeline.cloud.calls[before:]]
    assert not [each for each in made if not each.startswith(("Describe", "List", "Get", "Query"))]
    return found


def check_foretold(foretold: dict[str, Preview], heard: Iterable[object]) -> None:
    """Fail if a pass of a sweep planned another change of its endpoint at first than was foretold."""
    planned: dict[str, tuple[steps.Step, ...]] = {}
    passed: set[str] = set()
    for event in heard:
        if isinstance(event, Passed):
            passed.add(event.endpoint_name)
        elif isinstance(event, Planned):
            for name in filter(None, map(_changed, event.steps)):
                planned.setdefault(name, event.steps)
    for name in passed & foretold.keys():
        course = foretold[name].course
        wanted = course.steps if isinstance(course, Deploy) and course.refusal is None else None
        if planned.get(name) != wanted:
            raise AssertionError(f"{name}: foretold {course}, {wanted}; but {planned.get(name)}")


def _changed(step: steps.Step) -> str | None:
    match step:
        case steps.CreateEndpoint(request):
            return str(request["EndpointName"])
        case steps.UpdateEndpoint(request=request):
            return str(request["EndpointName"])
        case steps.CreateTestEndpoint(request):
            return next(str(each["Value"]) for each in request["Tags"] if each["Key"] == ENDPOINT_TAG)
        case steps.DeleteFailedEndpoint(endpoint_name):
            return endpoint_name
        case _:
            return None
