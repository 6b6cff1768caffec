"""Check `docs/fidelity.md` against the switches: every open question has its mark, probe and hedge."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from local_cloud.eventbridge.event_delivery import DeliverySwitches
from local_cloud.sagemaker.switches import Switches
from tests.iam_proof.evidence import EVIDENCE, KEYS

PAGE = (Path(__file__).parents[3] / "docs" / "fidelity.md").read_text(encoding="utf-8")
MARK = re.compile(r"(probe [012](, [12])?|passive)")


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([a-z_]+)`", cell)


SETTLED_BY_PROBES = rows("What a probe on a real account has to settle")


def test_every_switch_has_its_mark_its_probe_and_its_hedge() -> None:
    told = [name for row in SETTLED_BY_PROBES for name in names(row[1])]

    assert {each.name for each in fields(Switches)} == set(told)
    assert len(told) == len(set(told))


def test_every_row_has_a_mark_a_probe_and_a_hedge() -> None:
    assert SETTLED_BY_PROBES
    for row in SETTLED_BY_PROBES:
        mark, _, probe, meanwhile = row
        assert MARK.fullmatch(mark), row
        assert probe, row
        assert meanwhile, row


def test_how_events_are_delivered_is_documented_and_needs_no_probe() -> None:
    told = {name for row in SETTLED_BY_PROBES for name in names(row[1])}

    assert not told & {each.name for each in fields(DeliverySwitches)}
    assert '"best effort"; "may send multiple events"' in PAGE


def test_what_is_open_about_permissions_is_as_many_rows() -> None:
    """Each question about the evidence of permissions has a row that says what settles it."""
    asked = {each.open.question for each in (*EVIDENCE, *KEYS) if each.open is not None}
    about = {
        "RegisterScalableTarget": "tried_endpoint",
        "DescribeAlarms": "described_alarms",
        "PutMetricAlarm that changes": "tags_of_alarm_changes",
        "tags of an alarm that was just made": "How soon IAM knows",
        "Are the request's tags": "Tags of the config",
        "CreateModel authorised": "package_authorization",
        "PutModelPackageGroupPolicy": "conditions in a group's policy",
        "GetParametersByPath": "The last slash",
        "SageMaker say for whose account": "aws:SourceAccount",
    }

    for question in asked:
        [row] = [row for words, row in about.items() if words in question]
        assert any(row in each[1] for each in SETTLED_BY_PROBES), question
