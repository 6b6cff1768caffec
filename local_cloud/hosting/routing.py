"""Choose among an endpoint's routes by weight; pure, with a fixed sequence for the same weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local_cloud.sagemaker.ports import Route


class WeightedChoice:
    """Smooth weighted round robin: over any whole number of cycles each route gets exactly its share."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self.routes = routes
        self._production = [route for route in routes if not route.is_shadow]
        self._shadows = [route for route in routes if route.is_shadow]
        self._credit = [0.0] * len(self._production)
        self._shadow_credit = [0.0] * len(self._shadows)
        self._by_variant: dict[str, WeightedChoice] = {}

    def next(self) -> Route | None:
        """Return the route of the next invocation; None if every weight is zero."""
        total = sum(route.weight for route in self._production)
        if total <= 0:
            return None
        for index, route in enumerate(self._production):
            self._credit[index] += route.weight
        best = max(range(len(self._production)), key=lambda index: self._credit[index])
        self._credit[best] -= total
        return self._production[best]

    def next_of_variant(self, variant_name: str) -> Route | None:
        """Return the next route of one variant: TargetVariant overrides the weights between variants.

        The shares of the variant's old and new fleet still apply. A variant without weight is invoked too.
        None if there is no such variant.
        """
        choice = self._by_variant.get(variant_name)
        if choice is None:
            routes = tuple(route for route in self._production if route.variant_name == variant_name)
            if not sum(route.weight for route in routes):
                routes = tuple(replace(route, weight=1.0) for route in routes)
            choice = self._by_variant[variant_name] = WeightedChoice(routes)
        return choice.next()

    def next_shadows(self) -> list[Route]:
        """Return the shadow routes that get a copy of the next invocation."""
        chosen = []
        for index, route in enumerate(self._shadows):
            self._shadow_credit[index] += route.weight
            # Shares such as 1/3 do not add up to exactly one.
            if self._shadow_credit[index] >= 1 - 1e-9:
                self._shadow_credit[index] -= 1
                chosen.append(route)
        return chosen
