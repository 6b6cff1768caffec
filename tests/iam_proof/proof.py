"""Runs the scenarios as pytest runs them: once with every policy, and then again on the mutants.

A pytest plugin, so that the scenarios are exactly the tests of the suite, with their fixtures.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from _pytest.runner import runtestprotocol

from tests.iam_proof.mutants import Mutant, Needs
from tests.iam_proof.page import shortened
from tests.iam_proof.processes import shared_out
from tests.iam_proof.subjects import Case, cases
from tests.infra.roles import ALTERED, Alteration, Subject
from tests.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from iam_evaluator.decision import AccessRequest, Decision
    from iam_evaluator.policies import Policy
    from iam_evaluator.principals import Principal
    from tests.iam_proof.mutants import Taken
    from tests.infra.conftest import Synthesised
    from tests.infra.estate import Estate
    from tests.infra.roles import Deployed

STORIES = "tests/infra/sufficiency"
REFUSALS = ("tests/infra/test_refusals.py", "tests/infra/test_refusals_of_resources.py")
EVIDENCE = "tests/infra/test_evidence.py"
_MERE_EVALUATION = "[True"
"""A refusal's opposite, put to IAM's evaluation directly: that it is allowed shows no need for it."""

_MOST_TRIED = 25
"""Scenarios that are run on a mutant, which would decide otherwise in each of them, until one fails."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A mutant's result.

    Attributes:
        subject: The holder of the changed policies.
        taken: The removed or widened element.
        scenario: The failing scenario, by pytest's name; empty if none fails.
        how: What the failing scenario was refused or allowed.
        candidates: Scenarios that the change may affect.
    """

    subject: Subject
    taken: Taken
    scenario: str
    how: str
    candidates: int


@dataclass(eq=False)
class Proof:
    """All results; the plugin's run fills it.

    Attributes:
        console: Shows the progress.
        jobs: How many processes run scenarios.
        only: Try only changes whose description contains this.
        recorded: The scenario that failed last time, by the record. It runs first, which is fast and keeps
            the record unchanged.
    """

    console: Console
    jobs: int = 1
    only: str = ""
    recorded: Mapping[tuple[Subject, Taken], str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Scenarios that fail with every policy in place, which prove nothing."""
    stacks: list[Deployed] = field(default_factory=list)
    """Every stack that has policies."""

    _decided: dict[tuple[Subject, Mutant], Counter[str]] = field(default_factory=dict)
    _asked: dict[Subject, list[_Seen]] = field(default_factory=dict)
    _sessions: set[Subject] = field(default_factory=set)
    """The receiver of decisions."""
    _items: dict[str, pytest.Item] = field(default_factory=dict)
    _cases: list[Case] = field(default_factory=list)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all scenarios, then the mutants, in place of pytest's own loop."""
        if session.testsfailed:
            raise session.Interrupted("the scenarios could not be collected")
        items = [item for item in session.items if _MERE_EVALUATION not in item.nodeid]
        if not items:
            raise session.Failed("there are no scenarios")
        self._items = {item.nodeid: item for item in items}
        with progress("Scenarios with every policy", len(items), self.console) as one_more:
            # In this process, so that what all share is synthesised before they part.
            self._note(_watched(items[0]))
            one_more()
            for seen in shared_out(_watched, items[1:], self.jobs, one_more):
                self._note(seen)
        if not self.broken:
            with progress("Policies with one thing changed", len(self._cases), self.console) as one_more:
                self.findings += shared_out(self._finding, self._cases, self.jobs, one_more)
        # End what the last scenario left for the next one.
        session._setupstate.teardown_exact(None)  # noqa: SLF001 - as pytest's own loop does by its last item
        return True

    def _note(self, seen: _Seen) -> None:
        if seen.failure:
            self.broken.append(f"{seen.scenario}: {seen.failure}")
        for changed, count in seen.decided.items():
            self._decided.setdefault(changed, Counter())[seen.scenario] = count
        for subject in seen.asked:
            self._asked.setdefault(subject, []).append(seen)
        self._sessions |= seen.sessions

    def _finding(self, case: Case) -> Finding:
        decided = self._decided.get((case.subject, case.mutant), Counter())
        # The shortest first: what takes a role's whole life proves no more than one call.
        chosen = self._recorded_first(case, sorted(decided, key=lambda name: (decided[name], name)))
        candidates = chosen[:_MOST_TRIED]
        if case.subject not in self._sessions:
            # Decisions of resources' policies and trust policies are not reported. Stories miss removed
            # permissions, and refusal tests mostly notice widened ones.
            asked = sorted(
                self._asked.get(case.subject, ()),
                key=lambda seen: (seen.scenario.startswith(STORIES) is case.mutant.widens, seen.seconds),
            )
            candidates = self._recorded_first(case, [seen.scenario for seen in asked])
        finding = Finding(case.subject, case.taken, "", "", len(candidates))
        for name in candidates:
            changed = _Changed(case)
            with _altered(changed):
                failure = _failure(self._items[name])
            if failure and (changed.told or not chosen):
                how = changed.told[0] if changed.told else failure.strip().rpartition("\n")[2]
                finding = replace(finding, scenario=name, how=how)
                break
        return finding

    def _recorded_first(self, case: Case, candidates: list[str]) -> list[str]:
        recorded = self.recorded.get((case.subject, case.taken))
        return sorted(candidates, key=lambda name: shortened(name) != recorded)

    @pytest.fixture(autouse=True)
    def _everything(self, featured: Synthesised, every_stack: list[Deployed], estate: Estate) -> None:
        # All are made before the processes part, as everything that scenarios share.
        self.stacks = every_stack
        if not self._cases:
            everything = cases(featured, estate)
            self._cases.extend(each for each in everything if self.only in f"{each.subject}: {each.taken}")


