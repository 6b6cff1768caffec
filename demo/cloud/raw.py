"""Copies a growing log to standard output, as it is."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, BinaryIO, Final, Self

if TYPE_CHECKING:
    from pathlib import Path

_SECONDS_BETWEEN_LOOKS: Final = 0.1


class RawLog:
    """Shows what the local cloud's process writes while the context lasts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._copy_until_stopped, name="raw-log", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _copy_until_stopped(self) -> None:
        with self._path.open("rb") as log:
            while not self._stop.wait(_SECONDS_BETWEEN_LOOKS):
                _copy(log)
            _copy(log)


def _copy(log: BinaryIO) -> None:
    sys.stdout.buffer.write(log.read())
    sys.stdout.buffer.flush()
