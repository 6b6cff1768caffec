"""Settings take effect after everything that they need, and their event comes last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.infra.conftest import Synthesised


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


OF_PEOPLE = "People"
"""How the policies begin that no role of the stack has."""


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


def only(resources: Mapping[str, Any], resource_type: str) -> str:
    [name] = [name for name, each in resources.items() if each["Type"] == resource_type]
    return name


@pytest.mark.parametrize("configuration", ["synthesised", "configured", "featured"])
def test_the_marker_is_written_after_everything_else_of_its_stack(
    configuration: str, request: pytest.FixtureRequest
) -> None:
    resources = request.getfixturevalue(configuration).resources
    marker = only(resources, "AWS::SSM::Parameter")

    assert {*resources} - before(marker, resources) == {marker}


def test_everything_that_may_change_with_settings_is_waited_for_by_name(featured: Synthesised) -> None:
    """On an update nobody documents that a resource which does not change keeps others in order."""
    marker = only(featured.resources, "AWS::SSM::Parameter")

    assert {*featured.resources} - {*featured.resources[marker]["DependsOn"]} == {marker}


def test_the_function_changes_after_the_roles_that_settings_need(featured: Synthesised) -> None:
    function = only(featured.resources, "AWS::Lambda::Function")
    needed = {
        name
        for name, each in featured.resources.items()
        if each["Type"] in ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        and not name.startswith(OF_PEOPLE)
    }

    assert len(needed) > 4
    assert needed <= {*featured.resources[function]["DependsOn"]}


def test_a_role_changes_when_its_managed_policies_do(fleets: tuple[Synthesised, Synthesised]) -> None:
    """So that the settings, which wait for the role, wait for the policies that it names, too."""
    tags = []
    for fleet in fleets:
        for name, role in fleet.of_type("AWS::IAM::Role").items():
            if name.startswith("ModelExecutionRole"):
                policies = [each["Ref"] for each in role["ManagedPolicyArns"]]
                every = fleet.of_type("AWS::IAM::ManagedPolicy")
                assert {*policies} == {each for each in every if not each.startswith(OF_PEOPLE)}
                tags.append(role["Tags"])

    assert tags[0] != tags[1]
