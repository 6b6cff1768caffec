"""`cdk destroy` both ways: live endpoints keep their resources, and the page's commands remove everything.

The project is a copy, so that the commands of README and guide run unchanged.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import TYPE_CHECKING, Any, Final

import pytest

from demo.outcomes import OutcomeQueue
from infra.bundling.assets import REPOSITORY
from tests.e2e.clients.account import SCALING_MODEL, archive, eventually
from tests.e2e.deployment import Deployment
from tests.e2e.test_documented_commands import shell
from tests.infra.documented import block_of

if TYPE_CHECKING:
    from pathlib import Path

    from local_cloud.child_process import LocalCloud

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(900)]

PAGE: Final = "docs/operations.md"
PARTS: Final = (
    "app.py",
    "infra",
    "lambdas",
    "iam_evaluator",
    "service_model",
    ".venv",
    "node_modules",
)
MANY_BUCKETS: Final = [f"team-{number:03d}-" + "x" * 50 for number in range(90)]
"""So many that the role's own policy does not hold them, and a managed one comes beside it."""

SCALED: Final = {
    "autoscaling": {
        "min": 1,
        "max": 3,
        "target_tracking": [{"metric": "invocations_per_instance", "target": 600}],
    }
}
GUARDED: Final = {"rollout": {"kind": "all_at_once", "alarms": {"error_ratio_percent": 5}}}


class Project(Deployment):
    """A clone of the repository with its own endpoints, in which commands are typed."""

    def __init__(self, cloud: LocalCloud, account_id: str, directory: Path) -> None:
        super().__init__(cloud, account_id, directory)
        self.project = directory
        for part in PARTS:
            (directory / part).symlink_to(REPOSITORY / part)
        document = json.loads((REPOSITORY / "cdk.json").read_text())
        document["context"] |= {"model_buckets": [self.account.bucket, *MANY_BUCKETS]}
        (directory / "cdk.json").write_text(json.dumps(document))
        programs, clients = (REPOSITORY / each / "bin" for each in (".venv", ".venv-clients"))
        self.variables = self.account.environ() | {
            "AWS_PAGER": "",
            "CI": "true",
            "CDK_REQUIRE_APPROVAL": "never",
            "PATH": os.pathsep.join([str(programs), str(clients), os.environ["PATH"]]),
        }

    def types(self, *lines: str) -> str:
        """Run lines in the project, and return what both streams say."""
        return shell("exec 2>&1\n" + "\n".join(lines), self.variables, self.project)

    def outputs_of_stack(self) -> dict[str, str]:
        """Return the deployed stack's outputs."""
        [stack] = self.account.client("cloudformation").describe_stacks(StackName="Greenlight")["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def listen(self, name: str) -> None:
        """Hear of outcomes from now on."""
        self.outcomes = OutcomeQueue(
            self.account.client("sqs"),
            self.account.client("sns"),
            topic_arn=self.outputs_of_stack()["OutcomeTopicArn"],
            name=name,
        )

    def allowed(self, role_arn: str) -> dict[str, Any]:
        """Return a role's policies, by name."""
        iam, name = self.account.client("iam"), role_arn.rsplit("/", 1)[-1]
        inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
        attached = [
            each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        ]
        assert inline, "the role has a policy of its own"
        assert attached, "the role has a managed policy"
        return {
            each: iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in inline
        } | {
            arn: iam.get_policy_version(
                PolicyArn=arn, VersionId=iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            )["PolicyVersion"]["Document"]
            for arn in attached
        }

    def endpoint(self, name: str) -> dict[str, Any]:
        """Return an endpoint as SageMaker describes it, without the answer's metadata."""
        found: dict[str, Any] = {**self.account.sagemaker.describe_endpoint(EndpointName=name)}
        del found["ResponseMetadata"]
        return found

    def follow(self, group: str, **settings: Any) -> None:
        """Write an endpoint's settings, and create the group that it follows."""
        self.write_settings(group, **settings)
        self.account.sagemaker.create_model_package_group(ModelPackageGroupName=group)
        self.log_group(group)

    def log_group(self, name: str) -> None:
        """Create an endpoint's log group, as SageMaker does for a model that prints something."""
        self.account.client("logs").create_log_group(logGroupName=f"/aws/sagemaker/Endpoints/{name}")

    def endpoint_by_hand(self, name: str, *, stack: str) -> dict[str, Any]:
        """Create an endpoint that another stack's tag is on, of an untagged config and model."""
        self.account.endpoint_config(name, self.account.register(archive(SCALING_MODEL)))
        tags: list[Any] = [{"Key": "greenlight:stack", "Value": stack}]
        self.account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=tags)
        found = eventually(lambda: self.endpoint(name), lambda it: it["EndpointStatus"] == "InService")
        self.log_group(name)
        self.account.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=f"endpoint/{name}/variant/AllTraffic",
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
            MinCapacity=1,
            MaxCapacity=2,
        )
        return found

    def scale_out(self, name: str, count: int) -> None:
        """Launch one instance more: SageMaker loads the model once more, as its role."""
        self.account.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=name,
            DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": count}],
        )
        found = eventually(
            lambda: self.endpoint(name), lambda it: it["EndpointStatus"] not in {"Updating", "Creating"}
        )
        assert found["EndpointStatus"] == "InService"
        [variant] = found["ProductionVariants"]
        assert variant["CurrentInstanceCount"] == count

    def left(self, pattern: str = r"(?i)greenlight|steady|churn(?!-2|-models)") -> dict[str, list[str]]:
        """List everything that is named after the stack or its endpoints, and all keys."""
        account = self.account
        sagemaker, iam, logs = account.sagemaker, account.client("iam"), account.client("logs")
        kms = account.client("kms")
        stacks = account.client("cloudformation").describe_stacks()["Stacks"]
        listed: dict[str, list[str]] = {
            "stacks": [each["StackName"] for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"],
            "endpoints": [each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]],
            "configs": [
                each["EndpointConfigName"] for each in sagemaker.list_endpoint_configs()["EndpointConfigs"]
            ],
            "models": [each["ModelName"] for each in sagemaker.list_models()["Models"]],
            "roles": [each["RoleName"] for each in iam.list_roles()["Roles"]],
            "policies": [each["PolicyName"] for each in iam.list_policies(Scope="Local")["Policies"]],
            "alarms": [
                each["AlarmName"] for each in account.client("cloudwatch").describe_alarms()["MetricAlarms"]
            ],
            "log groups": [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]],
            "tables": account.client("dynamodb").list_tables()["TableNames"],
            "functions": [
                each["FunctionName"] for each in account.client("lambda").list_functions()["Functions"]
            ],
            "rules": [each["Name"] for each in account.client("events").list_rules()["Rules"]],
            "topics": [each["TopicArn"] for each in account.client("sns").list_topics()["Topics"]],
            "queues": account.client("sqs").list_queues().get("QueueUrls", []),
            "parameters": [
                each["Name"] for each in account.client("ssm").describe_parameters()["Parameters"]
            ],
            "scalable targets": [
                each["ResourceId"]
                for each in account.client("application-autoscaling").describe_scalable_targets(
                    ServiceNamespace="sagemaker"
                )["ScalableTargets"]
            ],
        }
        found = {kind: [name for name in names if re.search(pattern, name)] for kind, names in listed.items()}
        keys = [kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in kms.list_keys()["Keys"]]
        found["keys"] = [
            each["KeyId"]
            for each in keys
            if each["KeyState"] != "PendingDeletion" and each["KeyManager"] == "CUSTOMER"
        ]
        return {kind: names for kind, names in found.items() if names}


