from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest

from infra.settings.catalogue import load_catalogue
from infra.settings.problem import Problem
from tests.infra.settings.builders import VALID, load, problems

if TYPE_CHECKING:
    from pathlib import Path


class Mistake(NamedTuple):
    rule: str
    text: str | bytes
    line: int
    field: str
    got: str
    expected: str
    fix: str


BASE = "model_package_group: churn\n"
ON_INSTANCES = BASE + "instance_type: ml.m5.large\n"

MISTAKES = [
    Mistake("empty file", "", 0, "the file", "empty", "settings of one endpoint", "delete the file"),
    Mistake("comments only", "# nothing\n", 0, "the file", "empty", "settings", "delete the file"),
    Mistake("a list", "- a\n", 1, "the file", "a list", "a mapping", "key: value"),
    Mistake("a scalar", "hello\n", 1, "the file", "a single value", "a mapping", "key: value"),
    Mistake("not UTF-8", b"a: \xff\n", 0, "the file", "byte 3", "UTF-8", "save"),
    Mistake("bad syntax", ON_INSTANCES + "tags: {", 3, "the file", "expected", "valid YAML", "syntax"),
    Mistake("a tab", ON_INSTANCES + "tags:\n\ta: b\n", 4, "the file", "a tab", "YAML", "use spaces"),
    Mistake("a control character", "a: \x07\n", 0, "the file", "unacceptable", "valid YAML", "remove"),
    Mistake("two documents", ON_INSTANCES + "---\na: 1\n", 0, "the file", "2 YAML", "one", "of its own"),
    Mistake("too deep", "a: " + "[" * 5000, 0, "the file", "too deeply", "few levels", "brackets"),
    Mistake(
        "a tag that only other YAML readers know",
        ON_INSTANCES + "tags: !!python/name:os.system x\n",
        3,
        "tags",
        "the tag python/name:os.system",
        "plain values",
        "remove the tag",
    ),
    Mistake("a loop", ON_INSTANCES + "tags: &a {x: *a}\n", 3, "tags.x", "contains it", "finite", "remove"),
    Mistake(
        "a key twice",
        ON_INSTANCES + "instance_count: 1\ninstance_count: 2\n",
        4,
        "instance_count",
        "first on line 3",
        "each key once",
        "remove one",
    ),
    Mistake(
        "a key that YAML makes a boolean",
        ON_INSTANCES + "environment:\n  on: 'x'\n",
        4,
        "environment",
        "the key on, which YAML reads as true",
        "strings",
        '"on"',
    ),
    Mistake(
        "a tag that lies",
        ON_INSTANCES + "tags:\n  team: !!bool maybe\n",
        4,
        "tags.team",
        "maybe: no bool",
        "a valid value",
        '"maybe"',
    ),
    Mistake(
        "a number longer than anything",
        ON_INSTANCES + f"instance_count: 0x{'f' * 5000}\n",
        3,
        "instance_count",
        "no int",
        "a valid value",
        "quote",
    ),
    Mistake(
        "a tag of ours", ON_INSTANCES + "tags: !mine {}\n", 3, "tags", "the tag !mine", "plain", "remove"
    ),
    Mistake(
        "half a character as a key",
        ON_INSTANCES + 'environment:\n  "\\ud800": x\n',
        4,
        "environment",
        "surrogate",
        "Unicode",
        "itself",
    ),
    Mistake(
        "aliases that multiply",
        ON_INSTANCES
        + "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in pairwise("abcdefghi")),
        3,
        "the file",
        "more than 10,000 values",
        "the settings of one endpoint",
        "aliases",
    ),
    Mistake(
        "a key that is no word",
        ON_INSTANCES + "tags:\n  [a]: b\n",
        4,
        "tags",
        "as a key",
        "strings",
        "a word",
    ),
    Mistake(
        "a key that is a date and none",
        ON_INSTANCES + "tags:\n  2026-13-02: b\n",
        4,
        "tags",
        "the key 2026-13-02: no timestamp",
        "valid",
        '"2026-13-02"',
    ),
    Mistake(
        "a value that YAML makes a boolean",
        ON_INSTANCES + "environment:\n  DEBUG: yes\n",
        4,
        "environment.DEBUG",
        "true (a boolean)",
        "a string",
        'DEBUG: "yes"',
    ),
    Mistake(
        "a value that YAML makes a number",
        ON_INSTANCES + "environment:\n  PORT: 0x1F\n",
        4,
        "environment.PORT",
        "31 (a number)",
        "a string",
        'PORT: "0x1F"',
    ),
    Mistake(
        "a value that YAML makes a date",
        ON_INSTANCES + "environment:\n  DAY: 2026-01-02\n",
        4,
        "environment.DAY",
        "2026-01-02 (a date)",
        "a string",
        'DAY: "2026-01-02"',
    ),
    Mistake(
        "a date that is none",
        ON_INSTANCES + "environment:\n  DAY: 2026-13-02\n",
        4,
        "environment.DAY",
        "2026-13-02",
        "a valid value",
        '"2026-13-02"',
    ),
    Mistake(
        "half a character",
        ON_INSTANCES + 'environment:\n  A: "\\ud800"\n',
        4,
        "environment.A",
        "surrogate",
        "Unicode",
        "itself",
    ),
    Mistake(
        "a misspelt key",
        ON_INSTANCES + "instance_cuont: 2\n",
        3,
        "instance_cuont",
        "unknown key",
        "one of",
        "did you mean instance_count?",
    ),
    Mistake(
        "an API name in place of a friendly one",
        BASE + "InstanceType: ml.m5.large\n",
        2,
        "InstanceType",
        "unknown key",
        "one of",
        "did you mean instance_type?",
    ),
    Mistake(
        "an API name outside overrides",
        ON_INSTANCES + "DataCaptureConfig: {}\n",
        3,
        "DataCaptureConfig",
        "unknown key",
        "one of",
        "did you mean data_capture?",
    ),
    Mistake(
        "an API name of the model outside overrides",
        ON_INSTANCES + "VpcConfig: {}\n",
        3,
        "VpcConfig",
        "unknown key",
        "one of",
        "move it to overrides.model",
    ),
    Mistake(
        "an API name of the deployment outside overrides",
        BASE + "serverless: {memory_size_in_mb: 1024, max_concurrency: 1}\nRollingUpdatePolicy: {}\n",
        3,
        "RollingUpdatePolicy",
        "unknown key",
        "one of",
        "move it to overrides.deployment_config",
    ),
    Mistake(
        "variants that are no list",
        ON_INSTANCES + "overrides:\n  endpoint_config:\n    ProductionVariants: a\n",
        5,
        "overrides.endpoint_config.ProductionVariants",
        "'a'",
        "a list",
        "dash",
    ),
    Mistake(
        "a variant that is no mapping",
        ON_INSTANCES + "overrides:\n  endpoint_config:\n    ProductionVariants: [a]\n",
        5,
        "overrides.endpoint_config.ProductionVariants[0]",
        "'a'",
        "a mapping",
        "write a mapping",
    ),
    Mistake(
        "a serverless override that is no mapping",
        BASE + "serverless: {memory_size_in_mb: 1024, max_concurrency: 1}\n"
        "overrides:\n  endpoint_config:\n    ProductionVariants: [{ServerlessConfig: 1}]\n",
        5,
        "overrides.endpoint_config.ProductionVariants[0].ServerlessConfig",
        "1 (a number)",
        "a mapping",
        "write a mapping",
    ),
    Mistake(
        "a variant without a name",
        ON_INSTANCES + "overrides:\n  endpoint_config:\n    ProductionVariants: [{VariantName: null}]\n",
        5,
        "overrides.endpoint_config.ProductionVariants[0].VariantName",
        "nothing",
        "requires",
        "add VariantName",
    ),
    Mistake("nothing alike", ON_INSTANCES + "zzz: 1\n", 3, "zzz", "unknown key", "one of", "remove it"),
    Mistake(
        "no group",
        "instance_type: ml.m5.large\n",
        0,
        "model_package_group",
        "nothing",
        "model package group",
        "add model_package_group",
    ),
    Mistake(
        "a group that AWS would refuse",
        "model_package_group: churn_models\ninstance_type: ml.m5.large\n",
        1,
        "model_package_group",
        "'churn_models'",
        "name, or its ARN",
        "letters, digits and inner hyphens",
    ),
    Mistake(
        "the ARN of something else",
        "model_package_group: arn:aws:sagemaker:eu-central-1:111122223333:model-package/x\n"
        "instance_type: ml.m5.large\n",
        1,
        "model_package_group",
        "arn:aws",
        "name, or its ARN",
        "letters",
    ),
    Mistake(
        "a name that AWS would refuse",
        ON_INSTANCES + "endpoint_name: -churn\n",
        3,
        "endpoint_name",
        "'-churn'",
        "at most 63",
        "another name",
    ),
    Mistake(
        "a name that is too long",
        ON_INSTANCES + f"endpoint_name: {'a' * 64}\n",
        3,
        "endpoint_name",
        "'aaa",
        "at most 63",
        "another name",
    ),
    Mistake(
        "a name that ends in a line break",
        ON_INSTANCES + 'endpoint_name: "churn\\n"\n',
        3,
        "endpoint_name",
        r"'churn\n'",
        "at most 63",
        "another name",
    ),
    Mistake(
        "a name that YAML makes a number",
        ON_INSTANCES + "endpoint_name: 1234\n",
        3,
        "endpoint_name",
        "1234 (a number)",
        "at most 63",
        '"1234"',
    ),
    Mistake(
        "neither instances nor serverless",
        BASE,
        0,
        "instance_type",
        "neither",
        "either instance_type",
        "add instance_type",
    ),
    Mistake(
        "both",
        ON_INSTANCES + "serverless: {memory_size_in_mb: 2048, max_concurrency: 5}\n",
        2,
        "instance_type",
        "beside serverless",
        "either instance_type",
        "remove instance_type or serverless",
    ),
    Mistake(
        "an instance type that is not hosted on",
        BASE + "instance_type: ml.t3.medium\n",
        2,
        "instance_type",
        "'ml.t3.medium'",
        "instance type that SageMaker hosts on",
        "ml.t2.medium",
    ),
    Mistake(
        "an EC2 instance type",
        BASE + "instance_type: m5.large\n",
        2,
        "instance_type",
        "'m5.large'",
        "hosts on",
        "ml.m5.large",
    ),
    Mistake(
        "an empty value", BASE + "instance_type:\n", 2, "instance_type", "nothing", "instance type", "remove"
    ),
    Mistake(
        "a count in quotes",
        ON_INSTANCES + 'instance_count: "2"\n',
        3,
        "instance_count",
        "'2'",
        "number",
        "without quotes",
    ),
    Mistake(
        "a count of none", ON_INSTANCES + "instance_count: 0\n", 3, "instance_count", "0", "at least 1", ""
    ),
    Mistake(
        "a boolean count", ON_INSTANCES + "instance_count: true\n", 3, "instance_count", "true", "number", ""
    ),
    Mistake(
        "memory between the steps",
        BASE + "serverless:\n  memory_size_in_mb: 1500\n  max_concurrency: 5\n",
        3,
        "serverless.memory_size_in_mb",
        "1500",
        "steps of 1024",
        "1024, 2048",
    ),
    Mistake(
        "too much concurrency",
        BASE + "serverless:\n  memory_size_in_mb: 1024\n  max_concurrency: 201\n",
        4,
        "serverless.max_concurrency",
        "201",
        "1 to 200",
        "",
    ),
    Mistake(
        "half of serverless",
        BASE + "serverless:\n  memory_size_in_mb: 1024\n",
        2,
        "serverless.max_concurrency",
        "nothing",
        "1 to 200",
        "add max_concurrency",
    ),
    Mistake(
        "serverless as a flag",
        BASE + "serverless: true\n",
        2,
        "serverless",
        "true",
        "memory_size_in_mb",
        "key: value",
    ),
    Mistake("tags as a list", ON_INSTANCES + "tags: [a]\n", 3, "tags", "a list of 1", "tags", "key: value"),
    Mistake(
        "a list as a value",
        ON_INSTANCES + "tags:\n  team: [a]\n",
        4,
        "tags.team",
        "a list of 1",
        "a string",
        "single value",
    ),
    Mistake(
        "a tag key of AWS",
        ON_INSTANCES + "tags:\n  AWS:x: y\n",
        4,
        "tags.AWS:x",
        "AWS:x",
        "reserved",
        "another",
    ),
    Mistake(
        "a tag key of ours",
        ON_INSTANCES + "tags:\n  greenlight:stack: y\n",
        4,
        "tags.greenlight:stack",
        "greenlight:stack",
        "reserved",
        "another",
    ),
    Mistake(
        "a character that tags cannot have",
        ON_INSTANCES + "tags:\n  team: a!b\n",
        4,
        "tags.team",
        "'a!b'",
        "match",
        "pattern",
    ),
    Mistake(
        "a tag value too long",
        ON_INSTANCES + f"tags:\n  team: {'x' * 257}\n",
        4,
        "tags.team",
        "257 characters",
        "at most 256",
        "remove 1",
    ),
    Mistake(
        "too many tags",
        ON_INSTANCES + "tags:\n" + "".join(f"  k{n}: v\n" for n in range(49)),
        3,
        "tags",
        "49 tags",
        "at most 45",
        "remove 4",
    ),
    Mistake(
        "a variable name with a hyphen",
        ON_INSTANCES + "environment:\n  A-B: x\n",
        4,
        "environment.A-B",
        "the key 'A-B'",
        "[a-zA-Z_]",
        "pattern",
    ),
    Mistake(
        "a variable value too long",
        ON_INSTANCES + f"environment:\n  A: {'x' * 1025}\n",
        4,
        "environment.A",
        "1025 characters",
        "at most 1024",
        "remove 1",
    ),
    Mistake(
        "too many variables",
        ON_INSTANCES + "environment:\n" + "".join(f"  K{n}: v\n" for n in range(101)),
        3,
        "environment",
        "101 entries",
        "at most 100",
        "remove 1",
    ),
    Mistake(
        "approvers without a list",
        ON_INSTANCES + "approvers: arn:aws:iam::111122223333:role/approver\n",
        3,
        "approvers",
        "'arn:aws:iam::111122223333:role/approver'",
        "1 to 20 ARNs",
        "after a dash",
    ),
    Mistake(
        "nobody may approve",
        ON_INSTANCES + "approvers: []\n",
        3,
        "approvers",
        "a list of 0",
        "1 to 20 ARNs",
        "leave approvers out to let anyone approve",
    ),
    Mistake(
        "more approvers than there may be",
        ON_INSTANCES
        + "approvers:\n"
        + "".join(f"- arn:aws:iam::111122223333:user/u{n}\n" for n in range(21)),
        3,
        "approvers",
        "a list of 21",
        "1 to 20 ARNs",
        "wildcards",
    ),
    *(
        Mistake(
            f"an approver that is {rule}",
            ON_INSTANCES + f"approvers:\n- arn:aws:iam::111122223333:user/fine\n- {value}\n",
            5,
            "approvers[1]",
            got,
            "the ARN of an IAM user, of a role, of a role's session or of a Studio user profile",
            fix,
        )
        for rule, value, got, fix in (
            ("anyone", "'*'", "'*'", "leave approvers out to let anyone approve"),
            ("any ARN", "'arn:*'", "'arn:*'", "leave approvers out to let anyone approve"),
            ("empty", "", "nothing", "that LastModifiedBy shows in DescribeModelPackage"),
            ("a name", "alice", "'alice'", "such as arn:aws:iam::111122223333:role/alice"),
            ("a number", "12", "12 (a number)", "such as arn:aws:iam::111122223333:role/12"),
            ("an address", "alice@example.com", "'alice@", "an address is no identity"),
            ("a list", "[a]", "a list of 1", "that LastModifiedBy shows"),
            ("an account", "'111122223333'", "'111122223333'", "the whole ARN"),
            ("an account's root", "arn:aws:iam::111122223333:root", ":root'", "that LastModifiedBy shows"),
            ("a group", "arn:aws:iam::111122223333:group/ml", ":group/ml'", "that LastModifiedBy shows"),
            ("in half an account", "arn:aws:iam::1111:user/x", "::1111:", "that LastModifiedBy shows"),
            ("in no account", "arn:aws:iam:::user/x", ":::user", "that LastModifiedBy shows"),
            (
                "a session without its name",
                "arn:aws:sts::111122223333:assumed-role/r",
                "assumed-role/r'",
                "or with any: arn:aws:sts::111122223333:assumed-role/r/*",
            ),
            (
                "a wildcard below a role's path",
                "arn:aws:iam::111122223333:role/ml/approver-*",
                "role/ml/approver-*'",
                "write arn:aws:sts::111122223333:assumed-role/approver-*/*: a role's path is not known",
            ),
            (
                "a domain",
                "arn:aws:sagemaker:eu-central-1:111122223333:domain/d-1",
                ":domain/d-1'",
                "that LastModifiedBy shows",
            ),
            (
                "a profile without its domain",
                "arn:aws:sagemaker:eu-central-1:111122223333:user-profile/alice",
                "user-profile/alice'",
                "that LastModifiedBy shows",
            ),
            (
                "longer than any ARN",
                f"arn:aws:iam::111122223333:user/{'u' * 2048}",
                "characters)",
                "that LastModifiedBy shows",
            ),
        )
    ),
    Mistake(
        "four eyes in words",
        ON_INSTANCES + "four_eyes: 'true'\n",
        3,
        "four_eyes",
        "'true'",
        "true if the person who registered",
        "without quotes",
    ),
    Mistake(
        "four eyes, counted", ON_INSTANCES + "four_eyes: 4\n", 3, "four_eyes", "4", "true", "true or false"
    ),
    Mistake(
        "keeping less than nothing",
        ON_INSTANCES + "keep: -1\n",
        3,
        "keep",
        "-1",
        "from 0 to 50",
        "nearest allowed value is 0",
    ),
    Mistake(
        "keeping too much",
        ON_INSTANCES + "keep: 51\n",
        3,
        "keep",
        "51",
        "from 0 to 50",
        "nearest allowed value is 50",
    ),
    Mistake("keeping in words", ON_INSTANCES + "keep: 'all'\n", 3, "keep", "'all'", "from 0 to 50", "number"),
    Mistake("keeping yes", ON_INSTANCES + "keep: yes\n", 3, "keep", "true", "from 0 to 50", "correct"),
    Mistake(
        "keeping an empty value", ON_INSTANCES + "keep:\n", 3, "keep", "nothing", "0 to 50", "remove the key"
    ),
    Mistake(
        "an unknown override",
        ON_INSTANCES + "overrides:\n  endpoint: {}\n",
        4,
        "overrides.endpoint",
        "unknown key",
        "model, endpoint_config, deployment_config",
        "endpoint_config",
    ),
    Mistake(
        "a name in the wrong style",
        ON_INSTANCES + "overrides:\n  model:\n    enable_network_isolation: true\n",
        5,
        "overrides.model.enable_network_isolation",
        "unknown name",
        "CreateModelInput",
        "did you mean EnableNetworkIsolation?",
    ),
    Mistake(
        "a value out of range",
        ON_INSTANCES + "overrides:\n  endpoint_config:\n    ProductionVariants: [{VolumeSizeInGB: 513}]\n",
        5,
        "overrides.endpoint_config.ProductionVariants[0].VolumeSizeInGB",
        "513",
        "from 1 to 512",
        "512",
    ),
    Mistake(
        "a value outside an enum",
        ON_INSTANCES + "overrides:\n  model:\n    Containers: [{Mode: Multi}]\n",
        5,
        "overrides.model.Containers[0].Mode",
        "'Multi'",
        "one of SingleModel, MultiModel",
        "MultiModel",
    ),
    Mistake(
        "a missing member",
        ON_INSTANCES + "overrides:\n  model:\n    VpcConfig: {Subnets: [subnet-1]}\n",
        5,
        "overrides.model.VpcConfig.SecurityGroupIds",
        "nothing",
        "requires",
        "add SecurityGroupIds",
    ),
    Mistake(
        "a wrong type",
        ON_INSTANCES + 'overrides:\n  model:\n    EnableNetworkIsolation: "true"\n',
        5,
        "overrides.model.EnableNetworkIsolation",
        "'true'",
        "true or false",
        "without quotes",
    ),
    Mistake(
        "a number that JSON cannot carry",
        ON_INSTANCES
        + "overrides:\n  endpoint_config:\n    ProductionVariants: [{InitialVariantWeight: .nan}]\n",
        5,
        "overrides.endpoint_config.ProductionVariants[0].InitialVariantWeight",
        "nan",
        "a number",
        "",
    ),
    Mistake(
        "an override that is no mapping",
        ON_INSTANCES + "overrides:\n  model: []\n",
        4,
        "overrides.model",
        "a list",
        "CreateModel",
        "key: value",
    ),
    Mistake(
        "two containers",
        ON_INSTANCES + "overrides:\n  model:\n    Containers: [{}, {}]\n",
        5,
        "overrides.model.Containers",
        "2 containers",
        "exactly one",
        "keep one",
    ),
    Mistake(
        "two variants of one name",
        ON_INSTANCES
        + "overrides:\n  endpoint_config:\n    ProductionVariants:\n      - {}\n"
        + "      - {VariantName: AllTraffic, InstanceType: ml.m5.large, InitialInstanceCount: 1}\n",
        7,
        "overrides.endpoint_config.ProductionVariants[1].VariantName",
        "a second time",
        "of its own",
        "rename",
    ),
    Mistake(
        "two update policies",
        ON_INSTANCES
        + "overrides:\n  deployment_config:\n"
        + "    BlueGreenUpdatePolicy:\n"
        + "      TrafficRoutingConfiguration: {Type: ALL_AT_ONCE, WaitIntervalInSeconds: 0}\n"
        + "    RollingUpdatePolicy:\n"
        + "      MaximumBatchSize: {Type: INSTANCE_COUNT, Value: 1}\n      WaitIntervalInSeconds: 0\n",
        7,
        "overrides.deployment_config.RollingUpdatePolicy",
        "beside",
        "one of",
        "remove one",
    ),
]

