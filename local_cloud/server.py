"""Assemble the local cloud and serve it on one loopback port until it is stopped."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from local_cloud.cloudwatch.publishing import MetricsPublisher
from local_cloud.eventbridge.event_delivery import EventDelivery
from local_cloud.front_door.admin import Admin
from local_cloud.front_door.call_log import CallLog
from local_cloud.front_door.door import Door
from local_cloud.front_door.gateway import Gateway
from local_cloud.hosting.fleets import Fleets
from local_cloud.hosting.unhosted import Unhosted
from local_cloud.ministack import emulator
from local_cloud.ministack.emulator import MiniStack
from local_cloud.ministack.sagemaker_ports import (
    MiniStackAlarms,
    MiniStackArtifacts,
    MiniStackIdentity,
    MiniStackKeys,
)
from local_cloud.sagemaker.control_plane import ControlPlane
from local_cloud.sagemaker.real_time import RealTimeControlPlane, SystemClock
from local_cloud.sagemaker.timings import Timings
from local_cloud.sagemaker_runtime.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.sagemaker.ports import Hosting

HOST = "127.0.0.1"


def bind(port: int) -> socket.socket:
    """Return a socket that listens on the loopback interface only; port 0 is any free one.

    Raises `OSError` if the port is taken.
    """
    listener = socket.create_server((HOST, port), backlog=256)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve(
    listener: socket.socket,
    *,
    stop: threading.Event,
    when_ready: Callable[[], None],
    secret: str,
    enforce_iam: bool = True,
    timings: Timings | None = None,
    containers: bool = True,
) -> None:
    """Serve the local cloud until `stop` is set or SIGTERM or SIGINT arrives; leave nothing behind.

    It carries out only requests signed with `secret`, or with credentials that the root user issued. Call it
    once per process, on its main thread: it replaces the process's environment. `timings` are how long
    transitions take at first. Without `containers`, endpoints come up and answer no call.
    """
    port = listener.getsockname()[1]
    state_dir = Path(tempfile.mkdtemp(prefix="greenlight-local-cloud-"))
    with ExitStack() as ending:
        for number in (signal.SIGTERM, signal.SIGINT):
            # First, before anything needs clean-up, so that no early signal leaves it behind.
            ending.callback(signal.signal, number, signal.signal(number, lambda *_: stop.set()))
        ending.callback(shutil.rmtree, state_dir, ignore_errors=True)
        emulator.enter_environment(port, state_dir, secret=secret, enforce_iam=enforce_iam)
        ministack = MiniStack(port=port, state_dir=state_dir, secret=secret, enforce_iam=enforce_iam)
        ending.callback(ministack.stop)
        delivery = EventDelivery(ministack.event_buses.put_event)
        ending.callback(delivery.stop)
        ministack.parameter_changes.announce_to(delivery)
        publisher = MetricsPublisher(ministack.metrics)
        fleets = Fleets(
            model_data=ministack.objects_and_topics,
            logs=ministack.log_groups,
            directory=state_dir / "fleets",
            observer=publisher.record,
        )
        runtime = Runtime(
            fleets, ministack.objects_and_topics, ministack.execution_roles if enforce_iam else None
        )
        ending.callback(runtime.stop)
        ending.callback(fleets.stop)
        door = Door(port=port, secret=secret, signatures=ministack.signatures)
        asyncio.run(
            _serve(
                listener,
                door,
                ministack,
                delivery,
                runtime,
                publisher,
                timings=timings or Timings(),
                hosting=fleets if containers else Unhosted(),
                stop=stop,
                when_ready=when_ready,
            )
        )


async def _serve(  # noqa: PLR0913 - the parts of the local cloud
    listener: socket.socket,
    door: Door,
    ministack: MiniStack,
    delivery: EventDelivery,
    runtime: Runtime,
    publisher: MetricsPublisher,
    *,
    hosting: Hosting,
    timings: Timings,
    stop: threading.Event,
    when_ready: Callable[[], None],
) -> None:
    # Import it here: MiniStack changes Hypercorn on import, after the environment is set.
    from local_cloud.front_door import connections  # noqa: PLC0415

    plane = ControlPlane(
        clock=SystemClock(),
        timings=timings,
        identity=MiniStackIdentity(ministack.execution_roles),
        artifacts=MiniStackArtifacts(ministack.execution_roles),
        hosting=hosting,
        events=delivery,
        alarms=MiniStackAlarms(ministack.metrics),
        execution_roles=ministack.execution_roles if ministack.enforces_iam else None,
        keys=MiniStackKeys(ministack.iam),
    )
    ministack.iam.switches = ministack.metrics.switches = lambda: plane.switches
    ministack.iam.propagation.seconds = lambda: plane.timings.iam_propagation_seconds
    ministack.log_groups.delivery_seconds = lambda: plane.timings.log_delivery_seconds
    ministack.event_buses.schedule_scale = lambda: plane.timings.schedule_scale
    control_plane = RealTimeControlPlane(plane)
    calls = CallLog()
    gateway = Gateway(
        ministack=ministack,
        control_plane=control_plane,
        runtime=runtime,
        admin=Admin(control_plane=control_plane, delivery=delivery, calls=calls, ministack=ministack),
        calls=calls,
        publisher=publisher,
        door=door,
        when_ready=when_ready,
    )
    await connections.serve(gateway, listener, until=_told_to(stop))


async def _told_to(stop: threading.Event) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def watch() -> None:
        stop.wait()
        loop.call_soon_threadsafe(told.set)

    threading.Thread(target=watch, daemon=True).start()
    await told.wait()
