"""Ways to break the deployer, each of which a law must catch: one exact replacement of text in its source.

Owns the list, and for each the schedule that is known to catch it (`catches.json`), independent of how other
schedules are drawn. It is an error if the text is not found exactly once, so that no sabotage becomes stale
silently.
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
        path.write_text(self.broken(path.read_text()))

    def broken(self, source: str) -> str:
        """Return the broken source of its file.

        Raises:
            StaleSabotageError: The text is not there exactly once.
        """
        if source.count(self.old) != 1:
            raise StaleSabotageError(
                f"{self.name}: {self.file} has the text to replace {source.count(self.old)} times, not once. "
                f"The deployer changed: adapt the sabotage.\n{self.old}"
            )
        return source.replace(self.old, self.new)


def keep(catches: Mapping[str, str]) -> None:
    """Write down which schedules, as JSON, catch sabotages from now on; forget sabotages that are gone."""
    names = {each.name for each in SABOTAGES}
    known = {**json.loads(_CATCHES.read_text()), **{name: json.loads(text) for name, text in catches.items()}}
    lines = [f"{json.dumps(name)}: {json.dumps(known[name])}" for name in sorted(known) if name in names]
    # Other hunts read it meanwhile.
    new = _CATCHES.with_suffix(".new")
    new.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    new.replace(_CATCHES)


SABOTAGES: Final[tuple[Sabotage, ...]] = (
    Sabotage(
        "drop the write-ahead",
        "endpoint_pass/ledger.py",
        "            if self._journal.begin("
        "attempt, latest, unannounced=unannounced, announced=announced):\n",
        "            if attempt is not None:\n",
    ),
    Sabotage(
        "claim without a condition",
        "gateways/journal.py",
        'Write("Put", name, LATEST_ATTEMPT, item, equal=unchanged)',
        'Write("Put", name, LATEST_ATTEMPT, item)',
    ),
    Sabotage(
        "move without a condition",
        "gateways/journal.py",
        'Write("Update", name, key, changed, equal=unless),\n',
        'Write("Update", name, key, changed),\n',
    ),
    Sabotage(
        "retry the failed",
        "decisions/retries.py",
        "        and attempt.answers(since)\n"
        "        and (attempt.failed_test is None or attempt.failed_test.smoke_test == release.smoke_test)\n"
        "    )\n\n\ndef is_own_failure(",
        "        and not attempt.answers(since)\n"
        "        and (attempt.failed_test is None or attempt.failed_test.smoke_test == release.smoke_test)\n"
        "    )\n\n\ndef is_own_failure(",
    ),
    Sabotage(
        "date an approval by another clock than the registry's",
        "phases/approvals.py",
        "        approved_at=change.last_modified_time or change.time,\n",
        "        approved_at=change.time,\n",
    ),
    Sabotage(
        "take a release for made while one of its models is in use",
        "model/history.py",
        "    return [each for each in records if each.made and each.endpoint_config_name in deleted]\n",
        "    return [\n"
        "        each\n"
        "        for each in records\n"
        "        if each.made and each.endpoint_config_name in deleted and deleted >= {*each.model_names}\n"
        "    ]\n",
    ),
    Sabotage(
        "begin with the highest version whatever serves",
        "decisions/first_look.py",
        "(each == serving, version_number(each)), reverse=True)\n",
        "(not serving, version_number(each)), reverse=True)\n",
    ),
    Sabotage(
        "begin with the version that the registry lists last",
        "decisions/first_look.py",
        "(each == serving, version_number(each)), reverse=True)\n",
        "(each == serving, -version_number(each)), reverse=True)\n",
    ),
    Sabotage(
        "believe a first list that lacks what serves",
        "phases/first_look.py",
        " if each.lower() in listed or self._stands(each)\n",
        " if each.lower() in listed\n",
    ),
    Sabotage(
        "begin with the highest version where what serves may not be read",
        "phases/first_look.py",
        "versions_on(config_name, may_skip=False)\n",
        "versions_on(config_name)\n",
    ),
    Sabotage(
        "take what the first list lacked for newly approved",
        "endpoint_pass/approvals.py",
        "            and look.group == self._settings.model_package_group\n            and isinstance",
        "            and look.group != self._settings.model_package_group\n            and isinstance",
    ),
    Sabotage(
        "take what the first list lacked for newer than what serves",
        "endpoint_pass/approvals.py",
        "(look.served and not serves)",
        "(look.served and serves)",
    ),
    Sabotage(
        "count a resource that is not visible yet as a failed look",
        "endpoint_pass/look_notes.py",
        "        passes = isinstance(error, NotVisibleYetError)\n",
        "        passes = isinstance(look, NotVisibleYetError)\n",
    ),
    Sabotage(
        "sort by version",
        "model/approval.py",
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
        "if each.endpoint_config_name in kept for name in",
        "if each.endpoint_config_name in set(needed) for name in",
    ),
    Sabotage(
        "clean up during a rollout",
        "phases/rollout.py",
        "                self._attempts.accept(deployment)\n",
        "                self._attempts.accept(deployment)\n"
        "                if deployment.replaces_endpoint_config_name is not None:\n"
        "                    from deployer.model.steps import DeleteEndpointConfig\n"
        "\n"
        "                    self._executor.make(DeleteEndpointConfig("
        "deployment.replaces_endpoint_config_name))\n",
    ),
    Sabotage(
        "never clean up",
        "phases/cleanup.py",
        "        if not deletion:\n",
        "        if deletion is not None:\n",
    ),
    Sabotage(
        "trust InService, ignore the old config's name",
        "decisions/judgement.py",
        "    on_its_config = endpoint.endpoint_config_name == attempt.endpoint_config_name\n",
        "    on_its_config = endpoint is not None\n",
    ),
    Sabotage(
        "trust a stale read",
        "decisions/judgement.py",
        "STALE_READ_LIMIT: Final = timedelta(minutes=15)",
        "STALE_READ_LIMIT: Final = timedelta(0)",
    ),
    Sabotage(
        "skip the re-read before the write",
        "endpoint_pass/last_check.py",
        "        if not all(self._is_as_read(version) for version in chosen.values()) or not all(\n"
        "            self._is_as_chosen(arn, version) for arn, version in chosen.items()\n"
        "        ):\n",
        "        if chosen is None:\n",
    ),
    Sabotage(
        "deploy what is not approved",
        "model/model_version.py",
        'return self.approval_status == "Approved" and',
        "return",
    ),
    Sabotage(
        "adopt what is not approved",
        "gateways/model_registry.py",
        '                    ModelApprovalStatus="Approved",\n',
        "",
    ),
    Sabotage(
        "adopt nothing",
        "phases/approvals.py",
        "            if version_number(version_arn) not in before and not history.has_approval_of(\n",
        "            if version_number(version_arn) in before and history.has_approval_of(\n",
    ),
    Sabotage(
        "take metadata for an approval",
        "phases/approvals.py",
        "        elif self._names_approval(change) or not self._ledger.history.has_approval_of(\n",
        "        elif change.version_arn or self._ledger.history.has_approval_of(\n",
    ),
    Sabotage(
        "know a version by its ARN alone",
        "model/model_version.py",
        "        return self.creation_time is None or self.creation_time <= approved_at\n",
        "        return self.creation_time is None or approved_at is not None\n",
    ),
    Sabotage(
        "blame a version for what one with its ARN did before",
        "model/approval.py",
        "        is_later = self.registered_at is None or approved_at >= self.registered_at\n",
        "        is_later = self.registered_at is None or approved_at is not None\n",
    ),
    Sabotage(
        "take an approval that did not count for one of the version that has the ARN now",
        "model/history.py",
        "        return any(registered_at is None or time >= registered_at for time in times)\n",
        "        return bool(times)\n",
    ),
    Sabotage(
        "take a version of a group that was made again for one of the first look",
        "phases/approvals.py",
        "for each, at in listed.items() if at > look.at + 2 * CLOCKS}\n",
        "for each, at in listed.items() if at is None}\n",
    ),
    Sabotage(
        "leave a config deleted that serves",
        "phases/repair.py",
        "        if not self.is_needed(name):\n",
        "        if not self.is_needed(name) or name is not None:\n",
    ),
    Sabotage(
        "make no deleted config again before an update",
        "phases/planning.py",
        "                deploy = replace(deploy, preparation=(repair, *deploy.preparation))\n",
        "                deploy = replace(deploy, preparation=deploy.preparation)\n",
    ),
    Sabotage(
        "leave an endpoint's tags as they were",
        "phases/tags.py",
        "        round_.troubles += self._executor.try_to_make(steps)\n",
        "        round_.troubles += self._executor.try_to_make(steps[:0])\n",
    ),
    Sabotage(
        "remove no tag that the settings have no more",
        "decisions/at_rest.py",
        "frozenset(applied) - frozenset(wanted), wanted)]",
        "frozenset(), wanted)]",
    ),
    Sabotage(
        "adopt nothing beside a version that cannot be read",
        "phases/approvals.py",
        "                self._approvals.find(version_arn)\n",
        "                if not isinstance(self._versions.known(version_arn), ModelVersion):\n"
        "                    break\n"
        "                self._approvals.find(version_arn)\n",
    ),
    Sabotage(
        "fail at a version that SageMaker refuses to describe",
        "gateways/model_registry.py",
        '_REFUSALS: Final = frozenset({_DENIED, "ValidationException"})\n',
        "_REFUSALS: Final = frozenset({_DENIED})\n",
    ),
    Sabotage(
        "fail at a version whose description is none",
        "gateways/model_registry.py",
        "        except _UNREADABLE as error:\n",
        "        except ZeroDivisionError as error:\n",
    ),
    Sabotage(
        "ask for a denied write with each sweep",
        "endpoint_pass/refused_writes.py",
        "            or self._now() >= write_retry_at(found)\n",
        "            or self._now() >= found.tried_at\n",
    ),
    Sabotage(
        "wait as long after each denial",
        "endpoint_pass/refused_writes.py",
        "        tries = before[key].tries + 1 if key in before else 1\n",
        "        tries = 1\n",
    ),
    Sabotage(
        "give up a stamp that is denied",
        "phases/promotion.py",
        "        if denied:\n",
        "        if denied and not ended:\n",
    ),
    Sabotage(
        "give up a promotion that is denied",
        "phases/promotion.py",
        "                if cause in {Cause.SURROUNDINGS, Cause.PASSING}:\n",
        "                if cause is Cause.PASSING:\n",
    ),
    Sabotage(
        "cover whatever botocore shows by a digest",
        "model/artifacts.py",
        "names.digest([_covered(list(containers), MEMBERS), held])",
        "names.digest([_covered(list(containers), None), held])",
    ),
    Sabotage(
        "take an endpoint that belongs to others",
        "phases/planning.py",
        "        return None if self._identity.has(tags) else self._identity.describe_foreign_endpoint"
        "(endpoint, tags)\n",
        '        return None if self._identity.has(tags) or endpoint.arn else ""\n',
    ),
    Sabotage(
        "note as told what nobody heard of",
        "endpoint_pass/notices.py",
        " or self._report(message):\n",
        " or self._logger.warning(message) is None:\n",
    ),
    Sabotage(
        "stamp a version as failed whose test could not be made",
        "decisions/version_metadata.py",
        "attempt.failed_test is not None and attempt.cause is Cause.SURROUNDINGS",
        "attempt.failed_test is not None and attempt.cause is None",
    ),
    Sabotage(
        "forget the lease",
        "phases/aborting.py",
        "    return attempt.status is AttemptStatus.OPEN and now >= attempt.lease_until\n",
        "    return attempt.status is AttemptStatus.OPEN\n",
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
        "        settled = self._ledger.move(attempt, lease_until=now + REPORT_GRACE, **changes)\n",
        "        if not isinstance(attempt, CleanUp) and status is not AttemptStatus.WITHDRAWN:\n"
        "            self._reports.report(replace(attempt, **changes), endpoint)\n"
        "        settled = self._ledger.move(attempt, lease_until=now + REPORT_GRACE, **changes)\n",
    ),
    Sabotage(
        "drop unreported outcomes",
        "endpoint_pass/reports.py",
        "            if is_owed(attempt) and self._now() >= attempt.lease_until:\n",
        "            if attempt is None:\n",
    ),
    Sabotage(
        "treat withdrawn as failed",
        "phases/rollout.py",
        "self._attempts.settle(deployment, AttemptStatus.WITHDRAWN, reason=str(reason))",
        "self._attempts.settle(deployment, AttemptStatus.FAILED, reason=str(reason), cause=Cause.SETTINGS)",
    ),
    Sabotage(
        "treat busy as refused",
        "gateways/sagemaker_errors.py",
        "        if is_error(error, _ALREADY_EXISTS) or is_error(error, _BUSY):\n",
        "        if is_error(error, _ALREADY_EXISTS):\n",
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
        "ignore the approvers",
        "endpoint_pass/approvers.py",
        "            objection=objection,\n",
        "            objection=None,\n",
    ),
    Sabotage(
        "forget which versions the registry shows as live",
        "phases/promotion.py",
        "metadata_written=ended[-1].number, metadata_live=changes.live)\n",
        "metadata_written=ended[-1].number, metadata_live={})\n",
    ),
    Sabotage(
        "forget an end that was not announced when the next attempt began",
        "endpoint_pass/ledger.py",
        "            unannounced = latest is not None "
        "and not is_announced(latest, metadata_written=written)\n",
        "            unannounced = False\n",
    ),
    Sabotage(
        "take what a repeated event finds for what was approved",
        "endpoint_pass/ledger.py",
        "        self._keep(written, partial(_with_approval, marked))\n",
        "        self._history = self._history.with_approval(marked)\n",
    ),
    Sabotage(
        "forget what a reject would bring back",
        "decisions/retention.py",
        "fallbacks=_fallbacks(facts, others.choice))",
        "fallbacks=())",
    ),
    Sabotage(
        "reset what somebody scaled",
        "decisions/plan.py",
        "request = {**change.request, **properties.request}\n",
        "request = {**change.request}\n",
    ),
    Sabotage(
        "retain what the settings change",
        "decisions/variant_properties.py",
        '            **({"ExcludeRetainedVariantProperties": excluded} if excluded else {}),\n',
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
        "                self._bus.put_parts([SweepPart(tuple(each.endpoint_name for each in remaining))])\n",
        "",
    ),
    Sabotage(
        "ignore that settings changed",
        "dispatcher.py",
        "            or records[name].settings_digest != digest\n",
        "",
    ),
    Sabotage(
        "note no other settings than the first",
        "decisions/sweep.py",
        "    if ended and record.settings_digest != settings_digest:\n",
        "    if ended and record.settings_digest is None:\n",
    ),
    Sabotage(
        "note settings whatever became of the look",
        "decisions/sweep.py",
        "    if ended and record.settings_digest != settings_digest:\n",
        "    if record.settings_digest != settings_digest:\n",
    ),
    Sabotage(
        "note settings before the look",
        "dispatcher.py",
        "                ended = reconciler.reconcile(first)\n"
        "                if look is not None:\n"
        "                    self._look_notes.note(look, first, ended=ended)\n",
        "                if look is not None:\n"
        "                    self._look_notes.note(look, first, ended=True)\n"
        "                reconciler.reconcile(first)\n",
    ),
    Sabotage(
        "take what another invocation began for the settings' effect",
        "reconciler.py",
        "        return is_new and attempt.invocation_id == self._ledger.invocation_id\n",
        "        return is_new or attempt.invocation_id != self._ledger.invocation_id\n",
    ),
    Sabotage(
        "forget the endpoints that left the settings",
        "decisions/sweep.py",
        "        return since is not None and since < began - TAKING_EFFECT\n",
        "        return since is None\n",
    ),
    Sabotage(
        "take endpoints of newer settings for removed ones",
        "decisions/sweep.py",
        "        return since is not None and since < began - TAKING_EFFECT\n",
        "        return since is not None\n",
    ),
    Sabotage(
        "forget a removal that nobody heard of",
        "phases/unmanaged.py",
        "            if not self._report(ledger, left, correlation_id, is_over=over):\n",
        "            if self._report(ledger, left, correlation_id, is_over=over) is None:\n",
    ),
    Sabotage(
        "never forget an endpoint that left the settings",
        "phases/unmanaged.py",
        "            fleet.forget(endpoint_name, left)\n",
        '            self._logger.info("It is over")\n',
    ),
    Sabotage(
        "forget an endpoint that left while an older invocation may be at work",
        "decisions/sweep.py",
        "record.left_at < began - LONGEST_AT_WORK\n",
        "record.left_at <= began\n",
    ),
    Sabotage(
        "settle that nobody hears of a removal while an older invocation may make the endpoint",
        "phases/unmanaged.py",
        "            return is_over\n",
        "            return True\n",
    ),
    Sabotage(
        "know nothing of an endpoint before its first look ended",
        "model/fleet.py",
        "        return self.noted_at or self.known_since\n",
        "        return self.noted_at\n",
    ),
    Sabotage(
        "keep the alarms of an endpoint whose settings are gone",
        "phases/unmanaged.py",
        "        return delete_alarms(\n",
        "        return delete_alarms is not None or delete_alarms(\n",
    ),
    Sabotage(
        "let one endpoint's trouble end a sweep",
        "dispatcher.py",
        "            self._failures[endpoint_name] = error\n",
        "            raise\n",
    ),
    Sabotage(
        "forget what failed long ago",
        "decisions/choice.py",
        "        deployments, since = self._history.deployments, approval.approved_at\n",
        "        deployments, since = self._history.deployments[:3], approval.approved_at\n",
    ),
    Sabotage(
        "try what was taken back",
        "phases/smoke_testing.py",
        "        if all(self._versions.may_still_serve(each) for each in deployment.version_arns):\n",
        "        if deployment.version_arns:\n",
    ),
    Sabotage(
        "abort without reading the approval again",
        "phases/aborting.py",
        "        if all(self._versions.may_still_serve(each) for each in taken_back):\n",
        "        if not taken_back:\n",
    ),
    Sabotage(
        "leave the abort alarm set",
        "endpoint_pass/executor.py",
        "gateways.alarms.clear(alarm_name, self._ledger.endpoint_name, at=gateways.now())\n",
        "pass\n",
    ),
    Sabotage(
        "leave the alarm set that aborted a rollout",
        "phases/settlement.py",
        "            self._executor.end_abort()\n",
        "            pass\n",
    ),
    Sabotage(
        "blame the version for an abort",
        "decisions/judgement.py",
        "        return Judgement(Verdict.ABORTED, _ABORTED)\n",
        "        return Judgement(Verdict.FAILED, _ABORTED)\n",
    ),
    Sabotage(
        "abort without noting it",
        "phases/aborting.py",
        "        self._attempts.note_abort(deployment)\n",
        "",
    ),
    Sabotage(
        "forget that scaling was taken off",
        "endpoint_pass/executor.py",
        "        self._ledger.note(scaling={key: each for key, each in before.items() if key != name})\n",
        "",
    ),
    Sabotage(
        "take scaling for done before it is",
        "phases/autoscaling.py",
        "            registered = self._ledger.history.last_observed.scaling\n",
        "            registered = self._ledger.history.last_observed.scaling\n"
        "            self._ledger.note(scaling=self._settings.scaling)\n",
    ),
    Sabotage(
        "let an endpoint in sync lack its scaling",
        "decisions/at_rest.py",
        "        and last.scaling == settings.scaling\n",
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
        "phases/another_endpoint.py",
        "                scaling={},\n",
        "",
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
        "decisions/variant_properties.py",
        "for name in _MEMBERS if self._changes_everywhere(name)]\n        return",
        "for name in _MEMBERS if name == COUNT or self._changes_everywhere(name)]\n        return",
    ),
    Sabotage(
        "reset the other variants",
        "decisions/variant_properties.py",
        "        return self._before.keys() == self._after.keys() and all(\n",
        "        return self._before.keys() == self._after.keys() and any(\n",
    ),
    Sabotage(
        "set counts again at each rest",
        "decisions/variant_properties.py",
        "    return tuple(each for each in led.to_set if noted.get(each.key) != led.number)\n",
        "    return tuple(each for each in led.to_set if noted is not None)\n",
    ),
    Sabotage(
        "leave one variant's change unset",
        "phases/variant_properties.py",
        "            round_.troubles += self._executor.try_to_make([step])\n",
        "            self._ledger.note(properties_set=noted_as_set(history, step.to_set, led.number))\n",
    ),
    Sabotage(
        "rest although a count is still to be set",
        "decisions/at_rest.py",
        "        and not unset_properties(history, last.endpoint_config_name)\n",
        "",
    ),
    Sabotage(
        "give a variant that scales the settings' count",
        "decisions/variant_properties.py",
        "        if name == COUNT and variant in self._scaled:\n            return False\n",
        "",
    ),
    Sabotage(
        "let a pin that goes reset the other variants",
        "decisions/variant_properties.py",
        "            restored = self._running.get(variant, {}).get(name)\n",
        "            restored = None\n",
    ),
    Sabotage(
        "compare with what was not set yet",
        "decisions/variant_properties.py",
        "            return owed.value if shown == owed.value else owed.before\n",
        "            return owed.value\n",
    ),
    Sabotage(
        "take a value that a lost answer had set for unset",
        "decisions/variant_properties.py",
        "            return owed.value if shown == owed.value else owed.before\n",
        "            return owed.before\n",
    ),
    Sabotage(
        "take scaling off for every update",
        "decisions/autoscaling.py",
        '        if variant["VariantName"] not in after or after[variant["VariantName"]] != '
        'variant.get("InstanceType")\n',
        "        if after is not None\n",
    ),
    Sabotage(
        "take an alarm for a reason that passes",
        "model/cause.py",
        '    "Rate exceeded": ',
        '    "alarm": "", "Rate exceeded": ',
    ),
    Sabotage(
        "begin an update without clearing the abort alarm",
        "decisions/plan.py",
        "    if settings.abort_alarm_name is not None and settings.abort_alarm_name in change.alarm_names:\n",
        "    if settings is None:\n",
    ),
    Sabotage(
        "update under alarms that are on",
        "phases/planning.py",
        "        on = {name for name, each in seen.items() if each.is_on} - {settings.abort_alarm_name}\n",
        "        on = set[str]()\n",
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
        "phases/settlement.py",
        "        if status is AttemptStatus.SUCCEEDED and self._smoke_testing.is_due(deployment):\n",
        "        if status is None and self._smoke_testing.is_due(deployment):\n",
    ),
    Sabotage(
        "leave the smoke test to the service",
        "phases/smoke_testing.py",
        "            and self.is_due(deployment)\n",
        "            and not self.is_due(deployment)\n",
    ),
    Sabotage(
        "count a test during which SageMaker rolled back",
        "phases/smoke_testing.py",
        "        elif not is_there and (failure is not None or endpoint.modifying):\n",
        "        elif not is_there and failure is not None:\n",
    ),
    Sabotage(
        "read an endpoint once when it bakes",
        "phases/smoke_testing.py",
        "_WAITS_FOR_THE_BAKE: Final = (4.0, 8.0)\n",
        "_WAITS_FOR_THE_BAKE: Final = ()\n",
    ),
    Sabotage(
        "test while a canary bakes",
        "decisions/bake.py",
        "    return shown.status == _BAKING and (bake is Bake.ONLY or _FULL_CAPACITY in shown.message)\n",
        "    return shown.status == _BAKING and (bake is Bake.ONLY or _BAKING in shown.message)\n",
    ),
    Sabotage(
        "let what failed in the bake keep its calls",
        "phases/aborting.py",
        "        if deployment.failed_test is not None:\n",
        "        if deployment.failed_test is not None and deployment.test_passed_at is not None:\n",
    ),
    Sabotage(
        "test again in service what passed in the bake",
        "phases/smoke_testing.py",
        "        return deployment.test_passed_at is None and self.applies_to(deployment)\n",
        "        return self.applies_to(deployment)\n",
    ),
    Sabotage(
        "repeat a test when the bake is over",
        "phases/repeated_test.py",
        "                or not self._testing.is_due_again(deployment, endpoint)\n",
        "                or deployment.abort_asked_at is not None\n",
    ),
    Sabotage(
        "test a version once, whatever its settings say",
        "phases/smoke_testing.py",
        "            self.holds_test = failure is None and self._is_repeated(deployment)\n",
        "            self.holds_test = failure is None and deployment.bake is None\n",
    ),
    Sabotage(
        "leave the tests to an invocation that died in the wait",
        "phases/smoke_testing.py",
        "            and self._is_repeated(deployment)\n",
        "            and self._is_repeated(deployment)\n"
        "            and (\n"
        "                deployment.test_passed_at is None\n"
        "                or self._gateways.now() < deployment.lease_until\n"
        "            )\n",
    ),
    Sabotage(
        "call a version live while another invocation tests it",
        "phases/settlement.py",
        "        if status is AttemptStatus.SUCCEEDED and self._is_held_by_another(deployment):\n",
        "        if status is None and self._is_held_by_another(deployment):\n",
    ),
    Sabotage(
        "call a version aborted that failed in the bake",
        "phases/settlement.py",
        "    if status is not None and deployment.failed_test is not None:\n",
        "    if status is None and deployment.failed_test is not None:\n",
    ),
    Sabotage(
        "roll out before the test",
        "decisions/before_rollout.py",
        "    if passed_at is not None:\n",
        "    if passed_at is None:\n",
    ),
    Sabotage(
        "take one version's test for another's",
        "decisions/before_rollout.py",
        "            if each.test_endpoint_name == name\n",
        "            if each.test_endpoint_name is not None\n",
    ),
    Sabotage(
        "leave the test endpoint of what was given up",
        "phases/leftover_test_endpoints.py",
        "        if is_waited_for(ledger.history, endpoint_name):\n",
        "        if endpoint_name not in ledger.history.releases:\n",
    ),
    Sabotage(
        "leave the config of a test endpoint that could not be made",
        "decisions/retention.py",
        "for name in (each.endpoint_config_name, *tests_of(each)))\n",
        "for name in (each.endpoint_config_name,))\n",
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
        "        failed_test = serves and judged.failed and ",
        "        failed_test = serves and judged is None and ",
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
        "            return self._alarms.disturbed_since(self._now() - rule.soak, names)\n",
        "            return []\n",
    ),
    Sabotage(
        "promote under no attempt",
        "phases/promotion.py",
        "        promotion = self._attempts.begin_promotion(deployment, planned.goal)\n",
        "        promotion = self._attempts.begin_promotion(deployment, planned.goal)\n"
        "        self._attempts.settle(promotion, AttemptStatus.SUCCEEDED, endpoint=endpoint)\n"
        "        promotion = self._attempts.begin_promotion(deployment, planned.goal)\n"
        "        self._attempts.settle(promotion, AttemptStatus.WITHDRAWN, endpoint=endpoint)\n",
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
        "        if not isinstance(version, ModelVersion) "
        "or not self._versions.facts.is_deployable(version):\n",
        "        if not isinstance(version, ModelVersion):\n",
    ),
    Sabotage(
        "promote what is no longer what it served",
        "decisions/promotion.py",
        "    if deployment.artifact_digest not in {None, digest}:\n",
        "    if deployment.artifact_digest is None:\n",
    ),
    Sabotage(
        "promote again and again",
        "decisions/promotion.py",
        "    return None if any(_settles(facts.history, each) for each in promotions) else deployment\n",
        "    return deployment if promotions is not None else None\n",
    ),
    Sabotage(
        "stamp with each sweep",
        "phases/promotion.py",
        "        else:\n"
        "            self._ledger.note(metadata_written=ended[-1].number, metadata_live=changes.live)\n"
        "\n"
        "    def _write(self, step: WriteMetadata, deployed_at: datetime | None) -> None:\n",
        "\n"
        "    def _write(self, step: WriteMetadata, deployed_at: datetime | None) -> None:\n"
        "        self._executor.make(step)\n",
    ),
    Sabotage(
        "stamp again",
        "phases/promotion.py",
        "        else:\n"
        "            self._ledger.note(metadata_written=ended[-1].number, metadata_live=changes.live)\n"
        "\n"
        "    def _write(self, step: WriteMetadata, deployed_at: datetime | None) -> None:\n",
        "        else:\n"
        "            self._ledger.note(metadata_written=ended[-1].number - 1, metadata_live=changes.live)\n"
        "\n"
        "    def _write(self, step: WriteMetadata, deployed_at: datetime | None) -> None:\n"
        "        self._executor.make(step)\n",
    ),
    Sabotage(
        "write to the registry although the settings forbid it",
        "model/settings.py",
        "(self.version_metadata and not is_elsewhere)",
        "(not is_elsewhere)",
    ),
    Sabotage(
        "take the deployer for an approver",
        "endpoint_pass/approvers.py",
        "self._identity.is_deployer(version.last_modified_by)",
        "not version.arn",
    ),
    Sabotage(
        "say of a shadow that it served",
        "decisions/promotion.py",
        "role=former[version_arn]",
        "role=''",
    ),
    Sabotage(
        "name another version than the one that went out instead",
        "decisions/waiting.py",
        ": v{each.superseded_by} went",
        ": v{each.version} went",
    ),
    Sabotage(
        "let a rejected version say that it waits",
        "decisions/waiting.py",
        "    return over | {arn",
        "    return {arn",
    ),
    Sabotage(
        "tell what a version lacks after somebody decided about it",
        "phases/preflight.py",
        " or not awaits_approval(version):",
        ":",
    ),
    Sabotage(
        "tell good news where it counts who approves",
        "decisions/preflight.py",
        "        return not any(each.asks_who_approved for each in followers)\n",
        "        return True\n",
    ),
    Sabotage(
        "take every bucket for one that models may read",
        "decisions/preflight.py",
        "bucket not in buckets:",
        "not bucket:",
    ),
    Sabotage(
        "ask no other endpoint who approved a version",
        "endpoint_pass/approvers.py",
        "        known = self._standing_approvals.of(version.arn, others)\n",
        "        known = self._standing_approvals.of(version.arn, others[:0])\n",
    ),
    Sabotage(
        "stamp what a version is by now as what was deployed",
        "decisions/promotion.py",
        "            wanted[deployment.version_arn] |= _digest_metadata(facts.settings, deployment)\n",
        "            if deployment.artifact_digest is not None:\n"
        "                version = facts.version(deployment.version_arn)\n"
        "                found = facts.digest(version) if hasattr(version, 'containers') else ''\n"
        "                wanted[deployment.version_arn] |= version_metadata.of_digest(\n"
        "                    found if isinstance(found, str) else '',\n"
        "                    stage_name,\n"
        "                    facts.settings.inference_specification_name,\n"
        "                )\n",
    ),
    Sabotage(
        "take a stage's deployer for an approver",
        "model/approval_policy.py",
        "        if _is_one_of(approved_by, self.deployers):\n",
        "        if approved_by is None:\n",
    ),
    Sabotage(
        "deploy what was changed after its approval",
        "decisions/eligibility.py",
        "    if approval.artifact_digest != digest:\n",
        "    if version is None:\n",
    ),
    Sabotage(
        "go back to what was changed since it served",
        "decisions/eligibility.py",
        "    difference = changed(facts, approval, version)\n",
        "    difference = (\n"
        "        None\n"
        "        if facts.history.is_proven(release.endpoint_config_name)\n"
        "        else changed(facts, approval, version)\n"
        "    )\n",
    ),
    Sabotage(
        "deploy what another stage never deployed",
        "decisions/version_metadata.py",
        "and name != stage_name and value != digest:\n",
        "and name != stage_name and not value:\n",
    ),
    Sabotage(
        "know an artifact by its place alone",
        "model/artifacts.py",
        "[_covered(list(containers), MEMBERS), held]",
        "[_covered(list(containers), MEMBERS), len(held)]",
    ),
    Sabotage(
        "look at artifacts once and not right before the write",
        "endpoint_pass/last_check.py",
        "        return before is None or before == self._versions.read_digest(version)\n",
        "        return before is None or version is not None\n",
    ),
    Sabotage(
        "take what is beside an artifact for a part of it",
        "gateways/s3.py",
        '                if key in {"", each["Key"]} or key.endswith("/")\n',
        "",
    ),
    Sabotage(
        "name a release whatever its version is made of",
        "model/release.py",
        "            content = model if served.artifact_digest is None else ",
        "            content = model if served.number else ",
    ),
    Sabotage(
        "stamp a version that failed as what had served",
        "decisions/promotion.py",
        "        if deployment.status is AttemptStatus.SUCCEEDED:\n",
        "        if deployment.status is not AttemptStatus.WITHDRAWN:\n",
    ),
    Sabotage(
        "put a pinned version on without reading it again",
        "endpoint_pass/last_check.py",
        "            self._is_as_chosen(arn, version) for arn, version in chosen.items()\n",
        "            self._is_as_chosen(arn, version) for arn, version in list(chosen.items())[:1]\n",
    ),
    Sabotage(
        "pin whatever the settings say",
        "decisions/releases.py",
        "        if version is not None and reason is None:\n",
        "        if version is not None:\n",
    ),
    Sabotage(
        "let a shadow's approval count for what serves",
        "decisions/choice.py",
        "        for approval in latest_per_version(each for each in self._approvals if each.counts):\n",
        "        for approval in latest_per_version(each for each in self._approvals if each.decides):\n",
    ),
    Sabotage(
        "forget an approval whose version cannot be read",
        "endpoint_pass/approvals.py",
        "            if heard is not None and not is_kept:\n",
        "            if heard is None and is_kept:\n",
    ),
    Sabotage(
        "take who edits a version while it cannot be read for its approver",
        "gateways/approval_items.py",
        '        changed_at=read_time(item, "changed_at"),\n',
        "        changed_at=None,\n",
    ),
    Sabotage(
        "forget that a release failed once it is cleaned up",
        "model/history.py",
        "        return record.made or (record.has_failed and",
        "        return record.made or (record.made and",
    ),
    Sabotage(
        "forget what served when another version fails",
        "model/history.py",
        "*successes[:1], ",
        "",
    ),
    Sabotage(
        "adopt a version beside its approval that another invocation journals first",
        "endpoint_pass/ledger.py",
        "            if covers(self._history, approval) or _is_told_by_now(self._history, approval):\n",
        "            if covers(self._history, approval):\n",
    ),
    Sabotage(
        "take an attempt that began meanwhile for one that was left behind",
        "endpoint_pass/ledger.py",
        "            self._history = replace(self._history, approvals=fresh.approvals, heard=fresh.heard)\n",
        "            self._history = fresh\n",
    ),
    Sabotage(
        "begin an attempt although a restored journal has the one before as under way",
        "endpoint_pass/ledger.py",
        "                or found.status is not latest.status\n",
        "",
    ),
    Sabotage(
        "claim an attempt over a report that another invocation noted",
        "gateways/journal.py",
        '            flags = ("number", "started_at", "status", "start_reported", "end_reported")\n',
        '            flags = ("number",)\n',
    ),
    Sabotage(
        "believe a list that lacks an approved version",
        "decisions/facts.py",
        "        if created_at is not None and created_at <= approval.approved_at:\n"
        "            return True\n",
        "        if self.listed is not None:\n            return created_at is not None\n",
    ),
    Sabotage(
        "believe a read that is older than the approval's event",
        "endpoint_pass/approvals.py",
        "            elif heard is not None:\n",
        "            elif heard is not None and is_kept:\n",
    ),
    Sabotage(
        "leave an abort alarm set that may not be cleared at once",
        "endpoint_pass/executor.py",
        "                self._ledger.note(abort_alarm_set=True)\n",
        "                pass\n",
    ),
    Sabotage(
        "look at no endpoint once a day",
        "decisions/sweep.py",
        "seen_at < last_check_due(look.endpoint_name, now)",
        "seen_at < last_check_due(look.endpoint_name, now - _DAY * 9)",
    ),
    Sabotage(
        "compare no list in a check",
        "survey.py",
        "            if approved != look.record.approved_digest:\n",
        "            if approved is None:\n",
    ),
    Sabotage(
        "let an endpoint rest past the time of a retry",
        "phases/rest.py",
        "        round_.retry_at = min(filter(None, (decision.retry_at, searched_again)), default=None)\n",
        "        round_.retry_at = searched_again\n",
    ),
    Sabotage(
        "take what a restored journal does not know for nothing",
        "phases/approvals.py",
        "            self._approvals.discover(round_)\n",
        "            pass\n",
    ),
    Sabotage(
        "ask Search for the last quarter of an hour only",
        "decisions/sweep.py",
        "SEARCHED: Final = timedelta(hours=3)\n",
        "SEARCHED: Final = timedelta(minutes=15)\n",
    ),
    Sabotage(
        "let Search's windows not overlap",
        "decisions/sweep.py",
        "changed.until >= record.looked_at - OVERLAP)\n",
        "changed.until >= record.looked_at)\n",
    ),
    Sabotage(
        "do not ask Search in a sweep",
        "survey.py",
        "        changed = self._changed()\n",
        "        changed = dict.fromkeys((), self._now)\n",
    ),
    Sabotage(
        "do not compare another account's approvals in a sweep",
        "decisions/sweep.py",
        "        or (look.approved_digest is not None and look.approved_digest != record.approved_digest)\n",
        "",
    ),
    Sabotage(
        "do not compare the endpoint in a sweep",
        "decisions/sweep.py",
        "        or record.rests_at != (summary.last_modified_time if summary is not None else None)\n",
        "",
    ),
    Sabotage(
        "journal without saying that the endpoint does not rest",
        "gateways/journal_table.py",
        "        items += [self._does_not_rest(name) for name in sorted(changed)]\n",
        "",
    ),
    Sabotage(
        "repeat at each sweep what fails",
        "decisions/sweep.py",
        "            now >= record.tried_at + retry_delay(record.failures)\n",
        "            now >= record.tried_at\n",
    ),
    Sabotage(
        "never forget that a look failed",
        "decisions/sweep.py",
        "    record = replace(look.record, rests=False, failures=0, tried_at=None, tried_digest=None)\n",
        "    record = replace(look.record, rests=False)\n",
    ),
    Sabotage(
        "take a soak for rest",
        "phases/rest.py",
        "        round_.rests = soaks is None and not facts.history.heard and not is_hidden\n",
        "        round_.rests = not facts.history.heard and not is_hidden\n",
    ),
    Sabotage(
        "rest while S3 hides what is approved",
        "phases/rest.py",
        "        is_hidden = any(each.is_hidden for each in decision.ineligible) or any(\n",
        "        is_hidden = any(\n",
    ),
    Sabotage(
        "rest while the registry hides what serves",
        "phases/rest.py",
        "            isinstance(each, Hidden) for each in facts.versions.values()\n",
        "            isinstance(each, Hidden) for each in ()\n",
    ),
    Sabotage(
        "call a shadow that waits the version to serve",
        "decisions/explanation.py",
        "    Rule.SHADOWS: Reason.SHADOW_NEXT,\n",
        "    Rule.SHADOWS: Reason.NEXT,\n",
    ),
    Sabotage(
        "make no alarm before an update",
        "phases/rollout.py",
        "        for step in planned.puts:\n",
        "        for step in planned.puts[:0]:\n",
    ),
    Sabotage(
        "overwrite a person's alarm",
        "decisions/alarms.py",
        "        if found is not None and not found.is_of(stack_name):\n",
        "        if found is None and stack_name is None:\n",
    ),
    Sabotage(
        "delete a person's alarm",
        "decisions/alarms.py",
        "    unwanted = [name for name in gone if observed[name].is_of(stack_name)]\n",
        "    unwanted = gone\n",
    ),
    Sabotage(
        "keep an alarm that the settings no longer have",
        "decisions/alarms.py",
        "    if unwanted:\n",
        "    if unwanted and not noted:\n",
    ),
    Sabotage(
        "keep the alarms of an endpoint that is gone",
        "phases/alarms.py",
        "        wanted = settings.alarms if exists else ()\n",
        "        wanted = settings.alarms\n",
    ),
    Sabotage(
        "never read alarms again",
        "survey.py",
        "        return exists and not are_as_wanted(settings.alarms, self._alarms)\n",
        "        return False\n",
    ),
    Sabotage(
        "make alarms without the stack's tag",
        "decisions/alarms.py",
        '            step = PutAlarm({**request, "Tags": tags}, ',
        '            step = PutAlarm({**request, "Tags": tags[1:]}, ',
    ),
    Sabotage(
        "leave an alarm as it is when its threshold changes",
        "decisions/alarms.py",
        "        is_due = found is None or found.definition != definition(request)\n",
        "        is_due = found is None\n",
    ),
    Sabotage(
        "make alarms that the journal does not know",
        "phases/alarms.py",
        "            self._ledger.note(alarms=noted, alarms_seen_at=self._now())\n",
        "            self._ledger.note(alarms=last.alarms, alarms_seen_at=self._now())\n",
    ),
    Sabotage(
        "roll a new version out without an alarm that cannot be made",
        "phases/rollout.py",
        "                if refusal.is_passing or not rolls_back:\n",
        "                if refusal.is_passing:\n",
    ),
    Sabotage(
        "forget whose an alarm is while an update waits for it",
        "phases/rollout.py",
        "        if planned.noted is not None:\n",
        "        if planned.noted is not None and (planned.trouble is None or rolls_back):\n",
    ),
    Sabotage(
        "roll a new version out without an alarm that is a person's",
        "phases/rollout.py",
        "        if planned.trouble is not None and not rolls_back:\n",
        "        if planned.trouble is None and rolls_back is None:\n",
    ),
    Sabotage(
        "publish no end of an abort",
        "gateways/alarms.py",
        "            *self._try(lambda: self._publish(alarm_name, endpoint_name, -_milliseconds(at))),\n",
        "",
    ),
    Sabotage(
        "guard an update by the alarm of the abort just before",
        "decisions/guardrails.py",
        "    return WaitForAlarms((abort_alarm_name,), over_at)\n",
        "    return deploy\n",
    ),
    Sabotage(
        "rely on the state alone that is set to abort",
        "gateways/alarms.py",
        "            *self._try(lambda: self._publish(alarm_name, endpoint_name, _milliseconds(at))),\n",
        "",
    ),
    Sabotage(
        "tell a hindrance as a failure",
        "model/outcomes.py",
        "        return OutcomeKind.NEEDS_ATTENTION, _hindered(attempt, still, retry_at)\n",
        "        return OutcomeKind.FAILED, _hindered(attempt, still, retry_at)\n",
    ),
    Sabotage(
        "stamp a hindrance as a failure",
        "model/attempt.py",
        "        return self.has_outcome and not self.was_hindered\n",
        "        return self.has_outcome\n",
    ),
    Sabotage(
        "blame the settings for whatever is refused",
        "gateways/sagemaker_errors.py",
        "        return of_refusal(str(self))\n",
        "        return of_refusal(str(self)) and Cause.SETTINGS\n",
    ),
    Sabotage(
        "tell a hindrance with each try",
        "endpoint_pass/attempts.py",
        "            told = ended.was_hindered and was_told(ended, self._ledger.history.deployments)\n",
        "            told = False\n",
    ),
    Sabotage(
        "give up what is hindered after a few tries",
        "decisions/retries.py",
        "    passing = [each for each in failures if each.cause is Cause.PASSING]\n",
        "    passing = [each for each in failures if each.cause is not Cause.VERSION]\n",
    ),
    Sabotage(
        "go back through the canary",
        "phases/planning.py",
        "        if self._settings.goes_back_at_once and self._goes_back(choice, endpoint):\n",
        "        if not self._settings.goes_back_at_once and self._goes_back(choice, endpoint):\n",
    ),
    Sabotage(
        "go back at once although the settings ask for care",
        "phases/planning.py",
        "        if self._settings.goes_back_at_once and self._goes_back(choice, endpoint):\n",
        "        if self._goes_back(choice, endpoint):\n",
    ),
    Sabotage(
        "go forward all at once",
        "phases/planning.py",
        "        if self._settings.goes_back_at_once and self._goes_back(choice, endpoint):\n",
        "        if self._settings.goes_back_at_once:\n",
    ),
    Sabotage(
        "keep the leaving version's alarms on the way back",
        "decisions/going_back.py",
        '    return {"BlueGreenUpdatePolicy": policy}\n',
        '    alarms = {"AutoRollbackConfiguration": config["AutoRollbackConfiguration"]}\n'
        '    return {"BlueGreenUpdatePolicy": policy, **alarms}\n',
    ),
    Sabotage(
        "go back to what never served well",
        "decisions/going_back.py",
        "    if serving is None or not well.has(choice.approval):\n",
        "    if serving is None:\n",
    ),
    Sabotage(
        "repair through the canary",
        "phases/planning.py",
        "            goes_back(history, choice, endpoint) or repairs(history, choice, endpoint)\n",
        "            goes_back(history, choice, endpoint)\n",
    ),
    Sabotage(
        "repair through the canary with what was cleaned up",
        "decisions/served.py",
        " or approval.served_with == endpoint_config_name\n",
        " or approval.served_with is history\n",
    ),
    Sabotage(
        "delete only those alarms of an endpoint that left which the journal knows",
        "phases/alarms.py",
        "    if not last.alarms and last.alarms_seen_at is not None:\n",
        "    if not last.alarms:\n",
    ),
    Sabotage(
        "let a superseded approval go out",
        "decisions/choice.py",
        "        if (by := self._turns.superseded_by(approval)) is not None:\n",
        "        if (by := self._turns.superseded_by(approval)) is not None and approval is None:\n",
    ),
    Sabotage(
        "let a superseded approval go out while what served well waits",
        "decisions/choice.py",
        "        choices = () if self._served_well_waits else map(self._choice, last_resort)\n",
        "        choices = map(self._choice, last_resort)\n",
    ),
    Sabotage(
        "try what failed before the version that serves took the settings",
        "decisions/choice.py",
        "        if staying is not None and self._is_live(release_of(self._facts, staying)):\n",
        "        if staying is not None or self._serving is None:\n",
    ),
    Sabotage(
        "say of the version that was chosen that an older one was",
        "decisions/choice.py",
        "            self._trace.say(Verdict(approval, Rule.CHOSEN))\n",
        "            self._trace.say(Verdict(approval, Rule.OLDER))\n",
    ),
    Sabotage(
        "say of a version that serves beside another one that it does not",
        "decisions/explanation.py",
        " if place == 0 else _of_companion(preview, version_arn)\n",
        " if place == 0 else Reason.OLDER\n",
    ),
    Sabotage(
        "put nothing back as it served",
        "decisions/choice.py",
        "        if not served_well or (not serves and self._staying() is not None):\n",
        "        if not served_well or approval is not None:\n",
    ),
    Sabotage(
        "keep no former release for what comes back",
        "decisions/retention.py",
        "    return (name, former.endpoint_config_name)\n",
        "    return (name,)\n",
    ),
    Sabotage(
        "hold no failure of a version's own with other settings",
        "decisions/retries.py",
        "        attempt.failed_by_itself\n",
        "        attempt.failed_by_itself is None\n",
    ),
    Sabotage(
        "forget what served well with its models",
        "phases/choice.py",
        "            written.append(self._ledger.change_approval(approval, served_with=config_name))\n",
        "            self._logger.debug(config_name, approval=approval.version)\n",
    ),
    Sabotage(
        "go back through the canary if only the shadow goes",
        "decisions/going_back.py",
        "        return is_former or (has_failed and well.has_config(choice.release.endpoint_config_name))\n",
        "        return is_former or (has_failed and well is None)\n",
    ),
    Sabotage(
        "take what a config serves that the journal does not know for nothing",
        "phases/choice.py",
        "        return found.pop() if len(found) == 1 else None\n",
        "        return None\n",
    ),
    Sabotage(
        "bring back the note of a rest that went with the journal",
        "gateways/journal.py",
        "        return self._table.write(update)\n",
        "        return self._table.write(update) or self._table.write(first)\n",
    ),
    Sabotage(
        "give up what serves if a restored journal lost its approval",
        "phases/choice.py",
        "            self._approvals.find_serving(serving.version_arn, serving.approved_at)\n",
        '            self._logger.debug("It serves", version=serving.version)\n',
    ),
    Sabotage(
        "roll out in a pause",
        "decisions/holds.py",
        "    holds = [_hold(each) for each in pauses if each.until is None or now < each.until]\n",
        "    holds = [_hold(each) for each in pauses if each.until is not None and now >= each.until]\n",
    ),
    Sabotage(
        "take a pause without a readable end for over",
        "decisions/holds.py",
        "if each.until is None or now < each.until]",
        "if each.until is not None and now < each.until]",
    ),
    Sabotage(
        "roll out in a freeze window",
        "decisions/holds.py",
        "    for window in windows:\n",
        "    for window in ():\n",
    ),
    Sabotage(
        "look for no pause right before a change",
        "endpoint_pass/last_check.py",
        "        if hold is not None:\n",
        "        if hold is not None and hold.until == hold.description:\n",
    ),
    Sabotage(
        "take a pause of all endpoints for none",
        "gateways/pauses.py",
        "    mine = {None, endpoint_name.lower()}\n",
        "    mine = {endpoint_name.lower()}\n",
    ),
    Sabotage(
        "let what a person rolled back go out again",
        "decisions/choice.py",
        "            if each.rollback is not None:\n",
        "            if each.rollback is not None and not each.counts:\n",
    ),
    Sabotage(
        "hold nothing back for a rollback",
        "phases/requests.py",
        "        for approval in held:\n",
        "        for approval in held[:0]:\n",
    ),
    Sabotage(
        "end a rollback although another approval came meanwhile",
        "phases/requests.py",
        "                return self._roll_back(request)\n",
        "                return None\n",
    ),
    Sabotage(
        "take in the last of an endpoint's requests, and forget the others",
        "phases/requests.py",
        "            self._take(request)\n",
        "            (self._take if request == round_.requests[-1] else self._requests.end)(request)\n",
    ),
    Sabotage(
        "let an approval go out that came before a rollback and is heard of after it",
        "decisions/rollbacks.py",
        "if rollback is not None and approval.approved_at <= rollback.at else None\n",
        "if rollback is not None and rollback.at is None else None\n",
    ),
    Sabotage(
        "hold back what was approved after a rollback",
        "decisions/rollbacks.py",
        "        and each.approved_at <= request.at\n",
        "        and each.approved_at != request.at\n",
    ),
    Sabotage(
        "look at no endpoint for a request whose event was lost",
        "survey.py",
        "            if look.requests or needs_look(",
        "            if needs_look(",
    ),
    Sabotage(
        "leave a request that was taken in",
        "phases/requests.py",
        "        self._requests.end(request)\n",
        '        self._logger.debug("Taken in", by=request.by)\n',
    ),
    Sabotage(
        "try nothing again for a retry",
        "phases/requests.py",
        "        for approval in found:\n",
        "        for approval in found[:0]:\n",
    ),
    Sabotage(
        "count the failures before a retry all the same",
        "decisions/trying_again.py",
        "if retry is None or each.number >= retry.first_attempt]\n",
        "if retry is None or each.number >= 0]\n",
    ),
    Sabotage(
        "count no failure after a retry",
        "decisions/trying_again.py",
        "if retry is None or each.number >= retry.first_attempt]\n",
        "if retry is None]\n",
    ),
    Sabotage(
        "give a version two more chances for one retry",
        "decisions/trying_again.py",
        '    return Asked(request.at, request.by or "somebody", first)\n',
        '    return Asked(request.at, request.by or "somebody", first + 1)\n',
    ),
    Sabotage(
        "make an endpoint again for a former release without the stack's tag",
        "model/release.py",
        '            create_endpoint_config={},\n            create_endpoint={**endpoint, "Tags": tags},\n',
        "            create_endpoint_config={},\n            create_endpoint=endpoint,\n",
    ),
    Sabotage(
        "take one more version if a look is not noted yet that took one",
        "phases/first_look.py",
        "        if is_new and found and all(each.source is ApprovalSource.ADOPTED for each in found):\n",
        "        if is_new and found is None:\n",
    ),
    Sabotage(
        "try to report all that is owed while the topic takes nothing",
        "endpoint_pass/reports.py",
        "                if not self.report(claimed, endpoint):\n",
        "                if self.report(claimed, endpoint) is None:\n",
    ),
    Sabotage(
        "go forward at once with an old version that was approved again, as it served",
        "decisions/going_back.py",
        "    return max([(serving.approved_at, serving.version), *renewed]) > choice.approval.order\n",
        "    serving_order = max([(serving.approved_at, serving.version), *renewed])\n"
        "    return is_former or serving_order > choice.approval.order\n",
    ),
    Sabotage(
        "replace an approval that nobody read",
        "gateways/approval_conditions.py",
        '    write = Write("Put", name, standing_key(approval), item, condition=NEW)\n',
        '    write = Write("Put", name, standing_key(approval), item)\n',
    ),
    Sabotage(
        "journal a late copy of an approval with another weight",
        "model/approval.py",
        "        known.approved_at > approval.approved_at and not is_weaker\n",
        "        known.approved_at > approval.approved_at and known.weight is approval.weight\n",
    ),
    Sabotage(
        "take a restored journal's endpoint for the one that was created since",
        "phases/another_endpoint.py",
        "        elif noted != created_at:\n",
        "        elif created_at is None:\n",
    ),
    Sabotage(
        "leave the alarms of an endpoint that is gone and that the journal forgot",
        "phases/alarms.py",
        "        if is_known or round_.summary is not None or not round_.discover:\n",
        "        if not is_known or round_.summary is not None or not round_.discover:\n",
    ),
    Sabotage(
        "restore a count that an update left as if that update had reset it",
        "decisions/variant_properties.py",
        "            if self._retains:\n",
        "            if owed is None:\n",
    ),
    Sabotage(
        "try to report every approval that does not count while the topic takes nothing",
        "endpoint_pass/notices.py",
        "            elif (refused := refused + 1) == MOST_REFUSED:\n",
        "            elif (refused := refused + 1) < 0:\n",
    ),
    Sabotage(
        "let a sweep read every test endpoint that SageMaker is at work on",
        "survey.py",
        "may_be_for_a_test(name) and not summary.modifying\n",
        "may_be_for_a_test(name)\n",
    ),
    Sabotage(
        "take an attempt after the loss of a journal for the one that had its number before",
        "endpoint_pass/ledger.py",
        "                or (found.number, found.started_at) != (latest.number, latest.started_at)\n"
        "                # After the journal was put back, this one may be under way again: "
        "nobody else would end it.\n"
        "                or found.status is not latest.status\n",
        "                or found.number != latest.number\n",
    ),
    Sabotage(
        "try to report every hidden version while the topic takes nothing",
        "endpoint_pass/notices.py",
        "        if self._refused_once >= MOST_REFUSED or self._ledger.is_reported(arn):\n",
        "        if self._ledger.is_reported(arn):\n",
    ),
    Sabotage(
        "take what a restored journal has as registered for what is registered",
        "phases/another_endpoint.py",
        "            and is_scaling_unsure(history, endpoint.endpoint_config_name)\n",
        "            and not history.last_observed.created_at\n",
    ),
)
