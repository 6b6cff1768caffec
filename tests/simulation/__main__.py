"""The simulation's commands: run, replay, hunt, sabotage, live, storm, scale."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shlex
import sys
from random import Random
from typing import TYPE_CHECKING, Final

from rich.console import Console

from tests.progress import progress
from tests.simulation import counting, coverage, scale_page
from tests.simulation.hunting import catch, hunt
from tests.simulation.runner import run, schedule_of
from tests.simulation.sabotages import SABOTAGES, keep
from tests.simulation.scale import IN_SYNC, Measured, measure, measure_apart, sizes_up_to, table
from tests.simulation.schedule import Schedule, draw_life
from tests.simulation.shrink import shrunk
from tests.simulation.simulation import simulate
from tests.simulation.storm import Storm, run_storm

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONG_RUN = 3_000
"""Schedules from which on an unexplained hole in the coverage is a failure."""


def main(arguments: Sequence[str]) -> int:
    """Run a command; return the process's exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    commands = parser.add_subparsers(required=True)
    running = commands.add_parser("run", help="run many schedules, and judge each by the laws")
    running.add_argument("--schedules", type=int, default=1000)
    running.add_argument("--seed", default="1")
    running.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    running.add_argument("--no-shrink", action="store_true", help="show violations as they were drawn")
    running.add_argument("--coverage", action="store_true", help="show what met what, and how often")
    running.set_defaults(command=_run)
    replaying = commands.add_parser("replay", help="run one schedule, and tell its story")
    replaying.add_argument("schedule", help="as JSON, or SEED/NUMBER of a series")
    replaying.set_defaults(command=_replay)
    hunting = commands.add_parser("hunt", help="run schedules until one breaks a law, as each sabotage does")
    hunting.add_argument("--schedules", type=int, required=True)
    hunting.add_argument("--seed", required=True)
    hunting.add_argument("--start", type=int, default=0, help="the number of the series' first schedule")
    hunting.add_argument("--first", type=Schedule.from_json, help="the schedule, as JSON, to begin with")
    hunting.set_defaults(command=_hunt)
    sabotaging = commands.add_parser("sabotage", help="break the deployer in every known way, and catch each")
    sabotaging.add_argument("--schedules", type=int, default=3000, help="the most that one may take")
    sabotaging.add_argument("--seed", default="sabotage")
    sabotaging.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    sabotaging.add_argument("--anew", action="store_true", help="do not begin with what is known to catch it")
    sabotaging.add_argument("--keep", action="store_true", help="write down what catches it from now on")
    sabotaging.add_argument("names", nargs="*", help="only these")
    sabotaging.set_defaults(command=_sabotage)
    living = commands.add_parser("live", help="one endpoint that lives long, with limits that it reaches")
    living.add_argument("--steps", type=int, default=1000)
    living.add_argument("--seed", default="1")
    living.set_defaults(command=_live)
    storming = commands.add_parser("storm", help="a thousand approvals in a minute, two writes a second")
    storming.add_argument("--seed", type=int, default=1)
    storming.set_defaults(command=_storm)
    scaling = commands.add_parser("scale", help="what fleets of ten endpoints and more cost")
    scaling.add_argument("--endpoints", type=int, default=1000, help="of the largest fleet")
    scaling.add_argument("--only", type=int, help="measure one fleet here, and print its numbers as JSON")
    scaling.set_defaults(command=_scale)
    chosen = parser.parse_args(arguments)
    status: int = chosen.command(chosen)
    return status


CONSOLE: Final = Console(stderr=True)


def _say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _run(chosen: argparse.Namespace) -> int:
    totals = run(chosen.seed, chosen.schedules, chosen.jobs, CONSOLE)
    if chosen.coverage:
        _say(coverage.table(totals.coverage))
    holes = coverage.unexplained_holes(totals.coverage) if totals.schedules >= LONG_RUN else []
    for what, how in holes:
        _say(f"Hole: {how} never met {what}")
    for violation in totals.violations:
        schedule = violation.schedule
        if not chosen.no_shrink:
            schedule = shrunk(schedule, violation.law)
        _say(f"\nVIOLATION of {violation.law} in schedule {chosen.seed}/{violation.number}: {violation.told}")
        _say(f"Replay it: {replay_command(schedule)}")
    _say(f"\nWhat the deployer did for each cause:\n{counting.table(totals.counts)}\n")
    _say(
        f"{totals.schedules:,} schedules of seed {chosen.seed}, {totals.calls:,} API calls in "
        f"{totals.seconds:.0f} s ({totals.calls / totals.seconds:,.0f} a second): "
        f"{len(totals.violations)} violations, {len(holes)} holes."
    )
    return 1 if totals.violations or holes else 0


def _replay(chosen: argparse.Namespace) -> int:
    if chosen.schedule.startswith("{"):
        schedule = Schedule.from_json(chosen.schedule)
    else:
        seed, _, number = chosen.schedule.rpartition("/")
        schedule = schedule_of(seed, int(number))
    result = simulate(schedule, tell=True)
    _say(schedule.to_json())
    _say(result.story)
    _say(result.violation or f"All laws held over {result.calls} calls.")
    return 1 if result.violation else 0


def _live(chosen: argparse.Namespace) -> int:
    schedule = draw_life(Random(f"life {chosen.seed}"), steps=chosen.steps)  # noqa: S311 - no secret
    result = simulate(schedule)
    _say(counting.table(result.counts))
    _say(f"Replay it: {replay_command(schedule)}")
    _say(result.violation or f"All laws held over {chosen.steps:,} steps and {result.calls:,} API calls.")
    return 1 if result.violation else 0


