"""Each verb of the command with nothing but the policies for people, and what these do not allow.

The verbs' readers run on accounts in memory. IAM's evaluation is asked before every call, with the resources
that AWS's service authorization reference gives for it.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from deployer.contract import (
    ADOPTED_TAG,
    CONCURRENCY,
    ENDPOINT_TAG,
    INSTANCES,
    OUTCOME_DETAIL_TYPE,
    PART_DETAIL_TYPE,
    PAUSES,
    REQUEST_DETAIL_TYPE,
    REQUESTS,
    SETTINGS_INDEX,
    SOURCE,
    STACK_TAG,
)
from deployer.gateways.requests import ROLLBACK, request_key
from deployer.gateways.settings_files import SettingsFiles
from deployer.model.attempt import AttemptStatus
from deployer.model.pause import Pause
from deployer.model.request import Request
from greenlight.adopting.proposal import propose
from greenlight.adopting.view import changes_nothing
from greenlight.adopting.writing import tag
from greenlight.commands.why import read_account
from greenlight.connection import Connection
from greenlight.doctor.examination import Kind
from greenlight.doctor.examining import examine_stack
from greenlight.doctor.findings import Status
from greenlight.doctor.scope import Scope
from greenlight.endpoint.reading import read_detail
from greenlight.errors import Addressee
from greenlight.fleet.reading import read_fleet
from greenlight.logs import read_lines, source_of
from greenlight.previewing import Previews
from greenlight.steering.deciding import decide, read_candidate
from greenlight.steering.following import followers
from greenlight.steering.pausing import end_pause, write_pause
from greenlight.steering.requesting import tell_deployer, write_request
from greenlight.timeline.entries import served_at
from greenlight.timeline.origin import read_origin
from greenlight.timeline.reading import read_items, read_timelines
from greenlight.why.account import document
from iam_evaluator.decision import AccessRequest
from iam_evaluator.evaluation import evaluate
from infra.settings.compiling.settings_files import settings_digest, settings_files
from local_cloud.testing.in_process import InProcessCloud
from tests.infra.estate import NAMES
from tests.infra.roles import ACCOUNT, REGION, Deployed
from tests.unit.deployer.builders import ENDPOINT, NOW, deployment, minutes, version_arn
from tests.unit.deployer.pipeline import REGION as PIPELINE_REGION
from tests.unit.deployer.pipeline import Pipeline
from tests.unit.greenlight.fakes import Fake, config_of, served
from tests.unit.greenlight.test_adopt import ByHand, scale
from tests.unit.greenlight.test_fleet_state import CANARY
from tests.unit.greenlight.test_remove import abandoned, connection_of, left, remove
from tests.unit.greenlight.test_why import account, environment_of, settings_of, with_a_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from iam_evaluator.principals import Principal
    from iam_evaluator.request_context import Values
    from tests.infra.conftest import Synthesised

BEGIN = NOW - timedelta(days=1)


GUARDED = {**CANARY, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}
ELSEWHERE = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


@dataclass
class Account(Fake):
    """An account with a registry, a log and a bundle, beside what the other fakes have."""

    updated: list[Mapping[str, Any]] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)

    def get_function(self, **_: Any) -> dict[str, Any]:
        return {}

    def describe_alarms(self, **_: Any) -> dict[str, Any]:
        return {"MetricAlarms": []}

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        [query] = request["MetricDataQueries"]
        return {"MetricDataResults": [{"Id": query["Id"], "Timestamps": [NOW], "Values": [4.0]}]}

    def filter_log_events(self, **_: Any) -> dict[str, Any]:
        return {"events": []}

    def describe_model_package(self, **_: Any) -> dict[str, Any]:
        return {
            "ModelPackageArn": version_arn(3),
            "ModelPackageGroupName": "churn-models",
            "ModelPackageVersion": 3,
        }

    def update_model_package(self, **request: Any) -> None:
        self.updated.append(request)

    def put_events(self, **request: Any) -> dict[str, Any]:
        self.told += request["Entries"]
        return {"FailedEntryCount": 0}


@dataclass
class Healthy(Account):
    """An account in which nothing is missing, as far as the doctor sees it.

    Attributes:
        deployed: The stack, whose resources are named in answers.
        rules: The stack's rules, by their bus.
    """

    deployed: Deployed | None = None

    @property
    def stack(self) -> Deployed:
        """The stack."""
        assert self.deployed is not None
        return self.deployed

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        answer = super().describe_stacks()
        queues = self.stack.arns("AWS::SQS::Queue")
        names = ("UndeliveredQueueUrl", "UnhandledQueueUrl")
        answer["Stacks"][0]["Outputs"] += [
            {"OutputKey": name, "OutputValue": f"https://sqs/{queue.rpartition(':')[2]}"}
            for name, queue in zip(names, queues, strict=True)
        ]
        return answer

    def get_function(self, **_: Any) -> dict[str, Any]:
        function = self.stack.arn("AWS::Lambda::Function", "DeployerFunction")
        variables = self.stack.variables("DeployerFunction") | {"SWEEP_BUS_NAME": "Greenlight.sweep-parts"}
        configuration = {
            "FunctionArn": function,
            "Role": self.stack.role_of(function),
            "Environment": {"Variables": variables},
            "CodeSha256": CODE,
        }
        return {"Configuration": configuration}

    def get_policy(self, **request: Any) -> dict[str, Any]:
        if "PolicyArn" in request:
            return {"Policy": {"DefaultVersionId": "v1"}}
        return {"Policy": json.dumps({"Statement": [ANYBODY]})}

    def get_policy_version(self, **_: Any) -> dict[str, Any]:
        return {"PolicyVersion": {"Document": {"Statement": [ANYTHING]}}}

    def list_rules(self, *, EventBusName: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - botocore's
        bus = "" if EventBusName == "default" else f"{EventBusName}/"
        return {
            "Rules": [
                {"Name": name, "Arn": arn("events", f"rule/{bus}{name}"), "State": "ENABLED", **rule}
                for name, rule in RULES.items()
                if bool(bus) is (name == "Greenlight-parts")
            ]
        }

    def list_targets_by_rule(self, **_: Any) -> dict[str, Any]:
        return {"Targets": [{"Arn": self.stack.arn("AWS::Lambda::Function", "DeployerFunction")}]}

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"ApproximateNumberOfMessages": "0"}}

    def list_subscriptions_by_topic(self, **_: Any) -> dict[str, Any]:
        return {"Subscriptions": [{"SubscriptionArn": "arn:x", "Protocol": "email", "Endpoint": "ada"}]}

    def get_parameter(self, **_: Any) -> dict[str, Any]:
        return {"Parameter": {"Value": settings_digest(settings_files(self.settings.values()))}}

    def get_role(self, *, RoleName: str) -> dict[str, Any]:  # noqa: N803 - botocore's
        service = "sagemaker" if RoleName == "models" else "lambda"
        trust = {**ANYTHING, "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        del trust["Resource"]
        return {"Role": {"AssumeRolePolicyDocument": {"Statement": [trust]}}}

    def list_role_policies(self, **_: Any) -> dict[str, Any]:
        return {"PolicyNames": ["own"]}

    def get_role_policy(self, **_: Any) -> dict[str, Any]:
        return {"PolicyDocument": {"Statement": [ANYTHING]}}

    def list_attached_role_policies(self, **_: Any) -> dict[str, Any]:
        return {"AttachedPolicies": [{"PolicyArn": f"arn:aws:iam::{ACCOUNT}:policy/Greenlight-1"}]}

    def describe_model_package_group(self, **_: Any) -> dict[str, Any]:
        return {"ModelPackageGroupStatus": "Completed"}

    def list_model_packages(self, **_: Any) -> dict[str, Any]:
        return {"ModelPackageSummaryList": [{"ModelPackageArn": version_arn(3)}]}

    def describe_model_package(self, **_: Any) -> dict[str, Any]:
        # Without artifacts and images: those are not the stack's, and the policies do not show them.
        return {**super().describe_model_package(), "ModelPackageStatus": "Completed"}

    def list_tags(self, **_: Any) -> dict[str, Any]:
        return {"Tags": [{"Key": STACK_TAG, "Value": "Greenlight"}]}

    def describe_alarms(self, **_: Any) -> dict[str, Any]:
        return {"MetricAlarms": [{"AlarmName": "errors", "StateValue": "OK"}]}

    def list_service_quotas(self, **_: Any) -> dict[str, Any]:
        # Only what the account was given: for the rest, AWS's default holds.
        return {"Quotas": [{**QUOTA, "QuotaName": "ml.c5.large for endpoint usage"}]}

    def list_aws_default_service_quotas(self, **_: Any) -> dict[str, Any]:
        return {"Quotas": [QUOTA]}


CODE = b64encode(b"code").decode()
ANYBODY = {"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": "*"}
ANYTHING: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
QUOTA = {"QuotaName": "ml.m5.large for endpoint usage", "QuotaCode": "L-1", "Value": 100.0}


def event_pattern(source: str, kind: str, **members: Any) -> dict[str, Any]:
    return {"EventPattern": json.dumps({"source": [source], "detail-type": [kind], **members})}


RULES: dict[str, dict[str, Any]] = {
    "Greenlight-approvals": event_pattern("aws.sagemaker", "SageMaker Model Package State Change"),
    "Greenlight-endpoints": event_pattern("aws.sagemaker", "SageMaker Endpoint State Change"),
    "Greenlight-settings": event_pattern("aws.ssm", "Parameter Store Change"),
    "Greenlight-sweep": {"ScheduleExpression": "rate(15 minutes)"},
    "Greenlight-parts": event_pattern("greenlight", PART_DETAIL_TYPE),
}

ACTIONS = {
    "get_policy": "lambda:GetPolicy",
    "get_policy_version": "iam:GetPolicyVersion",
    "list_rules": "events:ListRules",
    "list_targets_by_rule": "events:ListTargetsByRule",
    "get_queue_attributes": "sqs:GetQueueAttributes",
    "list_subscriptions_by_topic": "sns:ListSubscriptionsByTopic",
    "get_parameter": "ssm:GetParameter",
    "get_role": "iam:GetRole",
    "list_role_policies": "iam:ListRolePolicies",
    "get_role_policy": "iam:GetRolePolicy",
    "list_attached_role_policies": "iam:ListAttachedRolePolicies",
    "describe_model_package_group": "sagemaker:DescribeModelPackageGroup",
    "list_model_packages": "sagemaker:ListModelPackages",
    "list_tags": "sagemaker:ListTags",
    "list_service_quotas": "servicequotas:ListServiceQuotas",
    "list_aws_default_service_quotas": "servicequotas:ListAWSDefaultServiceQuotas",
    "describe_stacks": "cloudformation:DescribeStacks",
    "get_function": "lambda:GetFunction",
    "query": "dynamodb:Query",
    "batch_get_item": "dynamodb:BatchGetItem",
    "put_item": "dynamodb:PutItem",
    "delete_item": "dynamodb:DeleteItem",
    "list_endpoints": "sagemaker:ListEndpoints",
    "describe_endpoint": "sagemaker:DescribeEndpoint",
    "describe_alarms": "cloudwatch:DescribeAlarms",
    "get_metric_data": "cloudwatch:GetMetricData",
    "filter_log_events": "logs:FilterLogEvents",
    "describe_model_package": "sagemaker:DescribeModelPackage",
    "update_model_package": "sagemaker:UpdateModelPackage",
    "put_events": "events:PutEvents",
}
"""Every call of the command, and the action that it takes."""


def needs(deployed: Deployed, operation: str, request: Mapping[str, Any]) -> AccessRequest:
    """Return what a call asks of IAM."""
    action = "iam:GetPolicy" if "PolicyArn" in request and operation == "get_policy" else ACTIONS[operation]
    match action.partition(":")[0], action.partition(":")[2]:
        case "dynamodb", _:
            keys = request.get("Item") or request.get("Key") or {"endpoint": {"S": ""}}
            resource = deployed.arn("AWS::DynamoDB::Table", "JournalTable")
            context: dict[str, Values] = {"dynamodb:leadingkeys": (keys["endpoint"]["S"],)}
            return AccessRequest(action, resource, context=context)
        case "sagemaker", "UpdateModelPackage":
            context = {"sagemaker:modelapprovalstatus": (request["ModelApprovalStatus"],)}
            return AccessRequest(action, arn("sagemaker", "model-package/churn-models/3"), context=context)
        case "events", "PutEvents":
            [entry] = request["Entries"]
            context = {"events:source": entry["Source"], "events:detail-type": entry["DetailType"]}
            return AccessRequest(action, arn("events", "event-bus/default"), context=context)
        case "logs", _:
            group = request["logGroupName"]
            own = deployed.arn("AWS::Logs::LogGroup", "DeployerLogs")
            own = own.replace(":*", ":log-stream:")
            return AccessRequest(
                action, own if group == "logs" else arn("logs", f"log-group:{group}:log-stream:")
            )
    resources = {
        "describe_stacks": arn("cloudformation", f"stack/{request.get('StackName')}/1"),
        "get_function": deployed.arn("AWS::Lambda::Function", "DeployerFunction"),
        "describe_endpoint": arn("sagemaker", f"endpoint/{request.get('EndpointName')}"),
        "describe_alarms": arn("cloudwatch", "alarm:*"),
        "get_policy": request.get("PolicyArn") or deployed.arn("AWS::Lambda::Function", "DeployerFunction"),
        "get_policy_version": str(request.get("PolicyArn")),
        "list_targets_by_rule": arn("events", f"rule/{rule_of(request)}"),
        "get_queue_attributes": arn("sqs", str(request.get("QueueUrl")).rpartition("/")[2]),
        "list_subscriptions_by_topic": deployed.arn("AWS::SNS::Topic", "Outcomes"),
        "get_parameter": arn("ssm", f"parameter{request.get('Name')}"),
        "describe_model_package_group": arn("sagemaker", "model-package-group/churn-models"),
        "list_tags": arn("sagemaker", "endpoint/churn"),
        # CloudFormation puts the stack's name before the logical id, which is a name here.
        **dict.fromkeys(OF_ROLES, f"arn:aws:iam::{ACCOUNT}:role/Greenlight-{request.get('RoleName')}"),
        "describe_model_package": arn("sagemaker", "model-package/churn-models/3"),
    }
    return AccessRequest(action, resources.get(operation, "*"))


OF_ROLES = ("get_role", "list_role_policies", "get_role_policy", "list_attached_role_policies")


def rule_of(request: Mapping[str, Any]) -> str:
    """Return the end of the ARN of a rule: the default bus is left out."""
    bus = request.get("EventBusName", "default")
    return str(request.get("Rule")) if bus == "default" else f"{bus}/{request.get('Rule')}"


@dataclass
class Asked:
    """A client that asks IAM before each call.

    Attributes:
        account: What answers.
        deployed: The stack, whose resources are named in requests.
        people: The caller has all of these policies. One of them has to allow the call.
    """

    account: Account
    deployed: Deployed
    people: Sequence[Principal]

    def get_paginator(self, operation: str) -> OnePage:
        return OnePage(getattr(self, operation))

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        call = getattr(self.account, operation)

        def asking(**request: Any) -> Any:
            needed = needs(self.deployed, operation, request)
            if not any(evaluate(person, needed).is_allowed for person in self.people):
                denied: Any = {"Code": "AccessDeniedException", "Message": needed.action}
                raise ClientError({"Error": denied}, operation)
            return call(**request)

        return asking


@dataclass
class OnePage:
    """Pages of an operation: the first is the last."""

    call: Callable[..., Any]

    def paginate(self, **request: Any) -> list[Any]:
        return [self.call(**request)]


@dataclass
class Desk:
    """Somebody at a terminal, with some of the policies."""

    account: Account
    deployed: Deployed

    def connection(self, *policies: str) -> Connection:
        people = [self.deployed.person(f"People{each}") for each in policies]
        client = Asked(self.account, self.deployed, people)
        return Connection(Addressee(None, REGION, "Greenlight"), lambda _service: client)

    def settings(self, connection: Connection) -> SettingsFiles:
        connection.client("lambda").get_function(FunctionName=connection.stack.function_name)
        return self.account.files()


@pytest.fixture
def desk(featured: Synthesised) -> Desk:
    account = Account()
    for name in ("churn", "fraud"):
        account.manage(
            name,
            DeploymentConfig={**CANARY, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}},
            RollbackAlarms=[
                {
                    "AlarmName": "errors",
                    "Namespace": "AWS/SageMaker",
                    "MetricName": "Invocations",
                    "Dimensions": [],
                    "Statistic": "Sum",
                    "Period": 60,
                    "Threshold": 10,
                }
            ],
        )
        account.serve(name, config=config_of(1))
    account.record("churn", served(1, minutes_ago=30))
    account.rest("churn", config_of(1))
    account.record("fraud", served(1, minutes_ago=30))
    coming = deployment(2, status=AttemptStatus.ACCEPTED, approved_at=minutes(-1))
    account.record("fraud", coming)
    account.calls.clear()
    return Desk(account, Deployed(featured))


def test_a_viewer_sees_the_fleet(desk: Desk) -> None:
    assert [each.name for each in read_fleet(desk.connection("Viewer"), desk.settings)] == ["churn", "fraud"]


def test_a_viewer_sees_one_endpoint(desk: Desk) -> None:
    found = read_detail(desk.connection("Viewer"), "fraud", NOW, desk.settings).detail

    assert list(found.alarms) == ["errors"]
    assert found.measured["errors"].words == "4 calls (limit 10 calls)"


def test_a_viewer_sees_what_happened_and_what_served(desk: Desk) -> None:
    connection = desk.connection("Viewer")

    entries, _ = read_timelines(connection, lambda _: ["churn", "fraud"], since=BEGIN, limit=None)
    origin = read_origin(connection, "churn", served_at(read_items(connection, "churn"), NOW))

    assert len(entries) == 3
    assert origin.registry_says is None


@pytest.mark.parametrize("config", ["ours", "foreign", "changed", "new"])
def test_a_viewer_asks_why(featured: Synthesised, config: str) -> None:
    pipeline = with_a_failure()
    if config == "foreign":
        # A config that the journal does not know: its models say which version serves.
        serving = pipeline.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
        variants = pipeline.sagemaker.describe_endpoint_config(EndpointConfigName=serving)[
            "ProductionVariants"
        ]
        pipeline.sagemaker.create_endpoint_config(EndpointConfigName="theirs", ProductionVariants=variants)
        pipeline.sagemaker.update_endpoint(EndpointName=ENDPOINT, EndpointConfigName="theirs")
        pipeline.pass_time(600)
    if config == "new":
        # Nobody looked at the endpoint yet: its first look lists the group.
        pipeline = Pipeline()
        pipeline.manage()
        pipeline.approve(pipeline.register())
    if config == "changed":
        pipeline.manage(Restart="again")
    viewer = Deployed(featured, pipeline.account_id, PIPELINE_REGION, NAMES).person("PeopleViewer")
    cloud = InProcessCloud(
        pipeline.control_plane, account_id=pipeline.account_id, region=PIPELINE_REGION, principal=viewer
    )

    files = SettingsFiles(pipeline.files.__getitem__)
    previews = Previews(cloud.client, environment_of(pipeline), files, now=pipeline.now)
    found = read_account(settings_of(pipeline), previews, None)

    # Who may not read something gets another answer, and no error.
    assert document(found) == document(account(pipeline))


def test_a_viewer_asks_the_doctor(
    featured: Synthesised, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing of the stack's own stays unread."""
    account = Healthy(deployed=Deployed(featured, names=NAMES))
    alarms = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}
    account.manage("churn", DeploymentConfig={**CANARY, **alarms})
    account.serve("churn", config=config_of(1))
    digest = b64decode(CODE).hex()
    files = settings_files(account.settings.values())
    kept = tmp_path / "greenlight" / "settings" / digest / SETTINGS_INDEX
    kept.parent.mkdir(parents=True)
    kept.write_bytes(files[SETTINGS_INDEX])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    desk = Desk(account, account.stack)

    found = examine_stack(desk.connection("Viewer"), Scope("churn"), lambda _: account.files())

    assert [str(each) for part in found.parts for each in part.of(Status.UNKNOWN)] == []
    assert {part.kind for part in found.parts} == set(Kind)


