"""The doctor's only calls, against clients that answer as the services do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from deployer.endpoint_pass.versions import Versions
from deployer.gateways.s3 import S3
from deployer.model.identity import Identity
from deployer.model.model_version import ModelVersion
from greenlight.connection import Connection
from greenlight.doctor.facts import (
    NO_CREDENTIALS,
    Absent,
    Found,
    Grant,
    KmsKey,
    Quota,
    Role,
    Rule,
    Unreadable,
    Version,
)
from greenlight.doctor.reading.gathering import gather
from greenlight.errors import Addressee
from tests.infra.stages.example import KEY, OTHER_KEY, REGION, REGISTRY, STAGING
from tests.infra.stages.test_access import DEPLOYER, MODELS, stages
from tests.unit.deployer.builders import settings
from tests.unit.greenlight.doctor.builders import (
    BUS,
    FUNCTION,
    GROUP,
    OUTPUTS,
    SENDER,
    VERSION,
    access,
    endpoint,
    with_owned_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from greenlight.doctor.facts import Facts

POLICY = {"Version": "2012-10-17", "Statement": [{"Sid": "Theirs"}]}
TRUST = {"Statement": [{"Effect": "Allow"}]}
PATTERN = {"source": ["aws.sagemaker"]}


def refused(code: str, message: str = "as it says") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@dataclass
class Client:
    """A client whose answers are given by operation; an answer may be an error, or be made of arguments."""

    answers: dict[str, Any]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            answer = self.answers[name]
            answer = answer(**arguments) if callable(answer) else answer
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def get_paginator(self, name: str) -> Any:
        call = getattr(self, name)

        class Paginator:
            def paginate(self, **arguments: Any) -> list[Any]:
                answer = call(**arguments)
                return answer if isinstance(answer, list) else [answer]

        return Paginator()


def connection(answers: dict[str, dict[str, Any]]) -> Connection:
    """Credentials, with each service's answers to them."""
    return Connection(Addressee(None, REGION, "Greenlight-staging"), lambda service: Client(answers[service]))


def container(**parts: Any) -> dict[str, Any]:
    return {"Image": VERSION.images[0], "ModelDataUrl": VERSION.artifacts[0], **parts}


