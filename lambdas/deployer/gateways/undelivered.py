"""Owns what is raised when a service does not take what the deployer sends to others."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator


class UndeliveredError(Exception):
    """A service did not take a message or an event; it is sent again on a later pass."""


@contextmanager
def refusals_of(service: str, what: str) -> Iterator[None]:
    """Raise `UndeliveredError` for a call that a service refuses or does not answer."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise UndeliveredError(f"{service} did not take {what}: {error}") from error