SERVERLESS = BASE + "serverless: {memory_size_in_mb: 2048, max_concurrency: 5}\noverrides:\n"
NOT_SERVERLESS = {
    "  model:\n    EnableNetworkIsolation: true\n": "overrides.model.EnableNetworkIsolation",
    "  model:\n    VpcConfig: {Subnets: [s], SecurityGroupIds: [g]}\n": "overrides.model.VpcConfig",
    "  endpoint_config:\n    DataCaptureConfig:\n      InitialSamplingPercentage: 1\n"
    "      DestinationS3Uri: s3://b/p\n      CaptureOptions: [{CaptureMode: Input}]\n": (
        "overrides.endpoint_config.DataCaptureConfig"
    ),
    "  endpoint_config:\n    ProductionVariants: [{InstanceType: ml.m5.large}]\n": (
        "overrides.endpoint_config.ProductionVariants[0].InstanceType"
    ),
    "  endpoint_config:\n    ProductionVariants: [{InitialInstanceCount: 1}]\n": (
        "overrides.endpoint_config.ProductionVariants[0].InitialInstanceCount"
    ),
    "  endpoint_config:\n    ProductionVariants: [{ServerlessConfig: {ProvisionedConcurrency: 6}}]\n": (
        "overrides.endpoint_config.ProductionVariants[0].ServerlessConfig.ProvisionedConcurrency"
    ),
    "  endpoint_config:\n    ProductionVariants: [{}, {VariantName: b}]\n": (
        "overrides.endpoint_config.ProductionVariants"
    ),
    "  deployment_config:\n    AutoRollbackConfiguration: {Alarms: [{AlarmName: a}]}\n": (
        "overrides.deployment_config"
    ),
}

