"""How descriptions differ from requests, by a switch. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker.switch_settings import DescribedEmpties

if TYPE_CHECKING:
    from local_cloud.sagemaker.switches import Switches


def without_empties(shown: dict[str, Any], switches: Switches) -> dict[str, Any]:
    """Return a description with or without false and empty members."""
    if switches.described_empties is DescribedEmpties.KEPT:
        return shown
    kept: dict[str, Any] = _without_empties(shown)
    return kept


def _without_empties(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        kept = {name: _without_empties(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each is not False and each not in ({}, [], "")}
    return [_without_empties(each) for each in value] if isinstance(value, list) else value
