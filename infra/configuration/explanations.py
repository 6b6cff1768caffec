"""Owns saying what is wrong with a key of `registry` or `stages`: what it expects, in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeGuard, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from infra.settings.problem import Problem, field_name, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

    from infra.settings.problem import FieldPath
_PLAIN_TYPES: Final = frozenset(
    {"string_type", "list_type", "dict_type", "model_type", "model_attributes_type"}
)


def problem_of(model: type[BaseModel], detail: ErrorDetails, path: FieldPath, place: str) -> Problem:
    """Translate one of pydantic's errors into ours."""
    inner = detail["loc"]
    # Of a field that may be of several types, pydantic adds the type's name.
    field, holder = _described(model, inner)
    whole = (*path, *field)
    expected = holder[1] or "a mapping of keys"
    match detail["type"]:
        case "extra_forbidden":
            known = holder[0]
            meant = nearest(str(inner[-1]), known, count=1)
            fix = f"did you mean {meant[0]}?" if meant else "remove it"
            got = f"the unknown key {inner[-1]}"
            return Problem(
                place, 0, field_name((*path, *inner)), got, f"one of {', '.join(sorted(known))}", fix
            )
        case "missing":
            return Problem(place, 0, field_name(whole), "nothing", expected, f"add {field[-1]}")
        case "literal_error":
            fix = f"choose one of {detail.get('ctx', {})['expected']}"
        case "int_type" | "greater_than_equal" | "less_than_equal":
            fix = "write a number within the range, without quotes"
        case kind if kind in _PLAIN_TYPES:
            fix = "write it as docs/accounts.md shows"
        case _:
            fix = "correct the value"
    return Problem(place, 0, field_name(whole), shown(detail["input"]), expected, fix)


def _described(model: type[BaseModel], path: FieldPath) -> tuple[FieldPath, tuple[list[str], str]]:
    """Find the field that a path leads to: its path without names of types, its siblings, its description."""
    field: list[str | int] = []
    current: Any = model
    description = ""
    for part in path:
        inner = _below(current, part)
        if inner is None:
            break
        field.append(part)
        current, description = inner[0], inner[1] or description
    known = list(current.model_fields) if _is_model(current) else []
    return tuple(field), (known, description)


def _below(annotation: Any, part: str | int) -> tuple[Any, str] | None:  # noqa: ANN401 - any type
    """Find what a part of a path is in a type, and what is said of it; None if it is the name of a type."""
    if _is_model(annotation):
        info = annotation.model_fields.get(str(part))
        return (_present(info.annotation), str(info.description)) if info else None
    if get_origin(annotation) is dict and isinstance(part, str):
        return get_args(annotation)[1], ""
    lists = [each for each in (annotation, *get_args(annotation)) if get_origin(each) is list]
    if lists and isinstance(part, int):
        [item] = get_args(lists[0])
        said = next((each.description for each in get_args(item)[1:] if isinstance(each, FieldInfo)), None)
        return item, said or ""
    return None


def _present(annotation: Any) -> Any:  # noqa: ANN401 - any type
    """Leave out that a value may be missing."""
    present = [each for each in get_args(annotation) if each is not type(None)]
    return present[0] if type(None) in get_args(annotation) else annotation


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:  # noqa: ANN401 - any type
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def explained(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every key of a model, as `groups.<name>.artifacts`, with what it expects."""
    for name, info in model.model_fields.items():
        here, inner = f"{path}{name}", _present(info.annotation)
        yield here, str(info.description)
        if get_origin(inner) is dict:
            here, inner = f"{here}.<name>", get_args(inner)[1]
        elif get_origin(inner) is list:
            here, inner = f"{here}[]", get_args(inner)[0]
        if _is_model(inner):
            yield from explained(inner, f"{here}.")
