"""Reads the whole fleet in calls that grow by the hundred, and each endpoint that does not rest on its own.

For each hundred endpoints: a page of ListEndpoints, three pages of their last records, and one of the
releases that serve. One more query reads the fleet's partition, and one the pauses.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from deployer.gateways.endpoints import Endpoints
from deployer.gateways.fact_items import (
    LAST_DEPLOYMENT,
    LAST_OBSERVED,
    LATEST_ATTEMPT,
    read_facts,
    release_key,
    standing_key_of,
)
from deployer.gateways.pauses import pauses_of
from deployer.gateways.sagemaker_errors import NOT_FOUND_CONFIG, NOT_FOUND_ENDPOINT, is_error
from deployer.model import statuses
from deployer.model.approval import Weight
from deployer.model.attempt import AttemptStatus, Deployment
from greenlight.deployed_settings import deployed_settings
from greenlight.errors import CommandError
from greenlight.fleet.progress import progress_of
from greenlight.fleet.state import Seen
from greenlight.journal import JournalPages, journal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from deployer.gateways.settings_files import SettingsFiles
    from deployer.model.endpoint import EndpointSummary
    from deployer.model.fleet import FleetRecord
    from deployer.model.history import History
    from deployer.model.pause import Pause
    from greenlight.connection import Connection
    from greenlight.journal import Key

_AT_ONCE: Final = 8
"""How many endpoints are read at the same time."""

_LAST_RECORDS: Final = (LAST_OBSERVED, LATEST_ATTEMPT, LAST_DEPLOYMENT)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of all endpoints at once."""

    settings: SettingsFiles
    records: Mapping[str, FleetRecord]
    summaries: Mapping[str, EndpointSummary]
    pauses: Sequence[Pause]

    @property
    def names(self) -> list[str]:
        """Every endpoint that is managed, or was."""
        return sorted({*self.settings.digests, *self.records})

    def rests(self, name: str) -> bool:
        """Tell whether an endpoint is as the deployer's last look left it, and had nothing to do then."""
        record, summary = self.records.get(name), self.summaries.get(name)
        return (
            record is not None
            and record.rests
            and summary is not None
            and summary.status == "InService"
            and summary.last_modified_time == record.rests_at
            and not self.settings_are_new(name)
        )

    def settings_are_new(self, name: str) -> bool:
        """Tell whether the deployer has not looked at an endpoint's settings yet."""
        record, digest = self.records.get(name), self.settings.digests.get(name)
        return digest is not None and (record is None or record.settings_digest != digest)


