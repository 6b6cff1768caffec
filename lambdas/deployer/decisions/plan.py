"""Plans the steps from what an endpoint is to what it should be. Pure: no clock, no environment, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from deployer.model import statuses

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.decisions.choice import Decision
    from deployer.decisions.endpoint_changes import Change
    from deployer.model.endpoint import Endpoint
    from deployer.model.release import Release


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
    """Update the endpoint in place: the step that puts a version before its callers.

    Attributes:
        request: botocore's `UpdateEndpoint` arguments.
        alarms_left_out: Names of rollback alarms that cannot stop it, and so are not among the arguments.
        alarms_unread: Whether some may be on already, and nobody could see whether they are.
        unguarded: Why guardrails are left out that the settings ask for, if they are.
        changes: What of it nobody knows whether SageMaker makes it.
    """

    request: dict[str, Any]
    alarms_left_out: tuple[str, ...] = ()
    alarms_unread: bool = False
    unguarded: str | None = None
    changes: tuple[Change, ...] = ()

    @property
    def doubles_instances(self) -> bool:
        """Whether a second fleet is launched beside the first: blue/green, which is also the default."""
        return "RollingUpdatePolicy" not in self.request.get("DeploymentConfig", {})


@dataclass(frozen=True, slots=True)
class DeleteFailedEndpoint:
    """Delete an endpoint that failed and serves nobody; it is created anew when it is gone."""

    endpoint_name: str


@dataclass(frozen=True, slots=True)
class Deploy:
    """Make the release's resources, then change the endpoint."""

    preparation: tuple[CreateModel | CreateEndpointConfig, ...]
    change: CreateEndpoint | UpdateEndpoint | DeleteFailedEndpoint


@dataclass(frozen=True, slots=True)
class InSync:
    """Nothing to do."""


@dataclass(frozen=True, slots=True)
class WaitToRetry:
    """What should be served failed for a reason that may pass; the sweep brings the deployer back."""

    retry_at: datetime


@dataclass(frozen=True, slots=True)
class WaitForAlarms:
    """Alarms that a rollout raised are still on after its rollback; the sweep brings the deployer back.

    Attributes:
        alarm_names: Which.
        until: When they are waited for no longer.
    """

    alarm_names: tuple[str, ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class NothingStands:
    """No approval stands, and the endpoint is left as it is: a person is told."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The endpoint rests where nobody documented what may be done to it: a person decides."""

    status: str
    failure_reason: str | None


@dataclass(frozen=True, slots=True)
class CannotChange:
    """SageMaker refuses to make this endpoint what is wanted: a person decides.

    Attributes:
        change: What it is and what it is to be, in words.
    """

    change: str


Plan: TypeAlias = Deploy | InSync | WaitToRetry | WaitForAlarms | NothingStands | Blocked | CannotChange


def _preparation(release: Release) -> tuple[CreateModel | CreateEndpointConfig, ...]:
    if release.is_former:
        return ()
    models = tuple(CreateModel(request) for request in release.create_models)
    return (*models, CreateEndpointConfig(release.create_endpoint_config))


def plan(desired: Decision, observed: Endpoint | None) -> Plan:
    """Return what brings an endpoint at rest to the desired release: a value, so a dry run costs nothing.

    While SageMaker is at work on an endpoint there is nothing to plan, and nothing to read for it: its next
    state change brings the deployer back.
    """
    assert observed is None or not observed.modifying
    if desired.choice is None:
        if desired.retry_at is not None:
            return WaitToRetry(desired.retry_at)
        return InSync() if observed is None else NothingStands()
    release = desired.choice.release
    preparation = _preparation(release)
    if observed is None:
        return Deploy(preparation, CreateEndpoint(release.create_endpoint))
    if observed.status in statuses.UNDECIDED:
        return Blocked(observed.status, observed.failure_reason)
    if observed.status in statuses.FAILED:
        return Deploy(preparation, DeleteFailedEndpoint(observed.name))
    if desired.choice.keeps_serving:
        if observed.status != "InService":
            # What served is mixed with settings that failed, and neither may be asked for again.
            return Blocked(observed.status, observed.failure_reason)
        return WaitToRetry(desired.retry_at) if desired.retry_at else InSync()
    if observed.endpoint_config_name == release.endpoint_config_name and observed.status == "InService":
        return InSync()
    return Deploy(preparation, UpdateEndpoint(release.update_endpoint))
