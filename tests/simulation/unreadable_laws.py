"""The law on versions that nobody can read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deployer.model.names import version_number
from tests.simulation.laws import Law
from tests.simulation.schedule import Stages
from tests.simulation.tasks import CrashError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tests.simulation.laws import Facts
    from tests.simulation.people import Recovery
    from tests.simulation.world import Call, Invocation, World


@dataclass(slots=True)
class Turn:
    """What an invocation did between its first read of an endpoint's journal and that of the next one."""

    name: str
    calls: list[Call] = field(default_factory=list)


class Law40OneUnreadableVersionCostsNoOther(Law):
    """A version that cannot be read costs no other version and no other endpoint anything.

    SageMaker denies or refuses to describe it, or its description is none. An invocation that meets such a
    version, and with which nothing else is wrong, does not end there: no endpoint's pass fails at that read.
    And of the approved versions that the pass was listed, the journal knows every other one when it is over:
    its approval, or that it was approved before the first look.

    The law excludes versions that somebody changed since the invocation began, and worlds with stages, whose
    gates admit some versions only.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._known: dict[str, dict[str, int]] = {}
        """By endpoint and version, in lower case, the call that journalled its first approval."""
        self._before: dict[str, set[int]] = {}
        """By endpoint, the numbers of versions that were ever noted as approved before its first look."""
        self._recovered: list[tuple[str, datetime]] = []

    def check_recovery(self, recovery: Recovery) -> None:
        self._recovered.append((recovery.endpoint_name, recovery.time))

    def check_call(self, call: Call) -> None:
        key = call.request.get("Key") or call.request.get("Item") or {}
        if call.service != "dynamodb" or not call.accepted or "item" not in key:
            return
        name, item = key["endpoint"]["S"], key["item"]["S"]
        if item.startswith("approval#") and call.operation == "PutItem":
            arn = call.request["Item"]["version_arn"]["S"].lower()
            self._known.setdefault(name, {}).setdefault(arn, call.number)
        elif item == "fact#endpoint":
            looked = self.world.journalled(name, item).get("first_look")
            numbers = json.loads(looked)[1] if isinstance(looked, str) else ()
            self._before.setdefault(name, set()).update(numbers)

    def check_rest(self) -> None:
        if self.world.schedule.stages is not Stages.NONE:
            return
        for invocation in self.world.ended:
            is_cut = isinstance(invocation.problem, CrashError) or invocation.troubled
            if is_cut or not any(call.hidden for call in invocation.calls):
                continue
            for turn in turns_of(invocation):
                if any(call.hidden for call in turn.calls):
                    self._check_turn(invocation, turn)

    def _check_turn(self, invocation: Invocation, turn: Turn) -> None:
        name, last = turn.name, turn.calls[-1]
        if f"{name}: " in str(invocation.problem or ""):
            # Afterwards it only notes that the pass failed.
            asked = [call for call in turn.calls if call.service != "dynamodb"]
            if asked[-1].hidden:
                version = asked[-1].request["ModelPackageName"]
                raise self.broken(f"{invocation.name} fails {name} at {version}, which cannot be read")
            return
        if any(recovered == name and time >= invocation.started for recovered, time in self._recovered):
            return
        for arn in self._listed(turn) - {
            call.request["ModelPackageName"].lower() for call in turn.calls if call.hidden
        }:
            is_noted = self._known.get(name, {}).get(arn, last.number + 1) <= invocation.calls[-1].number
            was_before = version_number(arn) in self._before.get(name, ())
            if not is_noted and not was_before and not self._was_touched(arn, invocation):
                raise self.broken(
                    f"{invocation.name} leaves {arn} out on {name}, beside a version that cannot be read"
                )

    def _listed(self, turn: Turn) -> set[str]:
        """Return the approved versions that a pass was listed, in lower case."""
        return {
            each["ModelPackageArn"].lower()
            for call in turn.calls
            if call.operation == "ListModelPackages" and call.accepted
            for each in call.response["ModelPackageSummaryList"]
            if each["ModelPackageStatus"] == "Completed"
        }

    def _was_touched(self, arn: str, invocation: Invocation) -> bool:
        return any(
            act.version_arn.lower() == arn and act.time >= invocation.started
            for act in self.world.people.acts
        )


def turns_of(invocation: Invocation) -> Iterator[Turn]:
    """Yield what an invocation did for one endpoint after the other."""
    turn: Turn | None = None
    for call in invocation.calls:
        values = call.request.get("ExpressionAttributeValues", {})
        name = values.get(":endpoint", {}).get("S") if call.operation == "Query" else None
        if name in invocation.world.people.endpoints and (turn is None or turn.name != name):
            if turn is not None:
                yield turn
            turn = Turn(name)
        if turn is not None:
            turn.calls.append(call)
    if turn is not None:
        yield turn


UNREADABLE_LAWS: Final[tuple[type[Law], ...]] = (Law40OneUnreadableVersionCostsNoOther,)
