"""Holds companions: the versions that serve beside the approved one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
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
        return "shadowing" if self.is_shadow else f"serving as {self.variant_name}"