OWNED = {
    "model": {
        "ModelName: x": "remove it; Greenlight names",
        "ExecutionRoleArn: x": "use the key execution_role_arn",
        "Tags: []": "use the key tags",
        "PrimaryContainer: {}": "only item of Containers",
        "Containers: [{Image: x}]": "the approved model version brings it",
        "Containers: [{ModelDataUrl: x}]": "the approved model version brings it",
        "Containers: [{ModelDataSource: {}}]": "the approved model version brings it",
        "Containers: [{ModelPackageName: x}]": "the approved model version brings it",
    },
    "endpoint_config": {
        "EndpointConfigName: x": "remove it; Greenlight names",
        "ExecutionRoleArn: x": "use the key execution_role_arn",
        "Tags: []": "use the key tags",
        "ProductionVariants: [{ModelName: x}]": "remove it; Greenlight names",
    },
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.rule)
def test_a_mistake_is_reported_once_with_its_place_and_its_fix(mistake: Mistake, tmp_path: Path) -> None:
    [problem] = problems(tmp_path, mistake.text)

    assert problem.file == "endpoints/churn.yaml"
    assert (problem.line, problem.field) == (mistake.line, mistake.field)
    assert mistake.got in problem.got
    assert mistake.expected in problem.expected
    assert mistake.fix in problem.fix
    assert problem.fix


