"""Owns how a policy's document is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping


def document(value: object) -> Mapping[str, Any]:
    """Parse a policy's document: boto3 decodes it, other sources leave it as text."""
    if isinstance(value, str):
        document: Mapping[str, Any] = json.loads(value if value.startswith("{") else unquote(value))
        return document
    assert isinstance(value, dict)
    return value
