"""A witness: a fact that somebody observed on AWS, repeated as a test of the local cloud.

Owns the decorator and the links to sources. Facts are in our own words; only AWS's answers (messages,
statuses, names) are quoted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

Test = TypeVar("Test", bound=Callable[..., None])

_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_SOURCE: Final = re.compile(
    r"(?P<repository>[\w.-]+/[\w.-]+)"
    r"(#(?P<number>\d+)|@(?P<commit>[0-9a-f]{7,40}):(?P<path>[\w./-]+))(:(?P<part>[\w.-]+))?"
)
_ATTRIBUTE: Final = "__witness__"


class Observed(StrEnum):
    """How a fact is known: each kind ran on AWS."""

    TEST = "a test that its authors run on AWS"
    REPORT = "output of AWS in a public report"
    HANDLED = "code written for this answer of AWS"
    RECORDING = "an answer of AWS that is kept as test data"


@dataclass(frozen=True, slots=True)
class Witness:
    """One observed fact.

    Attributes:
        name: What docs/fidelity.md refers to, as `W:name`.
        source: `owner/repository#number` of an issue or pull request, or `owner/repository@commit:path`;
            after a colon, which part of it.
        date: When it was observed or last changed: `2024-11-07`, `2024-11` or `2024`.
        observed: How.
        fact: What AWS did, in one or two sentences.
    """

    name: str
    source: str
    date: str
    observed: Observed
    fact: str

    def __post_init__(self) -> None:
        """Refuse a witness that nobody could look up.

        Raises:
            ValueError: The name, source or date has another form.
        """
        for what, value, form in (
            ("name", self.name, _NAME),
            ("source", self.source, _SOURCE),
            ("date", self.date, re.compile(r"20\d\d(-\d\d(-\d\d)?)?")),
        ):
            if form.fullmatch(value) is None:
                raise ValueError(f"The {what} {value!r} of a witness has to match {form.pattern}.")

    @property
    def url(self) -> str:
        """Where to read it."""
        found = _SOURCE.fullmatch(self.source)
        assert found is not None, self.source
        base = f"https://github.com/{found['repository']}"
        if found["number"] is not None:
            # GitHub leads from an issue's address to the pull request of that number.
            return f"{base}/issues/{found['number']}"
        return f"{base}/blob/{found['commit']}/{found['path']}"


def witness(name: str, *, source: str, date: str, observed: Observed, fact: str) -> Callable[[Test], Test]:
    """Say which observed fact a test restates; see `Witness` for the arguments."""
    told = Witness(name, source, date, observed, fact)

    def attach(test: Test) -> Test:
        setattr(test, _ATTRIBUTE, told)
        return test

    return attach


def witness_of(test: object) -> Witness | None:
    """Return the fact that a test restates; None if it restates none."""
    told: Witness | None = getattr(test, _ATTRIBUTE, None)
    return told
