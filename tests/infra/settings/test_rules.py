"""Test single rules: what they refuse, where, and what they recommend."""

from __future__ import annotations

from typing import Any

import pytest

from infra.settings.rules.request_validation import violations
from infra.settings.rules.s3_places import place_limits, s3_place
from infra.settings.rules.variant_limits import accelerator_limits

POLICY = {
    "PolicyName": "p",
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/churn/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
ACTION = {**POLICY, "ScheduledActionName": "a"}
del ACTION["PolicyName"]


def of_policy(**members: Any) -> list[tuple[str, str]]:
    """Return the last part of each wrong field's path, and what to do about it."""
    found = violations("PutScalingPolicy", {**POLICY, **members}, "application-autoscaling")
    return [(str(each.path[-1]), each.fix) for each in found]


def test_a_number_without_a_documented_range_has_its_type_s() -> None:
    def cooldown(seconds: int) -> list[tuple[str, str]]:
        return of_policy(StepScalingPolicyConfiguration={"Cooldown": seconds})

    largest = 2**31 - 1
    assert cooldown(largest) == cooldown(-largest) == []
    assert cooldown(largest + 1) == [("Cooldown", "write the number that you mean")]
    assert cooldown(-largest - 2) == [("Cooldown", "write the number that you mean")]


@pytest.mark.parametrize("value", ["5", "x"])
def test_a_number_or_a_truth_in_quotes_is_to_lose_them(value: str) -> None:
    fix = "write it without quotes"

    assert of_policy(TargetTrackingScalingPolicyConfiguration={"TargetValue": value}) == [
        ("TargetValue", fix)
    ]
    tracking = {"TargetValue": 5, "DisableScaleIn": value, "ScaleInCooldown": value}
    assert of_policy(TargetTrackingScalingPolicyConfiguration=tracking) == [
        ("DisableScaleIn", fix),
        ("ScaleInCooldown", fix),
    ]


def test_a_time_is_text() -> None:
    def starting(time: object) -> list[str]:
        found = violations("PutScheduledAction", {**ACTION, "StartTime": time}, "application-autoscaling")
        return [each.expected for each in found]

    assert starting("2027-01-01T00:00:00Z") == []
    assert starting(5) == ["a time"]


@pytest.mark.parametrize("variants", ["ProductionVariants", "ShadowProductionVariants"])
def test_no_variant_has_an_accelerator_of_elastic_inference(variants: str) -> None:
    config = {variants: [{"VariantName": "A"}, {"VariantName": "B", "AcceleratorType": "ml.eia1.medium"}]}

    [(_, refused)] = accelerator_limits({"CreateEndpointConfig": config})

    assert refused.path == (variants, 1, "AcceleratorType")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://models.s3.eu-central-1.amazonaws.com/churn/a.csv", "s3://models/churn/a.csv"),
        ("https://models.s3.amazonaws.com/", "s3://models"),
        ("https://models.s3.amazonaws.com", "s3://models"),
        ("https://s3.eu-central-1.amazonaws.com/models/churn/", "s3://models/churn"),
        ("https://s3-eu-west-1.amazonaws.com/models", "s3://models"),
        ("https://example.com/models", "s3://<bucket>/<prefix>"),
    ],
)
def test_a_url_of_s3_is_said_as_the_place_that_is_meant(url: str, place: str) -> None:
    assert s3_place(url) == place


@pytest.mark.parametrize("mark", ["*", "?", "$"])
def test_a_place_that_would_stand_for_many_buckets_is_refused_as_it_is_written(mark: str) -> None:
    def refused(place: object) -> list[str]:
        config = {"DataCaptureConfig": {"DestinationS3Uri": place}}
        return [each.got for _, each in place_limits({"CreateEndpointConfig": config})]

    assert refused(f"s3://calls-{mark}/churn") == [f"'s3://calls-{mark}/churn'"]
    assert refused(f"s3://calls/churn-{mark}") == refused(5) == []
