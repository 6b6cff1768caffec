"""Owns the possible changes of policies: remove an element, action by action, or widen one.

Pure. A mutant identifies its element by position, so that it fits the same policies in any account and
region.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from iam_evaluator.evaluation import evaluate
from iam_evaluator.matching import matches_action
from iam_evaluator.policies import Policy
from iam_evaluator.principals import Principal, PrincipalKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from iam_evaluator.decision import AccessRequest
    from iam_evaluator.policies import Statement

_T = TypeVar("_T")

_ANYTHING = "*"
_ANYBODY = ("*", "*")


class Part(StrEnum):
    """The part of a statement that a mutant removes or widens."""

    ACTION = "action"
    RESOURCE = "resource"
    VALUE = "value"
    """One of the values that a condition lets through."""
    PRINCIPAL = "principal"
    """One principal of a resource's policy."""
    CONDITION = "condition"
    """A condition altogether, which allows more and not less."""
    SCOPE = "scope"
    """The restriction to resources: all instead."""
    ANYBODY = "whom"
    """The restriction to principals: everybody instead of one."""
    DENIAL = "denial"
    """A statement that denies."""


_WIDENING = frozenset({Part.CONDITION, Part.SCOPE, Part.ANYBODY, Part.DENIAL})


@dataclass(frozen=True, slots=True)
class Mutant:
    """Policies with one change.

    Attributes:
        policy: The policy's position among a subject's.
        statement: The statement's position in the policy.
        part: The changed part.
        index: The position of the action, resource, principal or condition in the statement.
        value: The value's position in the condition, if a value changes.
    """

    policy: int
    statement: int
    part: Part
    index: int = 0
    value: int = 0

    @property
    def widens(self) -> bool:
        """Whether more is allowed than before."""
        return self.part in _WIDENING

    def apply(self, policies: Sequence[Policy]) -> tuple[Policy, ...]:
        """Return the policies with the change; a statement that says nothing any more goes altogether."""
        changed = list(policies)
        statements = list(changed[self.policy].statements)
        left = self.left_of(statements[self.statement])
        statements[self.statement : self.statement + 1] = [] if left is None else [left]
        changed[self.policy] = Policy(tuple(statements))
        return tuple(changed)

    def left_of(self, statement: Statement) -> Statement | None:
        """Return what becomes of the statement; None if it then says nothing."""
        match self.part:
            case Part.ACTION:
                actions = _without(statement.actions or (), self.index)
                return replace(statement, actions=actions) if actions else None
            case Part.RESOURCE:
                resources = _without(statement.resources or (), self.index)
                return replace(statement, resources=resources) if resources else None
            case Part.PRINCIPAL:
                principals = _without(statement.principals or (), self.index)
                return replace(statement, principals=principals) if principals else None
            case Part.CONDITION:
                return replace(statement, conditions=_without(statement.conditions, self.index))
            case Part.VALUE:
                conditions = list(statement.conditions)
                condition = conditions[self.index]
                conditions[self.index] = replace(condition, values=_without(condition.values, self.value))
                return replace(statement, conditions=tuple(conditions))
            case Part.SCOPE:
                return replace(statement, resources=(_ANYTHING,))
            case Part.ANYBODY:
                return replace(statement, principals=(_ANYBODY,))
            case Part.DENIAL:
                return None

    def taken_from(self, policies: Sequence[Policy]) -> Taken:
        """Describe the change."""
        statement = policies[self.policy].statements[self.statement]
        before = sum(len(each.statements) for each in policies[: self.policy])
        # A statement without a name is identified by its place.
        sid = statement.sid or f"#{before + self.statement + 1}"
        return Taken(sid, self.part, self._text(statement))

    def _text(self, statement: Statement) -> str:
        match self.part:
            case Part.ACTION:
                return (statement.actions or ())[self.index]
            case Part.RESOURCE:
                return (statement.resources or ())[self.index]
            case Part.PRINCIPAL | Part.ANYBODY:
                kind, name = (statement.principals or ())[self.index]
                return name if kind in {"AWS", "*"} else f"{kind} {name}"
            case Part.CONDITION:
                condition = statement.conditions[self.index]
                return f"{condition.operator} {condition.key}"
            case Part.VALUE:
                condition = statement.conditions[self.index]
                return f"{condition.key} = {condition.values[self.value]}"
            case Part.SCOPE:
                return " ".join(statement.resources or ())
            case Part.DENIAL:
                return " ".join(statement.actions or ())


@dataclass(frozen=True, slots=True, order=True)
class Taken:
    """Name the removed or widened element in the policy's words."""

    sid: str
    part: Part
    text: str

    def __str__(self) -> str:
        return f"{self.sid}: {self.part.value} {self.text}"


