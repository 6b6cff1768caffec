"""The journal: what the deployer knows of each endpoint, and the history of what it did.

One partition an endpoint, one of the fleet (`fleet.py`), one of pauses (`pauses.py`), and one of operators'
requests (`requests.py`). Items of an endpoint, by sort key `item`:

- `fact#…`: the records that decisions read, all of them in one query. Their number depends on what is
  approved and what exists now, and on nothing else:
  - `fact#endpoint`: what was observed, done and reported at the endpoint's last rest;
  - `fact#attempt`: the last attempt, settled or not;
  - `fact#unannounced#<number>`: an earlier attempt whose end was not reported, or is not in the registry;
  - `fact#approval#<version ARN>#<weight>`: an approval that may stand. If the registry does not show the
    version, what the event says is written, as `heard`;
  - `fact#release#<endpoint config>`: how a release fared, while its config may exist or its failures matter;
  - `fact#deployment`: the last deployment that changed the endpoint and ended;
  - `fact#promotion`: the last promotion that ended;
- `promotion#<version ARN>`: a version's last promotion, as a version is promoted once;
- `unreadable#<ARN>`: says that a version was reported as unreadable, or a test endpoint as undeletable;
- `attempt#<number>` and `approval#<approved_at>#<version>`: the history, for people and for proofs. It
  decides nothing, no condition rests on it, and it may expire.

A change is one transaction over the records that it rests on and their history. It has a condition, so that
exactly one of several concurrent invocations makes it. It also says in the fleet's partition that the
endpoint does not rest.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from deployer.contract import JOURNAL_EXPIRY, JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY
from deployer.gateways.approval_conditions import in_place_of, not_with_another_weight
from deployer.gateways.approval_items import approval_item
from deployer.gateways.fact_items import (
    FACT,
    LAST_DEPLOYMENT,
    LAST_OBSERVED,
    LAST_PROMOTION,
    LATEST_ATTEMPT,
    promotion_key,
    read_facts,
    release_item,
    release_key,
    standing_key,
    unannounced_key,
)
from deployer.gateways.fleet import Fleet
from deployer.gateways.journal_items import (
    attempt_item,
    last_observed_item,
    read_attempt,
    unreadable_key,
    without_keys,
)
from deployer.gateways.journal_table import MOST_WRITES, NEW, JournalTable, Write, stored_time
from deployer.gateways.pauses import Pauses
from deployer.gateways.requests import Requests
from deployer.gateways.standing_approvals import StandingApprovals
from deployer.model.attempt import Promotion
from deployer.model.history import LastObserved, kept_deployment, kept_promotion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

    from deployer.model.approval import Approval, HeardApproval
    from deployer.model.attempt import Attempt
    from deployer.model.history import History, ReleaseRecord


class Journal:
    """The journal.

    Args:
        client: DynamoDB's.
        table_name: The table.
        now: The clock.
        most_writes: How many writes one transaction takes.
        history_days: After how many days without a change an item of the history expires; None: never.
        table_type: How the table is used.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        *,
        table_name: str,
        now: Callable[[], datetime],
        most_writes: int = MOST_WRITES,
        history_days: int | None = None,
        table_type: type[JournalTable] = JournalTable,
    ) -> None:
        self._table = table_type(client, table_name, now=now, most_writes=most_writes)
        self._history_days = history_days
        self.fleet = Fleet(self._table)
        self.pauses = Pauses(self._table)
        self.requests = Requests(self._table)
        self.standing_approvals = StandingApprovals(self._table)

    def read(self, endpoint_name: str) -> History:
        """Return an endpoint's records, strongly consistent."""
        return read_facts(self._table.query(endpoint_name, FACT))

    def _history(self, item: Mapping[str, Any], changed: Mapping[str, Any] | None = None) -> Write:
        """Return the write of an item of the history, or of what changed of it.

        The item may have expired: then an update makes it again, as a whole.
        """
        name, key = item[JOURNAL_PARTITION_KEY]["S"], item[JOURNAL_SORT_KEY]["S"]
        expiry: dict[str, Any] = {}
        if self._history_days is not None:
            expires_at = self._table.now() + timedelta(days=self._history_days)
            expiry = {JOURNAL_EXPIRY: {"N": str(int(expires_at.timestamp()))}}
        if changed is None:
            return Write("Put", name, key, {**without_keys(item), **expiry})
        return Write("Update", name, key, {**changed, **expiry}, otherwise=without_keys(item))

    # Approvals ----------------------------------------------------------------------------------------

    def record_approval(
        self,
        approval: Approval | HeardApproval,
        replaced: Iterable[Approval | HeardApproval] = (),
        *,
        standing: Iterable[Approval] = (),
    ) -> bool:
        """Write an approval; return False if the same or a later one of its weight is there already.

        Also return False if one of another weight makes it needless, or if others are there than those given:
        the history of one that nobody read would show for ever that it stands.

        Args:
            approval: The approval.
            replaced: The approvals of the version, or what was heard of one, whose place it takes.
            standing: The approvals of the version that stand.
        """
        replaced = list(replaced)
        return self._table.write(
            self._history(approval_item(approval)),
            in_place_of(next((each for each in replaced if each.weight is approval.weight), None), approval),
            *not_with_another_weight(approval, standing, replaced),
            *self._replacements(approval, replaced),
        )

    def _replacements(
        self, approval: Approval | HeardApproval, replaced: Iterable[Approval | HeardApproval]
    ) -> list[Write]:
        """Return the writes that end approvals whose place another one takes."""
        writes: list[Write] = []
        for each in replaced:
            history, fact = self._updates(each, {"withdrawn": {"BOOL": True}})
            if history.key != approval_item(approval)[JOURNAL_SORT_KEY]["S"]:
                writes.append(history)
            if fact.key != standing_key(approval):
                writes.append(Write("Delete", each.endpoint_name, fact.key, equal=fact.equal))
        return writes

    def change_approval(self, approval: Approval, *changed: str) -> bool:
        """Write the named fields of an approval, and its artifact digest only once.

        Returns:
            False if it does not stand any more, or if another invocation wrote another digest.
        """
        item = approval_item(approval)
        attributes = {name: item[name] for name in changed}
        history, fact = self._updates(approval, attributes)
        if "artifact_digest" in attributes:
            once = "attribute_not_exists(#artifact_digest) OR #artifact_digest = :if_artifact_digest"
            digest = {"artifact_digest": attributes["artifact_digest"]}
            fact = replace(fact, condition=once, values=digest)
        return self._table.write(history, fact)

    def withdraw(self, approval: Approval | HeardApproval, *, forget: Iterable[ReleaseRecord]) -> bool:
        """Write that an approval does not stand.

        Returns:
            False if another invocation wrote so, or if the version was approved again.

        Args:
            approval: The approval.
            forget: Records of releases whose failures do not matter any more.
        """
        name = approval.endpoint_name
        history, fact = self._updates(approval, {"withdrawn": {"BOOL": True}})
        forgotten = [Write("Delete", name, release_key(each.endpoint_config_name)) for each in forget]
        # What finds no room in the transaction goes with the next clean-up.
        deletion = Write("Delete", name, fact.key, equal=fact.equal)
        return self._table.write(history, deletion, *forgotten[: self._table.most_writes - 2])

    def _updates(self, approval: Approval | HeardApproval, attributes: dict[str, Any]) -> tuple[Write, Write]:
        """Return the updates of an approval's history and of its record."""
        name, this = approval.endpoint_name, {"approved_at": {"S": stored_time(approval.approved_at)}}
        return (
            self._history(approval_item(approval), attributes),
            Write("Update", name, standing_key(approval), attributes, equal=this),
        )

    def reported_unreadable(self, endpoint_name: str, version_arn: str) -> bool:
        """Tell whether a version was reported as unreadable."""
        return self._table.get(endpoint_name, unreadable_key(version_arn)) is not None

    def record_unreadable(self, endpoint_name: str, version_arn: str) -> None:
        """Write that a version was reported as unreadable."""
        self._table.write(Write("Put", endpoint_name, unreadable_key(version_arn)))

    # Attempts -----------------------------------------------------------------------------------------

    def begin(
        self,
        attempt: Attempt,
        latest: Attempt | None,
        *,
        unannounced: bool,
        announced: Iterable[Attempt] = (),
    ) -> bool:
        """Claim the attempt's number by writing it; return False if another invocation did.

        Args:
            attempt: The attempt.
            latest: The one before it, settled.
            unannounced: Whether the end of the one before was not announced yet.
            announced: Earlier attempts whose ends were announced by now.
        """
        name, item = attempt.endpoint_name, without_keys(attempt_item(attempt))
        writes = [self._history(attempt_item(attempt))]
        if latest is None:
            writes.append(Write("Put", name, LATEST_ATTEMPT, item, condition=NEW))
        else:
            known = attempt_item(latest)
            # After the journal was lost, another attempt may have the number. After it was put back, the same
            # one may be under way again.
            flags = ("number", "started_at", "status", "start_reported", "end_reported")
            unchanged = {each: known[each] for each in flags if each in known}
            writes.append(Write("Put", name, LATEST_ATTEMPT, item, equal=unchanged))
            if unannounced:
                copy = without_keys(attempt_item(latest))
                writes.append(Write("Put", name, unannounced_key(latest.number), copy))
        writes += [Write("Delete", name, unannounced_key(each.number)) for each in announced]
        return self._table.write(*writes[: self._table.most_writes])

    def move(
        self,
        old: Attempt,
        new: Attempt,
        *,
        is_latest: bool,
        records: Iterable[ReleaseRecord] = (),
        forget: Iterable[ReleaseRecord] = (),
    ) -> bool:
        """Change an attempt's state; return False if another invocation changed it since it was read.

        Only changed fields are written, so that what others write, such as reported outcomes, stays.

        Args:
            old: The attempt as it was read.
            new: The attempt as it is from now on.
            is_latest: Whether it is the endpoint's last attempt.
            records: The releases' records that its end changes.
            forget: The records that its end makes needless.
        """
        name, before, after = old.endpoint_name, attempt_item(old), attempt_item(new)
        changed = {key: value for key, value in after.items() if before.get(key) != value}
        changed["invocation_id"] = after["invocation_id"]
        unless = {key: before[key] for key in ("number", "status", "lease_until")}
        key = LATEST_ATTEMPT if is_latest else unannounced_key(old.number)
        writes = [
            self._history(after, changed),
            Write("Update", name, key, changed, equal=unless),
        ]
        for each in records:
            record = without_keys(release_item(name, each))
            writes.append(Write("Put", name, release_key(each.endpoint_config_name), record))
        if kept_deployment(new) is not None:
            writes.append(Write("Put", name, LAST_DEPLOYMENT, without_keys(after)))
        for promotion in kept_promotion(new):
            keys = (promotion_key(promotion.version_arn), LAST_PROMOTION)
            writes += [Write("Put", name, each, without_keys(after)) for each in keys]
        # These come last: what finds no room stays until the next clean-up.
        writes += [Write("Delete", name, release_key(each.endpoint_config_name)) for each in forget]
        return self._table.write(*writes[: self._table.most_writes])

    def record_reported(self, attempt: Attempt, flag: Literal["start_reported", "end_reported"]) -> None:
        """Write that an outcome of an attempt was handed over. The attempt may have moved on meanwhile."""
        name, item = attempt.endpoint_name, attempt_item(attempt)
        done: dict[str, dict[str, Any]] = {flag: {"BOOL": True}}
        history = self._history(item, done)
        number = {"number": item["number"]}
        # Once the next attempt has begun, this one is among the unannounced, or was announced.
        for key in (LATEST_ATTEMPT, unannounced_key(attempt.number)):
            if self._table.write(history, Write("Update", name, key, done, equal=number)):
                return

    def last_promotion(self, endpoint_name: str, version_arn: str) -> Promotion | None:
        """Return a version's last promotion that ended; None if there was none."""
        found = self._table.get(endpoint_name, promotion_key(version_arn))
        attempt = read_attempt(found) if found is not None else None
        return attempt if isinstance(attempt, Promotion) else None

    def record_last_observed(
        self, endpoint_name: str, before: LastObserved, after: LastObserved, *, as_read: bool = False
    ) -> bool:
        """Write the changed attributes of the last observation, at least one; return whether it was written.

        A record that was read and is missing was lost with the journal. It is not made again: it would take
        the new journal's first look away, and what it says may not be so any more.

        Args:
            endpoint_name: The endpoint.
            before: As it was read.
            after: As it is now.
            as_read: Whether to write only if no other invocation has changed these attributes since the read.
        """
        old, new = last_observed_item(before), last_observed_item(after)
        changed = {name: value for name, value in new.items() if old[name] != value}
        first = Write("Put", endpoint_name, LAST_OBSERVED, new, condition=NEW)
        equal = {name: old[name] for name in changed} if as_read else {}
        update = Write("Update", endpoint_name, LAST_OBSERVED, changed, equal=equal)
        if before == LastObserved() and self._table.write(first):
            return True
        # It was read, or another invocation noted something first.
        return self._table.write(update)
