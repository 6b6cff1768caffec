"""The laws of stages and of companions: what must hold where more than one account or version is involved.

Owns judgement only, as `laws` does, whose laws hold here as well, for each stage by itself. Where there is
nothing to judge, as there is one account or one version, a law holds.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.alarms import rollback_alarm
from tests.simulation.artifacts import digests_in, last_read, stages_in
from tests.simulation.laws import (
    ASIDE,
    CHANGES,
    PROMOTE,
    TOLD,
    Facts,
    Law,
    Law3NewestStandingApproval,
    is_refused,
    read_right_before,
)
from tests.simulation.people import PEOPLE, POLICIES, changed_at, versions_in
from tests.simulation.schedule import REGISTRY_WRITE, RolloutKind
from tests.simulation.sites import admits, is_at, stage_settings
from tests.simulation.world import DENIED

if TYPE_CHECKING:
    from tests.simulation.laws import Expected
    from tests.simulation.world import Call, World

CLOCKS: Final = timedelta(seconds=3)
"""By how much the times of two services may seem to differ: the deployer's clock is two seconds off."""

MOST_COPIES: Final = 6
"""How many passes may write the same stamp: those that look before the first of them has written. The
events of stamps before it lead some of them there."""


class Law15OnlyWhatTheGateAdmits(Law):
    """No stage asks for a version that its gate does not admit.

    The read of the version right before a CreateEndpoint or UpdateEndpoint (law 1) shows it where the gate
    asks for, or beyond. That what is taken back later, by a reject or by its life cycle, serves in no stage
    at rest if something else may, is law 3, which holds for every stage with its own gate.
    """

    def check_call(self, call: Call) -> None:
        if not (call.is_write and call.operation in CHANGES):
            return
        gate = self.world.people.gate(call.request["EndpointName"])
        content = self.world.people.config_content(call.request["EndpointConfigName"])
        if gate is None or content is None:
            return
        read = read_right_before(call).get(content[0], {})
        if not admits(gate, read):
            raise self.broken(
                f"{call.operation} of {content[0]} in a stage that asks for {gate}, which was read at "
                f"{read.get('ModelLifeCycle')}"
            )