def read_fleet(
    connection: Connection, settings_of: Callable[[Connection], SettingsFiles] = deployed_settings
) -> list[Seen]:
    """Read every endpoint of the stack, by name.

    Args:
        connection: The way to AWS.
        settings_of: Returns the deployed settings.
    """
    known = _read_known(connection, settings_of)
    resting = [name for name in known.names if known.rests(name)]
    busy = [name for name in known.names if name not in set(resting)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        looked_at = pool.map(lambda name: _look(connection, known, name), busy)
        seen = {each.name: each for each in _at_rest(connection, known, resting)}
        seen |= {each.name: each for each in looked_at}
    return [seen[name] for name in known.names]


def look_at(
    connection: Connection, name: str, settings: SettingsFiles
) -> tuple[Seen, dict[str, Any] | None] | None:
    """Read one endpoint, and what DescribeEndpoint answers; None if neither settings nor journal know it."""
    journal = journal_of(connection.client("dynamodb"), connection.stack.table_name)
    record = journal.fleet.records([name]).get(name)
    if record is None and name not in settings.digests:
        return None
    records = {name: record} if record is not None else {}
    known = _Known(settings, records, {}, journal.pauses.all())
    described = describe(connection, name)
    return _seen(connection, known, name, described), described


def demand_known(connection: Connection, name: str) -> None:
    """Do nothing if the journal or the settings know an endpoint.

    Raises:
        CommandError: Neither does; the message names similar ones.
    """
    journal = journal_of(connection.client("dynamodb"), connection.stack.table_name)
    if name not in journal.fleet.records([name]) and name not in (names := known_names(connection)):
        raise unknown_endpoint(name, names)


def unknown_endpoint(name: str, names: Sequence[str]) -> CommandError:
    """Return the error about an endpoint that nobody knows."""
    similar = get_close_matches(name, names, n=3)
    return CommandError(
        f"There is no endpoint {name}.",
        "Neither the stack's settings nor its journal have it.",
        f"Did you mean {' or '.join(similar)}?" if similar else "See which there are: greenlight status",
    )


def known_names(connection: Connection) -> list[str]:
    """Return the names of all managed endpoints."""
    return sorted(deployed_settings(connection).digests)


def _read_known(connection: Connection, settings_of: Callable[[Connection], SettingsFiles]) -> _Known:
    # Clients are made here: making one is not safe on several threads.
    for service in ("sagemaker", "dynamodb", "lambda"):
        connection.client(service)
    journal = journal_of(connection.client("dynamodb"), connection.stack.table_name)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        settings = pool.submit(settings_of, connection)
        records = pool.submit(lambda: journal.fleet.notes().records)
        summaries = pool.submit(Endpoints(connection.client("sagemaker")).summaries)
        pauses = pool.submit(journal.pauses.all)
        return _Known(settings.result(), records.result(), summaries.result(), pauses.result())


def _at_rest(connection: Connection, known: _Known, names: Sequence[str]) -> Iterator[Seen]:
    """Read endpoints at rest: their last records first, then what these point to."""
    pages = JournalPages(connection.client("dynamodb"), connection.stack.table_name)
    items = pages.batch((name, key) for name in names for key in _LAST_RECORDS)
    last = {name: read_facts(_of(items, name, _LAST_RECORDS)) for name in names}
    further = {name: list(_pointed_to(history)) for name, history in last.items()}
    more = pages.batch((name, key) for name, keys in further.items() for key in keys)
    for name in names:
        history = read_facts([*_of(items, name, _LAST_RECORDS), *_of(more, name, further[name])])
        yield Seen(
            name=name,
            settings=known.settings.read(name),
            history=history,
            status=known.summaries[name].status,
            serving_config=history.last_observed.endpoint_config_name,
            pauses=pauses_of(name, known.pauses),
        )


def _of(items: Mapping[Key, dict[str, Any]], name: str, keys: Iterable[str]) -> list[dict[str, Any]]:
    return [items[name, key] for key in keys if (name, key) in items]


def _pointed_to(history: History) -> Iterator[str]:
    """Yield the keys of the release that serves, and of the approval that the last deployment failed."""
    config_name = history.last_observed.endpoint_config_name
    if config_name is not None:
        yield release_key(config_name)
    for attempt in (history.latest_attempt, history.last_deployment):
        if isinstance(attempt, Deployment) and attempt.status is AttemptStatus.FAILED:
            yield standing_key_of(attempt.version_arn, Weight.COUNTS)
            return


def _look(connection: Connection, known: _Known, name: str) -> Seen:
    """Read one endpoint that does not rest: its facts, and the endpoint itself."""
    return _seen(connection, known, name, describe(connection, name))


def _seen(connection: Connection, known: _Known, name: str, described: Mapping[str, Any] | None) -> Seen:
    stack, record, settings = connection.stack, known.records.get(name), known.settings.read(name)
    history = journal_of(connection.client("dynamodb"), stack.table_name).read(name)
    attempt = history.unsettled
    at_once = isinstance(attempt, Deployment) and (attempt.at_once or attempt.unguarded is not None)
    config = settings.deployment_config if settings is not None else None
    status = described["EndpointStatus"] if described is not None else None
    shown = described.get("EndpointConfigName") if described is not None else None
    return Seen(
        name=name,
        settings=settings,
        history=history,
        status=status,
        serving_config=None if status in {"Creating", *statuses.FAILED} else shown,
        failure_reason=described.get("FailureReason") if described is not None else None,
        progress=progress_of(described, config, at_once=at_once) if described is not None else None,
        pauses=pauses_of(name, known.pauses),
        settings_are_new=known.settings_are_new(name),
        left_at=record.left_at if record is not None else None,
    )


def describe(connection: Connection, name: str) -> dict[str, Any] | None:
    """Return what DescribeEndpoint answers; None if there is no such endpoint."""
    try:
        answer: dict[str, Any] = connection.client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError as error:
        if is_error(error, NOT_FOUND_ENDPOINT) and not is_error(error, NOT_FOUND_CONFIG):
            return None
        raise
    return answer
