"""Every rule reaches its target, lost events are kept, and alarms notify people, by the stacks' policies."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from ministack.core.responses import request_scope

from local_cloud.ministack.rule_targets import RuleTargets
from local_cloud.ministack.service_actions import ServiceActions
from local_cloud.testing.in_process import InProcessCloud
from tests.infra.roles import Deployed
from tests.infra.synthesised_iam import SynthesisedIam
from tests.unit.local_cloud.sagemaker.virtual_cloud import VirtualCloud

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesised
    from tests.infra.estate import Estate

REGION = "eu-central-1"
_accounts = itertools.count(200000000000)


@dataclass
class Deployment:
    """Resources that a stack's rules and alarms need, in a separate account."""

    stack: Deployed
    others: tuple[Deployed, ...] = ()
    targets: RuleTargets = field(init=False)
    actions: ServiceActions = field(init=False)

    def __post_init__(self) -> None:
        iam = SynthesisedIam(self.stack, *self.others)
        self.targets = RuleTargets(iam, enforce_iam=True)
        self.actions = ServiceActions(iam)
        self._control_plane = VirtualCloud().control_plane

    def client(self, service: str, account_id: str = "") -> Any:
        account = account_id or self.stack.account_id
        return InProcessCloud(self._control_plane, account_id=account, region=REGION).client(service)

    def rules(self) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
        """Return each rule's name, the rule as EventBridge has it, and its target."""
        found = []
        for name, properties in self.stack.rules().items():
            [target] = properties["Targets"]
            found.append((name, {"Name": name, "Arn": self.stack.arn("AWS::Events::Rule", name)}, target))
        return found

    def build(self) -> None:
        """Make the function, the topic, the queue and the buses that rules and alarms name."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as made:
            made.writestr("app.py", "def handler(event, context): return None")
        for function_arn in self.stack.arns("AWS::Lambda::Function"):
            self.client("lambda").create_function(
                FunctionName=function_arn.rpartition(":")[2],
                Role=self.stack.role_of(function_arn),
                Runtime="python3.13",
                Handler="app.handler",
                Code={"ZipFile": archive.getvalue()},
            )
        for topic_arn in self.stack.arns("AWS::SNS::Topic"):
            self.client("sns").create_topic(
                Name=topic_arn.rpartition(":")[2],
                Attributes={"KmsMasterKeyId": self.stack.arn("AWS::KMS::Key", "")},
            )
        for queue_arn in self.stack.arns("AWS::SQS::Queue"):
            self.client("sqs").create_queue(QueueName=queue_arn.rpartition(":")[2])
        for other in self.others:
            for bus_arn in other.arns("AWS::Events::EventBus"):
                self.client("events", other.account_id).create_event_bus(Name=bus_arn.rpartition("/")[2])

    def kept(self) -> list[str]:
        """Return from which rules the events are that were kept, and take them out of the queue."""
        sqs = self.client("sqs")
        name = self.stack.arn("AWS::SQS::Queue", "Undelivered").rpartition(":")[2]
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get(
            "Messages", []
        )
        return [each["MessageAttributes"]["RULE_ARN"]["StringValue"] for each in found]


def event(account_id: str) -> dict[str, Any]:
    return {
        "EventId": "1",
        "Source": "aws.sagemaker",
        "DetailType": "x",
        "Detail": json.dumps({}),
        "Account": account_id,
        "Region": REGION,
        "Time": 0,
        "Resources": [],
        "EventBusName": "default",
    }


@pytest.fixture(params=["one account", "registry"])
def deployment(request: pytest.FixtureRequest, featured: Synthesised, estate: Estate) -> Deployment:
    account_id = str(next(_accounts))
    if request.param == "one account":
        made = Deployment(Deployed(featured, account_id, REGION))
    else:
        staging, production = str(next(_accounts)), str(next(_accounts))

        def deployed(stack: str) -> Deployed:
            return estate.deployed(stack, registry=account_id, staging=staging, production=production)

        made = Deployment(deployed("registry"), (deployed("staging"), deployed("production")))
    made.build()
    return made


def test_every_rule_reaches_its_target(deployment: Deployment) -> None:
    account_id = deployment.stack.account_id
    rules = deployment.rules()

    assert rules
    with request_scope(account_id, REGION):
        for name, rule, target in rules:
            assert deployment.targets.why_undeliverable(target, event(account_id), rule) is None, name


def test_what_does_not_reach_its_target_is_kept(deployment: Deployment) -> None:
    account_id = deployment.stack.account_id
    rules = deployment.rules()
    with request_scope(account_id, REGION):
        for name, rule, target in rules:
            gone = {**target, "Arn": f"{target['Arn']}-gone"}
            why = deployment.targets.why_undeliverable(gone, event(account_id), rule)
            assert why is not None, name
            deployment.targets.keep_undelivered(gone, event(account_id), rule, why)

    assert sorted(deployment.kept()) == sorted(rule["Arn"] for _, rule, _ in rules)


def test_alarms_reach_the_topic(deployment: Deployment) -> None:
    [topic] = deployment.stack.arns("AWS::SNS::Topic")
    alarm = {"AlarmName": "UndeliveredAlarm", "AlarmActions": [topic]}
    with request_scope(deployment.stack.account_id, REGION):
        assert deployment.actions.admitted_actions(alarm, "AlarmActions") == [topic]


def test_what_the_deployer_fails_on_is_kept(featured: Synthesised) -> None:
    deployment = Deployment(Deployed(featured, str(next(_accounts)), REGION))
    deployment.build()
    function, queue = (
        deployment.stack.arn(kind, prefix)
        for kind, prefix in (("AWS::Lambda::Function", "Deployer"), ("AWS::SQS::Queue", "Unhandled"))
    )
    with request_scope(deployment.stack.account_id, REGION):
        assert deployment.actions.why_failure_is_lost(function, queue) == ""
