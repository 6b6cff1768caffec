"""Holds every story of the deployer to its plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.deployer.foretelling import foretold_in_its_turn
from tests.unit.deployer.transcript import TRANSCRIPTS, check_transcripts

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def the_plan_is_what_happens(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compare, after each test, the calls that the deployer made with the plans that it logged."""
    TRANSCRIPTS.clear()
    with foretold_in_its_turn(request):
        yield
    check_transcripts()
