"""Owns over how many roles of the policy editor its permissions are spread, and which role edits which.

Pure. Each policy is edited by an inline policy of a role's of its own; all inline policies of a role together
hold 10,240 characters (IAM quota). A policy whose role changes is edited by the same custom resource, which
takes on another role and finds nothing to be changed. Policies stay with their roles as far as they can: a
role is chosen by the highest hash of it and the policy, so that another role draws some policies to itself
and leaves the others.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.stages.policy_statements import PolicyTarget

MOST_OF_ROLE: Final = 24
"""An inline policy takes at most some 400 of a role's 10,240 characters."""

MOST_POLICIES: Final = 220
"""A stack holds 500 resources, a policy takes two, and each role some more."""


def spread(targets: Sequence[PolicyTarget]) -> list[list[PolicyTarget]]:
    """Spread policies over as few roles as can hold them."""
    for roles in count(1):
        held: list[list[PolicyTarget]] = [[] for _ in range(roles)]
        for target in targets:
            held[_role_of(target, roles)].append(target)
        if all(len(each) <= MOST_OF_ROLE for each in held):
            return held
    raise AssertionError  # count() never ends


def _role_of(target: PolicyTarget, roles: int) -> int:
    name = f"{target.kind}/{target.name}"
    return max(range(roles), key=lambda role: sha256(f"{role}/{name}".encode()).digest())