@pytest.mark.parametrize("whose", ["endpoint", "deployer"])
def test_a_viewer_reads_logs(desk: Desk, whose: str) -> None:
    connection = desk.connection("Viewer")
    source = source_of(connection.stack, "churn", of_deployer=whose == "deployer")

    assert read_lines(connection, source, BEGIN, NOW, 10).lines == ()


def test_an_operator_decides(desk: Desk) -> None:
    connection = desk.connection("Viewer", "Operator")
    candidate = read_candidate(connection, "churn-models", 3)

    decide(connection, candidate, "Approved", "better")

    assert [each.name for each in followers(connection, candidate, desk.settings)] == ["churn", "fraud"]
    assert desk.account.updated


def test_an_operator_pauses_and_resumes(desk: Desk) -> None:
    connection = desk.connection("Viewer", "Operator")

    write_pause(connection, Pause("churn", "INC-42", "ada", None))
    assert desk.account.journal.pauses.all()
    end_pause(connection, "churn")
    assert not desk.account.journal.pauses.all()


ASKED = Request(
    "churn", ROLLBACK, version_arn(1), "slow", "ada", NOW, request_key("churn", ROLLBACK, NOW, "1f")
)


def test_an_operator_asks_for_a_rollback(desk: Desk) -> None:
    connection = desk.connection("Viewer", "Operator")

    write_request(connection, ASKED)

    [asked] = desk.account.journal.requests.all()
    assert (asked.endpoint_name, asked.version_arn, asked.at, asked.faults) == (
        "churn",
        version_arn(1),
        NOW,
        (),
    )
    assert tell_deployer(connection)
    assert [json.loads(each["Detail"]) for each in desk.account.told] == [{"StackName": "Greenlight"}]


