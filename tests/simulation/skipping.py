"""When a sweep may skip an endpoint, judged by what happened and not by what the deployer noted of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import FLEET, PART_DETAIL_TYPE, REQUEST_DETAIL_TYPE
from local_cloud.sagemaker.registry.search import LATE
from local_cloud.sagemaker.switch_settings import SearchIndex
from tests.simulation.schedule import REGISTRY_WRITE, FaultKind
from tests.simulation.sites import stage_settings
from tests.simulation.tasks import CrashError
from tests.simulation.world import ASIDE, GAP, PROMOTE, SCHEDULED, STALE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.simulation.world import Call, Invocation, World

LONGEST_WITHOUT_CHECK: Final = timedelta(days=1, minutes=10)
LONGEST_WITHOUT_LOOK: Final = timedelta(days=7, minutes=10)
"""A day or a week, and what a sweep takes until it comes to an endpoint."""

SEARCHED: Final = timedelta(hours=3)
"""How far back a sweep asks Search for changes."""

FIRST_DELAY: Final = timedelta(minutes=15)
LONGEST_DELAY: Final = timedelta(days=1)
"""After a look that failed, and after many: a sweep then leaves the endpoint alone for so long."""

SETTINGS_DEPLOYED: Final = "Parameter Store Change"

_LOOKS: Final = frozenset({SCHEDULED, PART_DETAIL_TYPE, REQUEST_DETAIL_TYPE, SETTINGS_DEPLOYED})
"""Events that lead to looks: passes that read the registry's list, too."""

_OF_TEST: Final = re.compile(rb'endpoint/[^"]+-v[0-9]+-[0-9a-f]{12}"')
"""The ARN of a test endpoint, in a request."""

_UNANSWERED: Final = frozenset({FaultKind.TIMEOUT_AFTER.value, FaultKind.SERVER_ERROR_AFTER.value})
"""Faults after which the same call is made again: its caller never saw the answer."""

_SLACK: Final = timedelta(minutes=2)
"""Clocks differ by seconds, and an invocation takes minutes."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One look of a sweep, or of a part of one, at an endpoint.

    Attributes:
        invocation: Whose.
        time: When it read the endpoint's journal.
        number: Of that call; 0 if it had no answer.
        seen: The endpoint's LastModifiedTime as it was shown before; None if it was not.
        failed: Whether the look failed.
    """

    invocation: Invocation
    time: datetime
    number: int
    seen: Any
    failed: bool


