import secrets
from collections.abc import Iterator

import pytest

from local_cloud.child_process import LocalCloud, start_local_cloud


@pytest.fixture(scope="session")
def local_cloud() -> Iterator[LocalCloud]:
    """One local cloud for the whole run: tests keep apart by having an account each."""
    with start_local_cloud() as cloud:
        yield cloud


@pytest.fixture
def account_id() -> str:
    """An account that nobody else uses."""
    return str(secrets.randbelow(9 * 10**11) + 10**11)