def test_a_viewer_asks_for_none(desk: Desk) -> None:
    connection = desk.connection("Viewer")

    with pytest.raises(ClientError, match="PutItem"):
        write_request(connection, ASKED)
    assert not tell_deployer(connection)


PAYROLL = arn("dynamodb", "table/payroll")
EVENTS = arn("events", "event-bus")


@pytest.mark.parametrize(
    ("policy", "action", "resource", "context"),
    [
        ("Viewer", "cloudformation:DescribeStacks", arn("cloudformation", "stack/Payroll/1"), {}),
        ("Viewer", "lambda:GetFunction", arn("lambda", "function:payroll"), {}),
        ("Viewer", "dynamodb:Query", PAYROLL, {}),
        ("Viewer", "dynamodb:BatchGetItem", PAYROLL, {}),
        (
            "Viewer",
            "sagemaker:DescribeEndpoint",
            f"{ELSEWHERE}:endpoint/churn",
            {},
        ),
        (
            "Viewer",
            "sagemaker:DescribeModelPackage",
            f"{ELSEWHERE}:model-package/churn-models/3",
            {},
        ),
        ("Viewer", "logs:FilterLogEvents", arn("logs", "log-group:/aws/lambda/payroll:*"), {}),
        ("Viewer", "sagemaker:ListTags", f"{ELSEWHERE}:endpoint/churn", {}),
        ("Viewer", "lambda:GetPolicy", arn("lambda", "function:payroll"), {}),
        ("Viewer", "events:ListTargetsByRule", arn("events", "rule/payroll"), {}),
        ("Viewer", "events:ListTargetsByRule", arn("events", "rule/payroll/sweep"), {}),
        ("Viewer", "sqs:GetQueueAttributes", arn("sqs", "payroll"), {}),
        ("Viewer", "sns:ListSubscriptionsByTopic", arn("sns", "payroll"), {}),
        ("Viewer", "ssm:GetParameter", arn("ssm", "parameter/payroll"), {}),
        ("Viewer", "iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/payroll", {}),
        ("Viewer", "iam:GetRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/payroll", {}),
        ("Viewer", "iam:ListRolePolicies", f"arn:aws:iam::{ACCOUNT}:role/payroll", {}),
        ("Viewer", "iam:ListAttachedRolePolicies", f"arn:aws:iam::{ACCOUNT}:role/payroll", {}),
        ("Viewer", "iam:GetPolicy", f"arn:aws:iam::{ACCOUNT}:policy/payroll", {}),
        ("Viewer", "iam:GetPolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/payroll", {}),
        (
            "Viewer",
            "sagemaker:DescribeModelPackageGroup",
            f"{ELSEWHERE}:model-package-group/churn-models",
            {},
        ),
        ("Viewer", "sagemaker:DescribeEndpointConfig", f"{ELSEWHERE}:endpoint-config/churn", {}),
        ("Viewer", "sagemaker:DescribeModel", f"{ELSEWHERE}:model/churn", {}),
        ("Viewer", "dynamodb:PutItem", "{journal}", {"dynamodb:leadingkeys": (PAUSES,)}),
        ("Viewer", "sagemaker:UpdateModelPackage", arn("sagemaker", "model-package/churn-models/3"), {}),
        ("Operator", "dynamodb:PutItem", "{journal}", {"dynamodb:leadingkeys": ("churn",)}),
        ("Operator", "dynamodb:DeleteItem", "{journal}", {"dynamodb:leadingkeys": ("churn",)}),
        (
            "Operator",
            "dynamodb:PutItem",
            PAYROLL,
            {"dynamodb:leadingkeys": (PAUSES,)},
        ),
        (
            "Operator",
            "sagemaker:UpdateModelPackage",
            arn("sagemaker", "model-package/churn-models/3"),
            {"sagemaker:custommetadataproperties/greenlight:staging:endpoint:churn": ("serving",)},
        ),
        (
            "Operator",
            "sagemaker:UpdateModelPackage",
            f"{ELSEWHERE}:model-package/churn-models/3",
            {"sagemaker:modelapprovalstatus": ("Approved",)},
        ),
        ("Operator", "dynamodb:DeleteItem", "{journal}", {"dynamodb:leadingkeys": (REQUESTS,)}),
        (
            "Operator",
            "dynamodb:PutItem",
            PAYROLL,
            {"dynamodb:leadingkeys": (REQUESTS,)},
        ),
        *(
            ("Operator", "events:PutEvents", bus, {"events:source": source, "events:detail-type": kind})
            for bus, source, kind in (
                (f"{EVENTS}/default", "aws.sagemaker", REQUEST_DETAIL_TYPE),
                (f"{EVENTS}/default", SOURCE, PART_DETAIL_TYPE),
                (f"{EVENTS}/default", SOURCE, OUTCOME_DETAIL_TYPE),
                (f"{EVENTS}/payments", SOURCE, REQUEST_DETAIL_TYPE),
            )
        ),
    ],
)
def test_people_cannot(
    featured: Synthesised, policy: str, action: str, resource: str, context: dict[str, Values]
) -> None:
    deployed = Deployed(featured)
    journal = deployed.arn("AWS::DynamoDB::Table", "JournalTable")
    request = AccessRequest(action, resource.replace("{journal}", journal), context=context)

    assert not evaluate(deployed.person(f"People{policy}"), request).is_allowed