def described(*containers: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {
        "ModelPackageArn": VERSION.arn,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": "Approved",
        "InferenceSpecification": {"Containers": list(containers or [container()])},
        **parts,
    }


def listing(*keys: str) -> Callable[..., dict[str, Any]]:
    """A bucket with these objects; it answers as S3 does: in the order of the keys, as many as asked for."""

    def list_objects_v2(*, Bucket: str, Prefix: str, MaxKeys: int = 1000) -> dict[str, Any]:  # noqa: N803 - as boto3
        assert Bucket == "models"
        found = [{"Key": key, "ETag": key} for key in sorted(keys) if key.startswith(Prefix)]
        return {"Contents": found[:MaxKeys]} if found else {}

    return list_objects_v2


def stage_answers() -> dict[str, dict[str, Any]]:
    rule = {
        "Name": "receiving",
        "Arn": "arn:receiving",
        "State": "ENABLED",
        "EventPattern": json.dumps(PATTERN),
    }
    quotas = [
        {"QuotaName": "ml.m5.large for endpoint usage", "QuotaCode": "L-1", "Value": 4.0},
        {"QuotaName": "x", "QuotaCode": "L-2", "Value": 1.0},
    ]
    return {
        "sts": {"get_caller_identity": {"Account": STAGING}},
        "iam": {
            "get_role": {"Role": {"AssumeRolePolicyDocument": TRUST}},
            "list_role_policies": [{"PolicyNames": ["inline"]}, {"PolicyNames": []}],
            "get_role_policy": {"PolicyDocument": POLICY},
            "list_attached_role_policies": {"AttachedPolicies": [{"PolicyArn": "arn:managed"}]},
            "get_policy": {"Policy": {"DefaultVersionId": "v2"}},
            "get_policy_version": lambda **given: {
                "PolicyVersion": {
                    "Document": {"Statement": [{"Sid": "{PolicyArn}/{VersionId}".format(**given)}]}
                }
            },
        },
        "events": {
            "describe_event_bus": {"Policy": json.dumps(POLICY)},
            "list_rules": lambda **given: (
                {"Rules": [rule]} if "NextToken" in given else {"Rules": [], "NextToken": "more"}
            ),
            "list_targets_by_rule": {"Targets": [{"Arn": FUNCTION}]},
        },
        "lambda": {"get_policy": {"Policy": json.dumps(POLICY)}},
        "cloudformation": {
            "describe_stacks": {
                "Stacks": [
                    {"Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]}
                ]
            }
        },
        "service-quotas": {
            "list_aws_default_service_quotas": [{"Quotas": [{**each, "Value": 0.0} for each in quotas]}],
            "list_service_quotas": [{"Quotas": quotas}],
        },
        "sagemaker": {
            "list_model_packages": {"ModelPackageSummaryList": []},
            "describe_model_package": refused("AccessDeniedException"),
        },
    }


def registry_answers() -> dict[str, dict[str, Any]]:
    versions = [
        {"ModelPackageArn": "newest", "ModelApprovalStatus": "PendingManualApproval"},
        {"ModelPackageArn": VERSION.arn, "ModelApprovalStatus": "Approved"},
    ]
    text = json.dumps(POLICY)
    return {
        "sts": {"get_caller_identity": {"Account": REGISTRY}},
        "iam": {**stage_answers()["iam"]},
        "sagemaker": {
            "list_model_packages": {"ModelPackageSummaryList": versions},
            "describe_model_package": lambda **given: described(ModelPackageArn=given["ModelPackageName"]),
            "get_model_package_group_policy": {"ResourcePolicy": text},
        },
        "s3": {
            "get_bucket_policy": {"Policy": text},
            "list_objects_v2": listing("churn/3/model.tar.gz"),
            "head_object": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY},
        },
        "ecr": {"get_repository_policy": {"policyText": text}, "batch_get_image": {"images": [{}]}},
        "kms": {
            "get_key_policy": {"Policy": text},
            "describe_key": lambda **given: {
                "KeyMetadata": {"Arn": given["KeyId"], "KeyManager": "CUSTOMER"}
            },
            "list_grants": [
                {"Grants": [{"GranteePrincipal": MODELS, "Operations": ["Decrypt"]}]},
                {"Grants": [{}]},
            ],
        },
        "events": {
            "list_rule_names_by_target": lambda **given: (
                {"RuleNames": ["forwarding"]}
                if "NextToken" in given
                else {"RuleNames": [], "NextToken": "more"}
            ),
            "describe_rule": {
                "Arn": "arn:forwarding",
                "State": "DISABLED",
                "EventPattern": json.dumps(PATTERN),
            },
            "list_targets_by_rule": {"Targets": [{"Arn": BUS, "RoleArn": SENDER}]},
        },
    }


def read(*, here: dict[str, Any] | None = None, there: dict[str, Any] | None = None, **options: Any) -> Facts:
    """Gather, with some operations answering otherwise: `iam/get_role`."""
    sides = (stage_answers(), registry_answers())
    for answers, changes in zip(sides, (here or {}, there or {}), strict=True):
        for path, answer in changes.items():
            service, _, operation = path.partition("/")
            answers[service][operation] = answer
    stage, registry = (connection(answers) for answers in sides)
    of = options.pop("access", access())
    endpoints = options.pop("endpoints", [endpoint("churn")])
    given = {"registry": registry, "caller_account": STAGING, "registry_account": REGISTRY, **options}
    return gather(of, GROUP, endpoints, stage=stage, **given)


def test_everything_is_read_from_the_side_that_has_it() -> None:
    found = read()

    assert (found.caller_account, found.registry_account) == (STAGING, REGISTRY)
    managed = {"Statement": [{"Sid": "arn:managed/v2"}]}
    assert found.deployer_role == found.execution_role == Found(Role(TRUST, (POLICY, managed)))
    assert found.bus_policy == Found(POLICY)
    assert found.receiving_rules == Found(
        [Rule("receiving", "arn:receiving", enabled=True, pattern=PATTERN, targets=((FUNCTION, None),))]
    )
    assert found.function_policies == {FUNCTION: Found(POLICY)}
    assert found.quotas == {"ml.m5.large": Found(Quota(4.0, "L-1"))}
    assert found.version == Found(VERSION)
    assert set(found.policies) == {
        ("group", GROUP),
        ("bucket", "models"),
        ("repository", "team/churn"),
        ("key", KEY),
    }
    assert all(policy == Found(POLICY) for policy in found.policies.values())
    assert found.grants == {OTHER_KEY: Found([Grant(MODELS, ("Decrypt",)), Grant("", ())])}
    assert found.forwarding_rules == Found(
        [Rule("forwarding", "arn:forwarding", enabled=False, pattern=PATTERN, targets=((BUS, SENDER),))]
    )
    assert set(found.forwarding_roles) == {SENDER}
    assert found.artifacts == {VERSION.artifacts[0]: Found(["churn/3/model.tar.gz"])}
    assert found.encryption == {VERSION.artifacts[0]: Found([KEY])}
    assert found.keys == {KEY: Found(KmsKey(KEY, is_managed_by_aws=False))}
    assert found.stack_outputs == Found(OUTPUTS)
    assert found.images == {VERSION.images[0]: Found(value=True)}


def test_without_the_registrys_credentials_its_side_is_unreadable_but_for_the_version() -> None:
    found = read(
        registry=None,
        registry_account=None,
        here={"sagemaker/describe_model_package": described()},
        version=VERSION.arn,
    )

    assert found.registry_account is None
    assert found.version == Found(VERSION)
    assert {*found.policies.values(), *found.grants.values(), found.forwarding_rules} == {NO_CREDENTIALS}
    assert {*found.artifacts.values(), *found.images.values()} == {NO_CREDENTIALS}
    assert found.encryption == found.keys == {}


def test_in_the_registrys_own_account_the_stages_credentials_do() -> None:
    lab = stages()["lab"]
    of_stage = {name: stage_answers()[name] for name in ("lambda", "service-quotas", "cloudformation")}
    answers = {**registry_answers(), **of_stage}
    answers["events"] = {**answers["events"], **stage_answers()["events"]}

    session = connection(answers)
    found = gather(
        lab, "fraud", [], stage=session, registry=None, caller_account=REGISTRY, registry_account=None
    )

    assert found.version == Found(VERSION)
    assert found.quotas == {}


ABSENT = {
    "a role": ("here", "iam/get_role", refused("NoSuchEntity"), "deployer_role"),
    "a bus": ("here", "events/describe_event_bus", refused("ResourceNotFoundException"), "bus_policy"),
    "a group": (
        "there",
        "sagemaker/list_model_packages",
        refused("ValidationException", "ModelPackageGroup x does not exist."),
        "version",
    ),
    "a stack": (
        "here",
        "cloudformation/describe_stacks",
        refused("ValidationError", "Stack with id Greenlight-staging does not exist"),
        "stack_outputs",
    ),
    "a version": ("there", "sagemaker/list_model_packages", {"ModelPackageSummaryList": []}, "version"),
}


@pytest.mark.parametrize(("side", "path", "answer", "fact"), ABSENT.values(), ids=ABSENT)
def test_what_is_not_there_is_absent(side: str, path: str, answer: Any, fact: str) -> None:
    found = read(**{side: {path: answer}})

    assert getattr(found, fact) == Absent()


@pytest.mark.parametrize(
    ("path", "code", "message", "target"),
    [
        ("s3/get_bucket_policy", "NoSuchBucketPolicy", "", ("bucket", "models")),
        ("ecr/get_repository_policy", "RepositoryPolicyNotFoundException", "", ("repository", "team/churn")),
        ("kms/get_key_policy", "NotFoundException", "", ("key", KEY)),
        (
            "sagemaker/get_model_package_group_policy",
            "ValidationException",
            "Cannot find resource policy for: x",
            ("group", GROUP),
        ),
    ],
)
def test_a_policy_that_is_not_there_is_absent(
    path: str, code: str, message: str, target: tuple[str, str]
) -> None:
    assert read(there={path: refused(code, message)}).policies[target] == Absent()


@pytest.mark.parametrize("error", [refused("AccessDenied", "not you"), NoCredentialsError()])
def test_what_may_not_be_read_costs_one_answer_and_not_all(error: Exception) -> None:
    found = read(here={"iam/get_role": error}, there={"s3/get_bucket_policy": error})

    for unread in (found.deployer_role, found.policies["bucket", "models"]):
        assert isinstance(unread, Unreadable)
        assert unread.reason == str(error)
        assert unread.remedy.endswith(".")
    assert found.policies["group", GROUP] == Found(POLICY)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (refused("AccessDeniedException"), "Let who runs the doctor read it"),
        (refused("ThrottlingException"), "ask again in a minute"),
        (refused("InternalFailure"), "Look after what the service says"),
        (NoCredentialsError(), "Look after the credentials"),
    ],
)
def test_of_what_could_not_be_read_it_is_said_what_to_do(error: Exception, remedy: str) -> None:
    found = read(here={"events/describe_event_bus": error}).bus_policy

    assert isinstance(found, Unreadable)
    assert remedy in found.remedy


