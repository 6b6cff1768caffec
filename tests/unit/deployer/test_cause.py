"""Every bad end has one cause, by the table; trouble is known in every spelling."""

from __future__ import annotations

from collections import Counter

import pytest

from deployer.model.cause import CAUSES, Cause, of_failed_rollout, of_refusal, of_unanswered_test
from tests.simulation.laws import PASSING, SURROUNDINGS
from tests.unit.deployer.test_passing import OF_CALLS, OF_ENDPOINTS

QUOTA = "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances"


@pytest.mark.parametrize(
    "reason",
    [
        "CapacityError: Unable to provision requested ML compute capacity. Please retry later.",
        "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.",
        "InternalServerError: We encountered an internal error. Please try again.",
        "internalservererror",
        QUOTA,
        "Request to service failed. If failure persists after retry, contact customer support.",
        "Throttling: Rate exceeded",
    ],
)
def test_trouble_of_the_services_own_may_pass(reason: str) -> None:
    assert of_failed_rollout(reason) is of_refusal(reason) is Cause.PASSING


@pytest.mark.parametrize(
    "reason",
    [
        "The primary container for production variant AllTraffic did not pass the ping health check.",
        "The deployment was rolled back because of alarm(s) in ALARM: errors.",
        "SageMaker went back to churn-v1 and gave no reason.",
    ],
)
def test_an_endpoint_that_does_not_come_up_is_its_versions_fault(reason: str) -> None:
    assert of_failed_rollout(reason) is Cause.VERSION


def test_a_request_that_is_refused_for_what_is_in_it_is_the_settings_fault() -> None:
    assert of_refusal("ValidationException: The variant name(s) must be unique.") is Cause.SETTINGS


@pytest.mark.parametrize("reason", [*OF_ENDPOINTS, *(told for _, _, told in OF_CALLS)])
def test_permissions_belong_to_the_surroundings_in_any_letter_case(reason: str) -> None:
    for spelling in (reason, reason.upper(), reason.lower()):
        assert of_failed_rollout(spelling) is of_refusal(spelling) is Cause.SURROUNDINGS


def test_a_quota_that_is_asked_for_without_a_permission_may_pass() -> None:
    assert of_refusal(f"ResourceLimitExceeded: {QUOTA}; ecr: was asked for, too") is Cause.PASSING


def test_a_smoke_test_that_may_not_be_made_is_the_surroundings_fault_and_silence_is_the_versions() -> None:
    denied = "AccessDeniedException: User: x is not authorized to perform: sagemaker:InvokeEndpoint"
    assert of_unanswered_test(denied) is Cause.SURROUNDINGS
    assert of_unanswered_test("ReadTimeoutError: no answer") is Cause.VERSION


def test_every_row_of_the_table_has_a_source_and_its_words_are_known_once() -> None:
    assert all(row.words and row.source for row in CAUSES)
    assert max(Counter(row.words.lower() for row in CAUSES).values()) == 1


def test_the_table_decides_each_of_its_rows_as_it_says() -> None:
    for row in CAUSES:
        assert of_refusal(row.words) is of_failed_rollout(row.words) is row.cause, row.words


@pytest.mark.parametrize(
    ("cause", "known"),
    [(Cause.PASSING, PASSING), (Cause.SURROUNDINGS, SURROUNDINGS)],
    ids=["passing", "around"],
)
def test_the_laws_of_the_simulation_have_lists_of_their_own_that_are_as_complete(
    cause: Cause, known: tuple[str, ...]
) -> None:
    assert all(of_failed_rollout(each) is cause for each in known)
    for row in CAUSES:
        words = row.words.lower()
        listed = any(each.lower() in words or words in each.lower() for each in known)
        assert listed == (row.cause is cause), row.words
