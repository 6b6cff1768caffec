"""Cuts text that others wrote: SageMaker's reasons, content types, names of files. Pure.

An outcome goes to EventBridge and SNS, which take 256 KB. The outcome of a settled attempt could not be
reported if it did not fit.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Final

LONGEST: Final = 1024
"""Characters. SageMaker's own failure reasons have at most as many (botocore: `FailureReason`)."""

MOST_BYTES: Final = 4 * LONGEST
"""Bytes of a text as ASCII JSON: up to twelve bytes a character. An outcome has some thirty texts."""

_MEDIA_TYPE: Final = re.compile(r"[\w.+-]{1,127}/[\w.+-]{1,127}(; ?charset=[\w-]{1,40})?", re.ASCII)
"""A media type by RFC 6838, with the one parameter that reveals nothing of a body."""


def excerpt(text: str) -> str:
    """Return a text, or its beginning if it is too long for people or for events."""
    if len(text) <= LONGEST and _bytes_of(text) <= MOST_BYTES:
        return text
    sizes = accumulate(map(_bytes_of, text[: LONGEST - 1]))
    return f"{text[: sum(size <= MOST_BYTES for size in sizes)]}…"


def sentence(text: str) -> str:
    """Return what somebody else wrote as a sentence: it may end with a full stop or without one."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _bytes_of(text: str) -> int:
    return len(json.dumps(text)) - len('""')


def media_type(content_type: str) -> str:
    """Return a container's content type if it is a media type or empty: a header can say anything."""
    return content_type if not content_type or _MEDIA_TYPE.fullmatch(content_type) else "no media type"
