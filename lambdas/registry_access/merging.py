"""Merges statements into a policy by Sid. Pure, and the only place that decides a policy's content.

An owner's statements have Sids with the same beginning, the *owner*. It is long and random enough that nobody
else's Sid has it. All other statements are never changed, moved or dropped.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Statement: TypeAlias = dict[str, Any]
Policy: TypeAlias = dict[str, Any]

VERSION: Final = "2012-10-17"
_ACCOUNT: Final = re.compile(r"(?:arn:aws[a-z-]*:iam::)?(\d{12})(?::root)?")
_ID_OF_DELETED: Final = re.compile(r"A(?:ROA|IDA)[A-Z0-9]{12,}")
"""The id that stays in a policy after a role or user was deleted (IAM user guide, "principal")."""


class UnusablePolicyError(ValueError):
    """A merge could lose parts of the existing policy."""


def parse(text: str | None) -> Policy | None:
    """Read a policy; None if there is none.

    Raises:
        UnusablePolicyError: It is no JSON object with statements, or repeats a key, so that reading would
            lose part of it.
    """
    if text is None:
        return None
    try:
        policy = json.loads(text, object_pairs_hook=_without_doubles)
    except UnusablePolicyError:
        raise
    except ValueError as error:
        raise UnusablePolicyError(f"the policy is not JSON ({error})") from error
    if not isinstance(policy, dict):
        raise UnusablePolicyError("the policy is not a JSON object")
    if not all(isinstance(statement, dict) for statement in _statements(policy)):
        raise UnusablePolicyError("the policy has a statement that is not a JSON object")
    return policy


def merge(policy: Policy | None, statements: Sequence[Statement], owner: str) -> Policy | None:
    """Replace an owner's statements in a policy; None if no statement is left.

    A statement that stays keeps its place, and new ones come last. A second merge changes nothing.

    Args:
        policy: The existing policy, as `parse` reads it.
        statements: All statements that the owner wants, each with a different Sid that begins with `owner`.
        owner: The beginning of the owner's Sids.

    Raises:
        ValueError: A statement's Sid does not begin with the owner, or two are the same.
    """
    wanted = _by_sid(statements, owner)
    merged: list[Statement] = []
    for statement in _statements(policy or {}):
        if not is_own(statement, owner):
            merged.append(statement)
        elif statement["Sid"] in wanted:
            merged.append(wanted.pop(statement["Sid"]))
    merged += wanted.values()
    if not merged:
        return None
    # A policy without a Version has the older one, and other people's statements may rely on it.
    return {**(policy if policy is not None else {"Version": VERSION}), "Statement": merged}


def own_statements(policy: Policy | None, owner: str) -> list[Statement]:
    """Return an owner's statements in a policy, in their order."""
    return [statement for statement in _statements(policy or {}) if is_own(statement, owner)]


def is_own(statement: Mapping[str, Any], owner: str) -> bool:
    """Tell whether a statement is an owner's."""
    return str(statement.get("Sid", "")).startswith(owner)


def same(some: Sequence[Statement], others: Sequence[Statement]) -> bool:
    """Tell whether statements mean the same, in any order and spelling.

    Services may write a list of one as its item, sort lists, and write an account as its number or its root's
    ARN (IAM user guide, "reference_policies_elements_principal").
    """
    return sorted(_canonical(each) for each in some) == sorted(_canonical(each) for each in others)


def same_policy(one: Policy | None, other: Policy | None) -> bool:
    """Tell whether two policies mean the same, in any order and spelling."""
    if one is None or other is None:
        return one is other
    rest, other_rest = ({**policy, "Statement": None} for policy in (one, other))
    return rest == other_rest and same(_statements(one), _statements(other))


def naming_deleted(policy: Policy | None) -> list[str]:
    """List the statements whose principals were deleted: by Sid, or by position."""
    return [
        str(statement.get("Sid") or f"the statement at place {place}")
        for place, statement in enumerate(_statements(policy or {}), start=1)
        if any(_ID_OF_DELETED.fullmatch(each) for each in _principals(statement))
    ]


def text_of(policy: Policy) -> str:
    """Write a policy compactly, as sizes are limited."""
    return json.dumps(policy, separators=(",", ":"), ensure_ascii=False)


def _statements(policy: Policy) -> list[Any]:
    found = policy.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _principals(statement: Statement) -> list[str]:
    named = [statement.get(element, {}) for element in ("Principal", "NotPrincipal")]
    given = [each.get("AWS", []) for each in named if isinstance(each, dict)]
    return [str(name) for each in given for name in (each if isinstance(each, list) else [each])]


def _by_sid(statements: Sequence[Statement], owner: str) -> dict[str, Statement]:
    wanted: dict[str, Statement] = {}
    for statement in statements:
        if not owner or not is_own(statement, owner):
            raise ValueError(f"The Sid {statement.get('Sid')!r} does not begin with its owner, {owner!r}.")
        if statement["Sid"] in wanted:
            raise ValueError(f"Two statements have the Sid {statement['Sid']!r}.")
        wanted[statement["Sid"]] = statement
    return wanted


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        names = [name for name, _ in pairs]
        doubled = sorted({name for name in names if names.count(name) > 1})
        raise UnusablePolicyError(f"the policy says {', '.join(doubled)} twice in one place")
    return content


def _canonical(statement: Statement) -> str:
    """Write a statement so that all its spellings give the same text."""
    return json.dumps(_plain(statement), sort_keys=True)


def _plain(value: Any, *, principal: bool = False) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {
            key: _plain(each, principal=principal or key in {"Principal", "NotPrincipal"})
            for key, each in value.items()
        }
    if isinstance(value, list):
        return sorted({_text(each, principal=principal) for each in value})
    return [_text(value, principal=principal)]


def _text(value: object, *, principal: bool) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    account = _ACCOUNT.fullmatch(text) if principal else None
    return account[1] if account else text
