from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ops.findings import Finding, Status
from ops.report import as_json, as_text, exit_code

OK = Finding("role", Status.OK, "the role x")
MISSING = Finding(
    "policy",
    Status.MISSING,
    "the bucket models",
    "not allowed",
    "It fails.",
    "There.",
    {"Sid": "GreenlightGet"},
    "aws s3api put-bucket-policy",
)
UNKNOWN = Finding("quota", Status.UNKNOWN, "the quota", "AccessDenied", "It fails.", "Here.")


@pytest.mark.parametrize(
    ("findings", "code"),
    [([OK], 0), ([OK, UNKNOWN], 3), ([MISSING, UNKNOWN], 1), ([MISSING], 1), ([], 0)],
)
def test_the_exit_code_tells_gaps_from_what_is_not_known(findings: list[Finding], code: int) -> None:
    assert exit_code(findings) == code


def test_people_read_what_is_missing_why_where_and_what_to_add() -> None:
    assert as_text("staging", {"churn": [OK, MISSING, UNKNOWN]}).splitlines() == [
        "Stage staging, group churn",
        "  ok      role        the role x",
        "",
        "  missing policy      the bucket models",
        "          found  not allowed",
        "          why    It fails.",
        "          where  There.",
        "          add",
        "          {",
        '            "Sid": "GreenlightGet"',
        "          }",
        "          run    aws s3api put-bucket-policy",
        "",
        "  unknown quota       the quota",
        "          found  AccessDenied",
        "          why    It fails.",
        "          where  Here.",
        "",
        "  1 in order, 1 missing, 1 that could not be checked",
    ]


def test_machines_read_the_same() -> None:
    shown = json.loads(as_json("staging", {"churn": [OK, MISSING]}))

    assert shown["stage"] == "staging"
    assert [each["status"] for each in shown["groups"]["churn"]] == ["ok", "missing"]
    assert shown["groups"]["churn"][1]["statement"] == {"Sid": "GreenlightGet"}
    assert shown["groups"]["churn"][1]["command"] == "aws s3api put-bucket-policy"


def test_an_event_pattern_is_shown_as_one() -> None:
    finding = replace(MISSING, statement={"source": ["aws.sagemaker"]})

    lines = as_text("staging", {"churn": [finding]}).splitlines()

    assert "          pattern" in lines
    assert "          add" not in lines
