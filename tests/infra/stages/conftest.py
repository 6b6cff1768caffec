"""Synthesises the example of three accounts once a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App

from app import synthesise
from tests.infra.conftest import REPOSITORY
from tests.infra.once import once_a_run
from tests.infra.stages.example import example_context, write_endpoints

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Accounts:
    """The app's output: the stacks' templates by name, their accounts, and cdk-nag's report."""

    directory: Path
    templates: dict[str, dict[str, Any]]
    places: dict[str, tuple[str, str]]
    reports: list[dict[str, Any]]

    @classmethod
    def read(cls, output: Path) -> Accounts:
        """Read what the app wrote for its stacks."""
        made = json.loads((output / "manifest.json").read_text())["artifacts"]
        stacks = {name: each for name, each in made.items() if each["type"] == "aws:cloudformation:stack"}
        places = {
            name: each["environment"].removeprefix("aws://").split("/") for name, each in stacks.items()
        }
        return cls(
            output,
            {
                name: json.loads((output / each["properties"]["templateFile"]).read_text())
                for name, each in stacks.items()
            },
            {name: (account, region) for name, (account, region) in places.items()},
            json.loads((output / "validation-report.json").read_text())["pluginReports"],
        )

    def of_type(self, stack: str, resource_type: str) -> dict[str, dict[str, Any]]:
        """The whole resources of a type, by logical id."""
        resources: dict[str, dict[str, Any]] = self.templates[stack]["Resources"]
        return {name: each for name, each in resources.items() if each["Type"] == resource_type}

    def one(self, stack: str, resource_type: str, prefix: str = "") -> dict[str, Any]:
        """The properties of the only resource of a type whose logical id begins so."""
        found = [each for name, each in self.of_type(stack, resource_type).items() if name.startswith(prefix)]
        assert len(found) == 1, f"{len(found)} of {resource_type} in {stack} begin with {prefix!r}"
        properties: dict[str, Any] = found[0]["Properties"]
        return properties


def synthesise_accounts(
    directory: Path, context: dict[str, Any], write: Callable[[Path], Path] = write_endpoints
) -> Accounts:
    flags = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    endpoints = write(directory / "endpoints")
    output = directory / "out"
    synthesise(App(context={**flags, **context, "endpoints_dir": str(endpoints)}, outdir=str(output)))
    return Accounts.read(output)


@pytest.fixture(scope="session")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    def make(directory: Path) -> None:
        synthesise_accounts(directory, example_context())

    return Accounts.read(once_a_run(tmp_path_factory, "accounts", make) / "out")


def accounts_otherwise(tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    """Turn every switch the other way: both roles are let in, one spelling, an organisation, and mails."""
    context = example_context() | {"outcome_emails": ["team@example.com"]}
    context["registry"] |= {
        "admit": "both_roles",
        "organization": "o-a1b2c3d4e5",
        "resource_names": "lower_case",
    }

    def make(directory: Path) -> None:
        synthesise_accounts(directory, context)

    return Accounts.read(once_a_run(tmp_path_factory, "otherwise", make) / "out")


@pytest.fixture(scope="session")
def otherwise(tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    """The example of three accounts with every switch the other way."""
    return accounts_otherwise(tmp_path_factory)
