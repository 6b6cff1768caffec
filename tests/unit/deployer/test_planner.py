import pytest

from deployer import statuses
from deployer.approval import Choice
from deployer.planner import (
    Blocked,
    CreateEndpoint,
    CreateEndpointConfig,
    CreateModel,
    Deploy,
    InSync,
    NothingStands,
    UpdateEndpoint,
    Wait,
    plan,
)
from tests.unit.deployer.builders import approval, endpoint, release

RELEASE = release(1)
DESIRED = Choice(approval(1), RELEASE)
PREPARATION = (CreateModel(RELEASE.create_model), CreateEndpointConfig(RELEASE.create_endpoint_config))


def test_a_missing_endpoint_is_created() -> None:
    assert plan(DESIRED, None) == Deploy(PREPARATION, CreateEndpoint(RELEASE.create_endpoint))


def test_an_endpoint_on_another_config_is_updated_in_place() -> None:
    assert plan(DESIRED, endpoint()) == Deploy(PREPARATION, UpdateEndpoint(RELEASE.update_endpoint))


def test_an_endpoint_on_the_desired_config_is_in_sync() -> None:
    assert plan(DESIRED, endpoint(endpoint_config_name=RELEASE.endpoint_config_name)) == InSync()


@pytest.mark.parametrize("status", sorted(statuses.MODIFYING))
@pytest.mark.parametrize("desired", [DESIRED, None])
def test_an_endpoint_that_is_being_modified_is_waited_for(status: str, desired: Choice | None) -> None:
    assert plan(desired, endpoint(status)) == Wait(status)


def test_a_failed_rollback_is_repaired_by_updating_again() -> None:
    broken = endpoint("UpdateRollbackFailed", endpoint_config_name=RELEASE.endpoint_config_name)

    assert plan(DESIRED, broken) == Deploy(PREPARATION, UpdateEndpoint(RELEASE.update_endpoint))


@pytest.mark.parametrize("status", sorted(statuses.FAILED | statuses.UNDECIDED))
def test_an_endpoint_that_may_not_be_changed_is_left_to_a_person(status: str) -> None:
    assert plan(DESIRED, endpoint(status, failure_reason="ping")) == Blocked(status, "ping")


def test_settings_that_failed_leave_what_serves_alone() -> None:
    assert plan(Choice(approval(1), RELEASE, keeps_serving=True), endpoint()) == InSync()


def test_an_endpoint_is_never_deleted_when_nothing_stands() -> None:
    assert plan(None, endpoint()) == NothingStands()


def test_nothing_approved_and_nothing_there_is_in_sync() -> None:
    assert plan(None, None) == InSync()
