"""Each decision record has a number of its own, says it in its title, and is cited by it."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
RECORDS = sorted((REPOSITORY / "docs" / "adr").glob("[0-9]*.md"))
CITED = re.compile(r"\[ADR\s+(\d+)\]\((?:\.\./)*(?:docs/)?(?:adr/)?(\d{4})-")


def test_no_two_records_have_one_number() -> None:
    numbers = [int(each.name[:4]) for each in RECORDS]

    assert numbers == list(range(1, len(RECORDS) + 1))


def test_a_record_says_its_number_in_its_title() -> None:
    titles = {each.name: each.read_text(encoding="utf-8").splitlines()[0] for each in RECORDS}

    assert [name for name, title in titles.items() if not title.startswith(f"# {int(name[:4])}. ")] == []


def test_a_link_to_a_record_has_its_number() -> None:
    pages = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
    cited = [found for page in pages for found in CITED.findall(page.read_text(encoding="utf-8"))]

    assert cited
    assert [(number, file) for number, file in cited if int(number) != int(file)] == []
