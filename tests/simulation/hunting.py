"""Catches sabotages: breaks a copy of the deployer, and runs schedules against it until a law is broken.

Owns the copies and the processes. The deployer in the working tree is never touched.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.simulation.runner import schedule_of
from tests.simulation.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.simulation.sabotages import Sabotage
    from tests.simulation.schedule import Schedule

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Catch:
    """How a broken deployer was caught.

    Attributes:
        number: The schedule's number in its series; None for the known schedule, which runs first.
        schedule: The schedule, as JSON.
        schedules: How many it took.
        seconds: How long it took.
        law: The broken law.
        told: The law's message.
    """

    number: int | None
    schedule: str
    schedules: int
    seconds: float
    law: str
    told: str


def hunt(seed: str, schedules: int, *, first: Schedule | None = None, start: int = 0) -> Catch | None:
    """Run a schedule, if one is to be tried first, and then a series of them, until one breaks a law.

    Args:
        seed: The seed of the series.
        schedules: The number at which the series ends.
        first: The schedule to try first.
        start: The number at which the series begins.
    """
    begun = time.monotonic()
    known: list[tuple[int | None, Schedule]] = [(None, first)] if first is not None else []
    series = ((number, schedule_of(seed, number)) for number in range(start, schedules))
    for count, (number, schedule) in enumerate(chain(known, series), start=1):
        result = simulate(schedule)
        if result.law is not None:
            assert result.violation is not None, "a law that is broken says how"
            taken = time.monotonic() - begun
            return Catch(number, schedule.to_json(), count, taken, result.law, result.violation)
    return None


def catch(
    sabotages: Sequence[Sabotage], *, seed: str, schedules: int, jobs: int, anew: bool = False
) -> Iterator[tuple[Sabotage, Catch | None]]:
    """Break the deployer in each way, and hunt in separate processes; return results in the given order.

    The schedule that is known to catch a sabotage runs first. With `anew` it does not run. A schedule on
    which the deployer itself breaks a law shows nothing of a sabotage: then the hunt goes on.
    """

    def caught(sabotage: Sabotage) -> Catch | None:
        first, start = None if anew else sabotage.known, 0
        while True:
            found = catch_one(sabotage, seed=seed, schedules=schedules, first=first, start=start)
            if found is None or not _breaks_a_law_anyway(found.schedule):
                return found
            first, start = None, 0 if found.number is None else found.number + 1

    with ThreadPoolExecutor(jobs) as pool:
        yield from zip(sabotages, pool.map(caught, sabotages), strict=True)


def _breaks_a_law_anyway(schedule: str) -> bool:
    """Tell whether the deployer as it is breaks a law on a schedule, given as JSON."""
    replayed = subprocess.run(  # noqa: S603 - this interpreter, arguments of our own
        [sys.executable, "-m", "tests.simulation", "replay", schedule],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "lambdas")},
        capture_output=True,
        text=True,
        check=False,
    )
    if replayed.returncode not in {0, 1}:
        raise RuntimeError(f"The replay ended with {replayed.returncode}:\n{replayed.stderr}")
    return replayed.returncode == 1


def catch_one(
    sabotage: Sabotage, *, seed: str, schedules: int, first: Schedule | None, start: int = 0
) -> Catch | None:
    """Break a copy of the deployer in one way, and hunt; None if it survives.

    Raises:
        StaleSabotageError: The sabotage does not fit the deployer any more.
        RuntimeError: The broken deployer could not even be run.
    """
    with tempfile.TemporaryDirectory() as directory:
        lambdas = Path(directory) / "lambdas"
        # Its bytecode comes along: Python compiles for longer than a schedule takes.
        shutil.copytree(ROOT / "lambdas" / "deployer", lambdas / "deployer")
        sabotage.apply(lambdas / "deployer")
        for compiled in lambdas.glob(f"**/__pycache__/{Path(sabotage.file).stem}.*"):
            compiled.unlink()
        hunted = subprocess.run(  # noqa: S603 - this interpreter, arguments of our own
            [
                *(sys.executable, "-m", "tests.simulation", "hunt", "--seed", seed),
                *("--schedules", str(schedules), "--start", str(start)),
                *(("--first", first.to_json()) if first is not None else ()),
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(lambdas)},
            capture_output=True,
            text=True,
            check=False,
        )
    if hunted.returncode not in {0, 1} or not hunted.stdout.strip():
        raise RuntimeError(f"{sabotage.name}: the hunt ended with {hunted.returncode}:\n{hunted.stderr}")
    found = json.loads(hunted.stdout)
    return Catch(**found) if found is not None else None
