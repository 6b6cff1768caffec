"""Holds each statement of each policy against its evidence: is there any, and is the statement as wide as it?

Pure. What AWS accepts stands in `evidence.py`, and in the service authorization reference (`reference.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from iam_evaluator.matching import may_overlap
from iam_evaluator.operators import demands_key
from tests.iam_proof import reference
from tests.iam_proof.evidence import EVIDENCE, KEYS, SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from iam_evaluator.policies import Condition, Policy, Statement
    from tests.iam_proof.evidence import Evidence, KeyEvidence, Open
    from tests.iam_proof.reference import Action
    from tests.infra.roles import Deployed, Subject

_HOLE: Final = re.compile(r"\{[^}]*\}|<[^>]*>")
_NAMED: Final = re.compile(r"<[^>]*>$")
_WILDCARD: Final = re.compile(r"[*?]")
_ONLY_A_WILDCARD: Final = "\0\0"
"""No policy names it, so that only an asterisk covers it."""

_HOW: Final = ("kms:viaservice", "kms:encryptioncontext:*")
"""Keys of the reference that say how a request came about: only some requests have them."""

REFERENCE: Final = f"reference of {reference.EDITION}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The evidence for a statement.

    Attributes:
        subject: The holder of its policy.
        sid: Its name, or its place.
        without: Elements without evidence.
        narrower: Elements that are narrower than their evidence.
        sources: The sources for the rest.
        open: Questions for a probe on a real account.
    """

    subject: Subject
    sid: str
    without: tuple[str, ...] = ()
    narrower: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    open: tuple[Open, ...] = ()


@dataclass(slots=True)
class _Findings:
    """Filled while a statement is looked at."""

    subject: Subject
    statement: Statement
    without: list[str]
    narrower: list[str]
    sources: list[str]
    open: list[Open]

    def rests_on(self, evidence: Evidence | KeyEvidence) -> None:
        self.sources.append(str(evidence.source))
        if evidence.open is not None:
            self.open.append(evidence.open)


