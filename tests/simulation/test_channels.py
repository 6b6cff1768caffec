"""The laws hold whatever a channel does to what the deployer says on it."""

from __future__ import annotations

import pytest

from tests.simulation.judging import judge
from tests.simulation.schedule import TELLING, Disturbance, Fault, FaultKind, Kind, Schedule


@pytest.mark.parametrize("times", [pytest.param(1, marks=pytest.mark.long), 4])
@pytest.mark.parametrize("operation", [TELLING, "PutEvents"])
@pytest.mark.parametrize(
    "kind", [kind for kind in FaultKind if kind not in {FaultKind.STALE, FaultKind.MEANWHILE}]
)
def test_the_laws_hold_whatever_a_channel_does_to_what_it_is_told(
    kind: FaultKind, operation: str, times: int
) -> None:
    """Four times in a row is longer than botocore repeats a call."""
    rollout = (Disturbance(Kind.REGISTER_APPROVED), Disturbance(Kind.SWEEP, wait=8))
    for nth in range(3):
        fault = Fault(operation, nth, kind, times=times, delay=2)
        judge(Schedule(head_start=1, disturbances=rollout, faults=(fault,)))
