"""Reads what a plan needs: the settings here, those that are deployed, and what the deployer would do."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from deployer.model.model_version import ModelVersion
from deployer.model.settings import EndpointSettings
from deployer.model.trigger import PackageChanged
from greenlight.checking import read_project, refuse_mistakes, stage_of
from greenlight.errors import CommandError
from greenlight.planning.checks import approval_checks
from greenlight.planning.instances import check_quotas, of_config
from greenlight.planning.outlook import gone, outlook_of
from infra.settings.catalogue import load_catalogue
from infra.settings.compiling.settings_files import serialised

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence

    from deployer.gateways.settings_files import SettingsFiles
    from deployer.model.identity import Identity
    from greenlight.doctor.facts import Quota, Reading
    from greenlight.planning.outlook import Outlook
    from greenlight.previewing import Previews

    QuotasOf: TypeAlias = Callable[[Sequence[str]], Mapping[str, Reading[Quota]]]


def settings_here(directory: Path, given: Mapping[str, str], stack: str) -> dict[str, Mapping[str, Any]]:
    """Return the compiled settings of a project, by endpoint; of one stage if the project has stages.

    Raises:
        CommandError: They have mistakes, or the project has no such stage.
    """
    project = read_project(directory, given)
    configuration, problems = project.configuration, list(project.mistakes)
    if configuration.registry is None:
        below = Path(configuration.endpoints_dir)
        specs, found = load_catalogue(below, below.as_posix(), stack_name=configuration.stack_name)
        problems += found
    else:
        stage, found = stage_of(project, stack)
        problems += found
        specs = list(stage.endpoints) if stage is not None else []
    refuse_mistakes(problems, directory, "nothing can be planned")
    return {spec.endpoint_name: spec.compiled for spec in specs}


@dataclass(frozen=True, slots=True)
class Deployed:
    """What is deployed: the settings, and the way to try passes."""

    settings: SettingsFiles
    previews: Previews


def plan_settings(
    deployed: Deployed, here: Mapping[str, Mapping[str, Any]], quotas_of: QuotasOf
) -> list[Outlook]:
    """Return what the settings here would do to each endpoint, here or deployed.

    Args:
        deployed: What is deployed.
        here: The compiled settings, by endpoint.
        quotas_of: Reads the quotas of instance types.
    """
    found: list[Outlook] = []
    for name in sorted({*here, *deployed.settings.digests}):
        content = deployed.settings.content(name)
        if name not in here:
            assert content is not None, "it is deployed"
            found.append(gone(name, EndpointSettings.parse(content).group_name))
            continue
        wanted = serialised(here[name])
        seen = deployed.previews.of(EndpointSettings.parse(wanted), ahead=True)
        before = json.loads(content) if content is not None else None
        found.append(outlook_of(seen, before, json.loads(wanted)))
    return _with_quotas(
        found,
        lambda: {name: document["CreateEndpointConfig"] for name, document in here.items()},
        quotas_of,
    )


def _with_quotas(
    outlooks: list[Outlook],
    configs_of_all: Callable[[], Mapping[str, Mapping[str, Any]]],
    quotas_of: QuotasOf,
) -> list[Outlook]:
    """Add to each endpoint that needs instances whether the quotas hold them, beside those of the others."""
    types = sorted({instance_type for each in outlooks for instance_type in each.instances})
    if not types:
        return outlooks
    counts = {name: of_config(config) for name, config in configs_of_all().items()}
    quotas = quotas_of(types)
    return [
        replace(each, checks=(*each.checks, check_quotas(each.instances, _others(counts, each), quotas)))
        if each.instances
        else each
        for each in outlooks
    ]


def _others(counts: Mapping[str, Counter[str]], outlook: Outlook) -> list[Counter[str]]:
    return [count for name, count in counts.items() if name != outlook.endpoint_name]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision that somebody may take.

    Attributes:
        group_name: The group, or its ARN.
        number: The version.
        status: `Approved` or `Rejected`.
        by: Who would decide.
    """

    group_name: str
    number: int
    status: str
    by: Identity


def plan_decision(
    deployed: Deployed, proposal: Proposal, client_of: Callable[[str], Any], quotas_of: QuotasOf
) -> list[Outlook]:
    """Return what a decision would do to each endpoint that follows the group.

    Args:
        deployed: What is deployed.
        proposal: The decision.
        client_of: Returns a service's client.
        quotas_of: Reads the quotas of instance types.

    Raises:
        CommandError: Nobody follows the group, or the registry does not show the version.
    """
    group = proposal.group_name.rpartition("/")[2]
    followers = deployed.settings.followers(group)
    if not followers:
        raise CommandError(
            f"No endpoint of the stack follows {group}.",
            "The deployer does nothing for the versions of a group that nobody follows.",
            "Correct the group's name, or add an endpoint's YAML with it.",
        )
    outlooks = [_after_decision(deployed, proposal, name, client_of) for name in sorted(followers)]

    def configs_of_all() -> dict[str, Mapping[str, Any]]:
        managed = map(deployed.settings.read, sorted(deployed.settings.digests))
        return {each.endpoint_name: each.create_endpoint_config for each in managed if each is not None}

    return _with_quotas(outlooks, configs_of_all, quotas_of)


def _after_decision(
    deployed: Deployed, proposal: Proposal, endpoint_name: str, client_of: Callable[[str], Any]
) -> Outlook:
    settings = deployed.settings.read(endpoint_name)
    assert settings is not None, "an index names what there is"
    version = deployed.previews.version(settings, proposal.number)
    if not isinstance(version, ModelVersion):
        reason = version.reason if version is not None else "DescribeModelPackage finds none."
        raise CommandError(
            f"The registry shows no version {proposal.number} of {settings.group_name}.",
            reason,
            "Correct the number, or register the version.",
        )
    now = datetime.now(UTC).replace(microsecond=0)
    supposed = replace(
        version,
        approval_status=proposal.status,
        last_modified_by=proposal.by,
        last_modified_time=max(now, version.last_modified_time),
    )
    if settings.gate is not None and proposal.status == "Approved":
        supposed = replace(supposed, life_cycle=settings.gate.asks_for)
    change = PackageChanged(
        group_name=version.group_name,
        version_arn=version.arn,
        approval_status=proposal.status,
        names_approval=True,
        time=supposed.last_modified_time,
        event_id="preview",
        last_modified_time=supposed.last_modified_time,
        life_cycle=supposed.life_cycle,
        names_life_cycle=settings.gate is not None,
    )
    seen = deployed.previews.of(settings, supposed=supposed, change=change, ahead=True)
    checks = (
        list(approval_checks(seen, supposed, proposal.by, client_of)) if proposal.status == "Approved" else []
    )
    return outlook_of(seen, checks=checks)
