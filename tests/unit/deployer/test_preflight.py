"""Before anybody approves a version, its entry in the registry tells what would keep it from serving."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from deployer.decisions.preflight import OK, Obstacle, awaits_approval, is_due, obstacle, words
from deployer.decisions.version_metadata import of_preflight, that_fit
from deployer.model.identity import Identity
from deployer.model.model_version import ModelVersion
from deployer.model.stack_identity import StackIdentity
from tests.unit.deployer.builders import ROLE_ARN, settings

ARTIFACT = "s3://churn-artifacts/7/model.tar.gz"
ANN = Identity(iam_arn="arn:aws:iam::111122223333:user/ann")
STACK = StackIdentity(ROLE_ARN, "Greenlight", "deployer", ("churn-artifacts", "others"))
OWN_ROLE = {"CreateModel": {"ExecutionRoleArn": "arn:aws:iam::111122223333:role/theirs", "Containers": [{}]}}
CANNOT_READ = Obstacle(
    f"The models' role may not read {ARTIFACT}.",
    "Add its bucket to model_buckets in cdk.json, and deploy the stack.",
)
HUB = {"ModelDataSource": {"S3DataSource": {"S3Uri": ARTIFACT, "HubAccessConfig": {"HubContentArn": "a"}}}}


def version(containers: list[dict[str, Any]] | None = None) -> ModelVersion:
    at = datetime(2026, 5, 4, 8, tzinfo=UTC)
    return ModelVersion(
        arn="arn:aws:sagemaker:eu-central-1:111122223333:model-package/churn-models/7",
        group_name="churn-models",
        version=7,
        status="Completed",
        approval_status="PendingManualApproval",
        registered_by=ANN,
        last_modified_by=ANN,
        last_modified_time=at,
        creation_time=at,
        containers={None: containers if containers is not None else [{"ModelDataUrl": ARTIFACT}]},
    )


def test_only_a_complete_version_without_a_decision_is_checked() -> None:
    assert awaits_approval(version())
    for status in ("InProgress", "Failed"):
        assert not awaits_approval(replace(version(), status=status))
    for decision in ("Approved", "Rejected"):
        assert not awaits_approval(replace(version(), approval_status=decision))


@pytest.mark.parametrize(
    ("found", "under", "buckets", "expected"),
    [
        (version(), {}, ("others", "churn-artifacts"), None),
        (version(), {}, ("churn-artifacts-2",), CANNOT_READ),
        (version(), {}, None, None),
        (version(), OWN_ROLE, ("others",), None),
        (version(), {"StageName": "production"}, ("others",), None),
        (version([HUB]), {}, ("others",), None),
        (version([HUB, {"ModelDataUrl": ARTIFACT}]), {}, ("others",), CANNOT_READ),
        (version([{}]), {}, ("others",), None),
    ],
    ids=["may", "may not", "given role", "own role", "stage", "hub", "hub and bucket", "no artifact"],
)
def test_the_stacks_role_for_models_reads_its_buckets_alone(
    found: ModelVersion,
    under: dict[str, Any],
    buckets: tuple[str, ...] | None,
    expected: Obstacle | None,
) -> None:
    assert obstacle(found, settings(**under), replace(STACK, model_buckets=buckets)) == expected


def test_an_artifact_outside_of_s3_is_told() -> None:
    found = obstacle(version([{"ModelDataUrl": "https://example.com/m.tar.gz"}]), settings(), STACK)

    assert found is not None
    assert found.reason.startswith("https://example.com/m.tar.gz names no object in S3.")
    assert not found.reason.endswith("..")


def test_a_version_without_the_inference_specification_is_told() -> None:
    named = {"CreateModel": {"Containers": [{"InferenceSpecificationName": "gpu"}]}}

    [missing, none] = [
        obstacle(version(), settings(**named), STACK),
        obstacle(replace(version(), containers={}), settings(), STACK),
    ]

    assert missing is not None
    assert missing.reason == "It has no inference specification gpu."
    assert none is not None
    assert none.reason == "It has no inference specification."


def test_an_instance_type_that_the_version_does_not_list_is_told() -> None:
    listed = replace(version(), instance_types={None: ("ml.g5.xlarge",)})

    found = obstacle(listed, settings(), STACK)

    assert found is not None
    assert found.reason.startswith("It supports ml.g5.xlarge (SupportedRealtimeInferenceInstanceTypes)")
    assert "supported_instance_types: any" in found.remedy
    assert obstacle(listed, settings(SupportedInstanceTypes="any"), STACK) is None


def test_the_words_name_endpoints_only_if_not_all_are_concerned() -> None:
    other = Obstacle("It is too big.", "Make it smaller.")

    assert words({"a": None, "b": None}) == OK
    assert words({"a": CANNOT_READ}) == f"would fail: {CANNOT_READ.reason} {CANNOT_READ.remedy}"
    assert words({"b": other, "a": other}) == "would fail: It is too big. Make it smaller."
    assert words({"b": other, "a": other, "c": None}) == (
        "would fail on a, b: It is too big. Make it smaller."
    )
    assert words({"b": other, "a": CANNOT_READ}) == (
        f"would fail on a: {CANNOT_READ.reason} {CANNOT_READ.remedy} on b: It is too big. Make it smaller."
    )


def test_the_registry_takes_the_words() -> None:
    [told] = of_preflight(words({"churn": CANNOT_READ})).values()

    assert told == (
        f"would fail: The models role may not read {ARTIFACT}. "
        "Add its bucket to model_buckets in cdk.json and deploy the stack."
    )


def test_room_is_left_on_a_version_with_many_properties() -> None:
    told = of_preflight(OK)

    assert that_fit(told, {str(each): "" for each in range(41)}) == told
    assert that_fit(told, {str(each): "" for each in range(42)}) == {}
    assert that_fit(told, {**{str(each): "" for each in range(49)}, **of_preflight("x")}) == told


@pytest.mark.parametrize(
    ("told", "shown", "expected"),
    [
        (OK, None, (True, False)),
        (OK, OK, (False, False)),
        (OK, "would fail", (True, True)),
        ("would fail", None, (True, True)),
        ("would fail", "would fail", (False, False)),
    ],
)
def test_good_news_alone_is_not_shown_where_it_counts_who_approved(
    told: str, shown: str | None, expected: tuple[bool, bool]
) -> None:
    """The write might come in between an approval and its event's read, and hide who approved."""
    anybody = settings()
    by_approvers = settings(ApprovalPolicy={"Approvers": ["a"]})
    shadowed = settings(Shadow={"FourEyes": True})

    assert is_due(told, shown, [anybody]) is expected[0]
    assert is_due(told, shown, [anybody, by_approvers]) is expected[1]
    assert is_due(told, shown, [shadowed]) is expected[1]
