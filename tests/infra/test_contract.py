"""Names that a stack and its function share are written only in the deployer's contract."""

from __future__ import annotations

import ast
from typing import Final

from deployer import contract
from tests.imports import modules_of

ORDINARY: Final = {
    contract.SOURCE,
    contract.METRIC_NAMESPACE,
    contract.JOURNAL_PARTITION_KEY,
    contract.JOURNAL_SORT_KEY,
    contract.ALL_ENDPOINTS,
}
"""Words with other meanings elsewhere."""

OTHERWISE_MEANT: Final = {
    "infra.settings.compiling.hosted_variants": {contract.SettingsKey.SHADOW},  # a variant's name
    "deployer.gateways.topic": {contract.STACK_NAME},  # a line of a mail
    "deployer.model.outcomes": {  # an outcome's
        contract.SettingsKey.REASON,
        contract.SettingsKey.SHADOW,
        contract.SettingsKey.SMOKE_TEST,
    },
    "infra.constructs.event_forwarding": {contract.SettingsKey.RULE},  # a construct's id
    "greenlight.adopting.composing": {contract.SettingsKey.TIMEZONE},  # a scheduled action's
    "infra.settings.consistency.autoscaling_keys": {contract.SettingsKey.TIMEZONE},  # a scheduled action's
}


def test_no_name_of_the_contract_is_written_a_second_time() -> None:
    names = {
        value
        for holder in (contract, contract.SettingsKey)
        for name, value in vars(holder).items()
        if isinstance(value, str) and not name.startswith("_")
    }
    assert contract.STACK_TAG in names
    again = {
        f"{module}: {found}"
        for module, path in modules_of("deployer", "infra", "greenlight").items()
        if module != contract.__name__
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(found := node.value, str)
        if found in names - ORDINARY - OTHERWISE_MEANT.get(module, set())
    }
    assert again == set()
