"""Holds every synthesised permission against the evidence that AWS accepts it as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from iam_evaluator.policies import parse_policy
from tests.iam_proof.evidence import EVIDENCE, KEYS, SERVICES
from tests.iam_proof.page import RECORD, evidence_on
from tests.iam_proof.verdicts import Judgement, covers, judge, verdicts
from tests.infra.roles import Subject

if TYPE_CHECKING:
    from tests.iam_proof.verdicts import Verdict
    from tests.infra.roles import Deployed

DEPLOYER = Subject("one account", "DeployerRole")
MODELS = Subject("one account", "ModelExecutionRole")
SAGEMAKER = "arn:aws:sagemaker:eu-west-1:111122223333"
ALARM = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm"
RESCALING = "sagemaker:UpdateEndpointWeightsAndCapacities"
OWNED = {"StringEquals": {"aws:ResourceTag/greenlight:stack": "Greenlight"}}


@pytest.fixture(scope="session")
def judgement(every_stack: list[Deployed]) -> Judgement:
    return judge(every_stack)


@pytest.fixture(scope="session")
def every_verdict(judgement: Judgement) -> tuple[Verdict, ...]:
    return judgement.verdicts


def test_the_record_has_the_evidence_of_each_of_its_statements(judgement: Judgement) -> None:
    record = RECORD.read_text(encoding="utf-8")
    column, recorded = judgement.column(), evidence_on(record)

    assert recorded == {each: column[each] for each in recorded}, "run `make iam-proof`"
    for number, source in enumerate(judgement.sources, start=1):
        assert f"\n{number}. {source}\n" in record
    for question in judgement.questions:
        assert f"| {question.question} | {question.hedge} |" in record


def test_no_permission_is_without_evidence(every_verdict: tuple[Verdict, ...]) -> None:
    found = [f"{each.subject}: {each.sid}: {each.without}" for each in every_verdict if each.without]

    assert not found, "\n".join(found)


def test_no_permission_is_narrower_than_its_evidence(every_verdict: tuple[Verdict, ...]) -> None:
    found = [f"{each.subject}: {each.sid}: {each.narrower}" for each in every_verdict if each.narrower]

    assert not found, "\n".join(found)


def test_every_statement_has_a_source(every_verdict: tuple[Verdict, ...]) -> None:
    assert all(each.sources for each in every_verdict if not each.without and not each.narrower)


def test_all_evidence_is_about_something(every_verdict: tuple[Verdict, ...]) -> None:
    told = {source for each in every_verdict for source in each.sources}

    assert {str(each.source) for each in (*EVIDENCE, *KEYS, *SERVICES)} <= told


def test_what_nobody_could_establish_is_listed_with_its_hedge(every_verdict: tuple[Verdict, ...]) -> None:
    listed = {question for each in every_verdict for question in each.open}

    assert listed == {each.open for each in (*EVIDENCE, *KEYS) if each.open is not None}
    assert all(each.question.endswith("?") and each.hedge for each in listed)


def test_what_is_wrong_is_told_with_its_statement() -> None:
    narrow = judged("cloudwatch:PutMetricAlarm", f"{ALARM}:TargetTracking-endpoint/*")
    unknown = judged("sagemaker:ApproveEverything", "*")

    defects = Judgement((narrow, unknown)).defects

    assert [each.split(" one account: DeployerRole: One: ")[0] for each in defects] == [
        "NARROWER THAN EVIDENCE",
        "WITHOUT EVIDENCE",
    ]
    assert Judgement(()).defects == []


def judged(
    action: str | list[str], resource: str | list[str], subject: Subject = DEPLOYER, **elements: Any
) -> Verdict:
    statement = {"Sid": "One", "Effect": "Allow", "Action": action, "Resource": resource, **elements}
    [verdict] = verdicts(subject, [parse_policy({"Version": "2012-10-17", "Statement": statement})])
    return verdict


@pytest.mark.parametrize(
    "verdict",
    [
        judged("cloudwatch:PutMetricAlarm", f"{ALARM}:TargetTracking-endpoint/*"),
        judged("cloudwatch:DeleteAlarms", f"{ALARM}:TargetTracking-endpoint/*"),
        judged("cloudwatch:DescribeAlarms", f"{ALARM}:TargetTracking-endpoint/*"),
        judged(RESCALING, f"{SAGEMAKER}:endpoint/*", Sid="ScaleEndpoints", Condition=OWNED),
        judged(RESCALING, f"{SAGEMAKER}:endpoint/churn", Sid="ScaleEndpoints"),
        judged("sagemaker:DescribeEndpointConfig", f"{SAGEMAKER}:endpoint-config/*", Condition=OWNED),
        judged("cloudwatch:DescribeAlarms", [f"{ALARM}:Greenlight-*", f"{ALARM}:theirs"]),
        judged(
            "sagemaker:CreateEndpoint",
            [f"{SAGEMAKER}:endpoint/*", f"{SAGEMAKER}:endpoint-config/*"],
            Condition={"StringEquals": {"aws:RequestTag/greenlight:stack": "Greenlight"}},
        ),
        judged("sagemaker:UpdateEndpoint", f"{SAGEMAKER}:endpoint-config/*", Condition=OWNED),
        judged("ec2:CreateNetworkInterface", "arn:aws:ec2:eu-west-1:111122223333:subnet/subnet-1", MODELS),
        judged("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/*", MODELS),
        judged(
            "kms:Decrypt",
            "arn:aws:kms:eu-west-1:*:key/*",
            Condition={"StringEquals": {"kms:ViaService": "sagemakr.eu-west-1.amazonaws.com"}},
        ),
    ],
)
def test_what_is_narrower_than_its_evidence_is_reported(verdict: Verdict) -> None:
    assert verdict.narrower
    assert not verdict.without


@pytest.mark.parametrize(
    "verdict",
    [
        judged("sagemaker:ApproveEverything", "*"),
        judged("sagemaker:ListEndpoints", f"{SAGEMAKER}:endpoint/*"),
        judged("sqs:SendMessage", "*", Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}}),
        judged("sns:Publish", "*", Principal={"Service": "lambda.amazonaws.com"}),
        judged(
            "sqs:SendMessage",
            "*",
            Principal={"Service": "events.amazonaws.com"},
            Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}},
        ),
    ],
)
def test_what_has_no_evidence_is_reported(verdict: Verdict) -> None:
    assert verdict.without


@pytest.mark.parametrize(
    "verdict",
    [
        judged("cloudwatch:PutMetricAlarm", f"{ALARM}:*"),
        judged("cloudwatch:PutMetricAlarm", "*"),
        judged("cloudwatch:SetAlarmState", f"{ALARM}:Greenlight.*.abort"),
        judged("sagemaker:UpdateEndpoint", f"{SAGEMAKER}:endpoint/*", Condition=OWNED),
        judged("sagemaker:UpdateEndpoint", f"{SAGEMAKER}:endpoint-config/*"),
        judged(
            "sagemaker:UpdateEndpoint",
            f"{SAGEMAKER}:endpoint-config/*",
            Condition={"StringEqualsIfExists": {"aws:ResourceTag/greenlight:stack": "Greenlight"}},
        ),
        judged("ec2:CreateNetworkInterface", "arn:aws:ec2:eu-west-1:*:subnet/subnet-1", MODELS),
        judged("kms:Decrypt", "arn:aws:kms:eu-west-1:*:key/*", MODELS),
        judged("kms:Decrypt", "arn:aws:kms:eu-west-1:111122223333:key/1234-5678", MODELS),
    ],
)
def test_what_is_as_wide_as_its_evidence_passes(verdict: Verdict) -> None:
    assert not verdict.without
    assert not verdict.narrower
    assert verdict.sources


@pytest.mark.parametrize(
    ("resource", "form", "enough"),
    [
        ("arn:aws:s3:::models/a", "arn:{partition}:s3:::{object}", True),
        ("arn:aws:s3:::models/a", "arn:{partition}:s3:::*", False),
        ("arn:aws:s3:::*", "arn:{partition}:s3:::*", True),
        ("arn:aws:s3:::m*", "arn:{partition}:s3:::*", False),
        ("arn:aws:s3:::??", "arn:{partition}:s3:::*", True),
        ("*", "arn:{partition}:s3:::*", True),
        ("arn:aws:kms:eu-west-1:1:key/a", "arn:{partition}:kms:{region}:{account}:key/<key>", True),
        ("arn:aws:kms:eu-west-1:1:key/a*", "arn:{partition}:kms:{region}:{account}:key/<key>", False),
    ],
)
def test_only_a_wildcard_covers_a_forms_wildcard(resource: str, form: str, *, enough: bool) -> None:
    assert covers(resource, form) is enough
