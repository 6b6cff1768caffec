"""The laws: what must always hold. Each is one class, and its docstring is the rule.

Owns only judgement. A law looks at calls as they take effect, at changes of endpoints, and at the world at
rest. It never uses the deployer's own code to find what would be right. Laws ignore the names of resources,
and go by their content.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from deployer.contract import FLEET, PART_DETAIL_TYPE, REQUESTS, STACK_TAG
from deployer.gateways.fleet import CHECKS
from deployer.model.names import version_number
from local_cloud.sagemaker.ports import AlarmState
from local_cloud.sagemaker.switch_settings import Answer
from tests.simulation.alarms import rollback_alarm
from tests.simulation.artifacts import Artifacts, stages_in
from tests.simulation.people import (
    GOOD_ANSWERS,
    ROLLING_PERCENT,
    STACK,
    abort_alarm,
    content_of,
    deployment_config,
    versions_in,
)
from tests.simulation.schedule import (
    ASKING,
    TELLING,
    VARIANT_CALL,
    Companions,
    RolloutEnd,
    RolloutKind,
    RolloutStart,
)
from tests.simulation.sites import GROUP, admits, is_let_through, stage_settings
from tests.simulation.skipping import Turns, is_of_test
from tests.simulation.tasks import CrashError
from tests.simulation.world import ASIDE, CLEAN_UP, DENIED, PROMOTE, SCHEDULED, WRITES, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from tests.simulation.alarms import Raised
    from tests.simulation.people import Approving, Recovery
    from tests.simulation.sites import Site
    from tests.simulation.world import Call, Invocation, World

SETTINGS_DEPLOYED: Final = "Parameter Store Change"
"""The event that says that other settings were deployed."""

CHANGES: Final = frozenset({"CreateEndpoint", "UpdateEndpoint"})
"""The writes that put a version before its callers."""

MODIFYING: Final = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
PASSING: Final = (
    # There is nothing left, or the quota is used up.
    *("InsufficientInstanceCapacity", "Unable to provision requested ML compute capacity", "CapacityError"),
    *("does not have sufficient capacity", "ResourceLimitExceeded", "account-level service limit"),
    # The service has trouble.
    *("Request to service failed", "InternalServerError", "InternalServerException", "InternalFailure"),
    *("InternalServiceError", "InternalServiceException", "InternalServiceFault"),
    *("We encountered an internal error", "ServiceUnavailable", "ConcurrentUpdateException"),
    *("Throttling", "Rate exceeded", "RequestLimitExceeded", "TooManyRequestsException", "RequestTimeout"),
)
"""SageMaker's messages about trouble that passes, as its users saw them; the deployer has its own list."""

SURROUNDINGS: Final = (
    # A role may not do it, or not yet.
    *(
        "Could not access model data",
        "Failed to download model data",
        "Please make sure all images included in the model",
        "missing the following permission",
    ),
    *("The execution role ARN", "Could not assume role", "unable to assume the role", "sts:AssumeRole"),
    *("does not have BatchGetImage permission", "is not authorized to perform"),
    *("You are not authorized to perform this operation", "UnauthorizedOperation"),
    *("AccessDenied", "CreateNetworkInterface", "ecr:", "kms:", "s3:GetObject", "s3:ListBucket"),
    # Somebody deleted it.
    *('Could not find model "', 'Could not find endpoint configuration "'),
    # The deployer's own words: a registration is somebody else's.
    "Somebody else registered its variants for automatic scaling.",
)
"""Its messages about what is around a version and its settings."""

LATEST_EVENT: Final = timedelta(hours=1)
"""An event is late by less, and so is an invocation that Lambda repeats for it."""

RETRIES: Final = 5
"""How often a release that failed for a passing reason is tried again."""

SETTLED: Final = frozenset({"succeeded", "failed", "aborted", "withdrawn"})
TOLD: Final = {
    "succeeded": frozenset({"succeeded", "rolled_back"}),
    "failed": frozenset({"failed", "needs_attention"}),
    "aborted": frozenset({"aborted"}),
}
"""Which outcomes tell of an attempt that ended so."""

TOLD_OF_PROMOTION: Final = {"succeeded": frozenset({"promoted"}), "failed": frozenset({"failed"})}
"""Which tell of a promotion that did."""

NEXT: Final = {"accepted": frozenset({"testing", *TOLD}), "testing": frozenset({"accepted", *TOLD})}
"""The possible ends of an attempt that SageMaker accepted. A test in the bake ends before the rollout."""

COUNT: Final = "DesiredInstanceCount"
WEIGHT: Final = "DesiredWeight"

Property: TypeAlias = tuple[str, str]
"""A variant's name, and COUNT or WEIGHT."""

BUSY: Final = ("Cannot update in-progress endpoint ", "Cannot create already existing endpoint ")
"""How SageMaker refuses a change for the moment, not for good."""


class LawBrokenError(Exception):
    """A law does not hold.

    Attributes:
        law: Which.
    """

    def __init__(self, law: Law, told: str) -> None:
        super().__init__(f"{type(law).__name__}: {told}")
        self.law = type(law).__name__


@dataclass(slots=True)
class Rollout:
    """The real result of a change that SageMaker accepted from the deployer.

    Attributes:
        endpoint_name: The endpoint.
        endpoint_config_name: The new config.
        content: The config's content.
        call: The call.
        attempt: The attempt for which it was made; None if the journal lost that one.
        ended: When it ended; None while it runs.
        succeeded: Whether it brought the endpoint to the config.
        was_alarmed: Whether the endpoint's rollback alarm was on when it ended.
    """

    endpoint_name: str
    endpoint_config_name: str
    content: tuple[str, str, str] | None
    call: Call
    attempt: int | None
    ended: datetime | None = None
    succeeded: bool = False
    was_alarmed: bool = False


def _is_blind(call: Call) -> bool:
    """Tell whether an update's invocation was denied its last look at the endpoint's alarms or their tags.

    An invocation may look at the alarms of several endpoints, one after the other.
    """
    own = f"{STACK}.{call.request['EndpointName']}."
    looks = [
        each
        for each in call.invocation.calls
        if each.operation in {"DescribeAlarms", "ListTagsForResource"}
        and each.number < call.number
        and own in json.dumps(each.request)
    ]
    return bool(looks) and looks[-1].fault == DENIED


class Facts:
    """What really happened in SageMaker, from the control plane and not from the deployer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rollouts: list[Rollout] = []
        self.contents: dict[str, tuple[str, str, str]] = {}
        """The content of configs by name, including deleted ones."""
        self.artifacts = Artifacts(world)
        self._approved: dict[tuple[str, str], datetime] = {}
        """When an approval came into the journal, by its endpoint and item."""
        self._withdrawn: dict[tuple[str, str], list[datetime]] = {}
        """When the journal noted that approvals do not stand, by endpoint and version."""
        self._deleted: dict[str, list[datetime]] = {}
        """When configs were deleted."""
        self._made: dict[str, datetime] = {}
        """When configs were made last."""
        self.test_endpoints: set[str] = set()
        """The test endpoints that the journal named before they were made. Their configs have their names."""

    def note_test_endpoint(self, call: Call) -> None:
        """Remember the test endpoint that an attempt names."""
        if call.operation not in {"PutItem", "UpdateItem"} or not call.accepted:
            return
        key = call.request.get("Key") or call.request["Item"]
        name, item = key["endpoint"]["S"], key["item"]["S"]
        if item.startswith("attempt#"):
            tested_on = self.world.journalled(name, item).get("test_endpoint_name")
            self.test_endpoints |= set() if tested_on is None else {tested_on}

    def is_of_test_endpoint(self, call: Call) -> bool:
        """Tell whether a call is of a test endpoint or its config: callers reach neither."""
        named = {call.request.get("EndpointName"), call.request.get("EndpointConfigName")}
        return not self.test_endpoints.isdisjoint(named)

    def note_call(self, call: Call) -> None:
        """Remember an accepted change, and the obstacles of an update."""
        self.artifacts.note_call(call)
        if call.accepted and call.operation in {"PutItem", "UpdateItem", "DeleteEndpointConfig"}:
            self._note_memory(call)
        if call.operation == "CreateEndpointConfig" and call.accepted:
            name = call.request["EndpointConfigName"]
            self._made[name] = call.time
            content = self.world.people.config_content(name)
            if content is not None:
                self.contents[name] = content
        if call.operation == "PutItem" and call.accepted:
            self._note_taken_over(call)
        if call.operation == "UpdateEndpoint":
            self._note_start(call)
        if call.is_write and call.operation in CHANGES:
            name, config = call.request["EndpointName"], call.request["EndpointConfigName"]
            content = self.world.people.config_content(config)
            self.rollouts.append(Rollout(name, config, content, call, self._attempt_of(call)))

    def _attempt_of(self, call: Call) -> int | None:
        """Return the attempt for which an endpoint was changed; None if the journal lost it before the call.

        Another invocation may have taken its number since, for another config.
        """
        name = call.request["EndpointName"]
        unsettled = [each for each in self.attempts(name) if each["status"] not in SETTLED]
        if not unsettled or (
            self.recovered(name, call.invocation.started)
            and unsettled[-1].get("endpoint_config_name") != call.request["EndpointConfigName"]
        ):
            return None
        return int(unsettled[-1]["number"])

    def _note_taken_over(self, call: Call) -> None:
        """Give a new attempt the change under way to its config, if the journal lost that change's attempt.

        Two invocations decided alike. The journal was put back between their notes, and the change came
        between the loss and the second note. The deployer cannot tell that change from its own.
        """
        name, item = call.request["Item"]["endpoint"]["S"], call.request["Item"]["item"]["S"]
        if not item.startswith("attempt#"):
            return
        attempt = self.world.journalled(name, item)
        for each in self.rollouts:
            if (each.endpoint_name, each.attempt, each.ended) == (name, None, None) and (
                each.endpoint_config_name == attempt.get("endpoint_config_name")
            ):
                each.attempt = int(attempt["number"])

    def _note_memory(self, call: Call) -> None:
        """Remember what may make the journal forget that a version served well."""
        request = call.request
        if call.operation == "DeleteEndpointConfig":
            self._deleted.setdefault(request["EndpointConfigName"], []).append(call.time)
            return
        key = request.get("Key") or request["Item"]
        name, item = key["endpoint"]["S"], key["item"]["S"]
        if not item.startswith("approval#"):
            return
        if call.operation == "PutItem":
            self._approved[name, item] = call.time
        elif ":withdrawn" in request["ExpressionAttributeValues"]:
            arn = self.world.journalled(name, item)["version_arn"].lower()
            self._withdrawn.setdefault((name, arn), []).append(call.time)

    def was_made_again(self, served: Mapping[str, Any]) -> bool:
        """Tell whether the deployer deleted the config of a release since it served, and made it again."""
        since = datetime.fromisoformat(served["settled_at"]) - CLOCKS_DIFFER
        name = served["endpoint_config_name"]
        return any(since <= each <= self._made[name] for each in self._deleted.get(name, ()))

    def is_remembered(self, served: Mapping[str, Any], approval: Mapping[str, Any]) -> bool:
        """Tell whether the journal has to know that a version served well before it was approved.

        It forgets that if the release was deleted and an approval withdrawn before (docs/guarantees.md).
        """
        name, item = approval["endpoint"], approval["item"]
        since = datetime.fromisoformat(served["settled_at"]) - CLOCKS_DIFFER
        until = self._approved.get((name, item))
        if "served_with" in approval or until is None:
            return True
        deleted = self._deleted.get(served["endpoint_config_name"], [])
        withdrawn = self._withdrawn.get((name, approval["version_arn"].lower()), [])
        return not all(any(since <= time < until for time in times) for times in (deleted, withdrawn))

    def _note_start(self, call: Call) -> None:
        name, begun = call.request["EndpointName"], f"begin {self.world.schedule.rollout}"
        endpoint = self.world.describe(name)
        if endpoint is not None and any(count <= 1 for count, _ in _running(endpoint).values()):
            self.world.coverage.add((begun, RolloutStart.ONE_INSTANCE.value))
        if rollback_alarm(name) in self.world.alarms.on_since:
            self.world.coverage.add((begun, RolloutStart.ALARM_ON.value))

    def note_change(self) -> None:
        """Remember how changes ended."""
        for rollout in self.rollouts:
            if rollout.ended is not None:
                continue
            endpoint = self.world.describe(rollout.endpoint_name)
            if endpoint is None or endpoint["EndpointStatus"] not in MODIFYING:
                rollout.ended = self.world.clock.now()
                rollout.succeeded = (
                    endpoint is not None
                    and endpoint["EndpointStatus"] == "InService"
                    and endpoint["EndpointConfigName"] == rollout.endpoint_config_name
                )
                if rollout.succeeded and rollout.attempt is not None:
                    self.artifacts.note_service(
                        rollout.endpoint_name, rollout.endpoint_config_name, rollout.attempt
                    )
                rollout.was_alarmed = rollback_alarm(rollout.endpoint_name) in self.world.alarms.on_since
                if rollout.call.operation == "UpdateEndpoint":
                    kind = self.world.schedule.rollout
                    self.world.coverage.add((f"rollout {kind}", self.end_of(rollout).value))

    @property
    def rolled_back_under_alarms(self) -> int:
        """How many updates were rolled back while an alarm was on, twice those whose end the journal has.

        The next update waits for the alarm, for a while from when the deployer saw the rollback.
        """
        return sum(
            1 + self._is_settled(each)
            for each in self.rollouts
            if each.call.operation == "UpdateEndpoint" and not each.succeeded and each.was_alarmed
        )

    def _is_settled(self, rollout: Rollout) -> bool:
        return any(
            int(each["number"]) == rollout.attempt and each["status"] in SETTLED
            for each in self.attempts(rollout.endpoint_name)
        )

    def end_of(self, rollout: Rollout) -> RolloutEnd:
        """Return how a rollout that is over ended."""
        name = rollout.endpoint_name
        if rollout.succeeded:
            return RolloutEnd.SUCCEEDED
        if self.went_on(abort_alarm(name), rollout):
            return RolloutEnd.ABORTED
        if rollback_alarm(name) in self.world.alarms.on_since or self.went_on(rollback_alarm(name), rollout):
            return RolloutEnd.ALARMED
        return RolloutEnd.FAILED

    def went_on(self, alarm_name: str, rollout: Rollout) -> list[Raised]:
        """Return when and why an alarm went on during a rollout."""
        return [
            each
            for each in self.world.alarms.raised
            if each.alarm_name == alarm_name
            and rollout.call.time <= each.time <= (rollout.ended or each.time)
        ]

    def recovered(self, endpoint_name: str, since: datetime) -> bool:
        """Tell whether an endpoint's journal was lost or restored since then."""
        return any(
            each.endpoint_name == endpoint_name and each.time >= since
            for each in self.world.people.recoveries
        )

    def is_forgotten(self, endpoint_name: str, time: datetime) -> bool:
        """Tell whether the journal lost what happened then to an endpoint."""
        return any(
            each.endpoint_name == endpoint_name and each.back_to < time <= each.time
            for each in self.world.people.recoveries
        )

    def is_torn(self, endpoint_name: str, number: int) -> bool:
        """Tell whether an attempt was under way when the journal was as it is again."""
        return any(
            each.endpoint_name == endpoint_name and each.statuses.get(number, "succeeded") not in SETTLED
            for each in self.world.people.recoveries
        )

    def attempts(self, endpoint_name: str) -> list[dict[str, Any]]:
        """Return the journalled attempts, oldest first."""
        return self.world.journal(endpoint_name, "attempt#")

    def every_attempt(self, endpoint_name: str) -> list[dict[str, Any]]:
        """Return the journalled attempts, also those that a loss or a restore of the journal took away.

        What the deployer told of them stays true.
        """
        lost = (each for each in self.world.people.recoveries if each.endpoint_name == endpoint_name)
        return [*(attempt for each in lost for attempt in each.before), *self.attempts(endpoint_name)]

    def rollouts_of(self, endpoint_name: str, attempt: Mapping[str, Any]) -> list[Rollout]:
        """Return an attempt's rollouts; the last one of its config if it only tries again what that made."""
        of_endpoint = [
            each
            for each in self.rollouts
            if each.endpoint_name == endpoint_name and not self.is_forgotten(endpoint_name, each.call.time)
        ]
        own = [each for each in of_endpoint if each.attempt == int(attempt["number"])]
        is_tested = attempt.get("tests_begun", "0") != "0" and "test_endpoint_name" not in attempt
        if own or "accepted_at" in attempt or not is_tested:
            return own
        return [each for each in of_endpoint if each.endpoint_config_name == attempt["endpoint_config_name"]][
            -1:
        ]

    def lasts(self, attempt: Mapping[str, Any]) -> bool:
        """Tell whether the cause of an attempt's failure lasts.

        A failed smoke test lasts, even if the test could not be made. An alarm that nobody could see may have
        been on before.
        """
        if "failed_test" in attempt:
            return True
        rollouts = self.rollouts_of(attempt["endpoint"], attempt)
        if any(_is_blind(each.call) for each in rollouts):
            return False
        return not any(known in attempt.get("reason", "") for known in (*PASSING, *SURROUNDINGS))

    def was_hindered(self, attempt: Mapping[str, Any]) -> bool:
        """Tell whether neither an attempt's version nor its settings failed, but what is around them."""
        reason = attempt.get("reason", "")
        return (
            attempt["status"] == "failed"
            and attempt["action"] not in ASIDE
            and "failed_test" not in attempt
            and any(known in reason for known in SURROUNDINGS)
            and not any(known in reason for known in PASSING)
        )

    def was_told_before(self, attempt: Mapping[str, Any]) -> bool:
        """Tell whether an earlier attempt at the same release, for the same approval, was hindered alike."""
        same = ("endpoint_config_name", "approved_at", "reason")
        return self.was_hindered(attempt) and any(
            int(each["number"]) < int(attempt["number"])
            and self.was_hindered(each)
            and all(each[key] == attempt[key] for key in same)
            for each in self.attempts(attempt["endpoint"])
        )

    def failed_for_good(self, failed: list[dict[str, Any]]) -> bool:
        """Tell whether a release that failed so may not be tried again."""
        passing = [each for each in failed if not self.was_hindered(each)]
        return any(map(self.lasts, failed)) or len(passing) > RETRIES

    def unsettled(self, endpoint_name: str) -> dict[str, Any] | None:
        """Return the attempt under way, if there is one."""
        attempts = self.attempts(endpoint_name)
        return attempts[-1] if attempts and attempts[-1]["status"] not in SETTLED else None


