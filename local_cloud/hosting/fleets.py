"""Host endpoints: launch fleets, route traffic to them, and drain them before they end.

The control plane decides which fleets run and how traffic is split; see `Hosting` in its ports.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_cloud.hosting.routing import WeightedChoice
from local_cloud.hosting.variant_fleet import (
    Answer,
    Fleet,
    InvocationTimeoutError,
    Logs,
    ModelData,
    UnreachableError,
)
from local_cloud.sagemaker.ports import FleetSpec, Health, Route

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SECONDS_BETWEEN_LOOKS = 0.1
_MAX_CONCURRENT_COPIES = 8

_EndpointKey = tuple[str, str, str]


class NoSuchEndpointError(Exception):
    """No endpoint of that name serves in the account and region."""


class NoSuchVariantError(Exception):
    """The endpoint has no such variant."""


class NotReadyError(Exception):
    """The variant's fleet is still starting."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A container's answer, with its variant and log stream."""

    variant_name: str
    log_group: str
    log_stream: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class InvocationRecord:
    """The result of one invocation of one fleet, for metrics.

    Attributes:
        spec: The invoked fleet.
        instance_count: How many instances its fleet had.
        status: The container's HTTP status; None without an answer.
        model_seconds: How long the container took.
        overhead_seconds: How long everything else took.
    """

    spec: FleetSpec
    instance_count: int
    status: int | None
    model_seconds: float
    overhead_seconds: float


Observer = Callable[[InvocationRecord], None]


def _observe_nothing(_record: InvocationRecord) -> None:
    pass


@dataclass(slots=True)
class _Serving:
    fleet: Fleet
    in_flight: int = 0
    terminating: bool = False
    idle: threading.Event = field(default_factory=threading.Event)


class Fleets:
    """All fleets of the local cloud: the real `Hosting`. Thread-safe."""

    def __init__(
        self,
        *,
        model_data: ModelData,
        logs: Logs,
        directory: Path,
        invocation_timeout_seconds: float = 60.0,
        drain_seconds: float = 65.0,
        observer: Observer = _observe_nothing,
    ) -> None:
        """Store the models' files below `directory`; tell the observer of every invocation, on any thread.

        A container has 60 seconds to answer (InvokeEndpoint's documentation); draining waits a little longer.
        """
        self._model_data = model_data
        self._logs = logs
        self._directory = directory
        self._timeout_seconds = invocation_timeout_seconds
        self._drain_seconds = drain_seconds
        self._observer = observer
        self._copying = ThreadPoolExecutor(_MAX_CONCURRENT_COPIES, thread_name_prefix="shadow")
        self._lock = threading.Lock()
        self._fleets: dict[str, _Serving] = {}
        self._routes: dict[_EndpointKey, WeightedChoice] = {}
        self._draining: set[threading.Thread] = set()
        self._stopped = threading.Event()

    def launch(self, spec: FleetSpec) -> str:
        """Start a fleet and return its id at once."""
        fleet_id = secrets.token_hex(8)
        fleet = Fleet(
            fleet_id,
            spec,
            model_data=self._model_data,
            logs=self._logs,
            directory=self._directory / fleet_id,
        )
        with self._lock:
            self._fleets[fleet_id] = _Serving(fleet)
        fleet.launch()
        return fleet_id

    def health(self, fleet_id: str) -> Health:
        """Return the fleet's latest health; an unknown fleet is unhealthy."""
        with self._lock:
            serving = self._fleets.get(fleet_id)
        return serving.fleet.health if serving else Health.UNHEALTHY

    def route(self, account_id: str, region: str, endpoint_name: str, routes: tuple[Route, ...]) -> None:
        """Send the endpoint's traffic to these fleets; current invocations stay where they are."""
        key = (account_id, region, endpoint_name)
        with self._lock:
            if not routes:
                self._routes.pop(key, None)
            elif key not in self._routes or self._routes[key].routes != routes:
                self._routes[key] = WeightedChoice(routes)

    def scale(self, fleet_id: str, instance_count: int) -> None:
        """Record a fleet's instance count; one process stands for all of them."""
        with self._lock:
            serving = self._fleets.get(fleet_id)
            if serving is not None:
                serving.fleet.instance_count = instance_count

    def terminate(self, fleet_id: str) -> None:
        """Stop a fleet once its current invocations are answered; return at once."""
        with self._lock:
            serving = self._fleets.pop(fleet_id, None)
            if serving is None:
                return
            serving.terminating = True
            if serving.in_flight == 0:
                serving.idle.set()
            thread = threading.Thread(target=self._drain, args=(serving,), daemon=True)
            self._draining.add(thread)
        thread.start()

    def invoke(
        self,
        account_id: str,
        region: str,
        endpoint_name: str,
        *,
        target_variant: str | None,
        body: bytes,
        headers: Mapping[str, str],
        timeout_seconds: float | None = None,
    ) -> Invocation:
        """Let one fleet of the endpoint answer, within the given time instead of a synchronous call's.

        Raises `NoSuchEndpointError`, `NoSuchVariantError`, `NotReadyError`, or any error of `Fleet.invoke`.
        """
        began = time.monotonic()
        with self._chosen((account_id, region, endpoint_name), target_variant) as (route, serving, shadows):
            if serving.fleet.health is Health.STARTING:
                for shadow in shadows:
                    self._release(shadow)
                raise NotReadyError(route.variant_name)
            for shadow in shadows:
                self._copying.submit(self._copy, shadow, body, headers)
            fleet = serving.fleet
            answer = self._ask(fleet, body, headers, began, timeout_seconds)
            return Invocation(route.variant_name, fleet.log_group, fleet.log_stream, answer)

    def async_inference(self, account_id: str, region: str, endpoint_name: str) -> Mapping[str, Any] | None:
        """Return the AsyncInferenceConfig of a serving endpoint; None if it answers synchronously.

        Raises `NoSuchEndpointError`.
        """
        return self.serving(account_id, region, endpoint_name).async_inference

    def serving(self, account_id: str, region: str, endpoint_name: str) -> FleetSpec:
        """Return an endpoint's serving fleet, the first of several.

        Raises `NoSuchEndpointError`.
        """
        with self._lock:
            choice = self._routes.get((account_id, region, endpoint_name))
            serving = (
                [self._fleets[route.fleet_id] for route in choice.routes if route.fleet_id in self._fleets]
                if choice
                else []
            )
        if not serving:
            raise NoSuchEndpointError
        return serving[0].fleet.spec

    def _ask(
        self,
        fleet: Fleet,
        body: bytes,
        headers: Mapping[str, str],
        began: float,
        timeout_seconds: float | None = None,
    ) -> Answer:
        """Let a fleet answer, and tell the observer the result."""
        asked = time.monotonic()
        answer = None
        try:
            answer = fleet.invoke(body, headers, timeout_seconds=timeout_seconds or self._timeout_seconds)
        finally:
            answered = time.monotonic()
            record = InvocationRecord(
                spec=fleet.spec,
                instance_count=fleet.instance_count,
                status=None if answer is None else answer.status,
                model_seconds=answered - asked,
                overhead_seconds=asked - began,
            )
            self._observer(record)
        return answer

    def _copy(self, serving: _Serving, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a copy of an invocation to a shadow, and ignore its answer."""
        try:
            with contextlib.suppress(UnreachableError, InvocationTimeoutError):
                self._ask(serving.fleet, body, headers, time.monotonic())
        finally:
            self._release(serving)

    def stop(self) -> None:
        """End every process at once, drained or not."""
        self._stopped.set()
        self._copying.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            fleets = [serving.fleet for serving in self._fleets.values()]
            draining = list(self._draining)
            self._fleets.clear()
            self._routes.clear()
        stopping = [threading.Thread(target=fleet.stop) for fleet in fleets]
        for thread in stopping:
            thread.start()
        for thread in (*stopping, *draining):
            thread.join()

    @contextmanager
    def _chosen(
        self, key: _EndpointKey, target_variant: str | None
    ) -> Iterator[tuple[Route, _Serving, list[_Serving]]]:
        """Count an invocation on the fleet that answers it, and on the shadows that get a copy."""
        with self._lock:
            choice = self._routes.get(key)
            if choice is None:
                raise NoSuchEndpointError
            route = choice.next() if target_variant is None else choice.next_of_variant(target_variant)
            serving = self._fleets.get(route.fleet_id) if route else None
            if route is None or serving is None:
                raise NoSuchVariantError
            # Count under the lock of `terminate`: a fleet either drains this invocation or is not chosen.
            serving.in_flight += 1
            shadows = [
                self._fleets[shadow.fleet_id]
                for shadow in choice.next_shadows()
                if shadow.fleet_id in self._fleets
            ]
            for shadow in shadows:
                shadow.in_flight += 1
        try:
            yield route, serving, shadows
        finally:
            self._release(serving)

    def _release(self, serving: _Serving) -> None:
        with self._lock:
            serving.in_flight -= 1
            if serving.terminating and serving.in_flight == 0:
                serving.idle.set()

    def _drain(self, serving: _Serving) -> None:
        deadline = time.monotonic() + self._drain_seconds
        while not serving.idle.wait(_SECONDS_BETWEEN_LOOKS):
            if self._stopped.is_set() or time.monotonic() > deadline:
                break
        serving.fleet.stop()
        with self._lock:
            self._draining.discard(threading.current_thread())
