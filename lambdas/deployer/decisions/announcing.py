"""Decides whether an attempt's end was announced: as an outcome, and in the registry. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.attempt import AttemptStatus, Deployment, Promotion

if TYPE_CHECKING:
    from deployer.model.attempt import Attempt


def is_owed(attempt: Attempt) -> bool:
    """Tell whether an attempt has an outcome that, by the journal, was not handed over."""
    match attempt:
        case Deployment(status=AttemptStatus.ACCEPTED):
            return not attempt.start_reported
        case Deployment() | Promotion():
            return attempt.has_outcome and not attempt.end_reported
        case _:
            return False


def is_announced(attempt: Attempt, *, metadata_written: int | None) -> bool:
    """Tell whether an attempt that ended was reported, and written to the registry if the settings say so.

    Args:
        attempt: The attempt.
        metadata_written: Number of the last attempt whose end the registry shows; None if none is
            written there.
    """
    is_written = (
        metadata_written is None
        or not isinstance(attempt, Deployment)
        or not attempt.is_written_to_registry
        or attempt.number <= metadata_written
    )
    return is_written and not is_owed(attempt)
