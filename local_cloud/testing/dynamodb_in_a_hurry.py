"""Lets MiniStack's DynamoDB answer in less time; it takes a large part of the deployer's stories."""

from __future__ import annotations

import copy
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb


def hurry() -> None:
    """Read each expression once, copy items without looking for what they might share, and find tags faster.

    There are few expressions, and MiniStack reads each several times a call. Items are trees. MiniStack asks
    every table of every account whether it is the caller's, and a run of tests has an account each.
    """
    read = dynamodb._tokenize  # noqa: SLF001 - MiniStack has no setting for it
    tokens = lru_cache(maxsize=4096)(lambda expression: tuple(read(expression)))
    dynamodb._tokenize = lambda expression: list(tokens(expression))  # noqa: SLF001 - likewise
    check = lru_cache(maxsize=4096)(dynamodb._condition_syntax_error)  # noqa: SLF001 - likewise
    dynamodb._condition_syntax_error = check  # noqa: SLF001 - likewise
    dynamodb.copy = SimpleNamespace(copy=copy.copy, deepcopy=copied)
    AccountRegionScopedDict.items = items_of_the_caller


def items_of_the_caller(stored: AccountRegionScopedDict) -> list[tuple[Any, Any]]:
    """Return what is stored for the present account and region."""
    account_id, region = stored._prefix()  # noqa: SLF001 - MiniStack has no setting for it
    return [
        (key[2], value)
        for key, value in list(stored._data.items())  # noqa: SLF001 - likewise
        if key[0] == account_id and key[1] == region
    ]


def copied(value: Any) -> Any:  # noqa: ANN401 - a part of an item, or whatever else MiniStack copies
    """Return a copy that shares nothing that can change."""
    kind = type(value)
    if kind is dict:
        return {key: copied(member) for key, member in value.items()}
    if kind is list:
        return [copied(member) for member in value]
    return value if kind in {str, bool, type(None)} else copy.deepcopy(value)
