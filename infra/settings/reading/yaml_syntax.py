"""Owns explaining a file's YAML errors plainly: the cause and the correction, not the parser's words.

It knows PyYAML's messages for common mistakes. It passes others on, with the most useful advice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import yaml


class Syntax(NamedTuple):
    """Report a mistake in the syntax: what was found, what would be right, and what to do about it."""

    got: str
    expected: str
    fix: str


_VALID: Final = "valid YAML"
_SIGNS: Final = "a value that begins with a letter, a digit or a quote"

_KNOWN: Final[tuple[tuple[str, Syntax], ...]] = (
    (
        r"found character '\\t'",
        Syntax("a tab before a key or a value", "spaces: YAML takes no tabs there", "use spaces"),
    ),
    (
        r"found character '%'",
        Syntax("a % outside quotes", _SIGNS, "quote the value; nobody fills in templates here"),
    ),
    (
        r"found character '(?P<sign>.)'",
        Syntax("a {sign} outside quotes", _SIGNS, 'quote the value: "{sign}…"'),
    ),
    (
        r"mapping values are not allowed here",
        Syntax(
            "a second colon, or a key that is indented more than its neighbours",
            "one `key: value` a line, a space after the colon, and all keys of a mapping at one indentation",
            "quote a value that holds a colon, put a space after the key's colon, or mend the indentation",
        ),
    ),
    (
        r"found unexpected end of stream|while scanning a quoted scalar",
        Syntax("a quote that is never closed", "a quote at both ends of the value", "close the quote"),
    ),
    (
        r"found unknown escape character '(?P<sign>.)'",
        Syntax("\\{sign} in double quotes", "an escape that YAML has, such as \\n", "use single quotes"),
    ),
    (
        r"found undefined alias '(?P<sign>[^']*)'",
        Syntax(
            "*{sign}, an alias of nothing",
            "an anchor &{sign} before it, or a text",
            'add the anchor, or quote it: "*{sign}"',
        ),
    ),
    (
        r"parsing a flow sequence",
        Syntax("a [ that is not closed", "a ] at the end of the list", "close it, or add a comma"),
    ),
    (
        r"parsing a flow mapping",
        Syntax(
            "a { that is not closed",
            "a } at the end of the mapping",
            "close it, or add a comma",
        ),
    ),
    (
        r"parsing a block|<document start>",
        Syntax(
            "a line that is indented otherwise than its neighbours",
            "all keys of a mapping, and all items of a list, at one indentation",
            "align it with the line before, and use either keys or dashes",
        ),
    ),
)


def explained(error: yaml.MarkedYAMLError) -> Syntax:
    """Explain PyYAML's objection."""
    said = " ".join(part for part in (error.context, error.problem) if part)
    for pattern, syntax in _KNOWN:
        found = re.search(pattern, said)
        if found is not None:
            sign = found.groupdict().get("sign", "")
            return Syntax(*(part.replace("{sign}", sign) for part in syntax))
    return Syntax(said, _VALID, "correct the syntax at this line, or the line before")


def tag_explained(tag: str) -> Syntax:
    """Explain a tag that plain YAML does not have."""
    name = tag.removeprefix("tag:yaml.org,2002:")
    return Syntax(
        f"the tag {name}",
        "plain values: Greenlight reads these files at synth, and CloudFormation never sees them",
        "remove the tag, and write the value itself, such as the ARN",
    )


TEMPLATE: Final = Syntax(
    "{{ … }}, which YAML reads as a mapping in a mapping",
    "a value: nobody fills templates in here",
    "write the value itself, fill the template in before, or quote it to have it as text",
)
