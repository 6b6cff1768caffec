"""Tells the stories of stages with the policies of a stage that is in its registry's account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra.estate import BUCKET
from tests.unit.deployer.pipeline import DEPLOYER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iam_evaluator.principals import Principal
    from tests.infra.estate import Estate


@pytest.fixture(autouse=True)
def deployer_with_its_policies(estate: Estate) -> Iterator[None]:
    """Enforce IAM on the deployer of every story, in place of that of one account."""

    def session(account_id: str, region: str) -> Principal:
        # The stories' stages have the names of others here, whose stamps a stage leaves alone.
        renamed = {
            BUCKET: f"models-{account_id}",
            "greenlight:staging:": "greenlight:elsewhere:",
            "greenlight:production:": "greenlight:later:",
        }
        lab = estate.deployed("lab", registry=account_id, region=region, renamed=renamed)
        return lab.session("DeployerRole")

    token = DEPLOYER.set(session)
    yield
    DEPLOYER.reset(token)