def test_a_roles_boundary_is_read() -> None:
    role = {"AssumeRolePolicyDocument": TRUST, "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:bound"}}

    found = read(here={"iam/get_role": {"Role": role}}).execution_role

    assert isinstance(found, Found)
    assert found.value.boundary == {"Statement": [{"Sid": "arn:bound/v2"}]}


def test_documents_that_are_not_decoded_are_read_all_the_same() -> None:
    encoded = json.dumps(POLICY).replace('"', "%22").replace("{", "%7B")

    found = read(here={"iam/get_role_policy": {"PolicyDocument": encoded}}).deployer_role

    assert isinstance(found, Found)
    assert found.value.policies[0] == POLICY


def test_a_bus_without_a_policy_has_an_empty_one() -> None:
    assert read(here={"events/describe_event_bus": {}}).bus_policy == Found({})


def test_a_function_that_is_not_there_or_has_no_policy_is_absent() -> None:
    found = read(here={"lambda/get_policy": refused("ResourceNotFoundException")})

    assert found.function_policies == {FUNCTION: Absent()}


def test_a_key_that_its_owner_sees_to_is_read_as_well() -> None:
    owned = f"arn:aws:kms:{REGION}:999999999999:key/owned"

    assert ("key", owned) in read(access=with_owned_key(owned)).policies