@pytest.mark.parametrize(("override", "field"), NOT_SERVERLESS.items(), ids=NOT_SERVERLESS.values())
def test_what_serverless_endpoints_cannot_do_is_refused(override: str, field: str, tmp_path: Path) -> None:
    assert [problem.field for problem in problems(tmp_path, SERVERLESS + override)] == [field]


@pytest.mark.parametrize(
    ("section", "override", "fix"),
    [(section, override, fix) for section, each in OWNED.items() for override, fix in each.items()],
)
def test_overrides_may_not_set_what_the_deployer_sets(
    section: str, override: str, fix: str, tmp_path: Path
) -> None:
    [problem] = problems(tmp_path, f"{ON_INSTANCES}overrides:\n  {section}:\n    {override}\n")

    assert problem.line == 5
    assert "Greenlight sets it" in problem.expected
    assert fix in problem.fix


def test_all_mistakes_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    _, found = load(
        tmp_path,
        first="model_package_group: a_b\ninstance_typ: ml.m5.large\noverrides: {model: {Foo: 1}}\n",
        second="endpoint_name: x_y\nserverless: {memory_size_in_mb: 1, max_concurrency: 2}\n"
        "tags: {aws:a: b}\n",
        third="][",
    )

    assert {(problem.file, problem.field) for problem in found} == {
        ("endpoints/first.yaml", "model_package_group"),
        ("endpoints/first.yaml", "instance_typ"),
        ("endpoints/first.yaml", "overrides.model.Foo"),
        ("endpoints/second.yaml", "endpoint_name"),
        ("endpoints/second.yaml", "model_package_group"),
        ("endpoints/second.yaml", "serverless.memory_size_in_mb"),
        ("endpoints/second.yaml", "tags.aws:a"),
        ("endpoints/third.yaml", "the file"),
    }


