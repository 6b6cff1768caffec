"""The gateways narrow AWS's answers: absence is None, a refusal is ours, everything else passes through."""

from __future__ import annotations

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from deployer.bus import Bus, UndeliveredError
from deployer.outcomes import Outcome, OutcomeKind
from deployer.parameters import Parameters
from deployer.sagemaker import BusyError, ExecutionRoleError, RefusedError, SageMaker
from tests.unit.deployer.builders import NOW, release
from tests.unit.deployer.pipeline import PREFIX, Pipeline


class FailingClient:
    """Answers every operation with one error."""

    def __init__(self, code: str, message: str) -> None:
        self._error = ClientError({"Error": {"Code": code, "Message": message}}, "Operation")

    def __getattr__(self, _operation: str) -> Any:
        def fail(**_: object) -> None:
            raise self._error

        return fail


def sagemaker(code: str, message: str) -> SageMaker:
    return SageMaker(cast("Any", FailingClient(code, message)))


@pytest.mark.parametrize(
    "message",
    [
        'Could not find endpoint "churn".',
        'Could not find endpoint "arn:aws:sagemaker:eu-central-1:111122223333:endpoint/churn".',
    ],
)
def test_a_missing_endpoint_is_none_in_either_wording(message: str) -> None:
    assert sagemaker("ValidationException", message).describe_endpoint("churn") is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationException", 'Could not find endpoint configuration "x".'),
        ("AccessDeniedException", 'Could not find endpoint "churn".'),
        ("ThrottlingException", "Rate exceeded"),
    ],
)
def test_any_other_error_of_a_read_passes_through(code: str, message: str) -> None:
    failing = sagemaker(code, message)

    with pytest.raises(ClientError):
        failing.describe_endpoint("churn")
    with pytest.raises(ClientError):
        failing.describe_model_version("arn")


def test_a_missing_version_is_none() -> None:
    missing = sagemaker(
        "ValidationException", "ModelPackage arn:aws:sagemaker:…:model-package/g/1 does not exist."
    )

    assert missing.describe_model_version("arn") is None


def test_an_unversioned_package_is_no_version() -> None:
    pipeline = Pipeline()
    pipeline.register_unversioned()
    gateway = SageMaker(pipeline.cloud.client("sagemaker"))

    assert gateway.describe_model_version("unversioned") is None


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("ValidationException", 'Cannot create already existing endpoint "arn".', BusyError),
        ("ValidationException", 'Cannot update in-progress endpoint "arn".', BusyError),
        ("ValidationException", 'The execution role ARN "x" is invalid.', ExecutionRoleError),
        ("ValidationException", "Anything else.", RefusedError),
        ("ResourceLimitExceeded", "The account-level service limit …", RefusedError),
        ("AccessDeniedException", "User … is not authorized", ClientError),
        ("ThrottlingException", "Rate exceeded", ClientError),
        ("InternalFailure", "…", ClientError),
    ],
)
def test_a_refused_write_says_what_kind_of_refusal_it_is(
    code: str, message: str, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        sagemaker(code, message).create_endpoint(release().create_endpoint)
    with pytest.raises(expected):
        sagemaker(code, message).update_endpoint(release().update_endpoint)


def test_a_refusal_keeps_sagemakers_code_and_words() -> None:
    with pytest.raises(RefusedError, match=r"^ResourceLimitExceeded: The account-level service limit"):
        sagemaker("ResourceLimitExceeded", "The account-level service limit").create_endpoint(
            release().create_endpoint
        )


def test_creating_what_a_retry_left_is_no_error() -> None:
    pipeline = Pipeline()
    pipeline.register("Approved")
    gateway = SageMaker(pipeline.cloud.client("sagemaker"))
    pipeline.identity.role_arns.add("arn:aws:iam::111122223333:role/models")
    made = pipeline.release(pipeline.register("Approved"))

    for _ in range(2):
        gateway.create_model(made.create_model)
        gateway.create_endpoint_config(made.create_endpoint_config)


def test_creating_a_config_that_is_there_with_other_content_is_refused() -> None:
    pipeline = Pipeline()
    gateway = SageMaker(pipeline.cloud.client("sagemaker"))
    made = pipeline.release(pipeline.register("Approved"))
    gateway.create_model(made.create_model)
    gateway.create_endpoint_config(made.create_endpoint_config)
    (variant,) = made.create_endpoint_config["ProductionVariants"]

    with pytest.raises(RefusedError, match="differs in ProductionVariants"):
        gateway.create_endpoint_config(
            {**made.create_endpoint_config, "ProductionVariants": [{**variant, "InitialInstanceCount": 7}]}
        )


def test_every_page_of_approved_versions_is_read_newest_first() -> None:
    pipeline = Pipeline()
    arns = [pipeline.register("Approved") for _ in range(103)]
    gateway = SageMaker(pipeline.cloud.client("sagemaker"))

    assert list(gateway.approved_version_arns("churn-models")) == arns[::-1]


def test_only_parameters_directly_below_the_prefix_are_settings() -> None:
    parameters = Parameters(Pipeline().ssm, prefix=PREFIX)

    assert parameters.endpoint_name(f"{PREFIX}churn") == "churn"
    assert parameters.endpoint_name(f"{PREFIX}churn/more") is None
    assert parameters.endpoint_name(PREFIX) is None
    assert parameters.endpoint_name("/other/churn") is None


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_settings_that_cannot_be_read_are_not_mistaken_for_none(code: str) -> None:
    parameters = Parameters(cast("Any", FailingClient(code, "…")), prefix=PREFIX)

    with pytest.raises(ClientError):
        parameters.read("churn")


class RefusingBus:
    """Takes the call and refuses the entry, as PutEvents does."""

    def put_events(self, **_: object) -> dict[str, Any]:
        return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "…"}]}


def test_an_outcome_that_eventbridge_refuses_is_not_taken_for_delivered() -> None:
    outcome = Outcome("churn/1/started", OutcomeKind.STARTED, "churn", "…", "e", NOW, {})

    with pytest.raises(UndeliveredError, match=r"EventBridge took 1 of 1 events .* not: ThrottlingException"):
        Bus(cast("Any", RefusingBus()), event_bus_name="default", stack_name="Greenlight").put(outcome)