class Turns:
    """Every look at every endpoint of a world, and what happened in between."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._turns: dict[str, list[Turn]] = {}
        self._writes: dict[str, list[datetime]] = {}
        self._lists: dict[str, list[tuple[int, datetime, dict[str, Any] | None]]] = {}
        self._stamped = [
            each.time for each in world.calls if each.operation == REGISTRY_WRITE and each.accepted
        ]
        for call in world.calls:
            written = _partition_written(call)
            if written is not None and not _is_forgotten(world, written, call.time):
                self._writes.setdefault(written, []).append(call.time)
            read = _partition_read(call)
            is_look = call.invocation.event["detail-type"] in _LOOKS and not _is_about_test(call)
            if read not in {None, FLEET} and is_look:
                turns = self._turns.setdefault(str(read), [])
                if not turns or turns[-1].invocation is not call.invocation:
                    turns.append(_turn(call, str(read)))

        for invocation in world.ended:
            if invocation.event["detail-type"] in _LOOKS and invocation.problem is not None:
                self._add_failed(invocation)

    def _add_failed(self, invocation: Invocation) -> None:
        """Add the looks that failed before they had an answer to the first read of a journal."""
        for name in self._world.people.endpoints:
            turns = self._turns.setdefault(name, [])
            is_known = any(each.invocation is invocation for each in turns)
            if f"{name}: " in str(invocation.problem) and invocation.calls and not is_known:
                turns.append(Turn(invocation, invocation.calls[-1].time, 0, None, failed=True))
                turns.sort(key=lambda each: each.time)

    def may_skip(self, name: str, sweep: Invocation) -> bool:
        """Tell whether a sweep had no reason to look at an endpoint."""
        asked = _fleet_read_at(sweep)
        if asked is None:
            return False
        turns = [
            each
            for each in self._turns.get(name, [])
            if each.invocation is not sweep and each.time < sweep.calls[-1].time
        ]
        # A look that crashed noted nothing: what is known is how the one before it ended.
        ended = [
            each
            for each in turns
            if each.invocation.calls[-1].time <= asked
            and (each.failed or not isinstance(each.invocation.problem, CrashError))
        ]
        if any(
            turn.failed and asked < turn.time + LONGEST_DELAY + _SLACK and not _was_mended(turn, ended)
            for turn in ended
        ):
            return True
        return any(self._left_nothing(turn, name, sweep, asked) for turn in turns)

    def _left_nothing(self, turn: Turn, name: str, sweep: Invocation, asked: datetime) -> bool:
        """Tell whether an earlier look found nothing to do, and nothing is known to have changed since."""
        return (
            not turn.failed
            and turn.invocation.settings.digests.get(name) == sweep.settings.digests[name]
            and turn.seen == _seen(sweep, name, before=None)
            and turn.time > asked - LONGEST_WITHOUT_LOOK
            and self._confirmed(turn, name, sweep) > asked - LONGEST_WITHOUT_CHECK
            and not any(turn.time <= time < asked for time in self._writes.get(name, []))
            and not self._changed_visibly(turn, name, sweep, asked)
            and not self._soak_ended(turn, name, asked)
        )

    def _soak_ended(self, turn: Turn, name: str, asked: datetime) -> bool:
        """Tell whether a version that was never promoted has served for its soak since a look."""
        promotion = stage_settings(self._world.schedule, name).get("Promotion")
        before = [
            each
            for each in self._world.journal(name, "attempt#")
            if datetime.fromisoformat(each["started_at"]) < turn.time
        ]
        last = next((each for each in reversed(before) if each["action"] not in ASIDE), None)
        if promotion is None or last is None or last["status"] != "succeeded":
            return False
        soak = timedelta(seconds=promotion["SoakSeconds"])
        is_over = turn.time < datetime.fromisoformat(last["settled_at"]) + soak <= asked
        return is_over and not any(
            each["action"] == PROMOTE and each["version_arn"].lower() == last["version_arn"].lower()
            for each in before
        )

    def _confirmed(self, turn: Turn, name: str, sweep: Invocation) -> datetime:
        """Return when a sweep was last shown the same approved versions as a look, up to this sweep's end."""
        settings = sweep.settings.read(name)
        assert settings is not None, "a sweep skips only what has settings"
        group = settings.model_package_group
        # A sweep compares another account's list before it looks, and notes that one.
        seen = _listed(turn.invocation, group, after=0 if group.startswith("arn:") else turn.number)
        confirmed = turn.time
        for number, time, listed in self._lists_of_sweeps(group):
            if turn.number < number <= sweep.calls[-1].number and listed == seen:
                confirmed = max(confirmed, time)
        return confirmed

    def _lists_of_sweeps(self, group: str) -> list[tuple[int, datetime, dict[str, Any] | None]]:
        """Return what each sweep was shown first of a group's approved versions, and when."""
        if group not in self._lists:
            shown = self._lists[group] = []
            for invocation in self._world.ended:
                if invocation.event["detail-type"] != SCHEDULED:
                    continue
                lists = [call for call in invocation.calls if _lists(call, group)]
                if lists:
                    shown.append((lists[0].number, lists[0].time, _listed(invocation, group)))
        return self._lists[group]

    def _changed_visibly(self, turn: Turn, name: str, sweep: Invocation, asked: datetime) -> bool:
        """Tell whether a sweep could know that somebody approved or took back a version since a look."""
        world = self._world
        settings = sweep.settings.read(name)
        assert settings is not None, "a sweep skips only what has settings"
        group = settings.model_package_group
        if group.startswith("arn:"):
            return _listed(turn.invocation, group) != _listed(sweep, group)
        index = world.schedule.chosen_switches().search_index
        answered = [
            call.time
            for call in sweep.calls
            if call.operation == "Search" and call.accepted and call.fault != GAP
        ]
        has_asked = any(operation == "Search" for operation, _ in sweep.asked)
        if index is SearchIndex.NEVER or (has_asked and not answered) or "Search: " in str(sweep.problem):
            return False
        # What it was shown of the registry may be older than the look.
        is_old = any(each.stale and each.operation == "ListModelPackages" for each in turn.invocation.calls)
        since = turn.time - timedelta(seconds=STALE_SECONDS) if is_old else turn.time
        behind = LATE if index is SearchIndex.LATE else timedelta(0)
        shown = asked - behind - timedelta(seconds=1)
        # Search shows no version that was deleted by then.
        last = answered[-1] if answered else asked
        gone = {arn for arn, time in world.people.deleted_versions.items() if time <= last - behind}
        # No sweep asks for what is older, and a list may have shown since that all is approved as before.
        searched, confirmed = asked - SEARCHED + _SLACK, self._confirmed(turn, name, sweep)
        return any(
            since < act.time < shown
            and (act.time > searched or act.time > confirmed)
            and act.version_arn not in gone
            and not self._looks_never_approved(act.version_arn, shown)
            and act.status is not None
            and not (act.registers and act.status != "Approved")
            and _group_in(act.version_arn) == group.rpartition("/")[2].lower()
            for act in world.people.acts
        )

    def _looks_never_approved(self, version_arn: str, shown: datetime) -> bool:
        """Tell whether a version was taken back at the very moment of its registration, and then left alone.

        Search shows no history. It shows such a version like one that was registered without an approval.
        """
        acts = [
            each for each in self._world.people.acts if each.version_arn == version_arn and each.time < shown
        ]
        statuses = [each.status for each in acts if each.status is not None]
        return (
            bool(statuses)
            and acts[-1].time == acts[0].time
            and acts[0].registers
            and statuses[-1] != "Approved"
        )

    def too_early(self) -> Iterator[tuple[str, Turn]]:
        """Yield the looks of sweeps at endpoints that failed just before, and of which nothing changed."""
        for name, turns in self._turns.items():
            failures = 0
            for before, turn in pairwise(turns):
                failures = failures + 1 if before.failed else 0
                at_once = turn.invocation.started <= before.invocation.calls[-1].time
                if "NotVisibleYetError" in str(before.invocation.problem):
                    # Gone in seconds.
                    failures = 0
                # A fault may have kept the note that a look failed from the journal.
                is_unnoted = before.invocation.faulty and not _wrote_failure(before.invocation, name)
                if at_once or is_unnoted or turn.invocation.event["detail-type"] != SCHEDULED:
                    failures = 0
                if not failures:
                    continue
                delay = min(FIRST_DELAY * 2.0 ** (failures - 1), LONGEST_DELAY)
                digests = {each.invocation.settings.digests.get(name) for each in (before, turn)}
                acted = any(before.time - _SLACK <= act.time <= turn.time for act in self._world.people.acts)
                # Search shows that a version changed, and not that only a deployer wrote to it.
                acted |= any(before.time - _SLACK <= time <= turn.time for time in self._stamped)
                # A request that stands leads to looks until it is taken in.
                acted |= any(
                    each.endpoint_name == name and each.at <= turn.time
                    for each in (*self._world.people.rollbacks.all, *self._world.people.retries.all)
                )
                forgot = any(
                    each.endpoint_name == name and before.time <= each.time <= turn.time
                    for each in self._world.people.recoveries
                )
                if forgot:
                    # The journal has lost how often looks failed, too.
                    failures = 0
                    continue
                if turn.time < before.time + delay - _SLACK and len(digests) == 1 and not acted:
                    yield name, turn


