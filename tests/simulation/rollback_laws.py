"""The law on rollbacks that people ask for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.asking import left
from tests.simulation.laws import CHANGES, Law, Law3NewestStandingApproval, last_query, order_of

if TYPE_CHECKING:
    from tests.simulation.asking import Asked
    from tests.simulation.laws import Facts
    from tests.simulation.world import Call, World


@dataclass(frozen=True, slots=True)
class _Due:
    """What a rollback has to hold, as nothing speaks against it when it is asked for.

    Attributes:
        asked: The rollback.
        target: The item of the approval to go back to.
        newer: The items of the approvals that are newer.
        away: Their versions, in lower case.
    """

    asked: Asked
    target: str
    newer: tuple[str, ...]
    away: frozenset[str]


class Law39ARollbackHolds(Law):
    """What a person rolled an endpoint back from does not go out there again before its next approval.

    A rollback names a version that is approved and has served well. It holds every approval that is newer
    than that version's, and that was given before the rollback. No invocation that could read so in the
    journal puts such a version on the endpoint. At rest, every rollback that could be done holds what it has
    to, and no request is left. The deployer holds nothing for which nobody asked, nor an approval that was
    given after the rollback. That the version to go back to serves afterwards is law 3; that it comes back at
    once is law 27.

    An approval of a version that a rollback has to hold is held as well if the journal hears of it later, and
    it was given before the rollback.

    The law excludes requests for endpoints whose journal was lost or restored since, or whose settings were
    removed, and those whose version lost its approval before the deployer had taken them in, or was rolled
    back itself by an earlier request. It excludes approvals whose versions the registry did not show yet.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._held: dict[tuple[str, str], int] = {}
        """The call that held an approval, by its endpoint and item."""
        self._due: list[_Due] = []
        self._noted = 0
        self._newest = Law3NewestStandingApproval(world, facts)

    def check_call(self, call: Call) -> None:
        """Look whether somebody asked for a hold, and whether a change goes past one."""
        self._note_asked()
        if call.operation == "UpdateItem" and call.accepted and _holds(call):
            self._check_hold(call)
        if call.is_write and call.operation in CHANGES:
            self._check_change(call)

    def _note_asked(self) -> None:
        """Remember what each new rollback has to hold. Nothing happened since it was asked for."""
        asked = self.world.people.rollbacks.all
        for each in asked[self._noted :]:
            due = self._due_of(each)
            self._due += [due] if due is not None else []
        self._noted = len(asked)

    def _due_of(self, asked: Asked) -> _Due | None:
        name, settings = asked.endpoint_name, self.world.people.settings.get(asked.endpoint_name)
        approvals = [each for each in self._counting(name) if "rollback" not in each]
        target = next((each for each in approvals if each["version_arn"].lower() == asked.version_arn), None)
        if (
            asked.is_malformed
            or settings is None
            or target is None
            or not self._newest.stands(settings, target)
            or not self._newest.served_well(target, self.facts.attempts(name))
        ):
            return None
        newer = [
            each
            for each in approvals
            if order_of(each) > order_of(target)
            and each["version_arn"].lower() != asked.version_arn
            and datetime.fromisoformat(each["approved_at"]) <= asked.at
        ]
        away = frozenset(each["version_arn"].lower() for each in newer)
        return _Due(asked, target["item"], tuple(each["item"] for each in newer), away)

    def _counting(self, name: str) -> list[dict[str, Any]]:
        return [
            each
            for each in self.world.journal(name, "approval#")
            if "objection" not in each and "unread" not in each and not each.get("withdrawn")
        ]

    def _check_hold(self, call: Call) -> None:
        name, item = (call.request["Key"][each]["S"] for each in ("endpoint", "item"))
        held = self.world.journalled(name, item)
        given = datetime.fromisoformat(held["approved_at"])
        # A restored journal may have lost the approval of the version to go back to since.
        if not self.facts.recovered(name, call.invocation.started) and not any(
            each.endpoint_name == name
            and each.after < call.number
            and not each.is_malformed
            and each.version_arn != held["version_arn"].lower()
            and given <= each.at
            for each in self.world.people.rollbacks.all
        ):
            raise self.broken(f"{name}: {held['version_arn']} is held back, and nobody asked for it")
        self._held[name, item] = call.number

    def _check_change(self, call: Call) -> None:
        name = call.request["EndpointName"]
        content = self.world.people.config_content(call.request["EndpointConfigName"])
        if content is None or self.facts.recovered(name, call.invocation.started):
            return
        held = [each for each in self._counting(name) if each["version_arn"].lower() == content[0]]
        newest = max(held, key=order_of, default=None)
        if (
            newest is not None
            and "rollback" in newest
            and self._held.get((name, newest["item"]), call.number) < last_query(call.invocation, name)
        ):
            raise self.broken(f"{name} gets {content[0]}, which was rolled back")

    def check_rest(self) -> None:
        """Look whether every rollback that could be done is."""
        self._note_asked()
        people = self.world.people
        managed = {name for name in people.endpoints if people.settings.get(name) is not None}
        waiting = [each for each in left(self.world) if each.partition("#")[0] in managed]
        if waiting:
            raise self.broken(f"nobody has taken in {', '.join(waiting)}")
        for due in self._due:
            name = due.asked.endpoint_name
            if (
                name in managed
                and not people.settings_were_missing
                and not self.facts.recovered(name, due.asked.at)
                and self._stands_since(due)
            ):
                self._check_held(due)

    def _stands_since(self, due: _Due) -> bool:
        """Tell whether nobody touched the approval of the version to go back to."""
        asked, target = due.asked, self.world.journalled(due.asked.endpoint_name, due.target)
        if "rollback" in target and datetime.fromisoformat(json.loads(target["rollback"])[0]) <= asked.at:
            return False
        return not target.get("withdrawn") and not any(
            each.version_arn.lower() == asked.version_arn and each.time >= asked.at
            for each in self.world.people.acts
        )

    def _check_held(self, due: _Due) -> None:
        for item in due.newer:
            found = self.world.journalled(due.asked.endpoint_name, item)
            if found and not found.get("withdrawn") and "rollback" not in found:
                raise self.broken(
                    f"{due.asked.endpoint_name} was rolled back to {due.asked.version_arn}, and "
                    f"{found['version_arn']} may go out again"
                )
        for late in self._counting(due.asked.endpoint_name):
            if (
                late["version_arn"].lower() in due.away
                and datetime.fromisoformat(late["approved_at"]) <= due.asked.at
                and "rollback" not in late
            ):
                raise self.broken(
                    f"{due.asked.endpoint_name}: {late['version_arn']} may go out again, by an approval that "
                    "was given before the rollback and heard of after it"
                )


def _holds(call: Call) -> bool:
    """Tell whether a change of a record holds an approval. An attempt names the rollback that it follows."""
    request = call.request
    is_approval = request["Key"]["item"]["S"].startswith("approval#")
    return is_approval and ":rollback" in request.get("ExpressionAttributeValues", {})


ROLLBACK_LAWS: Final[tuple[type[Law], ...]] = (Law39ARollbackHolds,)
