"""The journal of approvals and attempts: one partition an endpoint.

Items of a partition, by sort key `item`:

- `approval#<approved_at>#<version>`: written once, by the invocation that sees the approval first. If the
  registry does not show the version, what the event says is written, as `unread`; the pass that can read the
  version writes the approval in its place, or that it is `withdrawn`;
- `attempt#<number>`: written before its first call, then moved from status to status. Each move has a
  condition, so that exactly one of several concurrent invocations makes it;
- `tried#<endpoint config>#<number>`: a copy of a settled deployment, written before the attempt that pushes
  it out of the window. By it a config's attempts are found at any age;
- `tried#<version ARN>#<number>`: the same for a promotion, as a version is promoted once, with any config;
- `version#<version ARN>`: says that an approval of the version was written, even if it has left the window;
- `unreadable#<version ARN>`: says that the version was reported as unreadable;
- `rest`: the endpoint's last observation at rest, and what was done and reported then.

A pass reads the newest `WINDOW` approvals, as many deployments that were not withdrawn, and the attempts in
between. It reads older attempts by their config's name or their version's ARN (`attempts_on`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from deployer.contract import JOURNAL_SORT_KEY
from deployer.gateways.journal_items import (
    APPROVAL,
    ATTEMPT,
    LAST_OBSERVED,
    approval_item,
    attempt_item,
    known_key,
    last_observed_item,
    marker,
    past_key,
    read_approval,
    read_attempt,
    read_heard,
    read_last_observed,
    unreadable_key,
)
from deployer.gateways.journal_table import NEW_OR_WITHDRAWN, NEW_WITHDRAWN_OR_UNREAD, JournalTable
from deployer.model.approval import Approval, HeardApproval
from deployer.model.attempt import Attempt, AttemptStatus, Deployment, Promotion
from deployer.model.history import History, LastObserved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient


WINDOW: Final = 100
"""How many approvals, and deployments that were not withdrawn, every pass reads."""

MOST_WINDOWS: Final = 5
"""The most attempts of all kinds that a pass reads for its window, in windows."""

MOST_OF_A_CONFIG: Final = 10
"""How many attempts on one config are read by its name: more than a transient failure is tried again."""


class Journal:
    """The journal.

    Args:
        client: DynamoDB's.
        table_name: The table.
        window: How many deployments every pass reads.
    """

    def __init__(self, client: DynamoDBClient, *, table_name: str, window: int = WINDOW) -> None:
        self._table = JournalTable(client, table_name)
        self._window = window

    def read(self, endpoint_name: str) -> History:
        """Return an endpoint's history, strongly consistent."""
        # In descending order come the last observation, the attempts, then the approvals. One query is enough
        # for years.
        window, most = self._window, MOST_WINDOWS * self._window
        newest = self._table.query(
            endpoint_name, first=APPROVAL, last=f"{LAST_OBSERVED}~", limit=window + WINDOW + 1
        )
        observed = [item for item in newest.items if _is(item, LAST_OBSERVED)]
        attempts = [read_attempt(item) for item in newest.items if _is(item, ATTEMPT)]
        approvals = [item for item in newest.items if _is(item, APPROVAL)]
        all_read = bool(approvals) or not newest.truncated
        if newest.truncated:
            approvals = self._table.query(
                endpoint_name, first=APPROVAL, last=f"{APPROVAL}~", limit=WINDOW
            ).items
        while not all_read and sum(map(_counts, attempts)) < window and len(attempts) < most:
            before = f"{ATTEMPT}{attempts[-1].number - 1:09d}"
            older = self._table.query(endpoint_name, first=ATTEMPT, last=before, limit=window)
            attempts += [read_attempt(item) for item in older.items]
            all_read = not older.truncated
        kept = _newest(attempts, window, most=most)
        return History(
            approvals=tuple(read_approval(item) for item in approvals[:WINDOW] if "unread" not in item),
            attempts=tuple(kept),
            last_observed=read_last_observed(observed[0]) if observed else LastObserved(),
            full=len(approvals) >= WINDOW,
            forgets=not all_read or len(kept) < len(attempts),
            heard=tuple(
                read_heard(item)
                for item in approvals[:WINDOW]
                if "unread" in item and "withdrawn" not in item
            ),
        )

    # Approvals ----------------------------------------------------------------------------------------

    def record_approval(self, approval: Approval | HeardApproval) -> bool:
        """Write an approval; return False if it exists already and was not withdrawn.

        One whose version was read takes the place of what was heard of it.
        """
        if isinstance(approval, HeardApproval):
            return self._table.put_new(approval_item(approval), NEW_OR_WITHDRAWN)
        written = self._table.put_new(approval_item(approval), NEW_WITHDRAWN_OR_UNREAD)
        self._table.put(marker(approval.endpoint_name, known_key(approval.version_arn)))
        return written

    def change_approval(self, approval: Approval | HeardApproval, *changed: str) -> None:
        """Write the named fields of an approval, and keep its other attributes."""
        item = approval_item(approval)
        self._table.set(
            approval.endpoint_name, item[JOURNAL_SORT_KEY]["S"], {name: item[name] for name in changed}
        )

    def record_artifact_digest(self, approval: Approval, artifact_digest: str) -> bool:
        """Write an approval's artifact digest, if S3 did not show the artifacts when it was journalled.

        Returns:
            False if another invocation wrote another digest. That one counts.
        """
        key = approval_item(approval)[JOURNAL_SORT_KEY]["S"]
        return self._table.set_once(approval.endpoint_name, key, "artifact_digest", {"S": artifact_digest})

    def knows(self, endpoint_name: str, version_arn: str) -> bool:
        """Tell whether an approval of a version was ever written."""
        return self._table.has(endpoint_name, known_key(version_arn))

    def reported_unreadable(self, endpoint_name: str, version_arn: str) -> bool:
        """Tell whether a version was reported as unreadable."""
        return self._table.has(endpoint_name, unreadable_key(version_arn))

    def record_unreadable(self, endpoint_name: str, version_arn: str) -> None:
        """Write that a version was reported as unreadable."""
        self._table.put(marker(endpoint_name, unreadable_key(version_arn)))

    # Attempts -----------------------------------------------------------------------------------------

    def begin(self, attempt: Attempt) -> bool:
        """Claim the attempt's number by writing it; return False if another invocation did."""
        return self._table.put_new(attempt_item(attempt))

    def move(self, old: Attempt, new: Attempt) -> bool:
        """Change an attempt's state; return False if another invocation changed it since it was read.

        Only changed fields are written, so that what others write, such as reported outcomes, stays.
        """
        before, after = attempt_item(old), attempt_item(new)
        changed = {key: value for key, value in after.items() if before.get(key) != value}
        changed["invocation_id"] = after["invocation_id"]
        unless = {key: before[key] for key in ("status", "lease_until")}
        return self._table.set(old.endpoint_name, before[JOURNAL_SORT_KEY]["S"], changed, unless=unless)

    def record_reported(self, attempt: Attempt, flag: Literal["start_reported", "end_reported"]) -> None:
        """Write that an outcome of an attempt was handed over. The attempt may have moved on meanwhile."""
        self._table.set(
            attempt.endpoint_name, attempt_item(attempt)[JOURNAL_SORT_KEY]["S"], {flag: {"BOOL": True}}
        )

    def attempts_on(self, endpoint_name: str, subject: str) -> list[Attempt]:
        """Return the newest attempts that have left the window, newest first, without clean-ups.

        Args:
            endpoint_name: The endpoint.
            subject: The name of the attempts' config, or the ARN of the version that they promoted.
        """
        prefix = past_key(subject)
        found = self._table.query(endpoint_name, first=prefix, last=f"{prefix}~", limit=MOST_OF_A_CONFIG)
        return [read_attempt(item) for item in found.items]

    def attempts_before(self, endpoint_name: str, number: int, *, limit: int) -> list[Attempt]:
        """Return the newest attempts of all kinds before a number, newest first."""
        last = f"{ATTEMPT}{number - 1:09d}"
        found = self._table.query(endpoint_name, first=ATTEMPT, last=last, limit=limit)
        return [read_attempt(item) for item in found.items]

    def file_leaving(self, history: History) -> None:
        """Write, under their subject, the attempts that one more attempt would push out of the window.

        Only the latest attempt can be unsettled, so these are settled and their copies stay true.
        """
        staying = len(_newest(history.attempts, self._window - 1, most=MOST_WINDOWS * self._window - 1))
        for attempt in history.attempts[staying:]:
            match attempt:
                case Deployment():
                    key = past_key(attempt.endpoint_config_name, attempt.number)
                case Promotion():
                    key = past_key(attempt.version_arn, attempt.number)
                case _:
                    continue
            self._table.put({**attempt_item(attempt), JOURNAL_SORT_KEY: {"S": key}})

    def record_last_observed(self, endpoint_name: str, before: LastObserved, after: LastObserved) -> None:
        """Write the changed attributes of the last observation. At least one must have changed."""
        old, new = last_observed_item(before), last_observed_item(after)
        changed = {name: value for name, value in new.items() if old[name] != value}
        self._table.set(endpoint_name, LAST_OBSERVED, changed)


def _counts(attempt: Attempt) -> bool:
    """Tell whether an attempt counts towards the window: one that changed nothing does not."""
    return isinstance(attempt, Deployment) and attempt.status is not AttemptStatus.WITHDRAWN


def _newest(attempts: Sequence[Attempt], window: int, *, most: int) -> list[Attempt]:
    """Return the newest attempts back to the window's last deployment, up to a limit."""
    places = [place for place, each in enumerate(attempts, 1) if _counts(each)]
    return list(attempts[: min(most, places[window - 1])] if len(places) >= window else attempts[:most])


def _is(item: Mapping[str, Any], prefix: str) -> bool:
    return bool(item[JOURNAL_SORT_KEY]["S"].startswith(prefix))
