"""What becomes of a read that fails: the reader learns what is missing, and how to get it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest
from botocore.exceptions import ClientError

from greenlight.doctor.facts import Absent, Found, Unreadable
from greenlight.doctor.reading.attempts import allowing, attempt
from greenlight.errors import CommandError

if TYPE_CHECKING:
    from greenlight.doctor.facts import Reading

ARN = "arn:aws:s3:::models"


def refusing(code: str, message: str) -> NoReturn:
    raise ClientError({"Error": {"Code": code, "Message": message}}, "ListObjectsV2")


@pytest.mark.parametrize("resource", [ARN, f'"{ARN}"'])
def test_a_refusal_that_names_action_and_resource_becomes_the_statement_to_add(resource: str) -> None:
    message = (
        f"User: x is not authorized to perform: s3:ListBucket on resource: {resource} because no "
        "identity-based policy allows the s3:ListBucket action"
    )

    read: Reading[object] = attempt(lambda: refusing("AccessDenied", message))

    assert isinstance(read, Unreadable)
    assert read.statement == allowing(ARN, "s3:ListBucket")
    assert read.reason == (
        f"you may not call s3:ListBucket on {ARN}, because no identity-based policy allows the "
        "s3:ListBucket action"
    )


def test_a_refusal_without_a_resource_asks_for_any() -> None:
    message = "User: x is not authorized to perform: servicequotas:ListServiceQuotas"

    read: Reading[object] = attempt(lambda: refusing("AccessDeniedException", message))

    assert isinstance(read, Unreadable)
    assert read.statement == allowing("*", "servicequotas:ListServiceQuotas")


def test_a_refusal_that_names_nothing_has_the_statement_that_the_reader_knows() -> None:
    known = allowing(ARN, "s3:GetObject")

    read: Reading[object] = attempt(lambda: refusing("403", "Forbidden"), needs=known)

    assert isinstance(read, Unreadable)
    assert read.statement == known


def test_what_is_no_refusal_has_no_statement() -> None:
    read: Reading[object] = attempt(
        lambda: refusing("Throttling", "Rate exceeded"), needs=allowing(ARN, "s3:GetObject")
    )

    assert isinstance(read, Unreadable)
    assert read.statement is None
    assert "ask again in a minute" in read.remedy


def test_an_answer_is_found_and_none_is_absent() -> None:
    nothing: list[str] = []

    assert attempt(lambda: nothing) == Found([])
    assert attempt(lambda: None) == Absent()


def test_what_the_command_cannot_do_is_unreadable_too() -> None:
    def fail() -> NoReturn:
        raise CommandError("The bundle did not arrive.", "Its digest differs.", "Try again.")

    assert attempt(fail) == Unreadable("The bundle did not arrive. Its digest differs.", "Try again.")