class Law:
    """One rule. Raises LawBrokenError as soon as it does not hold.

    Attributes:
        sees_tests: Whether it looks at calls of test endpoints, too, which nobody but the deployer reaches.
    """

    sees_tests: ClassVar[bool] = False

    def __init__(self, world: World, facts: Facts) -> None:
        self.world = world
        self.facts = facts

    def check_call(self, call: Call) -> None:
        """Look at a call that took effect."""

    def check_change(self) -> None:
        """Look at endpoints after anything may have changed."""

    def check_recovery(self, recovery: Recovery) -> None:
        """Learn that an endpoint's journal was lost or restored."""

    def check_rest(self) -> None:
        """Look at the world when disturbances have stopped and everything has come to rest."""

    def broken(self, told: str) -> LawBrokenError:
        """Return the error that says so."""
        return LawBrokenError(self, told)


class Law1OnlyApproved(Law):
    """The deployer never puts a version on an endpoint that is not Approved at the moment of the write.

    The deployer reads the registry immediately before. In the same invocation, right before a CreateEndpoint
    or UpdateEndpoint (and its own repetitions), there are calls of DescribeModelPackage for that version and
    for every version beside it. Each answered Approved and Completed. The one exception is a reject between
    these reads and the write; law 3 says that the next rest undoes it. An approval counts only if the
    endpoint's policy names the approver. The deployer knows the approver from the event of the approval.
    Without that event, the person who last changed the version counts as the approver.
    """

    def check_call(self, call: Call) -> None:
        if not (call.is_write and call.operation in CHANGES):
            return
        content = self.world.people.config_content(call.request["EndpointConfigName"])
        if content is None:
            raise self.broken(f"{call.operation} names a config without a model")
        version_arn = content[0]
        if f"/{GROUP}/" not in version_arn:
            raise self.broken(
                f"{call.operation} of {version_arn}, of a group that the endpoint does not follow"
            )
        reads = read_right_before(call)
        for each in versions_in(content):
            if each not in reads:
                raise self.broken(f"{each} was not read again right before {call.operation}")
        if not self.world.people.may_count(version_arn, self._approving(call, version_arn)):
            raise self.broken(
                f"{call.operation} of {version_arn}, which nobody approved whose approval counts"
            )
        for each in versions_in(content):
            status = reads[each].get("ModelApprovalStatus", "gone")
            if status != "Approved":
                raise self.broken(f"{call.operation} of {each} although it was read as {status}")

    def _approving(self, call: Call, version_arn: str) -> Approving | None:
        """Return the event that the journal has the version's newest approval that counts from."""
        journalled = [
            each
            for each in self.world.journal(call.request["EndpointName"], "approval#")
            if each["version_arn"].lower() == version_arn and "objection" not in each
        ]
        newest = max(journalled, key=lambda each: str(each["approved_at"]), default=None)
        account = self.world.site_of(call.request["EndpointName"]).account
        events = {each.event_id: each for each in self.world.people.approvings if each.account == account}
        return events.get(newest["correlation_id"]) if newest is not None else None


