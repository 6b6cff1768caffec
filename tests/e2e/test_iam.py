"""IAM as the local cloud enforces it: who may call what, through unmodified clients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.child_process import start_local_cloud
from tests.e2e.clients.account import IMAGE, SCALING_MODEL, Account, Credentials, archive, eventually, policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.child_process import LocalCloud

pytestmark = pytest.mark.e2e

EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture
def account(local_cloud: LocalCloud, account_id: str) -> Account:
    """A fresh account with a bucket for models and an execution role that may read them."""
    return Account(local_cloud, account_id).with_bucket_and_role()


@pytest.fixture
def other(local_cloud: LocalCloud, account_id: str) -> Account:
    """Another account."""
    return Account(local_cloud, str(int(account_id) ^ 1)).with_bucket_and_role()


def allow(*actions: str, resource: str = "*", **members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **members}


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Return the code and the message of a call that must fail."""
    with pytest.raises(ClientError) as raised:
        call(**request)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def user(account: Account, name: str, *statements: dict[str, Any], **members: Any) -> Account:
    """Return the account as a new user with these statements sees it."""
    iam = account.client("iam")
    iam.create_user(UserName=name, **members)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
    return Account(account.cloud, account.account_id, account.region, credentials=credentials)


class TestCallers:
    def test_a_user_may_do_what_its_policy_says_and_no_more(self, account: Account) -> None:
        ann = user(account, "ann", allow("sagemaker:ListModels"))
        ann.sagemaker.list_models()

        code, message = refusal(ann.sagemaker.list_endpoints)

        assert code == "AccessDeniedException"
        assert message == (
            f"User: arn:aws:iam::{account.account_id}:user/ann is not authorized to perform: "
            "sagemaker:ListEndpoints on resource: * because no identity-based policy allows the "
            "sagemaker:ListEndpoints action"
        )

    def test_policies_of_groups_and_managed_ones_count(self, account: Account) -> None:
        iam = account.client("iam")
        ann = user(account, "ann")
        iam.create_group(GroupName="readers")
        iam.add_user_to_group(GroupName="readers", UserName="ann")
        assert refusal(ann.sagemaker.list_models)[0] == "AccessDeniedException"
        listing = policy(allow("sagemaker:ListModels"))
        iam.put_group_policy(GroupName="readers", PolicyName="list", PolicyDocument=listing)
        ann.sagemaker.list_models()

        arn = iam.create_policy(PolicyName="no", PolicyDocument=policy(EVERYTHING | {"Effect": "Deny"}))
        iam.attach_user_policy(UserName="ann", PolicyArn=arn["Policy"]["Arn"])
        assert "with an explicit deny in an identity-based policy" in refusal(ann.sagemaker.list_models)[1]

    def test_a_permissions_boundary_narrows(self, account: Account) -> None:
        boundary = account.client("iam").create_policy(
            PolicyName="boundary", PolicyDocument=policy(allow("sagemaker:List*"))
        )["Policy"]["Arn"]
        ann = user(account, "ann", EVERYTHING, PermissionsBoundary=boundary)
        ann.sagemaker.list_models()

        _, message = refusal(ann.sagemaker.describe_model, ModelName="m")

        assert message.endswith("because no permissions boundary allows the sagemaker:DescribeModel action")

    def test_a_boundary_looks_at_the_tags_of_a_resource(self, account: Account) -> None:
        tagged = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
        boundary = account.client("iam").create_policy(
            PolicyName="own-queues", PolicyDocument=policy(allow("sqs:*", Condition=tagged))
        )["Policy"]["Arn"]
        tags = [{"Key": "team", "Value": "research"}]
        ann = user(account, "ann", EVERYTHING, PermissionsBoundary=boundary, Tags=tags)
        sqs = account.client("sqs")
        own = sqs.create_queue(QueueName="own", tags={"team": "research"})["QueueUrl"]
        theirs = sqs.create_queue(QueueName="theirs", tags={"team": "sales"})["QueueUrl"]

        ann.client("sqs").send_message(QueueUrl=own, MessageBody="job")

        _, message = refusal(ann.client("sqs").send_message, QueueUrl=theirs, MessageBody="job")
        assert message.endswith("because no permissions boundary allows the sqs:SendMessage action")

    def test_a_session_policy_narrows(self, account: Account) -> None:
        role = account.role("worker", account.account_id, EVERYTHING)
        narrow = account.assuming(role, Policy=policy(allow("sagemaker:List*")))
        narrow.sagemaker.list_models()

        _, message = refusal(narrow.sagemaker.describe_model, ModelName="m")

        assert message.endswith("because no session policy allows the sagemaker:DescribeModel action")

    def test_a_chained_role_has_its_own_policies_only(self, account: Account) -> None:
        second = f"arn:aws:iam::{account.account_id}:role/second"
        first = account.role(
            "first", account.account_id, allow("sts:AssumeRole", resource=second), EVERYTHING
        )
        account.role("second", first, allow("sagemaker:ListModels"))
        chained = account.assuming(first).assuming(second)
        chained.sagemaker.list_models()

        assert "assumed-role/second" in refusal(chained.sagemaker.list_endpoints)[1]

    def test_a_role_is_assumed_by_whom_it_trusts(self, account: Account, other: Account) -> None:
        role = account.role("trusting", account.account_id, EVERYTHING)
        ann = user(account, "ann", allow("sts:AssumeRole", resource=f"{role}-not"))
        assert refusal(ann.assuming, role_arn=role)[0] == "AccessDenied"
        stranger = user(other, "eve", EVERYTHING)
        assert refusal(stranger.assuming, role_arn=role)[0] == "AccessDenied"
        named = account.role("naming", f"arn:aws:iam::{account.account_id}:user/ann", EVERYTHING)
        # Within an account, a trust policy that names the user is enough.
        ann.assuming(named).sagemaker.list_models()

    def test_principal_keys_tell_who_calls(self, account: Account) -> None:
        condition = {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{account.account_id}:role/team/worker"}}
        iam = account.client("iam")
        trust = allow("sts:AssumeRole", Principal={"AWS": account.account_id})
        del trust["Resource"]
        role = iam.create_role(Path="/team/", RoleName="worker", AssumeRolePolicyDocument=policy(trust))
        iam.put_role_policy(
            RoleName="worker", PolicyName="own", PolicyDocument=policy(EVERYTHING | {"Condition": condition})
        )

        account.assuming(role["Role"]["Arn"]).sagemaker.list_models()

    @pytest.mark.parametrize(
        ("key", "secret", "token", "code"),
        [
            ("AKIAUNKNOWN0000000", "x", None, "UnrecognizedClientException"),
            ("ASIAUNKNOWN0000000", "x", "y", "UnrecognizedClientException"),
        ],
    )
    def test_unknown_keys_are_nobodys(
        self, account: Account, key: str, secret: str, token: str | None, code: str
    ) -> None:
        credentials = Credentials(key, secret, token)
        stranger = Account(account.cloud, account.account_id, account.region, credentials=credentials)

        assert refusal(stranger.sagemaker.list_models)[0] == code

    def test_a_wrong_secret_is_noticed(self, account: Account) -> None:
        iam = account.client("iam")
        iam.create_user(UserName="ann")
        key = iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]
        credentials = Credentials(key, "wrong")
        forger = Account(account.cloud, account.account_id, account.region, credentials=credentials)

        assert refusal(forger.sagemaker.list_models)[0] == "InvalidSignatureException"


