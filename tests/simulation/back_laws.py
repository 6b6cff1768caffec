"""What must hold of the way back: one class a law, whose docstring is the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.simulation.laws import (
    CHANGES,
    Law,
    Law3NewestStandingApproval,
    alarms_of,
    is_fast,
    is_unguardable,
    last_query,
    order_of,
    served_well,
)
from tests.simulation.schedule import RolloutKind
from tests.simulation.world import ASIDE

if TYPE_CHECKING:
    from tests.simulation.laws import Facts
    from tests.simulation.world import Call, World


class Approvals:
    """Which approvals an invocation could read in the journal."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._journalled: dict[tuple[str, str, str], int] = {}
        self._latest: dict[tuple[str, str], str] = {}
        """When the latest approval was given that the journal ever had, by endpoint and version number."""
        self._superseded: dict[tuple[str, str], int] = {}
        """The number of the call that noted an approval as superseded, by its endpoint and item."""

    def note_call(self, call: Call) -> None:
        """Remember when an approval came into the journal, and when it was noted as superseded."""
        if call.operation == "UpdateItem" and ":superseded_by" in call.request["ExpressionAttributeValues"]:
            key = call.request["Key"]["endpoint"]["S"], call.request["Key"]["item"]["S"]
            if call.accepted:
                self._superseded.setdefault(key, call.number)
        item = call.request.get("Item", {})
        if call.operation == "PutItem" and call.accepted and item["item"]["S"].startswith("approval#"):
            name, arn, time = (item[key]["S"] for key in ("endpoint", "version_arn", "approved_at"))
            self._journalled.setdefault((name, arn.lower(), time), call.number)
            if "unread" not in item:
                key = (name, item["version"]["N"])
                self._latest[key] = max(time, self._latest.get(key, time))

    def ever_had_later(self, approval: dict[str, Any], version: str) -> bool:
        """Tell whether the journal ever had an approval of a version that is later than another approval.

        Once a rejected version's approval is withdrawn, a late copy of its event takes its place in the
        journal, and is only heard.
        """
        latest = self._latest.get((approval["endpoint"], version))
        return latest is not None and (latest, int(version)) > order_of(approval)

    def read_by(self, call: Call, name: str) -> dict[str, dict[str, Any]]:
        """Return the newest approval of each version that counts, as it was read, by ARN in lower case."""
        newest: dict[str, dict[str, Any]] = {}
        for each in self._standing(name):
            arn = each["version_arn"].lower()
            is_newer = arn not in newest or order_of(each) > order_of(newest[arn])
            if self._was_read(call, each) and is_newer:
                newest[arn] = self._as_read(call, each)
        return newest

    def _as_read(self, call: Call, approval: dict[str, Any]) -> dict[str, Any]:
        """Return an approval without what another invocation noted of it since the journal was read."""
        name, item = approval["endpoint"], approval["item"]
        if self._superseded.get((name, item), 0) <= last_query(call.invocation, name):
            return approval
        return {key: value for key, value in approval.items() if key != "superseded_by"}

    def unread_by(self, call: Call, name: str) -> set[str]:
        """Return the versions, by ARN in lower case, with an approval that the invocation could not read."""
        return {
            each["version_arn"].lower() for each in self._standing(name) if not self._was_read(call, each)
        }

    def _standing(self, name: str) -> list[dict[str, Any]]:
        return [
            each
            for each in self._world.journal(name, "approval#")
            if "objection" not in each and not each.get("withdrawn")
        ]

    def _was_read(self, call: Call, approval: dict[str, Any]) -> bool:
        name, arn = approval["endpoint"], approval["version_arn"].lower()
        written = self._journalled.get((name, arn, approval["approved_at"]), 0)
        return written < last_query(call.invocation, name)