def test_an_operator_adopts_an_endpoint(featured: Synthesised, tmp_path: Path) -> None:
    by_hand = ByHand(tmp_path)
    by_hand.make()
    scale(by_hand)
    pipeline = by_hand.pipeline
    deployed = Deployed(featured, pipeline.account_id, PIPELINE_REGION, NAMES)
    viewer, operator = deployed.person("PeopleViewer"), deployed.person("PeopleOperator")
    both = replace(operator, identity_policies=(*viewer.identity_policies, *operator.identity_policies))
    cloud = InProcessCloud(
        pipeline.control_plane, account_id=pipeline.account_id, region=PIPELINE_REGION, principal=both
    )
    files = SettingsFiles(pipeline.files.__getitem__)
    previews = Previews(cloud.client, environment_of(pipeline), files, now=pipeline.now)

    proposal = propose(ENDPOINT, None, by_hand.place, previews, cloud.client)
    tag(proposal, cloud.client)

    assert changes_nothing(proposal)
    assert propose(ENDPOINT, None, by_hand.place, previews, cloud.client).is_tagged


@pytest.mark.parametrize("keeps_endpoint", [False, True])
def test_a_remover_removes_what_is_left(featured: Synthesised, *, keeps_endpoint: bool) -> None:
    pipeline = abandoned(scales=True)
    deployed = Deployed(featured, pipeline.account_id, PIPELINE_REGION, NAMES)
    viewer, remover = deployed.person("PeopleViewer"), deployed.person("PeopleRemover")
    both = replace(remover, identity_policies=(*viewer.identity_policies, *remover.identity_policies))
    cloud = InProcessCloud(
        pipeline.control_plane, account_id=pipeline.account_id, region=PIPELINE_REGION, principal=both
    )
    remove(pipeline, keeps_endpoint=keeps_endpoint, connection=connection_of(pipeline, cloud))

    assert (pipeline.serving() == "v2") is keeps_endpoint
    assert left(pipeline).is_nothing


