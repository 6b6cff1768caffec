import pytest

from local_cloud.child_process import LocalCloud
from tests.e2e.clients.account import Account


@pytest.fixture
def account(local_cloud: LocalCloud, account_id: str) -> Account:
    """A fresh account with a bucket for models and an execution role that may read them."""
    return Account(local_cloud, account_id).with_bucket_and_role()
