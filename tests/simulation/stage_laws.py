"""The laws of stages and of companions, for several accounts or versions.

Owns only judgement, like `laws`, whose laws also hold here, for each stage by itself. A law holds where there
is nothing to judge, with one account or one version.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.alarms import rollback_alarm
from tests.simulation.artifacts import digests_in, last_read, stages_in
from tests.simulation.laws import (
    CHANGES,
    SURROUNDINGS,
    TOLD,
    Facts,
    Law,
    Law3NewestStandingApproval,
    is_refused,
    read_right_before,
)
from tests.simulation.people import PEOPLE, POLICIES, changed_at, versions_in
from tests.simulation.schedule import REGISTRY_WRITE, RolloutKind
from tests.simulation.sites import DEPLOYER_ROLE, admits, is_at, model_buckets, stage_settings, stamp_of
from tests.simulation.world import ASIDE, DENIED, PROMOTE

if TYPE_CHECKING:
    from tests.simulation.laws import Expected
    from tests.simulation.world import Call, World

PENDING: Final = "PendingManualApproval"

PREFLIGHT: Final = "greenlight:preflight"
"""The property that says what would keep a version from serving."""

CLOCKS: Final = timedelta(seconds=3)
"""By how much the times of two services may seem to differ: the deployer's clock is two seconds off."""

MOST_COPIES: Final = 6
"""How many passes may write the same stamp: those that look before the first of them has written. The
events of stamps before it lead some of them there."""