def mutants_of(policies: Iterable[Policy]) -> Iterator[Mutant]:
    """Yield every mutant of a subject's policies.

    A condition's values are taken one by one only from those that have several, and where a value lets
    something through: without its only value a condition is what `Part.CONDITION` takes. What denies is
    taken as a whole: each part of it forbids the same.
    """
    for policy, document in enumerate(policies):
        for number, statement in enumerate(document.statements):
            if not statement.allows:
                yield Mutant(policy, number, Part.DENIAL)
                continue
            for part, index, value in _changes(statement):
                yield Mutant(policy, number, part, index, value)


def _changes(statement: Statement) -> Iterator[tuple[Part, int, int]]:
    """Yield what can be changed in a statement that allows: the part, its position, and its value's."""
    for index, _ in enumerate(statement.actions or ()):
        yield Part.ACTION, index, 0
    for index, _ in enumerate(statement.resources or ()):
        yield Part.RESOURCE, index, 0
    if _is_scoped(statement):
        yield Part.SCOPE, 0, 0
    # If a condition restricts the caller, the principal repeats the account.
    names_roles = any(condition.key.lower() == "aws:principalarn" for condition in statement.conditions)
    for index, _ in enumerate(statement.principals or ()):
        yield Part.PRINCIPAL, index, 0
        if not names_roles:
            yield Part.ANYBODY, index, 0
    for index, condition in enumerate(statement.conditions):
        yield Part.CONDITION, index, 0
        if len(condition.values) > 1 and "Not" not in condition.operator:
            for value, _ in enumerate(condition.values):
                yield Part.VALUE, index, value


def _is_scoped(statement: Statement) -> bool:
    """Tell whether a statement is restricted to some of its possible resources.

    A resource's own policy is about that resource only; but a bucket has many objects.
    """
    resources = statement.resources or ()
    if statement.principals is not None:
        return any(resource.startswith("arn:aws:s3:::") and "/" in resource for resource in resources)
    return _ANYTHING not in resources


class Needs:
    """Tell which mutants of a role's own policies would change the decision about a request.

    For a resource's policy, only a run can tell.
    """

    def __init__(self, policies: Sequence[Policy]) -> None:
        """Take the policies apart once; requests are many."""
        self._policies = policies
        self._mutants: dict[tuple[int, int], list[Mutant]] = {}
        for mutant in mutants_of(policies):
            self._mutants.setdefault((mutant.policy, mutant.statement), []).append(mutant)

    def changed(self, principal: Principal, request: AccessRequest, *, was_allowed: bool) -> list[Mutant]:
        """Return the mutants by which a request would be decided otherwise."""
        if was_allowed:
            return self.refused_without(principal, request)
        return self.allowed_without(principal, request)

    def refused_without(self, principal: Principal, request: AccessRequest) -> list[Mutant]:
        """Return the mutants that do not allow an allowed request any more."""
        allowing = [at for at, statement in self._about(request) if _allows(principal, statement, request)]
        if len(allowing) != 1:
            # Nobody, or somebody else as well: nothing alone is missed.
            return []
        [at] = allowing
        statement = self._policies[at[0]].statements[at[1]]
        return [
            mutant
            for mutant in self._mutants[at]
            if not mutant.widens and not _allows(principal, mutant.left_of(statement), request)
        ]

    def allowed_without(self, principal: Principal, request: AccessRequest) -> list[Mutant]:
        """Return the mutants that allow a refused request."""
        return [
            mutant
            for at, statement in self._about(request)
            for mutant in self._mutants.get(at, ())
            if mutant.widens and _allows(principal, mutant.left_of(statement), request)
        ]

    def _about(self, request: AccessRequest) -> Iterator[tuple[tuple[int, int], Statement]]:
        for policy, document in enumerate(self._policies):
            for number, statement in enumerate(document.statements):
                if any(matches_action(each, request.action) for each in statement.actions or ()):
                    yield (policy, number), statement


def _allows(principal: Principal, statement: Statement | None, request: AccessRequest) -> bool:
    """Tell whether a statement alone allows it, as if the resource were the principal's own account's."""
    if statement is None:
        return False
    alone = Principal(
        PrincipalKind.SESSION,
        principal.arn,
        principal.account_id,
        principal.entity_arn,
        (Policy((statement,)),),
        context=principal.context,
    )
    return evaluate(alone, replace(request, owner_account=None)).is_allowed


def _without(items: tuple[_T, ...], index: int) -> tuple[_T, ...]:
    return (*items[:index], *items[index + 1 :])
