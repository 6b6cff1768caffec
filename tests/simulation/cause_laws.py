"""The laws on whose fault a bad end is, and on how people hear of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.laws import CLOCKS_DIFFER, PASSING, Law
from tests.simulation.schedule import REGISTRY_WRITE, TELLING, VARIANT_CALL
from tests.simulation.world import ASIDE, DENIED, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    SageMaker accepted it, or that of its test endpoint. It may pass as well if nobody could see the alarms
    before. A failed smoke test is judged by whether the version answered.

    People hear of a hindrance as `needs_attention` and never as `failed`, and the registry never has it as a
    failure of the version. A failure stays one in the registry if its journal is lost or restored afterwards.
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
        elif "accepted_at" in attempt or self._came_to_the_endpoint(attempt):
            expected = {"version"} if self.facts.lasts(attempt) else {"passing", "version"}
        elif self._came_to_a_test_endpoint(attempt):
            expected = {"version"}
        else:
            expected = {"settings"}
        if cause not in expected:
            raise self.broken(f"{what} is blamed on the {cause}, not on {expected}: {reason}")

    def _came_to_the_endpoint(self, attempt: dict[str, Any]) -> bool:
        """Tell whether SageMaker took an attempt's change, also if a journal that was put back lost that."""
        return bool(self.facts.rollouts_of(attempt["endpoint"], attempt)) or any(
            (each.endpoint_name, each.endpoint_config_name, each.attempt)
            == (attempt["endpoint"], attempt["endpoint_config_name"], int(attempt["number"]))
            and each.call.time >= datetime.fromisoformat(attempt["started_at"]) - CLOCKS_DIFFER
            for each in self.facts.rollouts
        )

    def _came_to_a_test_endpoint(self, attempt: dict[str, Any]) -> bool:
        """Tell whether SageMaker took the test endpoint of an attempt that came no further."""
        return "test_passed_at" not in attempt and any(
            call.operation == "CreateEndpoint"
            and call.accepted
            and call.request["EndpointName"] == attempt.get("test_endpoint_name")
            for call in self.world.calls
        )

    def _check_outcome(self, detail: dict[str, Any]) -> None:
        name, number = detail["EndpointName"], detail.get("Attempt")
        if number is None or detail["Outcome"] not in {"failed", NEEDS_ATTENTION}:
            return
        # After a loss or a restore of the journal, another attempt may have the number.
        attempts = [each for each in self.facts.every_attempt(name) if int(each["number"]) == number]
        hindered = {self.facts.was_hindered(each) for each in attempts}
        if attempts and (detail["Outcome"] == NEEDS_ATTENTION) not in hindered:
            raise self.broken(f"{detail['OutcomeId']} is told of {attempts[-1]['reason']}")

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
                and each["cause"] != "surroundings"
                for each in self.facts.every_attempt(name)
            ):
                raise self.broken(f"{arn} is stamped {value!r}, and only its surroundings hindered it")


class Law31EveryProblemIsToldOnce(Law):
    """People hear of a problem once while it lasts, and the journal has nothing as told that nobody heard of.

    That is so of what hinders a release for one approval, however often it is tried again. And it is so of
    every other problem of an endpoint, also if another one comes or goes meanwhile: no message says only what
    another one said that still holds. Invocations that run at the same time may each tell of a problem
    that they find. So the law only looks at those that began after the journal had it as told.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._noted: dict[tuple[str, str], datetime] = {}
        """When the journal noted a message of an endpoint that still holds."""
        self._told: set[tuple[str, str]] = set()
        """What people or machines heard of each endpoint."""

    def check_recovery(self, recovery: Recovery) -> None:
        self._forget(recovery.endpoint_name)

    def check_call(self, call: Call) -> None:
        if not call.accepted:
            return
        for detail in outcomes_in(call):
            self._told.add((detail["EndpointName"], detail.get("Message", "")))
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
        lasting = self._lasting(name)
        heard = [message for endpoint, message in self._told if endpoint == name]
        # People may have heard of it as the reason why a version waits.
        unheard = [each for each in lasting if not any(each in message for message in heard)]
        if unheard:
            raise self.broken(f"{name}: {unheard[0]!r} is noted as told, and nobody heard of it")
        self._noted = {**{(name, each): call.time for each in lasting}, **self._noted}

    def _forget(self, name: str) -> None:
        """Forget the messages that an endpoint's journal does not have as told any more."""
        lasting = self._lasting(name)
        self._noted = {each: at for each, at in self._noted.items() if each[0] != name or each[1] in lasting}

    def _lasting(self, name: str) -> list[str]:
        """Return the messages that an endpoint's journal has as told."""
        partition = self.world.site_of(name).memory.table.partitions.get(name, {})
        noted = plain(partition["fact#endpoint"]).get("reported") if "fact#endpoint" in partition else None
        return json.loads(noted) if isinstance(noted, str) else []


