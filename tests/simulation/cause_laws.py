"""The laws on whose fault a bad end is, and on how people hear of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.laws import PASSING, Law
from tests.simulation.schedule import REGISTRY_WRITE, TELLING
from tests.simulation.world import ASIDE, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tests.simulation.laws import Facts
    from tests.simulation.people import Recovery
    from tests.simulation.world import Call, World

NEEDS_ATTENTION: Final = "needs_attention"


def outcomes_in(call: Call) -> Iterator[dict[str, Any]]:
    """Yield the outcomes that a call hands over."""
    if call.operation == "PutEvents":
        for entry in call.request["Entries"]:
            if entry["DetailType"] == "Greenlight Deployment Outcome":
                yield json.loads(entry["Detail"])
    if call.operation == TELLING:
        yield json.loads(json.loads(call.request["Message"])["default"])["detail"]


class Law30FaultsAreBlamedOnWhomTheyBelongTo(Law):
    """No failure of the surroundings counts as the version's or the settings', and none of theirs as passing.

    A failed deployment has one cause in the journal. If SageMaker's reason names a permission, a role, a key
    or an image that cannot be had, it is the surroundings. If it names capacity, a quota or the service's
    own trouble, it passes. Otherwise it is the settings if SageMaker refused the request, and the version if
    SageMaker accepted it. It may pass as well if nobody could see the alarms before. A failed smoke test is
    judged by whether the version answered.

    People hear of a hindrance as `needs_attention` and never as `failed`, and the registry never has it as a
    failure of the version.
    """

    def check_call(self, call: Call) -> None:
        if not call.accepted:
            return
        if call.service == "dynamodb" and call.operation in {"PutItem", "UpdateItem"}:
            key = call.request.get("Key") or call.request["Item"]
            if key["item"]["S"].startswith("attempt#"):
                self._check_cause(self.world.journalled(key["endpoint"]["S"], key["item"]["S"]))
        for detail in outcomes_in(call):
            self._check_outcome(detail)
        if call.operation == REGISTRY_WRITE:
            self._check_stamps(call)

    def _check_cause(self, attempt: dict[str, Any]) -> None:
        what, cause = f"attempt {attempt['number']} of {attempt['endpoint']}", attempt.get("cause")
        if (attempt["status"] == "failed") != (cause is not None):
            raise self.broken(f"{what} is {attempt['status']} by the fault of {cause}")
        if cause is None or attempt["action"] in ASIDE or "failed_test" in attempt:
            return
        reason = attempt["reason"]
        if self.facts.was_hindered(attempt):
            expected = {"surroundings"}
        elif any(known in reason for known in PASSING):
            expected = {"passing"}
        elif "accepted_at" in attempt or self.facts.rollouts_of(attempt["endpoint"], attempt):
            expected = {"version"} if self.facts.lasts(attempt) else {"passing", "version"}
        else:
            expected = {"settings"}
        if cause not in expected:
            raise self.broken(f"{what} is blamed on the {cause}, not on {expected}: {reason}")

    def _check_outcome(self, detail: dict[str, Any]) -> None:
        name, number = detail["EndpointName"], detail.get("Attempt")
        if number is None or detail["Outcome"] not in {"failed", NEEDS_ATTENTION}:
            return
        for attempt in self.facts.attempts(name):
            hindered = self.facts.was_hindered(attempt)
            if int(attempt["number"]) == number and hindered != (detail["Outcome"] == NEEDS_ATTENTION):
                raise self.broken(f"{detail['OutcomeId']} is told of {attempt['reason']}")

    def _check_stamps(self, call: Call) -> None:
        arn = call.request["ModelPackageArn"].lower()
        for key, value in call.request.get("CustomerMetadataProperties", {}).items():
            _, is_endpoints, name = key.partition(":endpoint:")
            if not is_endpoints or not value.startswith("failed "):
                continue
            if not any(
                each["status"] == "failed"
                and each["action"] not in ASIDE
                and each["version_arn"].lower() == arn
                and not self.facts.was_hindered(each)
                for each in self.facts.attempts(name)
            ):
                raise self.broken(f"{arn} is stamped {value!r}, and only its surroundings hindered it")


class Law31EveryProblemIsToldOnce(Law):
    """People hear of a problem once while it lasts.

    That is so of what hinders a release for one approval, however often it is tried again. And it is so of
    every other problem of an endpoint, also if another one comes or goes meanwhile: no message says only what
    another one said that still holds. Invocations that run at the same time may each tell of a problem
    that they find. So the law only looks at those that began after the journal had it as told.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._noted: dict[tuple[str, str], datetime] = {}
        """When the journal noted a message of an endpoint that still holds."""

    def check_recovery(self, recovery: Recovery) -> None:
        self._forget(recovery.endpoint_name)

    def check_call(self, call: Call) -> None:
        if not call.accepted:
            return
        for detail in outcomes_in(call):
            if detail["Outcome"] != NEEDS_ATTENTION:
                continue
            if "Attempt" in detail:
                self._check_hindrance(detail)
            else:
                self._check_told(call, detail["EndpointName"], detail["Message"])
        if call.service == "dynamodb" and call.operation in {"PutItem", "UpdateItem"}:
            key = call.request.get("Key") or call.request["Item"]
            if key["item"]["S"] == "fact#endpoint":
                self._note(call, key["endpoint"]["S"])

    def _check_hindrance(self, detail: dict[str, Any]) -> None:
        for attempt in self.facts.attempts(detail["EndpointName"]):
            if int(attempt["number"]) == detail["Attempt"] and self.facts.was_told_before(attempt):
                raise self.broken(f"{detail['OutcomeId']} tells again of {attempt['reason']}")

    def _check_told(self, call: Call, endpoint_name: str, message: str) -> None:
        # A journal may be lost, or restored to a time before.
        lasting = self._lasting(endpoint_name)
        for (name, noted), at in self._noted.items():
            known = name == endpoint_name and noted in lasting and call.invocation.started > at
            if known and message in noted:
                raise self.broken(f"{name}: {message!r} is told though {noted!r} was told and lasts")

    def _note(self, call: Call, name: str) -> None:
        self._forget(name)
        self._noted = {**{(name, each): call.time for each in self._lasting(name)}, **self._noted}

    def _forget(self, name: str) -> None:
        """Forget the messages that an endpoint's journal does not have as told any more."""
        lasting = self._lasting(name)
        self._noted = {each: at for each, at in self._noted.items() if each[0] != name or each[1] in lasting}

    def _lasting(self, name: str) -> list[str]:
        """Return the messages that an endpoint's journal has as told."""
        partition = self.world.site_of(name).memory.table.partitions.get(name, {})
        noted = plain(partition["fact#endpoint"]).get("reported") if "fact#endpoint" in partition else None
        return json.loads(noted) if isinstance(noted, str) else []


CAUSE_LAWS: Final[tuple[type[Law], ...]] = (
    Law30FaultsAreBlamedOnWhomTheyBelongTo,
    Law31EveryProblemIsToldOnce,
)
