from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from deployer.decisions import version_metadata
from deployer.model.life_cycle import LifeCycle
from infra.stages.deciding_metadata import deciding, of_others

GROUP = "arn:aws:sagemaker:eu-central-1:111122223333:model-package-group/churn"


@dataclass(frozen=True)
class Spec:
    """An endpoint, as far as it is asked."""

    endpoint_name: str
    model_package_group: str = GROUP
    compiled: dict[str, Any] = field(default_factory=dict)


def named(*specs: Spec, promotes: bool = False) -> dict[str, list[str]]:
    return deciding("staging", cast("Any", specs), promotes=promotes)


def test_every_stage_decides_by_the_digest_of_what_others_deployed() -> None:
    assert named(Spec("a"), Spec("b", "fraud")) == {
        "churn": ["greenlight:staging:digest"],
        "fraud": ["greenlight:staging:digest"],
    }


def test_each_inference_specification_has_a_digest_of_its_own() -> None:
    """Wherever settings name it: a variant's may be another than the endpoint's."""
    small = {"CreateModel": {"Containers": [{"InferenceSpecificationName": "small"}]}}
    large = {"Variants": {"b": {"InferenceSpecificationName": "large"}, "c": [1, "x", None]}}

    assert named(Spec("a", compiled=small), Spec("b", compiled=large))["churn"] == [
        "greenlight:staging:digest",
        "greenlight:staging:digest:large",
        "greenlight:staging:digest:small",
    ]


def test_a_stage_that_promotes_decides_by_whether_it_did_and_by_how_its_other_endpoints_fare() -> None:
    assert named(Spec("a"), promotes=True)["churn"] == [
        "greenlight:staging:digest",
        "greenlight:staging:promoted",
    ]
    assert named(Spec("a"), Spec("b"), Spec("c", "fraud"), promotes=True) == {
        "churn": [
            "greenlight:staging:digest",
            "greenlight:staging:promoted",
            "greenlight:staging:endpoint:a",
            "greenlight:staging:endpoint:b",
        ],
        "fraud": ["greenlight:staging:digest", "greenlight:staging:promoted"],
    }


def test_the_properties_are_named_as_the_deployer_writes_them() -> None:
    """Anybody could write a key with another name, and no refusal would show it."""
    when = datetime(2026, 7, 1, tzinfo=UTC)
    both = {"Models": [{"InferenceSpecificationName": "small"}]}
    written = (
        version_metadata.of_digest("d", "staging", None),
        version_metadata.of_digest("d", "staging", "small"),
        version_metadata.of_promotion(LifeCycle("Production", "Approved"), "staging", when),
        version_metadata.of_replaced("a", "staging", when),
        version_metadata.of_replaced("b", "staging", when),
    )

    assert named(Spec("a", compiled=both), Spec("b"), promotes=True) == {
        "churn": [key for each in written for key in each]
    }


def test_what_others_decide_by_is_collected_by_group_and_ones_own_is_left_out() -> None:
    by_stage = {"a": {"churn": ["a:1"]}, "b": {"churn": ["b:1"], "fraud": ["b:2"]}, "c": {"churn": ["c:1"]}}

    assert of_others("a", by_stage) == {"churn": ["b:1", "c:1"], "fraud": ["b:2"]}
    assert of_others("b", by_stage) == {"churn": ["a:1", "c:1"]}
