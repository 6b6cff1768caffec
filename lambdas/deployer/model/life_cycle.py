"""Decides by a version's ModelLifeCycle whether a stage takes it and promotes it. Pure.

The registry is the only memory that stages share. A version is in one life-cycle stage at a time, so a gate
also admits versions that went on to a later stage.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeGuard

from deployer.contract import SettingsKey
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


_APPROVED: Final = "Approved"
"""The word that Studio writes as `StageStatus` (developer guide, "model-registry-staging-construct")."""


class LifeCycle(NamedTuple):
    """A version's place in its life cycle (botocore: `ModelLifeCycle`). Both words are free."""

    stage: str
    stage_status: str

    @classmethod
    def parse(cls, document: Mapping[str, Any] | None) -> LifeCycle | None:
        """Read a `ModelLifeCycle`; None if it is missing or malformed."""
        if not _is_life_cycle(document):
            return None
        return cls(document["Stage"], document["StageStatus"])


@value
class Gate:
    """The life cycle that a stage asks of a version, in addition to its approval.

    Attributes:
        asks_for: The life cycle that the version must have.
        later_stages: Stages that come after it: a version that got there has passed this gate.
    """

    asks_for: LifeCycle
    later_stages: frozenset[str]

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Gate:
        """Read the settings' `Gate`."""
        asks_for = LifeCycle(document["Stage"], document["StageStatus"])
        return cls(asks_for, frozenset(document.get(SettingsKey.LATER_STAGES, ())))

    def admits(self, life_cycle: LifeCycle | None) -> bool:
        """Tell whether the stage takes a version that stands there."""
        return life_cycle is not None and (
            life_cycle == self.asks_for or life_cycle.stage in self.later_stages
        )


@value
class PromotionRule:
    """What a stage writes to the registry once a version has served well in it.

    Attributes:
        goal: The life cycle that is written.
        soak: How long the version must have served without an alarm.
        later_stages: Stages that come after the goal's.
    """

    goal: LifeCycle
    soak: timedelta
    later_stages: frozenset[str]

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> PromotionRule:
        """Read the settings' `Promotion`."""
        return cls(
            LifeCycle(document["Stage"], document["StageStatus"]),
            timedelta(seconds=document[SettingsKey.SOAK_SECONDS]),
            frozenset(document.get(SettingsKey.LATER_STAGES, ())),
        )

    def may_follow(self, life_cycle: LifeCycle | None, gate: Gate | None) -> bool:
        """Tell whether a version may be promoted from its life cycle.

        It may have none, or match this stage's gate; without a gate it may also be approved in any stage. Any
        other life cycle was set by a person for an unknown reason.
        """
        if life_cycle is None:
            return True
        return life_cycle == gate.asks_for if gate is not None else life_cycle.stage_status == _APPROVED

    def is_made(self, life_cycle: LifeCycle | None) -> bool:
        """Tell whether a version is in the goal's stage, in any status, or in a later one.

        So a person who refused the version there, or took it back, is not overruled.
        """
        return life_cycle is not None and (
            life_cycle.stage == self.goal.stage or life_cycle.stage in self.later_stages
        )

    def due_at(self, serves_since: datetime) -> datetime:
        """Return when a version may be promoted that went live, its smoke test passed, at a time.

        None of its alarms may have disturbed it in the `soak` before that.
        """
        return serves_since + self.soak


def _is_life_cycle(value: object) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(value, dict)
        and isinstance(value.get("Stage"), str)
        and isinstance(value.get("StageStatus"), str)
    )
