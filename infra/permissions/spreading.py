"""Owns spreading a role's statements over policies that IAM takes, coarser where there is no other way.

Pure: statements in, policies out. What a statement takes of a policy is measured as IAM does it: characters
without white space, of the longest text that the template can come to. `role_policies.py` attaches them.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from infra.configuration.iam_quotas import LARGEST_INLINE, LARGEST_MANAGED, MANAGED_POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_FRAME: Final = len('{"Statement":[],"Version":"2012-10-17"}')
_LEAST_ROOM: Final = 400
"""A policy with less room than this gets no part of a statement that has to be divided."""

_PART: Final = "Part"
"""Between the name of a statement that was divided and the number of a part."""

_ONE_OF: Final = frozenset(
    f"{of}{operator}"
    for of in ("", "ForAnyValue:")
    for operator in ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
)
"""Operators by which any one of several values is enough, so that the values may be divided."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """One statement of a role's; a wildcard in a resource comes with its reason.

    Attributes:
        sid: Its name. Parts of a statement that is divided are numbered.
        actions: What is allowed.
        resources: On what. They may hold CDK's tokens, as the values of conditions may.
        conditions: When.
        why_wildcard: Why a resource may have a wildcard.
        coarser: The same in fewer words, for a role whose statements have no room otherwise.
        loses: How much this form lets through that a finer one does not; statements that lose least are made
            coarser first.
        written_as: The statements that stand for it in policies, if no single one says the same.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    why_wildcard: str = ""
    coarser: Allowance | None = None
    loses: int = 0
    written_as: Sequence[Allowance] = ()

    @property
    def statements(self) -> Sequence[Allowance]:
        """What is written into policies."""
        return self.written_as or (self,)


@dataclass(frozen=True, slots=True)
class Spread:
    """A role's policies: the inline one, then managed ones.

    Attributes:
        policies: The statements of each policy. The first is the inline one.
        coarsened: The statements that were made coarser, as they are now, by name.
        characters: What each statement takes in all, by name, the largest first.
        unfit: The names of statements that no policy can hold.
    """

    policies: tuple[tuple[Allowance, ...], ...]
    coarsened: Mapping[str, Allowance]
    characters: Mapping[str, int]
    unfit: tuple[str, ...] = ()

    @property
    def managed(self) -> int:
        """How many managed policies the role needs."""
        return len(self.policies) - 1

    def held(self, most_managed: int) -> dict[str, tuple[int, int]]:
        """Count by statement, for those that have no room: how much of it the policies hold, and of how much.

        Resources are counted, or the values of the condition that the statement was divided by.
        """
        counts: dict[str, tuple[int, int]] = {}
        for number, policy in enumerate(self.policies):
            for part in policy:
                name = part.sid.rpartition(_PART)[0] or part.sid
                within, of = counts.get(name, (0, 0))
                size = max(len(part.resources), *map(len, _values(part).values()), 1)
                counts[name] = within + (size if number <= most_managed else 0), of + size
        counts |= {name: (0, counts.get(name, (0, 0))[1]) for name in self.unfit}
        return {name: count for name, count in counts.items() if count[0] < count[1] or name in self.unfit}


def spread(
    allowances: Iterable[Allowance],
    *,
    most_managed: int = MANAGED_POLICIES,
    longest: Callable[[str], str] = str,
) -> Spread:
    """Spread statements over as few policies as hold them.

    Statements stay as fine as they are if they have room. As long as they have none, another one is made
    coarser: of those that lose least by it, the one that gains most. What has no room even so comes back with
    more policies than `most_managed`.

    Args:
        allowances: The statements, the most lasting first: those stay where they are when others grow.
        most_managed: How many managed policies the role may have.
        longest: Writes a text, in which tokens may stand, as the longest one that it can come to.
    """
    wanted = list(allowances)
    measure = _Measure(longest)
    coarsened: dict[str, Allowance] = {}
    while True:
        filling = _Filling(measure)
        for statement in (statement for each in wanted for statement in each.statements):
            filling.add(statement)
        found = filling.spread()
        steps = [
            (form.loses, -gain, place, form)
            for place, each in enumerate(wanted)
            for form, gain in measure.coarser(each)
        ]
        if (found.managed <= most_managed and not found.unfit) or not steps:
            return replace(found, coarsened=coarsened)
        *_, place, form = min(steps, key=lambda step: step[:3])
        wanted[place] = form
        coarsened[form.sid] = form


