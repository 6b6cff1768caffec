"""Holds every policy of a template to IAM's limits, and the template to CloudFormation's.

Sources: IAM user guide, "reference_iam-quotas"; CloudFormation user guide, "cloudformation-limits"; Systems
Manager quotas; SQS developer guide, "quotas-policies"; KMS developer guide, "resource-limits".
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST: Final = {
    "AWS::AccountId": "1" * 12,
    "AWS::Partition": "aws-us-gov",
    "AWS::Region": "us-northwest-12",
    "AWS::URLSuffix": "amazonaws.com.cn",
    "AWS::StackName": "s" * 128,
}
_ALLOWED_CHARACTERS: Final = re.compile("[\t\n\r\x20-\xff]*")
_WHITE_SPACE: Final = re.compile(r"\s")


def policies_of_roles(
    template: Mapping[str, Any], stack_name: str
) -> dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Render the policies of every role: the inline ones, and the managed ones, however they are attached."""
    resources = template["Resources"]
    inline: dict[str, list[Any]] = defaultdict(list)
    managed: dict[str, list[Any]] = defaultdict(list)
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::IAM::Role":
                inline[name] += [each["PolicyDocument"] for each in properties.get("Policies", ())]
                for arn in properties.get("ManagedPolicyArns", ()):
                    managed[name].append(resources[arn["Ref"]]["Properties"]["PolicyDocument"])
            case "AWS::IAM::Policy":
                for role in properties["Roles"]:
                    inline[role["Ref"]].append(properties["PolicyDocument"])
            case "AWS::IAM::ManagedPolicy":
                for role in properties.get("Roles", ()):
                    managed[role["Ref"]].append(properties["PolicyDocument"])
    return {
        role: (
            [_rendered(each, stack_name) for each in inline[role]],
            [_rendered(each, stack_name) for each in managed[role]],
        )
        for role, resource in resources.items()
        if resource["Type"] == "AWS::IAM::Role"
    }


def broken_limits(
    template: Mapping[str, Any], stack_name: str, *, managed_policies_per_role: int = 10
) -> Iterator[str]:
    """Say every limit that a template breaks."""
    resources = template["Resources"]
    if len(resources) > 500:
        yield f"{len(resources)} resources"
    if len(json.dumps(template)) > 1_000_000:
        yield f"a template of {len(json.dumps(template)):,} characters"
    yield from _broken_by_roles(template, stack_name, managed_policies_per_role)
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::SQS::QueuePolicy":
                policy = _rendered(properties["PolicyDocument"], stack_name)
                if _characters(policy) > 8_192 or len(policy["Statement"]) > 20:
                    yield f"{name}: a queue's policy that is too large"
            case "AWS::KMS::Key":
                if _characters(_rendered(properties["KeyPolicy"], stack_name)) > 32_768:
                    yield f"{name}: a key's policy that is too large"
            case "AWS::SSM::Parameter":
                if len(str(properties["Value"]).encode()) > 8_192:
                    yield f"{name}: a parameter that is too large"


def _broken_by_roles(template: Mapping[str, Any], stack_name: str, most_managed: int) -> Iterator[str]:
    for role, (inline, managed) in policies_of_roles(template, stack_name).items():
        if (size := sum(map(_characters, inline))) > 10_240:
            yield f"{role}: {size:,} characters in inline policies"
        if len(managed) > most_managed:
            yield f"{role}: {len(managed)} managed policies"
        for policy in managed:
            if (size := _characters(policy)) > 6_144:
                yield f"{role}: a managed policy of {size:,} characters"
        for policy in (*inline, *managed):
            yield from (f"{role}: {each}" for each in _insane(policy))
        trust = _rendered(template["Resources"][role]["Properties"]["AssumeRolePolicyDocument"], stack_name)
        if _characters(trust) > 2_048:
            yield f"{role}: a trust policy of {_characters(trust):,} characters"


def _insane(policy: Mapping[str, Any]) -> Iterator[str]:
    sids = [statement["Sid"] for statement in policy["Statement"] if "Sid" in statement]
    if len(set(sids)) < len(sids):
        yield f"statements of one name: {sorted(sids)}"
    if not _ALLOWED_CHARACTERS.fullmatch(json.dumps(policy, ensure_ascii=False)):
        yield "characters that IAM does not take"
    for statement in policy["Statement"]:
        if not re.fullmatch("[A-Za-z0-9]*", statement.get("Sid", "")):
            yield f"the name {statement['Sid']}"
        yield from _insane_statement(statement)


def _insane_statement(statement: Mapping[str, Any]) -> Iterator[str]:
    for member in ("Action", "Resource"):
        values = statement.get(member)
        if not values or not all(isinstance(each, str) and each for each in _listed(values)):
            yield f"{statement.get('Sid')}: {member} {values}"
    for resource in _listed(statement["Resource"]):
        if resource != "*" and not re.match(r"arn:[^:]+:[^:]+:[^:]*:[^:]*:.", resource):
            yield f"{statement.get('Sid')}: the resource {resource}"
    for operator, keys in statement.get("Condition", {}).items():
        if not keys or not all(values or values == "" for values in keys.values()):
            yield f"{statement.get('Sid')}: an empty {operator}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _characters(policy: Mapping[str, Any]) -> int:
    written = json.dumps(policy, separators=(",", ":"), ensure_ascii=False)
    return len(_WHITE_SPACE.sub("", written))


def _rendered(value: Any, stack_name: str) -> Any:
    match value:
        case {"Ref": name} if name in _LONGEST:
            return _LONGEST[name]
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            place = f"{_LONGEST['AWS::Region']}:{_LONGEST['AWS::AccountId']}"
            return f"arn:aws-us-gov:service:{place}:kind/{stack_name}-{name}-{'X' * 13}"
        case {"Fn::Join": [separator, parts]}:
            return separator.join(_rendered(part, stack_name) for part in parts)
        case dict():
            return {name: _rendered(member, stack_name) for name, member in value.items()}
        case list():
            return [_rendered(member, stack_name) for member in value]
    return value
