"""The roles and policies of a synthesised stack as IAM sees them in an account, with everything resolved."""

from __future__ import annotations

import json
import re
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from iam_evaluator.grammar import PolicyType
from iam_evaluator.policies import Policy, parse_policy
from iam_evaluator.principals import Principal, PrincipalKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.infra.conftest import Synthesised

ACCOUNT = "111122223333"
REGION = "eu-west-1"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A holder of policies.

    Attributes:
        stack: Its stack, in a word or two.
        holder: The resource: the prefix of its logical id, or the policy editor's name for it.
    """

    stack: str
    holder: str

    def __str__(self) -> str:
        return f"{self.stack}: {self.holder}"


class Alteration(Protocol):
    """Watches a subject, or removes something from it."""

    def policies(self, subject: Subject, policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
        """Return the policies that the subject is to have."""
        ...

    def principal(self, subject: Subject, principal: Principal) -> Principal:
        """Return the principal that a role's session is to be; it has the altered policies."""
        ...


ALTERED: ContextVar[Alteration | None] = ContextVar("altered", default=None)
"""Changes what stacks have; by default nothing."""

_ARNS = {
    "AWS::DynamoDB::GlobalTable": "dynamodb:{region}:{account}:table/{name}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::EventBus": "events:{region}:{account}:event-bus/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
}
_NAMES = ("RoleName", "Name")
_HASH = re.compile(r"[0-9A-F]{8}$")
_EDITED = "Custom::GreenlightPolicyStatements"
_TYPES = {
    "bucket": PolicyType.BUCKET,
    "group": PolicyType.MODEL_PACKAGE_GROUP,
    "key": PolicyType.KEY,
    "key-grants": None,  # Grants are no policy: they are only written like one.
    "repository": PolicyType.REPOSITORY,
}


