"""AWS's own actions on endpoints: maintenance, outages, and failures of a transition."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from local_cloud.sagemaker.endpoints.deployments import Deployment
from local_cloud.sagemaker.endpoints.endpoint_state import Endpoint, EndpointStatus, traffic
from local_cloud.sagemaker.endpoints.transitions import Rescaling, SystemUpdate

if TYPE_CHECKING:
    from local_cloud.sagemaker.ports import Clock
    from local_cloud.sagemaker.state import State


class Incidents:
    """Let tests and people trigger what no client of SageMaker can."""

    def __init__(self, clock: Clock, state: State) -> None:
        self._clock = clock
        self._state = state

    def begin_system_update(self, account_id: str, region: str, endpoint_name: str) -> None:
        """Start maintenance on an endpoint that is InService, as AWS does by itself.

        Raises:
            ValueError: The endpoint is missing, or not InService.
        """
        endpoint = self._endpoint(account_id, region, endpoint_name, EndpointStatus.IN_SERVICE)
        state = self._state
        endpoint.work = SystemUpdate(
            endpoint, state.time + timedelta(seconds=state.timings.system_updating_seconds)
        )
        state.timers.put(endpoint.work)
        endpoint.enter(state, EndpointStatus.SYSTEM_UPDATING)

    def take_out_of_service(self, account_id: str, region: str, endpoint_name: str) -> None:
        """Make an endpoint that is InService unavailable, as AWS may.

        Raises:
            ValueError: The endpoint is missing, or not InService.
        """
        endpoint = self._endpoint(account_id, region, endpoint_name, EndpointStatus.IN_SERVICE)
        self._state.hosting.route(account_id, region, endpoint.name, ())
        endpoint.enter(self._state, EndpointStatus.OUT_OF_SERVICE)

    def return_to_service(self, account_id: str, region: str, endpoint_name: str) -> None:
        """Make an endpoint that is OutOfService available again.

        Raises:
            ValueError: The endpoint is missing, or not OutOfService.
        """
        endpoint = self._endpoint(account_id, region, endpoint_name, EndpointStatus.OUT_OF_SERVICE)
        self._state.hosting.route(account_id, region, endpoint.name, traffic(endpoint))
        endpoint.enter(self._state, EndpointStatus.IN_SERVICE)

    def fail_work(
        self, account_id: str, region: str, endpoint_name: str, reason: str, *, rollback_fails: bool = False
    ) -> None:
        """Fail an endpoint's current transition, as an alarm or a fault of the service would.

        Args:
            account_id: The account.
            region: The region.
            endpoint_name: The endpoint.
            reason: The FailureReason.
            rollback_fails: Whether an update's rollback fails too, which leaves UpdateRollbackFailed.

        Raises:
            ValueError: The endpoint is missing, or has no transition that can fail.
        """
        endpoint = self._endpoint(account_id, region, endpoint_name)
        match endpoint.work:
            case Deployment() as deployment:
                deployment.fail(self._state, reason, rollback_fails=rollback_fails)
            case Rescaling() | SystemUpdate() as work:
                work.fail(self._state, reason)
            case _:
                raise ValueError(
                    f"Endpoint {endpoint_name!r} is {endpoint.status}: nothing is under way to fail."
                )

    def _endpoint(self, account_id: str, region: str, name: str, *statuses: EndpointStatus) -> Endpoint:
        self._state.advance(self._clock.now())
        endpoint = self._state.scope_of(account_id, region).endpoints.get(name.lower())
        if endpoint is None:
            raise ValueError(f"There is no endpoint {name!r} in account {account_id}, region {region}.")
        if statuses and endpoint.status not in statuses:
            raise ValueError(f"Endpoint {name!r} is {endpoint.status}, not {' or '.join(statuses)}.")
        return endpoint
