"""Owns how keys of the settings are declared: strictly, with limits and names from AWS's service models.

Knows no key. A shape's range, length or enum goes into the key's type and its description. So editors,
messages and documentation agree with SageMaker.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from infra.settings.aws_shapes import shape

_NUMBERS: Final = frozenset({"integer", "long", "float", "double"})


class StrictModel(BaseModel):
    """Refuse unknown keys, and convert nothing: `instance_count: "2"` is a mistake, not a number to guess."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def limited(shape_name: str, text: str) -> Any:  # noqa: ANN401 - as pydantic's Field
    """Declare a key with a shape's limits, for its description and for editors.

    `rules/request_validation.py` checks the compiled request against the whole shape. So one check finds
    every value beyond its limits, and one key (`unchecked`) waives all of these checks.
    """
    found = shape(shape_name)
    low, high = found.metadata.get("min"), found.metadata.get("max")
    if found.type_name in _NUMBERS:
        return Field(
            description=_worded(text, low, high, ""), json_schema_extra=_given(minimum=low, maximum=high)
        )
    if found.type_name == "list":
        return Field(
            description=_worded(text, low, high, " of them"),
            json_schema_extra=_given(minItems=low, maxItems=high),
        )
    enum = found.metadata.get("enum")
    if enum:
        return Field(description=f"{text}: {', '.join(enum)}", json_schema_extra={"enum": list(enum)})
    # An empty string is a forgotten value, even where the service model allows it.
    longest = f", at most {high} characters" if high else ""
    return Field(
        min_length=1,
        description=f"{text}{longest}",
        json_schema_extra=_given(minLength=max(low or 1, 1), maxLength=high),
    )


def _given(**limits: int | None) -> dict[str, Any]:
    return {name: limit for name, limit in limits.items() if limit is not None}


def _worded(text: str, low: int | None, high: int | None, unit: str) -> str:
    if low is not None and high is not None:
        return f"{text}, from {low} to {high}{unit}"
    return f"{text}, at least {low}{unit}" if low is not None else text
