"""Owns the function that merges statements into others' policies, and the custom resources that ask for it.

The function's own role may edit nothing. It takes on roles that may, each some of the policies: one role has
not room for all. Each policy comes with the permission to edit it, as a policy of such a role that is made
before and removed after: what is taken out of the stack must still be allowed to be taken out of the policy.
What the function is told with a request, whoever may invoke it could tell it: whose statements it writes, and
for which accounts, is in its environment, and which policies it may edit is in the roles.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from aws_cdk import CustomResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.bundling.lambda_runtime import runtime
from infra.permissions.role_policies import Permissions, acknowledge
from infra.stages.policy_editor_roles import spread
from infra.stages.policy_statements import signed
from registry_access.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from infra.stages.policy_statements import PolicyStatements, PolicyTarget, Statement

RESOURCE_TYPE: Final = "Custom::GreenlightPolicyStatements"


class PolicyEditor(Construct):
    """Merge statements into some policies, each on its own."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        asset: Path,
        owner: str,
        stage_accounts: Sequence[str],
        revision: int,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        self._owner = owner
        self._revision = revision
        self.log_group = logs.LogGroup(
            self, "Logs", retention=log_retention, removal_policy=RemovalPolicy.RETAIN
        )
        self.role = iam.Role(
            self,
            "Role",
            description="What Greenlight's policy editor may do: take on the roles that edit policies",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        permissions = Permissions(self.role)
        permissions.allow(
            "WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [self.log_group.log_group_arn]
        )
        permissions.attach()
        self.function = lambda_.Function(
            self,
            "Function",
            description="Merges Greenlight's statements into policies, and takes them out again",
            code=lambda_.Code.from_asset(str(asset)),
            handler="registry_access.handler.handler",
            runtime=lambda_.Runtime(runtime().name, lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.ARM_64,
            memory_size=256,
            # Its patience with others who edit the same policy, with room for slow calls.
            timeout=Duration.minutes(10),
            role=self.role,
            environment=Environment(owner, frozenset(stage_accounts)).variables(),
            log_group=self.log_group,
        )
        # cdk-nag wants the newest runtime there is.
        acknowledge(
            self.function,
            "AwsSolutions::AwsSolutions-L1",
            "The newest runtime that the local cloud, on which all of this is proven, can run.",
        )

    def merge(self, policies: Sequence[PolicyStatements]) -> None:
        """Have statements merged into policies, for as long as they are in the stack."""
        wanted = {policy.target: policy for policy in policies}
        for number, held in enumerate(spread(list(wanted)), start=1):
            role, use = self._editing_role(number)
            for target in held:
                self._merge(wanted[target], role, use)

    def _editing_role(self, number: int) -> tuple[iam.Role, iam.Policy]:
        """Make a role that the function alone may take on, and its permission to do so."""
        role = iam.Role(
            self,
            f"Role{number}",
            description="What Greenlight's policy editor may edit: policies that its stack names",
            assumed_by=iam.ArnPrincipal(self.role.role_arn),
        )
        # Not one for all roles: a role that leaves the stack is needed until its last policy is edited.
        use = iam.Policy(
            self,
            f"UseRole{number}",
            roles=[self.role],
            statements=[_allow("sts", ["AssumeRole"], [role.role_arn])],
        )
        return role, use

    def _merge(self, policy: PolicyStatements, role: iam.Role, use: iam.Policy) -> None:
        target = policy.target
        statements = [signed(statement, self._owner) for statement in policy.statements]
        name = f"{target.kind.title().replace('-', '')}{_digest(target)}"
        # Below its role: with another role, it is another permission, and this one stays until that works.
        permission = iam.Policy(
            role, f"{name}Permission", roles=[role], statements=self._permissions(target, statements)
        )
        if target.kind == "bucket":
            acknowledge(
                permission,
                "AwsSolutions::AwsSolutions-IAM5[Resource::*]",
                "Listing buckets knows no resource. A bucket that is not listed is another account's by now.",
            )
        resource = CustomResource(
            self,
            name,
            resource_type=RESOURCE_TYPE,
            service_token=self.function.function_arn,
            service_timeout=Duration.minutes(15),
            properties={
                "Kind": target.kind,
                "Target": target.name,
                "Role": role.role_arn,
                # As text: CloudFormation would make strings of whatever is none.
                "Statements": json.dumps(statements, separators=(",", ":"), sort_keys=True),
                # CloudFormation asks for nothing where no property changed, whatever became of the policy.
                "Revision": str(self._revision),
            },
        )
        resource.node.add_dependency(permission, use)

    def _permissions(
        self, target: PolicyTarget, statements: Sequence[Statement]
    ) -> list[iam.PolicyStatement]:
        stack = Stack.of(self)
        match target.kind:
            case "group":
                arn = stack.format_arn(
                    service="sagemaker", resource="model-package-group", resource_name=target.name
                )
                # IAM compares letter case, and SageMaker writes ARNs in lower case.
                arns = sorted({arn, arn.replace(target.name, target.name.lower())})
                actions = ["Delete{}", "Get{}", "Put{}"]
                named = [action.format("ModelPackageGroupPolicy") for action in actions]
                return [_allow("sagemaker", [*named, "DescribeModelPackageGroup"], arns)]
            case "bucket":
                arn = f"arn:{stack.partition}:s3:::{target.name}"
                return [
                    _allow("s3", ["DeleteBucketPolicy", "GetBucketPolicy", "PutBucketPolicy"], [arn]),
                    _allow("s3", ["ListAllMyBuckets"], ["*"]),
                ]
            case "repository":
                arn = stack.format_arn(service="ecr", resource="repository", resource_name=target.name)
                actions = ["DeleteRepositoryPolicy", "GetRepositoryPolicy", "SetRepositoryPolicy"]
                return [_allow("ecr", actions, [arn])]
            case "key":
                return [_allow("kms", ["GetKeyPolicy", "PutKeyPolicy"], [target.name])]
            case "key-grants":
                roles = sorted({statement["Principal"]["AWS"] for statement in statements})
                only = {
                    "StringEquals": {"kms:GranteePrincipal": roles},
                    "ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt"]},
                }
                return [
                    _allow("kms", ["ListGrants", "RevokeGrant"], [target.name]),
                    _allow("kms", ["CreateGrant"], [target.name], only),
                ]
            case _:
                raise AssertionError(target)


def _allow(
    service: str, actions: Sequence[str], arns: Sequence[str], conditions: dict[str, Any] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=[f"{service}:{action}" for action in actions], resources=list(arns), conditions=conditions
    )


def _digest(target: PolicyTarget) -> str:
    return sha256(f"{target.kind}/{target.name}".encode()).hexdigest()[:8]