class Law15OnlyWhatTheGateAdmits(Law):
    """No stage deploys a version that its gate does not admit.

    The read of the version right before a CreateEndpoint or UpdateEndpoint (law 1) shows it at the gate, or
    beyond. A version that is taken back later, by a reject or by its life cycle, serves in no stage at rest
    if another one may. That is law 3, which holds for every stage with its own gate.
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
    """A version is promoted once, after its soak, and no person's decision is overwritten.

    When the registry accepts a ModelLifeCycle from a stage, all of this holds:
    - The journal has an open promotion of that version, claimed by the writing invocation, within its lease.
    - The life cycle is the one in the settings.
    - The endpoint is in service with that version, since a rollout that ended at least the soak ago. AWS may
      take it out of service after the invocation read it.
    - The version still has the serving artifact.
    - No alarm of its rollouts is on, or was within the soak, as far as CloudWatch had told by the
      invocation's last question.
    - The invocation's last call of SageMaker before is a read of that version. It showed the version
      Approved, at the stage's gate and nowhere else, not yet promoted by this stage, and not failed on the
      stage's other endpoints.

    The registry's own write shows that this happens once for a stage and a version. A second write may come
    only from an invocation that had read before. A person's decision between the read and the write is
    overwritten, because UpdateModelPackage has no condition.

    The journal also has a promotion of a version only once. At rest a version was promoted, or refused for
    another reason than a permission, if it serves as it should, did so for its soak, has no alarm on, was
    not changed in the registry since, and did not fail on the stage's other endpoints.
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
        if (
            endpoint is not None
            and endpoint["EndpointStatus"] == "OutOfService"
            and _was_in_service(call, name)
        ):
            # AWS took it out of service since.
            return
        content = endpoint and self.world.people.config_content(endpoint["EndpointConfigName"])
        # AWS may begin a system update after the deployer looked. The version still serves.
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
                and not any(known in each.get("reason", "") for known in SURROUNDINGS)
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
    """The deployer writes little to the registry, only about itself, and at rest that is true.

    A stage writes metadata under its own name, alone or with a life cycle (law 16); nothing else, and never
    ModelApprovalStatus. Without stages, the deployer writes only how versions fare on its endpoints, and
    nothing if the settings forbid it. What would keep a version from serving is written right after a read
    that showed it without a decision, and is true. Good news alone is not written where it counts who
    approves. An invocation writes no stamp twice unless something went wrong, and another one rarely writes
    it again. Nothing is written at rest (law 4), although
    each of these writes is an event in every stage. A digest stands for the artifact that the endpoint
    brought into service, even if the version was changed since: equal digests for equal artifacts, different
    ones for different artifacts.

    At rest, for an endpoint whose last attempt succeeded, only the serving version is stamped as serving. The
    exception is a version whose own last attempt ended otherwise; then its stamp says so. `served until` is
    stamped only on versions that served. A stamp whose version the registry refused to show is not written
    again. No version that is not approved says that it waits, and what went out instead of a skipped version
    was tried on the endpoint, also if a journal that was lost or restored does not know that any more. Such a
    journal may forget a version that is stamped as serving.
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
            if call.accepted:
                self._denied[call.request["ModelPackageArn"].lower(), key] = False
        schedule, endpoints = self.world.schedule, call.invocation.site.endpoints
        stage_name = stage_settings(schedule, endpoints[0]).get("StageName")
        if stage_name is None and not schedule.metadata:
            raise self.broken(f"{call.invocation.name} writes to the registry, and its settings forbid that")
        members = call.request.keys() - {"ModelPackageArn"}
        promotes = [{"CustomerMetadataProperties", "ModelLifeCycle"}] if stage_name is not None else []
        if members not in ({"CustomerMetadataProperties"}, *promotes):
            raise self.broken(f"{call.invocation.name} writes {sorted(members)} to the registry")
        stamps = call.request.get("CustomerMetadataProperties", {})
        own = (
            [f"greenlight:{stage_name}:"]
            if stage_name is not None
            else [PREFLIGHT, *(stamp_of(schedule, each) for each in endpoints)]
        )
        if PREFLIGHT in stamps:
            self._check_preflight(call, stamps[PREFLIGHT])
        if not all(key in own or (stage_name is not None and key.startswith(str(own[0]))) for key in stamps):
            who = f"stage {stage_name}" if stage_name is not None else "the only deployer"
            raise self.broken(f"{who} stamps {stamps}")
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

    def _check_preflight(self, call: Call, told: str) -> None:
        """Check what is said of a version before anybody approves it."""
        arn, schedule = call.request["ModelPackageArn"], self.world.schedule
        earlier = (each for each in reversed(call.invocation.calls[:-1]) if each.operation != REGISTRY_WRITE)
        before = next(earlier, call)
        read = before.response if before.operation == "DescribeModelPackage" and before.accepted else {}
        if read.get("ModelPackageArn") != arn or read["ModelApprovalStatus"] != PENDING:
            raise self.broken(
                f"{call.invocation.name} says {told!r} of {arn}, and did not read it as pending"
            )
        if (told == "ok") != ("models" in model_buckets(schedule)):
            raise self.broken(f"{told!r} is said of {arn}, whose artifact is in the bucket models")
        shown = read.get("CustomerMetadataProperties", {}).get(PREFLIGHT)
        if told == "ok" and shown is None and POLICIES[schedule.policy % len(POLICIES)]:
            raise self.broken(f"{arn} is said to be well, where it counts who approves it")

    def _note_unread(self, call: Call) -> None:
        """Remember which stamps count as written though their versions were not shown right before."""
        name = call.request["Key"]["endpoint"]["S"]
        if ":metadata_written" not in call.request["ExpressionAttributeValues"] or not call.accepted:
            return
        key = stamp_of(self.world.schedule, name)
        for each in reversed(call.invocation.calls[:-1]):
            if each.operation not in {"DescribeModelPackage", REGISTRY_WRITE}:
                break
            if each.operation == "DescribeModelPackage" and (each.fault == DENIED or each.hidden):
                arn = each.request["ModelPackageName"].lower()
                assert key is not None, "what is written has a name"
                self._denied[arn, key] = True

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
            key = stamp_of(self.world.schedule, name)
            endpoint = self.world.describe(name)
            if (
                key is None
                or self.world.people.settings.get(name) is None
                or endpoint is None
                or endpoint["EndpointStatus"] != "InService"
                or last_on(self.facts, name, endpoint["EndpointConfigName"]).get("status") != "succeeded"
            ):
                continue
            for version in self.world.people.versions:
                package = self.world.people.look("DescribeModelPackage", ModelPackageName=version.arn)
                if package is not None:
                    stamp = package.get("CustomerMetadataProperties", {}).get(key, "")
                    if self._denied.get((version.arn.lower(), key)):
                        continue
                    self._check_stamp(name, endpoint["EndpointConfigName"], version.arn.lower(), stamp)

    def _check_stamp(self, name: str, config_name: str, arn: str, stamp: str) -> None:
        content = self.world.people.config_content(config_name)
        told = [
            "untested" if _could_not_be_tested(each) else each["status"]
            for each in self.facts.attempts(name)
            if each["action"] not in ASIDE
            and each["version_arn"].lower() == arn
            and each["status"] in TOLD
            and not self.facts.was_hindered(each)
        ]
        if content is not None and content[0] == arn:
            wanted = "serving since" if told[-1] == "succeeded" else told[-1]
            if not stamp.startswith(wanted):
                raise self.broken(f"{arn} serves on {name}, and says {stamp!r}, not {wanted!r}")
        elif stamp.startswith("serving since") and not self._is_forgotten(name, stamp):
            raise self.broken(f"{arn} says {stamp!r}, and does not serve on {name}")
        self._check_words(name, arn, stamp)
        served = any(
            each.endpoint_name == name and each.succeeded and each.content and each.content[0] == arn
            for each in self.facts.rollouts
        )
        if stamp.startswith("served until") and not served:
            raise self.broken(f"{arn} says {stamp!r}, and never served on {name}")

    def _check_words(self, name: str, arn: str, stamp: str) -> None:
        """Check what is said of a version that was approved and does not serve."""
        if stamp.startswith(("waiting:", "held back:")):
            package = self.world.people.look("DescribeModelPackage", ModelPackageName=arn)
            recovered = any(each.endpoint_name == name for each in self.world.people.recoveries)
            if package is not None and package["ModelApprovalStatus"] != "Approved" and not recovered:
                raise self.broken(f"{arn} says {stamp!r} on {name}, and is not approved")
        if stamp.startswith("skipped: v"):
            number = stamp.removeprefix("skipped: v").split()[0]
            if not any(
                str(each.get("version_arn")).endswith(f"/{number}") for each in self.facts.every_attempt(name)
            ):
                raise self.broken(f"{arn} says {stamp!r} on {name}, which was never tried there")

    def _is_forgotten(self, name: str, stamp: str) -> bool:
        """Tell whether a journal was lost, or restored, that knew of a stamp."""
        recoveries = [each.time for each in self.world.people.recoveries if each.endpoint_name == name]
        if not recoveries:
            return False
        written = datetime.fromisoformat(stamp.removeprefix("serving since ").split()[0])
        return max(recoveries) + CLOCKS >= written


def _could_not_be_tested(attempt: dict[str, Any]) -> bool:
    """Tell whether a version's surroundings kept its smoke test from being made."""
    return "failed_test" in attempt and attempt["cause"] == "surroundings"


