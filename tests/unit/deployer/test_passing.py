"""Trouble that passes by itself is known in every spelling; what comes too soon is waited for."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from deployer.decisions.retries import LONGEST_RETRY_DELAYS, RETRY_DELAYS, SECONDS_TO_BE_KNOWN
from deployer.model.cause import Cause
from local_cloud.ministack.propagation import Propagation
from local_cloud.sagemaker.port_defaults import PermissiveRoles
from local_cloud.sagemaker.switch_settings import UnpulledImage
from local_cloud.sagemaker.switches import Switches
from local_cloud.sagemaker.timings import Timings
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import REGION, Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

IMAGE = "1.dkr.ecr.eu-central-1.amazonaws.com/x:1"
OF_ENDPOINTS = [
    f"The role 'arn:aws:iam::1:role/models' does not have BatchGetImage permission for the image: '{IMAGE}'.",
    (
        "Please make sure all images included in the model for the production variant AllTraffic exist, and "
        "that the execution role used to create the model has permissions to access them."
    ),
    (
        'Failed to download model data for container "container_1" from URL: "s3://models/model.tar.gz". '
        "Please ensure that there is an object located at the URL and that the role passed to CreateModel "
        "has permissions to download the object."
    ),
    "User: arn:aws:sts::1:assumed-role/models/x is not authorized to perform: ecr:GetDownloadUrlForLayer",
    "The role has no permission for ec2:CreateNetworkInterface on subnet-1",
    "You are not authorized to perform this operation. (Service: AmazonEC2; Code: UnauthorizedOperation)",
    "KMS.AccessDeniedException: the ciphertext refers to a key that you may not use",
    "SageMaker was unable to assume the role 'arn:aws:iam::1:role/models'",
]
"""Why an endpoint did not come up, for a permission: what the table of causes quotes, and what IAM says."""

OF_CALLS = [
    ("CreateModel", "ValidationException", "Could not access model data at s3://models/model.tar.gz."),
    ("CreateModel", "ValidationException", 'The execution role ARN "arn:aws:iam::1:role/models" is invalid.'),
    (
        "CreateModel",
        "ValidationException",
        "Could not assume role arn:aws:iam::1:role/models. Please ensure …",
    ),
    (
        "CreateModel",
        "AccessDeniedException",
        "User: x is not authorized to perform: iam:PassRole on resource: y",
    ),
    (
        "CreateEndpointConfig",
        "AccessDeniedException",
        "User: x is not authorized to perform: kms:CreateGrant on resource: y",
    ),
    ("CreateEndpointConfig", "ValidationException", "The caller lacks kms:DescribeKey for the key."),
    ("CreateEndpoint", "ValidationException", "Could not assume role arn:aws:iam::1:role/models. …"),
    ("CreateEndpoint", "AccessDeniedException", "User: x is not authorized to perform: kms:CreateGrant on …"),
]
"""How calls are refused for a permission."""

SHORT_OF_CALLS = OF_CALLS[:1] + OF_CALLS[4:5]
"""One of each exception, for stories of several days."""


# Within an invocation ----------------------------------------------------------------------------------


def approved(pipeline: Pipeline) -> str:
    pipeline.manage()
    arn = pipeline.register()
    pipeline.approve(arn)
    return arn


def refuse(pipeline: Pipeline, operation: str, code: str, told: str, *, while_: Callable[[], bool]) -> None:
    def before(_service: str, called: str) -> None:
        if called == operation and while_():
            answer: Any = {"Error": {"Code": code, "Message": told}}
            raise ClientError(answer, operation)

    pipeline.deployer_cloud.before_call = before


@pytest.mark.parametrize(("operation", "code", "told"), OF_CALLS)
def test_a_permission_that_is_known_some_seconds_later_costs_no_attempt(
    operation: str, code: str, told: str
) -> None:
    pipeline = Pipeline()
    begun = pipeline.clock.now()
    arn = approved(pipeline)
    known_at = begun.timestamp() + 20
    refuse(pipeline, operation, code, told, while_=lambda: pipeline.clock.now().timestamp() < known_at)
    pipeline.run()

    assert pipeline.told(arn) == ["started", "succeeded"]
    assert len(pipeline.attempts) == 1


@pytest.mark.parametrize(
    ("operation", "code", "told"),
    [
        *SHORT_OF_CALLS,
        *(pytest.param(*each, marks=pytest.mark.long) for each in OF_CALLS if each not in SHORT_OF_CALLS),
    ],
)
def test_a_permission_that_stays_missing_is_told_once_and_tried_again_without_end(
    operation: str, code: str, told: str
) -> None:
    pipeline = Pipeline()
    arn = approved(pipeline)
    tries: list[datetime] = []

    def counted() -> bool:
        tries.append(pipeline.clock.now())
        return True

    refuse(pipeline, operation, code, told, while_=counted)
    for _ in range(5 * 24):
        pipeline.run()
        pipeline.pass_time(3600)
        pipeline.sweep()

    assert pipeline.told(arn) == ["needs_attention"]
    [outcome] = pipeline.outcomes
    assert outcome["Cause"] == "surroundings"
    assert told.split("…", maxsplit=1)[0] in outcome["Reason"]
    assert "neither it nor its settings are at fault" in outcome["Message"]
    assert "`greenlight doctor` says what is missing." in outcome["Message"]
    assert outcome["RetryAt"] is not None
    assert {each.cause for each in pipeline.attempts} == {Cause.SURROUNDINGS}
    assert not any(each.unsettled for each in pipeline.attempts)
    later = [after - before for before, after in pairwise(tries[len(SECONDS_TO_BE_KNOWN) :])]
    assert all(
        0 <= (waited - due).total_seconds() <= timedelta(hours=1).total_seconds()
        for waited, due in zip(later, [*LONGEST_RETRY_DELAYS, LONGEST_RETRY_DELAYS[-1]], strict=False)
    )
    assert len(later) > len(LONGEST_RETRY_DELAYS)


@pytest.mark.parametrize(("operation", "code", "told"), SHORT_OF_CALLS)
def test_what_is_hindered_is_tried_again_at_its_times_while_another_version_serves(
    operation: str, code: str, told: str
) -> None:
    """Nothing changes until then, so only the wait itself keeps the sweeps looking."""
    pipeline = Pipeline()
    approved(pipeline)
    pipeline.run()
    pipeline.pass_time(4 * 3600)
    pipeline.sweep()
    tries: list[datetime] = []

    def counted() -> bool:
        tries.append(pipeline.clock.now())
        return True

    refuse(pipeline, operation, code, told, while_=counted)
    pipeline.approve(pipeline.register())
    for _ in range(12 * 4):
        pipeline.run()
        pipeline.pass_time(900)
        pipeline.sweep()

    assert pipeline.serving() == "v1"
    later = [after - before for before, after in pairwise(tries[len(SECONDS_TO_BE_KNOWN) :])]
    due = LONGEST_RETRY_DELAYS[: len(later)]
    assert len(later) == 6
    assert all(
        wanted <= waited < wanted + timedelta(minutes=30) for waited, wanted in zip(later, due, strict=True)
    )


@pytest.mark.parametrize("asked", ["approved again", "other settings"])
def test_what_is_hindered_is_tried_at_once_when_it_is_asked_for_and_tells_when_it_serves(asked: str) -> None:
    pipeline = Pipeline()
    arn = approved(pipeline)
    denied = [True]
    refuse(pipeline, *OF_CALLS[0], while_=lambda: denied[0])
    pipeline.run()
    denied.clear()
    denied.append(False)
    if asked == "approved again":
        pipeline.reject(arn)
        pipeline.run()
        pipeline.approve(arn)
    else:
        pipeline.manage(CreateModel={"Containers": [{"Environment": {"A": "1"}}]})
        pipeline.sweep()
    pipeline.run()

    assert pipeline.told(arn) == ["needs_attention", "started", "succeeded"]


def test_another_hindrance_of_the_same_version_is_told_as_well_and_each_of_them_once() -> None:
    pipeline = Pipeline()
    arn = approved(pipeline)
    refusals = iter([OF_CALLS[0], OF_CALLS[1], OF_CALLS[0], OF_CALLS[1]])
    for operation, code, told in refusals:
        refuse(pipeline, operation, code, told, while_=lambda: True)
        pipeline.run()
        pipeline.pass_time(24 * 3600)
        pipeline.sweep()

    assert pipeline.told(arn) == ["needs_attention"] * 2


def test_what_is_approved_meanwhile_goes_out_instead_of_what_waits_for_a_permission() -> None:
    pipeline = Pipeline()
    arn = approved(pipeline)
    newer: list[str] = []
    refuse(pipeline, *OF_CALLS[0], while_=lambda: not newer)

    def pause(seconds: float) -> None:
        pipeline.pass_time(seconds)
        if not newer:
            newer.append(pipeline.register())
            pipeline.approve(newer[0])
            pipeline.deliver()

    pipeline.pause = pause
    pipeline.run()

    assert pipeline.told(arn) == []
    assert pipeline.told(newer[0]) == ["started", "succeeded"]


def test_an_invocation_without_time_to_wait_tries_again_later() -> None:
    pipeline = Pipeline()
    pipeline.remaining_seconds = lambda: 31.0
    arn = approved(pipeline)
    refuse(pipeline, *OF_CALLS[0], while_=lambda: True)
    pipeline.deliver()

    assert pipeline.told(arn) == ["needs_attention"]
    assert pipeline.outcomes[-1]["RetryAt"] is not None
    assert pipeline.sagemaker_calls().count("CreateModel") == 0  # refused before the cloud counts it


# On the way to service ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", OF_ENDPOINTS)
@pytest.mark.parametrize("is_update", [False, True])
def test_an_endpoint_that_failed_for_a_permission_serves_later_without_anybodys_approval(
    reason: str, *, is_update: bool
) -> None:
    pipeline = Pipeline()
    arn = approved(pipeline)
    if is_update:
        pipeline.run()
        arn = pipeline.register()
        pipeline.approve(arn)
    pipeline.deliver()
    pipeline.control_plane.incidents.fail_work(pipeline.account_id, REGION, ENDPOINT, reason)
    pipeline.run()
    assert pipeline.told(arn) == ["started", "needs_attention"]
    assert reason in pipeline.outcomes[-1]["Message"]
    assert [each.cause for each in pipeline.attempts if each.cause] == [Cause.SURROUNDINGS]

    pipeline.pass_time(RETRY_DELAYS[0].total_seconds())
    pipeline.sweep()
    pipeline.run()
    # An endpoint that was never in service is deleted first, and created once that is seen.
    pipeline.sweep()
    pipeline.run()

    assert pipeline.told(arn) == ["started", "needs_attention", "succeeded"]


class EditedRoles(PermissiveRoles):
    """A role whose policies are edited, and known only after a while, as IAM's are."""

    def __init__(self, propagation: Propagation) -> None:
        self._propagation = propagation
        self.may: dict[str, bool] = {"pull": False, "join": False}
        for right in self.may:
            self._knows(right)

    def _knows(self, right: str) -> bool:
        return self._propagation.known(right, self.may[right], before=False)

    def grant(self) -> None:
        """Attach the missing permissions now."""
        self.may = dict.fromkeys(self.may, True)
        for right in self.may:
            self._knows(right)

    def may_pull(self, image: str, *, role_arn: str) -> bool:  # noqa: ARG002 - the port's signature
        return self._knows("pull")

    def refusal_to_join(
        self,
        subnets: Sequence[str],  # noqa: ARG002 - likewise
        security_groups: Sequence[str],  # noqa: ARG002 - likewise
        *,
        role_arn: str,
        region: str,  # noqa: ARG002 - likewise
    ) -> str | None:
        denied = f"User: {role_arn}/SageMaker is not authorized to perform: ec2:CreateNetworkInterface"
        return None if self._knows("join") else denied