@dataclass(slots=True)
class _Seen:
    """A scenario's run with every policy in place.

    Attributes:
        scenario: Its name.
        failure: How it failed; empty if it passed.
        seconds: How long it took.
        decided: The elements of roles' policies that it needs, and how often.
        asked: The holders whose policies it used.
        sessions: The principals of the reported decisions.
    """

    scenario: str
    failure: str = ""
    seconds: float = 0.0
    decided: Counter[tuple[Subject, Mutant]] = field(default_factory=Counter)
    asked: set[Subject] = field(default_factory=set)
    sessions: set[Subject] = field(default_factory=set)


def _watched(item: pytest.Item) -> _Seen:
    """Run a scenario with every policy, and record its use of policies."""
    seen = _Seen(item.nodeid)
    began = time.monotonic()
    with _altered(_Watching(seen)):
        seen.failure = _failure(item)
    seen.seconds = time.monotonic() - began
    return seen


@dataclass
class _Watching:
    """Notes which policies a scenario asks for, and what in a role's it would miss."""

    seen: _Seen

    def policies(self, subject: Subject, policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
        self.seen.asked.add(subject)
        return policies

    def principal(self, subject: Subject, principal: Principal) -> Principal:
        needs = Needs(principal.identity_policies)
        self.seen.sessions.add(subject)

        def note(request: AccessRequest, decision: Decision) -> None:
            for mutant in needs.changed(principal, request, was_allowed=decision.is_allowed):
                self.seen.decided[subject, mutant] += 1

        return replace(principal, on_decision=note)


@dataclass
class _Changed:
    """Changes one element, and receives the changed decisions."""

    case: Case
    told: list[str] = field(default_factory=list)
    _needs: Needs | None = None

    def policies(self, subject: Subject, policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
        if subject != self.case.subject:
            return policies
        self._needs = Needs(policies)
        return self.case.mutant.apply(policies)

    def principal(self, subject: Subject, principal: Principal) -> Principal:
        needs = self._needs
        if subject != self.case.subject or needs is None:
            return principal

        def note(request: AccessRequest, decision: Decision) -> None:
            if self.case.mutant in needs.changed(principal, request, was_allowed=not decision.is_allowed):
                self.told.append(f"{request.action} on {request.resource_arn}")

        return replace(principal, on_decision=note)


def run(proof: Proof, arguments: Sequence[str] = ()) -> None:
    """Find everything out, in minutes; the arguments are pytest's, such as which scenarios to run.

    Raises:
        RuntimeError: The scenarios could not be run.
    """
    # Time each call separately: the plugin's loop bypasses pytest-timeout's hook for whole tests. Capture
    # output in memory: all processes would share a file.
    options = ["--capture=sys", "-o", "timeout_func_only=true"]
    trouble = _run_quietly([*options, *arguments, STORIES, *REFUSALS], proof)
    if trouble:
        raise RuntimeError(trouble)


def _run_quietly(arguments: Sequence[str], plugin: object) -> str:
    """Run pytest with a plugin; return its output if it failed."""
    # MiniStack makes one for the terminal as it is imported, and logs every topic and key of every scenario.
    for handler in list(logging.getLogger().handlers):
        logging.getLogger().removeHandler(handler)
    printed = StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        status = pytest.main(
            ["-q", "--no-summary", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments], plugins=[plugin]
        )
    return "" if status == pytest.ExitCode.OK else f"pytest ended with {status!r}:\n{printed.getvalue()}"


@dataclass(eq=False)
class _Stacks:
    """Takes the stacks from a test that has them."""

    found: list[Deployed] = field(default_factory=list)

    @pytest.fixture(autouse=True)
    def _everything(self, every_stack: list[Deployed]) -> None:
        self.found = every_stack


def synthesised_stacks() -> list[Deployed]:
    """Synthesise every stack that has policies, as the test suite does; seconds.

    Raises:
        RuntimeError: They could not be synthesised.
    """
    stacks = _Stacks()
    trouble = _run_quietly([f"{EVIDENCE}::test_every_statement_has_a_source"], stacks)
    if not stacks.found:
        raise RuntimeError(trouble)
    return stacks.found


def _failure(item: pytest.Item) -> str:
    """Return how a scenario failed; empty if it passed."""
    # The next run needs only the session: end everything else, and keep the synthesised stacks.
    reports = runtestprotocol(item, log=False, nextitem=item.session)  # type: ignore[arg-type]
    return next((str(report.longrepr) for report in reports if report.failed), "")


@contextmanager
def _altered(alteration: Alteration) -> Iterator[None]:
    token = ALTERED.set(alteration)
    try:
        yield
    finally:
        ALTERED.reset(token)
