"""The roles of a synthesised stack as IAM sees them in an account, with their policies resolved."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from iam_policies.policies import parse_policy
from iam_policies.principals import Principal, PrincipalKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.infra.conftest import Synthesised

ACCOUNT = "111122223333"
REGION = "eu-west-1"

ALTERED: ContextVar[Callable[[str, Principal], Principal] | None] = ContextVar("altered", default=None)
"""Makes another principal of a role's session, for those who watch it or take something from it.

It is given the beginning of the role's logical id too. By default nobody does.
"""

_ARNS = {
    "AWS::DynamoDB::GlobalTable": "dynamodb:{region}:{account}:table/{name}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
}


@dataclass(frozen=True)
class Deployed:
    """A synthesised stack as if it were deployed.

    Attributes:
        synthesised: The stack.
        account_id: Where.
        region: Likewise.
        names: Resource type and the beginning of a logical id to a physical name, instead of the logical id.
    """

    synthesised: Synthesised
    account_id: str = ACCOUNT
    region: str = REGION
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def arn(self, resource_type: str, prefix: str) -> str:
        """Return the ARN of the only resource of a type whose logical id begins with a prefix."""
        [name] = [each for each in self.synthesised.of_type(resource_type) if each.startswith(prefix)]
        return self._arn(name)

    def session(self, prefix: str) -> Principal:
        """Return a session of the role whose logical id begins with a prefix."""
        [logical_id] = [
            each for each in self.synthesised.of_type("AWS::IAM::Role") if each.startswith(prefix)
        ]
        policies = [
            parse_policy(self._resolved(policy["PolicyDocument"]))
            for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
            for policy in self.synthesised.of_type(kind).values()
            if {"Ref": logical_id} in policy["Roles"]
        ]
        role_arn = self._arn(logical_id)
        name = role_arn.rpartition("/")[2]
        arn = f"arn:aws:sts::{self.account_id}:assumed-role/{name}/session"
        principal = Principal(PrincipalKind.SESSION, arn, self.account_id, role_arn, tuple(policies))
        altered = ALTERED.get()
        return altered(prefix, principal) if altered else principal

    def _resolved(self, value: Any) -> Any:
        """Return a template's value with its intrinsic functions carried out."""
        match value:
            case {"Ref": name}:
                return self._pseudo().get(name) or self._arn(name)
            case {"Fn::GetAtt": [name, "Arn"]}:
                return self._arn(name)
            case {"Fn::Join": [separator, parts]}:
                return separator.join(self._resolved(part) for part in parts)
            case dict():
                return {name: self._resolved(member) for name, member in value.items()}
            case list():
                return [self._resolved(member) for member in value]
        return value

    def _pseudo(self) -> dict[str, str]:
        return {
            "AWS::AccountId": self.account_id,
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::URLSuffix": "amazonaws.com",
        }

    def _arn(self, logical_id: str) -> str:
        kind = self.synthesised.resources[logical_id]["Type"]
        named = [
            name for (of, prefix), name in self.names.items() if of == kind and logical_id.startswith(prefix)
        ]
        rest = _ARNS[kind].format(
            region=self.region, account=self.account_id, name=named[0] if named else logical_id
        )
        return f"arn:aws:{rest}"
