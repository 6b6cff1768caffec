"""The journal's partition of the fleet: a small item for each managed endpoint, by the endpoint's name.

So one query of a few pages tells a sweep which endpoints have something to do, whose settings have changed,
and which are no longer in the settings. Every write of the journal says here that its endpoint does not rest.
One more item says how far the daily checks came: one write for all endpoints that had theirs.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import FLEET, JOURNAL_SORT_KEY
from deployer.gateways.journal_table import KNOWN_SINCE, MARK, NEW, RESTS, Write, stored_time
from deployer.model.fleet import FleetNotes, FleetRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from deployer.gateways.journal_table import JournalTable

CHECKS: Final = "#checks"
"""The sort key of how far the daily checks came. No endpoint has such a name."""

LEFT_AT: Final = "left_at"
_NOT_LEFT: Final = f"attribute_not_exists({LEFT_AT})"
"""The condition of every note of a look: an endpoint without settings has none."""

_OF_A_FAILURE: Final = frozenset({"failures", "rests", "tried_at", "tried_digest"})
"""What a note of a failed look writes."""


class Fleet:
    """The items of all endpoints that this stack looked at."""

    def __init__(self, table: JournalTable) -> None:
        self._table = table

    def notes(self) -> FleetNotes:
        """Return the records of all endpoints, and how far the daily checks came."""
        items = {item[JOURNAL_SORT_KEY]["S"]: item for item in self._table.between(FLEET, CHECKS, "~")}
        checks = items.pop(CHECKS, None)
        until = datetime.fromisoformat(checks["until"]["S"]) if checks is not None else None
        return FleetNotes({name: _record(item) for name, item in items.items()}, until)

    def records(self, names: Collection[str] | None = None) -> Mapping[str, FleetRecord]:
        """Return the records of all endpoints, or at least of those that are named."""
        first, last = (min(names), max(names)) if names else ("0", "~")
        return {
            item[JOURNAL_SORT_KEY]["S"]: _record(item) for item in self._table.between(FLEET, first, last)
        }

    def note_checks(self, until: datetime) -> None:
        """Write that the checks and weekly looks are made that were due until then."""
        self._table.write(Write("Put", FLEET, CHECKS, {"until": {"S": stored_time(until)}}))

    def note_look(self, endpoint_name: str, record: FleetRecord) -> None:
        """Write how a look ended, whether the endpoint rests or not."""
        if record.rests:
            self.note_rests({endpoint_name: record})
            return
        # A failed look changes nothing else: another invocation may have noted its look meanwhile.
        written = _attributes(record).keys() - {MARK} if record.tried_at is None else _OF_A_FAILURE
        attributes = {name: value for name, value in _attributes(record).items() if name in written}
        if not self._table.write(Write("Update", FLEET, endpoint_name, attributes, condition=_NOT_LEFT)):
            self._table.write(self._first(endpoint_name, record))

    def note_rests(self, records: Mapping[str, FleetRecord]) -> None:
        """Write that endpoints rest, except those for which something was journalled since they were read.

        Then this look or another invocation did something, and only the settings are noted.
        """
        noted = list(records.items())
        most = self._table.most_writes
        for first in range(0, len(noted), most):
            batch = noted[first : first + most]
            if self._table.write(*(self._rest(name, record) for name, record in batch)):
                continue
            for name, record in batch:
                if not self._table.write(self._rest(name, record)):
                    self.note_look(name, replace(record, rests=False))

    def _rest(self, endpoint_name: str, record: FleetRecord) -> Write:
        if record.mark is None:
            return self._first(endpoint_name, record)
        attributes = _attributes(record)
        unchanged = {MARK: attributes[MARK]}
        return Write("Put", FLEET, endpoint_name, attributes, equal=unchanged, condition=_NOT_LEFT)

    def _first(self, endpoint_name: str, record: FleetRecord) -> Write:
        known = record if record.managed_since is not None else replace(record, known_since=self._table.now())
        return Write("Put", FLEET, endpoint_name, _attributes(known), condition=NEW)

    # Endpoints that left the settings -----------------------------------------------------------------

    def note_left(self, endpoint_name: str, record: FleetRecord) -> FleetRecord | None:
        """Write that an endpoint has no settings any more, before anybody is told.

        Returns:
            The record from now on; None if a look with settings, or another invocation, came in between.
        """
        left = replace(record, rests=False, left_at=self._table.now())
        known = _attributes(record)
        same = {"noted_at": known["noted_at"]} if "noted_at" in known else {}
        condition = _NOT_LEFT if same else f"{_NOT_LEFT} AND attribute_not_exists(noted_at)"
        changed = {name: value for name, value in _attributes(left).items() if name in {LEFT_AT, RESTS}}
        update = Write("Update", FLEET, endpoint_name, changed, equal=same, condition=condition)
        return left if self._table.write(update) else None

    def note_removal_reported(self, endpoint_name: str, record: FleetRecord) -> None:
        """Write that people were told that an endpoint left the settings, or need not be."""
        reported = {"removal_reported": {"BOOL": True}}
        this = {LEFT_AT: _attributes(record)[LEFT_AT]}
        self._table.write(Write("Update", FLEET, endpoint_name, reported, equal=this))

    def forget(self, endpoint_name: str, record: FleetRecord) -> bool:
        """Remove an endpoint that left the settings, unless something was journalled since it was read."""
        known = _attributes(record)
        unchanged = {name: known[name] for name in (LEFT_AT, MARK)}
        return self._table.write(Write("Delete", FLEET, endpoint_name, equal=unchanged))

    def begin_again(self, endpoint_name: str, record: FleetRecord) -> None:
        """Remove what is known of an endpoint that is in the settings again, so that looks are noted."""
        this = {LEFT_AT: _attributes(record)[LEFT_AT]}
        self._table.write(Write("Delete", FLEET, endpoint_name, equal=this))


def _attributes(record: FleetRecord) -> dict[str, dict[str, Any]]:
    texts = {
        "settings_digest": record.settings_digest,
        "noted_at": _stored(record.noted_at),
        KNOWN_SINCE: _stored(record.known_since),
        LEFT_AT: _stored(record.left_at),
        "rests_at": _stored(record.rests_at),
        "looked_at": _stored(record.looked_at),
        "approved_digest": record.approved_digest,
        "retry_at": _stored(record.retry_at),
        "tried_at": _stored(record.tried_at),
        "tried_digest": record.tried_digest,
    }
    return {
        **{name: {"S": text} for name, text in texts.items() if text is not None},
        "failures": {"N": str(record.failures)},
        RESTS: {"BOOL": record.rests},
        MARK: {"N": str(record.mark or 0)},
    }


def _record(item: Mapping[str, Any]) -> FleetRecord:
    def text(name: str) -> str | None:
        return item[name]["S"] if name in item else None

    def time(name: str) -> datetime | None:
        stored = text(name)
        return datetime.fromisoformat(stored) if stored is not None else None

    failures = int(item["failures"]["N"]) if "failures" in item else 0
    return FleetRecord(
        settings_digest=text("settings_digest"),
        noted_at=time("noted_at"),
        known_since=time(KNOWN_SINCE),
        left_at=time(LEFT_AT),
        removal_reported="removal_reported" in item,
        rests=item[RESTS]["BOOL"],
        rests_at=time("rests_at"),
        looked_at=time("looked_at"),
        approved_digest=text("approved_digest"),
        retry_at=time("retry_at"),
        failures=failures,
        # An update leaves what an earlier failure wrote.
        tried_at=time("tried_at") if failures else None,
        tried_digest=text("tried_digest") if failures else None,
        mark=int(item[MARK]["N"]),
    )


def _stored(time: datetime | None) -> str | None:
    return stored_time(time) if time is not None else None