def test_two_files_may_not_claim_one_endpoint_even_in_other_letters(tmp_path: Path) -> None:
    _, found = load(tmp_path, churn=VALID, other=VALID + "endpoint_name: Churn\n")

    [problem] = found
    assert (problem.file, problem.field) == ("endpoints/other.yaml", "endpoint_name")
    assert "endpoints/churn.yaml claims too" in problem.got


def test_a_claimed_name_is_reported_although_the_files_have_other_mistakes(tmp_path: Path) -> None:
    _, found = load(tmp_path, churn=VALID + "x: 1\n", other=VALID + "endpoint_name: CHURN\ny: 1\n")

    assert {problem.field for problem in found} == {"x", "y", "endpoint_name"}


def test_the_endpoint_is_named_after_its_file_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    specs, found = load(tmp_path, churn=VALID, b=VALID + "endpoint_name: Fraud\n")

    assert found == []
    assert [spec.endpoint_name for spec in specs] == ["Fraud", "churn"]


def test_a_file_whose_name_cannot_name_an_endpoint_is_told_how_to_help_itself(tmp_path: Path) -> None:
    (tmp_path / "my_churn.yaml").write_text(VALID)

    _, found = load_catalogue(tmp_path, "endpoints", stack_name="Greenlight")

    [problem] = found
    assert (problem.line, problem.got) == (0, "'my_churn'")
    assert problem.fix == "rename the file, or set endpoint_name"


