"""Every sabotage fits the deployer, is known to be caught, and has its turn."""

from __future__ import annotations

import math
import subprocess
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.simulation.hunting import ROOT
from tests.simulation.sabotages import SABOTAGES, Sabotage, StaleSabotageError
from tests.simulation.turns import A_DAY, changed_files, of_every_build

if TYPE_CHECKING:
    from pathlib import Path


def source_of(sabotage: Sabotage) -> str:
    return (ROOT / "lambdas" / "deployer" / sabotage.file).read_text()


def test_no_two_sabotages_have_one_name() -> None:
    assert len({each.name for each in SABOTAGES}) == len(SABOTAGES)


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda each: each.name)
def test_every_sabotage_fits_the_deployer_and_something_is_known_to_catch_it(
    sabotage: Sabotage,
) -> None:
    assert sabotage.broken(source_of(sabotage))
    assert sabotage.known is not None, f"python -m tests.simulation sabotage --keep {sabotage.name!r}"


@pytest.mark.parametrize("changed", [frozenset(), frozenset({"handler.py"}), frozenset({SABOTAGES[0].file})])
def test_every_sabotage_has_its_turn_and_those_of_changed_files_have_it_at_once(
    changed: frozenset[str],
) -> None:
    days = [
        date(2026, 12, 24) + timedelta(days=number) for number in range(math.ceil(len(SABOTAGES) / A_DAY))
    ]
    builds = [{each.name for each in of_every_build(day, changed)} for day in days]

    assert set.union(*builds) == {each.name for each in SABOTAGES}
    at_once = {each.name for each in SABOTAGES if each.file in changed}
    for build in builds:
        assert at_once <= build
        assert A_DAY <= len(build) <= A_DAY + len(at_once)


def test_what_changed_on_a_branch_and_in_mains_last_commit_is_known(tmp_path: Path) -> None:
    deployer = tmp_path / "lambdas" / "deployer" / "model"
    deployer.mkdir(parents=True)

    def git(*arguments: str) -> None:
        author = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *author, *arguments], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603, S607 - our own arguments

    def commit(name: str) -> None:
        (deployer / name).write_text("")
        git("add", ".")
        git("commit", "--message", name)

    assert changed_files(tmp_path) == frozenset()
    git("init", "--initial-branch=main")
    commit("first.py")
    commit("second.py")
    assert changed_files(tmp_path) == {"model/second.py"}
    git("checkout", "-b", "branch")
    commit("third.py")
    commit("fourth.py")
    (deployer / "first.py").write_text("not committed yet")
    assert changed_files(tmp_path) == {"model/first.py", "model/third.py", "model/fourth.py"}


def test_a_sabotage_that_does_not_fit_the_deployer_any_more_is_an_error() -> None:
    stale = Sabotage("stale", "handler.py", "no such text", "")

    with pytest.raises(StaleSabotageError, match="0 times, not once"):
        stale.broken(source_of(stale))
