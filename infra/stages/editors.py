"""Owns over how many policy editors the policies are spread, and which edits which.

Pure. An editor's role may edit exactly its policies, each by an inline policy of its own; all inline policies
of a role together hold 10,240 characters (IAM quota). Policies stay with their editors as far as they can:
an editor is chosen by the highest hash of it and the policy, so that another editor draws some policies to
itself and leaves the others. One that moves is first merged into by its new editor, whose Sids begin in
another way, and then loses what the old one wrote: nobody is shut out in between.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.stages.access import PolicyTarget

MOST_OF_EDITOR: Final = 24
"""An inline policy takes at most some 400 of a role's 10,240 characters."""

MOST_POLICIES: Final = 220
"""A stack holds 500 resources, a policy takes two, and each editor some more."""


def spread(targets: Sequence[PolicyTarget]) -> list[list[PolicyTarget]]:
    """Spread policies over as few editors as can hold them."""
    for editors in count(1):
        held: list[list[PolicyTarget]] = [[] for _ in range(editors)]
        for target in targets:
            held[_editor_of(target, editors)].append(target)
        if all(len(each) <= MOST_OF_EDITOR for each in held):
            return held
    raise AssertionError  # count() never ends


def _editor_of(target: PolicyTarget, editors: int) -> int:
    name = f"{target.kind}/{target.name}"
    return max(range(editors), key=lambda editor: sha256(f"{editor}/{name}".encode()).digest())
