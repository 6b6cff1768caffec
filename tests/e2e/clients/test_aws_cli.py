import json
from typing import Any

import pytest

from tests.e2e.clients.account import IMAGE, SCALING_MODEL, Account, archive, eventually
from tests.e2e.clients.programs import ClientFailedError, aws, run_script

pytestmark = pytest.mark.e2e


def sagemaker(account: Account, command: str, **options: Any) -> dict[str, Any]:
    """Run `aws sagemaker <command>` with options in the CLI's spelling; structures are passed as JSON."""
    arguments = []
    for name, value in options.items():
        text = value if isinstance(value, str) else json.dumps(value)
        arguments += [f"--{name.replace('_', '-')}", text]
    document: dict[str, Any] = json.loads(aws(account, "sagemaker", command, *arguments) or "{}")
    return document


@pytest.mark.long
def test_cli_registers_approves_deploys_invokes_and_deletes(account: Account, tmp_path: Any) -> None:
    url = account.upload("v1", archive(SCALING_MODEL, factor=4))
    sagemaker(account, "create-model-package-group", model_package_group_name="churn")
    specification = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": url}],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    arn = sagemaker(
        account,
        "create-model-package",
        model_package_group_name="churn",
        inference_specification=specification,
        model_approval_status="PendingManualApproval",
    )["ModelPackageArn"]
    sagemaker(account, "update-model-package", model_package_arn=arn, model_approval_status="Approved")
    listed = sagemaker(account, "list-model-packages", model_package_group_name="churn")
    assert [it["ModelApprovalStatus"] for it in listed["ModelPackageSummaryList"]] == ["Approved"]

    containers = [{"ModelPackageName": arn}]
    sagemaker(
        account,
        "create-model",
        model_name="churn-v1",
        execution_role_arn=account.role_arn,
        containers=containers,
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "churn-v1",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker(
        account, "create-endpoint-config", endpoint_config_name="churn-v1", production_variants=[variant]
    )
    sagemaker(account, "create-endpoint", endpoint_name="churn", endpoint_config_name="churn-v1")
    # The CLI's waiter looks every 30 seconds: it is called when it has nothing left to wait for.
    eventually(
        lambda: account.sagemaker.describe_endpoint(EndpointName="churn")["EndpointStatus"],
        lambda status: status == "InService",
    )
    aws(account, "sagemaker", "wait", "endpoint-in-service", "--endpoint-name", "churn")
    answer = tmp_path / "answer.json"
    body = tmp_path / "rows.json"
    body.write_text("[[1.0, 2.0]]")
    invoked = aws(
        account,
        "sagemaker-runtime",
        "invoke-endpoint",
        "--endpoint-name",
        "churn",
        "--content-type",
        "application/json",
        "--body",
        f"file://{body}",
        str(answer),
    )
    assert json.loads(invoked)["InvokedProductionVariant"] == "AllTraffic"
    assert json.loads(answer.read_text()) == [[4.0, 8.0]]

    sagemaker(account, "delete-endpoint", endpoint_name="churn")
    eventually(lambda: account.sagemaker.list_endpoints()["Endpoints"], lambda endpoints: not endpoints)
    aws(account, "sagemaker", "wait", "endpoint-deleted", "--endpoint-name", "churn")


def test_cli_shows_the_service_s_refusal(account: Account) -> None:
    with pytest.raises(ClientFailedError, match=r"\(ValidationException\) .* Could not find endpoint"):
        sagemaker(account, "describe-endpoint", endpoint_name="nowhere")


COMMANDS = [
    ("application-autoscaling", "describe-scalable-targets", "--service-namespace", "sagemaker"),
    ("cloudformation", "describe-stacks"),
    ("cloudwatch", "describe-alarms"),
    ("dynamodb", "list-tables"),
    ("events", "list-rules"),
    ("iam", "list-roles"),
    ("kms", "list-keys"),
    ("lambda", "list-functions"),
    ("logs", "describe-log-groups"),
    ("s3api", "list-buckets"),
    ("sns", "list-topics"),
    ("ssm", "describe-parameters"),
    ("sts", "get-caller-identity"),
]


def test_the_printed_variables_point_every_service_of_the_cli_at_the_local_cloud(account: Account) -> None:
    answers = run_script(account, "aws_commands.py", json.dumps(COMMANDS), environment={"AWS_PAGER": ""})

    assert f'"Account": "{account.account_id}"' in answers


def test_a_command_of_several_that_fails_is_named(account: Account) -> None:
    wrong = [("sts", "get-caller-identity"), ("kms", "describe-key", "--key-id", "alias/nobodys")]

    with pytest.raises(ClientFailedError, match=r"aws kms describe-key .* ended with"):
        run_script(account, "aws_commands.py", json.dumps(wrong), environment={"AWS_PAGER": ""})


def test_the_cli_s_sqs_needs_the_option_that_the_local_cloud_prints(account: Account) -> None:
    """In most regions it puts SQS's host name before every variable (`overridesslcommonname.py`)."""
    with pytest.raises(ClientFailedError, match="proxy"):
        aws(account, "sqs", "list-queues")

    aws(account, "sqs", "list-queues", "--endpoint-url", account.cloud.endpoint_url)
