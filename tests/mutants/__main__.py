"""Change the decisions and the settings' rules, a little at a time; a test must fail each time."""
# ruff: noqa: T201 - a command speaks to its terminal

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

from tests.mutants.equivalents import EQUIVALENTS
from tests.mutants.mutation import Subject
from tests.mutants.subjects import paths, suites_of
from tests.mutants.trial import BrokenTestsError, Copy, Verdict
from tests.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from tests.mutants.mutation import Mutant

_Result = TypeVar("_Result")
_REPOSITORY = Path(__file__).parents[2]


def main(arguments: Sequence[str]) -> int:
    """Return the process's exit status: 1 if a mutant survives, 2 if the tests fail without one."""
    asked = _parser().parse_args(arguments)
    began = time.monotonic()
    subjects = [Subject(_REPOSITORY, path) for path in paths(_REPOSITORY) if asked.only in path]
    sample = drawn(subjects, asked.number, asked.seed)
    console = Console(file=sys.stderr)
    try:
        with TemporaryDirectory(prefix="mutants-") as folder:
            survivors = _survivors(sample, asked.jobs, Path(folder), console)
    except BrokenTestsError as error:
        print(f"Nothing is shown: {error}")
        return 2
    for each in survivors:
        print(each.diff, end="\n\n")
    named = f": {', '.join(each.path for each in survivors)}" if survivors else ""
    print(
        f"{len(sample) - len(survivors)} of {len(sample)} killed, {len(survivors)} survive{named}. "
        f"Seed {asked.seed}, {sum(map(len, subjects)):,} changes possible, {len(EQUIVALENTS)} known to make "
        f"no difference, {time.monotonic() - began:.0f} s."
    )
    return 1 if survivors else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--number", type=int, default=60, help="how many mutants to try")
    parser.add_argument("--seed", type=int, default=1, help="which sample")
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="mutate only files with this in their path"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many to try at a time")
    return parser


def drawn(subjects: Sequence[Subject], number: int, seed: int) -> list[Mutant]:
    """Return a sample of the mutants that make a difference: fewer only if there are no more."""
    places = [(subject, at) for subject in subjects for at in range(len(subject))]
    random.Random(seed).shuffle(places)  # noqa: S311 - a sample is no secret
    sample: dict[str, Mutant] = {}
    for subject, at in places:
        if len(sample) == number:
            break
        mutant = subject.mutant(at)
        if mutant is not None and not any(each.is_of(mutant) for each in EQUIVALENTS):
            sample[mutant.source] = mutant
    return list(sample.values())


def _survivors(sample: Sequence[Mutant], jobs: int, folder: Path, console: Console) -> list[Mutant]:
    copies: SimpleQueue[Copy] = SimpleQueue()
    for number in range(jobs):
        copies.put(Copy(_REPOSITORY, folder / str(number)))

    def on_a_copy(work: Callable[[Copy], _Result]) -> _Result:
        copy = copies.get()
        try:
            return work(copy)
        finally:
            copies.put(copy)

    def judged(mutant: Mutant) -> tuple[Mutant, Verdict]:
        return mutant, on_a_copy(lambda copy: copy.judge(mutant, suites_of(mutant.path)))

    if not on_a_copy(lambda copy: copy.has_types(sorted({each.path for each in sample}))):
        raise BrokenTestsError("mypy refuses what is mutated as it is.")
    first = sorted({test for each in sample for test in suites_of(each.path).first})
    if not on_a_copy(lambda copy: copy.passes(first)):
        raise BrokenTestsError(f"One of {' '.join(first)} fails without a mutant.")
    with ThreadPoolExecutor(jobs) as pool, progress("Mutants", len(sample), console) as one_more:
        return list(_surviving([pool.submit(judged, each) for each in sample], one_more))


def _surviving(
    trials: Sequence[Future[tuple[Mutant, Verdict]]], one_more: Callable[[], None]
) -> Iterator[Mutant]:
    try:
        for trial in as_completed(trials):
            mutant, verdict = trial.result()
            one_more()
            if verdict is Verdict.SURVIVES:
                yield mutant
    finally:
        # Without this, an error would wait for every mutant that is left.
        for trial in trials:
            trial.cancel()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
