"""Versions that have the ARN of an earlier one: people deleted their group and made it again.

Owns which version an ARN means at a time, and the names by which laws know versions. The first version with
an ARN has the ARN as its name. Each further one has a name of its own, which SageMaker does not know. It
judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.schedule import Companions, Stages
from tests.simulation.sites import GROUP

if TYPE_CHECKING:
    from tests.simulation.world import World

_NAME: Final = re.compile(r"(?P<group>.+:model-package/[^/]+)(?:/again-(?P<nth>\d+))?/(?P<number>\d+)")
_DATES: Final = ("approved_at", "CreationTime", "LastModifiedTime")
"""What says in a record, an answer or an event of when the version is that it names."""

ABSENT_SECONDS: Final = (60.0, 600.0, 1600.0)
"""How long a group is gone: longer than reads may be old, so that none shows a version of before."""

_BEHAVIOURS: Final = ("good", "broken", "alarming", "failing")
_MOST_AT_ONCE: Final = 3
_MILLISECONDS: Final = 1e11
"""Larger times count milliseconds."""


@dataclass(slots=True)
class Namesakes:
    """Which versions had which ARN in a world, and when they were registered."""

    world: World
    were_made: bool = False
    """Whether a version has the ARN of an earlier one."""
    gone_since: datetime | None = None
    """When people deleted the group; None while it is there."""
    first: int = 0
    """The place of the present group's first version among all."""
    _registered: dict[str, list[datetime]] = field(default_factory=dict)

    def note(self, arn: str) -> str:
        """Remember that a version was registered just now, and return its name."""
        # As the registry shows it: whole seconds.
        now = self.world.clock.now()
        times = self._registered.setdefault(arn.lower(), [])
        times.append(now.replace(microsecond=0))
        self.were_made |= len(times) > 1
        return self.name_of(arn, now)

    def name_of(self, arn: str, at: datetime) -> str:
        """Return the name of the version that had an ARN at a time."""
        nth = sum(time <= at for time in self._registered.get(arn.lower(), ()))
        group, _, number = arn.rpartition("/")
        return arn if nth <= 1 else f"{group}/again-{nth}/{number}"

    def arn_of(self, name: str) -> str:
        """Return the ARN of the version that has a name."""
        found = _NAME.fullmatch(name)
        return f"{found['group']}/{found['number']}" if found is not None else name

    def is_past(self, name: str) -> bool:
        """Tell whether a later version has the ARN by now."""
        arn = self.arn_of(name)
        return self.were_made and name.lower() != self.name_of(arn, self.world.clock.now()).lower()

    def named(self, document: Any, at: datetime) -> Any:
        """Return a record, a request, an answer or an event with names in the place of ARNs.

        Args:
            document: The document.
            at: Of when the versions are for which it says nothing else.
        """
        if not self.were_made:
            return document
        if isinstance(document, Mapping):
            at = next((time for key in _DATES if (time := _time(document.get(key))) is not None), at)
            return {key: self.named(each, at) for key, each in document.items()}
        if isinstance(document, list):
            return [self.named(each, at) for each in document]
        is_name = isinstance(document, str) and _NAME.fullmatch(document) is not None
        return self.name_of(document, at) if is_name else document

    def make_again(self, how: int, people_by: Sequence[str]) -> None:
        """Delete the group with all that is in it, and make it again after a while.

        Args:
            how: After how long, and with which versions.
            people_by: Who may register them.
        """
        people, schedule = self.world.people, self.world.schedule
        is_plain = schedule.stages is Stages.NONE and schedule.companions is Companions.NONE
        if self.gone_since is not None or not is_plain:
            return
        for version in people.versions[self.first :]:
            people.call("DeleteModelPackage", ModelPackageName=version.arn)
        people.call("DeleteModelPackageGroup", ModelPackageGroupName=GROUP)
        self.gone_since, self.first = self.world.clock.now(), len(people.versions)
        self.world.agenda.put(
            ABSENT_SECONDS[how % len(ABSENT_SECONDS)], partial(self._register, how, people_by)
        )

    def may_register(self) -> bool:
        """Tell whether a version can be registered now. Whoever does so makes the group if it is gone."""
        if self.gone_since is None:
            return True
        if self.world.clock.now() < self.gone_since + timedelta(seconds=ABSENT_SECONDS[0]):
            return False
        self.gone_since = None
        self.world.people.call("CreateModelPackageGroup", ModelPackageGroupName=GROUP)
        return True

    def _register(self, how: int, people_by: Sequence[str]) -> None:
        """Register the first versions of the new group, which behave otherwise than those of before."""
        if self.gone_since is None or not self.world.disturbing:
            return
        for place in range(1 + how % _MOST_AT_ONCE):
            status = "PendingManualApproval" if (how + place) % 3 == 0 else "Approved"
            behaves = _BEHAVIOURS[(how + place) % len(_BEHAVIOURS)]
            self.world.people.register(
                status,
                by=people_by[(how // 2 + place) % len(people_by)],
                broken=behaves == "broken",
                alarming=behaves == "alarming",
                failing=behaves == "failing",
            )
        self.world.observe_changes()


def _time(value: Any) -> datetime | None:
    """Return a time that the journal, SageMaker or an event writes; None if it is none."""
    if isinstance(value, Mapping):
        value = value.get("S")
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, float | int):
        # The events of endpoints count milliseconds.
        return datetime.fromtimestamp(value / (1000 if value > _MILLISECONDS else 1), UTC)
    return value if isinstance(value, datetime) else None
