"""Choose among an endpoint's routes by weight; pure, and the same sequence for the same weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from local_cloud.sagemaker.ports import Route


class WeightedChoice:
    """Smooth weighted round robin: over any whole number of cycles each route gets exactly its share."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self.routes = routes
        self._credit = [0.0] * len(routes)

    def next(self) -> Route | None:
        """Return the route of the next invocation; None if every weight is zero."""
        total = sum(route.weight for route in self.routes)
        if total <= 0:
            return None
        for index, route in enumerate(self.routes):
            self._credit[index] += route.weight
        best = max(range(len(self.routes)), key=lambda index: self._credit[index])
        self._credit[best] -= total
        return self.routes[best]

    def of_variant(self, variant_name: str) -> Collection[Route]:
        """Return the routes of one variant, whatever their weight: TargetVariant overrides the weights."""
        return [route for route in self.routes if route.variant_name == variant_name]
