"""Owns the form of an approver: a pattern for the ARN of an IAM identity or Studio user profile.

The deployer matches the patterns. `*` stands for any characters, including slashes and colons; `?` for any
one.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

from pydantic import Field

MOST_APPROVERS: Final = 20
LONGEST_ARN: Final = 2048
"""Of an IAM identity (botocore: iam, arnType)."""

ANYONE: Final = "leave approvers out to let anyone approve; otherwise name them"

_NAME: Final = r"[A-Za-z0-9_+=,.@\-]"
_ANY_NAME: Final = r"[A-Za-z0-9_+=,.@*?\-]"
_ANY_WORD: Final = r"[A-Za-z0-9*?\-]"
_PARTITION: Final = r"(?:aws[a-z\-]*|[a-z\-]*[*?][a-z*?\-]*)"
_ACCOUNT: Final = r"(?:[0-9]{12}|[0-9]*[*?][0-9*?]*)"
_ROLE: Final = rf"role/(?:(?:{_NAME}+/)*{_NAME}+|{_ANY_NAME}+)"
_USER: Final = rf"user/{_ANY_NAME}+(?:/{_ANY_NAME}+)*"

APPROVER: Final = (
    rf"^arn:{_PARTITION}:(?:iam::{_ACCOUNT}:(?:{_ROLE}|{_USER})"
    rf"|sts::{_ACCOUNT}:assumed-role/{_ANY_NAME}+/{_ANY_NAME}+"
    rf"|sagemaker:{_ANY_WORD}+:{_ACCOUNT}:user-profile/{_ANY_WORD}+/{_ANY_WORD}+)$"
)
"""The forms (IAM user guide, "reference_identifiers"; SageMaker API reference, UserContext), for pydantic and
JSON Schema."""

Approver: TypeAlias = Annotated[
    str,
    Field(
        pattern=APPROVER,
        max_length=LONGEST_ARN,
        description="the ARN of an IAM user, of a role, of a role's session or of a Studio user profile",
    ),
]

_ROLE_ARN: Final = re.compile(r"(arn:[^:]+):iam::([^:]*):role/(?:.*/)?([^/]+)")
_ANYONE: Final = re.compile(r"[*?]+|arn:[*:?/]*")
_SESSIONLESS: Final = re.compile(r"arn:[^:]+:sts::[^:]*:assumed-role/[^/]+/?")
_NAME_ONLY: Final = re.compile(_NAME + "+")


def with_sessions(patterns: list[str]) -> list[str]:
    """Add to each role the sessions of that role, without duplicates and in order.

    SageMaker reports a role's user by session (`sts::…:assumed-role/<role>/<session>`), without the role's
    path. People copy the role's own ARN from its page, and mean everybody who uses the role.
    """
    expanded: list[str] = []
    for pattern in patterns:
        expanded.append(pattern)
        role = _ROLE_ARN.fullmatch(pattern)
        if role is not None:
            partition, account, name = role.groups()
            expanded.append(f"{partition}:sts::{account}:assumed-role/{name}/*")
    return list(dict.fromkeys(expanded))


def remedy(value: str) -> str:
    """Say how to correct a value that is no pattern of an approver's ARN."""
    text = value.strip()
    role = _ROLE_ARN.fullmatch(text)
    if _ANYONE.fullmatch(text):
        return ANYONE
    if _SESSIONLESS.fullmatch(text):
        return f"end it with the session, or with any: {text.rstrip('/')}/*"
    if role is not None and "/" in text.partition(":role/")[2] and {"*", "?"} & set(text):
        partition, account, name = role.groups()
        session = f"{partition}:sts::{account}:assumed-role/{name}/*"
        return f"write {session}: a role's path is not known of those who act with it"
    if "@" in text and not text.startswith("arn:"):
        return "an address is no identity: write the ARN that LastModifiedBy shows in DescribeModelPackage"
    if _NAME_ONLY.fullmatch(text):
        return f"write the whole ARN, such as arn:aws:iam::111122223333:role/{text}"
    return "write the ARN that LastModifiedBy shows in DescribeModelPackage, with * for what may differ"