class Law16PromotedOnceAfterItsSoak(Law):
    """A version is passed on once, after its soak, and no person's decision is overwritten.

    When the registry accepts a ModelLifeCycle from a stage, the journal holds an open promotion of that
    version, claimed by the very invocation that writes, within its lease; it is the life cycle that the
    settings say; the endpoint is in service with that version, since a rollout that ended at least the soak
    ago; the version is still made of what serves; no alarm of its rollouts is on, or was within the soak, as
    far as CloudWatch had told by the invocation's last question; and the invocation's last call of SageMaker
    before is a read of that version, which showed it Approved, where the stage took it and nowhere else, not
    promoted by this stage before, and found broken by none of the stage's other endpoints.

    For a stage and a version that happens once, as the very write says that it happened: again only by whom
    had read before. What a person decides between the read and the write is overwritten: UpdateModelPackage
    takes no condition.

    Nor does the journal have it more than once that a version was passed on. At rest whatever serves as it
    should, has for its soak, has no alarm on, was not changed in the registry since, and is not broken on the
    stage's other endpoints, was promoted or refused.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._expected = Law3NewestStandingApproval(world, facts)
        self._made: dict[tuple[str, str], Call] = {}

    def check_call(self, call: Call) -> None:
        if call.operation != REGISTRY_WRITE or "ModelLifeCycle" not in call.request or not call.accepted:
            return
        arn = call.request["ModelPackageArn"].lower()
        name = self._explained_by(call, arn)
        promotion = stage_settings(self.world.schedule, name).get("Promotion")
        if promotion is None or not is_at(promotion, call.request["ModelLifeCycle"]):
            raise self.broken(f"{name} passes {arn} on to {call.request['ModelLifeCycle']}: {promotion}")
        read = self._check_read(call, arn, name)
        self._check_service(call, name, read.response, timedelta(seconds=promotion["SoakSeconds"]))
        self._check_alarm(call, name, timedelta(seconds=promotion["SoakSeconds"]))
        stage_name = stage_settings(self.world.schedule, name)["StageName"]
        before = self._made.setdefault((stage_name, arn), call)
        if before is not call and before.number < read.number:
            raise self.broken(f"{stage_name} passes {arn} on again")

    def _explained_by(self, call: Call, arn: str) -> str:
        """Return the endpoint whose journal explains a promotion."""
        for name in call.invocation.site.endpoints:
            attempt = self.facts.unsettled(name)
            if (
                attempt is not None
                and attempt["action"] == PROMOTE
                and attempt["version_arn"].lower() == arn
                and attempt["invocation_id"] == call.invocation.invocation_id
                and datetime.fromisoformat(attempt["lease_until"])
                >= self.world.deployer_now(call.invocation.site)
            ):
                return name
        raise self.broken(f"{arn} is passed on by {call.invocation.name}, and no attempt explains it")

    def _check_read(self, call: Call, arn: str, name: str) -> Call:
        before = [
            each
            for each in call.invocation.calls[:-1]
            if each.service == "sagemaker"
            and not (each.operation == REGISTRY_WRITE and each.request == call.request)
        ]
        read = before[-1] if before else None
        if (
            read is None
            or read.operation != "DescribeModelPackage"
            or read.request["ModelPackageName"].lower() != arn
        ):
            raise self.broken(f"{arn} was not read again before it was passed on")
        stage = stage_settings(self.world.schedule, name)
        stands, gate = read.response.get("ModelLifeCycle"), stage.get("Gate")
        is_where_taken = not stands or (
            is_at(gate, stands) if gate is not None else stands["StageStatus"] == "Approved"
        )
        goal = stage["Promotion"]
        is_beyond = (stands or {}).get("Stage") in {goal["Stage"], *goal["LaterStages"]}
        if not admits(None, read.response) or not is_where_taken or is_beyond:
            raise self.broken(
                f"{arn} is passed on although it was {read.response.get('ModelApprovalStatus')} at {stands}"
            )
        stamps = read.response.get("CustomerMetadataProperties") or {}
        if f"greenlight:{stage['StageName']}:promoted" in stamps or broken_elsewhere(stamps, stage, name):
            raise self.broken(f"{arn} is passed on by {name} although it says {stamps}")
        return read

    def _check_service(self, call: Call, name: str, read: dict[str, Any], soak: timedelta) -> None:
        arn = read["ModelPackageArn"].lower()
        if call.invocation.faulty or self.world.people.last_done >= call.invocation.started:
            # It may have looked before somebody changed what serves.
            return
        endpoint = self.world.describe(name)
        content = endpoint and self.world.people.config_content(endpoint["EndpointConfigName"])
        # AWS may begin an update of the system after the deployer looked. The version serves on meanwhile.
        serves = endpoint is not None and endpoint["EndpointStatus"] in {"InService", "SystemUpdating"}
        if endpoint is None or not serves or not content or content[0] != arn:
            status = endpoint and endpoint["EndpointStatus"]
            raise self.broken(f"{name} passes {arn} on, and is {status} with {content}")
        serving = self.facts.artifacts.serving(name)
        seen = self.facts.artifacts.seen(read, call)
        if seen not in serving:
            raise self.broken(f"{name} passes {arn} on, {seen} by now, and serves {serving}")
        since = [
            each.ended
            for each in self.facts.rollouts
            if each.endpoint_name == name
            and each.endpoint_config_name == endpoint["EndpointConfigName"]
            and each.ended is not None
            and each.succeeded
        ]
        if not since or max(since) + soak > call.time:
            raise self.broken(f"{name} passes {arn} on, which serves since {since}, before {soak} are over")

    def _check_alarm(self, call: Call, name: str, soak: timedelta) -> None:
        if self.world.schedule.rollout is RolloutKind.UNGUARDED:
            return
        asked = [each.time for each in call.invocation.calls if each.operation == "DescribeAlarms"]
        alarms, alarm_name = self.world.alarms, rollback_alarm(name)
        changed = alarms.changed_at(alarm_name)
        if not asked:
            raise self.broken(f"{name} passes a version on without asking for {alarm_name}")
        if changed is None or changed > asked[-1]:
            return
        if alarm_name in alarms.on_since or changed + soak - CLOCKS > asked[-1]:
            raise self.broken(f"{name} passes a version on, and {alarm_name} changed at {changed}")

    def check_rest(self) -> None:
        for name in self.world.people.endpoints:
            made = Counter(
                each["version_arn"].lower()
                for each in self.facts.attempts(name)
                if each["action"] == PROMOTE and each["status"] == "succeeded"
            )
            if any(times > 1 for times in made.values()):
                raise self.broken(f"{name} counts versions as passed on more than once: {dict(made)}")
            promotion = stage_settings(self.world.schedule, name).get("Promotion")
            settings, endpoint = self.world.people.settings.get(name), self.world.describe(name)
            if promotion is None or settings is None or endpoint is None:
                continue
            live = self.world.people.config_content(endpoint["EndpointConfigName"])
            expected = self._expected.expected(name, settings, live)
            if (
                endpoint["EndpointStatus"] != "InService"
                or not _is_as_it_should_be(expected, live)
                or rollback_alarm(name) in self.world.alarms.on_since
                or not self._succeeded(name, endpoint["EndpointConfigName"])
            ):
                continue
            assert live is not None, "it is as it should be"
            package = self.world.people.look("DescribeModelPackage", ModelPackageName=live[0])
            if package is None or self.facts.artifacts.now(package) not in self.facts.artifacts.serving(name):
                continue
            stamps = package.get("CustomerMetadataProperties") or {}
            if broken_elsewhere(stamps, stage_settings(self.world.schedule, name), name):
                continue
            ended = [
                each
                for each in self.facts.attempts(name)
                if each["action"] == PROMOTE
                and each["version_arn"].lower() == live[0]
                and each["status"] in {"succeeded", "failed"}
            ]
            if not ended:
                raise self.broken(f"{name} serves {live[0]}, which is never passed on")

    def _succeeded(self, name: str, config_name: str) -> bool:
        return last_on(self.facts, name, config_name).get("status") == "succeeded"


def broken_elsewhere(stamps: dict[str, str], stage: dict[str, Any], name: str) -> bool:
    """Tell whether a version's stamps say that another endpoint of a stage found it broken."""
    prefix = f"greenlight:{stage['StageName']}:endpoint:"
    return any(
        key.startswith(prefix) and key != f"{prefix}{name}" and value.startswith("failed ")
        for key, value in stamps.items()
    )


