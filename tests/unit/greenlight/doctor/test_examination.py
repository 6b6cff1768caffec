"""What people and programs read of an examination."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from greenlight.doctor.examination import Examination, Kind, Part, document
from greenlight.doctor.findings import Finding, Status
from greenlight.doctor.view import examination_view
from greenlight.errors import ExitCode
from greenlight.output import Symbols
from tests.unit.greenlight import snapshots
from tests.unit.greenlight.schemas import mistakes

OK: Final = Finding("role", Status.OK, "the role x")
GAP: Final = Finding(
    "policy",
    Status.GAP,
    "the bucket models in account 111122223333",
    "s3:GetObject is not allowed",
    "SageMaker cannot fetch the artifact: CreateModel fails.",
    "In account 111122223333: deploy the stack Greenlight-Registry.",
    {"Sid": "GreenlightGet"},
    "aws s3api put-bucket-policy --bucket models --policy a-policy-that-is-longer-than-a-narrow-terminal",
)
UNKNOWN: Final = Finding("quota", Status.UNKNOWN, "the quota", "AccessDenied", "It fails.", "Here.")
NOTE: Final = Finding(
    "topic", Status.NOTE, "the topic", "nobody is subscribed", "Nobody hears.", "Subscribe."
)


def examined(*findings: Finding) -> Examination:
    return Examination(
        "Greenlight", "111122223333", "eu-central-1", (Part(Kind.GROUP, "churn", tuple(findings)),)
    )


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([OK], ExitCode.FINE),
        ([OK, NOTE], ExitCode.FINE),
        ([OK, UNKNOWN], ExitCode.AWS),
        ([GAP, UNKNOWN], ExitCode.BAD_NEWS),
        ([GAP], ExitCode.BAD_NEWS),
        ([], ExitCode.FINE),
    ],
)
def test_the_exit_code_tells_gaps_from_what_is_not_known(findings: list[Finding], code: ExitCode) -> None:
    assert examined(*findings).exit_code is code


def test_people_read_what_is_missing_why_where_and_what_to_add() -> None:
    installation = Part(Kind.INSTALLATION, "Greenlight", (OK, NOTE))
    found = examined(OK, OK, replace(OK, check="image"), UNKNOWN, GAP)
    view = examination_view(replace(found, parts=(installation, *found.parts)), Symbols())

    for width in (60, 100):
        snapshots.check("doctor", view, width)


def test_what_is_to_be_copied_stays_on_one_line() -> None:
    shown = snapshots.rendered(examination_view(examined(GAP), Symbols()), 40)

    assert f"      {GAP.command}" in shown.splitlines()


@pytest.mark.parametrize(
    ("findings", "last"),
    [
        ([OK], "✓ 1 in order"),
        ([OK, NOTE], "✓ 1 in order, 1 to know"),
        ([OK, UNKNOWN], "? 1 in order, 1 not checked"),
        ([GAP, UNKNOWN], "✗ 0 in order, 1 missing, 1 not checked"),
    ],
)
def test_it_ends_with_how_many_of_each_there_are(findings: list[Finding], last: str) -> None:
    shown = snapshots.rendered(examination_view(examined(*findings), Symbols()), 80)

    assert shown.splitlines()[-1] == last


def test_machines_read_the_same() -> None:
    shown = document(examined(OK, GAP, UNKNOWN, NOTE))

    assert mistakes(shown, "doctor") == []
    [part] = shown["parts"]
    assert [each["status"] for each in part["findings"]] == ["ok", "gap", "unknown", "note"]
    assert part["findings"][1]["statement"] == {"Sid": "GreenlightGet"}
    assert part["findings"][1]["command"] == GAP.command
    assert shown["counts"] == {"ok": 1, "gap": 1, "unknown": 1, "note": 1}


def test_an_event_pattern_is_shown_as_one() -> None:
    finding = replace(GAP, statement={"source": ["aws.sagemaker"]})

    lines = snapshots.rendered(examination_view(examined(finding), Symbols()), 80).splitlines()

    assert "    pattern" in lines
    assert "    add" not in lines
