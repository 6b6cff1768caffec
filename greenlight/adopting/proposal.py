"""Proposes how an endpoint that people made becomes this stack's: its YAML, its tags, and the plan."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from deployer.contract import ADOPTED_TAG, ENDPOINT_TAG, STACK_TAG
from deployer.model.names import FINGERPRINT_LENGTH
from deployer.model.settings import EndpointSettings
from greenlight.adopting.composing import compose, templates_of
from greenlight.adopting.hand_made import read_hand_made
from greenlight.adopting.recognising import find_version
from greenlight.errors import CommandError
from greenlight.planning.changes import changes
from greenlight.planning.outlook import outlook_of
from infra.settings.compiling.settings_files import serialised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from greenlight.adopting.composing import Composed
    from greenlight.adopting.hand_made import HandMade
    from greenlight.adopting.place import Place
    from greenlight.adopting.recognising import Match
    from greenlight.planning.changes import Change
    from greenlight.planning.outlook import Outlook
    from greenlight.previewing import Previews
    from infra.settings.problem import Problem


@dataclass(frozen=True, slots=True)
class Proposal:
    """How an endpoint becomes the stack's.

    Attributes:
        found: The endpoint as it is.
        match: The version that it serves.
        content: The content of its YAML.
        notes: What settings cannot say, and what becomes of it.
        changes: What the settings would change in the requests, by the keys of the YAML.
        outlook: What the first deployment does once the endpoint is tagged.
        tags: The tags that make it the stack's.
    """

    found: HandMade
    match: Match
    content: Mapping[str, Any]
    notes: tuple[str, ...]
    changes: tuple[Change, ...]
    outlook: Outlook
    tags: Mapping[str, str]

    @property
    def is_tagged(self) -> bool:
        """Whether the endpoint has these tags already."""
        return all(self.found.tags.get(key) == value for key, value in self.tags.items())


def propose(
    name: str,
    group: str | None,
    place: Place,
    previews: Previews,
    client_of: Callable[[str], Any],
) -> Proposal:
    """Propose how an endpoint becomes the stack's. It changes nothing.

    Args:
        name: The endpoint.
        group: The group that it is to follow; None to look in all of them.
        place: Where its settings are to be.
        previews: Tries passes.
        client_of: Returns a service's client.

    Raises:
        CommandError: It cannot be adopted.
    """
    gateways, stack_name, of_stage = previews.gateways, place.stack_name, place.of_stage
    found = read_hand_made(name, gateways, client_of, stack_name)
    if of_stage is None:
        match = find_version(found, group, None, gateways.registry, client_of("sagemaker"))
    else:
        asked = of_stage.group(group) or group if group is not None else None
        match = find_version(found, asked, of_stage.groups, gateways.registry, client_of("sagemaker"))
        # The settings of a stage name the registry's groups alone.
        match = replace(match, group=match.version.group_name)
    templates = templates_of(found, match, own_role=previews.identity.execution_role_arn)
    composed = compose(found, match, templates)
    if place.file.stem != name:
        composed.content["endpoint_name"] = name
    compiled = _compiled(composed, place)
    different = _different(composed, compiled)
    settings = EndpointSettings.parse(serialised(compiled))
    owned = {STACK_TAG: stack_name, ENDPOINT_TAG: name}
    supposed = f"{name}-v{match.version.version}-{'0' * FINGERPRINT_LENGTH}"
    first = previews.of(settings, tags={found.endpoint.arn: {**owned, ADOPTED_TAG: supposed}})
    choice = first.chosen.choice if first.chosen is not None else None
    tags = dict(owned)
    if choice is not None and choice.approval.version == match.version.version:
        tags[ADOPTED_TAG] = choice.release.endpoint_config_name
    seen = previews.of(settings, tags={found.endpoint.arn: tags}, ahead=True)
    before = {**compiled, **composed.document}
    outlook = outlook_of(seen, json.loads(json.dumps(before)), json.loads(serialised(compiled)))
    return Proposal(found, match, composed.content, composed.notes, tuple(different), outlook, tags)


def _different(composed: Composed, compiled: Mapping[str, Any]) -> list[Change]:
    before = json.loads(json.dumps({**compiled, **composed.document}))
    return changes(before, json.loads(json.dumps(dict(compiled))))


def _compiled(composed: Composed, place: Place) -> Mapping[str, Any]:
    """Compile the settings with the defaults for all endpoints, but those that would change the endpoint."""
    compiled, problems = place.compiled(composed.content)
    if problems and all(each.source for each in problems):
        # AWS takes it: the endpoint is there.
        composed.content["unchecked"] = True
        compiled, problems = place.compiled(composed.content)
    if compiled is None or problems:
        raise _refused(place, problems)
    for change in _different(composed, compiled):
        _without_default(composed.content, change.key)
    compiled, problems = place.compiled(composed.content)
    if compiled is None or problems:
        raise _refused(place, problems)
    return compiled


def _without_default(content: dict[str, Any], key: str) -> None:
    """Let a default not count whose key the endpoint's own settings do not have."""
    first, _, rest = key.partition(".")
    if first.startswith(("overrides", "variants")):
        return
    if first not in content:
        content[first] = None
    elif isinstance(content[first], dict) and rest and rest not in content[first]:
        content[first][rest] = None


def _refused(place: Place, problems: list[Problem]) -> CommandError:
    first = problems[0] if problems else None
    what = f"{first.field}: got {first.got}, expected {first.expected}" if first else "It has no content."
    return CommandError(
        "The settings cannot say what the endpoint is.",
        f"The first obstacle in {first.file if first else place.file.name} is {what}.",
        "Leave the endpoint as it is, or write its YAML yourself.",
    )
