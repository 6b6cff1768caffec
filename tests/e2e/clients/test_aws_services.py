"""The local cloud's changes to MiniStack, seen through boto3."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import dedent
from typing import Any

import pytest

from tests.e2e.clients.account import Account, eventually, policy

pytestmark = pytest.mark.e2e

PATTERN_OF_PARAMETERS = {"source": ["aws.ssm"], "detail-type": ["Parameter Store Change"]}


def bundle(code: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", dedent(code))
    return content.getvalue()


def function(account: Account, code: str, **settings: Any) -> str:
    """Create a Python function and return its ARN."""
    report_failures = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    role = account.role("function", "lambda.amazonaws.com", report_failures)
    created = account.client("lambda").create_function(
        FunctionName="function",
        Runtime="python3.13",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": bundle(code)},
        Timeout=20,
        **settings,
    )
    arn: str = created["FunctionArn"]
    return arn


def queue(account: Account, name: str) -> tuple[str, str]:
    """Create a queue that rules may send to, and return its URL and ARN."""
    sqs = account.client("sqs")
    url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    admit = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(admit)})
    return url, arn


def rule(account: Account, pattern: dict[str, Any], target_arn: str) -> None:
    events = account.client("events")
    events.put_rule(Name="rule", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="rule", Targets=[{"Id": "target", "Arn": target_arn}])
    if ":function:" in target_arn:
        account.client("lambda").add_permission(
            FunctionName=target_arn,
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=events.describe_rule(Name="rule")["Arn"],
        )


def received(account: Account, url: str, number: int) -> list[dict[str, Any]]:
    """Return that many messages' bodies, or more if more arrive at once."""
    sqs = account.client("sqs")
    bodies: list[dict[str, Any]] = []

    def look() -> int:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        bodies.extend(json.loads(message["Body"]) for message in messages)
        return len(bodies)

    eventually(look, lambda count: count >= number, timeout_seconds=60)
    return bodies


@contextmanager
def switched(account: Account, document: dict[str, Any]) -> Iterator[None]:
    before = account.cloud.switches()
    account.cloud.switch(document)
    try:
        yield
    finally:
        account.cloud.switch({part: before[part] for part in document})


def test_parameter_s_creation_update_and_deletion_are_announced_in_the_documented_shape(
    account: Account,
) -> None:
    url, arn = queue(account, "changes")
    rule(account, PATTERN_OF_PARAMETERS | {"detail": {"name": [{"prefix": "/greenlight/"}]}}, arn)
    ssm = account.client("ssm")

    ssm.put_parameter(Name="/elsewhere/x", Value="1", Type="String")
    ssm.put_parameter(Name="/greenlight/x", Value="1", Type="String", Description="of x")
    ssm.put_parameter(Name="/greenlight/x", Value="2", Type="String", Overwrite=True)
    ssm.delete_parameter(Name="/greenlight/x")
    ssm.put_parameter(Name="/greenlight/y", Value="1", Type="String")
    ssm.delete_parameters(Names=["/greenlight/y", "/greenlight/unknown"])

    events = received(account, url, 5)
    assert [(event["detail"]["operation"], event["detail"]["name"]) for event in events] == [
        ("Create", "/greenlight/x"),
        ("Update", "/greenlight/x"),
        ("Delete", "/greenlight/x"),
        ("Create", "/greenlight/y"),
        ("Delete", "/greenlight/y"),
    ]
    assert events[0] == {
        "version": "0",
        "id": events[0]["id"],
        "detail-type": "Parameter Store Change",
        "source": "aws.ssm",
        "account": account.account_id,
        "time": events[0]["time"],
        "region": account.region,
        "resources": [f"arn:aws:ssm:{account.region}:{account.account_id}:parameter/greenlight/x"],
        "detail": {"operation": "Create", "name": "/greenlight/x", "type": "String", "description": "of x"},
    }
    assert "description" not in events[3]["detail"]