def test_quotas_that_are_not_listed_are_absent_and_unreadable_ones_are_told() -> None:
    none = read(
        here={"service-quotas/list_service_quotas": [], "service-quotas/list_aws_default_service_quotas": []}
    )
    denied = read(here={"service-quotas/list_service_quotas": refused("AccessDeniedException")})

    assert none.quotas == {"ml.m5.large": Absent()}
    assert isinstance(denied.quotas["ml.m5.large"], Unreadable)


def test_without_an_approved_version_the_newest_is_looked_at() -> None:
    newest = {"ModelPackageSummaryList": [{"ModelPackageArn": "newest"}, {"ModelPackageArn": "older"}]}

    found = read(there={"sagemaker/list_model_packages": newest}).version

    assert isinstance(found, Found)
    assert found.value.arn == "newest"


def test_a_given_version_is_looked_at() -> None:
    found = read(version="given").version

    assert isinstance(found, Found)
    assert found.value.arn == "given"


SOURCE: dict[str, Any] = {"S3Uri": "s3://models/churn/b", "S3DataType": "S3Prefix"}
MANY: dict[str, Any] = {
    "Image": "x",
    "ModelDataSource": {"S3DataSource": SOURCE},
    "AdditionalModelDataSources": [
        {"ChannelName": "a", "S3DataSource": {**SOURCE, "S3Uri": "s3://models/a", "S3DataType": "S3Object"}},
        {"ChannelName": "m", "S3DataSource": {**SOURCE, "ManifestS3Uri": "s3://models/manifest"}},
    ],
    "AdditionalS3DataSource": {"S3Uri": "s3://models/more", "S3DataType": "S3Object"},
}


def test_artifacts_of_every_kind_are_found() -> None:
    answer = described(container(), MANY, {})

    found = read(there={"sagemaker/describe_model_package": answer}).version

    assert found == Found(
        Version(
            VERSION.arn,
            "Completed",
            "Approved",
            (VERSION.images[0], "x"),
            (
                VERSION.artifacts[0],
                "s3://models/churn/b/",
                "s3://models/a",
                "s3://models/manifest",
                "s3://models/more",
            ),
        )
    )


