"""Owns whether what stages are let in with has room: in policies over there, and in the registry's stack.

Pure. What does not fit is said at synth, with what to do; CloudFormation would say it half-way. What others
have in a policy is known only to the policy editor, which refuses before it touches one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from infra.settings.problem import Problem
from infra.stages.policy_editor_roles import MOST_POLICIES, spread
from infra.stages.policy_statements import policies, signed
from infra.stages.stage_names import spellings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infra.configuration.registry_and_stages import Registry
    from infra.stages.access import StageAccess
    from infra.stages.policy_statements import PolicyStatements

LARGEST_POLICIES: Final = {"bucket": 20_480, "group": 20_480, "key": 32_768, "repository": 10_240}
"""In bytes, as the policy editor holds policies to; a key's grants are none."""

_OWNER: Final = "Greenlight0123456789"
"""As long as every owner's mark (see `owner_of`)."""

_LESS: Final = {
    "bucket": "name a prefix that several groups share, or let fewer stages use it",
    "group": "take it out of some stages' endpoints",
    "key": 'write "by": "grant", which takes nothing of the policy; or let fewer stages use it',
    "repository": "let fewer stages use it",
}

_TWO_APPS: Final = "make two apps, each with some of the groups"

LARGEST_TEMPLATE_BYTES: Final = 1_000_000
"""CloudFormation quota "Template body size in an S3 object": 1 MB."""

MOST_RESOURCES: Final = 500
"""Of a CloudFormation stack."""

_OWN_BYTES: Final = 8_000
_EDITOR_BYTES: Final = 4_000
_POLICY_BYTES: Final = 2_400
_RULE_BYTES: Final = 5_000
"""What a template takes for a policy, an editor and a rule with its role, less names and statements."""

_OWN_RESOURCES: Final = 5
_EDITOR_RESOURCES: Final = 4
_POLICY_RESOURCES: Final = 2
_STAGE_RESOURCES: Final = 2

_RULE_CHARACTERS: Final = 1_600
"""Of groups' names: an event pattern has 2,048 in all (EventBridge quota)."""


def check_registry_room(stages: Sequence[StageAccess], registry: Registry, place: str) -> Iterator[Problem]:
    """Check that each policy over there, and the stack that has them edited, has room for all stages."""
    elsewhere = [stage for stage in stages if not stage.at_home]
    wanted = policies(elsewhere)
    for policy in wanted:
        kind, size = policy.target.kind, len(_policy(policy).encode())
        if size > LARGEST_POLICIES.get(kind, size):
            got = f"{size:,} bytes of Greenlight's for the policy of the {kind} {policy.target.name}"
            expected = f"at most {LARGEST_POLICIES[kind]:,}, what others have in it included"
            fix = _LESS[kind]
            if kind == "group" and len(spellings(policy.target.name, registry.resource_names)) > 1:
                fix += "; or set registry.resource_names to one spelling, which takes less"
            yield Problem(place, 0, "registry.groups", got, expected, fix)
    if len(wanted) > MOST_POLICIES:
        got = f"{len(wanted):,} policies of groups, buckets, repositories and keys"
        expected = f"at most {MOST_POLICIES}, which one stack can edit"
        yield Problem(place, 0, "registry.groups", got, expected, _TWO_APPS)
        return
    resources, size = template(elsewhere)
    if resources > MOST_RESOURCES or size > LARGEST_TEMPLATE_BYTES:
        got = f"some {resources:,} resources and {size:,} bytes in the registry's stack"
        expected = f"at most {MOST_RESOURCES} and {LARGEST_TEMPLATE_BYTES:,}, which CloudFormation takes"
        yield Problem(place, 0, "registry.groups", got, expected, _TWO_APPS)


def template(stages: Sequence[StageAccess]) -> tuple[int, int]:
    """Estimate, on the safe side, the resources and the bytes of the registry's stack."""
    wanted = policies(stages)
    count = len(spread([policy.target for policy in wanted]))
    rules = [_rules(stage) for stage in stages]
    resources = (
        _OWN_RESOURCES
        + _EDITOR_RESOURCES * count
        + _POLICY_RESOURCES * len(wanted)
        + sum(_STAGE_RESOURCES + each for each, _ in rules)
    )
    size = (
        _OWN_BYTES
        + _EDITOR_BYTES * count
        # Statements are JSON in JSON.
        + sum(_POLICY_BYTES + len(json.dumps(_policy(policy))) + _grantees(policy) for policy in wanted)
        + sum(_RULE_BYTES * each + characters for each, characters in rules)
    )
    return resources, size


def _policy(policy: PolicyStatements) -> str:
    statements = [signed(statement, _OWNER) for statement in policy.statements]
    document = {"Version": "2012-10-17", "Statement": statements}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def _grantees(policy: PolicyStatements) -> int:
    """Count what the permission to make grants names: the roles that may have them."""
    if policy.target.kind != "key-grants":
        return 0
    return sum(len(statement["Principal"]["AWS"]) + 20 for statement in policy.statements)


def _rules(stage: StageAccess) -> tuple[int, int]:
    """Estimate the rules that forward a stage's events, and what they say of groups."""
    names = [name for group in stage.groups for name in spellings(group, stage.registry.resource_names)]
    characters = sum(len(name) + len('"", ') for name in names)
    return 1 + characters // _RULE_CHARACTERS, characters + 20 * len(names)
