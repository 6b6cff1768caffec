"""The table of changes is held against the local cloud, over every pair of shapes and every switch."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.decisions.endpoint_changes import CHANGES, Answer, Mark, changes_between, refused, unguardable
from deployer.model.endpoint_config import Shape
from infra.settings.rules.guardrail_limits import guardrail_violations
from local_cloud.sagemaker import switch_settings as choices
from local_cloud.sagemaker.switch_settings import GuardedVariants
from local_cloud.sagemaker.switches import Switches
from tests.infra.sufficiency.test_aborting import GUARDED, guarded
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import Pipeline

ASYNCHRONOUS = {"OutputConfig": {"S3OutputPath": "s3://models/answers/"}}


def instances(*names: str) -> dict[str, Any]:
    variant = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2, "InitialVariantWeight": 1.0}
    return {"ProductionVariants": [{**variant, "VariantName": name} for name in names]}


SHAPES: dict[str, dict[str, Any]] = {
    "instances": instances("AllTraffic"),
    "another variant": instances("Other"),
    "two variants": instances("AllTraffic", "Other"),
    "asynchronous": {**instances("AllTraffic"), "AsyncInferenceConfig": ASYNCHRONOUS},
    "another variant, asynchronous": {**instances("Other"), "AsyncInferenceConfig": ASYNCHRONOUS},
    "serverless": {
        "ProductionVariants": [
            {"VariantName": "AllTraffic", "ServerlessConfig": {"MaxConcurrency": 1, "MemorySizeInMB": 2048}}
        ]
    },
    "shadowed": {
        **instances("AllTraffic"),
        "ShadowProductionVariants": instances("Shadow")["ProductionVariants"],
    },
}
PAIRS = [pair for pair in itertools.product(SHAPES, repeat=2) if pair[0] != pair[1]]
CANARY = GUARDED["DeploymentConfig"]["BlueGreenUpdatePolicy"]
SETTINGS = [
    Switches(asynchronous_added=added, guarded_variants=variants)
    for added in choices.Answer
    for variants in GuardedVariants
]


def answers(switches: Switches) -> str:
    """Name a case by the two answers that it is about."""
    return f"added-{switches.asynchronous_added}-variants-{switches.guarded_variants}"


def asked(old: str, new: str, switches: Switches, deployment_config: dict[str, Any]) -> str | None:
    """Ask the local cloud for a change; return its refusal."""
    pipeline = Pipeline(switches)
    sagemaker = pipeline.sagemaker
    url = f"s3://{pipeline.bucket}/model.tar.gz"
    pipeline.artifacts.s3_urls.add(url)
    sagemaker.create_model(
        ModelName="model",
        ExecutionRoleArn=pipeline.role_arn,
        PrimaryContainer={"Image": "1.dkr.ecr.eu-central-1.amazonaws.com/x:1", "ModelDataUrl": url},
    )
    for name in (old, new):
        config = {
            key: [{**each, "ModelName": "model"} for each in value] if key.endswith("Variants") else value
            for key, value in SHAPES[name].items()
        }
        sagemaker.create_endpoint_config(EndpointConfigName=_name(name), **config)
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=_name(old))
    pipeline.run()
    try:
        sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=_name(new), **deployment_config)
    except ClientError as refusal:
        return str(refusal)
    return None


def _name(shape: str) -> str:
    return shape.replace(" ", "-").replace(",", "")


@pytest.mark.parametrize("switches", SETTINGS, ids=answers)
def test_what_the_table_lets_pass_the_local_cloud_makes_and_what_it_refuses_is_refused(
    switches: Switches,
) -> None:
    """Guarded or not: where guardrails have to go, they go before SageMaker is asked."""
    for (old, new), is_guarded in itertools.product(PAIRS, (False, True)):
        rows = changes_between(Shape.of(SHAPES[old]), Shape.of(SHAPES[new]), guarded=is_guarded)
        guards = {"DeploymentConfig": {"BlueGreenUpdatePolicy": CANARY}} if is_guarded else {}
        refusal = asked(old, new, switches, {} if unguardable(rows) else guards)
        unknown = [each for each in rows if each.answer is Answer.UNKNOWN]

        if refused(rows) is not None:
            assert refusal is not None, (old, new)
        elif refusal is not None:
            assert any(each.words in refusal.lower() for each in unknown), (old, new, refusal)


def test_every_row_has_its_source_and_what_is_unknown_has_a_switch_or_is_made_here() -> None:
    for row in CHANGES:
        assert row.source
        assert (row.mark is Mark.OPEN) is (row.answer is Answer.UNKNOWN)
        assert bool(row.words) is (row.answer is Answer.UNKNOWN)


@pytest.mark.parametrize("is_new", [False, True])
def test_no_update_from_or_to_inf1_is_guarded(*, is_new: bool) -> None:
    usual, excluded = instances("AllTraffic"), instances("AllTraffic")
    excluded["ProductionVariants"][0]["InstanceType"] = "ml.inf1.xlarge"
    old, new = (usual, excluded) if is_new else (excluded, usual)

    row = unguardable(changes_between(Shape.of(old), Shape.of(new), guarded=True))
    assert row is not None
    assert "Inf1" in row.name
    assert changes_between(Shape.of(old), Shape.of(new), guarded=False) == []


def test_synth_and_deployer_cite_the_same_page_for_what_guardrails_exclude() -> None:
    [variant] = instances("AllTraffic")["ProductionVariants"]
    rolling = {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50}}}
    excluded = [{**variant, "InstanceType": "ml.inf1.xlarge"}, {**variant, "VariantName": "Other"}]
    spec = {"CreateEndpointConfig": {"ProductionVariants": excluded}, "DeploymentConfig": rolling}
    told = [each for each in guardrail_violations(spec) if "Inf1" in each.expected or "variants" in each.got]

    assert len(told) == 2
    unguarded = [row.source for row in CHANGES if row.answer is Answer.UNGUARDED]
    for source in (*(each.source for each in told), *unguarded):
        assert "deployment-guardrails-exclusions" in source


# What the deployer makes of it -------------------------------------------------------------------------


def serving(config: dict[str, Any], switches: Switches, **settings: Any) -> tuple[Pipeline, str]:
    pipeline = Pipeline(switches)
    pipeline.manage(CreateEndpointConfig=config, **settings)
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    assert pipeline.told(arn) == ["started", "succeeded"]
    return pipeline, arn


def change(pipeline: Pipeline, config: dict[str, Any], **settings: Any) -> None:
    pipeline.manage(CreateEndpointConfig=config, **settings)
    for _ in range(3):
        pipeline.sweep()
        pipeline.run()


def attention(pipeline: Pipeline) -> list[str]:
    return [each["Message"] for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]


@pytest.mark.parametrize("added", choices.Answer)
@pytest.mark.parametrize(("old", "new"), [pair for pair in PAIRS if "shadowed" not in pair])
def test_no_change_of_shape_blames_a_version_and_each_is_made_or_told_once(
    old: str, new: str, added: choices.Answer
) -> None:
    """Without guardrails, about which the other switch is."""
    pipeline, arn = serving(SHAPES[old], Switches(asynchronous_added=added))
    change(pipeline, SHAPES[new])

    assert "failed" not in pipeline.told(arn)
    shape = Shape.of(
        pipeline.sagemaker.describe_endpoint_config(
            EndpointConfigName=pipeline.endpoint["EndpointConfigName"]
        )
    )
    if shape == Shape.of(SHAPES[new]):
        assert attention(pipeline) == []
        return
    [told] = attention(pipeline)
    assert "Delete the endpoint" in told
    assert "another endpoint_name" in told
    assert len(list(pipeline.history.deployments)) <= 2

    pipeline.sagemaker.delete_endpoint(EndpointName=ENDPOINT)
    pipeline.run()
    pipeline.sweep()
    pipeline.run()
    assert pipeline.told(arn) == ["started", "succeeded"] * 2


@pytest.mark.parametrize("switches", SETTINGS, ids=answers)
def test_guardrails_are_left_out_where_variants_change_and_that_is_said(switches: Switches) -> None:
    pipeline = guarded(switches)
    [arn] = {each["ModelPackageArn"] for each in pipeline.outcomes}
    change(
        pipeline,
        instances("AllTraffic", "Other"),
        **{key: value for key, value in GUARDED.items() if key != "CreateEndpointConfig"},
    )

    assert pipeline.told(arn) == ["started", "succeeded"] * 2
    started = [each for each in pipeline.outcomes if each["Outcome"] == "started"][-1]
    assert started["GuardrailsLeftOut"] == "variants come, go or have other names"
    assert "guardrails are left out" in started["Message"]
    assert {each["VariantName"] for each in pipeline.endpoint["ProductionVariants"]} == {
        "AllTraffic",
        "Other",
    }

    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    started = [each for each in pipeline.outcomes if each["Outcome"] == "started"][-1]
    assert started["GuardrailsLeftOut"] is None
