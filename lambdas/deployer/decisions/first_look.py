"""Decides in which order versions are considered that were approved before anybody looked. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.names import version_number

if TYPE_CHECKING:
    from collections.abc import Iterable


def order(version_arns: Iterable[str], serving: str | None) -> list[str]:
    """Return the serving version first, if it is known, then the others from the highest down."""
    return sorted(version_arns, key=lambda each: (each == serving, version_number(each)), reverse=True)
