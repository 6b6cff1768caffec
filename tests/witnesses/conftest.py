from __future__ import annotations

import pytest

from tests.witnesses.observed_cloud import ObservedCloud


@pytest.fixture
def cloud() -> ObservedCloud:
    return ObservedCloud()