def test_files_in_folders_and_files_called_yml_are_read_as_well(tmp_path: Path) -> None:
    (tmp_path / "growth").mkdir()
    (tmp_path / "growth" / "churn.yml").write_text(VALID)
    (tmp_path / "schema.json").write_text("{}")

    specs, found = load_catalogue(tmp_path, "endpoints", stack_name="Greenlight")

    assert found == []
    assert [spec.file for spec in specs] == ["endpoints/growth/churn.yml"]


def test_a_directory_that_does_not_exist_is_a_problem_and_an_empty_one_is_none(tmp_path: Path) -> None:
    _, found = load_catalogue(tmp_path / "absent", "absent", stack_name="Greenlight")

    assert found == [
        Problem(
            "absent",
            0,
            "the directory",
            "no such directory",
            "a directory of endpoint settings",
            "create it, or set the context key endpoints_dir",
        )
    ]
    assert load_catalogue(tmp_path, "endpoints", stack_name="Greenlight") == ([], [])


def test_a_file_that_cannot_be_read_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "churn.yaml").mkdir()

    _, found = load_catalogue(tmp_path, "endpoints", stack_name="Greenlight")

    assert [problem.expected for problem in found] == ["a readable file"]


def test_compiled_settings_say_what_the_file_says(tmp_path: Path) -> None:
    [spec], _ = load(
        tmp_path,
        churn="""\
            model_package_group: churn-models
            instance_type: ml.c5.xlarge
            instance_count: 2
            environment: {LEVEL: info}
            tags: {team: growth}
            overrides:
              model: {EnableNetworkIsolation: true}
              deployment_config: {AutoRollbackConfiguration: {Alarms: [{AlarmName: errors}]}}
            """,
    )

    assert (spec.file, spec.model_package_group) == ("endpoints/churn.yaml", "churn-models")
    assert spec.compiled == {
        "EndpointName": "churn",
        "ModelPackageGroupName": "churn-models",
        "CreateModel": {
            "Containers": [{"Environment": {"LEVEL": "info"}}],
            "EnableNetworkIsolation": True,
        },
        "CreateEndpointConfig": {
            "ProductionVariants": [
                {
                    "VariantName": "AllTraffic",
                    "InstanceType": "ml.c5.xlarge",
                    "InitialInstanceCount": 2,
                    "InitialVariantWeight": 1.0,
                }
            ]
        },
        "DeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}},
        "Keep": 3,
        "Tags": {"team": "growth"},
    }