class Law17StampsSayWhatIsSo(Law):
    """What a stage writes to the registry is its own, little, and at rest it is so.

    A stage writes metadata under its own name, alone or with a life cycle (law 16); nothing else, and never
    ModelApprovalStatus. Outside of stages nothing is written there. An invocation writes no stamp twice
    unless something went wrong, and hardly any is written by another one again; nothing is written once all
    is at rest (law 4), although each of these writes is an event in every stage. A digest stands for what the
    endpoint came to serve, whatever the version is made of by then: equal ones for equal artifacts, and
    different ones for different.

    At rest, of an endpoint in service by an attempt that succeeded, only the version that serves is stamped
    as serving, unless its own last attempt since ended otherwise, which is what its stamp says then. `served
    until` is stamped on nothing that never served. A stamp that the registry denied last, or whose version it
    denied to show for it, is not written again.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._written: Counter[tuple[str, str]] = Counter()
        self._digests: dict[str, str] = {}
        self._denied: dict[tuple[str, str], bool] = {}

    def check_call(self, call: Call) -> None:
        if call.operation == "UpdateItem":
            self._note_unread(call)
        if call.operation != REGISTRY_WRITE:
            return
        for key in call.request.get("CustomerMetadataProperties", {}):
            if call.accepted or call.fault == DENIED:
                self._denied[call.request["ModelPackageArn"].lower(), key] = call.fault == DENIED
        stage_name = stage_settings(self.world.schedule, call.invocation.site.endpoints[0]).get("StageName")
        if stage_name is None:
            raise self.broken(f"{call.invocation.name} writes to the registry outside of stages")
        members = call.request.keys() - {"ModelPackageArn"}
        if members not in ({"CustomerMetadataProperties"}, {"CustomerMetadataProperties", "ModelLifeCycle"}):
            raise self.broken(f"{call.invocation.name} writes {sorted(members)} to the registry")
        stamps = call.request.get("CustomerMetadataProperties", {})
        if not all(key.startswith(f"greenlight:{stage_name}:") for key in stamps):
            raise self.broken(f"stage {stage_name} stamps {stamps}")
        self._check_digest(call, stamps)
        if not stamps or not call.accepted or call.invocation.faulty:
            return
        if any(
            each.operation == REGISTRY_WRITE and each.accepted and each.request == call.request
            for each in call.invocation.calls[:-1]
        ):
            raise self.broken(f"{call.invocation.name} stamps {stamps} twice")
        key = (call.request["ModelPackageArn"], str(sorted(stamps.items())))
        self._written[key] += 1
        if self._written[key] > MOST_COPIES:
            raise self.broken(f"{stamps} is stamped for the {self._written[key]}th time")

    def _note_unread(self, call: Call) -> None:
        """Remember which stamps count as written though their versions were not shown right before."""
        name = call.request["Key"]["endpoint"]["S"]
        if ":metadata_written" not in call.request["ExpressionAttributeValues"] or not call.accepted:
            return
        stage_name = stage_settings(self.world.schedule, name)["StageName"]
        for each in reversed(call.invocation.calls[:-1]):
            if each.operation not in {"DescribeModelPackage", REGISTRY_WRITE}:
                break
            if each.operation == "DescribeModelPackage" and each.fault == DENIED:
                arn = each.request["ModelPackageName"].lower()
                self._denied[arn, f"greenlight:{stage_name}:endpoint:{name}"] = True

    def _check_digest(self, call: Call, stamps: dict[str, str]) -> None:
        arn = call.request["ModelPackageArn"].lower()
        for name, stage_name in digests_in(call):
            deployed = self.facts.artifacts.last_deployed(name, arn)
            told = stamps[f"greenlight:{stage_name}:digest"]
            if deployed is None:
                raise self.broken(f"{stage_name} stamps {arn} with a digest, and never deployed it on {name}")
            if self._digests.setdefault(told, deployed) != deployed or any(
                digest != told and each == deployed for digest, each in self._digests.items()
            ):
                raise self.broken(
                    f"{stage_name} stamps {arn} with {told}, which does not stand for {deployed}, which "
                    f"{name} came to serve"
                )

    def check_rest(self) -> None:
        for name in self.world.people.endpoints:
            stage_name = stage_settings(self.world.schedule, name).get("StageName")
            endpoint = self.world.describe(name)
            if (
                stage_name is None
                or self.world.people.settings.get(name) is None
                or endpoint is None
                or endpoint["EndpointStatus"] != "InService"
                or last_on(self.facts, name, endpoint["EndpointConfigName"]).get("status") != "succeeded"
            ):
                continue
            for version in self.world.people.versions:
                package = self.world.people.look("DescribeModelPackage", ModelPackageName=version.arn)
                if package is not None:
                    key = f"greenlight:{stage_name}:endpoint:{name}"
                    stamp = package.get("CustomerMetadataProperties", {}).get(key, "")
                    if self._denied.get((version.arn.lower(), key)):
                        continue
                    self._check_stamp(name, endpoint["EndpointConfigName"], version.arn.lower(), stamp)

    def _check_stamp(self, name: str, config_name: str, arn: str, stamp: str) -> None:
        content = self.world.people.config_content(config_name)
        told = [
            each["status"]
            for each in self.facts.attempts(name)
            if each["action"] not in ASIDE and each["version_arn"].lower() == arn and each["status"] in TOLD
        ]
        if content is not None and content[0] == arn:
            wanted = "serving since" if told[-1] == "succeeded" else told[-1]
            if not stamp.startswith(wanted):
                raise self.broken(f"{arn} serves on {name}, and says {stamp!r}, not {wanted!r}")
        elif stamp.startswith("serving since"):
            raise self.broken(f"{arn} says {stamp!r}, and does not serve on {name}")
        served = any(
            each.endpoint_name == name and each.succeeded and each.content and each.content[0] == arn
            for each in self.facts.rollouts
        )
        if stamp.startswith("served until") and not served:
            raise self.broken(f"{arn} says {stamp!r}, and never served on {name}")


class Law18OnlyApprovedBeside(Law):
    """Whatever serves beside the approved version is approved as well, and its shadow is no live one.

    At rest every version on an endpoint in service is Approved, the pinned ones and the shadow too, wherever
    something else may serve; and a shadow is never put beside itself, or before callers: what only may
    shadow has no approval that counts (law 1). That each is read again right before the change is law 1, and
    that the newest one shadows is law 3.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._expected = Law3NewestStandingApproval(world, facts)

    def check_call(self, call: Call) -> None:
        if not (call.is_write and call.operation in CHANGES):
            return
        name = call.request["EndpointConfigName"]
        config = self.world.people.look("DescribeEndpointConfig", EndpointConfigName=name) or {}
        live = {each["ModelName"] for each in config.get("ProductionVariants", ())}
        if any(each["ModelName"] in live for each in config.get("ShadowProductionVariants", ())):
            raise self.broken(f"{name} has a shadow that serves callers as well")

    def check_rest(self) -> None:
        for name in self.world.people.endpoints:
            settings, endpoint = self.world.people.settings.get(name), self.world.describe(name)
            if settings is None or endpoint is None or endpoint["EndpointStatus"] != "InService":
                continue
            live = self.world.people.config_content(endpoint["EndpointConfigName"])
            expected = self._expected.expected(name, settings, live)
            if (
                live is None
                or expected is None
                or expected.stays
                or is_refused(self.world, endpoint, settings)
            ):
                continue
            for arn in versions_in(live):
                package = self.world.people.look("DescribeModelPackage", ModelPackageName=arn)
                if package is None or not admits(None, package):
                    raise self.broken(f"{arn} is on a variant of {name}, and is not approved")


