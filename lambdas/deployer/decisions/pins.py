"""Words which pinned variants are left out of an endpoint. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.facts import reads_first
from deployer.decisions.releases import pin_obstacles

if TYPE_CHECKING:
    from deployer.decisions.facts import Facts


@reads_first
def left_out(facts: Facts) -> str | None:
    """Return a sentence for each variant that is left out because its pinned version may not serve."""
    missing = [
        f"{variant_name} (version {number}: {found})"
        for variant_name, number, found in pin_obstacles(facts)
        if isinstance(found, str)
    ]
    if not missing:
        return None
    return (
        f"Left out of {facts.settings.endpoint_name}: {', '.join(missing)}. "
        "The other variants take the calls. Approve the version, or pin another."
    )