def test_serverless_settings_compile_to_a_variant_without_instances(tmp_path: Path) -> None:
    [spec], _ = load(
        tmp_path,
        churn="model_package_group: g\nserverless: {memory_size_in_mb: 2048, max_concurrency: 5}\n",
    )

    assert spec.compiled["CreateEndpointConfig"]["ProductionVariants"] == [
        {
            "VariantName": "AllTraffic",
            "InitialVariantWeight": 1.0,
            "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
        }
    ]


@pytest.mark.parametrize(
    ("written", "compiled"),
    [("", None), ("supported_instance_types: listed\n", None), ("supported_instance_types: any\n", "any")],
)
def test_a_versions_list_of_instance_types_counts_unless_the_settings_leave_it_out_of_account(
    written: str, compiled: str | None, tmp_path: Path
) -> None:
    [spec], found = load(tmp_path, churn=VALID + written)

    assert found == []
    assert spec.compiled.get("SupportedInstanceTypes") == compiled


def test_restart_is_a_text_of_the_compiled_settings(tmp_path: Path) -> None:
    [spec], found = load(tmp_path, churn=VALID + "restart: '2026-11-30'\n")

    assert found == []
    assert spec.compiled["Restart"] == "2026-11-30"


@pytest.mark.parametrize(
    ("policy", "compiled"),
    [
        ("", None),
        ("four_eyes: false\n", None),
        ("four_eyes: true\n", {"FourEyes": True}),
        (
            "approvers: ['arn:aws:iam::111122223333:user/ml/*']\n",
            {"Approvers": ["arn:aws:iam::111122223333:user/ml/*"]},
        ),
        (
            "four_eyes: true\napprovers: ['arn:aws:iam::*:user/a', 'arn:aws:iam::*:user/a']\n",
            {"Approvers": ["arn:aws:iam::*:user/a"], "FourEyes": True},
        ),
    ],
)
def test_the_approval_policy_holds_what_is_set_and_is_absent_when_nothing_is(
    policy: str, compiled: dict[str, object] | None, tmp_path: Path
) -> None:
    [spec], found = load(tmp_path, churn=VALID + policy)

    assert found == []
    assert spec.compiled.get("ApprovalPolicy") == compiled


