"""One outcome of each kind, and of each way in which its message differs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from deployer.model import outcomes
from deployer.model.approval import Approval, ApprovalSource, Ineligible
from deployer.model.attempt import Action, AttemptStatus, Deployment, Promotion
from deployer.model.cause import Cause
from deployer.model.companion import Companion
from deployer.model.endpoint import Endpoint
from deployer.model.life_cycle import LifeCycle
from deployer.model.outcome import OutcomeKind
from deployer.model.smoke_test import Failure

if TYPE_CHECKING:
    from deployer.model.outcome import Outcome

NOW: Final = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
_ENDPOINT: Final = "churn"
_GROUP: Final = "churn-models"
_ADA: Final = "arn:aws:iam::111122223333:user/ada"
_ACCOUNT: Final = "arn:aws:sagemaker:eu-central-1:111122223333"

_HEALTH: Final = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
_DENIED: Final = (
    "Could not access model data at s3://churn/3/model.tar.gz. Please ensure that the role exists and that "
    "its policies allow the action s3:GetObject."
)
_QUOTA: Final = (
    "ResourceLimitExceeded: The account-level service limit 'ml.m5.large for endpoint usage' is 4 Instances, "
    "with current utilization of 4 Instances and a request delta of 1 Instances."
)
_TEST: Final = Failure(
    "fingerprint", {"Name": "a customer"}, {"Status": 500, "ContentType": "application/json"}, "status 200"
)


def _after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def _config(version: int) -> str:
    return f"{_ENDPOINT}-v{version}-{version:012x}"


def _of_version(version: int) -> dict[str, Any]:
    return {
        "endpoint_name": _ENDPOINT,
        "correlation_id": f"event-{version}",
        "started_at": NOW,
        "invocation_id": "invocation-1",
        "lease_until": _after(6),
        "version_arn": f"{_ACCOUNT}:model-package/{_GROUP}/{version}",
        "version": version,
        "group_name": _GROUP,
        "model_name": _config(version),
        "endpoint_config_name": _config(version),
        "approved_at": NOW,
        "approved_by": _ADA,
        "number": 7,
    }


def deployment(version: int, **changes: Any) -> Deployment:  # noqa: ANN401 - the attempt's fields
    """Return a deployment that replaces version 1."""
    of_deployment = {
        "action": Action.UPDATE_ENDPOINT,
        "replaces_endpoint_config_name": _config(1),
        "endpoint_last_modified_time": _after(-60),
        "rolls_back": False,
    }
    return Deployment(**{**_of_version(version), **of_deployment, **changes})


def promotion(version: int, **changes: Any) -> Promotion:  # noqa: ANN401 - the attempt's fields
    """Return a promotion to production."""
    goal = LifeCycle("Production", "PendingApproval")
    return Promotion(**{**_of_version(version), "goal": goal, **changes})


def _approval(*, at: datetime = NOW, objection: str | None = None) -> Approval:
    return Approval(
        endpoint_name=_ENDPOINT,
        version_arn=f"{_ACCOUNT}:model-package/{_GROUP}/3",
        version=3,
        group_name=_GROUP,
        approved_at=at,
        approved_by=_ADA,
        source=ApprovalSource.EVENT,
        correlation_id="event-3",
        objection=objection,
    )


def _ended(status: AttemptStatus, **changes: Any) -> Deployment:  # noqa: ANN401 - the attempt's fields
    return deployment(3, status=status, settled_at=_after(7.1), **changes)


def _serves(version: int) -> Endpoint:
    return Endpoint(
        name=_ENDPOINT,
        arn=f"{_ACCOUNT}:endpoint/{_ENDPOINT}",
        status="InService",
        endpoint_config_name=_config(version),
        pending_endpoint_config_name=None,
        failure_reason=None,
        last_modified_time=_after(-60),
        created_at=_after(-600),
    )


def _failed(reason: str, cause: Cause, **changes: Any) -> Deployment:  # noqa: ANN401 - the attempt's fields
    return _ended(AttemptStatus.FAILED, reason=reason, cause=cause, **changes)


def _settled(
    attempt: Deployment, serving: int | None, *, holds: bool = False, again: bool = False
) -> Outcome:
    found = _serves(serving) if serving is not None else None
    return outcomes.settled(attempt, found, _after(17.1) if again else None, holds=holds)


_PINNED: Final = Companion("shadow", f"{_ACCOUNT}:model-package/{_GROUP}/4", 4, _config(4), is_shadow=True)

SAMPLES: Final[dict[str, Outcome]] = {
    "started": outcomes.started(deployment(3, status=AttemptStatus.ACCEPTED)),
    "started, less guarded": outcomes.started(
        deployment(
            3,
            status=AttemptStatus.ACCEPTED,
            alarms_left_out=("churn-5xx",),
            unguarded="a variant comes, and SageMaker refuses guardrails then",
        )
    ),
    "started, back": outcomes.started(
        deployment(1, status=AttemptStatus.ACCEPTED, rolls_back=True, at_once=True)
    ),
    "started, again": outcomes.started(
        deployment(
            3,
            status=AttemptStatus.ACCEPTED,
            replaces_endpoint_config_name="churn-v3-0a1b2c3d4e5f",
        )
    ),
    "succeeded": _settled(_ended(AttemptStatus.SUCCEEDED), 3),
    "succeeded, with a shadow": _settled(_ended(AttemptStatus.SUCCEEDED, companions=(_PINNED,)), 3),
    "failed, version": _settled(_failed(_HEALTH, Cause.VERSION), 1),
    "failed, version, for any settings": _settled(_failed(_HEALTH, Cause.VERSION), 1, holds=True),
    "failed, settings": _settled(
        _failed("ValidationException: The instance type is not supported.", Cause.SETTINGS), 1
    ),
    "failed, settings of the version that serves": _settled(
        _failed(_HEALTH, Cause.VERSION, endpoint_config_name="churn-v3-ffffffffffff"), 3
    ),
    "failed, passing": _settled(_failed(_QUOTA, Cause.PASSING, doubles_instances=True), 1, again=True),
    "failed, first deployment": _settled(
        _failed(_HEALTH, Cause.VERSION, action=Action.CREATE_ENDPOINT), None
    ),
    "failed, smoke test in the bake": _settled(_failed(_TEST.reason, Cause.VERSION, failed_test=_TEST), 1),
    "failed, smoke test before the rollout": _settled(
        _failed(_TEST.reason, Cause.VERSION, failed_test=_TEST, test_endpoint_name="churn-v3-5e0a1b2c3d4f"),
        1,
    ),
    "failed, smoke test in service": _settled(
        _failed(_TEST.reason, Cause.VERSION, failed_test=_TEST), 3, holds=True
    ),
    "failed, promotion": outcomes.settled(
        promotion(
            3, status=AttemptStatus.FAILED, settled_at=NOW, reason="AccessDeniedException: not authorized."
        ),
        _serves(3),
        None,
    ),
    "aborted": _settled(_ended(AttemptStatus.ABORTED, reason="Its approval was taken back."), 1),
    "aborted, in service": _settled(
        _ended(AttemptStatus.ABORTED, reason="Its approval was taken back.", tests_begun=1), 3
    ),
    "rolled_back": _settled(_ended(AttemptStatus.SUCCEEDED, rolls_back=True), 3),
    "ignored": outcomes.ignored(
        _approval(objection="bob may not approve versions for this endpoint.", at=_after(-1500))
    ),
    "ignored, instance type": outcomes.ineligible(
        Ineligible(_approval(), "It does not support ml.m5.large.", "Set instance_type to ml.m5.xlarge."),
        time=_after(1),
    ),
    "needs_attention, hindered": _settled(_failed(_DENIED, Cause.SURROUNDINGS), 1, again=True),
    "needs_attention": outcomes.notice(
        OutcomeKind.NEEDS_ATTENTION,
        "churn",
        "No approved version of churn-models is left to serve on churn. The endpoint is left as it is "
        "(InService, churn-v1-0a1b2c3d4e5f): approve a version, or delete the endpoint.",
        time=NOW,
        cause="event-3",
    ),
    "held": outcomes.notice(
        OutcomeKind.HELD,
        "churn",
        "Version 3 of churn-models waits: rollouts of churn are paused until 2026-05-05 08:00 UTC (INC-42).",
        time=NOW,
        cause="event-3",
    ),
    "promoted": outcomes.settled(
        promotion(3, status=AttemptStatus.SUCCEEDED, settled_at=_after(60)), _serves(3), None
    ),
    "unmanaged": outcomes.unmanaged("churn", managed_at=NOW, time=_after(5), correlation_id="event-9"),
}
"""By a name that says what is particular."""
