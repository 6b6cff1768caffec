"""The roles of a synthesised stack as IAM sees them in an account, with their policies resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.iam.policies import parse_policy
from local_cloud.iam.principals import Principal, PrincipalKind

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesised

ACCOUNT = "111122223333"
REGION = "eu-west-1"
STACK = "Greenlight"

_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}
_ARNS = {
    "AWS::DynamoDB::GlobalTable": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}",
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}",
}


def arn_of(synthesised: Synthesised, resource_type: str, prefix: str) -> str:
    """Return the ARN of the only resource of a type whose logical id begins with a prefix."""
    [name] = [each for each in synthesised.of_type(resource_type) if each.startswith(prefix)]
    return _ARNS[resource_type].format(name)


def session(synthesised: Synthesised, prefix: str) -> Principal:
    """Return a session of the role whose logical id begins with a prefix."""
    role_arn = arn_of(synthesised, "AWS::IAM::Role", prefix)
    name = role_arn.rpartition("/")[2]
    policies = [
        parse_policy(_resolved(synthesised, policy["PolicyDocument"]))
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        for policy in synthesised.of_type(kind).values()
        if {"Ref": name} in policy["Roles"]
    ]
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/session"
    return Principal(PrincipalKind.SESSION, arn, ACCOUNT, role_arn, tuple(policies))


def _resolved(synthesised: Synthesised, value: Any) -> Any:
    """Return a template's value with its intrinsic functions carried out."""
    match value:
        case {"Ref": name}:
            return _PSEUDO[name] if name in _PSEUDO else _arn(synthesised, name)
        case {"Fn::GetAtt": [name, "Arn"]}:
            return _arn(synthesised, name)
        case {"Fn::Join": [separator, parts]}:
            return separator.join(_resolved(synthesised, part) for part in parts)
        case dict():
            return {name: _resolved(synthesised, member) for name, member in value.items()}
        case list():
            return [_resolved(synthesised, member) for member in value]
    return value


def _arn(synthesised: Synthesised, name: str) -> str:
    return _ARNS[synthesised.resources[name]["Type"]].format(name)
