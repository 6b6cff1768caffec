"""As `tests/infra/test_order.py`, of stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.infra.test_order import before, only

if TYPE_CHECKING:
    from tests.infra.stages.conftest import Accounts


def test_and_so_it_is_in_every_stage(accounts: Accounts) -> None:
    stages = [name for name in accounts.templates if name != "Greenlight-Registry"]

    assert len(stages) == 3
    for stage in stages:
        resources = accounts.templates[stage]["Resources"]
        marker = only(resources, "AWS::SSM::Parameter")
        assert {*resources} - before(marker, resources) == {marker}
