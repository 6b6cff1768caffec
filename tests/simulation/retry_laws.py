"""The law on retries that people ask for."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.laws import Law, Law3NewestStandingApproval, answers, last_query, order_of, retried_from
from tests.simulation.world import ASIDE

if TYPE_CHECKING:
    from tests.simulation.asking import Asked
    from tests.simulation.laws import Facts
    from tests.simulation.world import Call, World


class Law42ARetryIsOneMoreChance(Law):
    """When a person asks to try a failed version again, failures before that do not count, and later ones do.

    A retry names a version that is approved and failed since. The deployer notes since which attempt its
    failures count: the next one, or the one that is under way for the version. It notes nothing for which
    nobody asked, and each request renews the chance once, also if a crash repeats it. At rest, every retry
    that could be done is noted on the version's newest approvals, also if the journal hears of one later
    that was given before, but after no failure that the retry is about. No request is left (law 39). That
    the version goes out then is law 3; that it does not go out a second time is law 4.

    The law excludes requests for endpoints whose journal was lost or restored since, or whose settings were
    removed, and those whose version lost its approval, or was rolled back, before the deployer had taken them
    in.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._due: list[Asked] = []
        self._noted = 0
        self._firsts: dict[tuple[str, str], set[int]] = {}
        """Since which attempts failures count, by endpoint and approval: a newer one needs its own retry."""
        self._failed_at: dict[tuple[str, str], int] = {}
        """The last call that noted a failed attempt, by its endpoint and item."""
        self._known_since: dict[tuple[str, str], int] = {}
        """The first such call."""
        self._newest = Law3NewestStandingApproval(world, facts)

    def check_call(self, call: Call) -> None:
        """Look whether somebody asked for a retry, and since when failures count."""
        self._note_asked()
        if call.operation == "UpdateItem" and call.accepted:
            name, item = (call.request["Key"][each]["S"] for each in ("endpoint", "item"))
            if self.world.journalled(name, item).get("status") == "failed":
                self._failed_at[name, item] = call.number
                self._known_since.setdefault((name, item), call.number)
        if call.operation == "UpdateItem" and call.accepted and _renews(call):
            self._check_note(call)

    def _note_asked(self) -> None:
        """Remember what each new retry has to renew. Nothing happened since it was asked for."""
        asked = self.world.people.retries.all
        self._due += [each for each in asked[self._noted :] if self._is_due(each)]
        self._noted = len(asked)

    def _is_due(self, asked: Asked) -> bool:
        """Tell whether nothing speaks against a retry when it is asked for."""
        name, settings = asked.endpoint_name, self.world.people.settings.get(asked.endpoint_name)
        approvals = self._approvals(asked)
        return (
            not asked.is_malformed
            and settings is not None
            and not any("rollback" in each or not self._newest.stands(settings, each) for each in approvals)
            and any(self._has_failed(name, each) for each in approvals)
        )

    def _approvals(self, asked: Asked) -> list[dict[str, Any]]:
        """Return the newest approval of a version that counts, and the newest that makes it a shadow."""
        newest: dict[bool, dict[str, Any]] = {}
        for each in sorted(self.world.journal(asked.endpoint_name, "approval#"), key=order_of):
            if (
                each["version_arn"].lower() == asked.version_arn
                and "unread" not in each
                and not each.get("withdrawn")
                and ("objection" not in each or each.get("shadows"))
            ):
                newest["objection" in each] = each
        return list(newest.values())

    def _has_failed(self, name: str, approval: dict[str, Any]) -> bool:
        return any(
            each["status"] == "failed"
            and each["action"] not in ASIDE
            and decided_by(each) == approval["version_arn"].lower()
            and int(each["number"]) >= retried_from(approval)
            and answers(each, approval["approved_at"])
            for each in self.facts.attempts(name)
        )

    def _check_note(self, call: Call) -> None:
        name, item = (call.request["Key"][each]["S"] for each in ("endpoint", "item"))
        noted = self.world.journalled(name, item)
        arn, first = noted["version_arn"].lower(), retried_from(noted)
        if self.facts.recovered(name, call.invocation.started):
            return
        asked = [
            each
            for each in self.world.people.retries.all
            if each.endpoint_name == name
            and each.version_arn == arn
            and each.after < call.number
            and not each.is_malformed
            and datetime.fromisoformat(noted["approved_at"]) <= each.at
        ]
        firsts = self._firsts.setdefault((name, item), set())
        firsts.add(first)
        if len(firsts) > len(asked):
            raise self.broken(f"{name}: {arn} is to be tried again, and nobody asked for it")
        numbers = [int(each["number"]) for each in self.facts.attempts(name)]
        if first > max(numbers, default=0) + 1:
            raise self.broken(f"{name}: {arn} is tried again, and attempt {first - 1} is not to count")
        read = last_query(call.invocation, name)
        for each in self.facts.attempts(name):
            if (
                int(each["number"]) >= first
                and each["status"] == "failed"
                and each["action"] not in ASIDE
                and each["version_arn"].lower() == arn
                and self._failed_at.get((name, each["item"]), call.number) < read
            ):
                raise self.broken(f"{name}: {arn} is tried again, and attempt {each['number']} still counts")

    def check_rest(self) -> None:
        """Look whether every retry that could be done is."""
        self._note_asked()
        people = self.world.people
        for asked in self._due:
            name = asked.endpoint_name
            if (
                people.settings.get(name) is None
                or people.settings_were_missing
                or self.facts.recovered(name, asked.at)
                or any(
                    each.version_arn.lower() == asked.version_arn and each.time >= asked.at
                    for each in people.acts
                )
            ):
                continue
            if any(
                self._failed_before(each, asked) and not self._is_renewed(each, asked)
                for each in self._approvals(asked)
            ):
                raise self.broken(f"{name}: {asked.version_arn} was to be tried again, and is not")

    def _failed_before(self, approval: dict[str, Any], asked: Asked) -> bool:
        """Tell whether a failure that was known when somebody asked counts against an approval."""
        return any(
            each["status"] == "failed"
            and each["action"] not in ASIDE
            and decided_by(each) == asked.version_arn
            and int(each["number"]) >= retried_from(approval)
            and answers(each, approval["approved_at"])
            and self._known_since.get((asked.endpoint_name, each["item"]), asked.after + 1) <= asked.after
            for each in self.facts.attempts(asked.endpoint_name)
        )

    def _is_renewed(self, approval: dict[str, Any], asked: Asked) -> bool:
        if "rollback" in approval:
            return True
        return "retry" in approval and datetime.fromisoformat(json.loads(approval["retry"])[0]) >= asked.at


def _renews(call: Call) -> bool:
    """Tell whether a change of a record says that a version is to be tried again."""
    request = call.request
    is_approval = request["Key"]["item"]["S"].startswith("approval#")
    return is_approval and "#retry = :retry" in request["UpdateExpression"]


def decided_by(attempt: dict[str, Any]) -> str:
    """Return the version whose approval led to an attempt, in lower case: the shadow's, if it has one."""
    beside = json.loads(attempt.get("companions", "[]"))
    shadows = [each["version_arn"] for each in beside if each["is_shadow"]]
    return str((*shadows, attempt["version_arn"])[0]).lower()


RETRY_LAWS: Final[tuple[type[Law], ...]] = (Law42ARetryIsOneMoreChance,)
