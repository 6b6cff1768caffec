"""As `tests/infra/test_order.py`, of stages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.infra.test_order import before, everything_else, parameters

if TYPE_CHECKING:
    from tests.infra.stages.conftest import Accounts


def test_and_so_it_is_in_every_stage(accounts: Accounts) -> None:
    stages = [name for name in accounts.templates if name != "Greenlight-Registry"]

    assert len(stages) == 3
    for stage in stages:
        resources = accounts.templates[stage]["Resources"]
        for name in parameters(resources):
            assert everything_else(resources) - before(name, resources) == set()


def test_stacks_of_settings_alone_are_deployed_after_the_stack_that_has_all_else(otherwise: Accounts) -> None:
    manifest = json.loads((otherwise.directory / "manifest.json").read_text())["artifacts"]

    assert "Greenlight-production" in manifest["Greenlight-productionSettings2"]["dependencies"]
