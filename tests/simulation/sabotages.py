"""Ways to break the deployer, each of which a law must catch: one exact replacement of text in its source.

Owns the list, and for each the schedule that is known to catch it (`catches.json`), which stays what it is
however others are drawn. A replacement whose text is not found exactly once is an error, so that none goes
stale in silence.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.simulation.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

_CATCHES: Final = Path(__file__).with_name("catches.json")


class StaleSabotageError(Exception):
    """The text that a sabotage replaces is not in the deployer exactly once."""


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One way to break the deployer.

    Attributes:
        name: In a few words.
        file: In `lambdas/deployer`.
        old: The text that is replaced.
        new: By what.
    """

    name: str
    file: str
    old: str
    new: str

    @property
    def known(self) -> Schedule | None:
        """A schedule that is known to catch it, if one is."""
        document = json.loads(_CATCHES.read_text()).get(self.name)
        return Schedule.from_json(json.dumps(document)) if document is not None else None

    def apply(self, deployer: Path) -> None:
        """Break a copy of the deployer.

        Raises:
            StaleSabotageError: The text is not there exactly once.
        """
        path = deployer / self.file
        source = path.read_text()
        if source.count(self.old) != 1:
            raise StaleSabotageError(
                f"{self.name}: {self.file} has the text to replace {source.count(self.old)} times, not once. "
                f"The deployer changed: adapt the sabotage.\n{self.old}"
            )
        path.write_text(source.replace(self.old, self.new))


def keep(catches: Mapping[str, str]) -> None:
    """Write down which schedules, as JSON, catch sabotages from now on; forget sabotages that are gone."""
    names = {each.name for each in SABOTAGES}
    known = {**json.loads(_CATCHES.read_text()), **{name: json.loads(text) for name, text in catches.items()}}
    lines = [f"{json.dumps(name)}: {json.dumps(known[name])}" for name in sorted(known) if name in names]
    _CATCHES.write_text("{\n" + ",\n".join(lines) + "\n}\n")


