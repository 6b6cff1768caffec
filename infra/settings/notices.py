"""Owns what a person should know of the settings, though nothing is wrong with them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.settings.endpoint_spec import EndpointSpec

_MOST_NAMED: Final = 5
"""Endpoints named in one line. With hundreds of endpoints the output stays readable."""


def noticed(endpoints: Iterable[EndpointSpec]) -> str:
    """Render the endpoints' notices, one line for equal ones; empty for none."""
    names: dict[str, list[str]] = defaultdict(list)
    for endpoint in endpoints:
        if endpoint.notice is not None:
            names[endpoint.notice].append(endpoint.endpoint_name)
    return "\n".join(f"{_named(found)}: {notice}" for notice, found in names.items())


def _named(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join([*names[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])
