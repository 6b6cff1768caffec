"""Shows what is left of an endpoint, and what became of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from greenlight.output import Symbols
    from greenlight.removing.remains import Remains, Resource


def lines(remains: Remains, symbols: Symbols, *, keeps_endpoint: bool) -> list[str]:
    """Return what is left, and what would become of each."""
    return [
        f"What is left of {remains.name}:",
        *(f"  {each}" for each in _lines(remains, symbols, keeps_endpoint)),
    ]


def _lines(remains: Remains, symbols: Symbols, keeps_endpoint: bool) -> Iterator[str]:  # noqa: FBT001 - as above
    if remains.is_foreign:
        yield f"{symbols.attention} an endpoint of this name, which is not the stack's: it is left alone"
    if remains.endpoint is not None:
        calls = f"{remains.calls} calls in the last day" if remains.calls else "no call in the last day"
        runs = ", ".join(f"{name}: {what}" for name, what in remains.runs.items())
        then = "it stays, without the stack's tags" if keeps_endpoint else "nobody is answered any more"
        yield f"{symbols.attention} the endpoint, {remains.endpoint.status}, {calls} ({runs}): {then}"
    for test in remains.tests:
        yield f"{symbols.attention} test endpoint {test.name}, whose instance costs money"
    for kind, found in (("config", remains.configs), ("model", remains.models)):
        for each in found:
            yield f"{kind} {each.name}{_stays(each, keeps_endpoint=keeps_endpoint)}"
    for target in remains.targets:
        stays = ", which stays" if keeps_endpoint and remains.endpoint is not None else ""
        yield f"scaling of {target}{stays}"
    if remains.records:
        yield f"{remains.records} records of the journal"
    for alarm in remains.alarms:
        yield f"alarm {alarm}, which stays: aws cloudwatch delete-alarms --alarm-names {alarm}"


def _stays(resource: Resource, *, keeps_endpoint: bool) -> str:
    return ", which serves and stays" if resource.serves and keeps_endpoint else ""


def document(remains: Remains, *, removed: bool, keeps_endpoint: bool) -> dict[str, Any]:
    """Return the JSON document."""
    return {
        "format": 1,
        "endpoint": remains.name,
        "status": remains.endpoint.status if remains.endpoint is not None else None,
        "belongs_to_others": remains.is_foreign,
        "runs": dict(remains.runs),
        "calls_in_the_last_day": remains.calls,
        "test_endpoints": [each.name for each in remains.tests],
        "configs": [each.name for each in remains.configs],
        "models": [each.name for each in remains.models],
        "scaling": sorted(remains.targets),
        "alarms": list(remains.alarms),
        "records": remains.records,
        "keeps_endpoint": keeps_endpoint,
        "removed": removed,
    }
