"""How people ask the deployer for something in a world: a record, and an event. Judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer.contract import REQUEST_DETAIL_TYPE, REQUESTS, SOURCE
from deployer.gateways.requests import request_key
from tests.simulation.clients import REGION

if TYPE_CHECKING:
    from datetime import datetime

    from tests.simulation.sites import Site
    from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that somebody asked for.

    Attributes:
        site: In whose account.
        endpoint_name: The endpoint.
        version_arn: The version to go back to, or to try again, in lower case.
        at: When.
        after: The number of the last call before it.
        is_malformed: Whether its record says too little.
    """

    site: Site
    endpoint_name: str
    version_arn: str
    at: datetime
    after: int
    is_malformed: bool


def ask(
    world: World, endpoint: str, verb: str, arn: str, *, number: int, is_malformed: bool, tells: bool
) -> Asked:
    """Write a request, and tell of it.

    Args:
        world: The world.
        endpoint: The endpoint.
        verb: What is asked for.
        arn: The version.
        number: How many requests of the verb came before.
        is_malformed: Whether the record lacks the version.
        tells: Whether an event says so; otherwise the next sweep finds it.
    """
    site, now = world.site_of(endpoint), world.clock.now()
    told = {"version_arn": arn, "reason": f"{verb} {number}", "by": "ada"}
    if is_malformed:
        told.pop("version_arn")
    written: dict[str, Any] = {name: {"S": text} for name, text in told.items()}
    key = {"endpoint": {"S": REQUESTS}, "item": {"S": request_key(endpoint, verb, now, f"{number}")}}
    site.memory.table.put_item({"TableName": "journal", "Item": {**key, **written}})
    after = world.calls[-1].number if world.calls else 0
    if tells:
        world.emit(
            {
                "version": "0",
                "id": f"{verb}-{number}",
                "detail-type": REQUEST_DETAIL_TYPE,
                "source": SOURCE,
                "account": site.account,
                "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "region": REGION,
                "resources": [],
                "detail": {},
            }
        )
    name = world.people.namesakes.name_of(arn, now).lower()
    return Asked(site, endpoint, name, now, after, is_malformed)


def left(world: World) -> list[str]:
    """Return the requests that nobody has taken in, by their keys."""
    return [
        key for site in dict.fromkeys(world.sites) for key in site.memory.table.partitions.get(REQUESTS, {})
    ]


def forget(world: World) -> None:
    """Lose the requests with the journal."""
    for site in world.sites:
        site.memory.table.restore(REQUESTS, {})
