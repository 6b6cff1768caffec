"""Owns what can be taken from a role's policies: an action, a resource, a condition, one of its values.

Pure. A mutant says what it takes by position, so that it fits the same role in any account and region.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from iam_policies.evaluation import evaluate
from iam_policies.patterns import matches_action
from iam_policies.policies import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iam_policies.evaluation import AccessRequest
    from iam_policies.policies import Statement
    from iam_policies.principals import Principal


_T = TypeVar("_T")


class Part(StrEnum):
    """What a mutant takes from a statement."""

    ACTION = "action"
    RESOURCE = "resource"
    VALUE = "value"
    """One of the values that a condition lets through."""
    CONDITION = "condition"
    """A condition altogether, which allows more and not less."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A role less one thing.

    Attributes:
        policy: The policy's position among the role's.
        statement: The statement's in it.
        part: What is taken.
        index: Its position in the statement: of an action, a resource, or a condition.
        value: The value's in the condition, for a value.
    """

    policy: int
    statement: int
    part: Part
    index: int
    value: int = 0

    @property
    def widens(self) -> bool:
        """Whether the role may do more than before."""
        return self.part is Part.CONDITION

    def apply(self, principal: Principal) -> Principal:
        """Return the role without it; a statement that says nothing any more goes altogether."""
        policies = list(principal.identity_policies)
        statements = list(policies[self.policy].statements)
        left = self.left_of(statements[self.statement])
        statements[self.statement : self.statement + 1] = [] if left is None else [left]
        policies[self.policy] = Policy(tuple(statements))
        return replace(principal, identity_policies=tuple(policies))

    def left_of(self, statement: Statement) -> Statement | None:
        """Return what is left of the statement; None if it then says nothing."""
        match self.part:
            case Part.ACTION:
                actions = _without(statement.actions or (), self.index)
                return replace(statement, actions=actions) if actions else None
            case Part.RESOURCE:
                resources = _without(statement.resources or (), self.index)
                return replace(statement, resources=resources) if resources else None
            case Part.CONDITION:
                return replace(statement, conditions=_without(statement.conditions, self.index))
            case Part.VALUE:
                conditions = list(statement.conditions)
                condition = conditions[self.index]
                conditions[self.index] = replace(condition, values=_without(condition.values, self.value))
                return replace(statement, conditions=tuple(conditions))

    def taken_from(self, principal: Principal) -> Taken:
        """Return in words what it takes; account and region are left open."""
        statement = principal.identity_policies[self.policy].statements[self.statement]
        region = next((arn.split(":")[3] for arn in _arns(principal) if arn.split(":")[3]), "")

        def opened(text: str) -> str:
            text = text.replace(principal.account_id, "{account}")
            return text.replace(region, "{region}") if region else text

        condition = statement.conditions[self.index] if self.part in {Part.VALUE, Part.CONDITION} else None
        match self.part:
            case Part.ACTION:
                text = (statement.actions or ())[self.index]
            case Part.RESOURCE:
                text = (statement.resources or ())[self.index]
            case Part.CONDITION:
                assert condition is not None
                text = f"{condition.operator} {condition.key}"
            case Part.VALUE:
                assert condition is not None
                text = f"{condition.key} = {condition.values[self.value]}"
        return Taken(statement.sid, self.part, opened(text))


@dataclass(frozen=True, slots=True, order=True)
class Taken:
    """What a mutant takes, in the words of the policy."""

    sid: str
    part: Part
    text: str

    def __str__(self) -> str:
        return f"{self.sid}: {self.part.value} {self.text}"


def mutants_of(principal: Principal) -> Iterator[Mutant]:
    """Yield every mutant of a role.

    A condition's values are taken one by one only from those that have several, and where a value lets
    something through: without its only value a condition is what `Part.CONDITION` takes.
    """
    for policy, document in enumerate(principal.identity_policies):
        for number, statement in enumerate(document.statements):
            for index, _ in enumerate(statement.actions or ()):
                yield Mutant(policy, number, Part.ACTION, index)
            for index, _ in enumerate(statement.resources or ()):
                yield Mutant(policy, number, Part.RESOURCE, index)
            for index, condition in enumerate(statement.conditions):
                yield Mutant(policy, number, Part.CONDITION, index)
                if len(condition.values) > 1 and "Not" not in condition.operator:
                    for value, _ in enumerate(condition.values):
                        yield Mutant(policy, number, Part.VALUE, index, value)


class Needs:
    """Tell which of a role's mutants would decide otherwise about a request.

    Only what the role's own policies say counts: what a resource's policy says is found out by running it.
    """

    def __init__(self, principal: Principal) -> None:
        """Take the role apart once; requests are many."""
        self._principal = principal
        self._mutants: dict[tuple[int, int], list[Mutant]] = {}
        for mutant in mutants_of(principal):
            self._mutants.setdefault((mutant.policy, mutant.statement), []).append(mutant)

    def refused_without(self, request: AccessRequest) -> list[Mutant]:
        """Return the mutants that do not allow an allowed request any more."""
        allowing = [at for at, statement in self._about(request) if self._allows(statement, request)]
        if len(allowing) != 1:
            # Nobody, or somebody else as well: nothing alone is missed.
            return []
        [at] = allowing
        statement = self._principal.identity_policies[at[0]].statements[at[1]]
        return [
            mutant
            for mutant in self._mutants[at]
            if not mutant.widens and not self._allows(mutant.left_of(statement), request)
        ]

    def allowed_without(self, request: AccessRequest) -> list[Mutant]:
        """Return the mutants that allow a refused request."""
        return [
            mutant
            for at, statement in self._about(request)
            for mutant in self._mutants[at]
            if mutant.widens and self._allows(mutant.left_of(statement), request)
        ]

    def _about(self, request: AccessRequest) -> Iterator[tuple[tuple[int, int], Statement]]:
        for policy, document in enumerate(self._principal.identity_policies):
            for number, statement in enumerate(document.statements):
                if any(matches_action(each, request.action) for each in statement.actions or ()):
                    yield (policy, number), statement

    def _allows(self, statement: Statement | None, request: AccessRequest) -> bool:
        if statement is None:
            return False
        alone = replace(
            self._principal, identity_policies=(Policy((statement,)),), boundary=None, on_decision=None
        )
        # As if the resource were its own account's: there one policy is enough.
        return evaluate(alone, replace(request, owner_account=None)).is_allowed


def _without(items: tuple[_T, ...], index: int) -> tuple[_T, ...]:
    return (*items[:index], *items[index + 1 :])


def _arns(principal: Principal) -> list[str]:
    return [
        resource
        for policy in principal.identity_policies
        for statement in policy.statements
        for resource in statement.resources or ()
        if resource.startswith("arn:aws:sagemaker:")
    ]
