"""Owns how a grant is written in fewer words where a role has no room for every name, and what that loses.

Pure. `spreading.py` takes a coarser form only where it has to, and those that lose least first.
"""

from __future__ import annotations

import re
from dataclasses import replace
from enum import IntEnum
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from infra.permissions.spreading import Allowance

_STANDS_FOR_OTHERS: Final = re.compile(r"[*?$]")
_NOT_TAKEN: Final = re.compile("[^\t\n\r\x20-\xff]+")


class Loss(IntEnum):
    """What a coarser form lets through that a finer one does not; the least first."""

    NOTHING = 0
    """Another grant of the same role holds it to the same names."""
    ACCOUNTS = 1
    """All accounts, each of which has to allow it too, in place of some."""
    OBJECTS = 2
    """All objects of a bucket, in place of those below a prefix, or of one."""
    NETWORKS = 3
    """All subnets and security groups, as AWS's own policy has it."""
    KEYS = 4
    """All keys of an account and region, through one service."""
    NAMES = 5
    """All that has a name which begins alike. Each step is a loss more."""


def in_steps(*forms: Allowance) -> Allowance:
    """Return the first form of a statement, with the others as ever coarser ones of it."""
    *finer, form = forms
    for each in reversed(finer):
        form = replace(each, coarser=form)
    return form


def alike(names: Sequence[str], *, stem: Callable[[str], int] = lambda _: 0) -> Iterator[list[str]]:
    """Yield some names as ever fewer patterns, each time half as many, such as `team-*`.

    Names become one pattern in the order in which they have the longest beginning in common. Names that have
    none stay apart, so no pattern is `*`.

    Args:
        names: Without wildcards.
        stem: How much of a name's beginning says nothing, as what an ARN has before a name.
    """
    ordered = sorted(set(names))
    in_common = [_in_common(one, other, stem) for one, other in pairwise(ordered)]
    nothing = [place for place, characters in enumerate(in_common) if not characters]
    most = len(ordered)
    while most > len(nothing) + 1:
        most = max((most + 1) // 2, len(nothing) + 1)
        # Cut between the names that have least in common: wherever they have nothing, at least.
        by_least = sorted(range(len(in_common)), key=lambda place: in_common[place])
        yield _without_covered(_pattern(group) for group in _groups(ordered, by_least[: most - 1]))


def literal(text: str) -> str:
    """Write the key of an object as a policy has it.

    `*`, `?` and `$` stand for others there, unless they are written as variables (IAM user guide, "Policy
    variables"). What a policy cannot hold becomes a wildcard (IAM API, pattern of `PolicyDocument`).
    """
    escaped = _STANDS_FOR_OTHERS.sub(lambda found: f"${{{found[0]}}}", text)
    return _NOT_TAKEN.sub("*", escaped)


def _in_common(one: str, other: str, stem: Callable[[str], int]) -> int:
    start = max(stem(one), stem(other))
    return max(len(_beginning(one, other)) - start, 0)


def _groups(ordered: Sequence[str], cuts: Sequence[int]) -> Iterator[Sequence[str]]:
    start = 0
    for cut in sorted(cuts):
        yield ordered[start : cut + 1]
        start = cut + 1
    yield ordered[start:]


def _pattern(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{_beginning(names[0], names[-1])}*"


def _without_covered(patterns: Iterable[str]) -> list[str]:
    found = dict.fromkeys(patterns)
    beginnings = tuple(each.removesuffix("*") for each in found if each.endswith("*"))
    return [
        each for each in found if not any(each.startswith(one) and each != f"{one}*" for one in beginnings)
    ]


def _beginning(one: str, other: str) -> str:
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return "".join(character for character, _ in same)