@pytest.mark.parametrize("keep", [0, 50])
def test_how_many_former_releases_stay_is_stored(keep: int, tmp_path: Path) -> None:
    [spec], found = load(tmp_path, churn=f"{VALID}keep: {keep}\n")

    assert found == []
    assert spec.compiled["Keep"] == keep


def test_a_group_of_another_account_is_named_by_its_arn(tmp_path: Path) -> None:
    arn = "arn:aws-cn:sagemaker:cn-north-1:444455556666:model-package-group/churn"

    [spec], found = load(tmp_path, churn=f"model_package_group: {arn}\ninstance_type: ml.m5.large\n")

    assert found == []
    assert spec.model_package_group == arn


def test_anchors_and_merge_keys_are_ordinary_yaml_and_no_duplicates(tmp_path: Path) -> None:
    [spec], found = load(
        tmp_path,
        churn="""\
            model_package_group: churn
            instance_type: ml.m5.large
            tags: &common {team: growth, stage: test}
            environment: {<<: *common, stage: live}
            """,
    )

    assert found == []
    compiled = spec.compiled
    assert compiled["CreateModel"]["Containers"] == [{"Environment": {"team": "growth", "stage": "live"}}]


def test_text_outside_ascii_is_allowed_where_aws_allows_it(tmp_path: Path) -> None:
    [spec], found = load(tmp_path, churn=VALID + "tags: {team: Wachstum größer, 部署: 本番}\n")

    assert found == []
    assert spec.compiled["Tags"]["部署"] == "本番"


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert problems(tmp_path, b"\xef\xbb\xbf" + VALID.encode()) == []
