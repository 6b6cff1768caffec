"""Where models read and write, and what their role needs for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.permissions.s3_grants import Surroundings, keys_of_buckets, on_model_objects
from infra.permissions.spreading import spread
from infra.settings.model_objects import ModelObjects
from tests.infra.settings.builders import VALID, load

if TYPE_CHECKING:
    from pathlib import Path

HERE = Surroundings("aws", "eu-central-1", "amazonaws.com")
ANSWERS = "output_path: 's3://answers/churn/'"


def granted(directory: Path, text: str) -> dict[str, list[str]]:
    """Return the resources of each statement, by Sid, for one endpoint."""
    specs, problems = load(directory, churn=VALID + text)
    assert problems == []
    return {each.sid: list(each.resources) for each in on_model_objects(ModelObjects.of(specs), HERE)}


def test_requests_are_read_from_the_bucket_of_the_answers_if_nothing_else_is_said(tmp_path: Path) -> None:
    found = granted(tmp_path, f"asynchronous: {{{ANSWERS}}}")

    assert found["ReadRequests"] == ["arn:aws:s3:::answers/*"]
    assert found["ListRequests"] == ["arn:aws:s3:::answers"]
    assert found["WriteCallsAndAnswers"] == ["arn:aws:s3:::answers/churn/*"]


@pytest.mark.parametrize(
    ("paths", "objects"),
    [
        ("['s3://calls']", ["calls/*"]),
        ("['s3://calls/']", ["calls/*"]),
        ("['s3://calls/churn']", ["calls/churn/*"]),
        ("['s3://more/a/b/', 's3://calls/churn']", ["calls/churn/*", "more/a/b/*"]),
    ],
)
def test_requests_are_read_from_exactly_the_places_that_settings_name(
    tmp_path: Path, paths: str, objects: list[str]
) -> None:
    found = granted(tmp_path, f"asynchronous: {{{ANSWERS}, input_paths: {paths}}}")

    assert found["ReadRequests"] == [f"arn:aws:s3:::{each}" for each in objects]
    buckets = sorted({each.partition("/")[0] for each in objects} | {"answers"})
    assert found["ListRequests"] == [f"arn:aws:s3:::{each}" for each in buckets]


def test_an_output_path_that_only_overrides_name_has_requests_in_its_bucket(tmp_path: Path) -> None:
    output = "{OutputConfig: {S3OutputPath: 's3://answers/a'}}"
    found = granted(tmp_path, f"overrides: {{endpoint_config: {{AsyncInferenceConfig: {output}}}}}")

    assert found["ReadRequests"] == ["arn:aws:s3:::answers/*"]


def test_reports_of_failures_are_written_with_the_key_of_their_bucket(tmp_path: Path) -> None:
    specs, _ = load(
        tmp_path, churn=f"{VALID}asynchronous: {{{ANSWERS}, failure_path: 's3://failures/churn'}}"
    )
    found = {each.sid: each for each in on_model_objects(ModelObjects.of(specs), HERE)}

    assert "arn:aws:s3:::failures/churn/*" in found["WriteCallsAndAnswers"].resources
    keys = found["EncryptCallsAndAnswers"]
    assert keys.actions == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert keys.conditions["StringLike"]["kms:EncryptionContext:aws:s3:arn"] == [
        f"arn:aws:s3:::{name}" for name in ("answers", "answers/*", "failures", "failures/*")
    ]


def test_an_endpoint_that_reads_and_writes_nothing_needs_nothing(tmp_path: Path) -> None:
    assert granted(tmp_path, "") == {}


def test_what_has_no_room_is_granted_by_bucket(tmp_path: Path) -> None:
    specs, _ = load(
        tmp_path,
        a=f"{VALID}data_capture: {{destination: 's3://calls/a'}}",
        b=f"{VALID}data_capture: {{destination: 's3://calls/b'}}",
    )

    [written] = [
        each for each in on_model_objects(ModelObjects.of(specs), HERE) if each.sid == "WriteCallsAndAnswers"
    ]

    assert written.resources == ["arn:aws:s3:::calls/a/*", "arn:aws:s3:::calls/b/*"]
    assert written.coarser is not None
    assert written.coarser.resources == ["arn:aws:s3:::calls/*"]


def test_keys_of_many_buckets_fit_into_policies() -> None:
    buckets = [f"{number:03}-{'b' * 59}" for number in range(100)]

    found = spread(keys_of_buckets("Decrypt", ["kms:Decrypt"], buckets, HERE))

    assert (found.managed, found.unfit) == (2, ())
    named = [
        arn
        for policy in found.policies
        for each in policy
        for arn in each.conditions["StringLike"]["kms:EncryptionContext:aws:s3:arn"]
    ]
    assert named == [f"arn:aws:s3:::{each}{objects}" for each in buckets for objects in ("", "/*")]


def test_an_objects_key_stands_for_itself_in_a_policy(tmp_path: Path) -> None:
    text = "explainer: {shap: {baseline_uri: 's3://baselines/a*b/${x}?.csv'}}\n"
    capture = "data_capture: {destination: 's3://calls/模型/a*b'}\n"

    found = granted(tmp_path, text + capture)

    assert found["ReadBaselines"] == ["arn:aws:s3:::baselines/a${*}b/${$}{x}${?}.csv"]
    assert found["WriteCallsAndAnswers"] == ["arn:aws:s3:::calls/*/a${*}b/*"]


@pytest.mark.parametrize("uri", ["s3://*/calls", "s3://team-?", "s3://a${x}/calls"])
@pytest.mark.parametrize(
    "text",
    [
        "data_capture: {{destination: '{0}'}}",
        "explainer: {{shap: {{baseline_uri: '{0}'}}}}",
        "asynchronous: {{output_path: '{0}'}}",
        "asynchronous: {{output_path: 's3://answers', failure_path: '{0}'}}",
    ],
)
def test_a_bucket_whose_name_would_stand_for_others_is_refused(tmp_path: Path, text: str, uri: str) -> None:
    _, problems = load(tmp_path, churn=VALID + text.format(uri))

    assert ["one bucket" in each.expected for each in problems] == [True]