class Law2NothingServingStops(Law):
    """Nothing that serves is ever deleted or made to stop serving by the deployer.

    After every call of the deployer, every endpoint that had traffic still has traffic.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._serving: set[str] = set()

    def check_call(self, call: Call) -> None:
        if call.is_write:
            stopped = self._serving - self._now()
            if stopped:
                raise self.broken(
                    f"{call.operation} by {call.invocation.name} took down {', '.join(sorted(stopped))}"
                )
            self._serving = self._now()

    def check_change(self) -> None:
        self._serving = self._now()

    def _now(self) -> set[str]:
        return {name for account, region, name in self.world.hosting.routes}


@dataclass(frozen=True, slots=True)
class Expected:
    """What an endpoint should serve: this content, or this version as it serves now.

    Attributes:
        content: The content.
        stays: Whether any form of this version may stay if it serves.
        artifact: The version's artifact at its approval; None if unknown, or if other versions serve beside
            it.
    """

    content: tuple[str, str, str]
    stays: bool
    artifact: str | None = None


class Law3NewestStandingApproval(Law):
    """Once disturbances stop, and after one sweep, the endpoint serves the newest approval that still stands.

    At that time capacity and quotas are back, every new event is delivered once, current invocations end, and
    the clock passes every lease, stale read and retry delay. Then one sweep runs, with everything that
    follows from it. Afterwards the endpoint is InService, on a config with the content of the newest approval
    (by the journal's time, then by version) that meets four conditions. It counts by the policy; it is
    Approved and Completed in the registry; no rollback holds it (law 39); it has not failed for good with
    these settings since, or since a person asked to try it again (law 42). An approval
    has failed for good after one failure with a lasting reason, or after six with passing reasons; what only
    its surroundings hinder never fails for good. A failed smoke test lasts, even if the test could not be
    made. A version's own failure lasts with any settings, unless the version has served well here. If the
    version failed with these settings and serves with earlier ones, it stays as it is. If it serves and
    failed its smoke test, or failed and nothing that stands serves, the release comes back with which it
    served well before, if there is one; otherwise the next approval has its turn. If nothing can be served,
    the endpoint keeps serving what it served (law 2).

    The last turn have versions that never served well here, if a deployment of a later approval went out, or
    if they failed with other settings and no version that stands serves with these.

    The journal's time of an approval is true. The journal knows every lasting approval whose event was
    delivered. If the event was delivered, the approval has no later time than its real one. The exception is
    an approval of which a sweep told first, or an event of a later change, which names no approval.

    In a stage with a gate, a version stands only if its life cycle is at the gate, or beyond. Its approval
    counts from the time when that was set. A version has no turn if its artifact is not the approved one, or
    not the one that another stage stamped; it stays if it serves. The versions of pinned variants serve
    beside it, if they are Approved. Its shadow is the newest version that was approved for the shadow later,
    stands and has not failed.

    Until then, no version that stands, counts, and did not fail its smoke test gives way to an older approval
    that the invocation could read in the journal, and no approval that stands is withdrawn, whatever a list
    lacks. The exceptions are actions of people in between, and a fault in one of the invocation's calls.

    The law excludes endpoints that nobody manages, endpoints with invalid settings, and endpoints that are
    OutOfService. If the settings ask for a kind to which SageMaker cannot change an endpoint in service, the
    endpoint stays as it is, and people hear of it.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._heard_first: set[tuple[str, str, str]] = set()
        self._journalled: dict[tuple[str, str, str], int] = {}

    def check_recovery(self, recovery: Recovery) -> None:
        name = recovery.endpoint_name
        left = {
            (name, each["version_arn"].lower(), each["approved_at"])
            for each in self.world.journal(name, "approval#")
        }
        self._journalled = {
            key: each for key, each in self._journalled.items() if key[0] != name or key in left
        }

    def check_call(self, call: Call) -> None:
        """Remember the journalled approvals whose invocation read no other approval of the version."""
        if call.is_write and call.operation == "UpdateEndpoint":
            self._check_way_back(call)
        if call.operation == "UpdateItem" and ":withdrawn" in call.request["ExpressionAttributeValues"]:
            self._check_withdrawn(call)
        item = call.request.get("Item", {})
        if not (call.operation == "PutItem" and call.accepted and item["item"]["S"].startswith("approval#")):
            return
        if "unread" in item:
            return
        name, arn, time = (item[key]["S"] for key in ("endpoint", "version_arn", "approved_at"))
        # Two invocations may hear of a version at once: then neither finds the other's approval.
        read = last_query(call.invocation, name)
        if not any(
            each["version_arn"].lower() == arn.lower()
            and each["approved_at"] != time
            and not each.get("withdrawn")
            and self._journalled.get((name, arn.lower(), each["approved_at"]), 0) < read
            for each in self.world.journal(name, "approval#")
        ):
            self._heard_first.add((name, arn.lower(), time))
        self._journalled.setdefault((name, arn.lower(), time), call.number)

    def _check_withdrawn(self, call: Call) -> None:
        name, item = (call.request["Key"][each]["S"] for each in ("endpoint", "item"))
        people, approval = self.world.people, self.world.journalled(name, item)
        settings = people.settings.get(name)
        if (
            settings is None
            or not call.accepted
            # News of a version that was not complete when it was read.
            or "unread" in approval
            or call.invocation.faulty
            or people.last_done >= call.invocation.started
        ):
            return
        if self.stands(settings, approval):
            raise self.broken(f"{name}: {item} is withdrawn, and stands")

    def _check_way_back(self, call: Call) -> None:
        name = call.request["EndpointName"]
        people, endpoint = self.world.people, self.world.describe(name)
        settings, started = people.settings.get(name), call.invocation.started
        if (
            settings is None
            or endpoint is None
            or endpoint["EndpointStatus"] != "InService"
            or people.last_done >= started
            or call.invocation.faulty
        ):
            return
        live = people.config_content(endpoint["EndpointConfigName"])
        new = people.config_content(call.request["EndpointConfigName"])
        newest = {each["version_arn"].lower(): each for each in self._newest_first(name)}
        if live is None or new is None or not {live[0], new[0]} <= newest.keys():
            return
        package = people.look("DescribeModelPackage", ModelPackageName=live[0])
        if (
            order_of(newest[new[0]]) < order_of(newest[live[0]])
            and self._journalled.get((name, live[0], newest[live[0]]["approved_at"]), 0)
            < last_query(call.invocation, name)
            and package is not None
            and admits(settings.get("Gate"), package)
            and self._failed_test(name, self.facts.attempts(name)) is None
        ):
            raise self.broken(f"{name} goes back to {new[0]}, and the approval of {live[0]} stands")

    def check_rest(self) -> None:
        for name in self.world.people.endpoints:
            settings = self.world.people.settings.get(name)
            if settings is not None:
                self._check_approvals(name)
                self._check_endpoint(name, settings)

    def _check_endpoint(self, name: str, settings: dict[str, Any]) -> None:
        endpoint = self.world.describe(name)
        if endpoint is not None and endpoint["EndpointStatus"] == "OutOfService":
            return
        live = self.world.people.config_content(endpoint["EndpointConfigName"]) if endpoint else None
        expected = self.expected(name, settings, live)
        if expected is None:
            return
        if endpoint is not None and is_refused(self.world, endpoint, settings):
            self._check_told(name, expected)
            return
        if endpoint is None:
            raise self.broken(f"{name} is absent, and {expected.content[0]} stands")
        if expected.stays:
            if live is None or live[0] != expected.content[0]:
                raise self.broken(f"{name} left {expected.content[0]} because its settings failed")
            return
        if endpoint["EndpointStatus"] != "InService" or live != expected.content:
            raise self.broken(
                f"{name} is {endpoint['EndpointStatus']} with {live}, and the newest approval that stands is "
                f"{expected.content}"
            )
        serving = self.facts.artifacts.serving(name)
        if expected.artifact is not None and serving and serving != {expected.artifact}:
            raise self.broken(
                f"{name} serves {sorted(serving)}, and {expected.artifact} is what was approved last"
            )

    def _check_told(self, name: str, expected: Expected) -> None:
        """Look whether people know why an endpoint does not become what its settings ask for."""
        told = self.world.journalled(name, "fact#endpoint").get("reported")
        told = told if isinstance(told, str) else ""
        if not expected.stays and "SageMaker refuses that change" not in told:
            raise self.broken(f"{name} cannot become what its settings ask for, and people know {told!r}")

    def expected(
        self,
        name: str,
        settings: dict[str, Any],
        live: tuple[str, str, str] | None,
        *,
        besides: str | None = None,
    ) -> Expected | None:
        """Return what should serve, or None if nothing can.

        Args:
            name: The endpoint.
            settings: Its settings.
            live: Its present config's content.
            besides: The ARN, in lower case, of a version to leave out, as if it were rejected.
        """
        approvals = [
            each
            for each in self._newest_first(name)
            if each["version_arn"].lower() != besides and self.stands(settings, each)
        ]
        last_resort = [each for each in approvals if self.is_last_resort(name, settings, each, live)]
        in_turn = [each for each in approvals if each not in last_resort]
        found = (self.chance(name, settings, each, live, besides) for each in (*in_turn, *last_resort))
        return next((each for each in found if each is not None), None)

    def chance(
        self,
        name: str,
        settings: dict[str, Any],
        approval: dict[str, Any],
        live: tuple[str, str, str] | None,
        besides: str | None = None,
    ) -> Expected | None:
        """Return what an approval that stands makes serve; None if its version may not serve."""
        attempts = self.facts.attempts(name)
        package = self.world.people.look("DescribeModelPackage", ModelPackageName=approval["version_arn"])
        assert package is not None, "it stands"
        content = self._wanted(settings, approval)
        serves = live is not None and live[0] == content[0]
        counting = attempts
        if not (serves and self._failed_test(name, attempts) is not None):
            # One that serves although it failed its test has to leave before it is tried again.
            counting = since_retry(approval, attempts)
        failed = self._failed_for_good(approval, content, counting) or (
            not self.served_well(approval, attempts) and self._failed_by_itself(approval, counting)
        )
        approved = self.facts.artifacts.approved(name, approval)
        artifact = None if has_companions(self.world) else approved
        failed_test = serves and failed and self._failed_test(name, attempts) is not None
        endpoint = self.world.describe(name) or {}
        is_live = (
            live == content
            and endpoint.get("EndpointStatus") == "InService"
            and self.facts.artifacts.serving(name) == {artifact}
        )
        is_changed = self._is_changed(name, package, approved)
        if not failed and (is_live or not is_changed):
            wanted = self._shadowed(name, settings, approval, besides) or content
            return Expected(wanted, stays=False, artifact=artifact)
        if serves and not failed_test:
            return Expected(content, stays=True)
        if not serves and (is_changed or self._stays(name, settings, live, besides)):
            return None
        former = self.former(approval, attempts, content)
        return Expected(former, stays=False) if former is not None else None

    def _stays(
        self,
        name: str,
        settings: dict[str, Any],
        live: tuple[str, str, str] | None,
        besides: str | None = None,
    ) -> bool:
        """Tell whether the version that serves is approved, and failed no smoke test."""
        if live is None or live[0] == besides or self._failed_test(name, self.facts.attempts(name)):
            return False
        return any(
            each["version_arn"].lower() == live[0] and self.stands(settings, each)
            for each in self._newest_first(name)
        )

    def _wanted_of(self, name: str, settings: dict[str, Any], arn: str) -> tuple[str, str, str] | None:
        """Return a version's content under these settings, if it is approved."""
        approvals = (each for each in self._newest_first(name) if each["version_arn"].lower() == arn)
        approval = next(approvals, None)
        return self._wanted(settings, approval) if approval is not None else None

    def stands(self, settings: dict[str, Any], approval: dict[str, Any]) -> bool:
        """Tell whether the registry and the stage admit an approval's version."""
        package = self.world.people.look("DescribeModelPackage", ModelPackageName=approval["version_arn"])
        return package is not None and admits(settings.get("Gate"), package)

    def is_last_resort(
        self,
        name: str,
        settings: dict[str, Any],
        approval: dict[str, Any],
        live: tuple[str, str, str] | None,
    ) -> bool:
        """Tell whether a version has never served well here, and was superseded or failed before."""
        attempts, arn = self.facts.attempts(name), approval["version_arn"].lower()
        if (live is not None and live[0] == arn) or self.served_well(approval, attempts):
            return False
        if "superseded_by" in approval or went_out_instead(approval, attempts):
            return True
        content = self._wanted(settings, approval)
        failed = [
            self._content(each, content)
            for each in attempts
            if each["status"] == "failed"
            and each["action"] not in ASIDE
            and each["version_arn"].lower() == arn
            and int(each["number"]) >= retried_from(approval)
            and answers(each, approval["approved_at"])
            and not _has_shadow(each)
            and ("failed_test" in each or each.get("cause") != "surroundings")
        ]
        if not failed or content in failed or live is None:
            return bool(failed) and content not in failed
        return not self._stays(name, settings, live) or self._wanted_of(name, settings, live[0]) != live

    def served_well(self, approval: dict[str, Any], attempts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the deployments with which an approved version served, unless they failed a test since."""
        arn = approval["version_arn"].lower()
        return [
            each
            for each in served_well(attempts)
            if each["version_arn"].lower() == arn
            and self._is_made_of(each, approval)
            and self.facts.is_remembered(each, approval)
        ]

    def fallbacks(
        self,
        name: str,
        settings: dict[str, Any],
        live: tuple[str, str, str] | None,
        *,
        forgets: bool = False,
    ) -> list[Expected]:
        """Return what a reject of the serving version may bring back.

        Args:
            name: The endpoint.
            settings: Its settings.
            live: What it serves.
            forgets: Whether nobody knows of a release that it served if it was made again since.
        """
        if live is None:
            return []
        back = self.expected(name, settings, live, besides=live[0])
        if back is None:
            return []
        attempts = self.facts.attempts(name)
        approvals = (
            each for each in self._newest_first(name) if each["version_arn"].lower() == back.content[0]
        )
        approval = next(approvals, None)
        if approval is None or any(
            self._content({**each, "version_arn": ""}, back.content) == back.content
            and not (forgets and self.facts.was_made_again(each))
            for each in self.served_well(approval, attempts)
        ):
            return [back]
        former = self.former(approval, attempts, back.content, exists=False)
        return [back, *([Expected(former, stays=False)] if former is not None else [])]

    def _is_changed(self, name: str, package: dict[str, Any], artifact: str | None) -> bool:
        """Tell whether a version's artifact is not the approved one, or not the one that a stage stamped."""
        own = stage_settings(self.world.schedule, name).get("StageName")
        stamped = {
            self.facts.artifacts.stamped.get((stage_name, package["ModelPackageArn"].lower()))
            for stage_name in stages_in(package)
            if own is not None and stage_name != own
        }
        return not {artifact, *stamped} <= {None, self.facts.artifacts.now(package)}

    def _wanted(
        self, settings: dict[str, Any], approval: dict[str, Any], shadow: dict[str, Any] | None = None
    ) -> tuple[str, str, str]:
        """Return an approval's content under these settings, beside the pinned versions."""
        config, versions = settings["CreateEndpointConfig"], {}
        for variant_name, number in settings.get("Pins", {}).items():
            package = self.world.people.look("DescribeModelPackage", ModelPackageName=f"{GROUP}/{number}")
            if package is not None and admits(None, package):
                versions[variant_name] = package["ModelPackageArn"]
        variants = [
            each
            for each in config["ProductionVariants"]
            if each["VariantName"] not in settings.get("Pins", {}) or each["VariantName"] in versions
        ]
        following = [each["VariantName"] for each in variants if each["VariantName"] not in versions]
        versions |= dict.fromkeys(following[1:], approval["version_arn"])
        if shadow is not None:
            variants += config["ShadowProductionVariants"]
            versions |= {
                each["VariantName"]: shadow["version_arn"] for each in config["ShadowProductionVariants"]
            }
        environment = settings["CreateModel"]["Containers"][0]["Environment"]
        return content_of(
            approval["version_arn"],
            environment,
            variants,
            versions,
            asynchronous="AsyncInferenceConfig" in config,
        )

    def _shadowed(
        self, name: str, settings: dict[str, Any], live: dict[str, Any], besides: str | None
    ) -> tuple[str, str, str] | None:
        """Return the live content with the newest version that may shadow it; None if none may."""
        if "Shadow" not in settings:
            return None
        for shadow in self._newest_first(name, for_shadow=True):
            if order_of(shadow) <= order_of(live):
                return None
            package = self.world.people.look("DescribeModelPackage", ModelPackageName=shadow["version_arn"])
            content = self._wanted(settings, live, shadow)
            if (
                package is not None
                and admits(None, package)
                and shadow["version_arn"].lower() not in {live["version_arn"].lower(), besides}
                and not self._failed_for_good(shadow, content, since_retry(shadow, self.facts.attempts(name)))
            ):
                return content
        return None

    def _failed_test(self, name: str, attempts: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Return the last attempt that led to an endpoint's config, if it failed its smoke test."""
        endpoint = self.world.describe(name)
        config = endpoint["EndpointConfigName"] if endpoint is not None else None
        led = [each for each in attempts if each["action"] not in ASIDE]
        last = next((each for each in reversed(led) if each["endpoint_config_name"] == config), None)
        return last if last is not None and "failed_test" in last else None

    def former(
        self,
        approval: dict[str, Any],
        attempts: list[dict[str, Any]],
        content: tuple[str, str, str],
        *,
        exists: bool = True,
    ) -> tuple[str, str, str] | None:
        """Return a version's last release with which it served well, but for one of this content.

        None if it failed or was changed since, or is gone and should exist. The journal forgets what was
        cleaned up, also if its config was made again.
        """
        well = [
            each
            for each in self.served_well(approval, attempts)
            if self._content({**each, "version_arn": ""}, content) != content
        ]
        if not well or self._was_something_else(well[-1], content[0]):
            return None
        served, config = well[-1], well[-1]["endpoint_config_name"]
        if self.facts.was_made_again(served):
            return None
        failed = [
            each
            for each in since_retry(approval, attempts)
            if each["status"] == "failed"
            and each.get("endpoint_config_name") == config
            and each["settled_at"] >= max(served["settled_at"], approval["approved_at"])
        ]
        if self.facts.failed_for_good(failed):
            return None
        if self.world.people.look("DescribeEndpointConfig", EndpointConfigName=config) is None and exists:
            return None
        former = self._content({**served, "version_arn": ""}, content)
        packages = [
            self.world.people.look("DescribeModelPackage", ModelPackageName=each)
            for each in versions_in(former or content)
        ]
        # The version beside it may have been rejected since.
        return former if all(each is not None and admits(None, each) for each in packages) else None

    def _was_something_else(self, served: dict[str, Any], arn: str) -> bool:
        """Tell whether a version was changed since it served; only in stages can anybody know."""
        name = served["endpoint"]
        if "StageName" not in stage_settings(self.world.schedule, name):
            return False
        came_to_serve = self.facts.artifacts.came_to_serve(name, served)
        package = self.world.people.look("DescribeModelPackage", ModelPackageName=arn)
        return package is not None and came_to_serve not in {None, self.facts.artifacts.now(package)}

    def _newest_first(self, name: str, *, for_shadow: bool = False) -> Iterator[dict[str, Any]]:
        seen = set()
        for approval in sorted(
            (
                each
                for each in self.world.journal(name, "approval#")
                if ("objection" in each) is for_shadow
                and (not for_shadow or each.get("shadows"))
                and not each.get("withdrawn")
                and "rollback" not in each
            ),
            key=order_of,
            reverse=True,
        ):
            if approval["version_arn"].lower() not in seen:
                seen.add(approval["version_arn"].lower())
                yield approval

    def _failed_for_good(
        self, approval: dict[str, Any], content: tuple[str, str, str], attempts: list[dict[str, Any]]
    ) -> bool:
        failed = [
            attempt
            for attempt in attempts
            if attempt["status"] == "failed"
            and attempt["action"] not in ASIDE
            and answers(attempt, approval["approved_at"])
            and self._content(attempt, content) == content
            and self._is_made_of(attempt, approval)
        ]
        return self.facts.failed_for_good(failed)

    def _failed_by_itself(self, approval: dict[str, Any], attempts: list[dict[str, Any]]) -> bool:
        """Tell whether a version has a failure of its own since its approval."""
        arn, since = approval["version_arn"].lower(), approval["approved_at"]
        return any(failed_by_itself(each, arn, since=since) for each in attempts)

    def _is_made_of(self, attempt: dict[str, Any], approval: dict[str, Any]) -> bool:
        """Tell whether an attempt was for the approved artifact, as far as anybody knows."""
        artifacts, name = self.facts.artifacts, approval["endpoint"]
        if attempt["version_arn"].lower() != approval["version_arn"].lower():
            # It put the approved version beside another one, and is known by that one's artifact.
            return True
        tried, approved = artifacts.approved(name, attempt), artifacts.approved(name, approval)
        return None in {tried, approved} or tried == approved

    def _content(self, attempt: dict[str, Any], like: tuple[str, str, str]) -> tuple[str, str, str] | None:
        """Return an attempt's intended content, even if its config is gone."""
        found = self.facts.contents.get(attempt["endpoint_config_name"])
        if found is None and attempt["version_arn"].lower() == like[0]:
            # Refused before there was a config: nobody knows which settings it was for.
            return like
        return found

    def _is_torn_off(self, name: str, time: datetime) -> bool:
        """Tell whether a journal was lost or restored to before an event of that time came for sure."""
        return any(
            each.endpoint_name == name and each.time >= time and each.back_to <= time + LATEST_EVENT
            for each in self.world.people.recoveries
        )

    def _check_approvals(self, name: str) -> None:
        people = self.world.people
        journalled: dict[str, datetime] = {}
        unnamed: set[tuple[str, datetime]] = set()
        account = self.world.site_of(name).account
        approvings = [each for each in people.approvings if each.account == account]
        naming = {each.event_id for each in approvings if each.named}
        looked = self.world.journalled(name, "fact#endpoint").get("first_look")
        _, first_look, at, *_ = json.loads(looked) if isinstance(looked, str) else ("", [], None)
        looked_at = datetime.fromisoformat(at) + CLOCKS_DIFFER if at is not None else self.world.start
        registered = {each.version_arn.lower(): each.time for each in people.acts if each.registers}
        for approval in self.world.journal(name, "approval#"):
            if approval.get("withdrawn"):
                continue
            arn, time = approval["version_arn"].lower(), datetime.fromisoformat(approval["approved_at"])
            journalled[arn] = max(time, journalled.get(arn, time))
            heard_first = (name, arn, approval["approved_at"]) in self._heard_first
            if heard_first and approval["correlation_id"] not in naming:
                unnamed.add((arn, time))
        for version in people.versions:
            arn = version.arn.lower()
            package = people.look("DescribeModelPackage", ModelPackageName=version.arn)
            if package is None or not is_let_through(people.gate(name), package):
                continue
            known = journalled.get(arn)
            if known is None and version_number(arn) in first_look and registered[arn] <= looked_at:
                # Nobody saw when it was approved, and another one counts.
                continue
            if known is None:
                raise self.broken(f"{name}: {arn} is Approved, and the journal has never heard of it")
            named = [each for each in approvings if each.version_arn.lower() == arn and each.named]
            if not named:
                continue
            if named[-1].delivered and known > named[-1].time and (arn, known) not in unnamed:
                raise self.broken(f"{name}: {arn} counts as approved at {known}, not at {named[-1].time}")
            if (
                (account, named[-1].event_id) in self.world.processed
                and not people.settings_were_missing
                and not self._is_torn_off(name, named[-1].time)
                and known < named[-1].time
                # At a gate, a rejected version may be approved again without a change at the gate.
                and not any(
                    act.version_arn.lower() == arn
                    and act.status not in {None, "Approved"}
                    and act.time >= named[-1].time
                    for act in people.acts
                )
            ):
                raise self.broken(f"{name}: the approval of {arn} at {named[-1].time} was lost")


class Law4NoLoop(Law):
    """No loop: once disturbances stop the deployer writes little, and nothing once the endpoint is in sync.

    From the moment disturbances stop, no endpoint is changed more often than there are versions that stand,
    plus one repair; no model and no config is created twice but for being deleted in between, or deleted
    twice but for being created; nobody tags twice, as several invocations at once may, but for repeating a
    call whose answer was lost. After the rest,
    further sweeps and events about the endpoint write nothing: not to SageMaker, not to the journal, not to
    the bus. The exception is the note that SageMaker refused a write again, which is tried after growing
    delays. And at no time is a release put on an endpoint that failed there for a lasting reason since its
    version was approved, nor any release of a version that failed by itself since, and has never served well.
    Failures before a retry that a person asked for do not count (law 42). An invocation may know of an
    approval that its journal lost meanwhile.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._calm_writes: dict[tuple[str, str, str], int] = {}

    def check_call(self, call: Call) -> None:
        if not call.is_write:
            return
        if call.operation in CHANGES:
            self._check_memory(call)
        if not self.world.calmed:
            return
        subject = call.request.get("ModelName") or call.request.get("EndpointConfigName")
        subject = subject or f"tags of {call.request.get('ResourceArn')}"
        if call.operation in {"DeleteEndpoint", *CHANGES}:
            subject = call.request["EndpointName"]
        if call.operation == VARIANT_CALL:
            # Law 8 knows what may be set.
            return
        is_of_tags = call.operation in {"AddTags", "DeleteTags"}
        if is_of_tags and _repeats_what_was_lost(call):
            return
        who = call.invocation.name if is_of_tags else ""
        # A deleted resource may be made again for a new approval, and then be deleted again.
        for verb, opposite in (("Create", "Delete"), ("Delete", "Create")):
            if call.operation.startswith(verb):
                undone = call.operation.replace(verb, opposite)
                self._calm_writes.pop((undone, subject, who), None)
        key = (call.operation, subject, who)
        self._calm_writes[key] = self._calm_writes.get(key, 0) + 1
        limit = 1
        if call.operation in {"DeleteEndpoint", *CHANGES}:
            limit = (len(self.world.people.versions) + 2) * (1 + has_companions(self.world))
        if self._calm_writes[key] > limit:
            raise self.broken(f"{call.operation} of {subject} for the {self._calm_writes[key]}th time")

    def _check_memory(self, call: Call) -> None:
        name, config = call.request["EndpointName"], call.request["EndpointConfigName"]
        attempts = self.facts.attempts(name)
        content = self.world.people.config_content(config)
        assert content is not None
        approvals = [
            each
            for each in self.world.journal(name, "approval#")
            if each["version_arn"].lower() in versions_in(content)
        ]
        approved = max((each["approved_at"] for each in approvals), default="")
        first = max(map(retried_from, approvals), default=0)
        if self.facts.recovered(name, call.invocation.started):
            # It goes on by what it read before, so the journal may not show the approval any more.
            given = [
                each.time.isoformat(timespec="microseconds")
                for each in self.world.people.acts
                if each.status == "Approved" and each.version_arn.lower() in versions_in(content)
            ]
            approved = max([approved, *given])
        for attempt in attempts:
            if (
                int(attempt["number"]) >= first
                and attempt.get("endpoint_config_name") == config
                and attempt["status"] == "failed"
                and attempt["action"] not in ASIDE
                and answers(attempt, approved)
                and self.facts.lasts(attempt)
            ):
                raise self.broken(
                    f"{config} is tried again although attempt {attempt['number']} failed with it"
                )
        served = {each["version_arn"].lower() for each in served_well(attempts)}
        if content[0] not in served and any(
            failed_by_itself(each, content[0], since=approved)
            for each in attempts
            if int(each["number"]) >= first
        ):
            raise self.broken(f"{content[0]} is tried again although it failed by itself")


def _repeats_what_was_lost(call: Call) -> bool:
    """Tell whether an invocation repeats its call before, as the answer to that was lost."""
    calls = call.invocation.calls
    before = calls[calls.index(call) - 1] if calls.index(call) else None
    return (
        before is not None
        and before.operation == call.operation
        and before.request == call.request
        and before.fault is not None
    )


class Law5EachEndIsTold(Law):
    """Every attempt ends in one outcome; topic and bus get it at least once, and again only after a fault.

    In the journal an attempt goes from open to accepted, then to testing if there is a smoke test, and to
    succeeded or failed. After a test in the bake it is accepted once more, until the rollout is over. From
    open it may go directly to each of these. An end is final, and true:
    - succeeded: the attempt really brought its config into service, or tested again a config that was already
      in service.
    - aborted: a rollout that was stopped, or an approval that was read as withdrawn before its test.
    - failed: SageMaker refused the attempt or did not complete it, or the version failed or interrupted its
      smoke test, or its test endpoint did not come into service. It also covers an endpoint that others
      deleted or AWS took out of service before anybody looked, and a former release whose config or model
      somebody deleted.
    - withdrawn: SageMaker accepted nothing, or rolled it back while the journal refused every note about the
      attempt, so that its rollback looks like any other.

    An outcome goes to the bus after it is in the journal, never before. At rest each attempt that succeeded
    or failed was reported, with one kind only. A second copy, with the same id, follows only after an
    invocation whose report met a fault, so that it may not have noted the report. An attempt that met the
    same hindrance as an earlier one at the same release, for the same approval, is not reported.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._statuses: dict[tuple[str, str], str] = {}
        self._failed_in_bake: set[tuple[str, str]] = set()
        self._told: dict[tuple[str, str], list[Call]] = {}
        self._said: dict[tuple[str, str], tuple[Any, ...]] = {}

    def check_recovery(self, recovery: Recovery) -> None:
        name = recovery.endpoint_name
        kept = {key: each for key, each in self._statuses.items() if key[0] != name}
        restored = {(name, f"attempt#{number:09d}"): status for number, status in recovery.statuses.items()}
        self._statuses = {**kept, **restored}

    def check_call(self, call: Call) -> None:
        if not call.accepted:
            return
        if call.service == "dynamodb" and call.operation in {"PutItem", "UpdateItem"}:
            key = call.request.get("Key") or call.request["Item"]
            if key["item"]["S"].startswith("attempt#"):
                self._check_move(call, key["endpoint"]["S"], key["item"]["S"])
        if call.operation == "PutEvents":
            for entry in call.request["Entries"]:
                if entry["DetailType"] == "Greenlight Deployment Outcome":
                    self._check_outcome(call, json.loads(entry["Detail"]))
        if call.operation == TELLING:
            document = json.loads(json.loads(call.request["Message"])["default"])
            self._check_outcome(call, document["detail"])

    def _check_move(self, call: Call, name: str, item: str) -> None:
        attempt = self.world.journalled(name, item)
        before, now = self._statuses.get((name, item)), attempt["status"]
        self._statuses[name, item] = now
        if before == now:
            return
        was_bad = self._was_bad(call, name, attempt)
        if before in SETTLED or (before in NEXT and now not in NEXT[before]):
            raise self.broken(f"{item} of {name} went from {before} to {now}")
        if attempt["action"] in ASIDE or now not in SETTLED:
            return
        if self.facts.is_torn(name, int(attempt["number"])):
            # What became of it happened after the time that the journal knows.
            return
        rollouts = self.facts.rollouts_of(name, attempt)
        succeeded = any(each.succeeded for each in rollouts)
        if now == "succeeded" and not succeeded:
            raise self.broken(f"{item} of {name} counts as succeeded and did not")
        if before == "testing" and now == "aborted" and not self._was_stopped(rollouts):
            self._check_untried(call, attempt)
            return
        is_tried = now == "failed" and was_bad
        if now in {"failed", "aborted"} and succeeded and self._still_serves(rollouts[-1]) and not is_tried:
            raise self.broken(f"{item} of {name} counts as {now} and succeeded")
        if now in TOLD and any(each.ended is None for each in rollouts):
            raise self.broken(f"{item} of {name} counts as {now}, and is under way")
        if not is_tried:
            self._check_abort(f"{item} of {name}", now, rollouts)
        if now == "failed" and not (
            rollouts
            or self._failed_first(call, attempt)
            or self._was_refused(attempt)
            or self._could_not_come_back(name, attempt)
        ):
            raise self.broken(f"{item} of {name} counts as failed, and SageMaker refused nothing")
        if now == "withdrawn" and not all(self._went_unnoted(name, item, each) for each in rollouts):
            raise self.broken(f"{item} of {name} counts as withdrawn, and SageMaker accepted it")

    def _was_bad(self, call: Call, name: str, attempt: dict[str, Any]) -> bool:
        """Tell whether a version failed its test, in this invocation or, in the bake, in an earlier one."""
        key = (name, attempt["item"])
        where = attempt.get("test_endpoint_name", name)
        if "failed_test" in attempt and (answered_badly(call.invocation, where) or never_ended(attempt)):
            self._failed_in_bake.add(key)
        return "failed_test" in attempt and key in self._failed_in_bake

    def _failed_first(self, call: Call, attempt: dict[str, Any]) -> bool:
        """Tell whether an attempt failed on its test endpoint."""
        name = attempt.get("test_endpoint_name")
        if name is None or "test_passed_at" in attempt:
            return False
        shown = self.world.describe(name)
        failed = shown is not None and shown["EndpointStatus"] != "InService"
        return failed or answered_badly(call.invocation, name) or never_ended(attempt)

    def _went_unnoted(self, name: str, item: str, rollout: Rollout) -> bool:
        """Tell whether a change was undone before the journal took a note of it, which it denied."""
        if rollout.ended is None or rollout.succeeded:
            return False
        notes = [
            each
            for each in self.world.calls[rollout.call.number :]
            if each.operation == "UpdateItem"
            and (each.request["Key"]["endpoint"]["S"], each.request["Key"]["item"]["S"]) == (name, item)
            and each.time <= rollout.ended
        ]
        return bool(notes) and all(each.fault == DENIED for each in notes)

    def _was_stopped(self, rollouts: list[Rollout]) -> bool:
        """Tell whether the abort alarm was set off during a rollout that did not succeed.

        An invocation may claim the test in the bake, find the approval taken back, and leave the test.
        """
        if not rollouts or rollouts[-1].succeeded:
            return False
        return self._was_set_off(rollouts[-1].endpoint_name, rollouts[-1].call.number)

    def _check_untried(self, call: Call, attempt: dict[str, Any]) -> None:
        if not was_taken_back(call, attempt):
            raise self.broken(f"attempt {attempt['number']} was not tried, and its approval stands")

    def _check_abort(self, what: str, now: str, rollouts: list[Rollout]) -> None:
        if not rollouts:
            return
        name, since = rollouts[-1].endpoint_name, rollouts[-1].call.number
        if now == "aborted" and not self._was_to_be_aborted(name, since):
            raise self.broken(f"{what} counts as aborted, and nobody asked for that")
        if now == "failed" and self._was_set_off(name, since):
            raise self.broken(f"{what} counts as failed, and was aborted")

    def _was_set_off(self, name: str, since: int) -> bool:
        """Tell whether the deployer set off the abort alarm after that call."""
        return any(
            call.operation == "SetAlarmState"
            and call.request["AlarmName"] == abort_alarm(name)
            and call.request["StateValue"] == AlarmState.ALARM
            for call in self.world.calls[since:]
        )

    def _was_to_be_aborted(self, name: str, since: int) -> bool:
        """Tell whether the journal had it noted after that call."""
        return any(
            call.operation == "UpdateItem"
            and call.accepted
            and ":abort_asked_at" in call.request["ExpressionAttributeValues"]
            and call.request["Key"]["endpoint"]["S"] == name
            for call in self.world.calls[since:]
        )

    def _still_serves(self, rollout: Rollout) -> bool:
        endpoint = self.world.describe(rollout.endpoint_name)
        return (
            endpoint is not None
            and endpoint["EndpointStatus"] == "InService"
            and endpoint["EndpointConfigName"] == rollout.endpoint_config_name
        )

    def _was_refused(self, attempt: dict[str, Any]) -> bool:
        """Tell whether SageMaker refused a call, other than for being busy, with the words of the reason."""
        return any(
            call.service == "sagemaker"
            and call.operation in WRITES
            and not call.accepted
            and call.response["message"] in attempt["reason"]
            and not (call.operation in CHANGES and call.response["message"].startswith(BUSY))
            for call in reversed(self.world.calls)
        )

    def _could_not_come_back(self, name: str, attempt: dict[str, Any]) -> bool:
        """Tell whether somebody deleted the config or a model of a release that served before.

        Then it is not put back, also if another invocation made the model again (docs/guarantees.md).
        """
        served = any(
            each["status"] == "succeeded"
            and each["endpoint_config_name"] == attempt["endpoint_config_name"]
            and int(each["number"]) < int(attempt["number"])
            for each in self.facts.attempts(name)
            if each["action"] not in ASIDE
        )
        was_deleted = self.world.people.meddling.was_deleted
        return served and any(
            was_deleted(kind, each)
            for kind, named in (("model", _models_of), ("config", _configs_of))
            for each in named(attempt)
        )

    def _check_outcome(self, call: Call, detail: dict[str, Any]) -> None:
        self._told.setdefault((call.operation, detail["OutcomeId"]), []).append(call)
        self._check_id(call, detail)
        number = detail.get("Attempt")
        if number is None or self.facts.recovered(detail["EndpointName"], call.invocation.started):
            return
        attempt = next(
            (each for each in self.facts.attempts(detail["EndpointName"]) if int(each["number"]) == number),
            None,
        )
        status = attempt["status"] if attempt is not None else "missing"
        kind = detail["Outcome"]
        if attempt is not None and attempt["action"] == PROMOTE:
            if kind not in TOLD_OF_PROMOTION.get(status, ()):
                raise self.broken(f"{detail['OutcomeId']} is told while the journal says {status}")
            return
        if kind == "started" and (status in NEXT or status in TOLD):
            return
        if kind not in TOLD.get(status, ()):
            raise self.broken(f"{detail['OutcomeId']} is told while the journal says {status}")

    def _check_id(self, call: Call, detail: dict[str, Any]) -> None:
        """Look whether an id was used before, for something else: consumers drop what they have seen."""
        said = tuple(
            detail.get(each) for each in ("EndpointName", "Outcome", "ModelPackageVersion", "Attempt")
        )
        before = self._said.setdefault((call.operation, detail["OutcomeId"]), said)
        if "ModelPackageVersion" in detail and before != said:
            raise self.broken(f"{detail['OutcomeId']} is told of {said}, and was told of {before}")

    def check_rest(self) -> None:
        for name in self.world.people.endpoints:
            if self.world.people.settings.get(name) is None:
                continue
            for attempt in self.facts.attempts(name):
                number = int(attempt["number"])
                if attempt["action"] in ASIDE - {PROMOTE} or self.facts.is_torn(name, number):
                    continue
                told = TOLD_OF_PROMOTION if attempt["action"] == PROMOTE else TOLD
                if attempt["status"] not in SETTLED:
                    raise self.broken(f"attempt {number} of {name} is {attempt['status']} for ever")
                for channel in (TELLING, "PutEvents"):
                    self._check_told(attempt, name, told, channel)
        for (_, outcome_id), calls in self._told.items():
            untroubled = [call for call in calls if not call.invocation.faulty]
            if self.facts.recovered(outcome_id.split("/")[0], self.world.start):
                # The journal lost that it was reported.
                continue
            if self._of_attempt(outcome_id) and len(untroubled) > 1:
                raise self.broken(f"{outcome_id} was told {len(calls)} times without need")

    def _check_told(
        self, attempt: dict[str, Any], name: str, told: Mapping[str, AbstractSet[str]], channel: str
    ) -> None:
        number, status = int(attempt["number"]), attempt["status"]
        kinds = {
            kind
            for kind in ("succeeded", "failed", "aborted", "rolled_back", "promoted", "needs_attention")
            if (channel, f"{name}/{number}/{kind}/{_compact(attempt['started_at'])}") in self._told
        }
        if self.facts.was_told_before(attempt):
            # Law 31 knows that it is not told again.
            return
        if status in told and (len(kinds) != 1 or not kinds <= told[status]):
            raise self.broken(
                f"attempt {number} of {name} is {status} and was told as {sorted(kinds)} by {channel}"
            )
        if status == "withdrawn" and kinds:
            raise self.broken(f"attempt {number} of {name} was withdrawn and told as {sorted(kinds)}")

    def _of_attempt(self, outcome_id: str) -> bool:
        return outcome_id.split("/")[1].isdigit()


class Law6NothingNeededIsDeleted(Law):
    """The deployer never deletes anything that a rollback needs; little remains, and no orphan.

    It deletes a config or model only with its own tags for that endpoint, and only under these conditions.
    The endpoint is not on it, or being brought to it. It is not among the last releases. A reject of the
    serving version would not bring it back (unless an approval, a reject or new settings came during the
    deletion, or it never served and its version waits to go out with one more variant, the shadow). No
    current attempt is for it.

    At rest an endpoint has its present release and at most `keep` old ones, or those for a reject: the
    release of the version that would come back and, if that never served, the one with which the version
    served. A release that was deleted and made again since it served counts as one that never served. It has
    one more if its release is not the wanted one. An attempt names each of its models and
    configs.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._owners: dict[tuple[str, str], str] = {}
        self._made_at: dict[str, tuple[datetime, datetime]] = {}
        """When the invocation began that made a model or config, and when it made it."""
        self._newest = Law3NewestStandingApproval(world, facts)
        self._approved: dict[str, datetime] = {}
        self._made_for: dict[str, str] = {}
        self._made_of: dict[str, str | None] = {}

    def check_call(self, call: Call) -> None:
        if not call.accepted:
            return
        request = call.request
        match call.operation:
            case "PutItem" | "UpdateItem":
                key = request.get("Key") or request["Item"]
                is_note = {":served_with", ":superseded_by"} & set(
                    request.get("ExpressionAttributeValues", ())
                )
                if key["item"]["S"].startswith("approval#") and not is_note:
                    self._approved[key["endpoint"]["S"]] = self.world.clock.now()
            case "CreateModel":
                self._owners["model", request["ModelName"]] = _owner(request)
                self._made_at[request["ModelName"]] = call.invocation.started, call.time
            case "CreateEndpointConfig":
                config_name = request["EndpointConfigName"]
                self._made_at[config_name] = call.invocation.started, call.time
                self._owners["config", config_name] = self._made_for[config_name] = _owner(request)
                attempt = self.facts.unsettled(_owner(request))
                if attempt is not None:
                    artifact = self.facts.artifacts.approved(_owner(request), attempt)
                    self._made_of[config_name] = artifact
            case "DeleteModel":
                self._check_deletion(call, "model", request["ModelName"])
            case "DeleteEndpointConfig":
                self._check_deletion(call, "config", request["EndpointConfigName"])

    def _check_deletion(self, call: Call, kind: str, name: str) -> None:
        owner = self._owners.pop((kind, name), None)
        is_torn = owner is not None and self.facts.recovered(owner, call.invocation.started)
        if kind == "config" and owner is not None and not is_torn and name in self._former(owner):
            raise self.broken(f"{call.operation} of {name}, one of the last that served on {owner}")
        if owner is None:
            raise self.broken(f"{call.operation} of {name}, which is not the deployer's")
        for endpoint_name in self.world.people.endpoints:
            for config_name in self._needed(endpoint_name) | self._fallbacks(call, endpoint_name):
                if kind == "config" and name == config_name:
                    raise self.broken(f"{call.operation} of {name}, which {endpoint_name} needs")
                config = self.world.people.look("DescribeEndpointConfig", EndpointConfigName=config_name)
                if config is None:
                    continue
                if kind == "model" and any(
                    each["ModelName"] == name
                    for each in (*config["ProductionVariants"], *config.get("ShadowProductionVariants", ()))
                ):
                    raise self.broken(f"{call.operation} of {name}, whose config {endpoint_name} needs")

    def _former(self, endpoint_name: str) -> list[str]:
        """Return the last releases' configs, which must stay, and one more for a reject."""
        endpoint = self.world.people.look("DescribeEndpoint", EndpointName=endpoint_name)
        deployments = [
            attempt
            for attempt in reversed(self.facts.attempts(endpoint_name))
            if attempt["action"] not in ASIDE and attempt["status"] != "withdrawn"
        ]
        served = [
            attempt["endpoint_config_name"]
            for attempt in deployments
            if attempt["status"] == "succeeded"
            and (endpoint is None or attempt["endpoint_config_name"] != endpoint["EndpointConfigName"])
        ]
        return list(dict.fromkeys(served))[: max(self.world.people.least_kept(endpoint_name) - 1, 0)]

    def _fallbacks(self, call: Call, endpoint_name: str) -> set[str]:
        """Return the configs that a reject would bring back; none if that changed in this invocation."""
        settings = self.world.people.settings.get(endpoint_name)
        endpoint = self.world.describe(endpoint_name)
        begun = call.invocation.started
        if (
            settings is None
            or endpoint is None
            or self.world.people.last_done >= begun
            or self._approved.get(endpoint_name, self.world.start) >= begun
        ):
            return set()
        live = self.world.people.config_content(endpoint["EndpointConfigName"])
        wanted = self._newest.expected(endpoint_name, settings, live)
        # Once for all names: in a long life there are hundreds, and what comes back depends on none of them.
        fallbacks = self._newest.fallbacks(endpoint_name, settings, live)
        served = {
            each["endpoint_config_name"]
            for each in self.facts.attempts(endpoint_name)
            if each["status"] == "succeeded" and each["action"] not in ASIDE
        }
        return {
            name
            for name, artifact in self._made_of.items()
            for fallback in fallbacks
            if name in served or wanted is None or not _adds_a_shadow(wanted.content, to=fallback.content)
            if self.facts.contents.get(name) == fallback.content
            and (fallback.artifact in {None, artifact} or artifact is None)
            and self._made_for.get(name) == endpoint_name
            # What a lost journal knew is made again if it is needed.
            and not self._is_forgotten(endpoint_name, name)
        }

    def _is_forgotten(self, endpoint_name: str, made: str) -> bool:
        """Tell whether the journal lost what a model or config was made for, before or after it was made."""
        began, time = self._made_at.get(made, (self.world.start, self.world.start))
        return self.facts.is_forgotten(endpoint_name, time) or any(
            each.endpoint_name == endpoint_name and began <= each.time <= time
            for each in self.world.people.recoveries
        )

    def _needed(self, endpoint_name: str) -> set[str]:
        endpoint = self.world.people.look("DescribeEndpoint", EndpointName=endpoint_name)
        needed = set()
        if endpoint is not None:
            needed.add(endpoint["EndpointConfigName"])
            if "PendingDeploymentSummary" in endpoint:
                needed.add(endpoint["PendingDeploymentSummary"]["EndpointConfigName"])
        attempt = self.facts.unsettled(endpoint_name)
        if attempt is not None and attempt["action"] not in ASIDE:
            needed.add(attempt["endpoint_config_name"])
        return needed

    def check_rest(self) -> None:
        for name in self.world.people.endpoints:
            attempts = self.facts.attempts(name)
            for kind, named in (("model", _models_of), ("config", _configs_of)):
                names = {
                    each
                    for (what, each), owner in self._owners.items()
                    if what == kind
                    and owner == name
                    # Nobody knows what a lost journal knew.
                    and not self._is_forgotten(name, each)
                    and not self.world.people.meddling.is_gone(kind, each)
                }
                orphans = names - {each for attempt in attempts for each in named(attempt)}
                if orphans:
                    raise self.broken(f"{name}: {kind} without an attempt: {', '.join(sorted(orphans))}")
                endpoint, settings = self.world.describe(name), self.world.people.settings.get(name)
                if settings is None or endpoint is None or endpoint["EndpointStatus"] != "InService":
                    continue
                live = self.world.people.config_content(endpoint["EndpointConfigName"])
                expected = self._newest.expected(name, settings, live)
                fallbacks = len(self._newest.fallbacks(name, settings, live, forgets=True))
                most = max(settings["Keep"], 1) + max(fallbacks - 1, 0) + 1
                most += expected is not None and expected.stays
                # Each release may have a companion, with a model of its own.
                most *= 1 + (kind == "model" and has_companions(self.world))
                if len(names) > most and not is_refused(self.world, endpoint, settings):
                    raise self.broken(f"{name} has {len(names)} {kind}s left: {', '.join(sorted(names))}")


class Law7JournalExplains(Law):
    """The journal alone explains every change that the control plane saw.

    When SageMaker accepts a write of the deployer, the journal already has an open attempt that names the
    written resource. The writing invocation itself has claimed that attempt, within its lease. A config that
    serves and that somebody deleted is created again as the attempt that made it says. At rest the
    attempts, in the order of their numbers, give exactly the changes that SageMaker accepted, in their order.
    The last one that succeeded names the endpoint's config, unless the config is that of a later attempt that
    came into service and still failed or was aborted (law 5). An attempt is one change. It asks again only if
    the first caller met a fault before noting the answer, and the endpoint came to rest without the config.
    Then its rollback looks like one with another cause, and the version is not blamed.
    """

    def check_call(self, call: Call) -> None:
        if not call.is_write or call.operation in {"AddTags", "DeleteTags"}:
            return
        if any(each.time >= call.invocation.started for each in self.world.people.recoveries):
            # It had journalled its attempt, and somebody took that away.
            return
        if call.operation == VARIANT_CALL:
            self._check_set(call)
            return
        explained = [
            attempt
            for name in self.world.people.endpoints
            if (attempt := self.facts.unsettled(name)) is not None and self._names(attempt, call)
        ]
        if not explained and self._repairs(call):
            return
        if not explained:
            raise self.broken(f"{call.operation} {_subject(call)} is explained by no attempt")
        (attempt,) = explained
        if attempt["invocation_id"] != call.invocation.invocation_id:
            raise self.broken(
                f"{call.operation} {_subject(call)} by {call.invocation.name}, while "
                f"attempt {attempt['number']} belongs to {attempt['invocation_id']}"
            )
        if datetime.fromisoformat(attempt["lease_until"]) < self.world.deployer_now(call.invocation.site):
            raise self.broken(f"{call.operation} {_subject(call)} by {call.invocation.name} beyond its lease")

    def _repairs(self, call: Call) -> bool:
        """Tell whether a call creates a config again that an endpoint serves."""
        if call.operation != "CreateEndpointConfig":
            return False
        config = call.request["EndpointConfigName"]
        serving = [
            name
            for name in self.world.people.endpoints
            if (self.world.describe(name) or {}).get("EndpointConfigName") == config
        ]
        return any(
            each.get("endpoint_config_name") == config
            and json.loads(each.get("config_request", "null")) == call.request
            for name in serving
            for each in self.facts.attempts(name)
        )

    def _check_set(self, call: Call) -> None:
        name = call.request["EndpointName"]
        endpoint = self.world.describe(name)
        led = [
            json.loads(each.get("to_set", "[]"))
            for each in self.facts.attempts(name)
            if each["action"] not in ASIDE
            and endpoint is not None
            and each["endpoint_config_name"] == endpoint["EndpointConfigName"]
        ]
        noted = {(each["variant_name"], each["name"], each["value"]) for left in led for each in left}
        for change in call.request["DesiredWeightsAndCapacities"]:
            for what in change.keys() - {"VariantName"}:
                if (change["VariantName"], what, float(change[what])) not in noted:
                    raise self.broken(f"no attempt of {name} explains that {change} is set")

    def _lost_its_journal(self, rollout: Rollout) -> bool:
        """Tell whether the journal was lost or restored after the invocation had noted its attempt."""
        begun = rollout.call.invocation.started
        return any(
            each.endpoint_name == rollout.endpoint_name and begun <= each.time <= rollout.call.time
            for each in self.world.people.recoveries
        )

    def _is_lost(self, rollout: Rollout) -> bool:
        return rollout.call.invocation.faulty and rollout.ended is not None and not rollout.succeeded

    def _names(self, attempt: dict[str, Any], call: Call) -> bool:
        configs, models = json.loads(attempt.get("deletion", "[[],[]]"))
        request = call.request
        match call.operation:
            case "CreateModel":
                return request["ModelName"] in _models_of(attempt)
            case "CreateEndpointConfig":
                return bool(attempt.get("endpoint_config_name") == request["EndpointConfigName"])
            case "CreateEndpoint" | "UpdateEndpoint":
                return bool(
                    attempt["endpoint"] == request["EndpointName"]
                    and attempt.get("endpoint_config_name") == request["EndpointConfigName"]
                    and attempt["action"] not in ASIDE
                )
            case "DeleteEndpoint":
                return bool(
                    attempt["endpoint"] == request["EndpointName"] and attempt["action"] == "CreateEndpoint"
                )
            case "DeleteModel":
                return request["ModelName"] in models
            case "DeleteEndpointConfig":
                return request["EndpointConfigName"] in configs
        return False

    def check_rest(self) -> None:
        for name in self.world.people.endpoints:
            attempts = [each for each in self.facts.attempts(name) if each["action"] not in ASIDE]
            rollouts = [
                each
                for each in self.facts.rollouts
                if each.endpoint_name == name
                and not self.facts.is_forgotten(name, each.call.time)
                and not self.facts.is_torn(name, each.attempt or 0)
                and not self._lost_its_journal(each)
            ]
            numbers = [rollout.attempt or 0 for rollout in rollouts]
            again = [former for former, later in pairwise(rollouts) if former.attempt == later.attempt]
            if numbers != sorted(numbers) or not all(map(self._is_lost, again)):
                raise self.broken(f"SageMaker accepted changes of {name} for attempts {numbers}")
            by_number = {int(each["number"]): each for each in attempts}
            for rollout in rollouts:
                attempt = by_number.get(rollout.attempt or 0)
                if attempt is None or attempt["endpoint_config_name"] != rollout.endpoint_config_name:
                    raise self.broken(f"no attempt of {name} explains {rollout.endpoint_config_name}")
            succeeded = [each for each in attempts if each["status"] == "succeeded"]
            endpoint = self.world.describe(name)
            if endpoint is not None and endpoint["EndpointStatus"] == "InService" and succeeded:
                if self.world.people.settings.get(name) is None:
                    continue
                # A success undone before anybody looked counts as failed, and may serve again; one whose
                # approval was taken back before its test counts as aborted, and serves as long as nothing
                # else may: law 5.
                unseen = {
                    each.endpoint_config_name
                    for each in rollouts
                    if each.succeeded and by_number[each.attempt or 0]["status"] in {"failed", "aborted"}
                }
                if self.facts.recovered(name, self.world.start):
                    # It may have been on this config already, which the journal did not know.
                    continue
                if endpoint["EndpointConfigName"] not in {succeeded[-1]["endpoint_config_name"], *unseen}:
                    raise self.broken(
                        f"{name} is on {endpoint['EndpointConfigName']}, and the last success was "
                        f"{succeeded[-1]['endpoint_config_name']}"
                    )


@dataclass(slots=True)
class Given:
    """Counts and weights of one endpoint, each by its variant's name and property.

    Attributes:
        meant: What was given last, by the settings or by somebody.
        effective: The settings' value that took effect last, or that SageMaker accepted and went back on.
        owed: The settings' value that SageMaker has not yet accepted.
        seen: What the endpoint had when it was last in service.
        setting: What the deployer asked for just now.
        mixed: What ran after a failed rollback, when the update began that ended this. Nobody knows whether
            it was given.
    """

    meant: dict[Property, float]
    effective: dict[Property, float]
    owed: dict[Property, float]
    seen: dict[Property, float]
    setting: dict[Property, float]
    mixed: dict[Property, float] = field(default_factory=dict)


class Law8ScaledStaysScaled(Law):
    """Capacity that somebody else changed stays, and changes of the settings take effect, for each variant.

    An update that has the same variants as before leaves a count or weight as it was when SageMaker accepted
    the update, unless the settings change it for every variant. At rest, each variant has the count and the
    weight that were given to it last, by a change of its settings, or by people and automatic scaling. Only a
    change of the settings' value counts, compared with the value that took effect last. A variant with
    automatic scaling keeps its count. If variants come or go, the others are at rest as they were before.
    If all of them were drained, their weights are those of the settings. After a rollback that failed, they
    may be as they were then, or as the update left them.

    The deployer sets a count or weight only if the settings changed it and it has not yet taken effect, or if
    an update reset it. If SageMaker goes back on that, it stays as it is, through later updates as well:
    people were told to set it, and may have set another value. If the deployer ended before it noted that
    SageMaker accepted it, it sets it again. One request has the count of one variant, or weights.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._under_way: dict[int, Change] = {}
        self._given: dict[str, Given] = {}
        self._shown: dict[str, object] = {}

    def check_call(self, call: Call) -> None:
        if call.is_write and call.operation == "UpdateEndpoint":
            self._under_way[call.number] = self.change(call)
        if call.is_write and call.operation == VARIANT_CALL:
            self._check_set(call)

    def change(self, call: Call) -> Change:
        """Return what an UpdateEndpoint changes, at the moment when SageMaker accepted it."""
        # Observers see a call before the change that it makes.
        name = call.request["EndpointName"]
        endpoint = self.world.describe(name)
        assert endpoint is not None, "SageMaker updates what is there"
        settings = call.invocation.settings.read(name)
        given = self._given.get(name)
        before = self._configured(endpoint["EndpointConfigName"])
        return Change(
            before=before | (given.effective if given is not None else {}),
            after=self._configured(call.request["EndpointConfigName"]),
            running=_flat(_running(endpoint)),
            had={variant for variant, _ in before},
            scaled=frozenset(settings.scaling if settings is not None else ()),
            retains=bool(call.request.get("RetainAllVariantProperties")),
        )

    def check_change(self) -> None:
        for rollout in self.facts.rollouts:
            change = self._under_way.pop(rollout.call.number, None) if rollout.ended is not None else None
            if change is not None and rollout.succeeded:
                self._arrive(rollout, change)
        for name in self.world.people.endpoints:
            if (shown := self.world.shown(name)) is not self._shown.get(name):
                self._shown[name] = shown
                self._look(name)

    def _arrive(self, rollout: Rollout, change: Change) -> None:
        endpoint = self.world.describe(rollout.endpoint_name)
        assert endpoint is not None, "it has just come to serve"
        found = _flat(_running(endpoint))
        if change.is_same and found != change.at_once:
            raise self.broken(
                f"{rollout.endpoint_name} runs (instances, weight) {_told(found)} after "
                f"{rollout.endpoint_config_name}, and should run {_told(change.at_once)}"
            )
        given = self._given.setdefault(rollout.endpoint_name, Given({}, {}, {}, {}, {}))
        meant = {key: given.meant.get(key, value) for key, value in found.items()}
        owed: dict[Property, float] = {}
        for key, new in change.after.items():
            if change.changes(key) and found[key] != new:
                owed[key] = new
            elif key[0] not in change.had or change.changes(key):
                meant[key] = found[key]
        if not change.is_same and not any(value for (_, what), value in meant.items() if what == WEIGHT):
            meant |= {key: value for key, value in change.after.items() if key[1] == WEIGHT}
        effective = change.after | {key: change.before[key] for key in owed}
        mixed = {} if given.seen or change.is_same else change.running
        self._given[rollout.endpoint_name] = Given(meant, effective, owed, found, {}, mixed)

    def _look(self, name: str) -> None:
        endpoint = self.world.describe(name)
        if endpoint is None:
            self._given.pop(name, None)
        elif endpoint["EndpointStatus"] == "UpdateRollbackFailed" and name in self._given:
            # What runs is a mix. What the settings changed before that is still to be set.
            before = self._given[name]
            self._given[name] = Given({}, before.effective, before.owed, {}, {})
        if endpoint is None or endpoint["EndpointStatus"] != "InService":
            return
        found = _flat(_running(endpoint))
        given = self._given.get(name)
        if given is None:
            configured = self._configured(endpoint["EndpointConfigName"])
            self._given[name] = Given(dict(found), configured, {}, found, {})
            return
        tried = {
            key: value
            for key, value in given.setting.items()
            if found.get(key) == value or self._is_noted(name, endpoint["EndpointConfigName"], key)
        }
        for key, value in tried.items():
            if given.owed.pop(key, None) == value:
                # It was set once, even if SageMaker went back on it: docs/guarantees.md.
                given.effective[key] = value
        others = {key: value for key, value in found.items() if value != given.seen.get(key)}
        given.meant |= others
        given.mixed = {key: value for key, value in given.mixed.items() if key not in others}
        given.meant |= {key: found[key] for key in tried if key in found}
        given.seen, given.setting = found, {}

    def _is_noted(self, name: str, endpoint_config_name: str, key: Property) -> bool:
        """Tell whether the deployer knows that SageMaker accepted a value, or what it knew was lost."""
        led = [
            int(each["number"])
            for each in self.facts.attempts(name)
            if each["action"] not in ASIDE
            and each["status"] != "withdrawn"
            and each.get("endpoint_config_name") == endpoint_config_name
        ]
        noted = json.loads(self.world.journalled(name, "fact#endpoint").get("properties_set", "{}"))
        return not led or noted.get("/".join(key)) == max(led)

    def _check_set(self, call: Call) -> None:
        name, given = call.request["EndpointName"], self._given[call.request["EndpointName"]]
        asked = {
            (each["VariantName"], what): float(each[what])
            for each in call.request["DesiredWeightsAndCapacities"]
            for what in (COUNT, WEIGHT)
            if what in each
        }
        if len(asked) > 1 and any(what == COUNT for _, what in asked):
            raise self.broken(f"one request of {name} sets {_told(asked)}")
        for key, value in asked.items():
            is_restored = given.meant.get(key) == value != given.seen.get(key)
            if given.owed.get(key) != value and not is_restored and given.mixed.get(key) != value:
                raise self.broken(
                    f"{call.invocation.name} sets {key} of {name} to {value:g}, and what was given last is "
                    f"{given.meant.get(key)}"
                )
        given.setting = asked

    def check_rest(self) -> None:
        for name in self.world.people.endpoints:
            endpoint, given = self.world.describe(name), self._given.get(name)
            if self.world.people.settings.get(name) is None or endpoint is None or given is None:
                continue
            if endpoint["EndpointStatus"] != "InService":
                continue
            wanted = given.meant | given.owed
            if given.seen != wanted:
                raise self.broken(f"{name} runs {_told(given.seen)} at rest, and should run {_told(wanted)}")

    def _configured(self, endpoint_config_name: str) -> dict[Property, float]:
        config = self.world.people.look("DescribeEndpointConfig", EndpointConfigName=endpoint_config_name)
        return _flat(
            {
                each["VariantName"]: (
                    float(each.get("InitialInstanceCount", 0)),
                    float(each["InitialVariantWeight"]),
                )
                for each in (config or {}).get("ProductionVariants", ())
            }
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What one update changes of counts and weights.

    Attributes:
        before: The settings' values that had taken effect.
        after: The new config's.
        running: What the endpoint had.
        had: The variants of the config before.
        scaled: The variants with automatic scaling.
        retains: Whether the request retains what it does not exclude.
    """

    before: dict[Property, float]
    after: dict[Property, float]
    running: dict[Property, float]
    had: AbstractSet[str]
    scaled: AbstractSet[str]
    retains: bool

    @property
    def is_same(self) -> bool:
        """Whether the variants are the same."""
        return self.had == {variant for variant, _ in self.after}

    def changes(self, key: Property) -> bool:
        """Tell whether the settings change a property of a variant that stays."""
        variant, what = key
        # A serverless variant has no count to keep.
        is_kept = what == COUNT and variant in self.scaled and bool(self.before.get(key))
        return variant in self.had and not is_kept and self.before.get(key) != self.after[key]

    @property
    def at_once(self) -> dict[Property, float]:
        """What the endpoint has when the update ends, before the deployer sets anything."""
        if not self.is_same and not self.retains:
            return self.after
        everywhere = {
            what
            for what in (COUNT, WEIGHT)
            if self.is_same and all(self.changes(key) for key in self.after if key[1] == what)
        }
        return {
            key: new if key[1] in everywhere else self.running.get(key, new)
            for key, new in self.after.items()
        }


def _flat(properties: Mapping[str, tuple[float, float]]) -> dict[Property, float]:
    return {
        (name, what): value
        for name, pair in properties.items()
        for what, value in zip((COUNT, WEIGHT), pair, strict=True)
    }


def _asked_of(properties: Mapping[Property, float]) -> float:
    """Return how many instances get requests: those of variants with a weight, or all if none has one."""
    named = {name for (name, what), value in properties.items() if what == WEIGHT and value}
    return sum(
        value for (name, what), value in properties.items() if what == COUNT and (name in named or not named)
    )


def _told(properties: Mapping[Property, float]) -> dict[str, tuple[float | None, float | None]]:
    """Return each variant's count and weight."""
    names = dict.fromkeys(name for name, _ in properties)
    return {name: (properties.get((name, COUNT)), properties.get((name, WEIGHT))) for name in names}


class Law9EveryEndpointHasItsTurn(Law):
    """A sweep looks once at every endpoint that it has a reason to look at, itself or by handing it over.

    There is none if an earlier look found nothing to do, and since then nothing was journalled, the settings
    and the endpoint are the same, nobody approved or took back a version that Search or another account's
    list shows, no soak has ended, no week has passed, and no day since a sweep was shown the same list as
    that look. Or the last look failed, up to a day. What is older than such a list, and than what a sweep
    asks Search for, counts as seen. A look that began before the failure was noted does not undo it. After a
    look that failed a sweep leaves the endpoint alone for a quarter of an hour, then twice as long each time,
    unless settings or a version changed since that look began. It cannot tell a deployer's own stamp from any
    other change of a version. Search shows no version that was deleted since, and no approval that was taken
    back at the moment of the registration. A sweep that does not ask it has no such excuse.

    A part of a sweep looks at all of its endpoints. A turn begins with a read of the endpoint's journal. A
    failure in one turn costs no other endpoint its turn. An endpoint without settings may have a turn if the
    journal notes that it had some. No part exceeds the limit on parts, and each is smaller than the part from
    which it was split. Only an invocation with a fault may hand over an endpoint twice, or after looking at
    it, except for one whose test it repeats or is to repeat in the bake: that endpoint is a part by itself.
    An invocation that crashed, or could not list, ask for requests or hand over, is exempt: Lambda repeats
    it.
    """

    def check_rest(self) -> None:
        turns = Turns(self.world)
        for invocation in self.world.ended:
            kind = invocation.event["detail-type"]
            if kind not in {SCHEDULED, PART_DETAIL_TYPE} or self._was_cut_short(invocation):
                continue
            is_sweep = kind == SCHEDULED
            named = invocation.settings.digests if is_sweep else names_in(invocation.event["detail"])
            due = {name for name in named if name in invocation.settings.digests}
            if is_sweep:
                looked = asked_of(invocation)
                due = {name for name in due if name in looked or not turns.may_skip(name, invocation)}
            self._check_turns(invocation, due, is_sweep=is_sweep)
        for name, turn in turns.too_early():
            raise self.broken(f"{turn.invocation.name} looks at {name} again, which failed just before")

    def _was_cut_short(self, invocation: Invocation) -> bool:
        problem = invocation.problem
        if problem is None:
            return False
        last, body = invocation.asked[-1] if invocation.asked else ("", b"{}")
        return (
            isinstance(problem, CrashError)
            or last in {"ListEndpoints", "PutEvents", ASKING}
            or (last == "Query" and _partition(json.loads(body)) in {FLEET, REQUESTS})
        )

    def _check_turns(self, invocation: Invocation, due: set[str], *, is_sweep: bool) -> None:
        who, most = invocation.name, self.world.schedule.part_size
        parts = [
            part for part in parts_of(invocation) if len(part) > 1 or not repeats_test(invocation, part[0])
        ]
        for part in parts:
            given = 0 if is_sweep else len(names_in(invocation.event["detail"]))
            is_all = not is_sweep and not invocation.faulty and len(part) >= given
            if len(part) > most or is_all:
                raise self.broken(f"{who} hands {len(part)} of {len(due)} endpoints over at once")
        handed = [name for part in parts for name in part]
        looked = asked_of(invocation) & set(self.world.people.endpoints)
        missing = due - looked - set(handed)
        if missing:
            raise self.broken(f"{', '.join(sorted(missing))} had no turn with {who}")
        # An endpoint may have left the settings before its first look ended: its item has no digest then.
        foreign = set(handed) - set(invocation.settings.digests) - fleet_in(invocation).keys()
        if foreign:
            raise self.broken(f"{who} hands over {sorted(foreign)}, which is not its to sweep")
        if not invocation.faulty and (len(handed) != len(set(handed)) or looked & set(handed)):
            raise self.broken(f"{who} looked at {sorted(looked)} and hands over {sorted(handed)}")


class Law10OnlyWhatIsGivenUpIsAborted(Law):
    """A rollout is aborted only if its version is not approved or failed its test; an abort stops only that.

    Before an invocation sets an endpoint's abort alarm, its last call of SageMaker read that the version
    being rolled out is not deployable, or the journal has it that the version failed its smoke test in the
    bake (law 14 says when it may), or that a person rolled it back (law 39). Before it updates an endpoint
    under such an alarm, it clears it. It begins no such update until five minutes after the end of a rollout
    that it aborted, if the journal knows that: nobody says how soon CloudWatch sees the end of an abort. At
    rest no such alarm is set.
    """

    def check_call(self, call: Call) -> None:
        if call.operation == "SetAlarmState" and call.request["StateValue"] == AlarmState.ALARM:
            self._check_abort(call)
        if call.is_write and call.operation == "UpdateEndpoint":
            settings = self.world.people.settings.get(call.request["EndpointName"])
            name = (settings or {}).get("AbortAlarmName")
            cleared = {
                each.request["AlarmName"]
                for each in call.invocation.calls
                if each.operation == "SetAlarmState"
            }
            named = alarms_of(dict(call.request.get("DeploymentConfig", {})))
            if name in named and name not in cleared:
                raise self.broken(f"{name} was not cleared before UpdateEndpoint")
            if call.accepted and name in named:
                self._check_abort_is_over(call, name)

    def _check_abort_is_over(self, call: Call, name: str) -> None:
        """Find no aborted rollout of the endpoint that ended just before its next update."""
        aborts = [
            each.time
            for each in self.world.calls
            if each.operation == "SetAlarmState"
            and each.accepted
            and each.request["AlarmName"] == name
            and each.request["StateValue"] == AlarmState.ALARM
        ]
        for rollout in self.facts.rollouts:
            endpoint_name = rollout.endpoint_name
            if endpoint_name != call.request["EndpointName"] or rollout.ended is None:
                continue
            if self.facts.recovered(endpoint_name, rollout.call.time):
                # The journal may have lost the abort.
                continue
            was_aborted = any(rollout.call.time < time < rollout.ended for time in aborts)
            if was_aborted and call.time < rollout.ended + ABORT_ENDS - CLOCKS_DIFFER:
                raise self.broken(f"{name} may still be on for an abort, and guards an update")

    def _check_abort(self, call: Call) -> None:
        attempt = self.facts.unsettled(call.request["AlarmName"].split(".")[1])
        if attempt is not None and ("failed_test" in attempt or self._is_rolled_back(attempt)):
            return
        before = [each for each in call.invocation.calls[:-1] if each.service == "sagemaker"]
        read = before[-1] if before else None
        if (
            read is None
            or read.operation != "DescribeModelPackage"
            or admits(self._gate_before(call), read.response)
        ):
            raise self.broken(f"{call.invocation.name} aborts a rollout without having read why")

    def _is_rolled_back(self, attempt: dict[str, Any]) -> bool:
        """Tell whether the journal holds the version back that is being rolled out (law 39 says why)."""
        return any(
            "rollback" in each
            and not each.get("withdrawn")
            and each["version_arn"].lower() == attempt["version_arn"].lower()
            for each in self.world.journal(attempt["endpoint"], "approval#")
        )

    def _gate_before(self, call: Call) -> dict[str, Any] | None:
        """Return the gate of the stage that an invocation runs in."""
        return self.world.people.gate(call.invocation.site.endpoints[0])

    def check_rest(self) -> None:
        for name in self.world.people.endpoints:
            if self.world.alarms.states.get(abort_alarm(name)) == AlarmState.ALARM and self._rests(name):
                raise self.broken(f"the abort alarm of {name} is still set")

    def _rests(self, name: str) -> bool:
        endpoint = self.world.describe(name)
        return (
            self.world.people.settings.get(name) is not None
            and endpoint is not None
            and endpoint["EndpointStatus"] == "InService"
        )


Scaling: TypeAlias = tuple[tuple[int, int] | None, set[str], set[str]]
"""A variant's capacities, policies and scheduled actions."""


class Law11ScalingComesBack(Law):
    """At rest, an endpoint's variants scale by its settings.

    An endpoint in service is then registered with its settings' capacities, policies and scheduled actions,
    after any updates, failures and crashes. Until then it keeps scaling. A variant is deregistered only for
    three reasons: its settings have no scaling for it, the current attempt changes its instance type, or
    SageMaker refused an update. If deregistering is denied and the attempt withdrawn, the deployer asks again
    before the next attempt, while the settings still change the instance type.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._denied: set[tuple[str, str]] = set()

    def check_call(self, call: Call) -> None:
        if call.operation != "DeregisterScalableTarget":
            return
        _, name, _, variant_name = call.request["ResourceId"].split("/")
        settings = self.world.people.settings.get(name)
        if call.fault == DENIED:
            self._denied.add((name, variant_name))
        if (
            settings is not None
            and variant_name in settings.get("AutoScaling", {})
            # It may have read the settings before somebody changed them.
            and self.world.people.last_done < call.invocation.started
            and self._types(self._live_config(name)) == self._types(self._wanted_config(name))
            and not (
                (name, variant_name) in self._denied
                and self._types(self._live_config(name)) != _types_of(settings["CreateEndpointConfig"])
            )
            and not any(
                each.operation == "UpdateEndpoint" and not each.accepted for each in call.invocation.calls
            )
        ):
            raise self.broken(f"{variant_name} of {name} is deregistered, and nothing asks for that")

    def _live_config(self, name: str) -> str | None:
        endpoint = self.world.describe(name)
        return endpoint["EndpointConfigName"] if endpoint is not None else None

    def _wanted_config(self, name: str) -> str | None:
        attempt = self.facts.unsettled(name)
        if attempt is None or attempt["action"] == CLEAN_UP:
            return self._live_config(name)
        return str(attempt["endpoint_config_name"])

    def _types(self, config_name: str | None) -> dict[str, str]:
        """Return each variant's hosting in a config."""
        config = config_name and self.world.people.look(
            "DescribeEndpointConfig", EndpointConfigName=config_name
        )
        return _types_of(config) if config else {}

    def check_rest(self) -> None:
        for name in self.world.people.endpoints:
            settings, endpoint = self.world.people.settings.get(name), self.world.describe(name)
            if settings is None or endpoint is None or endpoint["EndpointStatus"] != "InService":
                continue
            if not self.facts.attempts(name):
                # Somebody else's, and nothing was ever approved for it.
                continue
            if is_refused(self.world, endpoint, settings):
                # Its settings are for another kind of endpoint.
                continue
            serving = {
                each["VariantName"]: "CurrentServerlessConfig" in each
                for each in endpoint["ProductionVariants"]
            }
            for variant_name, wanted in settings.get("AutoScaling", {}).items():
                if serving.get(variant_name) != wanted["ScalableDimension"].endswith("Concurrency"):
                    # Nothing stands, or it failed with these settings: other variants serve (law 3), or this
                    # one is still serverless.
                    continue
                found = self._found(name, variant_name)
                expected: Scaling = (
                    (wanted["MinCapacity"], wanted["MaxCapacity"]),
                    {each["PolicyName"] for each in wanted["Policies"]},
                    {each["ScheduledActionName"] for each in wanted["ScheduledActions"]},
                )
                if found != expected and not self._is_more(name, found, expected):
                    raise self.broken(f"{variant_name} of {name} scales by {found}, not by {expected}")

    def _is_more(self, name: str, found: Scaling, expected: Scaling) -> bool:
        """Tell whether there is only more than expected, which a lost journal knew."""
        return (
            self.facts.recovered(name, self.world.start)
            and found[0] == expected[0]
            and found[1] >= expected[1]
            and found[2] >= expected[2]
        )

    def _found(self, name: str, variant_name: str) -> Scaling:
        resource = f"endpoint/{name}/variant/{variant_name}"
        targets = self._ask(name, "DescribeScalableTargets", ResourceIds=[resource])["ScalableTargets"]
        policies = self._ask(name, "DescribeScalingPolicies", ResourceId=resource)["ScalingPolicies"]
        actions = self._ask(name, "DescribeScheduledActions", ResourceId=resource)["ScheduledActions"]
        return (
            (targets[0]["MinCapacity"], targets[0]["MaxCapacity"]) if targets else None,
            {each["PolicyName"] for each in policies},
            {each["ScheduledActionName"] for each in actions},
        )

    def _ask(self, name: str, operation: str, **request: Any) -> dict[str, Any]:
        body = json.dumps({"ServiceNamespace": "sagemaker", **request}).encode()
        status, content = self.world.scaling(operation, body, self.world.site_of(name))
        assert status == 200, content
        answered: dict[str, Any] = json.loads(content)
        return answered


def _types_of(config: Mapping[str, Any]) -> dict[str, str]:
    """Return each variant's hosting in a config."""
    return {each["VariantName"]: each.get("InstanceType", "none") for each in config["ProductionVariants"]}


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many instances of an endpoint answer, and are to.

    Attributes:
        before: When the update began.
        after: When it has succeeded.
    """

    before: float
    after: float


class Law12RolloutsKeepTheirPromise(Law):
    """An update is rolled out by the settings, and always keeps the number of instances that they promise.

    The request has the settings' DeploymentConfig, or the one by which an update goes back (law 27). The
    former means exactly its policy, and every alarm of its automatic rollback, except alarms that the same
    invocation read as on. The abort alarm is left out if it might end the update at once, and only then: the
    same invocation was denied clearing it, or the endpoint serves a version whose rollout ended in spite of
    an abort, five minutes ago at most. An update that brings a former version back also goes out without
    alarms that the same invocation was denied making or looking at, or that belong to a person. Any other
    update waits for them.

    From the moment SageMaker accepts the request until the endpoint rests, count the instances that answer,
    over all fleets with requests. In a blue/green update, the whole old fleet exists while any request goes
    to it, and the whole new fleet from then on. So there are never fewer than before while the old config
    gets requests, and afterwards never fewer than the new fleet should have. That number is the one of
    autoscaling or people, unless the settings change it (law 8). A rolling update exchanges instances in
    place: never fewer than the smaller of both fleets, less one batch. After a success there are at least as
    many as wanted, after a rollback at least as many as before.

    Endpoints that were deleted, taken out of service, or whose rollback failed do not count.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._scaled = Law8ScaledStaysScaled(world, facts)
        self._under_way: dict[int, Capacity] = {}

    def check_call(self, call: Call) -> None:
        if not (call.is_write and call.operation == "UpdateEndpoint"):
            return
        self._check_request(call)
        name = call.request["EndpointName"]
        endpoint = self.world.describe(name)
        assert endpoint is not None, "SageMaker updates what is there"
        # After a rollback that failed more may answer than the config says; they are nobody's promise.
        meant = _asked_of(_flat(_running(endpoint)))
        self._under_way[call.number] = Capacity(
            before=min(meant, self._answering(name)),
            after=_asked_of(self._scaled.change(call).at_once),
        )

    def _check_request(self, call: Call) -> None:
        if is_fast(self.world, call):
            return
        name = call.request["EndpointName"]
        wanted = {} if is_unguardable(self.world, call) else self._wanted_config(name)
        asked = dict(call.request.get("DeploymentConfig", {}))
        asked_alarms, wanted_alarms = alarms_of(asked), alarms_of(wanted)
        if asked != wanted:
            raise self.broken(f"{name} is updated by {asked or 'no DeploymentConfig'}, not by {wanted}")
        uncleared = {abort_alarm(name)} & self._denied_to_clear(call.invocation)
        if self._was_aborted_too_late(name):
            uncleared.add(abort_alarm(name))
        left_out = wanted_alarms - asked_alarms - uncleared - self._unmade(call)
        if (
            left_out - self._told_on(call.invocation)
            or asked_alarms - wanted_alarms
            or abort_alarm(name) in left_out
        ):
            raise self.broken(
                f"{name} is updated under the alarms {sorted(asked_alarms)}, not {sorted(wanted_alarms)}"
            )

    def _wanted_config(self, name: str) -> dict[str, Any]:
        return deployment_config(name, self.world.schedule.rollout)

    def _was_aborted_too_late(self, name: str) -> bool:
        """Tell whether an endpoint serves what was to be aborted just before."""
        endpoint, since = self.world.describe(name), self.world.clock.now() - ABORT_ENDS - CLOCKS_DIFFER
        return endpoint is not None and any(
            "abort_asked_at" in each
            and "settled_at" in each
            and datetime.fromisoformat(each["settled_at"]) > since
            and each["endpoint_config_name"] == endpoint["EndpointConfigName"]
            for each in self.facts.attempts(name)
        )

    def _denied_to_clear(self, invocation: Invocation) -> set[str]:
        """Return the alarms that an invocation could not set at its last try: denied, or deleted by then."""
        last: dict[tuple[str, str], Call] = {}
        for each in invocation.calls:
            if each.operation == "SetAlarmState":
                last[each.operation, each.request["AlarmName"]] = each
            elif each.operation == "PutMetricData":
                [dimension] = each.request["MetricData"][0]["Dimensions"]
                last[each.operation, abort_alarm(dimension["Value"])] = each
        return {
            name
            for (_, name), each in last.items()
            if each.fault == DENIED or (each.operation == "SetAlarmState" and not each.accepted)
        }

    def _unmade(self, call: Call) -> set[str]:
        """Return the alarms that a return to a former version need not wait for."""
        attempt = self.facts.unsettled(call.request["EndpointName"])
        if attempt is None or not attempt.get("rolls_back"):
            return set()
        made = self.world.alarms.made
        foreign = {name for name, each in made.items() if each.is_foreign}
        denied = {
            each.request["AlarmName"]
            for each in call.invocation.calls
            if each.operation == "PutMetricAlarm" and each.fault == DENIED
        }
        unseen = set(alarms_of(self._wanted_config(call.request["EndpointName"])))
        return foreign | denied | (unseen if _is_blind(call) else set())

    def _told_on(self, invocation: Invocation) -> set[str]:
        """Return the alarms that an invocation read as on."""
        return {
            alarm["AlarmName"]
            for call in invocation.calls
            if call.operation == "DescribeAlarms" and call.accepted
            for alarm in call.response["MetricAlarms"]
            if alarm["StateValue"] == AlarmState.ALARM
        }

    def check_change(self) -> None:
        for rollout in self.facts.rollouts:
            capacity = self._under_way.get(rollout.call.number)
            if capacity is None:
                continue
            least = self._least(rollout, capacity)
            if rollout.ended is not None:
                del self._under_way[rollout.call.number]
            answering = self._answering(rollout.endpoint_name)
            if least is not None and answering < least:
                raise self.broken(
                    f"{answering} instances of {rollout.endpoint_name} answer during or after the "
                    f"{self.world.schedule.rollout} rollout of {rollout.endpoint_config_name}, and at least "
                    f"{least:g} should: {capacity}"
                )

    def _least(self, rollout: Rollout, capacity: Capacity) -> float | None:
        """Return how many instances must answer now; None for any number."""
        name = rollout.endpoint_name
        receiving = {spec.endpoint_config_name for spec, _ in self.world.hosting.receiving(name)}
        endpoint = self.world.describe(name)
        if not receiving or endpoint is None or endpoint["EndpointStatus"] == "UpdateRollbackFailed":
            return None
        if rollout.ended is not None:
            return capacity.after if rollout.succeeded else capacity.before
        if self.world.schedule.rollout is RolloutKind.ROLLING:
            batch = max(1, capacity.after * ROLLING_PERCENT // 100)
            return min(capacity.before, capacity.after) - batch
        return capacity.after if receiving == {rollout.endpoint_config_name} else capacity.before

    def _answering(self, name: str) -> int:
        return sum(ready for _, ready in self.world.hosting.receiving(name))


ANSWERED_LATE: Final = timedelta(seconds=3)
"""How much later than SageMaker ends a rollout the deployer may note it by its own clock, and vice versa."""


ABORT_ENDS: Final = timedelta(minutes=5)
"""For how long after an aborted rollout its abort alarm may be on."""

CLOCKS_DIFFER: Final = timedelta(seconds=10)

SETTLING: Final = timedelta(minutes=15)
"""How long an alarm that a rollout set off may be on after the rollback, before it counts as another's."""


def is_refused(world: World, endpoint: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Tell whether SageMaker refuses to make of an endpoint what its settings ask for.

    It makes no endpoint on instances serverless (developer guide, "serverless-endpoints"), none that is
    asynchronous answer in real time (seen: aws/sagemaker-python-sdk PR #3124), and the other way round as the
    schedule's switch says.
    """
    config_name, wanted = endpoint["EndpointConfigName"], settings["CreateEndpointConfig"]
    serving = world.people.look("DescribeEndpointConfig", EndpointConfigName=config_name)
    if serving is None or endpoint["EndpointStatus"] not in {"InService", "UpdateRollbackFailed"}:
        return False
    added, asynchronous = world.schedule.chosen_switches().asynchronous_added, "AsyncInferenceConfig"
    return (
        (_is_serverless(wanted) and not _is_serverless(serving))
        or (asynchronous in serving and asynchronous not in wanted)
        or (asynchronous in wanted and asynchronous not in serving and added is Answer.REFUSE)
    )


def _is_serverless(config: Mapping[str, Any]) -> bool:
    return any("ServerlessConfig" in each for each in config["ProductionVariants"])


def is_unguardable(world: World, call: Call) -> bool:
    """Tell whether an update is one without guardrails: to variants of other names, or from or to serverless.

    While it is updated, an endpoint shows the variants that it leaves. Source: developer guide,
    "deployment-guardrails-exclusions".
    """
    endpoint = world.describe(call.request["EndpointName"])
    config = world.people.look(
        "DescribeEndpointConfig", EndpointConfigName=call.request["EndpointConfigName"]
    )
    assert endpoint is not None
    assert config is not None
    serving = world.people.look("DescribeEndpointConfig", EndpointConfigName=endpoint["EndpointConfigName"])
    if _is_serverless(config) or (serving is not None and _is_serverless(serving)):
        return True
    before, after = (
        {each["VariantName"] for each in shown["ProductionVariants"]} for shown in (endpoint, config)
    )
    return before != after


def is_fast(world: World, call: Call) -> bool:
    """Tell whether an update asks for the policy that gives all calls to the new fleet soonest."""
    asked = dict(call.request.get("DeploymentConfig", {}))
    alarms_of(asked)
    policy = deployment_config(call.request["EndpointName"], world.schedule.rollout)
    if (rolling := policy.get("RollingUpdatePolicy")) is not None:
        half = {"Type": "CAPACITY_PERCENT", "Value": 50}
        fast = {"RollingUpdatePolicy": {**rolling, "MaximumBatchSize": half, "WaitIntervalInSeconds": 0}}
    else:
        traffic = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
        fast = {
            "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic, "TerminationWaitInSeconds": 0}
        }
    return asked == fast


class Law13AlarmsBlameWhoSetThemOff(Law):
    """A version that raises an alarm during its rollout does not rest on the endpoint afterwards.

    It may return once somebody approves or edits it after its rollback, or wants it tried again (law 42), or
    under other settings. The law excludes rollbacks with a further cause: an abort, or a reason that may pass
    (law 4). It also excludes a change whose answer was lost, which is requested again (law 7).

    No version is blamed for an earlier alarm. No update, accepted or refused, names a rollback alarm that is
    on and was on when the invocation began; so SageMaker cannot roll it back for an earlier version's fault.
    The exception is an invocation that was denied looking at alarms. And no update runs without an alarm's
    guard just because the rollout before raised the alarm: it waits until the alarm is off, or for a quarter
    of an hour, if the alarm exists. An update that goes back has no alarm, and waits for none (law 27).
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._seen: set[int] = set()
        self._rolled_back_updates: dict[int, datetime] = {}
        self._rolled_back: dict[tuple[str, tuple[str, str, str]], datetime] = {}

    def check_call(self, call: Call) -> None:
        if call.operation != "UpdateEndpoint":
            return
        name = call.request["EndpointName"]
        alarm_name = rollback_alarm(name)
        since = self.world.alarms.on_since.get(alarm_name)
        if alarm_name in alarms_of(dict(call.request.get("DeploymentConfig", {}))):
            if since is not None and since <= call.invocation.started and not _is_blind(call):
                raise self.broken(f"{name} is updated under {alarm_name}, which is on since {since}")
        elif (
            call.is_write
            and self._is_there(alarm_name)
            and not is_fast(self.world, call)
            and self.world.schedule.rollout is not RolloutKind.UNGUARDED
            and not is_unguardable(self.world, call)
        ):
            self._check_patience(name, call)

    def _is_there(self, alarm_name: str) -> bool:
        made = self.world.alarms.made.get(alarm_name)
        return made is not None and not made.is_foreign

    def _check_patience(self, name: str, call: Call) -> None:
        """Look whether an update leaves an alarm out too soon."""
        # The last one is this very call's.
        before = [each for each in self.facts.rollouts if each.endpoint_name == name][:-1]
        ended = self._rolled_back_updates.get(before[-1].call.number) if before else None
        if ended is not None and self.facts.recovered(name, before[-1].call.time):
            return
        if ended is not None and call.time < ended + SETTLING - ANSWERED_LATE:
            raise self.broken(
                f"{name} is updated without {rollback_alarm(name)}, which the rollout may have set off that "
                f"was rolled back at {ended}"
            )

    def check_change(self) -> None:
        for rollout in self.facts.rollouts:
            if rollout.ended is None or rollout.call.number in self._seen:
                continue
            self._seen.add(rollout.call.number)
            # An update whose answer was lost counts as never asked for.
            if rollout.call.operation != "UpdateEndpoint" or rollout.call.invocation.faulty:
                continue
            endpoint = self.world.describe(rollout.endpoint_name) or {}
            if rollout.succeeded or endpoint.get("EndpointStatus") != "InService":
                continue
            self._rolled_back_updates[rollout.call.number] = rollout.ended
            if self.facts.recovered(rollout.endpoint_name, rollout.call.time):
                # Nobody remembers which attempt was rolled back.
                continue
            if rollout.content == self.world.people.config_content(endpoint["EndpointConfigName"]):
                # It served before, under another config: the rollback changed nothing for its callers.
                continue
            if rollout.content is not None and self._was_its_own_fault(rollout, endpoint):
                self._rolled_back[rollout.endpoint_name, rollout.content] = rollout.ended

    def _was_its_own_fault(self, rollout: Rollout, endpoint: dict[str, Any]) -> bool:
        if self.facts.end_of(rollout) is not RolloutEnd.ALARMED:
            return False
        if any(known in endpoint.get("FailureReason", "") for known in (*PASSING, *SURROUNDINGS)):
            return False
        return any(
            version.arn.lower() == (rollout.content or ("",))[0] and version.model_data_url in raised.urls
            for raised in self.facts.went_on(rollback_alarm(rollout.endpoint_name), rollout)
            for version in self.world.people.versions
        )

    def check_rest(self) -> None:
        for (name, content), ended in self._rolled_back.items():
            endpoint = self.world.describe(name)
            if endpoint is None or endpoint["EndpointStatus"] != "InService":
                continue
            if self.facts.is_forgotten(name, ended):
                continue
            people, since = self.world.people, ended - ANSWERED_LATE
            is_wanted = any(
                act.version_arn.lower() == content[0]
                and act.status in {"Approved", None}
                and act.time >= since
                for act in people.acts
            ) or any(
                (each.endpoint_name, each.version_arn) == (name, content[0]) and each.at >= since
                for each in people.retries.all
            )
            if people.config_content(endpoint["EndpointConfigName"]) == content and not is_wanted:
                raise self.broken(
                    f"{name} rests on {content[0]}, which set its alarm off and was rolled back"
                )


class Law14VersionsAreTried(Law):
    """With a smoke test, a version is live once it passed the test, and failed if it did not.

    An attempt succeeds only if the invocation that notes it got the test's number of good answers since the
    rollout ended, or if that config had succeeded before. It also may if an invocation noted that the version
    passed in the bake, and had got them while callers reached no other config. Or an invocation noted that it
    passed on its test endpoint, and had got them there, for this attempt or an earlier one. It fails its test
    only if an answer was bad, a call met a fault, or the journal has a test that began before and never
    ended. Before the first call of a test in the bake or in service, and after the test was claimed, the
    invocation reads every version that the attempt put on the endpoint from the registry. Laws 5 and 3 say
    that a failed version is reported once, and gives way to what can be restored.

    The law excludes worlds in which settings were missing for a while: the test went with them.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._statuses: dict[tuple[str, str], str] = {}
        self._tested_in_bake: set[tuple[str, str]] = set()
        self._failed_in_bake: set[tuple[str, str]] = set()
        self._passed_on: set[str] = set()
        """The test endpoints on which a version passed."""
        self._reached: dict[int, set[str]] = {}
        """Which configs callers reached at a test's call, by its number."""

    def check_call(self, call: Call) -> None:
        if call.operation == "InvokeEndpoint":
            receiving = self.world.hosting.receiving(call.request["EndpointName"])
            self._reached[call.number] = {spec.endpoint_config_name for spec, _ in receiving}
            self._check_begun(call)
        key = call.request.get("Key") or call.request.get("Item") or {}
        if (
            not (call.accepted and call.operation in {"PutItem", "UpdateItem"})
            or not key["item"]["S"].startswith("attempt#")
            or not self.world.schedule.smoke_test
            or self.world.people.settings_were_missing
            or self.facts.recovered(key["endpoint"]["S"], call.invocation.started)
        ):
            return
        name = key["endpoint"]["S"]
        attempt = self.world.journalled(name, key["item"]["S"])
        before = self._statuses.get((name, key["item"]["S"]))
        self._statuses[name, key["item"]["S"]] = attempt["status"]
        self._note_bake(call, name, attempt)
        self._note_test_endpoint(call, name, attempt)
        # An invocation that only reports an end, or notes the report, need not have tested anything.
        if attempt["action"] in ASIDE or attempt["status"] == before:
            return
        if attempt["status"] == "failed" and "failed_test" in attempt:
            # What failed in the bake was looked at when that was noted.
            was_bad = (name, key["item"]["S"]) in self._failed_in_bake
            where = attempt.get("test_endpoint_name", name)
            if not was_bad and not answered_badly(call.invocation, where) and not never_ended(attempt):
                raise self.broken(f"{key['item']['S']} of {name} failed a test that it passed")
        elif (
            attempt["status"] == "succeeded"
            and "test_passed_at" not in attempt
            and not self._is_proven(name, attempt)
        ):
            ended = self._ended(name, attempt)
            good = [
                each
                for each in _tries(call.invocation, name)
                if _is_good(each) and ended is not None and each.time >= ended
            ]
            if len(good) < GOOD_ANSWERS:
                raise self.broken(
                    f"{key['item']['S']} of {name} counts as live after {len(good)} good answers"
                )

    def _note_bake(self, call: Call, name: str, attempt: dict[str, Any]) -> None:
        """Look at a note about a test in the bake, when it is made."""
        key = (name, attempt["item"])
        if (
            attempt["action"] in ASIDE
            or attempt["status"] not in {"accepted", "testing"}
            or key in self._failed_in_bake
            or "test_endpoint_name" in attempt
        ):
            return
        if "failed_test" in attempt:
            self._tested_in_bake.add(key)
            self._failed_in_bake.add(key)
            if not answered_badly(call.invocation, name) and not never_ended(attempt):
                raise self.broken(f"{key[1]} of {name} failed a test in the bake that it passed")
        elif "test_passed_at" in attempt and key not in self._tested_in_bake:
            self._tested_in_bake.add(key)
            only = {attempt["endpoint_config_name"]}
            tries = [each for each in _tries(call.invocation, name) if _is_good(each)]
            good = [each for each in tries if self._reached[each.number] == only]
            if len(good) < GOOD_ANSWERS:
                raise self.broken(f"{key[1]} of {name} passed in the bake after {len(good)} good answers")

    def _note_test_endpoint(self, call: Call, name: str, attempt: dict[str, Any]) -> None:
        """Look at a note that a version passed on its test endpoint, when it is made."""
        tested_on = attempt.get("test_endpoint_name")
        if tested_on is None or "test_passed_at" not in attempt or tested_on in self._passed_on:
            return
        self._passed_on.add(tested_on)
        good = [each for each in _tries(call.invocation, tested_on) if _is_good(each)]
        if len(good) < GOOD_ANSWERS:
            raise self.broken(
                f"{attempt['item']} of {name} passed on {tested_on} by {len(good)} good answers"
            )

    def _check_begun(self, call: Call) -> None:
        name = call.request["EndpointName"]
        attempt = self.facts.unsettled(name)
        if attempt is None or self.facts.recovered(name, call.invocation.started):
            return
        reads: set[str] = set()
        for each in reversed(call.invocation.calls):
            if each.operation == "UpdateItem" and ":tests_begun" in each.request["ExpressionAttributeValues"]:
                break
            if each.operation == "DescribeModelPackage":
                reads.add(each.request["ModelPackageName"].lower())
        if not _versions_of(attempt) <= reads:
            raise self.broken(
                f"attempt {attempt['number']} is tried, and nobody asked whether it still stands"
            )

    def _ended(self, name: str, attempt: dict[str, Any]) -> datetime | None:
        """Return when the last rollout of an attempt ended."""
        ended = [each.ended for each in self.facts.rollouts_of(name, attempt) if each.ended is not None]
        return max(ended, default=None)

    def _is_proven(self, name: str, attempt: dict[str, Any]) -> bool:
        return any(
            each["endpoint_config_name"] == attempt["endpoint_config_name"]
            and each["status"] == "succeeded"
            and int(each["number"]) < int(attempt["number"])
            for each in self.facts.attempts(name)
            if each["action"] not in ASIDE
        )


class Law21SettingsAreLookedAt(Law):
    """The deployer looks at every change of the settings, and reports every removal.

    An invocation that hears of deployed settings looks at each endpoint that the journal notes with other
    ones, or hands it over. Settings are noted after the last call about their endpoint, and not while another
    invocation's attempt is under way that began before, unless only a restored journal has it. At rest the
    journal notes of each endpoint with settings that it was looked at with just those, and knows no other
    endpoint; an endpoint whose attempt never ends is exempt. For each removal, the deployer reports at most
    once that an endpoint is no longer managed. It reports the last removal, if nobody put the settings back,
    the journal knew the endpoint, and the endpoint was the stack's.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._noted: set[tuple[Invocation, str]] = set()
        self._digests: dict[str, str] = {}
        """With which settings the journal noted each endpoint last."""

    def check_recovery(self, recovery: Recovery) -> None:
        restored = self._noted_digests().items()
        others = {name: each for name, each in self._digests.items() if name != recovery.endpoint_name}
        self._digests = {
            **others,
            **{name: each for name, each in restored if name == recovery.endpoint_name},
        }

    def _noted_digests(self) -> dict[str, str]:
        return {
            name: each for site in self.world.sites for name, each in self.world.noted_settings(site).items()
        }

    def check_call(self, call: Call) -> None:
        name = _endpoint_of(call)
        if (call.invocation, name) in self._noted and not _asks_who_approved(call):
            raise self.broken(f"{call.operation} of {name} follows the note that its look had ended")
        key = call.request.get("Key") or call.request.get("Item")
        if not (call.accepted and call.service == "dynamodb" and key and key["endpoint"]["S"] == FLEET):
            return
        # One transaction notes several endpoints. An update leaves the settings mostly as they were.
        before, self._digests = self._digests, self._noted_digests()
        noted = {each for each, digest in self._digests.items() if before.get(each) != digest}
        if call.operation == "PutItem":
            noted |= {key["item"]["S"]} - {CHECKS}
        for each in sorted(noted):
            self._check_note(call, each)

    def _check_note(self, call: Call, name: str) -> None:
        invocation = call.invocation
        if name not in asked_of(invocation):
            raise self.broken(f"the settings of {name} are noted without a look")
        skew = timedelta(seconds=invocation.site.skew)
        # An invocation goes on by what it read before the journal was put back.
        known = [] if self.facts.recovered(name, invocation.started) else self.facts.attempts(name)
        for each in known:
            began = datetime.fromisoformat(each["started_at"]) - skew
            is_others = each["invocation_id"] != invocation.invocation_id
            if each["status"] not in SETTLED and is_others and began < invocation.started:
                raise self.broken(f"the settings of {name} are noted while attempt {each['number']} goes on")
        self._noted.add((invocation, name))

    def check_rest(self) -> None:
        for site in self.world.sites:
            noted, deployed = self.world.noted_settings(site), site.settings.digests
            for name in {*noted, *deployed}:
                waits = any(each["status"] not in SETTLED for each in self.facts.attempts(name))
                if noted.get(name) != deployed.get(name) and not waits:
                    has, was = deployed.get(name), noted.get(name)
                    raise self.broken(f"{name} has the settings {has}, and {was} were looked at")
            for name in self.world.known_endpoints(site):
                if name not in deployed and not any(
                    each["status"] not in SETTLED for each in self.facts.attempts(name)
                ):
                    raise self.broken(f"{name} has no settings any more, and is not forgotten")
            for name in site.endpoints:
                self._check_told(site, name)
        for invocation in self.world.ended:
            if invocation.event["detail-type"] == SETTINGS_DEPLOYED and invocation.problem is None:
                self._check_looked(invocation)

    def _check_looked(self, invocation: Invocation) -> None:
        noted = noted_in(invocation)
        digests = invocation.settings.digests
        changed = {name for name in digests if noted.get(name) != digests[name]}
        missing = changed - asked_of(invocation) - set(handed_over(invocation))
        if missing:
            raise self.broken(f"{invocation.name} does not look at {sorted(missing)}, whose settings changed")

    def _check_told(self, site: Site, name: str) -> None:
        removals = self.world.people.removals.get(name, [])
        told = {
            detail["OutcomeId"]: datetime.fromisoformat(detail["Time"]) - timedelta(seconds=site.skew)
            for detail in (json.loads(each["Detail"]) for each in site.memory.entries)
            if detail.get("Outcome") == "unmanaged" and detail["EndpointName"] == name
        }
        if self.facts.recovered(name, removals[-1].time if removals else self.world.start):
            # Nobody remembers the settings of before, or somebody does again.
            return
        if len(told) > len(removals):
            times = f"{len(told)} times, and was removed {len(removals)} times"
            raise self.broken(f"{name} is reported as unmanaged {times}")
        if not removals or name in site.settings.digests:
            return
        last = removals[-1]
        is_announced = any(time >= last.time for time in told.values())
        if last.is_noted and self._was_ours(name) and not is_announced:
            raise self.broken(f"nobody reports that {name} is no longer managed")

    def _was_ours(self, name: str) -> bool:
        endpoint = self.world.describe(name)
        if endpoint is None:
            return bool(self.facts.attempts(name))
        answered = self.world.people.look("ListTags", ResourceArn=endpoint["EndpointArn"]) or {"Tags": []}
        return {"Key": STACK_TAG, "Value": STACK} in answered["Tags"]


LAWS: Final[tuple[type[Law], ...]] = (
    Law1OnlyApproved,
    Law2NothingServingStops,
    Law3NewestStandingApproval,
    Law4NoLoop,
    Law5EachEndIsTold,
    Law6NothingNeededIsDeleted,
    Law7JournalExplains,
    Law8ScaledStaysScaled,
    Law9EveryEndpointHasItsTurn,
    Law10OnlyWhatIsGivenUpIsAborted,
    Law11ScalingComesBack,
    Law12RolloutsKeepTheirPromise,
    Law13AlarmsBlameWhoSetThemOff,
    Law14VersionsAreTried,
    Law21SettingsAreLookedAt,
)


def last_query(invocation: Invocation, name: str) -> int:
    """Return the number of the last call that read an endpoint's approvals; 0 if there was none."""
    return max(
        (
            each.number
            for each in invocation.calls
            if each.operation == "Query"
            and {"S": name} in (values := each.request["ExpressionAttributeValues"]).values()
            # Some queries read only older attempts, by their subject.
            and values.get(":first", values.get(":item", {"S": "approval#"}))["S"].startswith("approval#")
        ),
        default=0,
    )


def read_right_before(call: Call) -> dict[str, dict[str, Any]]:
    """Return the answers to the reads of versions right before a call, by ARN in lower case.

    The call's own repetitions are left out, and no other call may be in between.
    """
    reads: dict[str, dict[str, Any]] = {}
    for each in reversed(call.invocation.calls[:-1]):
        if each.operation == call.operation and each.request == call.request:
            continue
        if each.operation != "DescribeModelPackage":
            break
        reads.setdefault(each.request["ModelPackageName"].lower(), each.response)
    return reads


def served_well(attempts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the deployments that succeeded, and whose config failed no smoke test since."""
    led = [each for each in attempts if each["action"] not in ASIDE]
    failed = {each["endpoint_config_name"]: int(each["number"]) for each in led if "failed_test" in each}
    return [
        each
        for each in led
        if each["status"] == "succeeded" and failed.get(each["endpoint_config_name"], 0) < int(each["number"])
    ]


def failed_by_itself(attempt: dict[str, Any], arn: str, *, since: str) -> bool:
    """Tell whether an attempt failed for its version, with nothing beside it, since an approval."""
    return (
        attempt["status"] == "failed"
        and attempt.get("cause") == "version"
        and attempt["action"] not in ASIDE
        and answers(attempt, since)
        and attempt["version_arn"].lower() == arn
        and "companions" not in attempt
    )


def went_out_instead(approval: dict[str, Any], attempts: list[dict[str, Any]]) -> bool:
    """Tell whether AWS was asked for a version that was approved later."""
    return any(
        each["action"] not in ASIDE
        and each["status"] not in {"open", "withdrawn"}
        and each["version_arn"].lower() != approval["version_arn"].lower()
        and order_of(each) > order_of(approval)
        and not _has_shadow(each)
        for each in attempts
    )


def _has_shadow(attempt: dict[str, Any]) -> bool:
    return any(each["is_shadow"] for each in json.loads(attempt.get("companions", "[]")))


def _adds_a_shadow(content: tuple[str, str, str], *, to: tuple[str, str, str]) -> bool:
    """Tell whether a content is another one of the same version, with one more variant."""
    more, fewer = json.loads(content[2]), json.loads(to[2])
    return content[:2] == to[:2] and len(more) > len(fewer) and all(each in more for each in fewer)


def has_companions(world: World) -> bool:
    """Tell whether anything may serve beside the approved version."""
    return world.schedule.companions is not Companions.NONE


def _models_of(attempt: dict[str, Any]) -> list[str]:
    """Return the models that an attempt needs: its version's, and those beside it."""
    if attempt["action"] == CLEAN_UP:
        return []
    beside = json.loads(attempt.get("companions", "[]"))
    return [attempt["model_name"], *(each["model_name"] for each in beside)]


def _versions_of(attempt: dict[str, Any]) -> set[str]:
    """Return the ARNs, in lower case, of every version that an attempt puts on its endpoint."""
    beside = json.loads(attempt.get("companions", "[]"))
    return {each["version_arn"].lower() for each in (attempt, *beside)}


def _configs_of(attempt: dict[str, Any]) -> list[str]:
    return [attempt["endpoint_config_name"]] if attempt["action"] != CLEAN_UP else []


def order_of(approval: dict[str, Any]) -> tuple[str, int]:
    """Return what decides which of two journalled approvals is the newer one."""
    return (approval["approved_at"], int(approval["version"]))


def retried_from(approval: Mapping[str, Any]) -> int:
    """Return the number of the first attempt whose failure counts against a journalled approval."""
    return int(json.loads(approval["retry"])[2]) if "retry" in approval else 0


def since_retry(approval: Mapping[str, Any], attempts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the attempts whose failures count against a journalled approval."""
    return [each for each in attempts if int(each["number"]) >= retried_from(approval)]


def answers(failed: Mapping[str, Any], approved_at: str) -> bool:
    """Tell whether a failure counts for an approval: it came later, or in the attempt that it led to."""
    return bool(failed["settled_at"] >= approved_at or failed["approved_at"] == approved_at)


def never_ended(attempt: dict[str, Any]) -> bool:
    """Tell whether the journal knows that an attempt's test was begun before, and never ended."""
    return int(attempt.get("tests_begun", 0)) > 1


def _compact(time: str) -> str:
    return datetime.fromisoformat(time).strftime("%Y%m%dT%H%M%SZ")


def was_taken_back(call: Call, attempt: dict[str, Any]) -> bool:
    """Tell whether an invocation has read of a version of an attempt that it may not be deployed."""
    arns = {
        attempt["version_arn"],
        *(each["version_arn"] for each in json.loads(attempt.get("companions", "[]"))),
    }
    gate = call.invocation.world.people.gate(attempt["endpoint"])
    return any(
        each.operation == "DescribeModelPackage"
        and each.request["ModelPackageName"].lower() in arns
        and not admits(gate, each.response)
        for each in call.invocation.calls
    )


def answered_badly(invocation: Invocation, name: str) -> bool:
    """Tell whether an endpoint answered an invocation badly, or something was done to one of its calls."""
    return invocation.faulty or not all(map(_is_good, _tries(invocation, name)))


def _tries(invocation: Invocation, name: str) -> list[Call]:
    return [
        call
        for call in invocation.calls
        if call.operation == "InvokeEndpoint" and call.request["EndpointName"] == name
    ]


def _is_good(call: Call) -> bool:
    return call.accepted and bool(json.loads(call.response["Body"])["good"])


def _owner(request: dict[str, Any]) -> str:
    tags = {each["Key"]: each["Value"] for each in request.get("Tags", ())}
    return str(tags.get("greenlight:endpoint", ""))


def alarms_of(config: dict[str, Any]) -> set[str]:
    """Remove the alarms of the automatic rollback from a DeploymentConfig, and return their names."""
    rollback = config.pop("AutoRollbackConfiguration", {})
    return {each["AlarmName"] for each in rollback.get("Alarms", ())}


def _subject(call: Call) -> str:
    request = call.request
    return str(request.get("EndpointConfigName") or request.get("ModelName") or request.get("EndpointName"))


def _running(endpoint: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Return the instance count and the weight that each variant is to have."""
    return {
        each["VariantName"]: (float(each.get("DesiredInstanceCount", 0)), float(each["DesiredWeight"]))
        for each in endpoint["ProductionVariants"]
    }


def parts_of(invocation: Invocation) -> list[list[str]]:
    """Return the parts that an invocation handed over."""
    return [
        names_in(json.loads(entry["Detail"]))
        for call in invocation.calls
        if call.operation == "PutEvents" and call.accepted
        for entry in call.request["Entries"]
        if entry["DetailType"] == PART_DETAIL_TYPE
    ]


def repeats_test(invocation: Invocation, name: str) -> bool:
    """Tell whether an invocation has tested an endpoint's version, and is to repeat that in the bake."""
    settings = invocation.settings.read(name)
    test = settings.smoke_test if settings is not None else None
    return test is not None and test.every_seconds is not None and bool(_tries(invocation, name))


def handed_over(invocation: Invocation) -> list[str]:
    """Return the endpoints that an invocation handed over."""
    return [name for part in parts_of(invocation) for name in part]


def asked_of(invocation: Invocation) -> set[str]:
    """Return the endpoints whose journal an invocation asked for."""
    return set(journals_read(invocation))


def journals_read(invocation: Invocation) -> list[str]:
    """Return the endpoints whose journal an invocation asked for, once for each read.

    Whether anybody waits for a test endpoint is asked once its tags are known, and is no look at the endpoint
    itself.
    """
    found: list[str] = []
    for position, (operation, body) in enumerate(invocation.asked):
        before = position - 1
        is_about_test = before in invocation.answered and is_of_test(*invocation.asked[before])
        if operation == "Query" and not is_about_test:
            found.append(_partition(json.loads(body)))
    return found


def noted_in(invocation: Invocation) -> dict[str, str]:
    """Return the settings' digests that an invocation read in the journal, by endpoint."""
    return {
        name: item["settings_digest"]["S"]
        for name, item in fleet_in(invocation).items()
        if "settings_digest" in item
    }


def fleet_in(invocation: Invocation) -> dict[str, dict[str, Any]]:
    """Return what an invocation read of the fleet in the journal, by endpoint."""
    return {
        item["item"]["S"]: item
        for call in invocation.calls
        if call.operation == "Query" and call.accepted and _partition(call.request) == FLEET
        for item in call.response["Items"]
    }


def _endpoint_of(call: Call) -> str | None:
    """Return the endpoint that a call names, if it names one."""
    if call.operation == "Query":
        return _partition(call.request)
    key = call.request.get("Key") or call.request.get("Item")
    if call.service == "dynamodb" and key:
        return str(key["endpoint"]["S"])
    name: str | None = call.request.get("EndpointName")
    return name


def _asks_who_approved(call: Call) -> bool:
    """Tell whether a pass over another endpoint asks an endpoint's journal who approved a version."""
    key = call.request.get("ExpressionAttributeValues", {}).get(":key", {}).get("S", "")
    return call.operation == "Query" and key.startswith("fact#approval#")


def _partition(query: Mapping[str, Any]) -> str:
    """Return the partition of the journal that a query reads."""
    name: str = query["ExpressionAttributeValues"][":endpoint"]["S"]
    return name