def test_a_scheduled_rule_runs_as_often_as_its_rate_says_times_the_scale(account: Account) -> None:
    url, arn = queue(account, "schedule")
    events = account.client("events")
    with switched(account, {"timings": {"schedule_scale": 0.01}}):
        events.put_rule(Name="rule", ScheduleExpression="rate(2 minutes)")
        events.put_targets(Rule="rule", Targets=[{"Id": "target", "Arn": arn}])
        first, second, *_ = received(account, url, 2)

    assert first["detail-type"] == second["detail-type"] == "Scheduled Event"
    assert first["resources"] == [events.describe_rule(Name="rule")["Arn"]]
    assert first["id"] != second["id"]


def test_parameter_that_is_refused_is_not_announced(account: Account) -> None:
    ssm = account.client("ssm")
    ssm.put_parameter(Name="/x", Value="1", Type="String")

    with pytest.raises(ssm.exceptions.ParameterAlreadyExists):
        ssm.put_parameter(Name="/x", Value="2", Type="String")
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.delete_parameter(Name="/y")

    events = [it for it in account.cloud.events() if it["event"]["account"] == account.account_id]
    assert [it["event"]["detail"]["operation"] for it in events] == ["Create"]


def test_parameter_that_cloudformation_writes_is_announced(account: Account) -> None:
    cloudformation = account.client("cloudformation")
    resource = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/cfn/x", "Type": "String", "Value": "1"},
    }
    cloudformation.create_stack(
        StackName="stack", TemplateBody=json.dumps({"Resources": {"Parameter": resource}})
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="stack", WaiterConfig={"Delay": 1})

    events = [it["event"] for it in account.cloud.events() if it["event"]["account"] == account.account_id]
    assert [(event["detail"]["operation"], event["detail"]["name"]) for event in events] == [
        ("Create", "/cfn/x")
    ]


def test_sagemaker_event_reaches_rules_and_archives_with_its_own_id_and_time(account: Account) -> None:
    url, arn = queue(account, "changes")
    rule(account, {"source": ["aws.sagemaker"]}, arn)
    events = account.client("events")
    bus = events.describe_event_bus()["Arn"]
    events.create_archive(ArchiveName="all", EventSourceArn=bus)

    account.register(b"no archive is looked into before it is served", status="PendingManualApproval")

    (delivered,) = received(account, url, 1)
    (emitted,) = [
        it["event"] for it in account.cloud.events() if it["event"]["account"] == account.account_id
    ]
    assert delivered == emitted
    # EventBridge delivers to rules first; an archive counts the event a little later.
    eventually(lambda: events.describe_archive(ArchiveName="all")["EventCount"], lambda count: count == 1)


def test_nobody_else_may_put_events_as_aws(account: Account) -> None:
    entry = {"Source": "aws.sagemaker", "DetailType": "forged", "Detail": "{}"}

    result = account.client("events").put_events(Entries=[entry])

    assert result["FailedEntryCount"] == 1


def test_function_that_fails_is_retried_and_its_event_ends_at_the_on_failure_destination(
    account: Account,
) -> None:
    url, queue_arn = queue(account, "failures")
    arn = function(account, "def handler(event, context):\n    raise RuntimeError('no')\n")
    account.client("lambda").put_function_event_invoke_config(
        FunctionName="function",
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": queue_arn}},
    )
    rule(account, {"source": ["test"]}, arn)

    with switched(account, {"lambda": {"retry_base_seconds": 0.1}}):
        account.client("events").put_events(
            Entries=[{"Source": "test", "DetailType": "x", "Detail": json.dumps({"n": 1})}]
        )
        (failure,) = received(account, url, 1)

    assert failure["requestPayload"]["detail"] == {"n": 1}
    assert failure["requestContext"]["condition"] == "RetriesExhausted"
    assert failure["responsePayload"]["errorMessage"] == "no"

    def logged() -> list[str]:
        events = account.client("logs").filter_log_events(logGroupName="/aws/lambda/function")["events"]
        return [event["message"] for event in events]

    messages = eventually(
        logged, lambda seen: sum(each.startswith("START RequestId") for each in seen) == 3, timeout_seconds=60
    )
    assert any("RuntimeError: no" in each for each in messages)