def _is_forgotten(world: World, name: str, time: datetime) -> bool:
    """Tell whether an endpoint's journal was put back to before that time."""
    return any(
        each.endpoint_name == name and each.back_to < time <= each.time for each in world.people.recoveries
    )


def _turn(call: Call, name: str) -> Turn:
    invocation = call.invocation
    failed = f"{name}: " in str(invocation.problem or "") or _wrote_failure(invocation, name)
    return Turn(invocation, call.time, call.number, _seen(invocation, name, before=call.number), failed)


def _fleet_read_at(invocation: Invocation) -> datetime | None:
    """Return when an invocation read how earlier looks ended."""
    return next((call.time for call in invocation.calls if _partition_read(call) == FLEET), None)


def _was_mended(failed: Turn, ended: Iterable[Turn]) -> bool:
    """Tell whether a look that ended well knew that another one had failed: only then it takes that back."""
    noted = failed.invocation.calls[-1].time
    reads = (_fleet_read_at(turn.invocation) for turn in ended if not turn.failed)
    return any(read is not None and read >= noted for read in reads)


def _wrote_failure(invocation: Invocation, name: str) -> bool:
    """Tell whether an invocation noted that a look failed. Its own end may have another reason."""
    for call in invocation.calls:
        request = call.request
        key = request.get("Key") or request.get("Item")
        if not call.accepted or key is None or call.operation not in {"PutItem", "UpdateItem"}:
            continue
        if (key["endpoint"]["S"], key["item"]["S"]) == (FLEET, name):
            noted = request.get("Item", {}).get("failures")
            noted = noted or request.get("ExpressionAttributeValues", {}).get(":failures", {"N": "0"})
            if noted != {"N": "0"}:
                return True
    return False


