import pytest

from deployer.decisions.choice import Choice, Decision
from deployer.decisions.plan import Blocked, Deploy, InSync, NothingStands, WaitToRetry, plan
from deployer.model import statuses
from deployer.model.endpoint import Endpoint
from deployer.model.steps import (
    CreateEndpoint,
    CreateEndpointConfig,
    CreateModel,
    DeleteFailedEndpoint,
    UpdateEndpoint,
)
from tests.unit.deployer.builders import ENDPOINT, approval, endpoint, minutes, release

RELEASE = release(1)
DESIRED = Decision(Choice(approval(1), RELEASE))
NOTHING = Decision(None)
PREPARATION = (CreateModel(RELEASE.create_models[0]), CreateEndpointConfig(RELEASE.create_endpoint_config))


def test_a_missing_endpoint_is_created() -> None:
    assert plan(DESIRED, None) == Deploy(PREPARATION, CreateEndpoint(RELEASE.create_endpoint))


def test_an_endpoint_on_another_config_is_updated_in_place() -> None:
    assert plan(DESIRED, endpoint()) == Deploy(PREPARATION, UpdateEndpoint(RELEASE.update_endpoint))


def test_an_endpoint_on_the_desired_config_is_in_sync() -> None:
    assert plan(DESIRED, endpoint(endpoint_config_name=RELEASE.endpoint_config_name)) == InSync()


@pytest.mark.parametrize("status", sorted(statuses.MODIFYING))
def test_there_is_no_plan_for_an_endpoint_that_is_being_modified(status: str) -> None:
    with pytest.raises(AssertionError):
        plan(DESIRED, endpoint(status))


def test_a_failed_rollback_is_repaired_by_updating_again() -> None:
    broken = endpoint("UpdateRollbackFailed", endpoint_config_name=RELEASE.endpoint_config_name)

    assert plan(DESIRED, broken) == Deploy(PREPARATION, UpdateEndpoint(RELEASE.update_endpoint))


def test_a_failed_endpoint_is_deleted_before_it_is_created_anew() -> None:
    assert plan(DESIRED, endpoint("Failed")) == Deploy(PREPARATION, DeleteFailedEndpoint(ENDPOINT))


def test_a_failed_endpoint_is_left_for_diagnosis_when_nothing_stands() -> None:
    assert plan(NOTHING, endpoint("Failed")) == NothingStands()


@pytest.mark.parametrize("observed", [None, endpoint(), endpoint("Failed")])
def test_what_failed_for_a_passing_reason_is_waited_for(observed: Endpoint | None) -> None:
    assert plan(Decision(None, minutes(10)), observed) == WaitToRetry(minutes(10))


@pytest.mark.parametrize("status", sorted(statuses.UNDECIDED))
def test_an_endpoint_that_may_not_be_changed_is_left_to_a_person(status: str) -> None:
    assert plan(DESIRED, endpoint(status, failure_reason="ping")) == Blocked(status, "ping")


def test_settings_that_failed_leave_what_serves_alone() -> None:
    kept = Choice(approval(1), RELEASE, keeps_serving=True)

    assert plan(Decision(kept), endpoint()) == InSync()
    assert plan(Decision(kept, minutes(10)), endpoint()) == WaitToRetry(minutes(10))


def test_settings_that_failed_half_way_are_left_to_a_person() -> None:
    kept = Choice(approval(1), RELEASE, keeps_serving=True)

    assert plan(Decision(kept), endpoint("UpdateRollbackFailed")) == Blocked("UpdateRollbackFailed", None)


def test_an_endpoint_is_never_deleted_when_nothing_stands() -> None:
    assert plan(NOTHING, endpoint()) == NothingStands()


def test_nothing_approved_and_nothing_there_is_in_sync() -> None:
    assert plan(NOTHING, None) == InSync()
