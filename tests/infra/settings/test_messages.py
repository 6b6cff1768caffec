"""Each message says the cause and the mend, in the words of the file and not of the libraries below."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.infra.settings.builders import problems

if TYPE_CHECKING:
    from pathlib import Path

NAMED = "model_package_group: churn\n"
ON_INSTANCES = NAMED + "instance_type: ml.m5.large\n"


class Said(NamedTuple):
    field: str
    got: str
    expected: str
    fix: str


SYNTAX = {
    "\ttags: {}\n": Said("the file", "a tab", "spaces", "use spaces"),
    "tags:\n\ta: b\n": Said("the file", "a tab", "spaces", "use spaces"),
    "endpoint_name: {{ url }}\n": Said("endpoint_name", "{{ … }}", "nobody fills", "the value itself"),
    "tags: {team: {{ team }}}\n": Said("tags.team", "{{ … }}", "nobody fills templates", "the value itself"),
    "tags: {% team %}\n": Said("the file", "a % outside quotes", "a quote", "quote the value"),
    "execution_role_arn: !Ref Role\n": Said(
        "execution_role_arn", "the tag !Ref", "CloudFormation", "the ARN"
    ),
    "vpc: !GetAtt [a, b]\n": Said("vpc", "the tag !GetAtt", "CloudFormation", "the value itself"),
    "tags: {a: !Sub '${x}'}\n": Said("tags.a", "the tag !Sub", "CloudFormation", "the value itself"),
    "tags: {a: @x}\n": Said("the file", "a @ outside quotes", "a quote", 'quote the value: "@…"'),
    "kms_key_id: a: b\n": Said("the file", "a second colon", "one `key: value`", "quote a value"),
    "  kms_key_id: a\n": Said("the file", "indented", "one indentation", "mend the indentation"),
    "kms_key_id: 'a\n": Said("the file", "a quote that is never closed", "both ends", "close the quote"),
    "tags: {a: b\n": Said("the file", "a { that is not closed", "a }", "close it"),
    "approvers: [a\n": Said("the file", "a [ that is not closed", "a ]", "close it"),
    "kms_key_id: *a\n": Said("the file", "an alias of nothing", "an anchor", 'quote it: "*a"'),
    'kms_key_id: "\\d"\n': Said("the file", "\\d in double quotes", "an escape", "single quotes"),
    "- a\n": Said("the file", "indented otherwise", "one indentation", "keys or dashes"),
}


@pytest.mark.parametrize("text", SYNTAX)
def test_a_slip_in_the_syntax_is_said_plainly(text: str, tmp_path: Path) -> None:
    [problem] = problems(tmp_path, ON_INSTANCES + text)

    said = SYNTAX[text]
    assert problem.field == said.field
    assert problem.line >= 3
    assert said.got in problem.got
    assert said.expected in problem.expected
    assert said.fix in problem.fix


KEYS = {
    "env": "environment",
    "environment_variables": "environment",
    "vpc_config": "vpc",
    "VpcConfig": "vpc",
    "vpcConfig": "vpc",
    "subnets": "the key vpc.subnets",
    "SecurityGroupIds": "the key vpc.security_groups",
    "async": "asynchronous",
    "async_inference_config": "asynchronous",
    "AsyncInferenceConfig": "asynchronous",
    "InitialInstanceCount": "instance_count",
    "initial_instance_count": "instance_count",
    "KmsKeyId": "kms_key_id",
    "kms_key": "kms_key_id",
    "VolumeSizeInGB": "volume_size_in_gb",
    "volume_size": "volume_size_in_gb",
    "ExecutionRoleArn": "execution_role_arn",
    "role": "execution_role_arn",
    "DataCaptureConfig": "data_capture",
    "data_capture_config": "data_capture",
    "ExplainerConfig": "explainer",
    "EnableNetworkIsolation": "network_isolation",
    "deployment_config": "rollout",
    "BlueGreenUpdatePolicy": "rollout",
    "auto_scaling": "autoscaling",
    "smoke_tests": "smoke_test",
    "production_variants": "variants",
    "model_package_group_name": "model_package_group",
    "InferenceAmiVersion": "inference_ami_version",
    "kms_keyid": "kms_key_id",
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_by_another_name_is_recognised(name: str, tmp_path: Path) -> None:
    [problem] = problems(tmp_path, ON_INSTANCES + f"{name}: a\n")

    assert problem.got == f"the unknown key {name}"
    assert problem.fix.startswith(f"did you mean {KEYS[name]}?")


INSIDE = {
    "data_capture: {DestinationS3Uri: 's3://b/p'}": ("DestinationS3Uri", "destination"),
    "asynchronous: {s3_output_path: 's3://b/p'}": ("s3_output_path", "output_path"),
    "autoscaling: {min: 1, max_capacity: 2, target_tracking: []}": ("max_capacity", "max"),
    "vpc: {subnet_ids: [a], security_groups: [b]}": ("subnet_ids", "subnets"),
}


@pytest.mark.parametrize("text", INSIDE)
def test_a_required_key_by_another_name_is_not_told_as_missing_too(text: str, tmp_path: Path) -> None:
    [problem] = problems(tmp_path, ON_INSTANCES + text + "\n")

    name, key = INSIDE[text]
    assert problem.field.endswith(name)
    assert problem.fix == f"did you mean {key}?"


def test_another_name_of_what_models_run_on_is_not_told_as_its_absence_too(tmp_path: Path) -> None:
    for name in ("InstanceType", "serverless_config", "ProductionVariants"):
        [problem] = problems(tmp_path, NAMED + f"{name}: a\n")
        assert "did you mean" in problem.fix


def test_a_key_that_stands_too_deep_is_sent_to_the_top(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, ON_INSTANCES + "overrides: {unchecked: true}\n")

    assert problem.fix == "move it to the top level of the file, as unchecked"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "data_capture: {destination: 's3://b/p', capture: [Input]}",
            Said("data_capture.capture[0]", "'Input'", "input, output or both", "did you mean input?"),
        ),
        (
            "asynchronous: {output_path: 's3://b/p', include_response_in: [done]}",
            Said("asynchronous.include_response_in[0]", "'done'", "success, error or both", "choose one of"),
        ),
        (
            "instance_count: 3000000000",
            Said("instance_count", "3000000000", "at most 2,147,483,647", "you mean"),
        ),
        (
            "autoscaling: {min: 1, max: 3000000000, scheduled: [{name: a, schedule: rate(1 day), min: 1}]}",
            Said("autoscaling.max", "3000000000", "at most 2,147,483,647", "you mean"),
        ),
        (
            "data_capture: {destination: 's3://b/p', sampling_percent: -1}",
            Said("data_capture.sampling_percent", "-1", "from 0 to 100", "the nearest allowed value is 0"),
        ),
        (
            "data_capture: {destination: 's3://b/p', sampling_percent: 101}",
            Said("data_capture.sampling_percent", "101", "from 0 to 100", "the nearest allowed value is 100"),
        ),
        (
            "data_capture: {destination: 'https://b.s3.eu-west-1.amazonaws.com/p/q'}",
            Said(
                "data_capture.destination", "'https://b.s3", "as s3://<bucket>/<prefix>", "write s3://b/p/q"
            ),
        ),
        (
            "asynchronous: {output_path: 'https://s3.eu-west-1.amazonaws.com/b/p'}",
            Said("asynchronous.output_path", "'https://s3", "as s3://<bucket>/<prefix>", "write s3://b/p"),
        ),
        (
            "explainer: {shap: {baseline_uri: 'https://example.com/x'}}",
            Said("explainer.shap.baseline_uri", "'https://", "s3://<bucket>", "write s3://<bucket>/<prefix>"),
        ),
        (
            "smoke_test: {requests: [{content_type: a, body_from: 'https://b.s3.amazonaws.com/k.csv'}]}",
            Said("smoke_test.requests[0].body_from", "'https://b", "s3://bucket/key", "write s3://b/k.csv"),
        ),
        (
            "smoke_test: {requests: [{content_type: a, body: '1', p95_ms: 0}]}",
            Said("smoke_test.requests[0].p95_ms", "0", "above 0", "write a number above 0"),
        ),
        (
            "rollout: {kind: all_at_once, alarms: {error_ratio_percent: 100}}",
            Said("rollout.alarms.error_ratio_percent", "100", "below 100", "write a number below 100"),
        ),
        (
            "rollout: {kind: all_at_once, alarms: {period_seconds: 90}}",
            Said("rollout.alarms.period_seconds", "90", "steps of 60", "the nearest allowed value is 120"),
        ),
        (
            "asynchronous: {output_path: ''}",
            Said("asynchronous.output_path", "''", "where answers go", "write what is missing"),
        ),
        ("instance_count: 1.5", Said("instance_count", "1.5", "whole number", "write a whole number")),
    ],
)
def test_a_wrong_value_is_said_with_its_mend(text: str, said: Said, tmp_path: Path) -> None:
    [problem] = problems(tmp_path, ON_INSTANCES + text + "\n")

    assert problem.field == said.field
    assert said.got in problem.got
    assert said.expected in problem.expected
    assert said.fix in problem.fix


@pytest.mark.parametrize(
    ("written", "meant"),
    [("m5.large", "ml.m5.large"), ("g5.xlarge", "ml.g5.xlarge"), ("ML.M5.LARGE", "ml.m5.large")],
)
def test_an_instance_type_of_ec2_is_sagemakers_of_that_name_first(
    written: str, meant: str, tmp_path: Path
) -> None:
    [problem] = problems(tmp_path, NAMED + f"instance_type: {written}\n")

    assert problem.fix.startswith(f"did you mean {meant}")
