"""Owns the course of an examination: read one part of the system after another, and judge each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deployer.model.names import account_of
from deployer.model.settings import EndpointSettings
from greenlight.deployed_settings import deployed_settings
from greenlight.doctor.checks.diagnosis import diagnose
from greenlight.doctor.checks.endpoints import check_endpoint
from greenlight.doctor.checks.installation import check_installation
from greenlight.doctor.checks.own_group import check_own_group
from greenlight.doctor.checks.quotas import check_quotas
from greenlight.doctor.examination import Examination, Kind, Part
from greenlight.doctor.facts import Found
from greenlight.doctor.findings import judge
from greenlight.doctor.reading.attempts import attempt
from greenlight.doctor.reading.endpoints import read_endpoint, read_pauses
from greenlight.doctor.reading.gathering import gather
from greenlight.doctor.reading.iam_roles import Roles
from greenlight.doctor.reading.installation import read_installation
from greenlight.doctor.reading.own_group import read_own_group
from greenlight.doctor.reading.quotas import instance_types, read_quotas
from infra.settings.compiling.settings_files import serialised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from deployer.gateways.settings_files import SettingsFiles
    from greenlight.connection import Connection
    from greenlight.doctor.facts import Reading
    from greenlight.doctor.findings import Finding
    from greenlight.doctor.scope import Scope
    from infra.stages.carried_stage import CarriedStage


def examine_stack(
    connection: Connection,
    scope: Scope,
    settings_of: Callable[[Connection], SettingsFiles] = deployed_settings,
) -> Examination:
    """Examine a deployed stack, by the settings that it was deployed with.

    Args:
        connection: Credentials of its account, in its region.
        scope: What of it to look at.
        settings_of: Returns the deployed settings.

    Raises:
        CommandError: There is no such stack, or it has not what was asked about.
    """
    stack, settings = connection.stack, settings_of(connection)
    known = {name: settings.read(name) for name in settings.digests}
    managed = {name: each for name, each in known.items() if each is not None}
    asked = scope.of(stack.name, {name: each.group_name for name, each in managed.items()})
    installation, roles = read_installation(connection, is_fed_here=True), Roles(connection)
    # The account's quotas are for all endpoints together, asked about or not.
    configs = [each.create_endpoint_config for each in managed.values()]
    quotas = read_quotas(connection, instance_types(configs))
    found = [
        *check_installation(installation),
        *check_quotas(stack.account, stack.region, configs, quotas),
    ]
    parts = [Part(Kind.INSTALLATION, stack.name, tuple(found))]
    if isinstance(installation.function, Found):
        for group, names in asked.items():
            following = [managed[name] for name in names]
            facts = read_own_group(connection, installation.function.value, following, scope.version, roles)
            parts.append(Part(Kind.GROUP, group, tuple(check_own_group(facts))))
    parts += _endpoints(connection, [managed[name] for names in asked.values() for name in names])
    return Examination(stack.name, stack.account, stack.region, tuple(parts))


def examine_stage(
    stage: CarriedStage, scope: Scope, here: Connection, registry: Connection | None
) -> Examination:
    """Examine a stage, deployed or not: its project says what it needs.

    Args:
        stage: The stage.
        scope: What of it to look at.
        here: Credentials of the stage's account, in its region.
        registry: Credentials of the registry's account; without them its policies are not read.

    Raises:
        CommandError: The stage has not what was asked about.
    """
    names = stage.names
    specs = {spec.endpoint_name: spec for spec in stage.endpoints}
    followed = {name: spec.model_package_group.rpartition("/")[2] for name, spec in specs.items()}
    asked = scope.of(names.stack, followed)
    caller = account_of(here.caller_arn)
    deployed = attempt(lambda: here.described)
    parts: list[Part] = []
    if caller == names.account:
        found = tuple(_installation(stage, here, deployed))
        parts.append(Part(Kind.INSTALLATION, names.stack, found))
    for group, endpoints in asked.items():
        access = replace(stage.access, groups=(group,))
        facts = gather(
            access,
            group,
            [specs[name] for name in endpoints],
            stage=here,
            registry=registry,
            caller_account=caller,
            registry_account=account_of(registry.caller_arn) if registry is not None else None,
            version=scope.version,
        )
        found = tuple(diagnose(access, group, [specs[name] for name in endpoints], facts))
        parts.append(Part(Kind.GROUP, group, found))
    if caller == names.account and isinstance(deployed, Found):
        wanted = [specs[name].compiled for endpoints in asked.values() for name in endpoints]
        parts += _endpoints(here, (EndpointSettings.parse(serialised(each)) for each in wanted))
    return Examination(names.stack, names.account, names.region, tuple(parts))


def _installation(
    stage: CarriedStage, here: Connection, deployed: Reading[Mapping[str, Any]]
) -> Iterator[Finding]:
    names = stage.names
    yield from judge(
        deployed,
        "stack",
        f"the stack {names.stack}",
        absent="there is no such stack",
        why="Nothing deploys what is approved.",
        where=f"In account {names.account}, {names.region}: deploy it.",
        command=f"npx cdk deploy {names.stack} --exclusively",
    )
    if isinstance(deployed, Found):
        yield from check_installation(read_installation(here, is_fed_here=stage.access.at_home))


def _endpoints(connection: Connection, settings: Iterable[EndpointSettings]) -> Iterator[Part]:
    pauses = read_pauses(connection)
    for each in settings:
        found = check_endpoint(read_endpoint(connection, each, pauses))
        yield Part(Kind.ENDPOINT, each.endpoint_name, tuple(found))
