"""The deployed stack, and a user's actions on it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from demo.cdk import bootstrap, deploy_stack
from demo.outcomes import OutcomeQueue
from tests.e2e.clients.account import IMAGE, SCALING_MODEL, Account, archive, eventually
from tests.e2e.command import Done, greenlight, greenlight_process
from tests.infra.conftest import synthesise_into

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_sagemaker import SageMakerClient

    from local_cloud.child_process import LocalCloud

OUTCOME_TIMEOUT_SECONDS = 150.0
"""Longer than it takes Lambda to try again what failed once, on a machine that is busy."""
ONE_INSTANCE = {"instance_type": "ml.m5.large", "instance_count": 1}


class Deployment:
    """Greenlight in a separate account, with endpoints that follow groups of the same names."""

    def __init__(self, cloud: LocalCloud, account_id: str, directory: Path) -> None:
        self.account = Account(cloud, account_id)
        self.account.bucket = f"sagemaker-{self.account.region}-{account_id}"
        self._directory = directory
        self.endpoints_dir = directory / "endpoints"
        self.endpoints_dir.mkdir(parents=True)
        self._environ = cloud.environ(account_id, self.account.region)
        self._context: dict[str, str] = {"endpoints_dir": str(self.endpoints_dir)}
        self.outputs: dict[str, str] = {}

    def deploy(self, endpoints: Mapping[str, Mapping[str, Any]], **context: str) -> Deployment:
        """Deploy the stack for the first time, with endpoints (their settings by name) and this context."""
        self._context |= context
        for name, settings in endpoints.items():
            self.write_settings(name, **settings)
        s3 = self.account.client("s3")
        s3.create_bucket(
            Bucket=self.account.bucket,
            CreateBucketConfiguration={"LocationConstraint": self.account.region},
        )
        for name in endpoints:
            self.account.sagemaker.create_model_package_group(ModelPackageGroupName=name)
        bootstrap(
            self.account.account_id,
            self.account.region,
            environ=self._environ,
            directory=self._directory,
        )
        self.deploy_again()
        self.outcomes = OutcomeQueue(
            self.account.client("sqs"),
            self.account.client("sns"),
            topic_arn=self.outputs["OutcomeTopicArn"],
            name="outcomes",
        )
        return self

    def deploy_again(self) -> None:
        """Deploy the present settings. CDK runs in this process, which the CLI would start again."""
        assembly = Path(mkdtemp(dir=self._directory))
        synthesise_into(assembly, **self._context)
        self.outputs = deploy_stack("Greenlight", assembly=assembly, environ=self._environ)

    def somebody(self, name: str, *outputs: str) -> dict[str, str]:
        """Return the credentials, as variables, of somebody with the policies that these outputs name."""
        role_arn = self.account.role(name, self.account.account_id)
        for output in outputs:
            self.account.client("iam").attach_role_policy(RoleName=name, PolicyArn=self.outputs[output])
        credentials = self.account.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="session")[
            "Credentials"
        ]
        return {
            "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
            "AWS_SESSION_TOKEN": credentials["SessionToken"],
        }

    def greenlight(self, *words: str, **variables: str) -> Done:
        """Run the command with these variables besides the cloud's."""
        return greenlight(*words, environ=self._command_environ(variables))

    def greenlight_process(self, *words: str, **variables: str) -> Done:
        """Run the command as a process, as a person or a pipeline does."""
        return greenlight_process(*words, environ=self._command_environ(variables))

    def _command_environ(self, variables: Mapping[str, str]) -> dict[str, str]:
        return {**self._environ, "XDG_CACHE_HOME": str(self._directory / "cache"), **variables}

    def write_settings(self, endpoint_name: str, **settings: Any) -> None:
        """Write an endpoint's YAML, of one instance unless it has variants; JSON is YAML."""
        document = {
            "model_package_group": endpoint_name,
            **({} if "variants" in settings else ONE_INSTANCE),
            **settings,
        }
        (self.endpoints_dir / f"{endpoint_name}.yaml").write_text(json.dumps(document))

    def remove_settings(self, endpoint_name: str) -> None:
        """Remove an endpoint's YAML."""
        (self.endpoints_dir / f"{endpoint_name}.yaml").unlink()

    def noted_seconds_ago(self, endpoint_name: str) -> float:
        """Return how long ago the deployer noted an endpoint's settings; 0 if it did not yet."""
        key = {"endpoint": {"S": "greenlight:fleet"}, "item": {"S": endpoint_name}}
        answer = self.account.client("dynamodb").get_item(TableName=self.outputs["JournalTableName"], Key=key)
        # What is journalled of an endpoint is there before its settings are noted.
        if "noted_at" not in answer.get("Item", {}):
            return 0.0
        noted_at = datetime.fromisoformat(answer["Item"]["noted_at"]["S"])
        return (datetime.now(UTC) - noted_at).total_seconds()

    def register(self, group: str, *, factor: float = 1.0, code: str = SCALING_MODEL, **members: Any) -> str:
        """Register a version of a model that multiplies by the factor; return its ARN.

        `members` are further ones of CreateModelPackage.
        """
        versions = self.account.sagemaker.list_model_packages(ModelPackageGroupName=group)
        number = len(versions["ModelPackageSummaryList"]) + 1
        created = self.account.sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={
                "Containers": [
                    {
                        "Image": IMAGE,
                        "ModelDataUrl": self.account.upload(
                            f"{group}/{number}", archive(code, factor=factor)
                        ),
                    }
                ],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            **members,
        )
        return created["ModelPackageArn"]

    def person(self, name: str) -> SageMakerClient:
        """Return SageMaker for somebody with a new role that may approve versions."""
        approving = {"Effect": "Allow", "Action": "sagemaker:UpdateModelPackage", "Resource": "*"}
        role_arn = self.account.role(name, self.account.account_id, approving)
        return self.account.assuming(role_arn).sagemaker

    def approve(self, version_arn: str, *, by: SageMakerClient | None = None) -> None:
        """Approve with the call that Studio makes."""
        sagemaker = by or self.account.sagemaker
        sagemaker.update_model_package(ModelPackageArn=version_arn, ModelApprovalStatus="Approved")

    def reject(self, version_arn: str) -> None:
        """Reject with the call that Studio makes."""
        self.account.sagemaker.update_model_package(
            ModelPackageArn=version_arn, ModelApprovalStatus="Rejected"
        )

    def outcome(self, version_arn: str) -> dict[str, Any]:
        """Wait for the version's first final outcome among those received and not forgotten.

        Raises:
            TimeoutError: It did not come; the error's notes are the deployer's last log lines.
        """
        try:
            return self.outcomes.wait_for(version_arn, timeout_seconds=OUTCOME_TIMEOUT_SECONDS)
        except TimeoutError as error:
            for line in self.log_lines()[-20:]:
                error.add_note(line)
            raise

    def deployed(self, group: str, *, factor: float) -> str:
        """Register, approve and wait until it serves; return the version's ARN."""
        version_arn = self.register(group, factor=factor)
        self.approve(version_arn)
        assert self.outcome(version_arn)["Outcome"] == "succeeded"
        return version_arn

    def deployer_calls(self, endpoint_name: str) -> list[str]:
        """Return the deployer's calls for an endpoint, whose name begins all names it makes, in order."""
        return [call["operation"] for call in self._deployer_calls(endpoint_name)]

    def deployer_invocations(self, endpoint_name: str) -> list[tuple[str, int]]:
        """Return which variant answered each of the deployer's invocations, and the bytes it was sent."""
        return [
            (call["request_summary"]["InvokedProductionVariant"], call["request_summary"]["Bytes"])
            for call in self._deployer_calls(endpoint_name)
            if call["operation"] == "InvokeEndpoint"
        ]

    def _deployer_calls(self, endpoint_name: str) -> list[dict[str, Any]]:
        return [
            call
            for call in self.account.cloud.calls()
            if call["account"] == self.account.account_id
            and "greenlight/" in call["user_agent"]
            and endpoint_name in json.dumps(call["request_summary"])
        ]

    def log(self, **keys: str) -> list[str]:
        """Return the messages in the deployer's log that have these keys, such as a `correlation_id`."""
        return [line["message"] for line in self._log() if keys.items() <= line.items()]

    def _log(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log_lines() if line.startswith("{")]
        # Metrics stand in the log, too, and have no message.
        return [line for line in lines if "message" in line]

    def log_lines(self) -> list[str]:
        """Return the deployer's log, as it is."""
        logs = self.account.client("logs")
        (group,) = {
            each["logGroupName"]
            for each in logs.describe_log_groups()["logGroups"]
            if "Deployer" in each["logGroupName"]
        }
        events = logs.filter_log_events(logGroupName=group)["events"]
        return [each["message"] for each in events]

    def wait_until_handled(self, endpoint_name: str) -> None:
        """Wait until the deployer is done with every event so far about an endpoint or its group."""
        about = {
            each["event"]["id"]
            for each in self.account.cloud.events()
            if each["event"]["account"] == self.account.account_id
            and endpoint_name in json.dumps(each["event"]["detail"])
        }
        eventually(self._handled_events, about.issubset)

    def _handled_events(self) -> set[str]:
        """Return the ids of the events that the deployer's log has a message about."""
        return {line["event_id"] for line in self._log() if "event_id" in line}

    def messages(self, queue_url: str) -> list[dict[str, Any]]:
        """Wait for messages in a queue, and return them."""

        def receive() -> list[dict[str, Any]]:
            answer = self.account.client("sqs").receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
            return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

        return eventually(receive, bool)
