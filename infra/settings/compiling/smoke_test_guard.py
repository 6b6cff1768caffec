"""Owns the rollout that a smoke test brings with it, and what a version that fails it could do meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.settings.compiling.capacity_size import share_of
from infra.settings.compiling.deployment_config import size_of
from infra.settings.compiling.hosted_variants import hosted
from infra.settings.keys.rollout_options import Rollout

if TYPE_CHECKING:
    from infra.settings.keys.endpoint_settings import EndpointSettings
    from infra.settings.keys.smoke_tests import SmokeTest

LONGEST_CALL_SECONDS: Final = 65
"""How long a call may take that is under way when the test's time is over (the deployer's client)."""

ABORT_SECONDS: Final = 60
"""For the deployer to hear of the bake, and for SageMaker to see the alarm. AWS documents neither; an alarm's
shortest usual period is a minute."""


def rollout_of(settings: EndpointSettings) -> Rollout | None:
    """Return an endpoint's rollout: its own or, with a smoke test, one that bakes until the test is over.

    Without a bake, a new version's first calls are its callers', and the way back takes another update. A
    test before the rollout needs no bake.
    """
    test = settings.smoke_test
    if settings.rollout is None and test and not test.before_rollout and _has_guardrails(settings):
        return Rollout(kind="all_at_once")
    return settings.rollout


def exposure(settings: EndpointSettings) -> str | None:
    """Describe what a version that fails its smoke test could do before another one serves.

    Returns:
        Whole sentences; None without a smoke test.
    """
    test = settings.smoke_test
    if test is None:
        return None
    rollout, longest = rollout_of(settings), test.time_limit_seconds + LONGEST_CALL_SECONDS
    if test.before_rollout:
        return (
            "A version that fails its smoke test reaches no caller, as it is tested before its rollout. "
            f"Each rollout of something new waits for a test endpoint on {_smallest(settings)}: for its "
            f"creation, which takes minutes, and for the test, {longest} seconds at most."
        )
    before = _share_before(settings, rollout) if rollout is not None else ""
    told = f"A version that fails its smoke test has {before}all calls until the test ends"
    if rollout is not None and bakes_long_enough(rollout, test):
        return (
            f"{told}, {longest} seconds at most. Then the old instances take the calls back. "
            "If AWS does not show when all calls have moved, the test begins "
            f"{rollout.termination_wait} seconds later.{_repeated(rollout, test)}"
        )
    return (
        f"{told}. The test begins once the version is in service{_why(rollout, test)}, and takes {longest} "
        "seconds at most. Then another update restores the version before, which takes minutes."
    )


def _repeated(rollout: Rollout, test: SmokeTest) -> str:
    """Say how often a test is repeated, and what that costs."""
    if test.every_seconds is None:
        return ""
    times = rollout.termination_wait // test.every_seconds
    return (
        f" The test is repeated every {test.every_seconds} seconds while the old instances stay, {times} "
        f"times at most. All that time, {rollout.termination_wait} seconds, an invocation of the deployer's "
        "function runs, and counts against the account's concurrent executions."
    )


def _smallest(settings: EndpointSettings) -> str:
    """Describe what a test endpoint runs on, and what that costs."""
    if settings.serverless is not None:
        return "serverless capacity, which counts against the account's quota meanwhile"
    following = [each for each in settings.variants or () if each.version is None]
    types = [each.instance_type for each in following] or [str(settings.instance_type)]
    named = " and ".join(f"{types.count(each)} {each}" for each in dict.fromkeys(types))
    return f"{named}, paid and counted against the account's quotas meanwhile"


def bakes_long_enough(rollout: Rollout, test: SmokeTest) -> bool:
    """Tell whether the old instances of a rollout stay until the smoke test is over, and could be stopped."""
    return rollout.termination_wait >= needed_seconds(test)


def needed_seconds(test: SmokeTest) -> int:
    """Return how long the old instances must stay, in seconds."""
    return test.time_limit_seconds + LONGEST_CALL_SECONDS + ABORT_SECONDS


def _has_guardrails(settings: EndpointSettings) -> bool:
    """Tell whether SageMaker's guardrails apply, and no override says how updates go."""
    types = [settings.instance_type, *(each.instance_type for each in settings.variants or ())]
    return (
        settings.serverless is None
        and settings.asynchronous is None
        and not settings.overrides.deployment_config
        and not any(str(each).startswith("ml.inf1.") for each in types)
    )


def _why(rollout: Rollout | None, test: SmokeTest) -> str:
    if rollout is None:
        return ""
    if rollout.kind == "rolling":
        return ", as a rolling rollout ends the old instances"
    seconds = rollout.termination_wait
    return f", as termination_wait_seconds is {seconds} and the test may need {needed_seconds(test)}"


def _share_before(settings: EndpointSettings, rollout: Rollout) -> str:
    """Say which part of the calls the version has before it has all."""
    match rollout.kind:
        case "all_at_once":
            return ""
        case "canary":
            assert settings.endpoint_name is not None
            following = [each for each in hosted(settings, settings.endpoint_name) if each.follows]
            shares = [share_of(size_of(rollout), each.instances.least) for each in following]
            share = max(each for each in shares if each is not None)
            return f"{share:g} % of the calls for {rollout.wait} seconds, then "
        case "linear":
            return f"a growing part of the calls, {rollout.wait} seconds for each step, then "
        case "rolling":
            return f"a growing part of the calls, {rollout.wait} seconds for each batch, then "
