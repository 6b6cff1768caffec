"""Owns describing a wrong value or key in the file's words, not pydantic's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from infra.settings.aws_shapes import sagemaker
from infra.settings.keys.approvers import ANYONE, remedy
from infra.settings.keys.endpoint_settings import EXPLANATIONS, KNOWN_KEYS
from infra.settings.mistakes.misspelt_keys import meant
from infra.settings.problem import FieldPath, Problem, field_name, nearest, shown
from infra.settings.rules.s3_places import s3_place

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from infra.settings.reading.document import Document


def problem_of(document: Document, detail: ErrorDetails) -> Problem:
    """Translate one of pydantic's errors into a problem."""
    path = detail["loc"]
    words = words_of(path)
    keys = ", ".join(KNOWN_KEYS.get(words, ()))
    expected = EXPLANATIONS.get(words) or EXPLANATIONS.get((*words[:-1], "*")) or f"a mapping of {keys}"
    if words not in EXPLANATIONS and words[-1] == "*" and not keys:
        expected = f"items of {words[-2]}: {EXPLANATIONS[words[:-1]]}"
    if detail["type"] == "extra_forbidden":
        return _unknown_key(document, path)
    if detail["type"] == "missing":
        return document.problem(path, got="nothing", expected=expected, fix=f"add {words[-1]}")
    fix = _approvers_fix(document, detail) if "approvers" in path else _fix(document, detail, words[-1])
    return document.problem(path, got=shown(detail["input"]), expected=expected, fix=fix)


def words_of(path: FieldPath) -> tuple[str, ...]:
    """Write a field's path as keys, with `*` for any item of a list."""
    return tuple("*" if isinstance(part, int) else part for part in path)


def _fix(document: Document, detail: ErrorDetails, key: str) -> str:
    """Say how to correct a value of the wrong kind."""
    path = detail["loc"]
    match detail["type"]:
        case "string_type" if path in document.scalars:
            return f'quote it: {key}: "{document.scalars[path]}"'
        case "string_type":
            return "write a single value"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "write it as key: value lines"
        case "string_pattern_mismatch" | "string_too_long" if path == ("endpoint_name",):
            return (
                "choose another name" if path in document.lines else "rename the file, or set endpoint_name"
            )
        case "string_pattern_mismatch" | "string_too_long" if path == ("model_package_group",):
            return "use at most 63 letters, digits and inner hyphens"
        case _:
            return _plain_fix(detail)


def _plain_fix(detail: ErrorDetails) -> str:
    """Say how to correct a value whose type or range says enough."""
    value, context = detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "literal_error":
            allowed = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            similar = nearest(str(value), allowed)
            suggested = f"did you mean {' or '.join(similar)}?"
            return suggested if similar else f"choose one of {', '.join(allowed)}"
        case "list_type":
            return "write it as a list: each item on a line of its own, after a dash"
        case "int_type" if isinstance(value, float):
            return "write a whole number"
        case "int_type" | "float_type" if isinstance(value, str):
            return "write a number, without quotes"
        case "bool_type":
            return "write true or false, without quotes"
        case _:
            return _limit_fix(detail)


def _limit_fix(detail: ErrorDetails) -> str:
    """Say how to correct a value beyond one of Greenlight's own limits."""
    value, context = detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "greater_than_equal" | "less_than_equal":
            return f"the nearest allowed value is {context.get('ge', context.get('le'))}"
        case "greater_than":
            return f"write a number above {context['gt']:g}"
        case "less_than":
            return f"write a number below {context['lt']:g}"
        case "multiple_of":
            step = context["multiple_of"]
            return f"the nearest allowed value is {max(round(value / step), 1) * step:g}"
        case "string_too_short" | "too_short":
            return "write what is missing, or remove the key"
        case "string_too_long":
            return f"shorten it by {len(value) - context['max_length']} characters"
        case "too_long":
            return f"remove {context['actual_length'] - context['max_length']}"
        case "string_pattern_mismatch" if str(value).startswith("https://"):
            return f"write {s3_place(str(value))}"
        case _:
            return "correct the value"


def _approvers_fix(document: Document, detail: ErrorDetails) -> str:
    match detail["type"]:
        case "list_type":
            return "write it as a list: each pattern on a line of its own, after a dash"
        case "too_short":
            return ANYONE
        case "too_long":
            return "join some of them with wildcards, or name a role that they all have"
        case _:
            return remedy(document.scalars.get(detail["loc"], ""))


def _unknown_key(document: Document, path: FieldPath) -> Problem:
    known = KNOWN_KEYS.get(words_of(path[:-1]), ())
    name = str(path[-1])
    around = words_of(path[:-1])
    key = meant(around, name)
    section = _api_section(name)
    if key is not None and key[:-1] == around:
        fix = f"did you mean {key[-1]}?"
    elif key is not None and len(key) == 1:
        fix = f"move it to the top level of the file, as {key[0]}"
    elif key is not None:
        fix = f"did you mean the key {field_name(key).replace('.*', '[]')}?"
    elif section:
        fix = f"move it to overrides.{section}"
    else:
        fix = "remove it"
    if key is not None and section is not None and not around:
        fix += f" Otherwise move it to overrides.{section}"
    return document.problem(
        path, got=f"the unknown key {name}", expected=f"one of {', '.join(known)}", fix=fix
    )


def _api_section(name: str) -> Literal["model", "endpoint_config", "deployment_config"] | None:
    """Find the override for a name of SageMaker's API."""
    if name in sagemaker().shape_for("CreateModelInput").members:  # type: ignore[attr-defined]
        return "model"
    for shape in ("CreateEndpointConfigInput", "DeploymentConfig"):
        if name in sagemaker().shape_for(shape).members:  # type: ignore[attr-defined]
            return "endpoint_config" if shape == "CreateEndpointConfigInput" else "deployment_config"
    return None
