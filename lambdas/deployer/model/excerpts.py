"""Cuts text that others wrote, where it enters: SageMaker's reasons, content types, the names of files. Pure.

An outcome goes to EventBridge and SNS, which take 256 KB. A settled attempt whose outcome does not fit could
never be told of.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Final

LONGEST: Final = 1024
"""Characters. SageMaker's own failure reasons have at most as many (botocore: `FailureReason`)."""

MOST_BYTES: Final = 4 * LONGEST
"""As JSON writes a text in ASCII: up to twelve bytes a character. An outcome has some thirty texts."""

_MEDIA_TYPE: Final = re.compile(r"[\w.+-]{1,127}/[\w.+-]{1,127}(; ?charset=[\w-]{1,40})?", re.ASCII)
"""A media type as RFC 6838 names it, with the one parameter that says nothing of a body."""


def excerpt(text: str) -> str:
    """Return a text, or its beginning where it is longer than anybody reads, or than events can carry."""
    if len(text) <= LONGEST and _bytes_of(text) <= MOST_BYTES:
        return text
    sizes = accumulate(map(_bytes_of, text[: LONGEST - 1]))
    return f"{text[: sum(size <= MOST_BYTES for size in sizes)]}…"


def _bytes_of(text: str) -> int:
    return len(json.dumps(text)) - len('""')


def media_type(content_type: str) -> str:
    """Return the content type that a container named, if it is one or none: a header can say anything."""
    return content_type if not content_type or _MEDIA_TYPE.fullmatch(content_type) else "no media type"
