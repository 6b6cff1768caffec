"""Owns where a smoke test cannot be repeated: there is no bake to repeat it in, or the bake is too short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.settings.compiling.smoke_test_guard import needed_seconds, rollout_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.keys.endpoint_settings import EndpointSettings
    from infra.settings.keys.smoke_tests import SmokeTest
    from infra.settings.problem import Problem
    from infra.settings.reading.document import Document

_REMOVE: Final = "remove every_seconds"


def repetition_problems(document: Document, settings: EndpointSettings, test: SmokeTest) -> Iterator[Problem]:
    """Find out why a test that is to be repeated would never be."""
    if test.every_seconds is None:
        return
    found = _no_bake(settings, test) or _too_short(settings, test)
    if found is not None:
        got, expected, fix = found
        yield document.problem(("smoke_test", "every_seconds"), got=got, expected=expected, fix=fix)


def _no_bake(settings: EndpointSettings, test: SmokeTest) -> tuple[str, str, str] | None:
    expected = "an update whose old instances stay for a while: the test is repeated meanwhile"
    if test.before_rollout:
        return (
            "a repeated test beside before_rollout",
            "one of them: what passed on a test endpoint is not tested in the rollout",
            f"{_REMOVE}, or before_rollout",
        )
    rollout = rollout_of(settings)
    if settings.serverless is not None:
        return ("a repeated test of a serverless endpoint, which has no old instances", expected, _REMOVE)
    if rollout is None:
        return (
            "a repeated test without a rollout of Greenlight's",
            expected,
            f"add a rollout that is not rolling, if SageMaker admits one here; otherwise {_REMOVE}",
        )
    if rollout.kind == "rolling":
        return (
            "a repeated test of a rolling rollout, which ends old instances as it goes",
            expected,
            f"choose another kind, or {_REMOVE}",
        )
    return None


def _too_short(settings: EndpointSettings, test: SmokeTest) -> tuple[str, str, str] | None:
    rollout = rollout_of(settings)
    assert rollout is not None, "what has no bake is a problem already"
    assert test.every_seconds is not None, "only a repeated test needs time for it"
    needed = needed_seconds(test) + test.every_seconds
    if rollout.termination_wait >= needed:
        return None
    return (
        f"a repeated test, and old instances that stay for {rollout.termination_wait} seconds",
        f"at least {needed}: one wait, the longest test, and the time for the calls to move back",
        f"set rollout.termination_wait_seconds to {needed} or more, or {_REMOVE}",
    )
