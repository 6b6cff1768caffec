"""SageMaker's deployment-side control plane: one object with a clock that decides every answer.

Owns the order: due transitions happen before a call is answered. It is synchronous, deterministic for a seed,
and touches no socket, file, thread or wall clock; the ports do. Results are views of its state: read them, do
not change them.
"""

from __future__ import annotations

import random
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from local_cloud.sagemaker import errors, models, resource_tags
from local_cloud.sagemaker.account_limits import AccountLimits
from local_cloud.sagemaker.authorization import authorization_rules
from local_cloud.sagemaker.endpoint_configs import endpoint_config_operations
from local_cloud.sagemaker.endpoint_configs.endpoint_config_state import instance_types_of
from local_cloud.sagemaker.endpoints import endpoint_operations
from local_cloud.sagemaker.endpoints.endpoint_state import EndpointStatus, ScalableVariant
from local_cloud.sagemaker.incidents import Incidents
from local_cloud.sagemaker.port_defaults import NoKeys, PermissiveRoles
from local_cloud.sagemaker.ports import Caller
from local_cloud.sagemaker.protocol.api_model import sagemaker_service_model
from local_cloud.sagemaker.protocol.validation import RequestValidator
from local_cloud.sagemaker.registry import model_package_groups, model_packages, search
from local_cloud.sagemaker.scaling_registrations import ScalingRegistrations
from local_cloud.sagemaker.state import State
from local_cloud.sagemaker.switch_settings import ApiVersion
from local_cloud.sagemaker.switches import Switches
from local_cloud.sagemaker.timings import Timings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from local_cloud.sagemaker.ports import (
        Alarms,
        Artifacts,
        Clock,
        EventSink,
        ExecutionRoles,
        Hosting,
        Identity,
        Keys,
    )

Operation: TypeAlias = "Callable[[State, Caller, Mapping[str, Any]], dict[str, Any]]"

_SCALING_ROLE = "aws-service-role/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"

OPERATIONS: dict[str, Operation] = {
    **model_package_groups.OPERATIONS,
    **model_packages.OPERATIONS,
    **search.OPERATIONS,
    **models.OPERATIONS,
    **endpoint_config_operations.OPERATIONS,
    **endpoint_operations.OPERATIONS,
    **resource_tags.OPERATIONS,
}
"""Every modelled operation; all others are refused by name."""


@cache
def _validator(version: ApiVersion) -> RequestValidator:
    return RequestValidator(sagemaker_service_model(), is_newer=version is ApiVersion.NEWER)


