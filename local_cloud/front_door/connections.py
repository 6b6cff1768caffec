"""Accept and end the local cloud's connections; Hypercorn handles their protocols.

Hypercorn's own server keeps a connection open after its client has gone, until the idle timeout. asyncio's
server accepts without end even without free descriptors. Here a connection ends with its client. There are
never so many that containers and functions lack descriptors: the longest idle connection ends first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
from typing import TYPE_CHECKING, Any, Final

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.lifespan import Lifespan
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Updated

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable

    from hypercorn.events import Event

_LOGGER = logging.getLogger("local_cloud.connections")

_MOST_CONNECTIONS: Final = 1000
_WANTED_DESCRIPTORS: Final = 8192
_SECONDS_BETWEEN_TRIES: Final = 0.2
_SECONDS_TO_CLOSE: Final = 1.0
_SECONDS_IDLE: Final = 75
_SECONDS_FOR_OPEN_REQUESTS: Final = 1.0


def most_connections() -> int:
    """Return the limit on connections: half of this process's descriptors, after raising their limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_WANTED_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return _MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(1, min(_MOST_CONNECTIONS, soft // 2))


class _Connection(TCPServer):
    """One client's connection, which ends with its client."""

    is_idle = True
    idle_since = 0.0
    changed: asyncio.Event
    _has_ended = False

    async def _read_data(self) -> None:
        await super()._read_data()
        self._has_ended = True
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, Updated):
            self.is_idle, self.idle_since = event.idle, self.loop.time()
            self.changed.set()
            if self._has_ended:
                return
        await super().protocol_send(event)

    async def close(self) -> None:
        """End an idle connection; its client will open another one."""
        await self._initiate_server_close()


class _Listener:
    """The connections of one socket."""

    def __init__(self, application: ASGIWrapper, config: Config, listener: socket.socket, most: int) -> None:
        self._application = application
        self._config = config
        self._listener = listener
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._context = WorkerContext(None)
        self._open: dict[asyncio.Task[None], _Connection | None] = {}
        self._changed = asyncio.Event()

    async def accept_forever(self) -> None:
        """Accept connections until cancelled."""
        self._listener.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        while True:
            await self._make_room()
            try:
                connection, _ = await self._loop.sock_accept(self._listener)
            except OSError as error:
                _LOGGER.warning("Could not accept a connection: %s", error.strerror)
                await self._close_longest_idle()
                await asyncio.sleep(_SECONDS_BETWEEN_TRIES)
                continue
            task = self._loop.create_task(self._serve(connection))
            self._open[task] = None
            task.add_done_callback(self._forget)

    async def _serve(self, client: socket.socket) -> None:
        reader = asyncio.StreamReader(loop=self._loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=self._loop)
        transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, client)
        writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
        connection = _Connection(
            self._application, self._loop, self._config, self._context, {}, reader, writer
        )
        connection.changed, connection.idle_since = self._changed, self._loop.time()
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = connection
        await connection

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._open[task]
        self._changed.set()
        if not task.cancelled() and (error := task.exception()):
            _LOGGER.error("A connection failed", exc_info=error)

    async def _make_room(self) -> None:
        while len(self._open) >= self._most:
            self._changed.clear()
            if not await self._close_longest_idle():
                await self._changed.wait()

    async def _close_longest_idle(self) -> bool:
        idle = [(it.idle_since, task) for task, it in self._open.items() if it is not None and it.is_idle]
        if not idle:
            return False
        task = min(idle, key=lambda each: each[0])[1]
        connection = self._open[task]
        assert connection is not None
        await connection.close()
        await asyncio.wait({task}, timeout=_SECONDS_TO_CLOSE)
        return task.done()

    async def close(self) -> None:
        """Give current requests a little time to end, then close every connection."""
        await self._context.terminated.set()
        if self._open:
            await asyncio.wait(set(self._open), timeout=_SECONDS_FOR_OPEN_REQUESTS)
        left = list(self._open)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def serve(application: Any, listener: socket.socket, *, until: Awaitable[None]) -> None:  # noqa: ANN401 - an ASGI application
    """Serve an ASGI application, with its lifespan, while an awaitable runs."""
    config = Config()
    config.keep_alive_timeout = _SECONDS_IDLE
    wrapped = ASGIWrapper(application)
    lifespan = Lifespan(wrapped, config, asyncio.get_running_loop(), {})
    living = asyncio.create_task(lifespan.handle_lifespan())
    await lifespan.wait_for_startup()
    if living.done():
        await living
    connections = _Listener(wrapped, config, listener, most_connections())
    accepting = asyncio.create_task(connections.accept_forever())
    try:
        await until
    finally:
        accepting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await accepting
        listener.close()
        await connections.close()
        await lifespan.wait_for_shutdown()
        living.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await living
