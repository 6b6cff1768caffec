import pytest

from deployer.decisions.judgement import STALE_READ_LIMIT, Judgement, Verdict, judge
from deployer.model.attempt import AttemptStatus, Deployment
from deployer.model.cause import Cause
from deployer.model.endpoint import Endpoint
from tests.unit.deployer.builders import NOW, deployment, endpoint, minutes, release

ASKED = release(1).endpoint_config_name
OPEN = deployment(1)
ACCEPTED = deployment(1, status=AttemptStatus.ACCEPTED, accepted_at=NOW)
FIRST_OPEN = deployment(1, replaces_endpoint_config_name=None, endpoint_last_modified_time=None)
FIRST_ACCEPTED = deployment(
    1,
    status=AttemptStatus.ACCEPTED,
    accepted_at=NOW,
    replaces_endpoint_config_name=None,
    endpoint_last_modified_time=None,
)
TOUCHED = minutes(1)


@pytest.mark.parametrize(
    ("unsettled", "observed", "verdict"),
    [
        pytest.param(
            ACCEPTED,
            endpoint(endpoint_config_name=ASKED, last_modified_time=TOUCHED),
            Verdict.SUCCEEDED,
            id="in service on the config that was asked for",
        ),
        pytest.param(
            OPEN,
            endpoint(endpoint_config_name=ASKED, last_modified_time=TOUCHED),
            Verdict.SUCCEEDED,
            id="succeeded although nobody noted that it was accepted",
        ),
        pytest.param(
            ACCEPTED,
            endpoint(last_modified_time=TOUCHED, failure_reason="ping"),
            Verdict.FAILED,
            id="silently back on the old config",
        ),
        pytest.param(
            ACCEPTED,
            endpoint(last_modified_time=TOUCHED),
            Verdict.FAILED,
            id="back on the old config without a reason",
        ),
        pytest.param(
            OPEN,
            endpoint(last_modified_time=TOUCHED, failure_reason="ping"),
            Verdict.NEVER_ASKED,
            id="a failure that may be somebody else's is not pinned on it",
        ),
        pytest.param(
            OPEN,
            endpoint(failure_reason="an older failure"),
            Verdict.NEVER_ASKED,
            id="a reason left from before proves nothing",
        ),
        pytest.param(OPEN, endpoint(), Verdict.NEVER_ASKED, id="untouched since before the deployment"),
        pytest.param(
            OPEN,
            endpoint(last_modified_time=TOUCHED),
            Verdict.NEVER_ASKED,
            id="touched by something that did not fail",
        ),
        pytest.param(
            ACCEPTED, endpoint(), Verdict.NOT_SEEN_YET, id="accepted, but the read is older than that"
        ),
        pytest.param(
            ACCEPTED,
            endpoint("OutOfService", last_modified_time=minutes(-1)),
            Verdict.NOT_SEEN_YET,
            id="accepted, and the read is older than that, if newer than the one before the deployment",
        ),
        pytest.param(
            FIRST_ACCEPTED,
            endpoint("Failed", endpoint_config_name=ASKED, last_modified_time=TOUCHED, failure_reason="ping"),
            Verdict.FAILED,
            id="first deployment failed",
        ),
        pytest.param(
            FIRST_OPEN,
            endpoint("Failed", endpoint_config_name=ASKED, failure_reason="ping"),
            Verdict.FAILED,
            id="first deployment failed and nobody noted that it was accepted",
        ),
        pytest.param(FIRST_OPEN, None, Verdict.NEVER_ASKED, id="no endpoint yet"),
        pytest.param(FIRST_ACCEPTED, None, Verdict.NOT_SEEN_YET, id="created, but not visible yet"),
        pytest.param(
            ACCEPTED,
            endpoint("UpdateRollbackFailed", last_modified_time=TOUCHED, endpoint_config_name=ASKED),
            Verdict.FAILED,
            id="the rollback failed, too",
        ),
        pytest.param(
            ACCEPTED,
            endpoint("OutOfService", last_modified_time=TOUCHED),
            Verdict.FAILED,
            id="out of service",
        ),
    ],
)
def test_an_endpoint_at_rest_tells_how_the_attempt_ended(
    unsettled: Deployment, observed: Endpoint | None, verdict: Verdict
) -> None:
    assert judge(unsettled, observed, now=minutes(5)).verdict is verdict


@pytest.mark.parametrize(
    ("observed", "under_way"),
    [
        (endpoint("Creating", endpoint_config_name=ASKED), True),
        (endpoint("Updating", pending_endpoint_config_name=ASKED), True),
        (endpoint("Updating", endpoint_config_name=ASKED, pending_endpoint_config_name="other"), False),
        (endpoint("Updating"), False),
        (endpoint("Deleting", endpoint_config_name=ASKED), False),
    ],
)
def test_an_attempt_is_under_way_where_its_config_is_the_goal(observed: Endpoint, *, under_way: bool) -> None:
    assert OPEN.is_under_way_on(observed) is under_way


def test_a_read_is_taken_at_its_word_after_a_while() -> None:
    late = NOW + STALE_READ_LIMIT

    assert judge(ACCEPTED, endpoint(), now=late).verdict is Verdict.FAILED
    assert judge(ACCEPTED, endpoint(last_modified_time=minutes(-1)), now=late).verdict is Verdict.FAILED
    assert judge(FIRST_ACCEPTED, None, now=late).verdict is Verdict.FAILED


def test_the_reason_is_sagemakers_in_full() -> None:
    reason = "The primary container for production variant AllTraffic did not pass the ping health check."
    observed = endpoint(last_modified_time=TOUCHED, failure_reason=reason)

    assert judge(ACCEPTED, observed, now=NOW) == Judgement(Verdict.FAILED, reason, Cause.VERSION)


@pytest.mark.parametrize("status", ["InService", "OutOfService"])
def test_a_failure_without_a_reason_says_what_is_known(status: str) -> None:
    judgement = judge(ACCEPTED, endpoint(status, last_modified_time=TOUCHED), now=NOW)

    assert judgement.reason
    assert "no reason" in judgement.reason
