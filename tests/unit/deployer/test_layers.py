"""The functions' folders import only what their lists allow, also for types, and no module imports itself."""

from __future__ import annotations

from typing import Final

import pytest

from tests.imports import imports_of, in_circles, modules_of

_VALUES: Final = frozenset({"contract", "model", "value"})
_PASS: Final = _VALUES | {"decisions", "gateways", "endpoint_pass"}
MAY_IMPORT: Final = {
    "contract": frozenset[str](),
    "operations": frozenset[str](),
    "environment": _VALUES,
    "value": frozenset[str](),
    "model": frozenset({"contract", "value"}),
    "decisions": _VALUES,
    "messages": _VALUES,
    "gateways": _VALUES | {"messages"},
    "triggers": _VALUES,
    "endpoint_pass": _PASS,
    "phases": _PASS,
    "reconciler": _PASS | {"phases"},
    "preview": _PASS | {"phases"},
    "survey": _VALUES | {"decisions", "gateways"},
    "repetitions": _PASS | {"phases", "reconciler"},
    "dispatcher": _PASS | {"phases", "reconciler", "repetitions", "survey"},
    "handler": _VALUES | {"gateways", "messages", "triggers", "environment", "dispatcher"},
}
"""The allowed imports of each part of the deployer: decisions import no gateway, gateways no decision."""


def part_of(module: str) -> str:
    return module.split(".")[1]


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_part_of_the_deployer_knows_only_what_is_listed_for_it(part: str) -> None:
    others = [
        str(each)
        for each in imports_of("deployer")
        if each.importer.startswith(f"deployer.{part}")
        and part_of(each.importer) == part
        and each.imported != "deployer"
        and part_of(each.imported) not in MAY_IMPORT[part] | {part}
    ]
    assert others == []


def test_every_module_of_the_deployer_is_in_a_part_that_is_listed() -> None:
    modules = modules_of("deployer").keys() - {"deployer"}
    assert {part_of(each) for each in modules} == MAY_IMPORT.keys()


def test_no_module_of_the_functions_imports_itself_by_way_of_others() -> None:
    assert in_circles(imports_of("deployer", "registry_access")) == []


def test_nothing_imports_what_lambda_calls_and_the_functions_do_not_know_of_each_other() -> None:
    imports = imports_of("deployer", "registry_access")
    assert [str(each) for each in imports if each.imported.endswith(".handler")] == []
    assert [str(each) for each in imports if each.importer.split(".")[0] != each.imported.split(".")[0]] == []