@pytest.mark.parametrize("dimension", [INSTANCES, CONCURRENCY])
def test_a_remover_ends_either_kind_of_scaling(featured: Synthesised, dimension: str) -> None:
    context: dict[str, Values] = {
        "application-autoscaling:service-namespace": ("sagemaker",),
        "application-autoscaling:scalable-dimension": (dimension,),
    }
    target = arn("application-autoscaling", "scalable-target/1")
    request = AccessRequest("application-autoscaling:DeregisterScalableTarget", target, context=context)

    assert evaluate(Deployed(featured).person("PeopleRemover"), request).is_allowed


@pytest.mark.parametrize("kind", ["endpoint", "endpoint-config", "model"])
@pytest.mark.parametrize("key", [STACK_TAG, ENDPOINT_TAG, ADOPTED_TAG])
def test_a_remover_takes_the_deployers_tags_off(featured: Synthesised, kind: str, key: str) -> None:
    request = AccessRequest(
        "sagemaker:DeleteTags", arn("sagemaker", f"{kind}/churn"), context={**OURS, "aws:tagkeys": (key,)}
    )

    assert evaluate(Deployed(featured).person("PeopleRemover"), request).is_allowed


OURS: dict[str, Values] = {"aws:resourcetag/greenlight:stack": ("Greenlight",)}
THEIRS: dict[str, Values] = {"aws:resourcetag/greenlight:stack": ("Other",)}


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("sagemaker:DeleteEndpoint", arn("sagemaker", "endpoint/churn"), THEIRS),
        ("sagemaker:DeleteEndpoint", arn("sagemaker", "endpoint/churn"), {}),
        ("sagemaker:DeleteEndpoint", f"{ELSEWHERE}:endpoint/churn", OURS),
        ("sagemaker:DeleteEndpointConfig", arn("sagemaker", "endpoint-config/churn"), THEIRS),
        ("sagemaker:DeleteEndpointConfig", f"{ELSEWHERE}:endpoint-config/churn", OURS),
        ("sagemaker:DeleteModel", arn("sagemaker", "model/churn"), THEIRS),
        ("sagemaker:DeleteModel", f"{ELSEWHERE}:model/churn", OURS),
        ("sagemaker:ListTags", f"{ELSEWHERE}:model/churn", {}),
        ("sagemaker:ListTags", f"{ELSEWHERE}:endpoint-config/churn", {}),
        (
            "sagemaker:DeleteTags",
            arn("sagemaker", "endpoint/churn"),
            {**THEIRS, "aws:tagkeys": ("greenlight:stack",)},
        ),
        (
            "sagemaker:DeleteTags",
            arn("sagemaker", "endpoint/churn"),
            {**OURS, "aws:tagkeys": ("cost-centre",)},
        ),
        *(
            (
                "sagemaker:DeleteTags",
                f"{ELSEWHERE}:{kind}/churn",
                {**OURS, "aws:tagkeys": ("greenlight:stack",)},
            )
            for kind in ("endpoint", "endpoint-config", "model")
        ),
        (
            "application-autoscaling:DeregisterScalableTarget",
            arn("application-autoscaling", "scalable-target/1"),
            {
                "application-autoscaling:service-namespace": ("ecs",),
                "application-autoscaling:scalable-dimension": ("sagemaker:variant:DesiredInstanceCount",),
            },
        ),
        (
            "application-autoscaling:DeregisterScalableTarget",
            arn("application-autoscaling", "scalable-target/1"),
            {
                "application-autoscaling:service-namespace": ("sagemaker",),
                "application-autoscaling:scalable-dimension": (
                    "sagemaker:inference-component:DesiredCopyCount",
                ),
            },
        ),
        (
            "application-autoscaling:DeregisterScalableTarget",
            arn("application-autoscaling", "scalable-target/1").replace(REGION, "us-east-1"),
            {
                "application-autoscaling:service-namespace": ("sagemaker",),
                "application-autoscaling:scalable-dimension": ("sagemaker:variant:DesiredInstanceCount",),
            },
        ),
        ("dynamodb:BatchWriteItem", "{journal}", {"dynamodb:leadingkeys": (PAUSES,)}),
        ("dynamodb:BatchWriteItem", PAYROLL, {"dynamodb:leadingkeys": ("churn",)}),
    ],
)
def test_a_remover_cannot(
    featured: Synthesised, action: str, resource: str, context: dict[str, Values]
) -> None:
    deployed = Deployed(featured)
    journal = deployed.arn("AWS::DynamoDB::Table", "JournalTable")
    request = AccessRequest(action, resource.replace("{journal}", journal), context=context)

    assert not evaluate(deployed.person("PeopleRemover"), request).is_allowed