class TestServices:
    def test_a_model_is_invoked_by_those_who_may(self, account: Account) -> None:
        version = account.register(archive(SCALING_MODEL, factor=2))
        account.endpoint_config("churn", version)
        account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="churn")
        arn = f"arn:aws:sagemaker:{account.region}:{account.account_id}:endpoint/churn"
        ann = user(account, "ann", allow("sagemaker:InvokeEndpoint", resource=arn))
        bob = user(account, "bob", allow("sagemaker:InvokeEndpoint", resource=f"{arn}-not"))
        account.sagemaker.get_waiter("endpoint_in_service").wait(
            EndpointName="churn", WaiterConfig={"Delay": 1}
        )

        assert ann.predict("churn", [[1]]) == [[2]]
        code, message = refusal(bob.runtime.invoke_endpoint, EndpointName="churn", Body=b"[]")
        assert code == "AccessDeniedException"
        assert f"sagemaker:InvokeEndpoint on resource: {arn}" in message

    def test_auto_scaling_is_asked_for_too(self, account: Account) -> None:
        ann = user(account, "ann", allow("sagemaker:*"))

        code, message = refusal(
            ann.client("application-autoscaling").describe_scalable_targets, ServiceNamespace="sagemaker"
        )

        assert code == "AccessDeniedException"
        assert "application-autoscaling:DescribeScalableTargets" in message

    def test_passing_a_role_to_a_function_is_asked_for(self, account: Account) -> None:
        role = account.role("function", "lambda.amazonaws.com")
        create = allow("lambda:CreateFunction")
        to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
        request: dict[str, Any] = {
            "FunctionName": "f",
            "Role": role,
            "Runtime": "python3.13",
            "Handler": "app.handler",
            "Code": {"ZipFile": b"PK\x05\x06" + 18 * b"\0"},
        }
        without = user(account, "ann", create, allow("iam:PassRole", resource=f"{role}-not"))
        code, message = refusal(without.client("lambda").create_function, **request)
        assert code == "AccessDeniedException"
        assert f"iam:PassRole on resource: {role}" in message
        with_it = user(account, "bob", create, allow("iam:PassRole", resource=role, Condition=to_lambda))
        with_it.client("lambda").create_function(**request)

    def test_a_bucket_of_another_account_needs_both_policies(self, account: Account, other: Account) -> None:
        url = other.upload("v1", b"model")
        key = url.partition(f"s3://{other.bucket}/")[2]
        everything = f"arn:aws:s3:::{other.bucket}/*"
        ann = user(account, "ann", allow("s3:GetObject", resource=everything))
        bob = user(account, "bob")
        request = {"Bucket": other.bucket, "Key": key}
        assert refusal(ann.client("s3").get_object, **request)[0] == "AccessDenied"
        for name in ("ann", "bob"):
            arn = f"arn:aws:iam::{account.account_id}:user/{name}"
            read = allow("s3:GetObject", resource=everything, Principal={"AWS": arn})
            other.client("s3").put_bucket_policy(Bucket=other.bucket, Policy=policy(read))
            if name == "ann":
                assert ann.client("s3").get_object(**request)["Body"].read() == b"model"
        assert refusal(ann.client("s3").get_object, **request)[0] == "AccessDenied"
        assert refusal(bob.client("s3").get_object, **request)[0] == "AccessDenied"

    def test_settings_are_read_below_their_path_only(self, account: Account) -> None:
        ssm = account.client("ssm")
        for name in ("/greenlight/endpoints/churn", "/payroll"):
            ssm.put_parameter(Name=name, Value="x", Type="String")
        place = f"arn:aws:ssm:{account.region}:{account.account_id}:parameter"
        ann = user(account, "ann", allow("ssm:GetParameter*", resource=f"{place}/greenlight/*")).client("ssm")

        assert ann.get_parameters_by_path(Path="/greenlight/endpoints/")["Parameters"]
        assert refusal(ann.get_parameters_by_path, Path="/")[0] == "AccessDeniedException"
        assert refusal(ann.get_parameter, Name="/payroll")[0] == "AccessDeniedException"

    def test_events_are_put_for_the_sources_that_a_policy_names(self, account: Account) -> None:
        own = allow("events:PutEvents", Condition={"StringEquals": {"events:source": "greenlight"}})
        events = user(account, "ann", own).client("events")

        def entry(source: str) -> dict[str, str]:
            return {"Source": source, "DetailType": "x", "Detail": "{}"}

        assert events.put_events(Entries=[entry("greenlight")])["FailedEntryCount"] == 0
        for entries in ([entry("other")], [entry("greenlight"), entry("other")]):
            assert refusal(events.put_events, Entries=entries)[0] == "AccessDeniedException"

    def test_a_grant_is_made_for_whom_and_what_a_policy_names(self, account: Account) -> None:
        key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
        only = {
            "StringEquals": {"kms:GranteePrincipal": account.role_arn},
            "ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt"]},
        }
        ann = user(account, "ann", allow("kms:CreateGrant", resource=key, Condition=only)).client("kms")
        ann.create_grant(KeyId=key, GranteePrincipal=account.role_arn, Operations=["Decrypt"])
        another = account.role("another", "sagemaker.amazonaws.com")

        for grantee, operations in ((another, ["Decrypt"]), (account.role_arn, ["Decrypt", "Encrypt"])):
            request = {"KeyId": key, "GranteePrincipal": grantee, "Operations": operations}
            assert refusal(ann.create_grant, **request)[0] == "AccessDeniedException"

    @pytest.mark.parametrize("answer", ["every_alarm", "each_name"])
    def test_alarms_are_read_on_each_name_or_on_all(self, account: Account, answer: str) -> None:
        """AWS does not say whether a permission for named alarms is enough: both answers are a switch."""
        account.cloud.switch({"switches": {"described_alarms": answer}})
        own = f"arn:aws:cloudwatch:{account.region}:{account.account_id}:alarm:own-*"
        reader = user(account, "ann", allow("cloudwatch:DescribeAlarms", resource=own)).client("cloudwatch")

        refused = [("own-a", "other"), ()]
        if answer == "each_name":
            reader.describe_alarms(AlarmNames=["own-a", "own-b"])
        else:
            refused.append(("own-a", "own-b"))

        for names in refused:
            code, message = refusal(reader.describe_alarms, AlarmNames=names)
            assert code == "AccessDeniedException"
            assert "cloudwatch:DescribeAlarms on resource: arn:aws:cloudwatch" in message


