"""Holds variants' instance counts and weights: botocore's `VariantPropertyType`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COUNT: Final = "DesiredInstanceCount"
WEIGHT: Final = "DesiredWeight"

Running: TypeAlias = "Mapping[str, Mapping[str, float]]"
"""Variant name to the count and weight that it is to have, as `DescribeEndpoint` shows them."""


@value
class PropertyToSet:
    """A count or weight of one variant that is set after an update, at the endpoint's next rest.

    Attributes:
        variant_name: The variant.
        name: COUNT or WEIGHT.
        value: What it is to be.
        before: The settings' value that had taken effect last; of one to restore, what the update resets it
            to.
        restores: Whether the update resets it although the settings did not change it.
    """

    variant_name: str
    name: str
    value: float
    before: float
    restores: bool = False

    @property
    def key(self) -> str:
        """Which property of which variant it is."""
        return f"{self.variant_name}/{self.name}"

    def __str__(self) -> str:
        what = "instance count" if self.name == COUNT else "weight"
        return f"{what} {self.value:g} of variant {self.variant_name}"


def in_words(properties: Iterable[PropertyToSet]) -> str:
    """Return counts and weights as part of a sentence."""
    return " and ".join(f"the {each}" for each in properties)
