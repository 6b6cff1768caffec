"""The table of endpoint statuses: permitted operations, and the messages of refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_cloud.sagemaker.endpoints.endpoint_state import (
    CHANGES,
    STATUSES,
    EndpointStatus,
    group_of,
    permitted,
)
from local_cloud.sagemaker.ports import Health
from local_cloud.sagemaker.protocol.api_model import sagemaker_service_model
from local_cloud.sagemaker.switch_settings import OutOfServicePermits
from local_cloud.sagemaker.switches import Switches
from local_cloud.testing.scripted_hosting import Outcome
from tests.unit.local_cloud.sagemaker.virtual_cloud import ACCOUNT, PREFIX, REGION, VirtualCloud

if TYPE_CHECKING:
    from collections.abc import Callable

ARN = f"{PREFIX}:endpoint/churn"
IN_PROGRESS = f'Cannot update in-progress endpoint "{ARN}".'
FAILED = f'Cannot update failed endpoint "{ARN}".'

REQUESTS: dict[str, dict[str, object]] = {
    "UpdateEndpoint": {"EndpointConfigName": "config-2"},
    "DeleteEndpoint": {},
    "UpdateEndpointWeightsAndCapacities": {
        "DesiredWeightsAndCapacities": [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    },
}


def _creating(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config()
    cloud.call("CreateEndpoint", EndpointName="churn", EndpointConfigName="config-1")


def _failed(cloud: VirtualCloud) -> None:
    cloud.hosting.script("model-1", Outcome(Health.UNHEALTHY))
    cloud.model()
    cloud.config()
    cloud.endpoint()


def _in_service(cloud: VirtualCloud) -> None:
    cloud.serving()


def _updating(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.update()


def _rescaling(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.call(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="churn",
        **REQUESTS["UpdateEndpointWeightsAndCapacities"],
    )


def _rolling_back(cloud: VirtualCloud) -> None:
    _rescaling(cloud)
    cloud.control_plane.incidents.fail_work(ACCOUNT, REGION, "churn", "no capacity")


def _system_updating(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.control_plane.incidents.begin_system_update(ACCOUNT, REGION, "churn")


def _deleting(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.call("DeleteEndpoint", EndpointName="churn")


def _out_of_service(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.control_plane.incidents.take_out_of_service(ACCOUNT, REGION, "churn")


def _update_rollback_failed(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.update()
    cloud.control_plane.incidents.fail_work(ACCOUNT, REGION, "churn", "alarm", rollback_fails=True)
    cloud.settle()


WAYS: dict[EndpointStatus, Callable[[VirtualCloud], None]] = {
    EndpointStatus.CREATING: _creating,
    EndpointStatus.FAILED: _failed,
    EndpointStatus.IN_SERVICE: _in_service,
    EndpointStatus.UPDATING: _updating,
    EndpointStatus.ROLLING_BACK: _rolling_back,
    EndpointStatus.SYSTEM_UPDATING: _system_updating,
    EndpointStatus.DELETING: _deleting,
    EndpointStatus.OUT_OF_SERVICE: _out_of_service,
    EndpointStatus.UPDATE_ROLLBACK_FAILED: _update_rollback_failed,
}

UPDATE, DELETE, RESCALE = REQUESTS
# status -> operation -> the refusal, None where it is permitted
TABLE: dict[EndpointStatus, dict[str, str | None]] = {
    EndpointStatus.CREATING: dict.fromkeys(REQUESTS, IN_PROGRESS),
    EndpointStatus.UPDATING: dict.fromkeys(REQUESTS, IN_PROGRESS),
    EndpointStatus.SYSTEM_UPDATING: dict.fromkeys(REQUESTS, IN_PROGRESS),
    EndpointStatus.ROLLING_BACK: dict.fromkeys(REQUESTS, IN_PROGRESS),
    EndpointStatus.DELETING: dict.fromkeys(REQUESTS, IN_PROGRESS),
    EndpointStatus.IN_SERVICE: dict.fromkeys(REQUESTS),
    EndpointStatus.FAILED: {UPDATE: FAILED, RESCALE: FAILED, DELETE: None},
    EndpointStatus.OUT_OF_SERVICE: {
        UPDATE: None,
        DELETE: None,
        RESCALE: f'Cannot perform {RESCALE} on endpoint "{ARN}" in status OutOfService.',
    },
    EndpointStatus.UPDATE_ROLLBACK_FAILED: {
        UPDATE: None,
        DELETE: None,
        RESCALE: f'Cannot perform {RESCALE} on endpoint "{ARN}" in status UpdateRollbackFailed.',
    },
}


def test_every_status_of_the_service_model_belongs_to_exactly_one_group() -> None:
    modelled = sagemaker_service_model()["shapes"]["EndpointStatus"]["enum"]
    grouped = [status.value for statuses in STATUSES.values() for status in statuses]
    assert sorted(grouped) == sorted(modelled)


def test_the_table_below_covers_every_status_and_change() -> None:
    assert set(TABLE) == set(WAYS) == set(EndpointStatus)
    assert all(set(row) == CHANGES for row in TABLE.values())


@pytest.mark.parametrize("status", EndpointStatus)
def test_the_way_to_each_status_leads_there(cloud: VirtualCloud, status: EndpointStatus) -> None:
    WAYS[status](cloud)
    assert cloud.status() == status.value
    assert group_of(status) in STATUSES


@pytest.mark.parametrize(
    ("status", "operation"), [(status, operation) for status in EndpointStatus for operation in REQUESTS]
)
def test_each_status_permits_and_refuses_as_documented(
    cloud: VirtualCloud, status: EndpointStatus, operation: str
) -> None:
    WAYS[status](cloud)
    refusal = TABLE[status][operation]
    if refusal is None:
        cloud.call(operation, EndpointName="churn", **REQUESTS[operation])
        assert cloud.status() == ("Deleting" if operation == DELETE else "Updating")
        return
    before = cloud.describe()
    error = cloud.refused(operation, EndpointName="churn", **REQUESTS[operation])
    assert (error.code, error.status, error.message) == ("ValidationException", 400, refusal)
    assert cloud.describe() == before


@pytest.mark.parametrize("status", EndpointStatus)
def test_a_name_is_taken_in_every_status(cloud: VirtualCloud, status: EndpointStatus) -> None:
    WAYS[status](cloud)
    error = cloud.refused("CreateEndpoint", EndpointName="CHURN", EndpointConfigName="config-1")
    assert error.message == f'Cannot create already existing endpoint "{ARN}".'


@pytest.mark.parametrize("status", EndpointStatus)
def test_every_status_comes_to_rest(cloud: VirtualCloud, status: EndpointStatus) -> None:
    WAYS[status](cloud)
    cloud.settle()
    if status is EndpointStatus.DELETING:
        assert cloud.refused("DescribeEndpoint", EndpointName="churn").message.startswith(
            "Could not find endpoint"
        )
    else:
        assert cloud.status() in {"InService", "Failed", "OutOfService", "UpdateRollbackFailed"}


@pytest.mark.parametrize(
    ("setting", "allowed"),
    [
        (OutOfServicePermits.NOTHING, set()),
        (OutOfServicePermits.DELETE, {DELETE}),
        (OutOfServicePermits.UPDATE_AND_DELETE, {UPDATE, DELETE}),
    ],
)
def test_what_out_of_service_permits_is_a_switch(setting: OutOfServicePermits, allowed: set[str]) -> None:
    switches = Switches(out_of_service_permits=setting)
    assert permitted(EndpointStatus.OUT_OF_SERVICE, switches) == allowed
    for operation, members in REQUESTS.items():
        cloud = VirtualCloud(switches=switches)
        _out_of_service(cloud)
        if operation in allowed:
            cloud.call(operation, EndpointName="churn", **members)
        else:
            assert "OutOfService" in cloud.refused(operation, EndpointName="churn", **members).message