class Law19ApproversAreNamedPeople(Law):
    """Where it matters who approves, an approval counts exactly if one of those people gave it.

    Whenever an approval is journalled under `approvers` or `four_eyes`, the version as it was read for that
    decides. It counts if a person changed it last, whom the policy takes: one of the approvers, and not who
    registered the version; never a stage's deployer. If the event that it comes from names the approval or
    the life cycle, either of which may be what admits the version, it must not have been changed in a later
    second. And nothing else keeps it from counting. What was heard of a version that the registry did not
    show is no approval until it is read.
    """

    def check_call(self, call: Call) -> None:
        policy = POLICIES[self.world.schedule.policy % len(POLICIES)].get("ApprovalPolicy")
        item = call.request.get("Item", {})
        if (
            policy is None
            or not (call.operation == "PutItem" and call.accepted)
            or not item["item"]["S"].startswith("approval#")
            or "unread" in item
        ):
            return
        arn = item["version_arn"]["S"]
        read = last_read(call, arn)
        if read is None:
            raise self.broken(f"{call.invocation.name} journals an approval of {arn}, which it never read")
        who, registered_by = (
            _arn_of(read.get("LastModifiedBy") or read["CreatedBy"]),
            _arn_of(read["CreatedBy"]),
        )
        counts = (
            who in policy.get("Approvers", PEOPLE)
            and not (policy.get("FourEyes") and who == registered_by)
            and not self._is_later(call, item, read)
        )
        if counts == ("objection" in item):
            raise self.broken(
                f"an approval of {arn}, registered by {registered_by} and changed last by {who}, "
                f"{'does not count' if counts else 'counts'} under {policy}"
            )

    def _is_later(self, call: Call, item: dict[str, Any], read: dict[str, Any]) -> bool:
        """Tell whether a version was changed after what its approval's event names, if that may admit it."""
        made = self._made(call, item)
        return made is not None and int(float(read["LastModifiedTime"])) > int(made.timestamp())

    def _made(self, call: Call, item: dict[str, Any]) -> datetime | None:
        """Return when the change was made that admitted a version, by the approval's event, if it says so."""
        detail = call.invocation.event.get("detail", {})
        if detail.get("ModelPackageArn", "").lower() == item["version_arn"]["S"].lower():
            return changed_at(detail)
        account, event_id = call.invocation.site.account, item["correlation_id"]["S"]
        # The event came before, when the registry did not show the version.
        heard = [each for each in self.world.people.approvings if each.account == account]
        return next((each.changed_at for each in heard if each.event_id == event_id), None)