class Law18OnlyApprovedBeside(Law):
    """Every version beside the approved one is approved too, and a shadow is not the live version.

    At rest every version on an endpoint in service is Approved, including pinned ones and the shadow,
    wherever something else may serve. A version is never its own shadow. A version that is approved only for
    the shadow never answers callers: it has no approval that counts (law 1). Law 1 says that each is read
    again right before the change; law 3 says that the newest one is the shadow.
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
    """Under `approvers` or `four_eyes`, an approval counts exactly if one of those people gave it.

    The version as it was read for a journalled approval decides. The approval counts if the person who last
    changed the version is accepted by the policy: one of the approvers, and not the one who registered the
    version; never a deployer. In a single account the deployer may have changed it last, to write how it
    fares: then the approver counts whom the journal of another endpoint names. A look at what was approved
    before takes the version as it is. The approval may also come from an event that names the approval or the
    life cycle, either of which may admit the version. Then the version must not have been changed in a later
    second. Nothing else prevents an approval from counting. News of a version that the registry did not show
    is no approval until the version is read.
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
        if self._is_own(who) and (known := self._known_elsewhere(call, item)) is not None:
            who, is_later = known, False
        else:
            is_later = self._is_later(call, item, read)
        counts = (
            who in policy.get("Approvers", PEOPLE)
            and not (policy.get("FourEyes") and who == registered_by)
            and not is_later
        )
        if counts == ("objection" in item):
            raise self.broken(
                f"an approval of {arn}, registered by {registered_by} and changed last by {who}, "
                f"{'does not count' if counts else 'counts'} under {policy}"
            )

    def _is_own(self, who: str) -> bool:
        """Tell whether the only deployer changed a version last: it writes how the version fares."""
        return len(self.world.sites) == 1 and f":assumed-role/{DEPLOYER_ROLE}/" in who

    def _known_elsewhere(self, call: Call, item: dict[str, Any]) -> str | None:
        """Return who approved a version, by the journal of the account's other endpoints.

        They journalled an approval of the same content, and of the second that the event names, if it does.
        Nothing names an endpoint that left the settings: nobody asks its journal.
        """
        made, arn = self._made(call, item), item["version_arn"]["S"].lower()
        found = [
            each
            for name in call.invocation.settings.digests
            if name != item["endpoint"]["S"]
            for each in self.world.journal(name, "approval#")
            if each["version_arn"].lower() == arn
            and not each.get("withdrawn")
            and each["approved_by"] != "unknown"
            and each.get("artifact_digest") == item.get("artifact_digest", {}).get("S")
            and (made is None or datetime.fromisoformat(each["approved_at"]) == made)
        ]
        newest = max(found, key=lambda each: str(each["approved_at"]), default=None)
        return newest["approved_by"] if newest is not None else None

    def _is_later(self, call: Call, item: dict[str, Any], read: dict[str, Any]) -> bool:
        """Tell whether a version was changed after what its approval's event names, if that may admit it."""
        made = self._made(call, item)
        return made is not None and int(float(read["LastModifiedTime"])) > int(made.timestamp())

    def _made(self, call: Call, item: dict[str, Any]) -> datetime | None:
        """Return when the change was made that admitted a version, by the approval's event, if it says so."""
        if item["correlation_id"]["S"].startswith("adopted-"):
            # A look took it, though an event of the version may have led to that look.
            return None
        detail = call.invocation.event.get("detail", {})
        if detail.get("ModelPackageArn", "").lower() == item["version_arn"]["S"].lower():
            return changed_at(detail)
        account, event_id = call.invocation.site.account, item["correlation_id"]["S"]
        # The event came before, when the registry did not show the version.
        heard = [each for each in self.world.people.approvings if each.account == account]
        return next((each.changed_at for each in heard if each.event_id == event_id), None)


class Law20NothingButWhatWasApproved(Law):
    """The serving artifact is the approved one, and the one that another stage says it deployed.

    An endpoint only brings the artifact into service that the version had when the causing approval was
    journalled. A config that served before serves its old artifact. If the read of the version right before
    the change showed another stage's digest, it is also that stage's artifact.
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


def _was_in_service(call: Call, name: str) -> bool:
    """Tell whether a call's invocation last read that an endpoint is in service."""
    reads = [
        each.response.get("EndpointStatus")
        for each in call.invocation.calls
        if each.operation == "DescribeEndpoint" and each.request["EndpointName"] == name
    ]
    return reads[-1:] == ["InService"]


def _is_as_it_should_be(expected: Expected | None, live: tuple[str, str, str] | None) -> bool:
    return expected is not None and not expected.stays and live == expected.content
