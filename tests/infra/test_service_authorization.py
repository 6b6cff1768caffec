"""Holds every synthesised policy to AWS's service authorization reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from iam_evaluator.policies import Policy, parse_policy
from tests.iam_proof.reference import BEYOND, actions_named, mismatches, ungranted

if TYPE_CHECKING:
    from iam_evaluator.policies import Statement
    from tests.infra.roles import Deployed

ENDPOINT = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/*"


def test_every_policy_keeps_to_the_grammar_of_its_type(every_stack: list[Deployed]) -> None:
    """Reading them as policies of their type is the check; here are all of the types that AWS keeps."""
    held = [statement for stack in every_stack for each in stack.subjects().values() for statement in each]

    assert len(held) > 100


def test_actions_resources_and_condition_keys_of_every_policy_go_together(
    every_stack: list[Deployed],
) -> None:
    found = [
        f"{subject}: {statement.sid or '-'}: {mismatch}"
        for stack in every_stack
        for subject, policies in stack.subjects().items()
        for policy in policies
        for statement in policy.statements
        for mismatch in mismatches(statement)
    ]

    assert not found, "\n".join(found)


def test_every_role_is_granted_each_resource_that_its_actions_are_authorised_on(
    every_stack: list[Deployed],
) -> None:
    found = [
        f"{subject}: {missing}"
        for stack in every_stack
        for subject, policies in stack.subjects().items()
        if all(each.principals is None for policy in policies for each in policy.statements)
        for missing in ungranted(policies)
    ]

    assert not found, "\n".join(found)


def test_what_the_reference_lacks_is_needed_and_has_its_source(every_stack: list[Deployed]) -> None:
    used = {
        action
        for stack in every_stack
        for policies in stack.subjects().values()
        for policy in policies
        for statement in policy.statements
        for action in statement.actions or ()
    }

    for each in BEYOND:
        assert each.action in used
        assert each.source
        [action] = actions_named(each.action)
        in_reference = [kind for kind in action.resource_types if kind.name != each.resource]
        assert not any(kind.may_be(each.resource) for kind in in_reference), "the reference has it by now"


def statement(action: str | list[str], resource: str | list[str] = "*", **elements: Any) -> Statement:
    document = {"Effect": "Allow", "Action": action, "Resource": resource, **elements}
    return parse_policy({"Version": "2012-10-17", "Statement": document}).statements[0]


def when(operator: str, key: str) -> dict[str, Any]:
    return {"Condition": {operator: {key: "value"}}}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (statement("sagemaker:ApproveModel"), "sagemaker:ApproveModel is no action"),
        (statement("sagemakers:CreateModel"), "sagemakers:CreateModel is no action"),
        (statement("sagemaker:Approve*"), "sagemaker:Approve* is no action"),
        (statement("sagemaker:ListEndpoints", ENDPOINT), "knows no resource: it needs *"),
        (statement("sagemaker:DescribeModel", ENDPOINT), "sagemaker:DescribeModel is authorised on"),
        (statement("s3:GetObject", "arn:aws:s3:::models"), "s3:GetObject is authorised on"),
        (statement("s3:ListBucket", "arn:aws:s3:::models/*"), "s3:ListBucket is authorised on"),
        (
            statement("sagemaker:DescribeEndpoint", [ENDPOINT, "arn:aws:s3:::models/*"]),
            "arn:aws:s3:::models/* is of no type that sagemaker:DescribeEndpoint knows",
        ),
        (
            statement("sagemaker:DescribeEndpoint", ENDPOINT, **when("StringEquals", "aws:RequestTag/owner")),
            "has no condition key aws:RequestTag/owner",
        ),
        (
            statement("kms:Decrypt", "*", **when("StringEquals", "kms:ViaServices")),
            "has no condition key kms:ViaServices",
        ),
        (
            statement(["sqs:SendMessage", "sns:Publish"], **when("StringEquals", "sns:Protocol")),
            "sqs:SendMessage has no condition key sns:Protocol",
        ),
    ],
)
def test_what_does_not_go_together_is_told(wrong: Statement, told: str) -> None:
    assert told in "\n".join(mismatches(wrong))


@pytest.mark.parametrize(
    "right",
    [
        statement("sagemaker:CreateEndpoint", ENDPOINT, **when("StringEquals", "aws:RequestTag/owner")),
        statement("sagemaker:DeleteEndpoint", ENDPOINT, **when("StringEquals", "aws:ResourceTag/owner")),
        # A condition that holds without the key keeps nobody out.
        statement("sagemaker:DescribeEndpoint", ENDPOINT, **when("StringEqualsIfExists", "aws:RequestTag/a")),
        statement("kms:Decrypt", "*", **when("StringLike", "kms:EncryptionContext:aws:s3:arn")),
        statement("s3:ListBucket", "arn:aws:s3:::models", **when("StringLike", "s3:prefix")),
        statement("cloudwatch:Describe*"),
        statement("SageMaker:describemodel", "arn:aws:sagemaker:*:*:model/*"),
    ],
)
def test_what_goes_together_is_let_through(right: Statement) -> None:
    assert not list(mismatches(right))


def test_an_action_that_needs_two_resources_is_missed_one() -> None:
    [missing] = ungranted([Policy((statement("sagemaker:UpdateEndpoint", ENDPOINT),))])

    assert missing.startswith("sagemaker:UpdateEndpoint is authorised on a endpoint-config")
