"""Holds companions: the versions that serve beside the approved one."""

from __future__ import annotations

from typing import Final

from deployer.value import value

SHADOWING: Final = "shadowing"
"""The role of a shadow."""


@value
class Companion:
    """A version that serves beside the approved one.

    Attributes:
        variant_name: The variant that it serves in.
        version_arn: The version.
        version: Its number.
        model_name: The model created for it.
        is_shadow: Whether it only gets copies of the calls; otherwise it is pinned.
    """

    variant_name: str
    version_arn: str
    version: int
    model_name: str
    is_shadow: bool = False

    @property
    def role(self) -> str:
        """What it does, as its stamp says it."""
        return SHADOWING if self.is_shadow else f"serving as {self.variant_name}"