class ControlPlane:
    """Answer SageMaker's API, and change with time.

    Args:
        clock: Tells the time; advance it, then call `advance`.
        identity: Knows execution roles.
        artifacts: Knows model data.
        hosting: Runs fleets.
        events: Receives events.
        alarms: Knows rollback alarms.
        execution_roles: Knows execution roles' permissions; without it they may do everything.
        keys: Knows KMS keys; without it there are none, and no grants are checked.
        timings: How long transitions take.
        switches: The settings of unknown behaviours.
        seed: Equal seeds and equal calls give equal identifiers.

    Attributes:
        incidents: AWS's own actions on endpoints.
        limits: Limits on accounts' instances.
    """

    def __init__(  # noqa: PLR0913 - one argument a port
        self,
        *,
        clock: Clock,
        identity: Identity,
        artifacts: Artifacts,
        hosting: Hosting,
        events: EventSink,
        alarms: Alarms,
        execution_roles: ExecutionRoles | None = None,
        keys: Keys | None = None,
        timings: Timings | None = None,
        switches: Switches | None = None,
        seed: int = 0,
    ) -> None:
        self._clock = clock
        self._state = State(
            identity=identity,
            artifacts=artifacts,
            hosting=hosting,
            events=events,
            alarms=alarms,
            execution_roles=execution_roles or PermissiveRoles(),
            keys=keys or NoKeys(),
            scalable_targets=ScalingRegistrations(),
            timings=timings or Timings(),
            switches=switches or Switches(),
            seed=seed,
        )
        self.incidents = Incidents(clock, self._state)
        self.limits = AccountLimits(self._state)
        # A separate sequence of identifiers, so that reads do not change the identifiers of events.
        self._request_ids = random.Random(f"requests {seed}")  # noqa: S311
        self._calls: dict[tuple[str, str, str], tuple[int, int]] = {}

    @property
    def scalable_targets(self) -> ScalingRegistrations:
        """The registrations at Application Auto Scaling; that service changes them."""
        return self._state.scalable_targets

    def now(self) -> datetime:
        """Return the clock's time."""
        return self._clock.now()

    @property
    def timings(self) -> Timings:
        """How long transitions take; a change affects later transitions."""
        return self._state.timings

    @timings.setter
    def timings(self, timings: Timings) -> None:
        self._state.timings = timings

    @property
    def switches(self) -> Switches:
        """The chosen behaviours; a change takes effect at once."""
        return self._state.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        self._state.switches = switches

    def call(self, operation: str, request: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Answer a call.

        Args:
            operation: An operation's name, such as `CreateModel`.
            request: Its members; timestamps as epoch seconds or aware datetimes.
            caller: The caller, with account and region.

        Returns:
            The response's members; timestamps are aware datetimes.

        Raises:
            ServiceError: AWS's error.
        """
        self.advance()
        handler = OPERATIONS.get(operation)
        if handler is None:
            raise errors.unknown_operation(operation)
        self._count(operation, caller)
        validated = _validator(self.switches.api_version).validate(operation, request)
        authorization_rules.require(self._state, caller, operation, validated)
        response = handler(self._state, caller, validated)
        # A transition without a duration is over before the answer arrives.
        self.advance()
        return response

    def authorize(self, operation: str, request: Mapping[str, Any], caller: Caller) -> None:
        """Refuse a call of the runtime that IAM does not allow; the runtime answers it elsewhere.

        Raises:
            ServiceError: AccessDeniedException.
        """
        self.advance()
        authorization_rules.require(self._state, caller, operation, request)

    def advance(self) -> None:
        """Make every due transition, in order, each at its own time."""
        self._state.advance(self._clock.now())

    def next_due(self) -> datetime | None:
        """Return when the next transition is due, or None if nothing will change by itself."""
        return self._state.timers.next_due()

    def next_request_id(self) -> str:
        """Return an identifier for a response's header; the same in every run with the same seed."""
        return str(uuid.UUID(int=self._request_ids.getrandbits(128), version=4))

    def scalable_variant(
        self, account_id: str, region: str, endpoint_name: str, variant_name: str
    ) -> ScalableVariant | None:
        """Return auto scaling's view of a production variant; None if there is none."""
        self.advance()
        endpoint = self._state.scope_of(account_id, region).endpoints.get(endpoint_name.lower())
        variant = None if endpoint is None else endpoint.variants.get(variant_name)
        if endpoint is None or variant is None:
            return None
        serverless = variant.serverless_config
        return ScalableVariant(
            is_in_service=endpoint.status is EndpointStatus.IN_SERVICE,
            is_serverless=serverless is not None,
            capacity=(
                variant.desired_instance_count
                if serverless is None
                else serverless.get("ProvisionedConcurrency", 0)
            ),
            instance_types=instance_types_of(variant.variant),
        )

    def scale_variant(
        self, account_id: str, region: str, endpoint_name: str, variant_name: str, capacity: int
    ) -> None:
        """Change a variant's instance count, or a serverless one's provisioned concurrency.

        Raises:
            ServiceError: UpdateEndpointWeightsAndCapacities refuses it.
        """
        variant = self.scalable_variant(account_id, region, endpoint_name, variant_name)
        is_serverless = variant is not None and variant.is_serverless
        change: dict[str, Any] = (
            {"ServerlessUpdateConfig": {"ProvisionedConcurrency": capacity}}
            if is_serverless
            else {"DesiredInstanceCount": capacity}
        )
        self.call(
            "UpdateEndpointWeightsAndCapacities",
            {
                "EndpointName": endpoint_name,
                "DesiredWeightsAndCapacities": [{"VariantName": variant_name, **change}],
            },
            Caller(account_id, region, f"arn:aws:iam::{account_id}:role/{_SCALING_ROLE}"),
        )

    def _count(self, operation: str, caller: Caller) -> None:
        limit = self._state.switches.requests_per_second
        if limit is None:
            return
        key = (caller.account_id, caller.region, operation)
        second = int(self._state.time.timestamp())
        counted, calls = self._calls.get(key, (second, 0))
        calls = calls + 1 if counted == second else 1
        self._calls[key] = (second, calls)
        if calls > limit:
            raise errors.throttled()
