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
from tests.simulation.world import ASIDE, DENIED, PROMOTE

if TYPE_CHECKING:
    from tests.simulation.laws import Expected
    from tests.simulation.world import Call, World

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
    - The endpoint is in service with that version, since a rollout that ended at least the soak ago.
    - The version still has the serving artifact.
    - No alarm of its rollouts is on, or was within the soak, as far as CloudWatch had told by the
      invocation's last question.
    - The invocation's last call of SageMaker before is a read of that version. It showed the version
      Approved, at the stage's gate and nowhere else, not yet promoted by this stage, and not failed on the
      stage's other endpoints.

    The registry's own write shows that this happens once for a stage and a version. A second write may come
    only from an invocation that had read before. A person's decision between the read and the write is
    overwritten, because UpdateModelPackage has no condition.

    The journal also has a promotion of a version only once. At rest a version was promoted or refused if it
    serves as it should, has done so for its soak, has no alarm on, was not changed in the registry since, and
    did not fail on the stage's other endpoints.
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
    """A stage writes little to the registry, only about itself, and at rest that is true.

    A stage writes metadata under its own name, alone or with a life cycle (law 16); nothing else, and never
    ModelApprovalStatus. Without stages nothing is written there. An invocation writes no stamp twice unless
    something went wrong, and another one rarely writes it again. Nothing is written at rest (law 4), although
    each of these writes is an event in every stage. A digest stands for the artifact that the endpoint
    brought into service, even if the version was changed since: equal digests for equal artifacts, different
    ones for different artifacts.

    At rest, for an endpoint whose last attempt succeeded, only the serving version is stamped as serving. The
    exception is a version whose own last attempt ended otherwise; then its stamp says so. `served until` is
    stamped only on versions that served. A stamp that the registry denied last is not written again, nor one
    whose version the registry refused to show.
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
            if each["action"] not in ASIDE
            and each["version_arn"].lower() == arn
            and each["status"] in TOLD
            and not self.facts.was_hindered(each)
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
    version; never a stage's deployer. The approval may come from an event that names the approval or the life
    cycle, either of which may admit the version. Then the version must not have been changed in a later
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


def _is_as_it_should_be(expected: Expected | None, live: tuple[str, str, str] | None) -> bool:
    return expected is not None and not expected.stays and live == expected.content
