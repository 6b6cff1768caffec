from __future__ import annotations

import pytest

from tests.unit.local_cloud.sagemaker.virtual_cloud import VirtualCloud


@pytest.fixture
def cloud() -> VirtualCloud:
    return VirtualCloud()
