"""The common state of all operations: the ports, the settings, the present time, and all resources.

Owns state and identifiers; the resources' modules decide. This module and theirs name each other for types
only: at run time it imports none of them.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from local_cloud.sagemaker import arns
from local_cloud.sagemaker.switch_settings import ArnLetterCase, NameLookup
from local_cloud.sagemaker.timers import Timers

if TYPE_CHECKING:
    from local_cloud.sagemaker.endpoint_configs.endpoint_config_state import EndpointConfig
    from local_cloud.sagemaker.endpoints.endpoint_state import Endpoint
    from local_cloud.sagemaker.models import Model
    from local_cloud.sagemaker.ports import (
        Alarms,
        Artifacts,
        Caller,
        EventSink,
        ExecutionRoles,
        Hosting,
        Identity,
        Keys,
    )
    from local_cloud.sagemaker.registry.model_package import ModelPackage
    from local_cloud.sagemaker.registry.model_package_groups import ModelPackageGroup
    from local_cloud.sagemaker.scaling_registrations import ScalingRegistrations
    from local_cloud.sagemaker.switches import Switches
    from local_cloud.sagemaker.timings import Timings

_MILLISECOND = 1000


@dataclass(slots=True, eq=False)
class Scope:
    """All resources of one account in one region; keys are names in lower case."""

    account_id: str
    region: str
    model_package_groups: dict[str, ModelPackageGroup] = field(default_factory=dict)
    model_packages: dict[str, ModelPackage] = field(default_factory=dict)
    """Unversioned packages by name, versions by `group/version`."""
    versions: dict[str, dict[str, ModelPackage]] = field(default_factory=dict)
    """The versions among them by their group's name: listing one group does not read all others'."""
    indexed: dict[str, list[tuple[datetime, ModelPackage | None]]] = field(default_factory=dict)
    """What Search may show of each package, from when on, oldest first; None once it is deleted."""
    models: dict[str, Model] = field(default_factory=dict)
    endpoint_configs: dict[str, EndpointConfig] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    """ARN in lower case to tags."""
    instance_quotas: dict[str, int] = field(default_factory=dict)
    """Instance type to the quota of endpoint instances; a missing type is unlimited."""
    instance_capacity: dict[str, int] = field(default_factory=dict)
    """Instance type to AWS's capacity; a missing type is unlimited."""

    def add_package(self, package: ModelPackage) -> None:
        """Keep a new package."""
        self.model_packages[package.key] = package
        if package.version is not None:
            self.versions.setdefault(package.name.lower(), {})[package.key] = package

    def remove_package(self, package: ModelPackage) -> None:
        """Forget a package."""
        del self.model_packages[package.key]
        if package.version is not None:
            del self.versions[package.name.lower()][package.key]


Named = TypeVar("Named")


@dataclass(slots=True, eq=False)
class State:
    """The ports, the settings and the state of every account and region."""

    identity: Identity
    artifacts: Artifacts
    hosting: Hosting
    events: EventSink
    alarms: Alarms
    execution_roles: ExecutionRoles
    keys: Keys
    scalable_targets: ScalingRegistrations
    timings: Timings
    switches: Switches
    seed: int
    time: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """The time of the current call or transition, to the millisecond."""
    timers: Timers = field(default_factory=Timers)
    scopes: dict[tuple[str, str], Scope] = field(default_factory=dict)
    _advancing: bool = False
    _sequence: int = 0
    _event_ids: random.Random = field(init=False)

    def __post_init__(self) -> None:
        # Identifiers must be the same in every run; they protect nothing.
        self._event_ids = random.Random(f"events {self.seed}")  # noqa: S311

    def set_time(self, now: datetime) -> None:
        """Set the present time; AWS stores milliseconds."""
        self.time = now.replace(microsecond=now.microsecond // _MILLISECOND * _MILLISECOND)

    def advance(self, now: datetime) -> None:
        """Make every due transition, in order, each at its own time."""
        if self._advancing:
            # Who hears of a transition's event may call: the call sees the state of that moment.
            return
        self._advancing = True
        try:
            while (subject := self.timers.take(now)) is not None:
                assert subject.due is not None, "only what is due is taken"
                self.set_time(subject.due)
                subject.advance(self)
        finally:
            self._advancing = False
        self.set_time(now)

    def scope(self, caller: Caller) -> Scope:
        """Return the state of the caller's account and region."""
        return self.scope_of(caller.account_id, caller.region)

    def scope_of(self, account_id: str, region: str) -> Scope:
        """Return the state of an account and region, empty at first."""
        key = (account_id, region)
        scope = self.scopes.get(key)
        if scope is None:
            scope = self.scopes[key] = Scope(account_id, region)
        return scope

    def next_sequence(self) -> int:
        """Return a number greater than all before."""
        self._sequence += 1
        return self._sequence

    def next_event_id(self) -> str:
        """Return a unique identifier for an event; the same in every run with the same seed."""
        return str(uuid.UUID(int=self._event_ids.getrandbits(128), version=4))

    def arn(self, scope: Scope, resource_type: str, name: str) -> str:
        """Return a resource's ARN in the switch's letter case."""
        if self.switches.arn_letter_case is ArnLetterCase.LOWER:
            name = name.lower()
        return arns.build(scope.account_id, scope.region, resource_type, name)

    def find(self, resources: dict[str, Named], name: str) -> Named | None:
        """Return the resource of this name, or None; the switch decides about letter case."""
        resource: Any = resources.get(name.lower())
        if (
            resource is not None
            and resource.name != name
            and self.switches.name_lookup is NameLookup.CASE_SENSITIVE
        ):
            return None
        found: Named | None = resource
        return found