class Law20NothingButWhatWasApproved(Law):
    """What serves is made of what was approved, and of what another stage says that it deployed.

    Whatever an endpoint comes to serve is what the version was made of when the approval was journalled that
    led to it; a config that served before serves what it served then. If the read of the version right before
    the change showed another stage's digest, it is also what that stage deployed.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._stamped: dict[int, dict[str, str | None]] = {}
        self._served: dict[str, str] = {}

    def check_call(self, call: Call) -> None:
        if not (call.is_write and call.operation in CHANGES):
            return
        own = stage_settings(self.world.schedule, call.request["EndpointName"]).get("StageName")
        content = self.world.people.config_content(call.request["EndpointConfigName"])
        if own is None or content is None:
            return
        read = read_right_before(call).get(content[0], {})
        stamped = self.facts.artifacts.stamped
        self._stamped[call.number] = {
            each: stamped.get((each, content[0])) for each in stages_in(read) if each != own
        }

    def check_change(self) -> None:
        for rollout in self.facts.rollouts:
            if rollout.ended is None or (stamped := self._stamped.pop(rollout.call.number, None)) is None:
                continue
            name, number = rollout.endpoint_name, rollout.attempt or 0
            serves = self.facts.artifacts.of_attempts.get((name, number))
            if not rollout.succeeded or serves is None:
                continue
            attempt = self.world.journalled(name, f"attempt#{number:09d}")
            approved = self.facts.artifacts.approved(name, attempt)
            expected = self._served.setdefault(rollout.endpoint_config_name, approved or serves)
            if serves != expected:
                raise self.broken(f"{name} came to serve {serves}, and {expected} was approved")
            for stage_name, deployed in stamped.items():
                if deployed not in {None, serves}:
                    raise self.broken(
                        f"{name} came to serve {serves}, and stage {stage_name} deployed {deployed}"
                    )


STAGE_LAWS: Final[tuple[type[Law], ...]] = (
    Law15OnlyWhatTheGateAdmits,
    Law16PromotedOnceAfterItsSoak,
    Law17StampsSayWhatIsSo,
    Law18OnlyApprovedBeside,
    Law19ApproversAreNamedPeople,
    Law20NothingButWhatWasApproved,
)


def _arn_of(user: dict[str, Any]) -> str:
    return str(user["IamIdentity"]["Arn"])


def last_on(facts: Facts, name: str, config_name: str) -> dict[str, Any]:
    """Return the last attempt to put a config on an endpoint; empty if none was."""
    led = [
        each
        for each in facts.attempts(name)
        if each["action"] not in ASIDE and each["endpoint_config_name"] == config_name
    ]
    return led[-1] if led else {}


def _is_as_it_should_be(expected: Expected | None, live: tuple[str, str, str] | None) -> bool:
    return expected is not None and not expected.stays and live == expected.content