def _seen(invocation: Invocation, name: str, *, before: int | None) -> Any:
    """Return an endpoint's LastModifiedTime as an invocation was shown it first."""
    for call in invocation.calls:
        if before is not None and call.number >= before:
            break
        if call.operation == "DescribeEndpoint" and call.request["EndpointName"] == name:
            return call.response.get("LastModifiedTime")
        if call.operation == "ListEndpoints":
            for each in call.response.get("Endpoints", ()):
                if each["EndpointName"] == name:
                    return each["LastModifiedTime"]
    return None


def is_of_test(operation: str, body: bytes) -> bool:
    """Tell whether a request reads the tags of a test endpoint: what follows the answer is no look."""
    return operation == "ListTags" and _OF_TEST.search(body) is not None


def _is_about_test(call: Call) -> bool:
    before = [each for each in call.invocation.calls if each.number < call.number][-1:]
    return any(
        each.accepted
        and each.fault not in _UNANSWERED
        and is_of_test(each.operation, json.dumps(each.request).encode())
        for each in before
    )


def _partition_read(call: Call) -> str | None:
    if call.operation != "Query":
        return None
    values: Mapping[str, Mapping[str, str]] = call.request["ExpressionAttributeValues"]
    return values[":endpoint"]["S"]


def _partition_written(call: Call) -> str | None:
    """Return whose records a call changed: a transaction is shown as its first write."""
    if call.operation not in {"PutItem", "UpdateItem", "DeleteItem"} or not call.accepted:
        return None
    key: Mapping[str, Mapping[str, str]] = call.request.get("Key") or call.request["Item"]
    return key["endpoint"]["S"]


def _lists(call: Call, group: str) -> bool:
    return call.operation == "ListModelPackages" and call.request["ModelPackageGroupName"] == group


def _listed(invocation: Invocation, group: str, *, after: int = 0) -> dict[str, Any] | None:
    """Return the approved, complete versions that an invocation was shown first, with where each stands.

    A sweep compares that list. What its passes are shown may be another one, which lacks some.

    Args:
        invocation: The invocation.
        group: The group.
        after: The number of the call from which on.
    """
    found: dict[str, Any] | None = None
    for call in invocation.calls:
        if call.number <= after or not _lists(call, group):
            continue
        if "NextToken" not in call.request:
            found = {}
        for each in call.response.get("ModelPackageSummaryList", ()):
            if found is not None and each["ModelPackageStatus"] == "Completed":
                found[each["ModelPackageArn"]] = _stands(each.get("ModelLifeCycle") or {})
        if call.accepted and call.fault not in _UNANSWERED and "NextToken" not in call.response:
            break
    return found


def _stands(life_cycle: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return where a version stands, without the metadata that people read."""
    return life_cycle.get("Stage"), life_cycle.get("StageStatus")


def _group_in(version_arn: str) -> str:
    return version_arn.rpartition(":")[2].lower().split("/")[1]
