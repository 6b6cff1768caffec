"""Decides which statements may be added to others' policies, for any caller. Pure.

The stack asks for nothing else. But anyone who may invoke the function can send it any request. So it admits
only the stages' accounts, roles in them, and actions that read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from registry_access.merging import Statement

Kind = Literal["group", "bucket", "repository", "key", "key-grants"]
"""The kind of resource with the policy. `key-grants` are a key's grants instead of its policy."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_WRITE: Final = "sagemaker:UpdateModelPackage"
_UNWRITTEN: Final = "sagemaker:ModelApprovalStatus"

ACTIONS: Final[Mapping[Kind, frozenset[str]]] = {
    "group": frozenset(
        {
            "sagemaker:CreateModel",
            "sagemaker:DescribeModelPackage",
            "sagemaker:DescribeModelPackageGroup",
            "sagemaker:ListModelPackages",
            _WRITE,
        }
    ),
    "bucket": frozenset({"s3:GetObject", "s3:ListBucket"}),
    "repository": frozenset(
        {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
    ),
    "key": frozenset({"kms:Decrypt"}),
    "key-grants": frozenset({"kms:Decrypt"}),
}

_ELEMENTS: Final = frozenset({"Sid", "Effect", "Principal", "Action", "Resource", "Condition"})
_ROOT: Final = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):root")
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/.+")


class InadmissibleStatementError(ValueError):
    """A statement is one that no Greenlight stack asks for."""


def check(kind: Kind, statements: Sequence[Statement], owner: str, accounts: Collection[str]) -> None:
    """Refuse statements that admit more than roles of these accounts, or permit more than reading.

    Args:
        kind: The kind of resource with the policy.
        statements: The statements to add.
        owner: The beginning of their Sids.
        accounts: The stages' accounts.

    Raises:
        InadmissibleStatementError: The first inadmissible statement, and why.
    """
    for statement in statements:
        for wrong in _wrong(kind, statement, owner, accounts):
            raise InadmissibleStatementError(f"The statement {statement.get('Sid')!r} was refused: {wrong}.")


def _wrong(kind: Kind, statement: Statement, owner: str, accounts: Collection[str]) -> Iterator[str]:
    unknown = sorted(statement.keys() - _ELEMENTS)
    if unknown:
        yield f"it has {', '.join(unknown)}"
    if not str(statement.get("Sid", "")).startswith(owner):
        yield f"its Sid does not begin with {owner}"
    if statement.get("Effect") != "Allow":
        yield "its Effect is not Allow"
    actions = statement.get("Action")
    if (
        not isinstance(actions, list)
        or not actions
        or any(str(each) not in ACTIONS[kind] for each in actions)
    ):
        yield f"its actions are not of {', '.join(sorted(ACTIONS[kind]))}"
    principal = statement.get("Principal")
    named = str(principal.get("AWS")) if isinstance(principal, dict) and [*principal] == ["AWS"] else ""
    pattern = _ROLE if kind == "key-grants" else _ROOT
    account = pattern.fullmatch(named)
    if account is None or account[1] not in accounts:
        yield f"its principal is no {'role' if kind == 'key-grants' else 'root'} of a stage's account"
    elif kind != "key-grants":
        yield from _wrong_conditions(statement, account[1])


def _wrong_conditions(statement: Statement, account: str) -> Iterator[str]:
    roles = _condition(statement, "ArnLike", "aws:PrincipalArn")
    if not isinstance(roles, list) or not roles:
        yield "no condition names roles"
    elif not all((found := _ROLE.fullmatch(str(role))) and found[1] == account for role in roles):
        yield f"its condition names others than roles of account {account}"
    if _WRITE in statement["Action"] and (
        statement["Action"] != [_WRITE] or _condition(statement, "Null", _UNWRITTEN) != "true"
    ):
        yield "it does not keep the approval status from being written"


def _condition(statement: Statement, operator: str, key: str) -> object:
    conditions = statement.get("Condition")
    keys = conditions.get(operator) if isinstance(conditions, dict) else None
    return keys.get(key) if isinstance(keys, dict) else None