class TestExecutionRoles:
    """SageMaker's actions in the name of a model's role."""

    def deploy(self, account: Account, *statements: dict[str, Any]) -> dict[str, Any]:
        """Deploy with a role that has these statements, and return how the endpoint ends."""
        account.role("serving", "sagemaker.amazonaws.com", *statements)
        account.role_arn = f"arn:aws:iam::{account.account_id}:role/serving"
        account.endpoint_config("churn", account.register(archive(SCALING_MODEL)))
        account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="churn")
        ended: dict[str, Any] = eventually(
            lambda: dict(account.sagemaker.describe_endpoint(EndpointName="churn")),
            lambda seen: seen["EndpointStatus"] != "Creating",
        )
        return ended

    def test_the_image_is_pulled_with_it(self, account: Account) -> None:
        repository = IMAGE.partition("/")[2].partition(":")[0]
        other = f"arn:aws:ecr:*:*:repository/not-{repository}"
        pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]

        ended = self.deploy(
            account, allow("s3:GetObject", "ecr:GetAuthorizationToken"), allow(*pull, resource=other)
        )

        assert ended["EndpointStatus"] == "Failed"
        assert ended["FailureReason"] == (
            f"The role '{account.role_arn}' does not have BatchGetImage permission for the image: '{IMAGE}'."
        )

    def test_model_data_is_decrypted_with_it(self, account: Account) -> None:
        key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
        account.client("s3").put_object(
            Bucket=account.bucket,
            Key="secret/model.tar.gz",
            Body=archive(SCALING_MODEL),
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=key,
        )
        request: Any = {
            "ModelName": "secret",
            "PrimaryContainer": {
                "Image": IMAGE,
                "ModelDataUrl": f"s3://{account.bucket}/secret/model.tar.gz",
            },
        }
        via = {"StringEquals": {"kms:ViaService": f"s3.{account.region}.amazonaws.com"}}
        read = allow("s3:GetObject")
        reader = account.role("reader", "sagemaker.amazonaws.com", read)
        decrypter = account.role(
            "decrypter", "sagemaker.amazonaws.com", read, allow("kms:Decrypt", resource=key, Condition=via)
        )

        _, message = refusal(account.sagemaker.create_model, ExecutionRoleArn=reader, **request)
        assert message.startswith("Could not access model data")
        account.sagemaker.create_model(ExecutionRoleArn=decrypter, **request)
        account.sagemaker.delete_model(ModelName="secret")
        account.client("kms").create_grant(KeyId=key, GranteePrincipal=reader, Operations=["Decrypt"])
        account.sagemaker.create_model(ExecutionRoleArn=reader, **request)

    def test_model_data_without_a_key_of_its_own_has_one_that_serves_no_other_account(
        self, account: Account, other: Account
    ) -> None:
        s3, kms = account.client("s3"), account.client("kms")
        data = {"Bucket": account.bucket, "Body": archive(SCALING_MODEL)}
        s3.put_object(Key="named/model.tar.gz", ServerSideEncryption="aws:kms", **data)
        by_default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
        s3.put_bucket_encryption(
            Bucket=account.bucket, ServerSideEncryptionConfiguration={"Rules": [by_default]}
        )
        s3.put_object(Key="default/model.tar.gz", **data)
        reading = allow("s3:GetObject", "kms:Decrypt")
        to_other = {**reading, "Action": "s3:GetObject", "Principal": {"AWS": other.account_id}}
        resource = f"arn:aws:s3:::{account.bucket}/*"
        s3.put_bucket_policy(Bucket=account.bucket, Policy=policy({**to_other, "Resource": resource}))
        heads = [
            s3.head_object(Bucket=account.bucket, Key=f"{folder}/model.tar.gz")
            for folder in ("named", "default")
        ]
        [key] = {head["SSEKMSKeyId"] for head in heads}

        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{account.bucket}/named/model.tar.gz"}
        here = account.role("here", "sagemaker.amazonaws.com", allow("s3:GetObject"))
        there = other.role("there", "sagemaker.amazonaws.com", reading)
        request: Any = {"ModelName": "model", "PrimaryContainer": container}

        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyManager"] == "AWS"
        assert kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"] == key
        account.sagemaker.create_model(ExecutionRoleArn=here, **request)
        _, message = refusal(other.sagemaker.create_model, ExecutionRoleArn=there, **request)
        assert message.startswith("Could not access model data")
        s3.put_object(Key="named/model.tar.gz", ServerSideEncryption="AES256", **data)
        other.sagemaker.create_model(ExecutionRoleArn=there, **request)

    def test_an_objects_key_is_answered_by_its_arn_whatever_it_was_named_by(self, account: Account) -> None:
        s3, kms = account.client("s3"), account.client("kms")
        key = kms.create_key()["KeyMetadata"]
        kms.create_alias(AliasName="alias/models", TargetKeyId=key["KeyId"])

        for name in (key["Arn"], key["KeyId"], "alias/models"):
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": name}
            s3.put_object(Bucket=account.bucket, Key="object", Body=b"", **encryption)
            assert s3.head_object(Bucket=account.bucket, Key="object")["SSEKMSKeyId"] == key["Arn"]
        assert kms.describe_key(KeyId=key["Arn"])["KeyMetadata"]["KeyManager"] == "CUSTOMER"

    def test_rollback_alarms_are_watched_with_it(self, account: Account) -> None:
        run = allow("s3:GetObject", "ecr:*")
        assert self.deploy(account, run)["EndpointStatus"] == "InService"
        account.client("cloudwatch").put_metric_alarm(
            AlarmName="errors",
            Namespace="n",
            MetricName="m",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        account.endpoint_config("next", account.register(archive(SCALING_MODEL)))
        request: Any = {
            "EndpointName": "churn",
            "EndpointConfigName": "next",
            "DeploymentConfig": {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
                },
                "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
            },
        }
        assert "could not be found" in refusal(account.sagemaker.update_endpoint, **request)[1]
        watch = policy(run, allow("cloudwatch:DescribeAlarms"))
        account.client("iam").put_role_policy(RoleName="serving", PolicyName="own", PolicyDocument=watch)

        account.sagemaker.update_endpoint(**request)


