"""Requests that a caller of the editor could try, and that the editor refuses."""

from __future__ import annotations

from typing import Any

import pytest

from registry_access.admission import InadmissibleStatementError, check
from registry_access.environment import Environment

OWNER = "Greenlight0123456789"
STAGE = "444455556666"
ROLE = f"arn:aws:iam::{STAGE}:role/models"
ROOT = f"arn:aws:iam::{STAGE}:root"


def reading(**changes: Any) -> dict[str, Any]:
    statement = {
        "Sid": f"{OWNER}Get",
        "Effect": "Allow",
        "Principal": {"AWS": ROOT},
        "Action": ["s3:GetObject"],
        "Resource": ["arn:aws:s3:::models/*"],
        "Condition": {"ArnLike": {"aws:PrincipalArn": [ROLE]}},
    }
    return {name: value for name, value in {**statement, **changes}.items() if value is not None}


def writing(**changes: Any) -> dict[str, Any]:
    unapproved = {"Null": {"sagemaker:ModelApprovalStatus": "true"}}
    conditions = {"ArnLike": {"aws:PrincipalArn": [ROLE]}, **unapproved}
    return reading(**{"Action": ["sagemaker:UpdateModelPackage"], "Condition": conditions, **changes})


def granting(**changes: Any) -> dict[str, Any]:
    return reading(**{"Principal": {"AWS": ROLE}, "Action": ["kms:Decrypt"], "Condition": None, **changes})


def admit(kind: Any, statement: dict[str, Any]) -> None:
    check(kind, [statement], OWNER, {STAGE})


def test_what_stages_ask_for_is_admitted() -> None:
    admit("bucket", reading())
    admit("bucket", reading(Resource=None))
    admit("group", writing())
    admit("key", reading(Action=["kms:Decrypt"]))
    admit("key-grants", granting())


ROLES = {"ArnLike": {"aws:PrincipalArn": [ROLE]}}


@pytest.mark.parametrize(
    ("kind", "statement", "words"),
    [
        ("bucket", reading(Sid="DenyInsecure"), "its Sid does not begin with"),
        ("bucket", reading(Sid=None), "its Sid does not begin with"),
        ("bucket", reading(Effect="Deny"), "its Effect is not Allow"),
        ("bucket", reading(NotAction=["s3:GetObject"]), "it has NotAction"),
        ("bucket", reading(NotPrincipal={"AWS": ROOT}), "it has NotPrincipal"),
        ("bucket", reading(Action=["s3:*"]), "its actions are not of s3:GetObject, s3:ListBucket"),
        ("bucket", reading(Action="s3:GetObject"), "its actions are not of"),
        ("bucket", reading(Action=[]), "its actions are not of"),
        ("key", reading(Action=["kms:Decrypt", "kms:PutKeyPolicy"]), "its actions are not of kms:Decrypt"),
        ("bucket", reading(Principal="*"), "its principal is no root of a stage's account"),
        ("bucket", reading(Principal={"AWS": "*"}), "its principal is no root"),
        ("bucket", reading(Principal={"AWS": ROOT, "Federated": "x"}), "its principal is no root"),
        ("bucket", reading(Principal={"AWS": [ROOT]}), "its principal is no root"),
        ("bucket", reading(Principal={"AWS": "arn:aws:iam::999999999999:root"}), "its principal is no root"),
        ("bucket", reading(Action=[["s3:GetObject"]]), "its actions are not of"),
        ("bucket", reading(Condition=None), "no condition names roles"),
        ("bucket", reading(Condition=["ArnLike"]), "no condition names roles"),
        ("bucket", reading(Condition={"ArnLike": "aws:PrincipalArn"}), "no condition names roles"),
        ("bucket", reading(Condition={"ArnLike": {"aws:PrincipalArn": []}}), "no condition names roles"),
        ("bucket", reading(Condition={"ArnLike": {"aws:PrincipalArn": ["*"]}}), "names others than roles"),
        (
            "bucket",
            reading(Condition={"ArnLike": {"aws:PrincipalArn": [ROLE, "arn:aws:iam::999999999999:role/a"]}}),
            "names others than roles of account 444455556666",
        ),
        ("group", writing(Condition=ROLES), "keep the approval status from being written"),
        (
            "group",
            writing(Condition={**ROLES, "Null": {"sagemaker:ModelApprovalStatus": "false"}}),
            "keep the approval status from being written",
        ),
        (
            "group",
            writing(Action=["sagemaker:CreateModel", "sagemaker:UpdateModelPackage"]),
            "keep the approval status from being written",
        ),
        ("key-grants", granting(Principal={"AWS": ROOT}), "its principal is no role"),
        ("key-grants", granting(Principal={"AWS": "arn:aws:iam::999999999999:role/a"}), "is no role"),
        ("key-grants", granting(Action=["kms:CreateGrant"]), "its actions are not of"),
    ],
)
def test_whatever_else_somebody_asks_for_is_refused(kind: str, statement: dict[str, Any], words: str) -> None:
    with pytest.raises(InadmissibleStatementError, match=words):
        admit(kind, statement)


def test_the_environment_says_whose_statements_they_are_and_for_whom() -> None:
    found = Environment.read({"OWNER": OWNER, "STAGE_ACCOUNTS": f"{STAGE},111122223333"})

    assert found == Environment(OWNER, frozenset({STAGE, "111122223333"}))


@pytest.mark.parametrize("missing", ["OWNER", "STAGE_ACCOUNTS"])
def test_an_environment_without_one_of_them_is_refused(missing: str) -> None:
    variables = {"OWNER": OWNER, "STAGE_ACCOUNTS": STAGE, missing: ""}

    with pytest.raises(ValueError, match=f"has no {missing}"):
        Environment.read(variables)
