"""The local cloud refuses the policies that AWS refuses, through unmodified clients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.clients.account import Account, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.child_process import LocalCloud

pytestmark = pytest.mark.e2e

BAD_ACTION = {"Action": "GetObject"}
IDENTITY = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.fixture
def account(local_cloud: LocalCloud, account_id: str) -> Account:
    return Account(local_cloud, account_id)


def text(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})


def refused(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**request)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        ([{**IDENTITY, "Principal": {"AWS": "111122223333"}}], "should not specify a principal"),
        ([{**IDENTITY, "NotPrincipal": {"AWS": "111122223333"}}], "should not specify a principal"),
        ([{**IDENTITY, **BAD_ACTION}], "prefaced by a vendor"),
        ([{**IDENTITY, "Resource": "models"}], 'must be in ARN format or "*"'),
        ([{**IDENTITY, "Resource": []}], "Resource cannot be"),
        ([{**IDENTITY, "Actions": "s3:*"}], "Actions, which IAM does not know"),
        ([{**IDENTITY, "Sid": "read-models"}], "must be alpha-numeric"),
        ([{**IDENTITY, "Sid": "A"}, {**IDENTITY, "Sid": "A"}], "must be unique"),
        ([{**IDENTITY, "Condition": {"StringIs": {"aws:UserId": "<a> & b"}}}], "no condition operator"),
    ],
)
def test_iam_keeps_no_such_policy_of_an_identity(
    account: Account, statements: list[dict[str, Any]], why: str
) -> None:
    iam = account.client("iam")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=text(TRUST))
    iam.create_user(UserName="ann")
    iam.create_group(GroupName="readers")
    kept = iam.create_policy(PolicyName="kept", PolicyDocument=text(IDENTITY))["Policy"]["Arn"]
    document = text(*statements)

    for call, request in (
        (iam.put_role_policy, {"RoleName": "worker", "PolicyName": "own"}),
        (iam.put_user_policy, {"UserName": "ann", "PolicyName": "own"}),
        (iam.put_group_policy, {"GroupName": "readers", "PolicyName": "own"}),
        (iam.create_policy, {"PolicyName": "other"}),
        (iam.create_policy_version, {"PolicyArn": kept}),
    ):
        code, message = refused(call, **request, PolicyDocument=document)
        assert code == "MalformedPolicyDocument"
        assert why in message
    assert iam.list_role_policies(RoleName="worker")["PolicyNames"] == []


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ({**TRUST, "Resource": "*"}, "prohibited field Resource"),
        ({name: each for name, each in TRUST.items() if name != "Principal"}, "required field Principal"),
        ({**TRUST, "Action": "AssumeRole"}, "prefaced by a vendor"),
    ],
)
def test_iam_keeps_no_such_trust_policy(account: Account, statement: dict[str, Any], why: str) -> None:
    iam = account.client("iam")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=text(TRUST))

    for call, request in (
        (iam.create_role, {"RoleName": "other", "AssumeRolePolicyDocument": text(statement)}),
        (iam.update_assume_role_policy, {"RoleName": "worker", "PolicyDocument": text(statement)}),
    ):
        code, message = refused(call, **request)
        assert code == "MalformedPolicyDocument"
        assert why in message


def test_no_service_keeps_a_resources_policy_that_is_none(account: Account) -> None:
    bucket = f"grammar-{account.account_id}"
    account.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": account.region}
    )
    topic = account.client("sns").create_topic(Name="news")["TopicArn"]
    queue = account.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    key = account.client("kms").create_key()["KeyMetadata"]["KeyId"]
    account.client("ecr").create_repository(repositoryName="models")
    bad = text({**IDENTITY, "Principal": "*", **BAD_ACTION})
    as_policy = {"Policy": bad}

    for service, operation, request, code in (
        ("s3", "put_bucket_policy", {"Bucket": bucket, **as_policy}, "MalformedPolicy"),
        ("kms", "put_key_policy", {"KeyId": key, **as_policy}, "MalformedPolicyDocumentException"),
        ("kms", "create_key", as_policy, "MalformedPolicyDocumentException"),
        (
            "sns",
            "set_topic_attributes",
            {"TopicArn": topic, "AttributeName": "Policy", "AttributeValue": bad},
            "InvalidParameter",
        ),
        ("sns", "create_topic", {"Name": "other", "Attributes": as_policy}, "InvalidParameter"),
        (
            "sqs",
            "set_queue_attributes",
            {"QueueUrl": queue, "Attributes": as_policy},
            "InvalidAttributeValue",
        ),
        ("sqs", "create_queue", {"QueueName": "other", "Attributes": as_policy}, "InvalidAttributeValue"),
        (
            "ecr",
            "set_repository_policy",
            {"repositoryName": "models", "policyText": bad},
            "InvalidParameterException",
        ),
    ):
        found, message = refused(getattr(account.client(service), operation), **request)
        assert found == code, service
        assert "prefaced by a vendor" in message, service


def test_a_session_policy_is_one_of_an_identity(account: Account) -> None:
    account.client("iam").create_role(
        RoleName="worker",
        AssumeRolePolicyDocument=text({**TRUST, "Principal": {"AWS": account.account_id}}),
    )
    role = f"arn:aws:iam::{account.account_id}:role/worker"

    code, message = refused(
        account.client("sts").assume_role,
        RoleArn=role,
        RoleSessionName="one",
        Policy=text({**IDENTITY, "Sid": "read-models"}),
    )

    assert code == "MalformedPolicyDocument"
    assert "must be alpha-numeric" in message


def test_kms_keeps_a_statement_without_resource_and_it_has_no_effect(account: Account) -> None:
    kms, iam = account.client("kms"), account.client("iam")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    iam.create_role(
        RoleName="reader",
        AssumeRolePolicyDocument=text({**TRUST, "Principal": {"AWS": account.account_id}}),
    )
    role = f"arn:aws:iam::{account.account_id}:role/reader"
    admin = {"Effect": "Allow", "Principal": {"AWS": account.account_id}, "Action": "kms:*", "Resource": "*"}
    idle = {"Sid": "Read", "Effect": "Allow", "Principal": {"AWS": role}, "Action": "kms:Decrypt"}

    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=text(admin, idle))
    kept = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    reader = account.assuming(role).client("kms")

    assert kept["Statement"][1] == idle
    assert refused(reader.decrypt, CiphertextBlob=blob)[0] == "AccessDeniedException"
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=text(admin, {**idle, "Resource": "*"}))
    assert reader.decrypt(CiphertextBlob=blob)["Plaintext"] == b"secret"


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Statement": [{**TRUST, "Resource": "*"}]}}),
        (
            "AWS::IAM::Role",
            {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [TRUST]},
                "Policies": [
                    {"PolicyName": "own", "PolicyDocument": {"Statement": [{**IDENTITY, **BAD_ACTION}]}}
                ],
            },
        ),
        ("AWS::IAM::ManagedPolicy", {"PolicyDocument": {"Statement": [{**IDENTITY, "Sid": "a-b"}]}}),
        ("AWS::KMS::Key", {"KeyPolicy": {"Statement": [IDENTITY]}}),
        (
            "AWS::SQS::QueuePolicy",
            {"Queues": ["jobs"], "PolicyDocument": {"Statement": [{**IDENTITY, **BAD_ACTION}]}},
        ),
    ],
)
def test_cloudformation_makes_nothing_with_such_a_policy(
    account: Account, kind: str, properties: dict[str, Any]
) -> None:
    cloudformation = account.client("cloudformation")
    template = json.dumps({"Resources": {"It": {"Type": kind, "Properties": properties}}})

    cloudformation.create_stack(StackName="bad", TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])

    def status() -> str:
        return str(cloudformation.describe_stacks(StackName="bad")["Stacks"][0]["StackStatus"])

    eventually(status, lambda found: not found.endswith("_IN_PROGRESS"))
    assert status() in {"ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"}
