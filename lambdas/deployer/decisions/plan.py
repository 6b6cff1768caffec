"""Plans the steps from what an endpoint is to what it should be. Pure: no clock, no environment, no I/O."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, TypeAlias

from deployer.decisions.alarms import AlarmPlan
from deployer.decisions.autoscaling import to_deregister
from deployer.decisions.variant_properties import Properties, unset_properties
from deployer.model import statuses
from deployer.model.attempt import AttemptStatus, Deployment
from deployer.model.steps import (
    ClearAbortAlarm,
    CreateEndpoint,
    CreateEndpointConfig,
    CreateModel,
    CreateTestEndpoint,
    DeleteFailedEndpoint,
    DeregisterScaling,
    UpdateEndpoint,
)
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from deployer.decisions.choice import Decision
    from deployer.model.endpoint import Endpoint
    from deployer.model.endpoint_config import EndpointConfig
    from deployer.model.history import History
    from deployer.model.release import Release
    from deployer.model.settings import EndpointSettings
    from deployer.model.steps import Step
    from deployer.model.variant_properties import Running


@value
class Deploy:
    """Make the release's resources, then change the endpoint.

    Attributes:
        preparation: Steps that make what the release needs, and the config that serves if somebody deleted
            it: SageMaker needs it to leave it.
        change: The change of the endpoint.
        clearing: Steps before the attempt is journalled: an earlier attempt was withdrawn because they were
            missing.
        alarms: What makes the alarms that the change names. They are made before the attempt is journalled,
            so that sweeps add no attempts while CloudWatch refuses them.
        guards: Steps right before the change.
        refusal: Why the release cannot be made. The attempt then fails without a step.
        test_endpoint_name: The test endpoint on which the version is tested before its rollout, if it is.
        test_passed_at: When it passed there; None before.
    """

    preparation: tuple[CreateModel | CreateEndpointConfig, ...]
    change: CreateEndpoint | CreateTestEndpoint | UpdateEndpoint | DeleteFailedEndpoint
    clearing: tuple[DeregisterScaling, ...] = ()
    alarms: AlarmPlan = field(default_factory=AlarmPlan)
    guards: tuple[DeregisterScaling | ClearAbortAlarm, ...] = ()
    refusal: str | None = None
    test_endpoint_name: str | None = None
    test_passed_at: datetime | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in order."""
        if self.refusal is not None:
            return self.clearing
        return (*self.clearing, *self.alarms.puts, *self.preparation, *self.guards, self.change)


@value
class OnTestEndpoint:
    """A test endpoint exists, and the release goes out once its version has passed the smoke test there.

    Attributes:
        deploy: What made the test endpoint.
        shown: The test endpoint.
    """

    deploy: Deploy
    shown: Endpoint


@value
class InSync:
    """Nothing to do."""


@value
class WaitToRetry:
    """The release failed for a reason that may pass. A later sweep tries again."""

    retry_at: datetime


@value
class WaitForAlarms:
    """Alarms that a rollout raised are still on after its rollback, or may be. A later sweep tries again.

    Attributes:
        alarm_names: Which.
        until: When the deployer stops waiting for them.
    """

    alarm_names: tuple[str, ...]
    until: datetime


@value
class Held:
    """A pause or a freeze window holds the rollout back. A sweep goes on once it is over.

    Attributes:
        message: What waits, for what, and until when.
        cause: What holds it back, alone.
    """

    message: str
    cause: str = ""


@value
class NothingStands:
    """No approval stands. The deployer leaves the endpoint as it is, and tells a person."""


@value
class Blocked:
    """The endpoint rests in a status for which no documentation says what may be done: a person decides."""

    status: str
    failure_reason: str | None


@value
class CannotChange:
    """SageMaker refuses the change that the settings ask for: a person decides.

    Attributes:
        change: What the endpoint is and what it is to be, in words.
    """

    change: str


