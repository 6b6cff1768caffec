"""Build the doctor's facts: everything in order, with any part changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from greenlight.doctor.facts import Facts, Found, Grant, KmsKey, Quota, Role, Rule, Version
from infra.configuration.registry_and_stages import Key
from infra.settings.endpoint_spec import EndpointSpec
from infra.stages.policy_statements import admission, policies
from tests.infra.stages.example import KEY, OTHER_KEY, REGION, REGISTRY, STAGING
from tests.infra.stages.test_access import MODELS, stages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.stages.access import StageAccess

GROUP: Final = "Churn-Models"
VERSION: Final = Version(
    arn=f"arn:aws:sagemaker:{REGION}:{REGISTRY}:model-package/churn-models/3",
    status="Completed",
    approval_status="Approved",
    images=(f"{REGISTRY}.dkr.ecr.{REGION}.amazonaws.com/team/churn:3",),
    artifacts=("s3://models/churn/3/model.tar.gz",),
)
SENDER: Final = f"arn:aws:iam::{REGISTRY}:role/sender"
BUS: Final = f"arn:aws:events:{REGION}:{STAGING}:event-bus/Greenlight-staging"
RECEIVING: Final = f"arn:aws:events:{REGION}:{STAGING}:rule/Greenlight-staging/Greenlight-staging-receiving"
FUNCTION: Final = f"arn:aws:lambda:{REGION}:{STAGING}:function:deployer"
OUTPUTS: Final = {
    "DeployerFunctionName": "deployer",
    "UndeliveredQueueUrl": f"https://sqs.{REGION}.amazonaws.com/{STAGING}/undelivered",
}


def access() -> StageAccess:
    return replace(stages()["staging"], groups=(GROUP,))


def with_owned_key(arn: str) -> StageAccess:
    """The stage's access, with a further key that its owner lets stages use by hand."""
    usual = access()
    group = usual.registry.groups[GROUP]
    keys = [*group.keys, Key(arn=arn, by="owner")]
    groups = {**usual.registry.groups, GROUP: group.model_copy(update={"keys": keys})}
    return replace(usual, registry=usual.registry.model_copy(update={"groups": groups}))


def trust(service: str, **condition: Any) -> dict[str, Any]:
    return {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
                **({"Condition": condition} if condition else {}),
            }
        ]
    }


def allowing(*actions: str, resource: str = "*") -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}]}


def deployers_role() -> Role:
    actions = ["DescribeModelPackage", "ListModelPackages", "CreateModel", "UpdateModelPackage"]
    policy = allowing(*(f"sagemaker:{action}" for action in actions))
    passing = allowing("iam:PassRole", resource=MODELS)
    return Role(trust("lambda.amazonaws.com"), (policy, passing, allowing("s3:ListBucket")))


def models_role() -> Role:
    policy = allowing(
        "s3:GetObject",
        "ecr:GetAuthorizationToken",
        "ecr:BatchGetImage",
        "ecr:BatchCheckLayerAvailability",
        "ecr:GetDownloadUrlForLayer",
        "kms:Decrypt",
    )
    source = {"aws:SourceAccount": STAGING}
    return Role(trust("sagemaker.amazonaws.com", StringEquals=source), (policy,))


def granted() -> dict[tuple[str, str], Mapping[str, Any]]:
    """The policies of the registry's side, as its stack makes them."""
    return {
        (each.target.kind, each.target.name): {"Version": "2012-10-17", "Statement": each.statements}
        for each in policies([access()])
        if each.target.kind != "key-grants"
    }


def forwarding(**changes: Any) -> Rule:
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "account": [REGISTRY],
        "detail": {"ModelPackageGroupName": ["churn-models"]},
    }
    arn = f"arn:aws:events:{REGION}:{REGISTRY}:rule/forwarding"
    return replace(
        Rule("forwarding", arn, enabled=True, pattern=pattern, targets=((BUS, SENDER),)), **changes
    )


def receiving(**changes: Any) -> Rule:
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "account": [REGISTRY],
        "region": [REGION],
    }
    name = "Greenlight-staging-receiving"
    return replace(
        Rule(name, RECEIVING, enabled=True, pattern=pattern, targets=((FUNCTION, None),)), **changes
    )


def invocable() -> dict[str, Any]:
    """The policy of the deployer's function, as the stage's stack makes it."""
    return {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "lambda:InvokeFunction",
                "Resource": FUNCTION,
                "Condition": {"ArnLike": {"AWS:SourceArn": RECEIVING}},
            }
        ]
    }


def facts(**changes: Any) -> Facts:
    """Return facts in order, except for the changes."""
    in_order = Facts(
        caller_account=STAGING,
        registry_account=REGISTRY,
        deployer_role=Found(deployers_role()),
        execution_role=Found(models_role()),
        bus_policy=Found({"Statement": [admission(access())]}),
        receiving_rules=Found([receiving()]),
        function_policies={FUNCTION: Found(invocable())},
        quotas={"ml.m5.large": Found(Quota(4.0, "L-1"))},
        version=Found(VERSION),
        policies={target: Found(policy) for target, policy in granted().items()},
        grants={OTHER_KEY: Found([Grant(MODELS, ("Decrypt", "Encrypt"))])},
        forwarding_rules=Found([forwarding()]),
        forwarding_roles={
            SENDER: Found(Role(trust("events.amazonaws.com"), (allowing("events:PutEvents", resource=BUS),)))
        },
        stack_outputs=Found(OUTPUTS),
        artifacts={VERSION.artifacts[0]: Found(["churn/3/model.tar.gz"])},
        encryption={VERSION.artifacts[0]: Found([KEY])},
        keys={KEY: Found(KmsKey(KEY, is_managed_by_aws=False))},
        images={VERSION.images[0]: Found(value=True)},
    )
    return replace(in_order, **changes)


def endpoint(
    name: str,
    *,
    count: int = 1,
    instance_type: str | None = "ml.m5.large",
    specification: str | None = None,
) -> EndpointSpec:
    variant = {"InstanceType": instance_type, "InitialInstanceCount": count} if instance_type else {}
    container = {"InferenceSpecificationName": specification} if specification else {}
    compiled = {
        "CreateModel": {"Containers": [container]},
        "CreateEndpointConfig": {"ProductionVariants": [variant]},
    }
    return EndpointSpec(f"{name}.yaml", name, GROUP, compiled)
