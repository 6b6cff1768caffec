"""Owns reading AWS's patterns with Python's `re`; AWS writes them for Java.

Knows nothing of requests. The settings use it before a deployment, the local cloud for each call.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from typing import Final

_UNICODE_CLASS: Final = re.compile(r"\\p\{(\w+)\}")
_POSIX_CLASSES: Final = {"Alnum": "A-Za-z0-9", "Print": r"\x20-\x7E"}
"""POSIX classes that Java spells the same way: US-ASCII only."""


@cache
def compiled_pattern(java_pattern: str) -> re.Pattern[str]:
    r"""Compile a service model's pattern, which is written for Java, for Python.

    The service anchors patterns at both ends: use `fullmatch`. Unicode classes such as `\p{L}` become ranges,
    because `re` has none; `\d` and `\s` are ASCII, as in Java.
    """
    # `$` with a quantifier (CustomerMetadataKey) is legal in Java and means the same as `$`.
    pattern = re.sub(r"\$\{\d+,\d+\}", "$", java_pattern)
    # The one class without brackets (Application Auto Scaling's PolicyName).
    pattern = re.sub(r"^(\\p\{Print\})\+$", r"[\1]+", pattern)
    # Java's characters have 16 bits: this is how it writes all characters beyond them.
    pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    return re.compile(_UNICODE_CLASS.sub(lambda found: _unicode_ranges(found[1]), pattern), re.ASCII)


@cache
def _unicode_ranges(category: str) -> str:
    """Return the characters of a Unicode general category as ranges for use inside `[...]`."""
    if category in _POSIX_CLASSES:
        return _POSIX_CLASSES[category]
    return "".join(
        f"{re.escape(chr(run.start()))}-{re.escape(chr(run.end() - 1))}"
        for run in re.finditer(f"{category[0]}+", _major_categories())
    )


@cache
def _major_categories() -> str:
    """Return the first letter of every code point's category; cached: a pass over Unicode is slow."""
    return "".join(map(unicodedata.category, map(chr, range(sys.maxunicode + 1))))[::2]