def _hunt(chosen: argparse.Namespace) -> int:
    """Print the caught sabotages as JSON; the exit status says whether there were any."""
    caught = hunt(chosen.seed, chosen.schedules, first=chosen.first, start=chosen.start)
    _say(json.dumps(dataclasses.asdict(caught) if caught is not None else None))
    return 0 if caught is None else 1


def _sabotage(chosen: argparse.Namespace) -> int:
    wanted = [each for each in SABOTAGES if not chosen.names or each.name in chosen.names]
    survivors: list[str] = []
    found = catch(wanted, seed=chosen.seed, schedules=chosen.schedules, jobs=chosen.jobs, anew=chosen.anew)
    with progress("Sabotages", len(wanted), CONSOLE) as one_more:
        for sabotage, caught in found:
            one_more()
            if caught is None:
                survivors.append(sabotage.name)
            elif chosen.keep:
                keep({sabotage.name: caught.schedule})
    for name in survivors:
        _say(f"{name} SURVIVED {chosen.schedules} schedules")
    _say(f"{len(wanted)} sabotages, {len(wanted) - len(survivors)} caught, {len(survivors)} survived.")
    return 1 if survivors else 0


MOST_LONGER = 1.10
"""How much longer the storm's writes may take than the limit of writes alone makes them take."""


def _storm(chosen: argparse.Namespace) -> int:
    storm = Storm(seed=chosen.seed)
    with progress("Endpoints that serve", storm.endpoints, CONSOLE) as one_more:
        numbers = run_storm(storm, one_more)
    _say(
        f"{numbers.approvals} approvals over {storm.endpoints} endpoints within {storm.seconds:.0f} s, "
        f"{storm.writes_per_second} writes a second:\n"
        f"  endpoints that do not serve their newest approval  {numbers.wrong}\n"
        f"  API calls of the deployer                          {numbers.calls}\n"
        f"  writes for deployments that SageMaker accepted     {numbers.writes}\n"
        f"  deletions besides                                  {numbers.clean_ups}\n"
        f"  writes that it throttled                           {numbers.throttled}\n"
        f"  until the last deployment's write was accepted     {numbers.last_write_seconds:.0f} s\n"
        f"  what the limit alone makes of these writes         {numbers.bound_seconds:.0f} s: "
        f"{numbers.ratio:.2f} times that\n"
        f"  what it makes of three writes for each endpoint    {numbers.least_seconds:.0f} s: "
        f"{numbers.last_write_seconds / numbers.least_seconds:.2f} times that\n"
        f"  until every endpoint served                        {numbers.served_seconds:.0f} s"
    )
    failed = bool(numbers.wrong) or numbers.ratio > MOST_LONGER
    _say(
        f"Storm {'failed' if failed else 'passed'}: {numbers.wrong} endpoints wrong, {numbers.ratio:.2f} "
        f"times what the limit of writes makes of it; the bar is {MOST_LONGER}."
    )
    return 1 if failed else 0


def _scale(chosen: argparse.Namespace) -> int:
    if chosen.only is not None:
        with progress(f"{chosen.only:,} endpoints that serve", chosen.only, CONSOLE) as one_more:
            _say(measure(chosen.only, one_more=one_more).to_json())
        return 0
    measured = [measure_apart(size) for size in sizes_up_to(chosen.endpoints)]
    _say(table(measured))
    largest = measured[-1]
    if largest.endpoints >= scale_page.PUBLISHED:
        scale_page.write(measured)
        _say(f"Written to {scale_page.PAGE} and {scale_page.PLOT}.")
    failures = list(_failures(measured))
    sweep = largest.costs[IN_SYNC]
    _say(
        f"Scale {'failed: ' + '; '.join(failures) if failures else 'passed'}: a sweep of "
        f"{largest.endpoints:,} endpoints in sync takes {sweep.total:,} calls of AWS, {sweep.writes} of them "
        f"writes, with {sweep.checks:,} daily checks and {sweep.weekly_looks:,} weekly looks; all of it "
        f"{largest.peak_megabytes:,} MB."
    )
    return 1 if failures else 0


MOST_MEGABYTES: Final = 999
"""What a fleet of ten thousand endpoints may take, simulation and local cloud included: under 1 GB."""

MOST_CALLS: Final = 299
"""Of AWS, by a sweep of ten thousand endpoints in sync: under 300."""


def _failures(measured: Sequence[Measured]) -> Iterator[str]:
    """Yield what the promises about fleets do not allow."""
    for each in measured:
        if each.in_sync < each.endpoints:
            yield f"{each.endpoints - each.in_sync} of {each.endpoints} endpoints are not in sync"
        in_sync = each.costs[IN_SYNC]
        if in_sync.writes > in_sync.notes:
            yield (
                f"a sweep of {each.endpoints} endpoints in sync writes {in_sync.writes} times, and its "
                f"checks take {in_sync.notes}"
            )
        if in_sync.total > MOST_CALLS:
            yield f"a sweep of {each.endpoints} endpoints in sync makes {in_sync.total} calls"
        if each.peak_megabytes > MOST_MEGABYTES:
            yield f"{each.endpoints} endpoints take {each.peak_megabytes} MB"


def replay_command(schedule: Schedule) -> str:
    """Return the command that replays exactly this schedule."""
    return f"python -m tests.simulation replay {shlex.quote(schedule.to_json())}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
