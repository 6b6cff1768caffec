"""`greenlight version`, and the places that have to agree about the version."""

from __future__ import annotations

import tomllib

from deployer.contract import VERSION
from greenlight.commands.version import Versions
from tests.imports import REPOSITORY
from tests.unit.greenlight.schemas import mistakes


def test_the_package_has_the_contract_s_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

    assert project["version"] == VERSION


def test_a_stack_of_another_version_is_told_with_the_next_step() -> None:
    same = Versions("1.2.0", "1.2.0", "Greenlight", "111122223333", "eu-central-1")
    other = Versions("1.2.0", "1.1.0", "Greenlight", "111122223333", "eu-central-1")

    assert "npx" not in same.text()
    assert other.text().splitlines()[-1].startswith("They differ. Deploy the stack")
    assert [each.in_step for each in (same, other)] == [True, False]
    assert mistakes(other.document(), "version") == []