@pytest.mark.parametrize("propagation_seconds", [5.0, 400.0])
@pytest.mark.parametrize("vpc", [{}, {"VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}])
def test_settings_whose_grant_is_known_only_later_serve_without_another_approval(
    propagation_seconds: float, vpc: dict[str, Any]
) -> None:
    pipeline = Pipeline()
    pipeline.control_plane.timings = Timings(iam_propagation_seconds=propagation_seconds)
    roles = EditedRoles(
        Propagation(
            seconds=lambda: pipeline.control_plane.timings.iam_propagation_seconds,
            now=lambda: pipeline.clock.now().timestamp(),
        )
    )
    pipeline.control_plane._state.execution_roles = roles  # noqa: SLF001 - asked from the start elsewhere
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()
    roles.grant()
    pipeline.manage(CreateModel={"Containers": [{}], **vpc})
    pipeline.sweep()
    for _ in range(4):
        pipeline.run()
        pipeline.pass_time(900)
        pipeline.sweep()

    assert pipeline.serving() == "v1"
    assert pipeline.told(arn)[-1] == "succeeded"
    assert len(pipeline.history.approvals) == 1


class _NoImages(PermissiveRoles):
    def may_pull(self, image: str, *, role_arn: str) -> bool:  # noqa: ARG002 - the port's signature
        return False


@pytest.mark.parametrize("said", UnpulledImage)
def test_an_image_that_is_not_pulled_is_tried_again_and_told_whatever_sagemaker_says_of_it(
    said: UnpulledImage,
) -> None:
    pipeline = Pipeline(Switches(unpulled_image=said))
    pipeline.control_plane._state.execution_roles = _NoImages()  # noqa: SLF001 - asked from the start elsewhere
    pipeline.manage()
    arn = pipeline.register()
    pipeline.approve(arn)
    pipeline.run()

    [failed] = [each for each in pipeline.outcomes if each["Outcome"] == "needs_attention"]
    assert "RetryAt" in failed
    assert ":  " not in failed["Message"]
    [reason] = [each.reason for each in pipeline.attempts if each.reason is not None]
    assert reason == reason.strip()