@dataclass(frozen=True)
class Deployed:
    """A synthesised stack as if it were deployed.

    Attributes:
        synthesised: The stack.
        account_id: Its account.
        region: Its region.
        names: By resource type and prefix of a logical id, a physical name in place of the logical id.
        stack: Its name among stacks with policies.
        renamed: Texts of the template and their replacements, such as another account's number.
    """

    synthesised: Synthesised
    account_id: str = ACCOUNT
    region: str = REGION
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    stack: str = "one account"
    renamed: Mapping[str, str] = field(default_factory=dict)

    def arn(self, resource_type: str, prefix: str) -> str:
        """Return the ARN of the only resource of a type whose logical id begins with a prefix."""
        return self._arn(self._named(resource_type, prefix))

    def arns(self, resource_type: str) -> list[str]:
        """Return the ARNs of all resources of a type."""
        return [self._arn(name) for name in self.synthesised.of_type(resource_type)]

    def role_of(self, function_arn: str) -> str:
        """Return the ARN of a function's role."""
        functions = self.synthesised.of_type("AWS::Lambda::Function")
        [role] = [each["Role"] for name, each in functions.items() if self._arn(name) == function_arn]
        return str(self._resolved(role))

    def variables(self, prefix: str) -> dict[str, str]:
        """Return the environment of the function whose logical id begins with a prefix."""
        function = self.synthesised.resources[self._named("AWS::Lambda::Function", prefix)]
        found: dict[str, str] = self._resolved(function["Properties"]["Environment"]["Variables"])
        return found

    def rules(self) -> dict[str, dict[str, Any]]:
        """Return the properties of every EventBridge rule, by logical id."""
        found: dict[str, dict[str, Any]] = self._resolved(self.synthesised.of_type("AWS::Events::Rule"))
        return found

    def session(self, prefix: str) -> Principal:
        """Return a session of the role whose logical id begins with a prefix."""
        return self._session(self._named("AWS::IAM::Role", prefix))

    def person(self, prefix: str) -> Principal:
        """Return a session of somebody whose role has only the policy for people that begins so."""
        [logical_id] = [each for each in self._people() if each.startswith(prefix)]
        subject = self._role(logical_id)
        policies = self._altered(subject, self._of_people(logical_id))
        role_arn = f"arn:aws:iam::{self.account_id}:role/somebody"
        arn = f"arn:aws:sts::{self.account_id}:assumed-role/somebody/session"
        principal = Principal(PrincipalKind.SESSION, arn, self.account_id, role_arn, policies)
        altered = ALTERED.get()
        return altered.principal(subject, principal) if altered else principal

    def session_of(self, role_arn: str) -> Principal | None:
        """Return a session of the role with an ARN; None if the stack has none."""
        return next((self._session(each) for each in self._roles() if self._arn(each) == role_arn), None)

    def trust_policy(self, role_arn: str) -> Policy | None:
        """Return the trust policy of the role with an ARN; None if the stack has none."""
        for logical_id in self._roles():
            if self._arn(logical_id) == role_arn:
                [policy] = self._altered(self._trust(logical_id), (self._trusted(logical_id),))
                return policy
        return None

    def resource_policy(self, arn: str) -> Policy | None:
        """Return the policy of a resource of the stack; None if it has none, or is no resource of it."""
        for subject, of, policy in self._resource_policies():
            if of == arn:
                return self._altered(subject, (policy,))[0]
        return None

    def edits(self) -> list[tuple[str, str]]:
        """List whose policies are edited by custom resources: kind and name, as the template has them."""
        return [(each["Kind"], each["Target"]) for each in self.synthesised.of_type(_EDITED).values()]

    def edit(self, kind: str, target: str) -> dict[str, str]:
        """Return the properties of the custom resource that has a policy edited."""
        [found] = [
            each
            for each in self.synthesised.of_type(_EDITED).values()
            if (each["Kind"], each["Target"]) == (kind, target)
        ]
        properties: dict[str, str] = self._resolved(found)
        return properties

    def edited_otherwise(self, kind: str, target: str) -> list[dict[str, Any]] | None:
        """Return the statements that are to be in a policy in place of those that the template has."""
        policy = _statements(self.edit(kind, target))
        [altered] = self._altered(self._edited(kind, target), (policy,))
        if altered is policy:
            return None
        statements: list[dict[str, Any]] = document(altered)["Statement"]
        return statements

    def subjects(self) -> dict[Subject, tuple[Policy, ...]]:
        """Return everything with policies: roles with their trust policies, and resources."""
        found = {
            self._role(logical_id): self._identity_policies(logical_id)
            for logical_id in self._roles()
            if self._identity_policies(logical_id)
        }
        found |= {self._role(logical_id): self._of_people(logical_id) for logical_id in self._people()}
        found |= {self._trust(logical_id): (self._trusted(logical_id),) for logical_id in self._roles()}
        found |= {subject: (policy,) for subject, _, policy in self._resource_policies()}
        for kind, target in self.edits():
            found[self._edited(kind, target)] = (_statements(self.edit(kind, target)),)
        return found

    def _edited(self, kind: str, target: str) -> Subject:
        return Subject(self.stack, f"statements in {kind} {target.rpartition(':')[2]}")

    def _named(self, resource_type: str, prefix: str) -> str:
        """Return a logical id: the one that has nothing else, or the only one that begins so."""
        begin_so = [each for each in self.synthesised.of_type(resource_type) if each.startswith(prefix)]
        [name] = [each for each in begin_so if _HASH.sub("", each) == prefix] or begin_so
        return name

    def _roles(self) -> list[str]:
        return list(self.synthesised.of_type("AWS::IAM::Role"))

    def _people(self) -> list[str]:
        """List the managed policies that no role of the stack has: they are for people."""
        attached = {
            policy["Ref"]
            for role in self.synthesised.of_type("AWS::IAM::Role").values()
            for policy in role.get("ManagedPolicyArns", ())
            if "Ref" in policy
        }
        policies = self.synthesised.of_type("AWS::IAM::ManagedPolicy")
        return [name for name, policy in policies.items() if name not in attached and "Roles" not in policy]

    def _of_people(self, logical_id: str) -> tuple[Policy, ...]:
        policy = self.synthesised.resources[logical_id]["Properties"]["PolicyDocument"]
        return (parse_policy(self._resolved(policy), PolicyType.IDENTITY),)

    def _role(self, logical_id: str) -> Subject:
        return Subject(self.stack, _HASH.sub("", logical_id))

    def _trust(self, logical_id: str) -> Subject:
        return Subject(self.stack, f"trust in {_HASH.sub('', logical_id)}")

    def _trusted(self, logical_id: str) -> Policy:
        properties = self.synthesised.resources[logical_id]["Properties"]
        return parse_policy(self._resolved(properties["AssumeRolePolicyDocument"]), PolicyType.TRUST)

    def _identity_policies(self, logical_id: str) -> tuple[Policy, ...]:
        role = self.synthesised.resources[logical_id]["Properties"]
        return tuple(
            parse_policy(self._resolved(policy["PolicyDocument"]), PolicyType.IDENTITY)
            for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
            for name, policy in self.synthesised.of_type(kind).items()
            if {"Ref": logical_id} in policy.get("Roles", ())
            or {"Ref": name} in role.get("ManagedPolicyArns", ())
        )

    def _session(self, logical_id: str) -> Principal:
        subject = self._role(logical_id)
        policies = self._altered(subject, self._identity_policies(logical_id))
        role_arn = self._arn(logical_id)
        name = role_arn.rpartition("/")[2]
        arn = f"arn:aws:sts::{self.account_id}:assumed-role/{name}/session"
        principal = Principal(PrincipalKind.SESSION, arn, self.account_id, role_arn, policies)
        altered = ALTERED.get()
        return altered.principal(subject, principal) if altered else principal

    def _altered(self, subject: Subject, policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
        altered = ALTERED.get()
        return altered.policies(subject, policies) if altered else policies

    def _resource_policies(self) -> Iterator[tuple[Subject, str, Policy]]:
        """Yield each resource that has a policy, with its ARN."""
        for kind, member, policy_type in (
            ("AWS::SNS::TopicPolicy", "Topics", PolicyType.TOPIC),
            ("AWS::SQS::QueuePolicy", "Queues", PolicyType.QUEUE),
        ):
            for properties in self.synthesised.of_type(kind).values():
                for of in properties[member]:
                    document = self._resolved(properties["PolicyDocument"])
                    yield self._policy_of(of["Ref"], document, policy_type)
        for logical_id, properties in self.synthesised.of_type("AWS::KMS::Key").items():
            yield self._policy_of(logical_id, self._resolved(properties["KeyPolicy"]), PolicyType.KEY)
        for properties in self.synthesised.of_type("AWS::Events::EventBusPolicy").values():
            statement = self._resolved(properties["Statement"])
            bus = properties["EventBusName"]["Ref"]
            yield self._policy_of(bus, {"Statement": [statement]}, PolicyType.EVENT_BUS)
        for function in self.synthesised.of_type("AWS::Lambda::Function"):
            statements = [
                self._permission(logical_id, properties)
                for logical_id, properties in self.synthesised.of_type("AWS::Lambda::Permission").items()
                if properties["FunctionName"]["Fn::GetAtt"][0] == function
            ]
            if statements:
                yield self._policy_of(function, {"Version": "2012-10-17", "Statement": statements})

    def _policy_of(
        self, logical_id: str, policy: dict[str, Any], policy_type: PolicyType | None = None
    ) -> tuple[Subject, str, Policy]:
        subject = Subject(self.stack, _HASH.sub("", logical_id))
        parsed = parse_policy(policy, policy_type)
        named = tuple(replace(each, sid=_HASH.sub("", each.sid)) for each in parsed.statements)
        return subject, self._arn(logical_id), Policy(named)

    def _permission(self, logical_id: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Write a permission as the statement that Lambda makes of it (Lambda guide, AddPermission)."""
        return {
            "Sid": logical_id.partition("AllowEventRule")[0],
            "Effect": "Allow",
            "Principal": {"Service": properties["Principal"]},
            "Action": properties["Action"],
            "Resource": self._resolved(properties["FunctionName"]),
            "Condition": {"ArnLike": {"AWS:SourceArn": self._resolved(properties["SourceArn"])}},
        }

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
                return {self._meant(name): self._resolved(member) for name, member in value.items()}
            case list():
                return [self._resolved(member) for member in value]
            case str():
                return self._meant(value)
        return value

    def _meant(self, text: str) -> str:
        for said, meant in self.renamed.items():
            text = text.replace(said, meant)
        return text

    def _pseudo(self) -> dict[str, str]:
        return {
            "AWS::AccountId": self.account_id,
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::URLSuffix": "amazonaws.com",
        }

    def _arn(self, logical_id: str) -> str:
        resource = self.synthesised.resources[logical_id]
        kind, properties = resource["Type"], resource.get("Properties", {})
        named = [
            name for (of, prefix), name in self.names.items() if of == kind and logical_id.startswith(prefix)
        ]
        named += [self._meant(properties[each]) for each in _NAMES if isinstance(properties.get(each), str)]
        rest = _ARNS[kind].format(
            region=self.region, account=self.account_id, name=named[0] if named else logical_id
        )
        return f"arn:aws:{rest}"


def _statements(properties: Mapping[str, str]) -> Policy:
    document = {"Version": "2012-10-17", "Statement": json.loads(properties["Statements"])}
    return parse_policy(document, _TYPES[properties["Kind"]])


def document(policy: Policy) -> dict[str, Any]:
    """Write a policy as the document that it is read from; the only version is the one with variables."""
    statements = []
    for each in policy.statements:
        statement: dict[str, Any] = {"Effect": "Allow" if each.allows else "Deny"}
        if each.sid:
            statement["Sid"] = each.sid
        if each.principals is not None:
            named: dict[str, list[str]] = {}
            for kind, name in each.principals:
                named.setdefault("AWS" if kind == "*" else kind, []).append(name)
            # One alone as a text: a grant has a single grantee.
            statement["Principal"] = {
                kind: names[0] if len(names) == 1 else names for kind, names in named.items()
            }
        if each.actions is not None:
            statement["Action"] = list(each.actions)
        if each.resources is not None:
            statement["Resource"] = list(each.resources)
        conditions: dict[str, dict[str, list[str]]] = {}
        for condition in each.conditions:
            conditions.setdefault(condition.operator, {})[condition.key] = list(condition.values)
        if conditions:
            statement["Condition"] = conditions
        statements.append(statement)
    return {"Version": "2012-10-17", "Statement": statements}