def verdicts(subject: Subject, policies: Sequence[Policy]) -> Iterator[Verdict]:
    """Yield the evidence for each statement of a subject's policies."""
    statements = [statement for policy in policies for statement in policy.statements]
    for number, statement in enumerate(statements, start=1):
        found = _Findings(subject, statement, [], [], [], [])
        found.without += reference.mismatches(statement)
        if statement.allows and not found.without:
            _look_at_services(found)
            for action in reference.actions_of(statement):
                for resource in statement.resources or (None,):
                    _look_at_action(found, action, resource)
        elif not found.without:
            found.sources.append(REFERENCE)
        yield Verdict(
            subject,
            statement.sid or f"#{number}",
            without=tuple(dict.fromkeys(found.without)),
            narrower=tuple(dict.fromkeys(found.narrower)),
            sources=tuple(dict.fromkeys(found.sources)),
            open=tuple(dict.fromkeys(found.open)),
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """The evidence for every statement of some stacks."""

    verdicts: tuple[Verdict, ...]

    @property
    def sources(self) -> list[str]:
        """All sources but the reference, in their order."""
        found = {source for each in self.verdicts for source in each.sources}
        return sorted(found - {REFERENCE})

    @property
    def questions(self) -> list[Open]:
        """The open questions, in the order of the record."""
        found = {question for each in self.verdicts for question in each.open}
        known = [each.open for each in (*EVIDENCE, *KEYS) if each.open is not None]
        return [each for each in dict.fromkeys(known) if each in found]

    @property
    def defects(self) -> list[str]:
        """Elements without evidence, and elements that are narrower than it."""
        return [
            f"{kind} {each.subject}: {each.sid}: {what}"
            for each in self.verdicts
            for kind, found in (("WITHOUT EVIDENCE", each.without), ("NARROWER THAN EVIDENCE", each.narrower))
            for what in found
        ]

    def column(self) -> dict[tuple[Subject, str], str]:
        """Return the page's column of evidence, by subject and Sid."""
        numbers = {source: str(number) for number, source in enumerate(self.sources, start=1)}
        numbers[REFERENCE] = "R"
        return {
            (each.subject, each.sid): ", ".join(sorted(numbers[source] for source in each.sources))
            + (" **?**" if each.open else "")
            for each in self.verdicts
        }


def judge(stacks: Iterable[Deployed]) -> Judgement:
    """Hold every statement of every policy of some stacks against its evidence."""
    return Judgement(
        tuple(
            verdict
            for stack in stacks
            for subject, policies in stack.subjects().items()
            for verdict in verdicts(subject, policies)
        )
    )


def covers(resource: str, form: str) -> bool:
    """Tell whether a policy's resource is as wide as the form that is shown to be enough."""
    if _NAMED.search(form) and resource != "*" and _WILDCARD.search(resource.rpartition("/")[2]):
        return False
    return may_overlap(resource, _HOLE.sub("*", form.replace("*", _ONLY_A_WILDCARD)))


def _look_at_services(found: _Findings) -> None:
    for kind, name in found.statement.principals or ():
        if kind != "Service":
            continue
        for action in found.statement.actions or ():
            shown = [each for each in SERVICES if each.service == name and action in each.actions]
            if not shown:
                found.without.append(f"that {name} uses {action}")
            found.sources += [str(each.source) for each in shown]


def _look_at_action(found: _Findings, action: Action, resource: str | None) -> None:
    """Look at one action on one resource of a statement; None for the resource that the policy is of."""
    if resource is not None and resource != "*" and not action.types_of(resource):
        # Another action's.
        return
    about = [
        each
        for each in EVIDENCE
        if action.name in each.actions
        and fnmatchcase(str(found.subject), each.subject)
        and fnmatchcase(found.statement.sid or "", each.sid)
        and (resource is None or may_overlap(resource, _HOLE.sub("*", each.form)))
    ]
    enough = [each for each in about if resource is None or covers(resource, each.form)]
    if about and not enough:
        forms = " or ".join(f"{each.form} ({each.source})" for each in about)
        found.narrower.append(f"{action.name} on {resource}: shown to be enough is {forms}")
        return
    for condition in found.statement.conditions:
        if demands_key(condition.operator):
            _look_at_condition(found, action, resource, condition, enough)
    for each in enough:
        found.rests_on(each)
    if not enough:
        found.sources.append(REFERENCE)


def _look_at_condition(
    found: _Findings, action: Action, resource: str | None, condition: Condition, enough: Sequence[Evidence]
) -> None:
    """Look at a condition that holds only of requests with its key."""
    narrowing = [each for each in enough if each.keys is not None]
    if narrowing and not any(_lists(each.keys or (), condition.key) for each in narrowing):
        found.narrower.append(
            f"{action.name} on {resource} with {condition.key}: {narrowing[0].source} shows no such condition"
        )
        return
    by_service = [name for kind, name in found.statement.principals or () if kind == "Service"]
    shown = [
        each
        for each in KEYS
        if each.key.lower() == condition.key.lower()
        and any(fnmatchcase(action.name, pattern) for pattern in each.actions)
        and each.service == (by_service[0] if by_service else "")
    ]
    fitting = [
        each
        for each in shown
        if all(any(fnmatchcase(value, like) for like in each.values) for value in condition.values)
    ]
    if fitting:
        found.rests_on(fitting[0])
    elif shown:
        found.narrower.append(
            f"{action.name} with {condition.key} = {', '.join(condition.values)}: shown are values like "
            + " or ".join(value for each in shown for value in each.values)
        )
    elif _lists(_HOW, condition.key) or condition.key.lower() in reference.GLOBAL_KEYS:
        found.without.append(f"that a request for {action.name} has {condition.key}")


def _lists(keys: Sequence[str], key: str) -> bool:
    return any(fnmatchcase(key.lower(), each.lower()) for each in keys)
