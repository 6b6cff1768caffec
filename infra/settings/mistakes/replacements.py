"""Owns replacing wrong values with stand-ins, so that the rest of a file is still checked."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from infra.settings.keys.endpoint_settings import EXPLANATIONS, KNOWN_KEYS, OF_A_VARIANT, EndpointSettings
from infra.settings.mistakes.misspelt_keys import meant
from infra.settings.mistakes.wrong_values import problem_of, words_of
from infra.settings.problem import FieldPath, Problem, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.reading.document import Document

_STAND_IN: Final = {"model_package_group": "stand-in", "instance_type": "ml.m5.large"}

SECTIONS: Final = {path[0] for path in KNOWN_KEYS if path} - {"overrides"}
"""Keys with nested keys, some required: after a mistake inside, the rest may mean anything."""


def choose_serving(document: Document, content: dict[str, Any]) -> Iterator[Problem]:
    """Check that exactly one of the three keys for hosting is present, and leave one in `content`."""
    expected = "either instance_type (and instance_count) or serverless, or variants"
    if "variants" in content:
        for key in ("serverless", *OF_A_VARIANT):
            if key in content:
                content.pop(key)
                yield document.problem(
                    (key,),
                    got=f"{key} beside variants",
                    expected="variants that run on instances, each with its own keys",
                    fix=f"remove {key} or variants"
                    if key == "serverless"
                    else "move it into each of variants",
                )
    elif "serverless" in content:
        for key in ("instance_type", "instance_count"):
            if key in content:
                content.pop(key)
                fix = f"remove {key} or serverless"
                yield document.problem((key,), got=f"{key} beside serverless", expected=expected, fix=fix)
    elif "instance_type" not in content:
        content["instance_type"] = _STAND_IN["instance_type"]
        choices = {"instance_type", "serverless", "variants"}
        if choices & {found[0] for name in content if (found := meant((), name)) is not None}:
            return  # misspelt, which is reported as an unknown key
        fix = "add instance_type: ml.m5.large, say"
        yield document.problem(("instance_type",), got="neither", expected=expected, fix=fix)


def remove_empty(document: Document, content: dict[str, Any]) -> Iterator[Problem]:
    """Remove keys without a value from `content`, with a problem for each."""
    for where in KNOWN_KEYS:
        for holder, path in list(_mappings(content, where)):
            for key, value in list(holder.items()):
                if value is None:
                    del holder[key]
                    expected = EXPLANATIONS.get((*where, key), "a key that Greenlight knows")
                    fix = "give it a value, or remove the key"
                    yield document.problem((*path, key), got=shown(None), expected=expected, fix=fix)


def _mappings(
    value: object, where: tuple[str, ...], path: FieldPath = ()
) -> Iterator[tuple[dict[str, Any], FieldPath]]:
    """Find the mappings at a path of keys, in which `*` is any item of a list."""
    if not where:
        if isinstance(value, dict):
            yield value, path
    elif where[0] == "*":
        for index, item in enumerate(value if isinstance(value, list) else []):
            yield from _mappings(item, where[1:], (*path, index))
    elif isinstance(value, dict) and where[0] in value:
        yield from _mappings(value[where[0]], where[1:], (*path, where[0]))


def validated(document: Document, content: dict[str, Any]) -> tuple[EndpointSettings, list[Problem]]:
    """Validate a file's content; stand-ins replace wrong values, so that there is always a result."""
    try:
        return EndpointSettings.model_validate(content), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    misnamed = {
        meant(words_of(detail["loc"][:-1]), str(detail["loc"][-1]))
        for detail in details
        if detail["type"] == "extra_forbidden"
    }
    problems = [
        problem_of(document, detail)
        for detail in details
        if detail["type"] != "missing" or words_of(detail["loc"]) not in misnamed
    ]
    for detail in details:
        _drop(content, detail["loc"])
    wrong = {detail["loc"][0] for detail in details}
    if "variants" in wrong:
        wrong.add("rollout")  # the number of instances is unknown
    for section in wrong & SECTIONS:
        content.pop(str(section), None)
    if "serverless" not in content and "variants" not in content:
        content.setdefault("instance_type", _STAND_IN["instance_type"])
    content.setdefault("model_package_group", _STAND_IN["model_package_group"])
    content.setdefault("endpoint_name", "stand-in")
    return EndpointSettings.model_validate(content), problems


def _drop(content: dict[str, Any], path: FieldPath) -> None:
    # Replace a list with a wrong item as a whole: without the item it would mean something else.
    *outer, last = takewhile(lambda part: isinstance(part, str), path)
    holder: Any = content
    for part in outer:
        holder = holder.get(part) if isinstance(holder, dict) else None
    if isinstance(holder, dict):
        holder.pop(last, None)
