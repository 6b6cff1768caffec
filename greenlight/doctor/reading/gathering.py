"""Owns which facts the doctor reads about one group of a stage. It never writes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from greenlight.doctor.facts import NO_CREDENTIALS, Facts, Found
from greenlight.doctor.reading.attempts import attempt
from greenlight.doctor.reading.event_rules import bus_policy, rules_on, rules_to
from greenlight.doctor.reading.iam_roles import Roles
from greenlight.doctor.reading.installation import function_policy
from greenlight.doctor.reading.quotas import instance_types, read_quotas
from greenlight.doctor.reading.registry_side import RegistrySide
from greenlight.doctor.reading.versions import find_version
from infra.configuration.partitions import partition_of
from infra.stages.policy_statements import statements_for_owners, statements_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from greenlight.connection import Connection
    from greenlight.doctor.facts import Reading, Rule
    from infra.settings.endpoint_spec import EndpointSpec
    from infra.stages.access import StageAccess


def gather(
    access: StageAccess,
    group: str,
    endpoints: Sequence[EndpointSpec],
    *,
    stage: Connection,
    registry: Connection | None,
    caller_account: str,
    registry_account: str | None,
    version: str | None = None,
) -> Facts:
    """Read everything about one group of a stage.

    Args:
        access: What the stage may use.
        group: The model package group's name.
        endpoints: The stage's endpoints that follow the group.
        stage: Credentials of the stage's account, in its region.
        registry: Credentials of the registry's account; without them its policies are not read.
        caller_account: The account of the stage's credentials.
        registry_account: The account of the registry's credentials.
        version: The ARN of a version; by default the newest approved, or else the newest.
    """
    names = access.names
    targets = dict.fromkeys(target for target, _ in (*statements_of(access), *statements_for_owners(access)))
    home = stage if access.at_home else registry
    roles = Roles(stage)
    served = {spec.inference_specification_name for spec in endpoints} or {None}
    found = attempt(lambda: find_version(home or stage, _group_arn(access, group), version, served))
    there = RegistrySide(home) if home is not None else None
    made_of = found.value if isinstance(found, Found) else None
    artifacts: dict[str, Reading[Sequence[str]]] = {
        uri: there.objects(uri) if there else NO_CREDENTIALS for uri in (made_of.artifacts if made_of else ())
    }
    encryption: dict[str, Reading[Sequence[str]]] = {
        uri: there.encryption(uri, objects.value)
        for uri, objects in artifacts.items()
        if there and isinstance(objects, Found)
    }
    used = dict.fromkeys(key for keys in encryption.values() if isinstance(keys, Found) for key in keys.value)
    forwarding: Reading[Sequence[Rule]] = (
        NO_CREDENTIALS if registry is None else attempt(lambda: rules_to(registry, names.bus_arn))
    )
    sending = forwarding.value if isinstance(forwarding, Found) else ()
    receiving: Reading[Sequence[Rule]] = attempt(lambda: rules_on(stage, names.bus))
    return Facts(
        caller_account=caller_account,
        registry_account=registry_account,
        deployer_role=roles.read(names.deployer_role_arn),
        execution_role=roles.read(names.execution_role_arn),
        model_roles={role: roles.read(role) for role in access.model_roles},
        bus_policy=attempt(lambda: bus_policy(stage, names.bus)),
        receiving_rules=receiving,
        function_policies={
            arn: attempt(partial(function_policy, stage, arn))
            for rule in (receiving.value if isinstance(receiving, Found) else ())
            for arn, _ in rule.targets
            if ":lambda:" in arn
        },
        quotas=read_quotas(
            stage, instance_types(spec.compiled["CreateEndpointConfig"] for spec in endpoints)
        ),
        version=found,
        policies={
            (target.kind, target.name): there.policy(target.kind, target.name) if there else NO_CREDENTIALS
            for target in targets
            if target.kind != "key-grants"
        },
        grants={
            target.name: there.grants(target.name) if there else NO_CREDENTIALS
            for target in targets
            if target.kind == "key-grants"
        },
        forwarding_rules=forwarding,
        forwarding_roles={
            role: Roles(registry).read(role)
            for rule in sending
            for _, role in rule.targets
            if role and registry is not None
        },
        stack_outputs=attempt(lambda: _outputs(stage)),
        artifacts=artifacts,
        encryption=encryption,
        keys={key: there.key(key) for key in used if there and _may_be_of(access.registry.account, key)},
        images={
            image: there.has_image(image) if there else NO_CREDENTIALS
            for image in (made_of.images if made_of else ())
            # Another account's repository decides who may read it: mostly AWS's own repositories.
            if image.startswith(access.registry.account)
        },
    )


def _group_arn(access: StageAccess, group: str) -> str:
    registry = access.registry
    partition = partition_of(registry.region)
    return f"arn:{partition}:sagemaker:{registry.region}:{registry.account}:model-package-group/{group}"


def _outputs(connection: Connection) -> dict[str, str] | None:
    found = connection.described
    if found is None:
        return None
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}


def _may_be_of(account: str, key: str) -> bool:
    """Tell whether a KMS key may belong to an account: a key without an ARN belongs to the caller."""
    return not key.startswith("arn:") or key.split(":")[4] == account
