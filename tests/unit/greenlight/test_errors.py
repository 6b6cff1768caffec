"""Every error is three lines, names a next step, and has an exit code of its own kind."""

from __future__ import annotations

import io

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from greenlight.application import run
from greenlight.connection import read_stack
from greenlight.errors import Addressee, CommandError, ExitCode, refused, unreached
from greenlight.output import tell_error
from tests.unit.greenlight.schemas import mistakes

WHOM = Addressee("work", "eu-central-1", "Greenlight")

REFUSALS = {
    "ExpiredToken": ("expired", "aws sso login --profile work"),
    "UnrecognizedClientException": ("does not accept your credentials", "get-caller-identity --profile work"),
    "AccessDeniedException": ("You may not call Query", "ViewerPolicyArn"),
    "ThrottlingException": ("throttles Query", "in a minute"),
    "InternalServerError": ("refuses Query", "Try again"),
}
HINDRANCES: dict[str, tuple[BotoCoreError, str, str]] = {
    "credentials": (NoCredentialsError(), "There are no AWS credentials", "--profile"),
    "profile": (ProfileNotFound(profile="work"), "no AWS profile work", "list-profiles"),
    "region": (NoRegionError(), "No usable AWS region", "--region"),
    "sso": (UnauthorizedSSOTokenError(), "sign-in to AWS has ended", "aws sso login --profile work"),
    "network": (EndpointConnectionError(endpoint_url="https://x"), "cannot be reached", "AWS_ENDPOINT_URL"),
}


def said(error: CommandError, *, as_json: bool = False) -> str:
    file = io.StringIO()
    tell_error(error, as_json=as_json, file=file)
    return file.getvalue()


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_says_what_aws_refuses_and_what_to_do(code: str) -> None:
    fact, step = REFUSALS[code]

    error = refused(ClientError({"Error": {"Code": code, "Message": "No."}}, "Query"), WHOM)

    assert fact in error.fact
    assert step in error.next_step
    assert error.cause == f"AWS answers {code}: No."
    assert error.code is ExitCode.AWS


@pytest.mark.parametrize("name", HINDRANCES)
def test_a_call_that_does_not_reach_aws_says_why(name: str) -> None:
    raised, fact, step = HINDRANCES[name]

    error = unreached(raised, WHOM)

    assert fact in error.fact
    assert step in error.next_step
    assert error.code is ExitCode.AWS


def test_an_error_has_three_lines_however_long_they_are() -> None:
    lines = said(CommandError("A fact.", "A cause. " * 40, "A step.")).splitlines()

    assert [line[:8] for line in lines] == ["✗ A fact", "  Why   ", "  Next  "]


def test_an_error_as_json_fits_its_schema() -> None:
    assert mistakes(CommandError("A fact.", "A cause.", "A step.").document(), "error") == []


STACK = {
    "StackId": "arn:aws:cloudformation:eu-central-1:111122223333:stack/Greenlight/1",
    "StackStatus": "UPDATE_COMPLETE",
}


@pytest.mark.parametrize(
    ("described", "fact", "step"),
    [
        (None, "There is no stack Greenlight in eu-central-1.", "npx cdk deploy --all"),
        ({**STACK, "StackStatus": "REVIEW_IN_PROGRESS"}, "There is no stack", "npx cdk deploy --all"),
        (STACK, "is not Greenlight's", "--stack"),
        (
            {**STACK, "Outputs": [{"OutputKey": "JournalTableName", "OutputValue": "table"}]},
            "is older than this command",
            "Deploy the stack again",
        ),
    ],
    ids=["missing", "never deployed", "another's", "older"],
)
def test_a_stack_that_cannot_be_asked_is_explained(described: dict[str, str], fact: str, step: str) -> None:
    with pytest.raises(CommandError) as raised:
        read_stack(described, WHOM)

    assert fact in raised.value.fact
    assert step in raised.value.next_step


@pytest.mark.parametrize("words", [["versoin"], ["version", "--stak", "x"], ["version", "more"]])
def test_wrong_words_are_three_lines_on_standard_error(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(words)

    told = capsys.readouterr()
    assert (code, told.out, len(told.err.splitlines())) == (ExitCode.USAGE, "", 3)
    assert "--help" in told.err
