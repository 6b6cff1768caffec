"""Holds the page on settings to the models, to botocore and to SageMaker's SDK, and its examples to synth."""

from __future__ import annotations

import ast
import json
import re
from copy import deepcopy
from typing import TYPE_CHECKING

import pytest
import yaml
from botocore.model import ServiceModel

from deployer.model.outcome import OutcomeKind
from deployer.model.settings import EndpointSettings as DeployedSettings
from infra.reference.api_members import (
    ABSENT,
    OPERATIONS,
    SDK_ARGUMENTS,
    THROUGH_OVERRIDES,
    keys_of,
    members,
    placed,
    reason_for_absence,
    unplaced,
)
from infra.reference.json_schema import SCHEMA_FILE
from infra.reference.settings_page import EXAMPLES, SETTINGS_PAGE, becomes, documented_keys, page_text
from infra.settings.catalogue import load_catalogue
from infra.settings.compiling.settings_files import serialised
from local_cloud.sagemaker.protocol.api_model import sagemaker_service_model
from tests.infra.conftest import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.conftest import Synthesise

PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])


def test_the_page_in_the_repository_is_the_one_that_the_models_have() -> None:
    assert SETTINGS_PAGE.read_text(encoding="utf-8") == page_text(), (
        "run `python -m infra.reference.settings_page`"
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_member_that_botocore_knows_is_placed(operation: str) -> None:
    """A member that botocore gains needs a key, an override or a reason, in `reference/api_members.py`."""
    assert [member for member in members(operation) if placed(operation, member) is None] == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_member_is_placed_twice_and_none_that_there_is_not(operation: str) -> None:
    known = members(operation)

    assert THROUGH_OVERRIDES[operation] <= set(known)
    for prefix in ABSENT[operation]:
        assert any(member == prefix or member.startswith((prefix + ".", prefix + "[]")) for member in known)
    for member in known:
        ways = [
            bool(keys_of(operation, member)),
            member in THROUGH_OVERRIDES[operation],
            reason_for_absence(operation, member) is not None,
        ]
        assert ways.count(True) == 1, member


def test_of_every_key_it_is_said_what_it_becomes() -> None:
    assert [key for key in documented_keys() if becomes(key) is None] == []


def test_every_argument_of_the_sdks_deploy_is_placed() -> None:
    """Read it from the source: importing it takes seconds and needs another environment."""
    [source] = (REPOSITORY / ".venv-clients").glob("lib/python*/site-packages/sagemaker/model.py")
    module = ast.parse(source.read_text(encoding="utf-8"))
    classes = {node.name: node for node in module.body if isinstance(node, ast.ClassDef)}
    assert "deploy" not in {getattr(node, "name", "") for node in classes["ModelPackage"].body}
    [deploy] = [node for node in classes["Model"].body if getattr(node, "name", "") == "deploy"]
    assert isinstance(deploy, ast.FunctionDef)
    arguments = [argument.arg for argument in (*deploy.args.args, *deploy.args.kwonlyargs)]
    assert deploy.args.kwarg is not None

    assert [*arguments[1:], deploy.args.kwarg.arg] == list(SDK_ARGUMENTS)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_editors_find_nothing_wrong_with_an_example(path: Path) -> None:
    from cfnlint.jsonschema import StandardValidator  # type: ignore[import-untyped] # noqa: PLC0415 - slow to import

    text = path.read_text(encoding="utf-8")
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))

    assert list(StandardValidator(schema).iter_errors(yaml.safe_load(text))) == []
    reference = text.splitlines()[0].partition("$schema=")[2]
    assert (path.parent / reference).resolve() == SCHEMA_FILE.resolve()


def test_the_readmes_examples_are_without_a_mistake(tmp_path: Path) -> None:
    examples = re.findall(
        r"```yaml\n(.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    for number, example in enumerate(examples):
        (tmp_path / f"example-{number}.yaml").write_text(example, encoding="utf-8")

    specs, problems = load_catalogue(tmp_path, "README.md", stack_name="Greenlight")

    assert problems == []
    assert len(specs) == len(examples) > 0


@pytest.mark.parametrize("kind", OutcomeKind)
def test_every_outcome_is_told_of_with_what_to_do(kind: OutcomeKind) -> None:
    assert f"| `{kind.value}` |" in (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"`{kind.value}`" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_between_pages_leads_to_a_heading_that_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(linked), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-")
        for heading in headings
    }


def test_every_member_of_the_requests_is_placed_and_a_new_one_is_noticed() -> None:
    data = deepcopy(sagemaker_service_model())
    assert unplaced(ServiceModel(data, "sagemaker")) == []

    data["shapes"]["ProductionVariant"]["members"]["Brake"] = {"shape": "Boolean"}
    data["shapes"]["CreateEndpointConfigInput"]["members"]["CrossRegionTrafficConfig"] = {"shape": "Boolean"}

    assert unplaced(ServiceModel(data, "sagemaker")) == [
        "CreateEndpointConfig: ProductionVariants[].Brake",
        "CreateEndpointConfig: ShadowProductionVariants[].Brake",
    ]


def test_the_deployer_reads_what_the_examples_become() -> None:
    specs, _ = load_catalogue(EXAMPLES, "docs/examples", stack_name="Greenlight")

    for spec in specs:
        settings = DeployedSettings.parse(serialised(spec.compiled))
        assert settings.model_package_group == spec.model_package_group
        assert settings.deployment_config == spec.compiled.get("DeploymentConfig")
        assert settings.scaling == spec.compiled.get("AutoScaling", {})
        assert settings.abort_alarm_name == spec.compiled.get("AbortAlarmName")


def test_the_examples_are_synthesised(synthesise_with: Synthesise) -> None:
    specs, problems = load_catalogue(EXAMPLES, "docs/examples", stack_name="Greenlight")
    assert problems == []

    stack = synthesise_with(endpoints_dir=str(EXAMPLES))

    assert len(stack.settings) == len(specs) == len(list(EXAMPLES.glob("*.yaml")))
    assert stack.nag["conclusion"] == "success"
