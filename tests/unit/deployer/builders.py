"""Build the deployer's values with defaults, so that a test states only its own subject."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from deployer.decisions.facts import Facts
from deployer.model.approval import Approval, ApprovalSource
from deployer.model.attempt import Action, AttemptStatus, CleanUp, Deletion, Deployment, Promotion
from deployer.model.cause import Cause
from deployer.model.endpoint import Endpoint
from deployer.model.history import History
from deployer.model.identity import Identity
from deployer.model.life_cycle import LifeCycle
from deployer.model.model_version import ModelVersion
from deployer.model.release import Release, Version
from deployer.model.settings import EndpointSettings
from deployer.model.stack_identity import StackIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deployer.model.attempt import Attempt
    from deployer.model.model_version import Hidden

ENDPOINT = "churn"
GROUP = "churn-models"
ROLE_ARN = "arn:aws:iam::111122223333:role/models"
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DIGEST = "0a1b" * 16
"""The default digest of a version's containers and artifacts."""


def minutes(count: float) -> datetime:
    """Return the time so many minutes after (or before) NOW."""
    return NOW + timedelta(minutes=count)


def version_arn(version: int, group: str = GROUP) -> str:
    return f"arn:aws:sagemaker:eu-central-1:111122223333:model-package/{group}/{version}"


def settings_document(**changes: Any) -> dict[str, Any]:
    return {
        "EndpointName": ENDPOINT,
        "ModelPackageGroupName": GROUP,
        "CreateModel": {"Containers": [{"Environment": {"LOG_LEVEL": "info"}}]},
        "CreateEndpointConfig": {
            "ProductionVariants": [
                {
                    "VariantName": "AllTraffic",
                    "InstanceType": "ml.m5.large",
                    "InitialInstanceCount": 1,
                    "InitialVariantWeight": 1.0,
                }
            ]
        },
        "Tags": {"team": "growth"},
        # Stories of the registry's page turn it on; all others count what else is written.
        "VersionMetadata": False,
        **changes,
    }


def settings(**changes: Any) -> EndpointSettings:
    return EndpointSettings.parse(json.dumps(settings_document(**changes)))


def release(version: int = 1, under: EndpointSettings | None = None, of: Approval | None = None) -> Release:
    """Build the release of a version; with the approval, its config's tags name the approver and the time."""
    approved = (of.approved_by, of.approved_at) if of is not None else ()
    return Release.build(
        under or settings(),
        Version(version_arn(version), version, DIGEST, *approved),
        pinned={},
        execution_role_arn=ROLE_ARN,
        stack_name="Greenlight",
    )


def approval(version: int = 1, at: datetime = NOW, **changes: Any) -> Approval:
    return Approval(
        **{
            "endpoint_name": ENDPOINT,
            "version_arn": version_arn(version),
            "version": version,
            "group_name": GROUP,
            "approved_at": at,
            "approved_by": "arn:aws:iam::111122223333:user/ada",
            "source": ApprovalSource.EVENT,
            "correlation_id": f"event-{version}",
            "artifact_digest": DIGEST,
            **changes,
        }
    )


def model_version(version: int = 1, **changes: Any) -> ModelVersion:
    return ModelVersion(
        **{
            "arn": version_arn(version),
            "group_name": GROUP,
            "version": version,
            "status": "Completed",
            "approval_status": "Approved",
            "registered_by": Identity(),
            "last_modified_by": Identity(),
            "last_modified_time": NOW,
            **changes,
        }
    )


def history_of(attempts: Iterable[Attempt] = (), approvals: Iterable[Approval] = (), **more: Any) -> History:
    """Build what the journal knows after these attempts, newest first, all of whose ends were told."""
    known = History(approvals=tuple(approvals), **more)
    for each in sorted(attempts, key=lambda each: each.number):
        known = known.with_begun(each, is_latest_unannounced=False).with_moved(each)
    return known


def facts(
    approvals: Iterable[Approval] = (),
    attempts: Iterable[Attempt] = (),
    *,
    under: EndpointSettings | None = None,
    versions: Iterable[ModelVersion] = (),
    digests: dict[str, str | Hidden] | None = None,
    listed: Iterable[int] | None = None,
    **history: Any,
) -> Facts:
    """Build a round's reads: these versions, with the approved digests by default.

    Args:
        approvals: The history's.
        attempts: The history's, newest first.
        under: The endpoint's settings.
        versions: The versions that were read.
        digests: The digests that were read, by ARN; None for the approved digest of each version.
        listed: Numbers of the versions in the registry's list; None if it was not read.
        history: Further fields of the history.
    """
    known = {each.arn.lower(): each for each in versions}
    return Facts(
        under or settings(),
        StackIdentity(ROLE_ARN, "Greenlight", "deployer"),
        history_of(attempts, approvals, **history),
        known,
        dict.fromkeys(known, DIGEST) if digests is None else digests,
        None if listed is None else {version_arn(each).lower(): minutes(-9999) for each in listed},
    )


def _claim(changes: dict[str, Any]) -> dict[str, Any]:
    failed = changes.get("status") is AttemptStatus.FAILED
    return {
        "cause": Cause.VERSION if failed else None,
        "endpoint_name": ENDPOINT,
        "number": 1,
        "correlation_id": "event-1",
        "started_at": NOW,
        "invocation_id": "invocation-1",
        "lease_until": minutes(6),
        "status": AttemptStatus.OPEN,
        **changes,
    }


def _of_version(version: int) -> dict[str, Any]:
    made = release(version)
    return {
        "version_arn": made.version_arn,
        "version": version,
        "group_name": GROUP,
        "model_name": made.model_name,
        "endpoint_config_name": made.endpoint_config_name,
        "approved_at": NOW,
        "approved_by": "arn:aws:iam::111122223333:user/ada",
        "correlation_id": f"event-{version}",
        "artifact_digest": DIGEST,
    }


def clean_up(**changes: Any) -> CleanUp:
    return CleanUp(**{"deletion": Deletion(("churn-v0-000000000000",)), **_claim(changes)})


def promotion(version: int = 1, **changes: Any) -> Promotion:
    goal = LifeCycle("Production", "PendingApproval")
    return Promotion(**{"goal": goal, **_claim({**_of_version(version), **changes})})


def deployment(version: int = 1, **changes: Any) -> Deployment:
    of_deployment = {
        "action": Action.UPDATE_ENDPOINT,
        "replaces_endpoint_config_name": "churn-v0-000000000000",
        "endpoint_last_modified_time": minutes(-60),
        "rolls_back": False,
    }
    return Deployment(**_claim({**_of_version(version), **of_deployment, **changes}))


def endpoint(status: str = "InService", **changes: Any) -> Endpoint:
    return Endpoint(
        **{
            "name": ENDPOINT,
            "arn": "arn:aws:sagemaker:eu-central-1:111122223333:endpoint/churn",
            "status": status,
            "endpoint_config_name": "churn-v0-000000000000",
            "pending_endpoint_config_name": None,
            "failure_reason": None,
            "last_modified_time": minutes(-60),
            "created_at": minutes(-600),
            **changes,
        }
    )
