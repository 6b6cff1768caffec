"""The journal's partition of the fleet: a small item for each managed endpoint, by the endpoint's name.

So one query of a few pages tells a sweep which endpoints have something to do, whose settings have changed,
and which are no longer in the settings. Every write of the journal says here that its endpoint does not rest.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deployer.contract import FLEET, JOURNAL_SORT_KEY
from deployer.gateways.journal_table import MARK, NEW, RESTS, Write
from deployer.model.fleet import FleetRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from deployer.gateways.journal_table import JournalTable


class Fleet:
    """The items of all endpoints that this stack looked at."""

    def __init__(self, table: JournalTable) -> None:
        self._table = table

    def records(self, names: Collection[str] | None = None) -> Mapping[str, FleetRecord]:
        """Return the records of all endpoints, or at least of those that are named."""
        first, last = (min(names), max(names)) if names else ("0", "~")
        return {
            item[JOURNAL_SORT_KEY]["S"]: _record(item) for item in self._table.between(FLEET, first, last)
        }

    def note_look(self, endpoint_name: str, record: FleetRecord) -> None:
        """Write how a look ended, whether the endpoint rests or not."""
        if record.rests:
            self.note_rests({endpoint_name: record})
            return
        attributes = {name: value for name, value in _attributes(record).items() if name != MARK}
        if not self._table.write(Write("Update", FLEET, endpoint_name, attributes)):
            self._table.write(Write("Put", FLEET, endpoint_name, _attributes(record), condition=NEW))

    def note_rests(self, records: Mapping[str, FleetRecord]) -> None:
        """Write that endpoints rest, except those for which something was journalled since they were read.

        Then this look or another invocation did something, and only the settings are noted.
        """
        noted = list(records.items())
        most = self._table.most_writes
        for first in range(0, len(noted), most):
            batch = noted[first : first + most]
            if self._table.write(*(_rest(name, record) for name, record in batch)):
                continue
            for name, record in batch:
                if not self._table.write(_rest(name, record)):
                    self.note_look(name, replace(record, rests=False))

    def forget(self, endpoint_name: str) -> None:
        """Remove an endpoint that is no longer in the settings."""
        self._table.write(Write("Delete", FLEET, endpoint_name))


def _rest(endpoint_name: str, record: FleetRecord) -> Write:
    attributes = _attributes(record)
    if record.mark is None:
        return Write("Put", FLEET, endpoint_name, attributes, condition=NEW)
    return Write("Put", FLEET, endpoint_name, attributes, equal={MARK: attributes[MARK]})


def _attributes(record: FleetRecord) -> dict[str, dict[str, Any]]:
    texts = {
        "settings_digest": record.settings_digest,
        "noted_at": _stored(record.noted_at),
        "rests_at": _stored(record.rests_at),
        "looked_at": _stored(record.looked_at),
        "approved_digest": record.approved_digest,
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
        rests=item[RESTS]["BOOL"],
        rests_at=time("rests_at"),
        looked_at=time("looked_at"),
        approved_digest=text("approved_digest"),
        failures=failures,
        # An update leaves what an earlier failure wrote.
        tried_at=time("tried_at") if failures else None,
        tried_digest=text("tried_digest") if failures else None,
        mark=int(item[MARK]["N"]),
    )


def _stored(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat(timespec="microseconds") if time is not None else None