class TestEvents:
    """Rules, their targets, and the policies that admit them."""

    def queue(self, account: Account, name: str, *statements: dict[str, Any]) -> tuple[str, str]:
        """Create a queue with this policy; return its URL and ARN."""
        sqs = account.client("sqs")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        if statements:
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(*statements)})
        return url, arn

    def open_queue(self, account: Account, name: str) -> tuple[str, str]:
        admit = allow("sqs:SendMessage", Principal={"Service": "events.amazonaws.com"})
        return self.queue(account, name, admit)

    def rule(self, owner: Account, *targets: dict[str, Any], **pattern: Any) -> None:
        events = owner.client("events")
        events.put_rule(Name="approvals", EventPattern=json.dumps({"source": ["aws.sagemaker"], **pattern}))
        numbered = [{"Id": str(number), **target} for number, target in enumerate(targets)]
        events.put_targets(Rule="approvals", Targets=numbered)

    def messages(self, account: Account, url: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait for messages and return them."""
        sqs, received = account.client("sqs"), []

        def look() -> list[dict[str, Any]]:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
            received.extend(answer.get("Messages", []))
            return received

        return eventually(look, lambda seen: len(seen) >= count)

    def test_a_queue_has_to_admit_the_rule(self, account: Account) -> None:
        rule_arn = f"arn:aws:events:{account.region}:{account.account_id}:rule"
        for_rule = allow(
            "sqs:SendMessage",
            Principal={"Service": "events.amazonaws.com"},
            Condition={"ArnEquals": {"aws:SourceArn": f"{rule_arn}/approvals"}},
        )
        admitted_url, admitted = self.queue(account, "admitted", for_rule)
        _, closed = self.queue(account, "closed")
        failed_url, failed = self.open_queue(account, "failed")
        self.rule(account, {"Arn": admitted}, {"Arn": closed, "DeadLetterConfig": {"Arn": failed}})
        account.register(archive(SCALING_MODEL))

        assert json.loads(self.messages(account, admitted_url)[0]["Body"])["source"] == "aws.sagemaker"
        [message] = self.messages(account, failed_url)
        assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
        assert message["MessageAttributes"]["TARGET_ARN"]["StringValue"] == closed

    def forward(self, registry: Account, stage: Account, *, role_may: str = "*", **target: Any) -> None:
        """Forward the registry's events to the stage's bus with a role that may put events there."""
        bus = f"arn:aws:events:{stage.region}:{stage.account_id}:event-bus/default"
        role = registry.role(
            "forwarder",
            "events.amazonaws.com",
            allow("events:PutEvents", resource=bus if role_may == "*" else role_may),
        )
        self.rule(registry, {"Arn": bus, "RoleArn": role, **target})

    def admit(self, stage: Account, registry: Account) -> None:
        """Let the registry's account put events on the stage's bus."""
        bus = f"arn:aws:events:{stage.region}:{stage.account_id}:event-bus/default"
        statement = allow(
            "events:PutEvents",
            resource=bus,
            Principal={"AWS": f"arn:aws:iam::{registry.account_id}:root"},
        )
        stage.client("events").put_permission(EventBusName="default", Policy=policy(statement))

    def test_an_event_reaches_the_stage_with_the_registrys_account(
        self, account: Account, other: Account
    ) -> None:
        url, arn = self.open_queue(other, "approvals")
        self.admit(other, account)
        self.rule(other, {"Arn": arn}, account=[account.account_id])
        self.forward(account, other)

        version = account.register(archive(SCALING_MODEL))

        event = json.loads(self.messages(other, url)[0]["Body"])
        assert (event["account"], event["region"]) == (account.account_id, account.region)
        assert event["detail"]["ModelPackageArn"] == version

    def test_a_stack_admits_the_registry_to_its_own_bus(self, account: Account, other: Account) -> None:
        url, arn = self.open_queue(other, "approvals")
        bus_arn = f"arn:aws:events:{other.region}:{other.account_id}:event-bus/approvals"
        statement = allow("events:PutEvents", resource=bus_arn, Principal={"AWS": account.account_id})
        resources = {
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "approvals"}},
            "Policy": {
                "Type": "AWS::Events::EventBusPolicy",
                "DependsOn": "Bus",
                "Properties": {"EventBusName": "approvals", "StatementId": "Admit", "Statement": statement},
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "DependsOn": "Bus",
                "Properties": {
                    "EventBusName": "approvals",
                    "EventPattern": {"source": ["aws.sagemaker"]},
                    "Targets": [{"Id": "queue", "Arn": arn}],
                },
            },
        }
        cloudformation = other.client("cloudformation")
        cloudformation.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources}))
        cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
        role = account.role("to-stage", "events.amazonaws.com", allow("events:PutEvents", resource=bus_arn))
        self.rule(account, {"Arn": bus_arn, "RoleArn": role})

        account.register(archive(SCALING_MODEL))

        assert json.loads(self.messages(other, url)[0]["Body"])["account"] == account.account_id
        policy_text = other.client("events").describe_event_bus(Name="approvals")["Policy"]
        assert json.loads(policy_text)["Statement"] == [{"Sid": "Admit", **statement}]
        cloudformation.delete_stack(StackName="s")
        cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})

    def test_an_encrypted_topic_needs_its_key_too(self, account: Account) -> None:
        kms, sns = account.client("kms"), account.client("sns")
        key = kms.create_key()["KeyMetadata"]["Arn"]
        topic = sns.create_topic(Name="outcomes", Attributes={"KmsMasterKeyId": key})["TopicArn"]
        publish = allow("sns:Publish", resource=topic)
        heard = allow("sqs:SendMessage", Principal={"Service": "sns.amazonaws.com"})
        url, queue = self.queue(account, "outcomes", heard)
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
        failed_url, failed = self.open_queue(account, "failed")
        role = account.role("publisher", "events.amazonaws.com", publish)
        self.rule(account, {"Arn": topic, "RoleArn": role, "DeadLetterConfig": {"Arn": failed}})
        account.register(archive(SCALING_MODEL))
        [message] = self.messages(account, failed_url)
        assert "kms:GenerateDataKey" in message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
        use = policy(publish, allow("kms:GenerateDataKey", "kms:Decrypt", resource=key))
        account.client("iam").put_role_policy(RoleName="publisher", PolicyName="own", PolicyDocument=use)

        account.register(archive(SCALING_MODEL))

        self.messages(account, url)

    @pytest.mark.parametrize(
        ("is_admitted", "role_may"), [(False, "*"), (True, "arn:aws:events:*:*:event-bus/other")]
    )
    def test_both_the_bus_and_the_rules_role_have_to_allow_it(
        self, account: Account, other: Account, role_may: str, *, is_admitted: bool
    ) -> None:
        url, arn = self.open_queue(other, "approvals")
        if is_admitted:
            self.admit(other, account)
        self.rule(other, {"Arn": arn})
        failed_url, failed = self.open_queue(account, "failed")
        self.forward(account, other, role_may=role_may, DeadLetterConfig={"Arn": failed})

        account.register(archive(SCALING_MODEL))

        [message] = self.messages(account, failed_url)
        assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
        assert "events:PutEvents" in message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
        assert "Messages" not in other.client("sqs").receive_message(QueueUrl=url)

    def test_there_is_no_hop_to_a_third_account(
        self, local_cloud: LocalCloud, account: Account, other: Account
    ) -> None:
        third = Account(local_cloud, str(int(account.account_id) ^ 2))
        self.admit(other, account)
        self.admit(third, other)
        failed_url, failed = self.open_queue(other, "failed")
        self.forward(other, third, DeadLetterConfig={"Arn": failed})
        self.forward(account, other)

        account.register(archive(SCALING_MODEL))

        [message] = self.messages(other, failed_url)
        assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "THIRD_ACCOUNT_HOP_DETECTED"

    def test_a_topic_has_to_admit_alarms(self, account: Account) -> None:
        sns, cloudwatch = account.client("sns"), account.client("cloudwatch")
        topics = {name: sns.create_topic(Name=name)["TopicArn"] for name in ("admitting", "closed")}
        admit = allow(
            "sns:Publish",
            resource=topics["admitting"],
            Principal={"Service": "cloudwatch.amazonaws.com"},
            Condition={"StringEquals": {"aws:SourceAccount": account.account_id}},
        )
        closed = allow("sns:Publish", resource=topics["closed"], Principal={"AWS": account.account_id})
        urls = {}
        for name, statement in (("admitting", admit), ("closed", closed)):
            arn = topics[name]
            sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy(statement))
            heard = allow("sqs:SendMessage", Principal={"Service": "sns.amazonaws.com"})
            urls[name], queue = self.queue(account, name, heard)
            sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
        cloudwatch.put_metric_alarm(
            AlarmName="errors",
            AlarmActions=list(topics.values()),
            Namespace="n",
            MetricName="m",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="by hand")

        self.messages(account, urls["admitting"])
        assert "Messages" not in account.client("sqs").receive_message(QueueUrl=urls["closed"])


class TestRegistries:
    def test_a_group_is_read_from_another_account_if_both_sides_allow(
        self, account: Account, other: Account
    ) -> None:
        version = account.register(archive(SCALING_MODEL))
        read = allow("sagemaker:DescribeModelPackage", resource=version)
        deployer = other.assuming(other.role("deployer", other.account_id, read))
        assert (
            "no resource-based policy"
            in refusal(deployer.sagemaker.describe_model_package, ModelPackageName=version)[1]
        )
        consent = policy(read | {"Principal": {"AWS": f"arn:aws:iam::{other.account_id}:role/deployer"}})
        account.sagemaker.put_model_package_group_policy(
            ModelPackageGroupName="churn-models", ResourcePolicy=consent
        )

        described = deployer.sagemaker.describe_model_package(ModelPackageName=version)

        assert described["ModelPackageArn"] == version
        stranger = other.assuming(other.role("stranger", other.account_id, EVERYTHING))
        assert refusal(stranger.sagemaker.describe_model_package, ModelPackageName=version)[0] == (
            "AccessDeniedException"
        )


def test_without_iam_everybody_may_do_everything() -> None:
    with start_local_cloud(enforce_iam=False) as cloud:
        account = Account(cloud, "111122223333")
        ann = user(account, "ann")

        ann.sagemaker.list_models()
        ann.client("ssm").put_parameter(Name="/x", Value="x", Type="String")
