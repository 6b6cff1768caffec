from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployer.contract import PART_DETAIL_TYPE
from deployer.model.endpoint import VariantStatus
from deployer.model.trigger import (
    EndpointChanged,
    NothingToDecide,
    PackageChanged,
    SettingsDeployed,
    Sweep,
    Unusable,
)
from deployer.triggers import read_trigger

ARN = "arn:aws:sagemaker:us-east-2:111122223333:model-package/versionedmp-p-idy6c3e1fiqj/2"


def package_event(**changes: Any) -> dict[str, Any]:
    """The developer guide's example, with what matters here."""
    return {
        "version": "0",
        "id": "844e2571-85d4-695f-b930-0153b71dcb42",
        "detail-type": "SageMaker Model Package State Change",
        "source": "aws.sagemaker",
        "account": "111122223333",
        "time": "2021-02-24T17:00:14Z",
        "region": "us-east-2",
        "resources": [ARN],
        "detail": {
            "ModelPackageGroupName": "versionedmp-p-idy6c3e1fiqj",
            "ModelPackageVersion": 2,
            "ModelPackageArn": ARN,
            "ModelApprovalStatus": "Approved",
            "UpdatedModelPackageFields": ["ModelApprovalStatus"],
            **changes,
        },
    }


def event(source: str, detail_type: str, **detail: Any) -> dict[str, Any]:
    return {"id": "e1", "source": source, "detail-type": detail_type, "detail": detail}


def test_an_approval_is_read() -> None:
    assert read_trigger(package_event()) == PackageChanged(
        group_name="versionedmp-p-idy6c3e1fiqj",
        version_arn=ARN,
        approval_status="Approved",
        names_approval=True,
        time=datetime(2021, 2, 24, 17, 0, 14, tzinfo=UTC),
        event_id="844e2571-85d4-695f-b930-0153b71dcb42",
    )


@pytest.mark.parametrize("fields", [None, [], ["ModelLifeCycle"], "ModelApprovalStatus"])
def test_a_change_of_anything_else_does_not_name_the_approval(fields: object) -> None:
    trigger = read_trigger(package_event(UpdatedModelPackageFields=fields))

    assert isinstance(trigger, PackageChanged)
    assert not trigger.names_approval


@pytest.mark.parametrize("absent", [True, False])
def test_an_unversioned_package_is_unusable_whether_its_keys_are_null_or_absent(*, absent: bool) -> None:
    unversioned = package_event(ModelPackageGroupName=None, ModelApprovalStatus=None)
    if absent:
        del unversioned["detail"]["ModelPackageGroupName"], unversioned["detail"]["ModelApprovalStatus"]

    trigger = read_trigger(unversioned)

    assert isinstance(trigger, Unusable)
    assert "unversioned" in trigger.reason


def test_a_state_change_names_its_endpoint() -> None:
    change = event("aws.sagemaker", "SageMaker Endpoint State Change", EndpointName="MyEndpoint")

    assert read_trigger(change) == EndpointChanged(endpoint_name="MyEndpoint", event_id="e1")


def stage(*statuses: object, **more: Any) -> dict[str, Any]:
    """Return the event of a rollout's stage, with what each new variant shows."""
    variants = [{"VariantName": "AllTraffic", "VariantStatus": each} for each in statuses]
    return event(
        "aws.sagemaker",
        "SageMaker Endpoint Deployment State Change",
        **{
            "EndpointName": "MyEndpoint",
            "PendingDeploymentSummary": {"ProductionVariants": variants},
            **more,
        },
    )


BAKING = [{"Status": "Baking", "StatusMessage": "Baking for 300 seconds"}]


def test_a_bake_names_its_endpoint() -> None:
    shown = VariantStatus("Baking", "Baking for 300 seconds")

    assert read_trigger(stage(BAKING)) == EndpointChanged("MyEndpoint", "e1", ((shown,),))


def test_a_bake_may_have_no_message() -> None:
    bare = [{"Status": "Baking"}, {"Status": "Baking", "StatusMessage": None}]

    assert read_trigger(stage(bare)) == EndpointChanged("MyEndpoint", "e1", ((VariantStatus("Baking"),) * 2,))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(stage([{"Status": "Creating"}]), id="another stage"),
        pytest.param(stage(PendingDeploymentSummary=None), id="a change of capacity"),
        pytest.param(stage(PendingDeploymentSummary={"ProductionVariants": None}), id="no variants"),
        pytest.param(stage(None, "Baking", ["Baking"], [{"Status": ["Baking"]}]), id="nonsense"),
    ],
)
def test_a_rollout_that_does_not_bake_costs_no_call(other: dict[str, Any]) -> None:
    assert read_trigger(other) == NothingToDecide("no new fleet of MyEndpoint bakes", "e1")


def test_a_stage_of_no_endpoint_is_unusable() -> None:
    assert isinstance(read_trigger(stage(BAKING, EndpointName="*")), Unusable)


def test_a_parameter_change_says_that_settings_were_deployed() -> None:
    change = event(
        "aws.ssm", "Parameter Store Change", name="/greenlight/Greenlight/settings-digest", operation="Update"
    )

    assert read_trigger(change) == SettingsDeployed("e1")


def test_the_schedule_is_a_sweep() -> None:
    assert read_trigger(event("aws.events", "Scheduled Event")) == Sweep("e1")


@pytest.mark.parametrize(
    "bad",
    [
        None,
        [],
        {},
        {"detail": {}},
        {"detail": {}, "id": ""},
        event("aws.s3", "Object Created"),
        event("aws.sagemaker", "SageMaker Endpoint State Change", EndpointName="*"),
        event("aws.sagemaker", "SageMaker Endpoint State Change"),
        event("greenlight", PART_DETAIL_TYPE),
        event("greenlight", PART_DETAIL_TYPE, Endpoints=["churn"]),
        event("greenlight", PART_DETAIL_TYPE, Endpoints=[{"EndpointName": "churn"}, {}]),
        package_event(ModelPackageArn=None),
        package_event(ModelPackageArn=ARN + "/../3"),
        package_event(ModelPackageArn=ARN + "\n"),
        package_event(ModelPackageArn=ARN.replace("fiqj/2", "*/2")),
        package_event(ModelPackageGroupName="*"),
        package_event(ModelPackageGroupName="a" * 64),
        package_event(ModelApprovalStatus=None),
        {**package_event(), "time": "yesterday"},
        {**package_event(), "time": 1583831889050},
    ],
)
def test_a_malformed_event_is_unusable_and_says_why(bad: object) -> None:
    trigger = read_trigger(bad)

    assert isinstance(trigger, Unusable)
    assert trigger.reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON, st.sampled_from(sorted(package_event()["detail"])))
def test_no_event_whatever_it_holds_raises(value: object, key: str) -> None:
    read_trigger(value)
    read_trigger(package_event(**{key: value}))
    read_trigger({**package_event(), "detail": value})


@given(JSON)
def test_no_stage_whatever_it_holds_raises(value: object) -> None:
    read_trigger(stage(PendingDeploymentSummary=value))
    read_trigger(stage(PendingDeploymentSummary={"ProductionVariants": value}))
    read_trigger(stage(value))
    read_trigger(stage([{"Status": value}]))