SPECIFICATIONS = [
    {"Name": "small", "Containers": [container(Image="small", ModelDataUrl="s3://models/churn/small")]},
    {"Name": "large", "Containers": [container(Image="large", ModelDataUrl="s3://models/churn/large")]},
]


@pytest.mark.parametrize(
    ("served", "images"),
    [
        ([None], (VERSION.images[0],)),
        (["small"], ("small",)),
        (["large", "small", "small"], ("small", "large")),
        ([None, "large"], (VERSION.images[0], "large")),
        (["none"], ()),
        ([], (VERSION.images[0],)),
    ],
)
def test_what_a_version_needs_is_what_the_specifications_need_that_endpoints_serve(
    served: list[str | None], images: tuple[str, ...]
) -> None:
    answer = described(AdditionalInferenceSpecifications=SPECIFICATIONS)

    found = read(
        there={"sagemaker/describe_model_package": answer},
        endpoints=[endpoint(f"churn-{name}", specification=name) for name in served],
    ).version

    assert isinstance(found, Found)
    assert found.value.images == images
    assert len(found.value.artifacts) == len(images)
    assert found.value.specifications == ("small", "large")


# The doctor and the deployer agree on what an artifact is, and when it exists.

OBJECTS = ("churn/3/model.tar.gz", "churn/3/model.tar.gz.old", "churn/b/1", "churn/b/2", "churn/bb/1", "a")
CONTAINERS: dict[str, dict[str, Any]] = {
    "an object": container(),
    "the beginning of one": container(ModelDataUrl="s3://models/churn/3/model.tar"),
    "one that is gone, beside a longer one": container(ModelDataUrl="s3://models/churn/3/mod"),
    "a prefix": container(ModelDataUrl="s3://models/churn/b/"),
    "the beginning of a prefix": container(ModelDataUrl="s3://models/churn/b"),
    "a bucket": container(ModelDataUrl="s3://models"),
    "an empty prefix": container(ModelDataUrl="s3://models/fraud/"),
    "sources of every kind": MANY,
    "nothing": {},
}


@pytest.mark.parametrize("described_container", CONTAINERS.values(), ids=CONTAINERS)
def test_the_doctor_sees_the_artifacts_that_the_deployer_sees(described_container: dict[str, Any]) -> None:
    seen: dict[str, list[str]] = {}
    s3 = S3(lambda: cast("Any", Client({"list_objects_v2": listing(*OBJECTS)})))

    class Recording:
        def entity_tags(self, uri: str) -> dict[str, str]:
            tags = s3.entity_tags(uri)
            seen[uri] = list(tags)
            return tags

    version = ModelVersion(
        VERSION.arn,
        GROUP,
        3,
        "Completed",
        "Approved",
        registered_by=Identity(None, None),
        last_modified_by=Identity(None, None),
        last_modified_time=datetime.fromtimestamp(0, UTC),
        containers={None: [described_container]},
    )
    unused = cast("Any", None)
    looked_at = Versions(
        settings(StageName="staging"), unused, unused, unused, cast("Any", Recording()), unused
    )
    looked_at.read_digest(version)

    found = read(
        there={
            "sagemaker/describe_model_package": described(described_container),
            "s3/list_objects_v2": listing(*OBJECTS),
        }
    ).artifacts

    assert found == {uri: Found(keys) if keys else Absent() for uri, keys in seen.items()}