def test_throttled_events_wait_for_capacity_instead_of_failing(account: Account) -> None:
    """With reserved concurrency 1, ten events at once are handled one after another, and none is lost."""
    url, queue_arn = queue(account, "failures")
    arn = function(
        account, "import time\ndef handler(event, context):\n    time.sleep(0.1)\n    print('handled')\n"
    )
    client = account.client("lambda")
    client.put_function_concurrency(FunctionName="function", ReservedConcurrentExecutions=1)
    client.put_function_event_invoke_config(
        FunctionName="function",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": queue_arn}},
    )
    rule(account, {"source": ["test"]}, arn)
    entries = [{"Source": "test", "DetailType": "x", "Detail": "{}"}] * 10

    account.client("events").put_events(Entries=entries)

    def handled() -> int:
        groups = account.client("logs").describe_log_groups()["logGroups"]
        if not groups:
            return 0
        logs = account.client("logs").filter_log_events(logGroupName="/aws/lambda/function")["events"]
        return sum(event["message"] == "handled" for event in logs)

    eventually(handled, lambda count: count == 10)
    assert "Messages" not in account.client("sqs").receive_message(QueueUrl=url)


@pytest.mark.parametrize(
    ("exists", "code"),
    [pytest.param(True, "NO_PERMISSIONS", id="not allowed"), pytest.param(False, "NO_RESOURCE", id="gone")],
)
@pytest.mark.parametrize("queue_admits_rule", [True, False])
def test_event_that_cannot_be_delivered_goes_to_the_rule_s_failure_queue(
    account: Account, *, exists: bool, code: str, queue_admits_rule: bool
) -> None:
    """Only if the queue's policy lets EventBridge send for that rule; else it is lost."""
    sqs, events = account.client("sqs"), account.client("events")
    url, queue_arn = queue(account, "undelivered")
    function_arn = f"arn:aws:lambda:{account.region}:{account.account_id}:function:function"
    if exists:
        function(account, "def handler(event, context):\n    return None\n")
    rule_arn = events.put_rule(Name="rule", EventPattern=json.dumps({"source": ["test"]}))["RuleArn"]
    events.put_targets(
        Rule="rule", Targets=[{"Id": "f", "Arn": function_arn, "DeadLetterConfig": {"Arn": queue_arn}}]
    )
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn if queue_admits_rule else f"{rule_arn}-other"}},
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(statement)})

    events.put_events(Entries=[{"Source": "test", "DetailType": "x", "Detail": json.dumps({"n": 1})}])

    # Wait for lost events too, but not for long.
    messages = sqs.receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=10 if queue_admits_rule else 1
    ).get("Messages", [])
    assert len(messages) == queue_admits_rule
    for message in messages:
        assert json.loads(message["Body"])["detail"] == {"n": 1}
        assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == code
        assert message["MessageAttributes"]["RULE_ARN"]["StringValue"] == rule_arn


def test_function_sees_its_bundle_and_nothing_of_the_host(account: Account) -> None:
    code = """
        import importlib.util, os, sys
        def handler(event, context):
            installed = ("yaml", "pytest", "ministack", "boto3")
            return {
                "packages": [name for name in installed if importlib.util.find_spec(name)],
                "isolated": sys.flags.isolated,
                "environment": dict(os.environ),
            }
    """
    function(account, code, Environment={"Variables": {"LOG_LEVEL": "DEBUG"}})

    response = account.client("lambda").invoke(FunctionName="function")
    seen = json.loads(response["Payload"].read())

    assert seen["packages"] == []
    assert seen["isolated"] == 1
    environment = seen["environment"]
    assert environment["AWS_ENDPOINT_URL"] == account.cloud.endpoint_url
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["AWS_SESSION_TOKEN"]
    assert environment["AWS_REGION"] == account.region
    assert environment["LOG_LEVEL"] == "DEBUG"
    assert environment["HOME"] == "/nonexistent"
    assert environment.keys().isdisjoint({"VIRTUAL_ENV", "PYTHONPATH", "AWS_PROFILE", "GATEWAY_PORT", "AUTH"})