class Law27BackAtOnce(Law):
    """An update goes back at once, with at most one shift of all calls; and no other update does.

    Where the settings say `back: as_forward`, none does. Otherwise:

    An update goes back in three cases. A version that has served well replaces one whose approval is newer,
    also where a rollback to that one failed, and also with settings that changed since.
    The config that served well replaces another config, made for other settings or with another shadow, of
    the same or another version. Or the config that served well comes back, after somebody else changed the
    endpoint, or an update failed together with its rollback. *Served well* means: a deployment succeeded,
    with the content that is approved, and its config failed no smoke test since.

    Such an update has no canary, no steps, no waits and no alarms, and callers never reach the old and the
    new fleet at the same time. Where a failed rollback left a mix, they reach that mix until its one shift. A
    rolling update exchanges half of the instances at a time, without waits. All other updates are as careful
    as the settings say (law 12).

    The law excludes updates that SageMaker guards in no way, approvals that the invocation could not read in
    the journal, and invocations that had read the journal before somebody restored it.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._approvals = Approvals(world)
        self._back: dict[int, set[str]] = {}
        """The configs that callers reached before each update that goes back, by its number."""

    def note_call(self, call: Call) -> None:
        """Remember which approvals an invocation may know."""
        self._approvals.note_call(call)

    def check_call(self, call: Call) -> None:
        """Look whether an update is as fast as it must be, and no faster."""
        self.note_call(call)
        if not (call.is_write and call.operation == "UpdateEndpoint"):
            return
        if self.world.schedule.rollout is RolloutKind.UNGUARDED or is_unguardable(self.world, call):
            return
        goes_back, fast = self.goes_back(call), is_fast(self.world, call)
        name, config = call.request["EndpointName"], call.request["EndpointConfigName"]
        if self.world.schedule.as_forward:
            if fast:
                raise self.broken(f"{name} gets {config} all at once, and goes back as forward")
            return
        if goes_back is None:
            return
        if goes_back and (not fast or alarms_of(dict(call.request["DeploymentConfig"]))):
            raise self.broken(f"{name} goes back to {config} by {call.request.get('DeploymentConfig')}")
        if fast and not goes_back:
            raise self.broken(f"{name} goes forward to {config} all at once")
        if goes_back:
            self._back[call.number] = self._reached(name)

    def goes_back(self, call: Call) -> bool | None:
        """Tell whether an update goes back; None if nobody can say what the invocation knew."""
        name, config = call.request["EndpointName"], call.request["EndpointConfigName"]
        endpoint, new = self.world.describe(name), self.world.people.config_content(config)
        assert endpoint is not None, "SageMaker updates what is there"
        assert new is not None, "SageMaker accepts configs that exist"
        if self.facts.recovered(name, call.invocation.started):
            # It decides by what it read, and nothing shows that any more.
            return None
        led = [each for each in self.facts.attempts(name) if each["action"] not in ASIDE]
        well = served_well(led)
        leaving = [each for each in led if each["endpoint_config_name"] == endpoint["EndpointConfigName"]]
        is_proven = any(each["endpoint_config_name"] == config for each in well)
        if not leaving:
            return is_proven
        if endpoint["EndpointStatus"] != "InService" and is_proven:
            # It repairs what a failed rollback left, whatever the approvals are.
            return True
        left = leaving[-1]
        known = self._approvals.read_by(call, name)
        if self._approvals.unread_by(call, name) & {new[0], left["version_arn"].lower()}:
            return None
        wanted = known.get(new[0])
        if wanted is None or not any(
            _is_of(each, wanted) and self.facts.is_remembered(each, wanted) for each in well
        ):
            return False
        if left["version_arn"].lower() == new[0]:
            # The same version: back if a release of other settings comes again, forward to new settings.
            return is_proven and left["endpoint_config_name"] != config and "failed_test" in left
        orders = [(left["approved_at"], int(left["version"]))]
        if (renewed := known.get(left["version_arn"].lower())) is not None:
            orders.append(order_of(renewed))
        return max(orders) > order_of(wanted)

    def check_change(self) -> None:
        """Look that all calls move together."""
        if self.world.schedule.rollout is RolloutKind.ROLLING:
            return
        for rollout in self.facts.rollouts:
            if rollout.call.number not in self._back or rollout.ended is not None:
                continue
            name = rollout.endpoint_name
            reached = self._reached(name)
            if len(reached) > 1 and reached != self._back[rollout.call.number]:
                raise self.broken(f"callers of {name} reach {sorted(reached)} while it goes back")

    def _reached(self, name: str) -> set[str]:
        return {spec.endpoint_config_name for spec, _ in self.world.hosting.receiving(name)}


def _is_of(attempt: dict[str, Any], approval: dict[str, Any]) -> bool:
    """Tell whether a deployment was of an approved version, with its approved content as far as known."""
    digests = {attempt.get("artifact_digest"), approval.get("artifact_digest")}
    return attempt["version_arn"].lower() == approval["version_arn"].lower() and (
        None in digests or len(digests) == 1
    )


class Law28LastResortComesLast(Law):
    """No untried version goes out while one that served well may serve, if something speaks against it.

    Two things speak against a version that never served well. A deployment of a later approval went out since
    its own, or the journal says that it was superseded. Or it failed since its approval with other settings,
    and no version that stands serves with the present ones. The journal calls an approval superseded only by
    a version with a later approval that AWS was asked for.

    When such a version is put on an endpoint, no other approval that stands is of a version that has served
    well and may serve: with the present settings, now or after a retry, or as it served. The law excludes
    invocations in which a call met a fault, or during which people did anything. It excludes approvals that
    the invocation could not read in the journal, and notes that they are superseded.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._approvals = Approvals(world)
        self._newest = Law3NewestStandingApproval(world, facts)

    def check_call(self, call: Call) -> None:
        """Look what else could have been put on an endpoint."""
        self._approvals.note_call(call)
        if not (call.is_write and call.operation in CHANGES):
            return
        name, people = call.request["EndpointName"], self.world.people
        content = people.config_content(call.request["EndpointConfigName"])
        settings, endpoint = people.settings.get(name), self.world.describe(name)
        if (
            settings is None
            or content is None
            or call.invocation.faulty
            or people.last_done >= call.invocation.started
        ):
            return
        attempts = self.facts.attempts(name)
        known = self._approvals.read_by(call, name)
        live = people.config_content(endpoint["EndpointConfigName"]) if endpoint is not None else None
        chosen = known.pop(content[0], None)
        if chosen is None or not self._newest.is_last_resort(name, settings, chosen, live):
            return
        for approval in known.values():
            if (
                "rollback" not in approval
                and self._newest.served_well(approval, attempts)
                and self._newest.stands(settings, approval)
                and self._newest.chance(name, settings, approval, live) is not None
            ):
                other = approval["version_arn"]
                raise self.broken(f"{name} gets {content[0]}, the last resort; {other} served well")

    def check_rest(self) -> None:
        """Look whether what the journal calls superseded was."""
        for name in self.world.people.endpoints:
            approvals = self.world.journal(name, "approval#")
            for each in approvals:
                by = each.get("superseded_by")
                if by is None:
                    continue
                tried = [
                    other
                    for other in self.facts.attempts(name)
                    if other["action"] not in ASIDE
                    and other["version"] == by
                    and other["status"] not in {"open", "withdrawn"}
                ]
                # The journal may have got these approvals before the first call that this law saw.
                is_later = self._approvals.ever_had_later(each, by) or any(
                    other["version"] == by and order_of(other) > order_of(each)
                    for other in (*approvals, *tried)
                )
                if not is_later or not tried:
                    raise self.broken(f"{name}: {each['version_arn']} counts as superseded by {by}, untrue")


BACK_LAWS: Final[tuple[type[Law], ...]] = (Law27BackAtOnce, Law28LastResortComesLast)
