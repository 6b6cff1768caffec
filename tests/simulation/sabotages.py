"""Ways to break the deployer, each of which a law must catch: one exact replacement of text in its source.

Owns the list. A replacement whose text is not found exactly once is an error, so that none goes stale in
silence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tests.simulation.schedule import Disturbance, Fault, FaultKind, Kind, Schedule

if TYPE_CHECKING:
    from pathlib import Path


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
        known: Number of a schedule that is known to catch it.
        story: A schedule made by hand that catches it, for what chance finds rarely; it is tried first.
    """

    name: str
    file: str
    old: str
    new: str
    known: int = 0
    story: Schedule | None = None

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


_APPROVED: Final = Schedule(
    head_start=1, disturbances=(Disturbance(Kind.REGISTER_APPROVED), Disturbance(Kind.SWEEP, wait=10))
)
_BUSY_AT_THE_WRITE: Final = replace(
    _APPROVED,
    faults=(Fault("UpdateEndpoint", 0, FaultKind.MEANWHILE, meanwhile=Disturbance(Kind.SYSTEM_UPDATE)),),
)
_CRASH_BEFORE_TELLING: Final = replace(_APPROVED, faults=(Fault("PutEvents", 1, FaultKind.CRASH_BEFORE),))

SABOTAGES: Final[tuple[Sabotage, ...]] = (
    Sabotage(
        "drop the write-ahead",
        "attempts.py",
        "        if not self._journal.begin(attempt):\n",
        "        if attempt is None:\n",
    ),
    Sabotage(
        "claim without a condition",
        "journal.py",
        '        condition = "attribute_not_exists(endpoint)"\n',
        '        condition = "attribute_exists(endpoint) OR attribute_not_exists(endpoint)"\n',
        known=30,
    ),
    Sabotage(
        "move without a condition",
        "journal.py",
        'ConditionExpression="#status = :old_status AND #lease_until = :old_lease_until",',
        'ConditionExpression="attribute_exists(endpoint)",',
        known=20,
    ),
    Sabotage(
        "retry the failed",
        "attempt.py",
        "            and self.settled_at >= since\n",
        "            and self.settled_at < since\n",
    ),
    Sabotage(
        "sort by version",
        "approval.py",
        "        return (self.approved_at, self.version)\n",
        "        return (self.version, self.approved_at)\n",
        known=12,
    ),
    Sabotage(
        "delete one too many",
        "retention.py",
        "[:limit])",
        "[: limit - 1])",
        known=38,
    ),
    Sabotage(
        "delete the live config's model",
        "retention.py",
        "if attempt.endpoint_config_name in kept}",
        "if attempt.endpoint_config_name in former}",
    ),
    Sabotage(
        "clean up during a rollout",
        "executor.py",
        "                self._attempts.accept(attempt)\n",
        "                self._attempts.accept(attempt)\n"
        "                if attempt.replaces_endpoint_config_name is not None:\n"
        "                    self._sagemaker.delete_endpoint_config(\n"
        "                        attempt.replaces_endpoint_config_name, owner=(STACK_TAG, self._stack_name)\n"
        "                    )\n",
        known=1,
    ),
    Sabotage(
        "never clean up",
        "reconciler.py",
        "        if deletion:\n",
        "        if deletion is None:\n",
        known=30,
    ),
    Sabotage(
        "trust InService, ignore the old config's name",
        "attempt.py",
        "    on_its_config = endpoint.endpoint_config_name == attempt.endpoint_config_name\n",
        "    on_its_config = endpoint is not None\n",
        known=1,
    ),
    Sabotage(
        "trust a stale read",
        "attempt.py",
        "STALE_READ_LIMIT: Final = timedelta(minutes=15)",
        "STALE_READ_LIMIT: Final = timedelta(0)",
        known=55,
    ),
    Sabotage(
        "skip the re-read before the write",
        "executor.py",
        "        if not self._still_stands(choice.approval):\n",
        "        if choice is None:\n",
    ),
    Sabotage(
        "deploy what is not approved",
        "sagemaker.py",
        'return self.approval_status == "Approved" and',
        "return",
        known=30,
    ),
    Sabotage(
        "adopt what is not approved",
        "sagemaker.py",
        '                    ModelApprovalStatus="Approved",\n',
        "",
        known=26,
    ),
    Sabotage(
        "adopt nothing",
        "reconciler.py",
        "            if not self._knows(arn):\n",
        "            if arn is None:\n",
        known=47,
    ),
    Sabotage(
        "take metadata for an approval",
        "reconciler.py",
        "        elif hint.names_approval or not self._knows(hint.version_arn):\n",
        "        else:\n",
        known=33,
    ),
    Sabotage(
        "forget the lease",
        "attempts.py",
        "return attempt.status is AttemptStatus.OPEN and self._now() >= attempt.lease_until\n",
        "return attempt.status is AttemptStatus.OPEN\n",
    ),
    Sabotage(
        "take over too early",
        "attempts.py",
        "LEASE: Final = timedelta(minutes=6)",
        "LEASE: Final = timedelta(seconds=5)",
        known=93,
    ),
    Sabotage(
        "report before settling",
        "attempts.py",
        "        settled = self._move(\n",
        "        if attempt.action is not Action.CLEAN_UP and status is not AttemptStatus.WITHDRAWN:\n"
        "            early = replace(attempt, status=status, reason=reason, settled_at=now)\n"
        "            self._reporter.report(outcomes.settled(early, endpoint, None))\n"
        "        settled = self._move(\n",
    ),
    Sabotage(
        "drop unreported outcomes",
        "attempts.py",
        "            if _owes_report(attempt) and self._now() >= attempt.lease_until:\n",
        "            if attempt is None:\n",
        story=_CRASH_BEFORE_TELLING,
    ),
    Sabotage(
        "treat withdrawn as failed",
        "executor.py",
        "self._attempts.settle(attempt, AttemptStatus.WITHDRAWN, reason=str(obstacle), endpoint=None)",
        "self._attempts.settle(attempt, AttemptStatus.FAILED, reason=str(obstacle), endpoint=None)",
        story=_BUSY_AT_THE_WRITE,
    ),
    Sabotage(
        "treat busy as refused",
        "sagemaker.py",
        "        if _is(error, _ALREADY_EXISTS) or _is(error, _BUSY):\n",
        "        if _is(error, _ALREADY_EXISTS):\n",
        story=_BUSY_AT_THE_WRITE,
    ),
    Sabotage(
        "delete an endpoint that serves",
        "planner.py",
        "    if observed.status in statuses.FAILED:\n",
        "    if observed.status in statuses.FAILED | statuses.UPDATABLE:\n",
        known=1,
    ),
    Sabotage(
        "name from the clock",
        "names.py",
        '    suffix = f"-v{version}-{fingerprint([endpoint_name, content])}"\n',
        "    suffix = f\"-v{version}-{fingerprint([endpoint_name, __import__('time').time_ns()])}\"\n",
        known=1,
    ),
    Sabotage(
        "ignore the group",
        "settings.py",
        "return account_of(version_arn) == account and self.group_name.lower() == group_name.lower()\n",
        "return account_of(version_arn) == account\n",
        known=2,
    ),
    Sabotage(
        "ignore the approvers",
        "reconciler.py",
        "            objection=self._settings.policy.objection(\n"
        "                approved_by=approved_by, registered_by=version.registered_by\n"
        "            ),\n",
        "",
        known=1,
    ),
)
