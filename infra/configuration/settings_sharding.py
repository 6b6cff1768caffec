"""Owns which stack holds which endpoint's settings, and says when the stacks are too few.

Pure. Parameters have names of their own, and CloudFormation creates before it deletes: a parameter can only
move to a stack that is deployed after the one it leaves. So the placement is stable, and when stacks are
added, parameters move to the new ones alone, which come last.
"""

from __future__ import annotations

import json
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING, Final

from infra.configuration.app_context import MOST_STACKS, PLACE
from infra.settings.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.configuration.app_context import Configuration
    from infra.settings.endpoint_spec import EndpointSpec

MOST_IN_STACK: Final = 400
"""A CloudFormation stack holds 500 resources; an endpoint takes one, and one for each alarm that is made for
it. The rest is Greenlight's own."""

LARGEST_IN_STACK_BYTES: Final = 740_000
"""A template holds 1 MB (CloudFormation quota "Template body size in an S3 object"), and CDK warns from 80 %
of that; again, the rest is Greenlight's own."""

_FRAME_BYTES: Final = 1_000
"""What a template takes for a parameter and what it waits for, less its names and its value."""

_ALARM_BYTES: Final = 2_200
"""What a template takes for an alarm, less its name, whose parts are in it often."""


def place(endpoints: Sequence[EndpointSpec], stacks: int) -> list[list[EndpointSpec]]:
    """Spread endpoints over stacks, in the order in which the stacks are deployed.

    By the highest hash of stack and name: each endpoint's stack depends on its own name alone, and another
    last stack draws some endpoints to itself and leaves all others where they are.
    """
    placed: list[list[EndpointSpec]] = [[] for _ in range(stacks)]
    for endpoint in endpoints:
        placed[_stack_of(endpoint.endpoint_name, stacks)].append(endpoint)
    return placed


def check_room(endpoints: Sequence[EndpointSpec], configuration: Configuration) -> list[Problem]:
    """Check that every stack can hold what is placed in it; a problem says how many stacks can."""
    stacks = configuration.settings_stacks
    if _fits(endpoints, stacks, configuration):
        return []
    resources = sum(_resources(endpoint) for endpoint in endpoints)
    more = range(max(stacks + 1, ceil(resources / MOST_IN_STACK)), MOST_STACKS + 1)
    needed = next((number for number in more if _fits(endpoints, number, configuration)), None)
    got = f"{stacks}, for {len(endpoints):,} endpoints"
    if needed is None:
        expected = f"what {MOST_STACKS} stacks can hold"
        fix = "move some endpoints to another account or region"
    else:
        expected = f"at least {needed}: a CloudFormation stack holds 500 resources and 1 MB"
        fix = f"set it to {needed} in cdk.json, and deploy with `cdk deploy --all`"
    return [Problem(PLACE, 0, "settings_stacks", got, expected, fix)]


def _stack_of(endpoint_name: str, stacks: int) -> int:
    return max(range(stacks), key=lambda stack: sha256(f"{stack}/{endpoint_name}".encode()).digest())


def _fits(endpoints: Sequence[EndpointSpec], stacks: int, configuration: Configuration) -> bool:
    return all(
        sum(_resources(endpoint) for endpoint in held) <= MOST_IN_STACK
        and sum(_template_bytes(endpoint, configuration) for endpoint in held) <= LARGEST_IN_STACK_BYTES
        for held in place(endpoints, stacks)
    )


def _resources(endpoint: EndpointSpec) -> int:
    return 1 + len(endpoint.alarms)


def _template_bytes(endpoint: EndpointSpec, configuration: Configuration) -> int:
    """Estimate, on the safe side, what an endpoint adds to a template: its value is JSON in JSON."""
    names = len(configuration.settings_prefix) + len(endpoint.file) + 4 * len(endpoint.endpoint_name)
    alarms = sum(_ALARM_BYTES + 12 * len(alarm.name) for alarm in endpoint.alarms)
    return len(json.dumps(endpoint.parameter_value)) + names + _FRAME_BYTES + alarms