TAKEN: dict[str, Values] = {
    "aws:requesttag/greenlight:stack": ("Greenlight",),
    "aws:tagkeys": ("greenlight:stack",),
}
CHURN = arn("sagemaker", "endpoint/churn")


@pytest.mark.parametrize(
    ("policy", "resource", "context"),
    [
        ("Viewer", CHURN, TAKEN),
        ("Operator", CHURN, {**TAKEN, "aws:resourcetag/greenlight:stack": ("Other",)}),
        ("Operator", CHURN, {**TAKEN, "aws:requesttag/greenlight:stack": ("Other",)}),
        ("Operator", CHURN, {"aws:tagkeys": ("greenlight:adopted",)}),
        ("Operator", CHURN, {**TAKEN, "aws:tagkeys": ("greenlight:stack", "cost-centre")}),
        ("Operator", f"{ELSEWHERE}:endpoint/churn", TAKEN),
        ("Operator", arn("sagemaker", "model/churn"), TAKEN),
        ("Operator", arn("sagemaker", "endpoint-config/churn"), TAKEN),
    ],
    ids=["viewer", "theirs", "given away", "no owner", "more tags", "elsewhere", "model", "config"],
)
def test_nobody_takes_more_than_an_endpoint_without_an_owner(
    featured: Synthesised, policy: str, resource: str, context: dict[str, Values]
) -> None:
    person = Deployed(featured).person(f"People{policy}")

    assert not evaluate(person, AccessRequest("sagemaker:AddTags", resource, context=context)).is_allowed