def test_of_many_objects_the_first_are_looked_at() -> None:
    many = [f"churn/b/{number:04}" for number in range(150)]
    asked: list[str] = []

    def head_object(*, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - as boto3
        assert Bucket == "models"
        asked.append(Key)
        return {}

    found = read(
        there={
            "sagemaker/describe_model_package": described(container(ModelDataUrl="s3://models/churn/b/")),
            "s3/list_objects_v2": listing(*many),
            "s3/head_object": head_object,
        }
    )

    assert found.artifacts == {"s3://models/churn/b/": Found(many[:100])}
    assert asked == many[:100]


HEADS: dict[str, dict[str, Any]] = {
    "a": {"ServerSideEncryption": "AES256"},
    "b": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/models"},
    "c": {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": KEY},
    "d": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": f"arn:aws:kms:{REGION}:999999999999:key/theirs"},
    "e": {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY},
}


def test_the_keys_of_objects_are_read_each_once_and_what_they_are_of_the_registrys_own() -> None:
    def describe_key(KeyId: str) -> dict[str, Any]:  # noqa: N803 - as boto3
        known = {"alias/models": OTHER_KEY, KEY: KEY}
        return {"KeyMetadata": {"Arn": known[KeyId], "KeyManager": "AWS" if KeyId == KEY else "CUSTOMER"}}

    found = read(
        there={
            "sagemaker/describe_model_package": described(container(ModelDataUrl="s3://models/")),
            "s3/list_objects_v2": listing(*HEADS),
            "s3/head_object": lambda **given: HEADS[given["Key"]],
            "kms/describe_key": describe_key,
        }
    )

    theirs = HEADS["d"]["SSEKMSKeyId"]
    assert found.encryption == {"s3://models/": Found(["alias/models", KEY, theirs])}
    assert found.keys == {
        "alias/models": Found(KmsKey(OTHER_KEY, is_managed_by_aws=False)),
        KEY: Found(KmsKey(KEY, is_managed_by_aws=True)),
    }


@pytest.mark.parametrize("code", ["403", "400"])
def test_a_head_that_is_refused_is_told_with_what_it_may_be_for(code: str) -> None:
    found = read(there={"s3/head_object": refused(code)})

    unread = found.encryption[VERSION.artifacts[0]]
    assert isinstance(unread, Unreadable)
    assert "s3:GetObject" in unread.reason
    assert (unread.statement is not None) is (code == "403")
    assert found.keys == {}


@pytest.mark.parametrize(
    ("code", "reading"), [("NotFoundException", Absent), ("AccessDeniedException", Unreadable)]
)
def test_a_key_that_is_gone_or_not_shown_is_told(code: str, reading: type) -> None:
    assert isinstance(read(there={"kms/describe_key": refused(code)}).keys[KEY], reading)


@pytest.mark.parametrize(
    ("suffix", "wanted"),
    [
        (":3", {"imageTag": "3"}),
        ("", {"imageTag": "latest"}),
        (f"@sha256:{'0' * 64}", {"imageDigest": f"sha256:{'0' * 64}"}),
        (f":3@sha256:{'0' * 64}", {"imageDigest": f"sha256:{'0' * 64}"}),
    ],
)
def test_an_image_is_looked_for_by_its_tag_or_its_digest(suffix: str, wanted: dict[str, str]) -> None:
    image = f"{REGISTRY}.dkr.ecr.{REGION}.amazonaws.com/team/churn{suffix}"
    asked: list[dict[str, Any]] = []

    def batch_get_image(**arguments: Any) -> dict[str, Any]:
        asked.append(arguments)
        return {"images": []}

    found = read(
        there={
            "sagemaker/describe_model_package": described(container(Image=image)),
            "ecr/batch_get_image": batch_get_image,
        }
    )

    assert found.images == {image: Found(value=False)}
    assert asked == [{"repositoryName": "team/churn", "registryId": REGISTRY, "imageIds": [wanted]}]


def test_an_image_of_aws_is_not_looked_for() -> None:
    image = f"492215442770.dkr.ecr.{REGION}.amazonaws.com/sagemaker-scikit-learn:1"

    assert read(there={"sagemaker/describe_model_package": described(container(Image=image))}).images == {}


def test_an_artifact_that_is_gone_is_told() -> None:
    found = read(there={"s3/list_objects_v2": listing("churn/3/model.tar.gz.old")})

    assert found.artifacts == {VERSION.artifacts[0]: Absent()}
    assert found.encryption == {}, "nobody asks of what kind is what is not there"


def test_roles_are_read_by_their_names_whatever_their_paths() -> None:
    asked: list[str] = []

    def get_role(RoleName: str) -> dict[str, Any]:  # noqa: N803 - as boto3
        asked.append(RoleName)
        return {"Role": {"AssumeRolePolicyDocument": TRUST}}

    read(here={"iam/get_role": get_role}, access=stages()["production"])

    assert asked == ["Greenlight-production-eu-central-1-deployer", "models"]
    assert DEPLOYER.endswith("deployer")
