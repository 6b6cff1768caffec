"""Unpack model archives that somebody else made; nothing may land outside the given directory."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class BadArchiveError(Exception):
    """The model data is not a gzipped tar archive, or an unsafe one."""


def extract(content: bytes, *, into: Path) -> None:
    """Unpack a `model.tar.gz`; raise `BadArchiveError` naming the member that may not be unpacked."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            archive.extractall(into, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadArchiveError(f"{type(error).__name__}: {error}") from error
