"""Settings are written after all that their deployment needs: their event starts the deployer at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.infra.conftest import Synthesised

_ENDPOINTS_OWN = ("Settings",)


def references(value: Any) -> Iterator[str]:
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), _]}:
            yield name
        case dict():
            for member in value.values():
                yield from references(member)
        case list():
            for member in value:
                yield from references(member)


def before(name: str, resources: Mapping[str, Any]) -> set[str]:
    """Everything that CloudFormation deals with before a resource."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        resource = resources[waiting.pop()]
        direct = {*references(resource.get("Properties", {})), *_listed(resource.get("DependsOn", []))}
        new = (direct & resources.keys()) - found
        found |= new
        waiting += new
    return found


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def parameters(resources: Mapping[str, Any]) -> list[str]:
    return [name for name, each in resources.items() if each["Type"] == "AWS::SSM::Parameter"]


def everything_else(resources: Mapping[str, Any]) -> set[str]:
    return {
        name
        for name, each in resources.items()
        if each["Type"] != "AWS::SSM::Parameter"
        and not (each["Type"] == "AWS::CloudWatch::Alarm" and name.startswith(_ENDPOINTS_OWN))
    }


@pytest.mark.parametrize("configuration", ["synthesised", "configured", "featured"])
def test_a_parameter_is_written_after_everything_else_of_its_stack(
    configuration: str, request: pytest.FixtureRequest
) -> None:
    stack: Synthesised = request.getfixturevalue(configuration)

    assert parameters(stack.resources)
    for name in parameters(stack.resources):
        assert everything_else(stack.resources) - before(name, stack.resources) == set()


def test_an_endpoints_alarms_are_there_before_its_settings(featured: Synthesised) -> None:
    [churn] = [name for name in parameters(featured.resources) if name.startswith("Settingschurn")]
    own = {
        name
        for name, each in featured.of_type("AWS::CloudWatch::Alarm").items()
        if str(each.get("AlarmName", "")).startswith("Greenlight-churn-")
    }

    assert own
    assert own <= {*featured.resources[churn]["DependsOn"]}


def test_what_changes_with_settings_is_waited_for_by_name(featured: Synthesised) -> None:
    """On an update nobody documents that a resource which does not change keeps others in order."""
    changing = {
        name
        for name, each in featured.resources.items()
        if each["Type"]
        in ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::Lambda::Function", "AWS::Events::Rule")
        and name.startswith(
            ("DeployerRole", "DeployerFunction", "ModelExecutionRole", "TriggersSettingsRule")
        )
    }

    assert len(changing) == 6
    for name in parameters(featured.resources):
        assert changing <= {*featured.resources[name]["DependsOn"]}


def test_a_role_changes_when_its_managed_policies_do(fleets: tuple[Synthesised, Synthesised]) -> None:
    """So that the settings, which wait for the role, wait for the policies that it names, too."""
    tags = []
    for fleet in fleets:
        for name, role in fleet.of_type("AWS::IAM::Role").items():
            if name.startswith("ModelExecutionRole"):
                policies = [each["Ref"] for each in role["ManagedPolicyArns"]]
                assert {*policies} == {*fleet.of_type("AWS::IAM::ManagedPolicy")}
                tags.append(role["Tags"])

    assert tags[0] != tags[1]