@value
class Foreign:
    """The endpoint is not this stack's, so the deployer leaves it alone.

    Attributes:
        message: Whose it seems to be, and how to hand it over.
    """

    message: str


Plan: TypeAlias = (
    Foreign
    | Deploy
    | OnTestEndpoint
    | InSync
    | WaitToRetry
    | WaitForAlarms
    | Held
    | NothingStands
    | Blocked
    | CannotChange
)


def plan(desired: Decision, observed: Endpoint | None) -> Plan:
    """Return what brings an endpoint at rest to the desired release.

    While SageMaker is at work on an endpoint, there is nothing to plan: its next state change brings the
    deployer back. `complete` adds to a deployment what needs further reads.
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
            # The endpoint serves the version with settings that failed. Neither may be asked for again.
            return Blocked(observed.status, observed.failure_reason)
        return WaitToRetry(desired.retry_at) if desired.retry_at else InSync()
    if observed.endpoint_config_name == release.endpoint_config_name and observed.status == "InService":
        return InSync()
    return Deploy(preparation, UpdateEndpoint(release.update_endpoint))


def _preparation(release: Release) -> tuple[CreateModel | CreateEndpointConfig, ...]:
    if release.is_former:
        return ()
    models = tuple(CreateModel(request) for request in release.create_models)
    return (*models, CreateEndpointConfig(release.create_endpoint_config))


def complete(
    deploy: Deploy,
    release: Release,
    settings: EndpointSettings,
    history: History,
    *,
    serving: EndpointConfig | None,
    wanted: EndpointConfig,
    running: Running,
) -> Deploy:
    """Return an update with its retained properties, the scaling to end first, and the alarm to clear.

    Args:
        deploy: A deployment.
        release: What it deploys.
        settings: The endpoint's.
        history: The endpoint's.
        serving: The config that an update replaces; None if it replaces none, or that config was deleted.
        wanted: The release's config.
        running: The endpoint's counts and weights.
    """
    change = deploy.change
    if not isinstance(change, UpdateEndpoint):
        return deploy
    guards: tuple[DeregisterScaling | ClearAbortAlarm, ...] = ()
    if serving is not None:
        before, after = serving.production_variants, wanted.production_variants
        last = history.last_observed.scaling
        ended = to_deregister(before, after)
        if was_put_off(history, release):
            # A crash may have left variants registered that the journal does not know of.
            deploy = replace(deploy, clearing=_ended(ended, {**settings.scaling, **last}))
        else:
            guards = _ended(ended, last)
        properties = Properties(
            before,
            after,
            running=running,
            unset=unset_properties(history, serving.name),
            scaled=settings.scaling,
        )
        request = {**change.request, **properties.request}
        change = replace(change, request=request, to_set=properties.to_set)
    if settings.abort_alarm_name is not None and settings.abort_alarm_name in change.alarm_names:
        guards = (*guards, ClearAbortAlarm(settings.abort_alarm_name))
    return replace(deploy, guards=guards, change=change)


def amended(change: UpdateEndpoint, *, guards: Iterable[DeregisterScaling] = ()) -> Deploy:
    """Return a deployment reduced to these steps, after its plan turned out not to hold."""
    return Deploy((), change, guards=tuple(guards))


def _ended(
    variant_names: frozenset[str], scaling: dict[str, dict[str, object]]
) -> tuple[DeregisterScaling, ...]:
    return tuple(DeregisterScaling(name, scaling[name]) for name in sorted(variant_names & scaling.keys()))


def was_put_off(history: History, release: Release) -> bool:
    """Tell whether the last attempt at a release was withdrawn, and its reason reported."""
    latest = history.latest_attempt
    return (
        isinstance(latest, Deployment)
        and latest.status is AttemptStatus.WITHDRAWN
        and latest.endpoint_config_name == release.endpoint_config_name
        and latest.reason is not None
        and any(latest.reason in each for each in history.last_observed.reported)
    )
