"""Each test of this folder has its source, and the pages agree with the tests."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path

import pytest

from tests.witnesses.page import (
    COMMAND,
    FIDELITY_PAGE,
    WITNESSES_PAGE,
    gathered,
    references,
    rendered,
    restatements,
    subjects,
    with_count,
)
from tests.witnesses.witness import Observed, Witness, witness_of

_FEWEST = 60


def _witnesses() -> list[Witness]:
    return [each for group in gathered().values() for each in group]


def test_every_file_of_tests_is_a_subject_of_the_page() -> None:
    files = {path.stem for path in Path(__file__).parent.glob("test_*.py")}
    assert files - {"test_witnesses"} == set(subjects())


@pytest.mark.parametrize("name", subjects())
def test_every_test_says_what_it_restates(name: str) -> None:
    tests = list(restatements(importlib.import_module(f"tests.witnesses.{name}")))
    assert tests
    assert [test_name for test_name, test in tests if witness_of(test) is None] == []


def test_there_are_enough_and_none_counts_twice() -> None:
    told = _witnesses()
    assert len(told) >= _FEWEST
    for member in ("name", "source", "fact"):
        counted = Counter(getattr(each, member) for each in told)
        assert [value for value, count in counted.items() if count > 1] == [], member


def test_every_kind_of_observation_is_there() -> None:
    assert {each.observed for each in _witnesses()} == set(Observed)


@pytest.mark.parametrize(
    "changed",
    [{"name": "Model"}, {"source": "somebody said"}, {"source": "owner/repository"}, {"date": "lately"}],
)
def test_what_nobody_could_look_up_is_refused(changed: dict[str, str]) -> None:
    told = {"name": "model-again", "source": "owner/repository#1:part", "date": "2024-11-07", **changed}
    with pytest.raises(ValueError, match="has to match"):
        Witness(**told, observed=Observed.REPORT, fact="It did.")


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("owner/repository#12:part", "https://github.com/owner/repository/issues/12"),
        ("owner/repository@0123abc:a/b.py:part", "https://github.com/owner/repository/blob/0123abc/a/b.py"),
    ],
)
def test_a_source_leads_to_a_page(source: str, url: str) -> None:
    assert Witness("a-name", source, "2024", Observed.TEST, "It did.").url == url


def test_the_page_of_witnesses_is_up_to_date() -> None:
    assert WITNESSES_PAGE.read_text(encoding="utf-8") == rendered(gathered()), f"Run `{COMMAND}`."


def test_the_fidelity_page_counts_its_rows_rightly() -> None:
    page = FIDELITY_PAGE.read_text(encoding="utf-8")
    assert with_count(page) == page, f"Run `{COMMAND}`."


def test_the_fidelity_page_names_every_witness_and_no_other() -> None:
    named = references(FIDELITY_PAGE.read_text(encoding="utf-8"))
    assert set(named) == {each.name for each in _witnesses()}


def test_rows_are_counted_by_whether_they_name_a_witness() -> None:
    page = """Of the 0 rows below, 0 name a witness and 0 have none.
## What is modelled
| Behaviour | Source |
|---|---|
| It did | seen, `W:a-name` |
| It does | ours |
| It may | doc |
## What is a switch
| `W:not-a-row` | |
"""
    assert with_count(page).startswith("Of the 3 rows below, 1 name a witness and 2 have none.")
    with pytest.raises(ValueError, match="one sentence"):
        with_count(page.replace("rows below", "rows above"))
