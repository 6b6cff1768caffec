"""Imports within `infra`, also for types, go one way: a folder imports only folders listed before it."""

from __future__ import annotations

from typing import Final

import pytest

from tests.imports import imports_of, in_circles, layer_of, modules_of, upwards

OF_THE_APP: Final = (
    "infra.bundling",
    "infra.settings",
    "infra.reference",
    "infra.configuration",
    "infra.stages",
    "infra.permissions",
    "infra.constructs",
    "infra.stacks",
)
OF_SETTINGS: Final = (
    "infra.settings.problem",
    "infra.settings.aws_shapes",
    "infra.settings.reading",
    "infra.settings.keys",
    "infra.settings.compiling",
    "infra.settings.rules",
    "infra.settings.consistency",
    "infra.settings.mistakes",
    "infra.settings.endpoint_spec",
    "infra.settings.notices",
    "infra.settings.model_objects",
    "infra.settings.endpoint_requirements",
    "infra.settings.endpoint_file",
    "infra.settings.catalogue",
)


@pytest.mark.parametrize("layers", [OF_THE_APP, OF_SETTINGS], ids=["app", "settings"])
def test_imports_go_down_the_layers(layers: tuple[str, ...]) -> None:
    assert upwards(imports_of("infra"), layers) == []


@pytest.mark.parametrize("layers", [OF_THE_APP, OF_SETTINGS], ids=["app", "settings"])
def test_every_module_is_in_a_layer(layers: tuple[str, ...]) -> None:
    around = layers[0].rpartition(".")[0]
    modules = [each for each in modules_of("infra") if each.startswith(f"{around}.")]
    assert [module for module in modules if layer_of(module, layers) is None] == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert in_circles(imports_of("infra")) == []


def test_a_stack_reads_of_its_functions_only_what_both_must_name_alike() -> None:
    imports = imports_of("infra", "deployer", "registry_access")
    of_functions = {each.imported for each in imports if each.importer.startswith("infra.")}
    assert {each for each in of_functions if not each.startswith("infra.")} == {
        "deployer.contract",
        "deployer.environment",
        "registry_access.environment",
    }


def test_a_function_knows_nothing_of_its_stack() -> None:
    imports = imports_of("infra", "deployer", "registry_access")
    known = [each for each in imports if each.imported.startswith("infra")]
    assert [str(each) for each in known if not each.importer.startswith("infra")] == []