@dataclass(frozen=True, slots=True)
class Refused:
    """A denied write.

    Attributes:
        times: How often it was denied, one after the other.
        call: The last time.
    """

    times: int
    call: Call


class Law33ADeniedWriteWaits(Law):
    """A write outside of a deployment that is denied is asked for again only after growing delays.

    After the first denial ten minutes pass, then 20, 40, 80, 160, 320 and 640, and then a day. The delay is
    over at once when a person does anything, or asks to try a version again: that may ask for the write. The
    law excludes invocations that may not have read that the write was denied: those that began before the
    denied one had ended, and those after one that failed by anything but denials. Several such denials count
    as one. The law also excludes alarms and the end of scaling: an update that goes back asks for these at
    once.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._refused: dict[tuple[str, str, str], Refused] = {}

    def check_call(self, call: Call) -> None:
        if call.operation not in UPKEEP:
            return
        key = (call.invocation.site.account, call.operation, _written_by(call))
        before = self._refused.pop(key, None)
        people = self.world.people
        asked = [people.last_done, *(each.at for each in people.retries.all)]
        if before is not None and max(asked) >= before.call.time:
            before = None
        if before is not None and before.call.invocation is not call.invocation:
            self._check_delay(before, call)
        if call.fault == DENIED:
            known = _ended(before.call) if before is not None else call.invocation.started
            is_next = known is not None and known <= call.invocation.started
            self._refused[key] = Refused((before.times if before is not None else 0) + is_next, call)

    def _check_delay(self, before: Refused, call: Call) -> None:
        known = _ended(before.call)
        minutes = DELAY_MINUTES[min(before.times, len(DELAY_MINUTES)) - 1]
        if (
            known is not None
            and call.invocation.started > known
            and call.time < before.call.time + timedelta(minutes=minutes)
        ):
            raise self.broken(
                f"{call.invocation.name} asks for {call.operation} again, which was denied "
                f"{before.times} times, at {before.call.time} the last time"
            )


class Law36WhatBelongsToOthersIsLeftAlone(Law):
    """The deployer changes nothing of an endpoint that does not carry its stack's tag.

    It neither updates, rescales, tags nor deletes the endpoint, and does not register its variants for
    scaling. An invocation may have read the endpoint as gone before somebody made it: SageMaker then refuses
    to create it. Once the owner tags the endpoint, the newest approval goes out: law 3.
    """

    def check_call(self, call: Call) -> None:
        if call.operation not in _OF_AN_ENDPOINT or not call.accepted:
            return
        about = call.request.get("EndpointName") or call.request.get("ResourceArn") or ""
        name = about.rpartition("/")[2] if "ResourceArn" in call.request else about
        if "ResourceId" in call.request:
            name = call.request["ResourceId"].split("/")[1]
        if name in self.world.people.endpoints and self.world.people.is_foreign(name):
            raise self.broken(f"{call.operation} of {name}, which belongs to others")


_OF_AN_ENDPOINT: Final = frozenset(
    {
        *("UpdateEndpoint", "DeleteEndpoint", VARIANT_CALL, "AddTags", "DeleteTags"),
        *("RegisterScalableTarget", "PutScalingPolicy", "PutScheduledAction"),
    }
)


def _written_by(call: Call) -> str:
    """Return what a write is known by: all of it, or the goal of a promotion, which says when it is made."""
    promoted = call.request.get("ModelLifeCycle")
    request = [call.request["ModelPackageArn"], promoted] if promoted is not None else call.request
    return json.dumps(request, sort_keys=True)


def _ended(call: Call) -> datetime | None:
    """Return when the invocation of a denied call had ended well; None if it did not."""
    invocation = call.invocation
    failed = invocation.problem is not None or invocation.name in invocation.world.running
    is_odd = any(each.fault not in {None, DENIED} for each in invocation.calls)
    return None if failed or is_odd else invocation.calls[-1].time


UPKEEP: Final = frozenset(
    {
        *("AddTags", "DeleteTags"),
        *("RegisterScalableTarget", "PutScalingPolicy", "DeleteScalingPolicy"),
        *("PutScheduledAction", "DeleteScheduledAction"),
        *(VARIANT_CALL, REGISTRY_WRITE),
        *("DeleteModel", "DeleteEndpointConfig"),
    }
)
"""Writes that belong to no deployment."""

DELAY_MINUTES: Final = (10, 20, 40, 80, 160, 320, 640, 1440)

CAUSE_LAWS: Final[tuple[type[Law], ...]] = (
    Law30FaultsAreBlamedOnWhomTheyBelongTo,
    Law31EveryProblemIsToldOnce,
    Law33ADeniedWriteWaits,
    Law36WhatBelongsToOthersIsLeftAlone,
)