SABOTAGES: Final[tuple[Sabotage, ...]] = (
    Sabotage(
        "drop the write-ahead",
        "endpoint_pass/attempts.py",
        "        if not self._journal.begin(attempt):\n",
        "        if attempt is None:\n",
    ),
    Sabotage(
        "claim without a condition",
        "gateways/journal.py",
        '        condition = "attribute_not_exists(endpoint)"\n',
        '        condition = "attribute_exists(endpoint) OR attribute_not_exists(endpoint)"\n',
    ),
    Sabotage(
        "move without a condition",
        "gateways/journal.py",
        'ConditionExpression="#status = :old_status AND #lease_until = :old_lease_until",',
        'ConditionExpression="attribute_exists(endpoint)",',
    ),
    Sabotage(
        "retry the failed",
        "model/attempt.py",
        "            and self.settled_at >= since\n",
        "            and self.settled_at < since\n",
    ),
    Sabotage(
        "sort by version",
        "decisions/choice.py",
        "        return (self.approved_at, self.version)\n",
        "        return (self.version, self.approved_at)\n",
    ),
    Sabotage(
        "delete one too many",
        "decisions/retention.py",
        "[:limit])",
        "[: limit - 1])",
    ),
    Sabotage(
        "delete a former config's model",
        "decisions/retention.py",
        "        if attempt.endpoint_config_name in kept\n",
        "        if attempt.endpoint_config_name in set(needed)\n",
    ),
    Sabotage(
        "clean up during a rollout",
        "endpoint_pass/executor.py",
        "                self._attempts.accept(attempt)\n",
        "                self._attempts.accept(attempt)\n"
        "                if attempt.replaces_endpoint_config_name is not None:\n"
        "                    self._sagemaker.delete_endpoint_config(\n"
        "                        attempt.replaces_endpoint_config_name, owner=(STACK_TAG, self._stack_name)\n"
        "                    )\n",
    ),
    Sabotage(
        "never clean up",
        "reconciler.py",
        "        return bool(deletion) and self._executor.clean_up(deletion, endpoint)\n",
        "        return deletion is None\n",
    ),
    Sabotage(
        "trust InService, ignore the old config's name",
        "model/attempt.py",
        "    on_its_config = endpoint.endpoint_config_name == attempt.endpoint_config_name\n",
        "    on_its_config = endpoint is not None\n",
    ),
    Sabotage(
        "trust a stale read",
        "model/attempt.py",
        "STALE_READ_LIMIT: Final = timedelta(minutes=15)",
        "STALE_READ_LIMIT: Final = timedelta(0)",
    ),
    Sabotage(
        "skip the re-read before the write",
        "endpoint_pass/executor.py",
        "        if not self._still_stands(release):\n",
        "        if release is None:\n",
    ),
    Sabotage(
        "deploy what is not approved",
        "gateways/sagemaker.py",
        'return self.approval_status == "Approved" and',
        "return",
    ),
    Sabotage(
        "adopt what is not approved",
        "gateways/sagemaker.py",
        '                    ModelApprovalStatus="Approved",\n',
        "",
    ),
    Sabotage(
        "adopt nothing",
        "reconciler.py",
        "            if not self._knows(arn):\n",
        "            if arn is None:\n",
    ),
    Sabotage(
        "take metadata for an approval",
        "reconciler.py",
        "        elif self._names_approval(hint) or not self._knows(hint.version_arn):\n",
        "        else:\n",
    ),
    Sabotage(
        "forget the lease",
        "endpoint_pass/attempts.py",
        "return attempt.status is AttemptStatus.OPEN and self._now() >= attempt.lease_until\n",
        "return attempt.status is AttemptStatus.OPEN\n",
    ),
    Sabotage(
        "take over too early",
        "endpoint_pass/attempts.py",
        "LEASE: Final = timedelta(minutes=6)",
        "LEASE: Final = timedelta(seconds=5)",
    ),
    Sabotage(
        "report before settling",
        "endpoint_pass/attempts.py",
        "        settled = self._move(\n",
        "        if attempt.action is not Action.CLEAN_UP and status is not AttemptStatus.WITHDRAWN:\n"
        "            early = replace(attempt, status=status, reason=reason, settled_at=now)\n"
        "            self._reporter.report(outcomes.settled(early, endpoint, None))\n"
        "        settled = self._move(\n",
    ),
    Sabotage(
        "drop unreported outcomes",
        "endpoint_pass/attempts.py",
        "            if _owes_report(attempt) and self._now() >= attempt.lease_until:\n",
        "            if attempt is None:\n",
    ),
    Sabotage(
        "treat withdrawn as failed",
        "endpoint_pass/executor.py",
        "self._attempts.settle(attempt, AttemptStatus.WITHDRAWN, reason=str(obstacle), endpoint=None)",
        "self._attempts.settle(attempt, AttemptStatus.FAILED, reason=str(obstacle), endpoint=None)",
    ),
    Sabotage(
        "treat busy as refused",
        "gateways/sagemaker.py",
        "        if _is(error, _ALREADY_EXISTS) or _is(error, _BUSY):\n",
        "        if _is(error, _ALREADY_EXISTS):\n",
    ),
    Sabotage(
        "delete an endpoint that serves",
        "decisions/plan.py",
        "    if observed.status in statuses.FAILED:\n",
        "    if observed.status in statuses.FAILED | statuses.UPDATABLE:\n",
    ),
    Sabotage(
        "name from the clock",
        "model/names.py",
        '    suffix = f"-v{version}-{fingerprint([endpoint_name, content])}"\n',
        "    suffix = f\"-v{version}-{fingerprint([endpoint_name, __import__('time').time_ns()])}\"\n",
    ),
    Sabotage(
        "ignore the group",
        "model/settings.py",
        "return account_of(version_arn) == account and self.group_name.lower() == group_name.lower()\n",
        "return account_of(version_arn) == account\n",
    ),
    Sabotage(
        "ignore the approvers",
        "reconciler.py",
        "            objection=objection,\n",
        "            objection=None,\n",
    ),
    Sabotage(
        "take what was found before an update for what served last",
        "phases/promotion.py",
        "        while led is not None and led.status is not AttemptStatus.SUCCEEDED:\n"
        "            led = self._led_to(led)\n",
        "",
    ),
    Sabotage(
        "stamp no end that left the window before the rest",
        "endpoint_pass/attempts.py",
        "missing := attempts[-1].number - 1 - number) <= 0:\n",
        "missing := 0) <= 0:\n",
    ),
    Sabotage(
        "take what a repeated event finds for what was approved",
        "reconciler.py",
        "            if all(each.key != approval.key for each in self._history.approvals):\n"
        "                self._attempts.history = self._journal.read(self._name)\n",
        "            self._attempts.history = self._history.with_approval(approval)\n",
    ),
    Sabotage(
        "forget what a reject would bring back",
        "reconciler.py",
        "keep=keep, needed=needed, fallback=fallback, recalled",
        "keep=keep, needed=needed, fallback=None, recalled",
    ),
    Sabotage(
        "reset what somebody scaled",
        "endpoint_pass/executor.py",
        "self._update({**request, **kept}, release)\n",
        "self._update(request, release)\n",
    ),
    Sabotage(
        "retain what the settings change",
        "decisions/variants.py",
        '        **({"ExcludeRetainedVariantProperties": changed} if changed else {}),\n',
        "",
    ),
    Sabotage(
        "hand over only the first part of a sweep",
        "dispatcher.py",
        "        self._bus.put_parts(parts)\n",
        "        self._bus.put_parts(parts[:1])\n",
    ),
    Sabotage(
        "forget the rest of a sweep when time runs out",
        "dispatcher.py",
        "                self._bus.put_parts([SweepPart(tuple(remaining))])\n",
        "",
    ),
    Sabotage(
        "let one endpoint's trouble end a sweep",
        "dispatcher.py",
        "            self._failures[endpoint_name] = error\n",
        "            raise\n",
    ),
    Sabotage(
        "forget what failed long ago",
        "reconciler.py",
        "        if self._history.reaches(approval.approved_at):\n",
        "        if approval is not None:\n",
    ),
    Sabotage(
        "try what was taken back",
        "phases/smoke_testing.py",
        "        if not all(self._still_stands(each) for each in attempt.version_arns):\n",
        "        if not attempt.version_arns:\n",
    ),
    Sabotage(
        "abort without reading the approval again",
        "reconciler.py",
        "if all(self._may_still_stand(each) for each in taken_back):\n",
        "if not taken_back:\n",
    ),
    Sabotage(
        "leave the abort alarm set",
        "phases/upkeep.py",
        "            self._gateways.alarms.clear(self._settings.abort_alarm_name)\n",
        "            pass\n",
    ),
    Sabotage(
        "leave the alarm set that aborted a rollout",
        "endpoint_pass/attempts.py",
        "            clear_abort()\n",
        "            pass\n",
    ),
    Sabotage(
        "blame the version for an abort",
        "model/attempt.py",
        "        return Judgement(Verdict.ABORTED, _ABORTED)\n",
        "        return Judgement(Verdict.FAILED, _ABORTED)\n",
    ),
    Sabotage(
        "abort without noting it",
        "reconciler.py",
        "        self._attempts.note_abort(attempt)\n",
        "",
    ),
    Sabotage(
        "forget that scaling was taken off",
        "phases/upkeep.py",
        "            self.note(scaling={name: each for name, each in before.items() "
        "if name != variant_name})\n",
        "",
    ),
    Sabotage(
        "take scaling for done before it is",
        "phases/upkeep.py",
        "            wanted, registered = self._settings.scaling, self._rest.scaling\n",
        "            wanted, registered = self._settings.scaling, self._rest.scaling\n"
        "            self.note(scaling=wanted)\n",
    ),
    Sabotage(
        "let an endpoint in sync lack its scaling",
        "phases/upkeep.py",
        "            and self._rest.scaling == self._settings.scaling\n",
        "",
    ),
    Sabotage(
        "leave policies that are wanted no more",
        "gateways/scalable_targets.py",
        "    return [each[key] for each in applied.get(kind, ()) if each[key] not in names]\n",
        "    return [each[key] for each in () if each[key] not in names]\n",
    ),
    Sabotage(
        "take a new endpoint's scaling for the old one's",
        "endpoint_pass/executor.py",
        "            self._upkeep.note(scaling={})\n",
        "            pass\n",
    ),
    Sabotage(
        "update without the rollout that the settings ask for",
        "model/release.py",
        '    return {"DeploymentConfig": settings.deployment_config} if settings.deployment_config else {}\n',
        "    return {} if settings else {}\n",
    ),
    Sabotage(
        "leave the rollback alarms out of updates",
        "model/release.py",
        '    return {"DeploymentConfig": settings.deployment_config} if settings.deployment_config else {}\n',
        "    kept = dict(settings.deployment_config or {})\n"
        '    kept.pop("AutoRollbackConfiguration", None)\n'
        '    return {"DeploymentConfig": kept} if kept else {}\n',
    ),
    Sabotage(
        "retain weights, and set counts anew",
        "decisions/variants.py",
        "        if any(_value(before[each], member) != _value(after[each], member) for each in after)\n",
        '        if member == "InitialInstanceCount"\n'
        "        or any(_value(before[each], member) != _value(after[each], member) for each in after)\n",
    ),
    Sabotage(
        "take scaling off for every update",
        "decisions/variants.py",
        '        if variant["VariantName"] not in after or after[variant["VariantName"]] != '
        'variant.get("InstanceType")\n',
        "        if after is not None\n",
    ),
    Sabotage(
        "take an alarm for a reason that passes",
        "model/transience.py",
        '    "Rate exceeded": ',
        '    "alarm": "", "Rate exceeded": ',
    ),
    Sabotage(
        "begin an update without clearing the abort alarm",
        "endpoint_pass/executor.py",
        " and not self._upkeep.clear_abort():\n",
        " and False:\n",
    ),
    Sabotage(
        "update under alarms that are on",
        "reconciler.py",
        "        on = self._alarms.on(names)\n",
        "        on = frozenset[str]()\n",
    ),
    Sabotage(
        "wait for no alarm",
        "decisions/guardrails.py",
        "    if rolled_back_at is not None and now < rolled_back_at + SETTLING:\n",
        "    if rolled_back_at is not None and now < rolled_back_at:\n",
    ),
    Sabotage(
        "leave every alarm out once one is on",
        "decisions/guardrails.py",
        'if alarm["AlarmName"] not in alarm_names]:\n',
        "if not alarm_names]:\n",
    ),
    Sabotage(
        "go live without the smoke test",
        "endpoint_pass/attempts.py",
        "        if status is AttemptStatus.SUCCEEDED and is_tested(attempt):\n",
        "        if status is None and is_tested(attempt):\n",
    ),
    Sabotage(
        "take every answer for a good one",
        "phases/smoke_test_run.py",
        "                    unmet = request.unmet(answer)\n",
        "                    unmet = None\n",
    ),
    Sabotage(
        "let a version stay that failed its smoke test",
        "decisions/choice.py",
        "        if serving is not None and serves and judged.failed and serving.failed_at is not None:\n",
        "        if serving is not None and serves and now is None and serving.failed_at is not None:\n",
    ),
    Sabotage(
        "ignore the gate",
        "model/life_cycle.py",
        "        return life_cycle is not None and (\n"
        "            life_cycle == self.asks_for or life_cycle.stage in self.later_stages\n"
        "        )\n",
        "        return self is not None\n",
    ),
    Sabotage(
        "promote before the soak is over",
        "model/life_cycle.py",
        "        return serves_since + self.soak\n",
        "        return serves_since\n",
    ),
    Sabotage(
        "promote while an alarm is on",
        "phases/promotion.py",
        "            return self._gateways.alarms.disturbed_since(since, names)\n",
        "            return []\n",
    ),
    Sabotage(
        "promote under no attempt",
        "phases/promotion.py",
        "        status, reason = AttemptStatus.SUCCEEDED, None\n",
        "        status, reason = AttemptStatus.SUCCEEDED, None\n"
        "        self._attempts.settle(claimed, AttemptStatus.SUCCEEDED, reason=None, endpoint=endpoint)\n"
        "        claimed = self._attempts.begin_promotion(attempt, promotion.goal)\n"
        "        self._attempts.settle(claimed, AttemptStatus.WITHDRAWN, reason=None, endpoint=endpoint)\n",
    ),
    Sabotage(
        "overwrite what a person decided for the next stage",
        "model/life_cycle.py",
        "        return life_cycle is not None and (\n"
        "            life_cycle.stage == self.goal.stage or life_cycle.stage in self.later_stages\n"
        "        )\n",
        "        return life_cycle == self.goal\n",
    ),
    Sabotage(
        "promote what is no longer approved",
        "phases/promotion.py",
        "        version = self._read_version(attempt.version_arn)\n"
        "        digest = self._look(version) if version is not None else None\n",
        "        version = self._gateways.sagemaker.describe_model_version(attempt.version_arn)\n"
        "        digest = self._look(version) if version is not None else None\n",
    ),
    Sabotage(
        "promote what is no longer what it served",
        "phases/promotion.py",
        "        if attempt.artefact_digest not in {None, digest}:\n",
        "        if attempt.artefact_digest is None:\n",
    ),
    Sabotage(
        "promote again and again",
        "phases/promotion.py",
        "        return any(self._settles(each) for each in made)\n",
        "        return made is None\n",
    ),
    Sabotage(
        "stamp with each sweep",
        "phases/promotion.py",
        "        self._upkeep.note(stamped=unstamped[-1].number)\n"
        "\n"
        "    def _stamp(self, version_arn: str, wanted: dict[str, str]) -> None:\n"
        "        with registry_refusals():\n",
        "\n"
        "    def _stamp(self, version_arn: str, wanted: dict[str, str]) -> None:\n"
        "        self._gateways.sagemaker.put_metadata(version_arn, wanted)\n"
        "        with registry_refusals():\n",
    ),
    Sabotage(
        "stamp again",
        "phases/promotion.py",
        "        self._upkeep.note(stamped=unstamped[-1].number)\n"
        "\n"
        "    def _stamp(self, version_arn: str, wanted: dict[str, str]) -> None:\n"
        "        with registry_refusals():\n",
        "        self._upkeep.note(stamped=unstamped[-1].number - 1)\n"
        "\n"
        "    def _stamp(self, version_arn: str, wanted: dict[str, str]) -> None:\n"
        "        self._gateways.sagemaker.put_metadata(version_arn, wanted)\n"
        "        with registry_refusals():\n",
    ),
    Sabotage(
        "stamp what a version is by now as what was deployed",
        "phases/promotion.py",
        "        return version_metadata.of_digest("
        "attempt.artefact_digest, self._stage_name, specification_name)\n",
        "        found = self._gateways.sagemaker.describe_model_version(attempt.version_arn)\n"
        "        digest = self._look(found) if found is not None else None\n"
        "        return version_metadata.of_digest(digest or '', self._stage_name, specification_name)\n",
    ),
    Sabotage(
        "take a stage's deployer for an approver",
        "model/approval_policy.py",
        "        if _is_one_of(approved_by, self.deployers):\n",
        "        if approved_by is None:\n",
    ),
    Sabotage(
        "deploy what was changed after its approval",
        "reconciler.py",
        "        if approval.artefact_digest != digest:\n",
        "        if version is None:\n",
    ),
    Sabotage(
        "go back to what was changed since it served",
        "reconciler.py",
        "        changed = self._changed(approval, version)\n",
        "        changed = (\n"
        "            None\n"
        "            if went_live(release, self._history.attempts)\n"
        "            else self._changed(approval, version)\n"
        "        )\n",
    ),
    Sabotage(
        "deploy what another stage never deployed",
        "decisions/version_metadata.py",
        "and name != stage_name and value != digest:\n",
        "and name != stage_name and not value:\n",
    ),
    Sabotage(
        "know an artefact by its place alone",
        "endpoint_pass/artifacts.py",
        "        digest = names.digest([containers, held])\n",
        "        digest = names.digest([containers, len(held)])\n",
    ),
    Sabotage(
        "look at artefacts once and not right before the write",
        "reconciler.py",
        "        return seen is None or seen == self._look(version)\n",
        "        return seen is None or version is not None\n",
    ),
    Sabotage(
        "take what is beside an artefact for a part of it",
        "gateways/s3.py",
        '                if key in {"", each["Key"]} or key.endswith("/")\n',
        "",
    ),
    Sabotage(
        "name a release whatever its version is made of",
        "model/release.py",
        "            content = model if served.artefact_digest is None else ",
        "            content = model if served.number else ",
    ),
    Sabotage(
        "stamp what was found as what had served",
        "phases/promotion.py",
        "                and each.status is AttemptStatus.SUCCEEDED\n",
        "                and each.status is not AttemptStatus.WITHDRAWN\n",
    ),
    Sabotage(
        "put a pinned version on without reading it again",
        "reconciler.py",
        "            self._is_as_chosen(arn) for arn in release.version_arns\n",
        "            self._is_as_chosen(arn) for arn in release.version_arns[:1]\n",
    ),
    Sabotage(
        "pin whatever the settings say",
        "reconciler.py",
        "            if version is not None and self._obstacle(version) is None:\n                pinned[",
        "            if version is not None:\n                pinned[",
    ),
    Sabotage(
        "let a shadow's approval count for what serves",
        "decisions/choice.py",
        "    for approval in latest_per_version(each for each in approvals if each.counts):\n",
        "    for approval in latest_per_version(each for each in approvals if each.decides):\n",
    ),
)
