"""Runs the scenarios as pytest runs them: once with every policy, and then again on the mutants.

A pytest plugin, so that the scenarios are exactly the tests of the suite, with their fixtures.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from _pytest.runner import runtestprotocol

from tests.iam_proof.mutants import Mutant, Needs, mutants_of
from tests.infra.roles import ALTERED, Deployed
from tests.infra.sufficiency.conftest import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from iam_policies.evaluation import AccessRequest, Decision
    from iam_policies.principals import Principal
    from tests.iam_proof.mutants import Taken
    from tests.infra.conftest import Synthesised

ROLE = "DeployerRole"
STORIES = "tests/infra/sufficiency"
REFUSALS = "tests/infra/test_refusals.py"
_REFUSED = ("test_the_deployer_cannot[", "test_the_deployer_keeps_to_its_own[False")
_MAY = "test_the_deployer_may_do_its_work["
_MOST_TRIED = 5
"""Scenarios that are run on a mutant, which would decide otherwise in each of them, until one fails."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a mutant led to.

    Attributes:
        taken: What was taken.
        scenario: The scenario that fails without it, by pytest's name; empty if none does.
        how: What the failing scenario was refused, or let do.
        candidates: Scenarios in which the mutant decides otherwise.
    """

    taken: Taken
    scenario: str
    how: str
    candidates: int


@dataclass(eq=False)
class Proof:
    """Everything that was found out; filled by the plugin's run."""

    findings: list[Finding] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Scenarios that fail with every policy in place, which prove nothing."""

    _needed: dict[Mutant, Counter[str]] = field(default_factory=dict)
    _items: dict[str, pytest.Item] = field(default_factory=dict)
    _role: list[Principal] = field(default_factory=list)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all scenarios, then the mutants, in place of pytest's own loop."""
        if session.testsfailed:
            raise session.Interrupted("the scenarios could not be collected")
        items = [item for item in session.items if _counts(item)]
        if not items:
            raise session.Failed("there are no scenarios")
        self._items = {item.nodeid: item for item in items}
        for item in items:
            failure = self._watched(item)
            if failure:
                self.broken.append(f"{item.nodeid}: {failure}")
        _say(f"{len(items)} scenarios ran with every policy in place; {len(self.broken)} failed.")
        if not self.broken:
            role = self._roles_own()
            for number, mutant in enumerate(mutants_of(role), start=1):
                self.findings.append(self._finding(mutant, role))
                _say(f"{number}: {self.findings[-1].taken}: {self.findings[-1].scenario or '-'}")
        # So that what the last scenario left for a next one is ended.
        session._setupstate.teardown_exact(None)  # noqa: SLF001 - as pytest's own loop does by its last item
        return True

    def _roles_own(self) -> Principal:
        return self._role[0]

    def _watched(self, item: pytest.Item) -> str:
        """Run a scenario with every policy, and note what it needs; return how it failed."""

        def watch(prefix: str, principal: Principal) -> Principal:
            if prefix != ROLE:
                return principal
            needs = Needs(principal)

            def note(request: AccessRequest, decision: Decision) -> None:
                changed = (
                    needs.refused_without(request)
                    if decision.is_allowed
                    else needs.allowed_without(request)
                    if _is_refusal(item)
                    else []
                )
                for mutant in changed:
                    self._needed.setdefault(mutant, Counter())[item.nodeid] += 1

            return replace(principal, on_decision=note)

        with _altered(watch):
            return _failure(item)

    def _finding(self, mutant: Mutant, role: Principal) -> Finding:
        needed = self._needed.get(mutant, Counter())
        # The shortest first: what takes a role's whole life proves no more than one call.
        chosen = sorted(
            (name for name in needed if _is_refusal(self._items[name]) is mutant.widens),
            key=lambda name: (_MAY in name, needed[name], name),
        )
        for name in chosen[:_MOST_TRIED]:
            how: list[str] = []

            def mutate(prefix: str, principal: Principal, how: list[str] = how) -> Principal:
                if prefix != ROLE:
                    return principal
                own = Needs(principal)

                def note(request: AccessRequest, decision: Decision) -> None:
                    changed = own.allowed_without if decision.is_allowed else own.refused_without
                    if mutant in changed(request):
                        how.append(f"{request.action} on {request.resource_arn}")

                return replace(mutant.apply(principal), on_decision=note)

            with _altered(mutate):
                if _failure(self._items[name]) and how:
                    return Finding(mutant.taken_from(role), name, how[0], len(chosen))
        return Finding(mutant.taken_from(role), "", "", len(chosen))

    @pytest.fixture(autouse=True)
    def _the_role(self, featured: Synthesised) -> None:
        if not self._role:
            self._role.append(role_of(featured))


def role_of(featured: Synthesised) -> Principal:
    """Return the deployer's role as the page names its parts."""
    return Deployed(featured, "123456789012", "eu-central-1", NAMES).session(ROLE)


def prove(arguments: Sequence[str] = ()) -> Proof:
    """Run it all; minutes."""
    proof = Proof()
    # Each call is timed by itself: the plugin's loop goes past pytest-timeout's place for whole tests.
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "timeout_func_only=true"]
    pytest.main([*options, *arguments, STORIES, REFUSALS], plugins=[proof])
    return proof


def _counts(item: pytest.Item) -> bool:
    """Tell whether a test is a scenario: a story, or an attempt by way of a call, and no mere evaluation."""
    return item.nodeid.startswith(STORIES) or _MAY in item.nodeid or _is_refusal(item)


def _is_refusal(item: pytest.Item) -> bool:
    return any(each in item.nodeid for each in _REFUSED)


def _failure(item: pytest.Item) -> str:
    """Return how a scenario failed; empty if it passed."""
    # What comes next needs the session only: so everything else ends here, and what was synthesised stays.
    reports = runtestprotocol(item, log=False, nextitem=item.session)  # type: ignore[arg-type]
    return next((str(report.longrepr) for report in reports if report.failed), "")


@contextmanager
def _altered(alter: object) -> Iterator[None]:
    token = ALTERED.set(alter)  # type: ignore[arg-type]
    try:
        yield
    finally:
        ALTERED.reset(token)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a run of minutes shows how far it is
