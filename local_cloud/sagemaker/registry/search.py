"""Search over model packages: filters, order and pages, over an index that may be behind the registry.

Owns how Search differs from the registry's other reads. SageMaker documents no delay, so a switch sets one.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from local_cloud.sagemaker import errors
from local_cloud.sagemaker.protocol.api_model import sagemaker_service_model
from local_cloud.sagemaker.protocol.listing import page
from local_cloud.sagemaker.switch_settings import SearchedGroupNames, SearchIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.registry.model_package import ModelPackage
    from local_cloud.sagemaker.state import State

LATE: Final = timedelta(minutes=10)
"""How far the index is behind if the switch says so. AWS gives no number."""

_TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%S"
"""Of a filter's value (botocore: `Filter$Value`). No zone is documented: UTC here."""

_NOT_MODELLED: Final = ("CrossAccountFilterOption", "VisibilityConditions")

_ORDERS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "GreaterThan": lambda value, bound: value > bound,
    "GreaterThanOrEqualTo": lambda value, bound: value >= bound,
    "LessThan": lambda value, bound: value < bound,
    "LessThanOrEqualTo": lambda value, bound: value <= bound,
}


def index(state: State, package: ModelPackage, *, deleted: bool = False) -> None:
    """Note what a package is from now on, so that the index can show it now or later."""
    entries = package.scope.indexed.setdefault(package.key, [])
    # A package's members are replaced and never changed, so a shallow copy keeps what they were.
    entries.append((state.time, None if deleted else copy.copy(package)))
    # A delayed index shows the newest of the entries that are old enough, and none before that one.
    while len(entries) > 1 and entries[1][0] <= state.time - LATE:
        entries.pop(0)


def search(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Find model packages of the caller's account, by default those that were modified last."""
    if request["Resource"] != "ModelPackage":
        raise errors.not_modelled(f"Search for {request['Resource']}", "Search for ModelPackage.")
    for member in _NOT_MODELLED:
        if member in request:
            raise errors.not_modelled(f"{member} of Search", "Leave it out.")
    accepts = _read(request.get("SearchExpression"))
    sort_by = request.get("SortBy", "LastModifiedTime")
    _kind(sort_by)
    return page(
        "Search",
        {**request, "SortBy": sort_by},
        _indexed(state, caller),
        descending=True,
        filtered_pages=state.switches.filtered_pages,
        accepts=lambda package: accepts(_shown(state, package)),
        sort_keys={sort_by: lambda package: _sortable(_shown(state, package).get(sort_by))},
    ).answer("Results", lambda package: {"ModelPackage": _shown(state, package)})


def _indexed(state: State, caller: Caller) -> list[ModelPackage]:
    """Return the caller's packages as the index has them at the moment."""
    match state.switches.search_index:
        case SearchIndex.NEVER:
            return []
        case SearchIndex.LATE:
            seen = state.time - LATE
        case SearchIndex.AT_ONCE:
            seen = state.time
    found: list[ModelPackage] = []
    for entries in state.scope(caller).indexed.values():
        shown = next((package for time, package in reversed(entries) if time <= seen), None)
        if shown is not None:
            found.append(shown)
    return found


def _shown(state: State, package: ModelPackage) -> dict[str, Any]:
    shown = {name: value for name, value in package.describe().items() if name in _members()}
    if state.switches.search_group_names is SearchedGroupNames.ABSENT:
        shown.pop("ModelPackageGroupName", None)
    return shown


def _read(expression: Mapping[str, Any] | None) -> Callable[[Mapping[str, Any]], bool]:
    """Return what a search expression demands of a package.

    Raises:
        ServiceError: It is empty or contradictory, or names something that packages do not have.
    """
    if expression is None:
        return lambda _package: True
    for member in ("NestedFilters", "SubExpressions"):
        if member in expression:
            raise errors.not_modelled(f"{member} of Search", "Use Filters.")
    if not expression.get("Filters"):
        raise errors.validation("A SearchExpression needs at least one filter.")
    demands = [_demand(each) for each in expression["Filters"]]
    combine = any if expression.get("Operator") == "Or" else all
    return lambda package: combine(demand(package) for demand in demands)


def _demand(condition: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    name, operator = condition["Name"], condition.get("Operator", "Equals")
    kind = _kind(name)
    if operator in {"Exists", "NotExists"}:
        return lambda package: (name in package) is (operator == "Exists")
    if "Value" not in condition:
        raise errors.validation(f"The filter {operator} on {name} needs a Value.")
    value = condition["Value"]
    if operator in _ORDERS:
        if kind == "string":
            raise errors.validation(f"The operator {operator} is not supported for text: {name}.")
        bound, compares = _typed(name, kind, value), _ORDERS[operator]
        return lambda package: name in package and compares(package[name], bound)
    if operator in {"In", "Contains"}:
        if kind != "string":
            raise errors.validation(f"The operator {operator} is only supported for text: {name}.")
        if operator == "In":
            return lambda package: package.get(name) in value.split(",")
        return lambda package: value in package.get(name, "")
    equal = _typed(name, kind, value)
    return lambda package: (package.get(name) == equal) is (operator == "Equals")


def _typed(name: str, kind: str, value: str) -> object:
    try:
        match kind:
            case "timestamp":
                return datetime.strptime(value, _TIME_FORMAT).replace(tzinfo=UTC)
            case "integer":
                return float(value)
            case _:
                return value
    except ValueError as error:
        raise errors.validation(f"{value} is no value of {name}, which is a {kind}.") from error


def _sortable(value: object) -> str:
    # Fixed width, so that texts sort like times and numbers.
    if isinstance(value, datetime):
        return f"{value.timestamp():020.6f}"
    return f"{value:020}" if isinstance(value, int) else str(value or "")


def _kind(name: str) -> str:
    """Return the type of a package's property.

    Raises:
        ServiceError: Packages have no such property, or it is no single value.
    """
    kind = _members().get(name)
    if kind not in {"string", "timestamp", "integer"}:
        raise errors.validation(f"{name} is no property of ModelPackage that Search can compare.")
    return kind


@cache
def _members() -> dict[str, str]:
    """Return the properties of a package in a search result, each with its type."""
    shapes = sagemaker_service_model()["shapes"]
    return {
        name: shapes[member["shape"]]["type"] for name, member in shapes["ModelPackage"]["members"].items()
    }


OPERATIONS = {"Search": search}