def test_destroyed_it_serves_on_deployed_again_it_takes_over_and_removed_nothing_is_left(
    local_cloud: LocalCloud, account_id: str, tmp_path: Path
) -> None:
    project = Project(local_cloud, account_id, tmp_path)
    account = project.account
    account.with_bucket_and_role()
    others = project.endpoint_by_hand("churn-2", stack="Greenlight-2")
    others_names = project.left("churn-2")
    assert others_names.keys() == {"endpoints", "configs", "models", "scalable targets", "log groups"}
    project.follow("churn", **SCALED)
    project.follow("steady", **GUARDED, execution_role_arn=account.role_arn)
    setup, *preparing, deploying = block_of("README.md", "make setup")
    assert (setup, deploying) == ("make setup", "npx cdk deploy --all")
    project.types(*preparing)
    # Nothing that the app reads changes from here on, so one synthesis is enough.
    project.variables["CDK_APP"] = "cdk.out"
    project.types(deploying)
    project.listen("first")
    for group, factor in (("churn", 3), ("steady", 5)):
        project.deployed(group, factor=factor)
    role = project.outputs_of_stack()["ExecutionRoleArn"]
    allowed, churn, steady = project.allowed(role), project.endpoint("churn"), project.endpoint("steady")
    eventually(lambda: project.left().get("scalable targets"), bool)
    assert {"alarms", "keys", "log groups", "policies", "tables"} <= project.left().keys()

    said = project.types(*block_of(PAGE, "npx cdk destroy --all"))
    naming, noting = block_of(PAGE, "STACK="), block_of(PAGE, "KEPT=")
    kept_first = project.types(naming[0], *noting)

    kept = [line for line in said.splitlines() if "DELETE_SKIPPED" in line]
    for kind in ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::DynamoDB::Table"):
        assert any(kind in line for line in kept), kind
    assert project.left().keys().isdisjoint({"stacks", "functions", "parameters"})
    guarding = ["Greenlight.steady.abort", "Greenlight.steady.error-ratio"]
    assert project.left()["alarms"] == guarding, "the endpoint stays guarded"
    assert project.allowed(role) == allowed
    assert (project.endpoint("churn"), project.endpoint("steady")) == (churn, steady)
    project.scale_out("churn", 2)
    assert account.predict("churn", [[1]]) == [[3]]

    done = {name: len(project.deployer_calls(name)) for name in ("churn", "steady")}
    project.types(deploying)
    project.listen("second")
    for name, number in done.items():
        eventually(lambda: project.deployer_calls(name)[number:], lambda it: "DescribeEndpoint" in it)  # noqa: B023 - called at once
    project.deployed("churn", factor=7)
    # MiniStack gives the new role the name of the old one, where AWS draws another: there, the endpoint that
    # runs with it is rolled out once more.
    taken_over = {name: project.deployer_calls(name)[number:] for name, number in done.items()}
    assert taken_over["churn"].count("UpdateEndpoint") == 1
    assert taken_over["steady"].count("UpdateEndpoint") == 0
    assert project.endpoint("steady") == steady
    assert account.predict("churn", [[1]]) == [[7]]
    assert account.predict("steady", [[1]]) == [[5]]

    project.types(*block_of(PAGE, "npx cdk destroy --all"))
    # MiniStack forgets a deleted stack as soon as there is another one of its name.
    remembering = f"KEPT=$(sort -u <<< \"$KEPT\"$'\\n'{shlex.quote(kept_first.strip())})"
    project.types(*naming, *noting, remembering, *block_of(PAGE, "kept AWS::IAM::Role"))

    assert project.left() == {}
    assert project.left("churn-2") == others_names
    assert project.endpoint("churn-2") == others
    assert account.client("iam").get_role(RoleName="model-execution")