class _Measure:
    """Measures statements, and each text in them once."""

    def __init__(self, longest: Callable[[str], str]) -> None:
        self._longest = longest
        self._lengths: dict[str, int] = {}

    def characters(self, allowance: Allowance) -> int:
        """Count what a statement takes of a policy, with the comma behind it."""
        if allowance.written_as:
            return sum(map(self.characters, allowance.written_as))
        count = len('{"Action":,"Effect":"Allow","Resource":,"Sid":""},') + len(allowance.sid)
        count += self._listed(allowance.actions) + self._listed(allowance.resources)
        if allowance.conditions:
            count += len('"Condition":{},')
            for operator, keys in allowance.conditions.items():
                count += len(json.dumps(operator)) + len(":{},")
                for key, values in keys.items():
                    count += len(json.dumps(key)) + len(":,")
                    count += self._listed([values] if isinstance(values, str) else values)
        return count

    def coarser(self, allowance: Allowance) -> Iterator[tuple[Allowance, int]]:
        """Yield the next form that takes less, if there is one, and how much it gains."""
        now, form = self.characters(allowance), allowance.coarser
        while form is not None:
            if (gain := now - self.characters(form)) > 0:
                yield form, gain
                return
            form = form.coarser

    def text(self, text: str) -> int:
        """Count a text in a list, quoted, with the comma behind it."""
        if text not in self._lengths:
            self._lengths[text] = len(json.dumps(self._longest(text), ensure_ascii=False)) + len(",")
        return self._lengths[text]

    def _listed(self, texts: Iterable[str]) -> int:
        return len("[]") + sum(self.text(text) for text in texts)


class _Filling:
    """Fills policies with statements, one statement after the other."""

    def __init__(self, measure: _Measure) -> None:
        self._measure = measure
        self._rooms = [LARGEST_INLINE - _FRAME]
        self._policies: list[list[Allowance]] = [[]]
        self._characters: Counter[str] = Counter()
        self._unfit: list[str] = []

    def add(self, allowance: Allowance) -> None:
        """Put a statement into the first policy with room for it, or parts of it into several."""
        name, parts = allowance.sid, 0
        self._characters[name] += self._measure.characters(allowance)
        waiting = [allowance]
        while waiting:
            # As long as any part of it is named.
            rest = replace(waiting.pop(), sid=f"{name}{_PART}{parts + 1}" if parts else name)
            if self._put(rest):
                parts += 1
            elif (shorter := self._put_some(rest)) is not None:
                parts += 1
                waiting.append(shorter)
            elif self._policies[-1] or len(self._policies) == 1:
                self._policies.append([])
                self._rooms.append(LARGEST_MANAGED - _FRAME)
                waiting.append(rest)
            elif (halves := _halves(rest, self._measure)) is not None:
                waiting += reversed(halves)
            else:
                self._unfit.append(name)

    def spread(self) -> Spread:
        """Return what the policies hold by now."""
        policies = [policy for number, policy in enumerate(self._policies) if policy or not number]
        return Spread(
            tuple(map(tuple, policies)), {}, dict(self._characters.most_common()), tuple(self._unfit)
        )

    def _put(self, part: Allowance) -> bool:
        size = self._measure.characters(part)
        for place, room in enumerate(self._rooms):
            if size <= room:
                self._policies[place].append(part)
                self._rooms[place] -= size
                return True
        return False

    def _put_some(self, whole: Allowance) -> Allowance | None:
        """Put as much of a statement's longest list as there is room for; return the rest of it."""
        for items, path in _lists(whole, self._measure):
            around = self._measure.characters(_with(whole, path, ()))
            for room in self._rooms:
                if room < _LEAST_ROOM:
                    continue
                lengths = accumulate(map(self._measure.text, items), initial=around)
                count = sum(length <= room for length in lengths) - 1
                if count > 0:
                    self._put(_with(whole, path, items[:count]))
                    return _with(whole, path, items[count:])
        return None


_Path: TypeAlias = tuple[str, ...]
"""Where a list stands in a statement: nowhere (its resources), or at an operator and a key."""


def _lists(allowance: Allowance, measure: _Measure) -> list[tuple[tuple[str, ...], _Path]]:
    """List what a statement can be divided by, the longest first: several statements then allow the same."""
    found: list[tuple[tuple[str, ...], _Path]] = [(tuple(allowance.resources), ())]
    found += [(tuple(values), path) for path, values in _values(allowance).items()]
    divisible = [each for each in found if len(each[0]) > 1]
    return sorted(divisible, key=lambda each: sum(map(measure.text, each[0])), reverse=True)


def _values(allowance: Allowance) -> dict[_Path, Sequence[str]]:
    return {
        (operator, key): values
        for operator, keys in allowance.conditions.items()
        if operator in _ONE_OF
        for key, values in keys.items()
        if not isinstance(values, str)
    }


def _with(allowance: Allowance, path: _Path, items: Sequence[str]) -> Allowance:
    if not path:
        return replace(allowance, resources=items)
    operator, key = path
    keys = {**allowance.conditions[operator], key: list(items)}
    return replace(allowance, conditions={**allowance.conditions, operator: keys})


def _halves(allowance: Allowance, measure: _Measure) -> tuple[Allowance, Allowance] | None:
    for items, path in _lists(allowance, measure):
        middle = len(items) // 2
        return _with(allowance, path, items[:middle]), _with(allowance, path, items[middle:])
    return None
