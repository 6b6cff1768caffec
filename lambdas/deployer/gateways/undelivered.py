"""Owns the error for a message or event that a service does not accept."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator


class UndeliveredError(Exception):
    """A service did not accept a message or an event. A later pass sends it again."""


@contextmanager
def refusals_of(service: str, what: str) -> Iterator[None]:
    """Raise `UndeliveredError` if a service refuses a call or does not answer it."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise UndeliveredError(f"{service} did not take {what}: {error}") from error
