"""Plans the steps from what an endpoint is to what it should be. Pure: no clock, no environment, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from deployer.approval import Choice
    from deployer.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class CreateModel:
    """Create the model, or find it as a retry left it."""

    request: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CreateEndpointConfig:
    """Create the endpoint config, or find it as a retry left it."""

    request: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CreateEndpoint:
    """Create the endpoint: the step that puts a version before its callers."""

    request: dict[str, Any]


@dataclass(frozen=True, slots=True)
class UpdateEndpoint:
    """Update the endpoint in place: the step that puts a version before its callers."""

    request: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Deploy:
    """Make the release's resources, then change the endpoint."""

    preparation: tuple[CreateModel | CreateEndpointConfig, ...]
    change: CreateEndpoint | UpdateEndpoint


@dataclass(frozen=True, slots=True)
class InSync:
    """Nothing to do."""


@dataclass(frozen=True, slots=True)
class Wait:
    """SageMaker is at work on the endpoint; its next state change brings the deployer back."""

    status: str


@dataclass(frozen=True, slots=True)
class NothingStands:
    """No approval stands, and the endpoint goes on serving what it has: a person is told."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The endpoint rests where the deployer may not change it; a person decides."""

    status: str
    failure_reason: str | None


Plan: TypeAlias = Deploy | InSync | Wait | NothingStands | Blocked


def plan(desired: Choice | None, observed: Endpoint | None) -> Plan:
    """Return what brings the endpoint to the desired release: a value, so that a dry run costs nothing."""
    if observed is not None and observed.modifying:
        return Wait(observed.status)
    if desired is None:
        return InSync() if observed is None else NothingStands()
    release = desired.release
    preparation = (
        CreateModel(release.create_model),
        CreateEndpointConfig(release.create_endpoint_config),
    )
    if observed is None:
        return Deploy(preparation, CreateEndpoint(release.create_endpoint))
    if desired.keeps_serving:
        return InSync()
    if not observed.updatable:
        return Blocked(observed.status, observed.failure_reason)
    if observed.endpoint_config_name == release.endpoint_config_name and observed.status == "InService":
        return InSync()
    return Deploy(preparation, UpdateEndpoint(release.update_endpoint))
