"""Schedules as Hypothesis draws and shrinks them: the same vocabulary as `schedule.draw`, part by part."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hypothesis import strategies as st

from tests.simulation.schedule import (
    ALARM_LASTS,
    ALARM_READ,
    BAKE_EVENT,
    CHOICES,
    DELAYS,
    DENIED_FOR,
    EVENTS,
    GAPS,
    LISTS,
    MEANWHILE,
    OPERATION_NAMES,
    PART_SIZE,
    SOAKS,
    STAGE_EVENTS,
    STALE_READS,
    STATUSES,
    SWITCH_SETTINGS,
    TELLING,
    WAITS,
    Companions,
    Denial,
    Disturbance,
    EventFault,
    EventFaultKind,
    Fault,
    FaultKind,
    Gap,
    Kind,
    RolloutKind,
    Schedule,
    Stages,
    possible,
)

_CHOICE: Final = st.integers(0, CHOICES - 1)
_DELAY: Final = st.integers(0, len(DELAYS) - 1)


def _disturbances(kinds: tuple[Kind, ...]) -> st.SearchStrategy[Disturbance]:
    return st.builds(
        Disturbance,
        st.sampled_from(kinds),
        wait=st.integers(0, len(WAITS) - 1),
        which=_CHOICE,
        how=_CHOICE,
        when=st.one_of(st.just(""), st.sampled_from(STATUSES)),
    )


def _faults() -> st.SearchStrategy[Fault]:
    nth = st.integers(0, 7)
    plain = [kind for kind in FaultKind if kind not in {FaultKind.STALE, FaultKind.MEANWHILE}]
    names = st.sampled_from((*OPERATION_NAMES, TELLING))
    stale_reads = st.sampled_from((*STALE_READS, ALARM_READ))
    return st.one_of(
        st.builds(Fault, names, nth, st.sampled_from(plain), st.integers(1, 4), _DELAY),
        st.builds(Fault, stale_reads, nth, st.just(FaultKind.STALE), st.integers(1, 4)),
        st.builds(
            Fault,
            names,
            nth,
            st.just(FaultKind.MEANWHILE),
            meanwhile=_disturbances(MEANWHILE),
        ),
    )


def schedules() -> st.SearchStrategy[Schedule]:
    """Return a strategy for schedules; the simplest is one in which nothing happens."""
    switches = st.sampled_from(sorted(SWITCH_SETTINGS)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(SWITCH_SETTINGS[name]))
    )
    return st.builds(
        Schedule,
        seed=st.integers(0, 2**16),
        endpoints=st.integers(1, 3),
        head_start=st.integers(0, 2),
        policy=st.integers(0, 2),
        rollout=st.sampled_from(RolloutKind),
        as_forward=st.booleans(),
        instances=st.integers(0, 2),
        alarm_lasts=st.integers(0, len(ALARM_LASTS) - 1),
        scaling=st.booleans(),
        smoke_test=st.booleans(),
        before_rollout=st.booleans(),
        every_seconds=st.sampled_from((0, 0, 10, 90)),
        fades_after=st.sampled_from((0, 60, 400)),
        keep=st.sampled_from((3, 1, 0)),
        part_size=st.sampled_from((PART_SIZE, 2, 1)),
        skew=st.sampled_from((0, 2, -2)),
        stages=st.sampled_from((Stages.NONE, *Stages)),
        soak=st.integers(0, len(SOAKS) - 1),
        companions=st.sampled_from((Companions.NONE, *Companions)),
        config_visible_seconds=st.sampled_from((0, 2)),
        switches=st.lists(switches, max_size=3).map(dict),
        disturbances=st.lists(_disturbances(tuple(Kind)), max_size=12).map(tuple),
        faults=st.lists(_faults(), max_size=4).map(tuple),
        event_faults=st.lists(
            st.builds(
                EventFault,
                st.sampled_from((*EVENTS, BAKE_EVENT, *STAGE_EVENTS)),
                st.integers(0, 9),
                st.sampled_from(EventFaultKind),
                _DELAY,
            ),
            max_size=3,
        ).map(tuple),
        denials=st.lists(
            st.builds(
                Denial,
                st.sampled_from((*OPERATION_NAMES, TELLING)),
                st.integers(0, 7),
                st.integers(0, len(DENIED_FOR) - 1),
                st.booleans(),
            ),
            max_size=2,
        ).map(tuple),
        gaps=st.lists(
            st.builds(
                Gap,
                st.sampled_from(tuple(LISTS)),
                st.integers(0, 7),
                st.integers(1, 4),
                st.integers(0, len(GAPS) - 1),
            ),
            max_size=2,
        ).map(tuple),
        event_lag=st.sampled_from((0, 2, -3, 20)),
        metadata=st.booleans(),
    ).map(_possible)


def _possible(schedule: Schedule) -> Schedule:
    """Return a schedule without what does not go together; see `schedule.draw_staged`."""
    if schedule.stages is Stages.NONE:
        return possible(schedule)
    return replace(schedule, companions=Companions.NONE)