def test_duplicated_delivery_invokes_a_target_twice_with_the_same_event(account: Account) -> None:
    url, arn = queue(account, "changes")
    rule(account, PATTERN_OF_PARAMETERS, arn)

    with switched(account, {"delivery": {"duplicate_probability": 1.0}}):
        account.client("ssm").put_parameter(Name="/x", Value="1", Type="String")
        first, second = received(account, url, 2)

    assert first == second


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"delivery": {"duplicates": 1}}, "There is: delay_seconds"),
        ({"switches": {"unapproved_package": "sometimes"}}, "create_model"),
        ({"timings": {"deleting_seconds": -1}}, "from 0 to"),
        ({"lambda": {"retries": 1}}, "retry_base_seconds"),
        ({"weather": {}}, "switches"),
    ],
)
def test_wrong_switch_is_refused_with_what_there_is(
    account: Account, document: dict[str, Any], said: str
) -> None:
    before = account.cloud.switches()

    with pytest.raises(ValueError, match=said):
        account.cloud.switch(document)

    assert account.cloud.switches() == before


def test_call_log_tells_who_called_what_and_how_it_ended(account: Account) -> None:
    account.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    with pytest.raises(account.sagemaker.exceptions.ClientError):
        account.sagemaker.describe_endpoint(EndpointName="nowhere")

    first, second = [call for call in account.cloud.calls() if call["account"] == account.account_id]
    assert (first["operation"], first["status"], first["error_code"]) == (
        "CreateModelPackageGroup",
        200,
        None,
    )
    assert first["request_summary"] == {"ModelPackageGroupName": "churn"}
    assert first["principal"] == f"arn:aws:iam::{account.account_id}:root"
    assert first["user_agent"].startswith("Boto3/")
    assert (second["operation"], second["status"], second["error_code"]) == (
        "DescribeEndpoint",
        400,
        "ValidationException",
    )
    assert account.cloud.calls(after=second["seq"] - 1)[0] == second


def test_log_events_are_filtered_by_their_pattern(account: Account) -> None:
    logs = account.client("logs")
    names = {"logGroupName": "/g", "logStreamName": "s"}
    logs.create_log_group(logGroupName="/g")
    logs.create_log_stream(**names)
    lines = [
        '{"level": "ERROR", "code": 5}',
        '{"level": "INFO", "code": 1}',
        "out of memory",
        "memory is out",
    ]
    now = int(time.time() * 1000)
    logs.put_log_events(**names, logEvents=[{"timestamp": now, "message": line} for line in lines])

    def found(pattern: str) -> list[str]:
        events = logs.filter_log_events(logGroupName="/g", filterPattern=pattern)["events"]
        return [event["message"] for event in events]

    assert found('{ $.level = "ERROR" }') == lines[:1]
    assert found("{ $.code < 2 }") == lines[1:2]
    assert found('"out of memory"') == lines[2:3]
    assert found("memory -of") == lines[3:]
    assert found("?ERROR ?INFO") == lines[:2]
    assert found("error") == []
    with pytest.raises(logs.exceptions.InvalidParameterException, match="cannot apply this filter pattern"):
        found("%ERR.R%")


def test_an_alarm_on_a_queue_goes_off_when_a_message_is_in_it(account: Account) -> None:
    url, _ = queue(account, "unhandled")
    cloudwatch = account.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="unhandled",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": "unhandled"}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )

    def state() -> str:
        [alarm] = cloudwatch.describe_alarms(AlarmNames=["unhandled"])["MetricAlarms"]
        return str(alarm["StateValue"])

    eventually(state, lambda seen: seen == "OK")
    account.client("sqs").send_message(QueueUrl=url, MessageBody="x")

    eventually(state, lambda seen: seen == "ALARM")
