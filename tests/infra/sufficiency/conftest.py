"""Tells the deployer's stories with IAM enforced on it and its synthesised policies as they are.

A story that needs more than the policies give is refused here as AWS would refuse it. The pipeline that the
stories share is in `tests/unit/deployer`, with the tests that need no policies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.infra.estate import NAMES
from tests.infra.roles import Deployed
from tests.unit.deployer.foretelling import foretold_in_its_turn
from tests.unit.deployer.pipeline import DEPLOYER
from tests.unit.deployer.transcript import TRANSCRIPTS, check_transcripts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iam_evaluator.principals import Principal
    from tests.infra.conftest import Synthesised


@pytest.fixture(autouse=True)
def deployer_with_its_policies(featured: Synthesised, request: pytest.FixtureRequest) -> Iterator[None]:
    """Enforce IAM on the deployer of every story, and compare its calls with its logged plans."""

    def session(account_id: str, region: str) -> Principal:
        return Deployed(featured, account_id, region, NAMES).session("DeployerRole")

    TRANSCRIPTS.clear()
    token = DEPLOYER.set(session)
    with foretold_in_its_turn(request):
        yield
    DEPLOYER.reset(token)
    check_transcripts()
