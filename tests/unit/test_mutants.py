"""`make mutants` makes typical mistakes, and its verdict follows the tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.mutants.__main__ import drawn
from tests.mutants.equivalents import EQUIVALENTS
from tests.mutants.mutation import Mutant, Subject
from tests.mutants.subjects import Suites, paths, suites_of
from tests.mutants.trial import BrokenTestsError, Copy, Verdict

REPOSITORY = Path(__file__).parents[2]

RULE = '''\
"""Knows who is let in."""

from __future__ import annotations


def is_let_in(age: int, name: str | None = None) -> bool:
    """Return whether somebody is."""
    if name is None:
        return False
    return age >= 18 and name != "Mallory of the lane"
'''
ADULTS = "from rule import is_let_in\n\ndef test_adults():\n    assert is_let_in(18, 'Ada')\n"
CHILDREN = "from rule import is_let_in\n\ndef test_children():\n    assert not is_let_in(17, 'Ada')\n"
GUESTS = """\
import pytest
from rule import is_let_in

@pytest.mark.parametrize("name", ["Mallory of the lane"])
def test_guests(name):
    assert not is_let_in(30, name)
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "rule.py").write_text(RULE)
    (repository / "test_adults.py").write_text(ADULTS)
    (repository / "test_children.py").write_text(CHILDREN)
    (repository / "pytest.ini").write_text("[pytest]\npythonpath = .\nmarkers = long\n")
    subprocess.run(("git", "init", "--quiet"), cwd=repository, check=True)  # noqa: S607 - a git of the machine
    return repository


def mutants(repository: Path) -> dict[str, Mutant]:
    subject = Subject(repository, "rule.py")
    found = (subject.mutant(number) for number in range(len(subject)))
    return {each.after: each for each in found if each is not None}


def test_operators_conditions_and_sides_change_and_nothing_that_nobody_runs_does(repository: Path) -> None:
    assert set(mutants(repository)) == {
        "if name is not None:",
        "if not (name is None):",
        "return True",
        'return age > 18 and name != "Mallory of the lane"',
        'return age >= 19 and name != "Mallory of the lane"',
        'return age >= 18 and name == "Mallory of the lane"',
        'return age >= 18 or name != "Mallory of the lane"',
        "return age >= 18",
        'return name != "Mallory of the lane"',
    }


def test_a_mutant_is_killed_by_its_tests_or_survives_them(repository: Path, tmp_path: Path) -> None:
    of = mutants(repository)
    copy = Copy(repository, tmp_path / "copy")
    adults_first = Suites(("test_adults.py",), ("test_children.py",))

    assert copy.judge(of['return age > 18 and name != "Mallory of the lane"'], adults_first) is Verdict.KILLED
    assert copy.judge(of['return name != "Mallory of the lane"'], adults_first) is Verdict.KILLED
    assert copy.judge(of["return age >= 18"], adults_first) is Verdict.SURVIVES
    assert (repository / "rule.py").read_text() == RULE
    assert (tmp_path / "copy" / "rule.py").read_text() == RULE


@pytest.mark.long
def test_a_test_with_spaces_in_its_parameters_kills_like_any_other(repository: Path, tmp_path: Path) -> None:
    (repository / "test_guests.py").write_text(GUESTS)
    mutant = mutants(repository)['return age >= 18 or name != "Mallory of the lane"']

    verdict = Copy(repository, tmp_path / "copy").judge(
        mutant, Suites(("test_adults.py",), ("test_guests.py",))
    )

    assert verdict is Verdict.KILLED


def test_what_the_type_checker_refuses_needs_no_test(repository: Path, tmp_path: Path) -> None:
    source = RULE.replace("return False", "return None")
    mutant = Mutant("rule.py", source, "return False", "return None", "")

    verdict = Copy(repository, tmp_path / "copy").judge(
        mutant, Suites(("test_adults.py",), ("test_adults.py",))
    )

    assert verdict is Verdict.KILLED


@pytest.mark.long
def test_tests_that_fail_without_a_mutant_kill_none(repository: Path, tmp_path: Path) -> None:
    (repository / "test_children.py").write_text(CHILDREN.replace("not ", ""))
    survivor = mutants(repository)["return age >= 18"]
    copy = Copy(repository, tmp_path / "copy")

    assert not copy.passes(["test_children.py"])
    with pytest.raises(BrokenTestsError, match="test_children"):
        copy.judge(survivor, Suites(("test_adults.py",), ("test_children.py",)))
    with pytest.raises(BrokenTestsError):
        copy.judge(survivor, Suites(("test_nobody_wrote.py",), ()))


def test_a_seed_draws_the_same_sample_again(repository: Path) -> None:
    subjects = [Subject(repository, "rule.py")]

    assert drawn(subjects, 4, seed=1) == drawn(subjects, 4, seed=1) != drawn(subjects, 4, seed=2)
    assert len(drawn(subjects, 100, seed=1)) == len(mutants(repository))


def test_every_file_that_is_mutated_has_tests() -> None:
    found = paths(REPOSITORY)

    assert len(found) > 20
    for path in found:
        tests = suites_of(path)
        assert all((REPOSITORY / each).exists() for each in (*tests.first, *tests.then)), path


def test_what_is_listed_to_make_no_difference_is_still_there() -> None:
    for each in EQUIVALENTS:
        lines = (REPOSITORY / each.path).read_text().splitlines()
        assert each.before in " ".join(line.strip() for line in lines), each
