"""The gateways narrow AWS's answers: absence is None, a refusal is ours, everything else passes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from deployer.contract import ENDPOINT_TAG, STACK_TAG
from deployer.gateways.bus import Bus
from deployer.gateways.endpoints import Endpoints
from deployer.gateways.model_registry import ModelRegistry
from deployer.gateways.models_and_configs import ModelsAndConfigs, Tag
from deployer.gateways.refusals import UpkeepRefusedError
from deployer.gateways.sagemaker_errors import BusyError, NotVisibleYetError, RefusedError, ThrottledError
from deployer.gateways.settings_files import DamagedSettingsError, SettingsFiles
from deployer.gateways.tags import Tags
from deployer.gateways.undelivered import UndeliveredError
from deployer.model.endpoint import EndpointSummary
from deployer.model.model_version import Hidden
from deployer.model.outcome import Outcome, OutcomeKind, Telling
from infra.settings.compiling.settings_files import settings_files
from tests.unit.deployer.builders import NOW, release, settings_document
from tests.unit.deployer.pipeline import Pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from deployer.model.release import Release


class FailingClient:
    """Answers every operation with one error."""

    def __init__(self, code: str, message: str) -> None:
        self._error = ClientError({"Error": {"Code": code, "Message": message}}, "Operation")

    def __getattr__(self, _operation: str) -> Any:
        def fail(**_: object) -> None:
            raise self._error

        return fail


def failing_endpoints(code: str, message: str) -> Endpoints:
    return Endpoints(cast("Any", FailingClient(code, message)))


def failing_registry(code: str, message: str) -> ModelRegistry:
    return ModelRegistry(cast("Any", FailingClient(code, message)))


def models_and_configs(client: Any) -> ModelsAndConfigs:
    return ModelsAndConfigs(client, ModelRegistry(client), Tags(client))


def of_deployer(pipeline: Pipeline) -> ModelsAndConfigs:
    return models_and_configs(pipeline.deployer_cloud.client("sagemaker"))


@pytest.mark.parametrize(
    "message",
    [
        'Could not find endpoint "churn".',
        'Could not find endpoint "arn:aws:sagemaker:eu-central-1:111122223333:endpoint/churn".',
    ],
)
def test_a_missing_endpoint_is_none_in_either_wording(message: str) -> None:
    assert failing_endpoints("ValidationException", message).describe("churn") is None


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationException", 'Could not find endpoint configuration "x".'),
        ("AccessDeniedException", 'Could not find endpoint "churn".'),
        ("ThrottlingException", "Rate exceeded"),
    ],
)
def test_any_other_error_of_a_read_passes_through(code: str, message: str) -> None:
    with pytest.raises(ClientError):
        failing_endpoints(code, message).describe("churn")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ThrottlingException", "Rate exceeded"),
        ("InternalFailure", "ModelPackage … does not exist."),
    ],
)
def test_any_other_error_of_reading_a_version_passes_through(code: str, message: str) -> None:
    """It is no refusal of the deployment for which the version is read."""
    with pytest.raises(ClientError, match=code):
        failing_registry(code, message).describe_version("arn")


def test_a_version_that_may_not_be_read_is_hidden_and_not_missing() -> None:
    denied = failing_registry("AccessDeniedException", 'ModelPackage "arn" does not exist.')

    assert denied.describe_version("arn") == Hidden(
        'AccessDeniedException: ModelPackage "arn" does not exist.'
    )


def test_a_version_that_sagemaker_refuses_to_describe_is_hidden_and_not_missing() -> None:
    refused = failing_registry("ValidationException", "Its inference specification cannot be read.")

    assert refused.describe_version("arn") == Hidden(
        "ValidationException: Its inference specification cannot be read.", is_denied=False
    )


def test_a_missing_version_is_none() -> None:
    missing = failing_registry(
        "ValidationException", "ModelPackage arn:aws:sagemaker:…:model-package/g/1 does not exist."
    )

    assert missing.describe_version("arn") is None


def test_an_unversioned_package_is_no_version() -> None:
    pipeline = Pipeline()
    pipeline.register_unversioned()
    registry = ModelRegistry(pipeline.cloud.client("sagemaker"))

    assert registry.describe_version("unversioned") is None


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("ValidationException", 'Cannot create already existing endpoint "arn".', BusyError),
        ("ValidationException", 'Cannot update in-progress endpoint "arn".', BusyError),
        ("ValidationException", 'The execution role ARN "x" is invalid.', RefusedError),
        ("ValidationException", "Anything else.", RefusedError),
        ("ResourceLimitExceeded", "The account-level service limit …", RefusedError),
        ("AccessDeniedException", "User … is not authorized", RefusedError),
        ("AccessDeniedException", "User … is not authorized to perform: sagemaker:X on …", RefusedError),
        ("AccessDeniedException", "User … is not authorized to perform: kms:CreateGrant on …", RefusedError),
        ("AccessDeniedException", "User … is not authorized to perform: iam:PassRole on …", RefusedError),
        ("ThrottlingException", "Rate exceeded", ThrottledError),
        ("InternalFailure", "…", ClientError),
    ],
)
def test_a_refused_write_says_what_kind_of_refusal_it_is(
    code: str, message: str, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        failing_endpoints(code, message).create(release().create_endpoint)
    with pytest.raises(expected):
        failing_endpoints(code, message).update(release().update_endpoint)


def test_a_refusal_keeps_sagemakers_code_and_words() -> None:
    with pytest.raises(RefusedError, match=r"^ResourceLimitExceeded: The account-level service limit"):
        failing_endpoints("ResourceLimitExceeded", "The account-level service limit").create(
            release().create_endpoint
        )


def test_creating_what_a_retry_left_is_no_error() -> None:
    pipeline = Pipeline()
    pipeline.register("Approved")
    gateway = models_and_configs(pipeline.cloud.client("sagemaker"))
    pipeline.identity.role_arns.add("arn:aws:iam::111122223333:role/models")
    made = pipeline.release(pipeline.register("Approved"))

    for _ in range(2):
        gateway.create_model(made.create_models[0])
        gateway.create_endpoint_config(made.create_endpoint_config)


def test_creating_a_config_that_is_there_with_other_content_is_refused() -> None:
    pipeline = Pipeline()
    gateway = models_and_configs(pipeline.cloud.client("sagemaker"))
    made = pipeline.release(pipeline.register("Approved"))
    gateway.create_model(made.create_models[0])
    gateway.create_endpoint_config(made.create_endpoint_config)
    (variant,) = made.create_endpoint_config["ProductionVariants"]

    expected = r"ProductionVariants\[AllTraffic\].InitialInstanceCount has another value"
    with pytest.raises(UpkeepRefusedError, match=expected):
        gateway.create_endpoint_config(
            {**made.create_endpoint_config, "ProductionVariants": [{**variant, "InitialInstanceCount": 7}]}
        )


class ShowingNothing:
    """SageMaker that says of everything that it exists, and shows nothing."""

    def __init__(self, client: Any) -> None:
        self.meta = client.meta

    def __getattr__(self, operation: str) -> Any:
        def answer(**_: Any) -> dict[str, Any]:
            what = {"create_model": "model", "create_endpoint_config": "endpoint configuration"}
            missing = {"describe_model": "model", "describe_endpoint_config": "endpoint configuration"}
            if operation in what:
                text = f'Cannot create already existing {what[operation]} "arn".'
            else:
                text = f'Could not find {missing[operation]} "arn".'
            raise ClientError({"Error": {"Code": "ValidationException", "Message": text}}, operation)

        return answer


def test_what_exists_and_does_not_show_is_left_to_a_retry() -> None:
    gateway = models_and_configs(ShowingNothing(Pipeline().sagemaker))

    with pytest.raises(NotVisibleYetError):
        gateway.create_model(release().create_models[0])
    with pytest.raises(NotVisibleYetError):
        gateway.create_endpoint_config(release().create_endpoint_config, may_exist=True)


def test_every_page_of_approved_versions_is_read_newest_first() -> None:
    pipeline = Pipeline()
    arns = [pipeline.register("Approved") for _ in range(103)]
    registry = ModelRegistry(pipeline.cloud.client("sagemaker"))

    assert [each.arn for each in registry.approved_versions("churn-models")] == arns[::-1]


class PagingClient:
    """Answers every operation with its pages in turn; each but the first must be asked for by its token."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self._pages = pages

    def __getattr__(self, _operation: str) -> Any:
        def answer(**request: Any) -> dict[str, Any]:
            number = int(request.get("NextToken", 0))
            more = number + 1 < len(self._pages)
            return {**self._pages[number], **({"NextToken": str(number + 1)} if more else {})}

        return answer


def test_every_page_of_endpoints_is_read() -> None:
    def page(*names: str) -> dict[str, Any]:
        return {
            "Endpoints": [
                {"EndpointName": name, "EndpointStatus": "InService", "LastModifiedTime": NOW}
                for name in names
            ]
        }

    gateway = Endpoints(cast("Any", PagingClient(page("a", "b"), page(), page("c"))))

    seen = EndpointSummary("InService", NOW)
    assert gateway.summaries() == {"a": seen, "b": seen, "c": seen}


def test_a_group_that_cannot_be_listed_is_not_mistaken_for_an_empty_one() -> None:
    with pytest.raises(RefusedError, match="AccessDenied"):
        failing_registry("AccessDeniedException", "…").approved_versions("churn-models")
    with pytest.raises(ClientError, match="ThrottlingException"):
        failing_registry("ThrottlingException", "Rate exceeded").approved_versions("churn-models")


def test_a_serving_config_that_cannot_be_read_is_not_mistaken_for_a_deleted_one() -> None:
    with pytest.raises(ClientError, match="ThrottlingException"):
        models_and_configs(FailingClient("ThrottlingException", "Rate exceeded")).endpoint_config("churn-v1")


def test_a_refusal_to_delete_an_endpoint_that_exists_is_told() -> None:
    with pytest.raises(RefusedError, match="Anything else"):
        failing_endpoints("ValidationException", "Anything else.").delete("churn")


def test_tags_that_only_go_are_removed_and_none_is_added() -> None:
    pipeline, made = with_a_release()
    tags = Tags(pipeline.deployer_cloud.client("sagemaker"))
    endpoint_arn = pipeline.sagemaker.create_endpoint(**made.create_endpoint)["EndpointArn"]
    tags.change(endpoint_arn, add={}, remove=frozenset({"team"}))

    left = pipeline.sagemaker.list_tags(ResourceArn=endpoint_arn)["Tags"]
    assert {each["Key"] for each in left} == {STACK_TAG, ENDPOINT_TAG}
    assert "AddTags" not in pipeline.sagemaker_calls()


# Deleting ----------------------------------------------------------------------------------------------

OURS = (STACK_TAG, "Greenlight")


def with_a_release() -> tuple[Pipeline, Release]:
    """Return a pipeline in which a release's model and config were made, and no endpoint."""
    pipeline = Pipeline()
    made = pipeline.release(pipeline.register("Approved"))
    pipeline.sagemaker.create_model(**made.create_models[0])
    pipeline.sagemaker.create_endpoint_config(**made.create_endpoint_config)
    return pipeline, made


def left(pipeline: Pipeline) -> tuple[int, int]:
    """Return how many endpoint configs and models there are."""
    return (
        len(pipeline.sagemaker.list_endpoint_configs()["EndpointConfigs"]),
        len(pipeline.sagemaker.list_models()["Models"]),
    )


def test_what_carries_the_owners_tag_is_deleted() -> None:
    pipeline, made = with_a_release()
    gateway = of_deployer(pipeline)

    assert gateway.delete_endpoint_config(made.endpoint_config_name, owner=OURS)
    assert gateway.delete_model(made.model_name, owner=OURS)
    assert left(pipeline) == (0, 0)


@pytest.mark.parametrize("owner", [(STACK_TAG, "Another"), ("another:stack", "Greenlight")])
def test_what_carries_another_owners_tag_is_left_alone(owner: Tag) -> None:
    pipeline, made = with_a_release()
    gateway = of_deployer(pipeline)

    assert not gateway.delete_endpoint_config(made.endpoint_config_name, owner=owner)
    assert not gateway.delete_model(made.model_name, owner=owner)
    assert left(pipeline) == (1, 1)


def test_the_owners_tag_is_found_on_any_page() -> None:
    found: dict[str, Any] = {"ModelArn": "arn", "EndpointConfigArn": "arn", "Tags": []}
    tagged = {**found, "Tags": [{"Key": OURS[0], "Value": OURS[1]}]}
    gateway = models_and_configs(PagingClient(found, tagged))

    assert gateway.delete_endpoint_config("churn-v1", owner=OURS)
    assert gateway.delete_model("churn-v1", owner=OURS)


def test_what_somebody_else_deletes_in_between_is_deleted() -> None:
    pipeline, made = with_a_release()
    gateway = of_deployer(pipeline)

    def delete_first(_service: str, operation: str) -> None:
        if operation == "DeleteEndpointConfig":
            pipeline.sagemaker.delete_endpoint_config(EndpointConfigName=made.endpoint_config_name)
        if operation == "DeleteModel":
            pipeline.sagemaker.delete_model(ModelName=made.model_name)

    pipeline.deployer_cloud.before_call = delete_first

    assert gateway.delete_endpoint_config(made.endpoint_config_name, owner=OURS)
    assert gateway.delete_model(made.model_name, owner=OURS)
    assert left(pipeline) == (0, 0)


def test_what_is_gone_is_deleted_also_if_iam_knows_no_tag_of_it_any_more() -> None:
    pipeline, made = with_a_release()
    gateway = of_deployer(pipeline)

    def gone(_service: str, operation: str) -> None:
        if operation == "DeleteEndpointConfig":
            pipeline.sagemaker.delete_endpoint_config(EndpointConfigName=made.endpoint_config_name)
        if operation == "DeleteModel":
            pipeline.sagemaker.delete_model(ModelName=made.model_name)
        if operation.startswith("Delete"):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "…"}}, operation)

    pipeline.deployer_cloud.before_call = gone

    assert gateway.delete_endpoint_config(made.endpoint_config_name, owner=OURS)
    assert gateway.delete_model(made.model_name, owner=OURS)
    Endpoints(pipeline.deployer_cloud.client("sagemaker")).delete("never")


@pytest.mark.parametrize(("failing", "error"), [("Describe", ClientError), ("Delete", RefusedError)])
def test_a_deletion_that_fails_is_not_taken_for_done(failing: str, error: type[Exception]) -> None:
    pipeline, made = with_a_release()
    gateway = of_deployer(pipeline)

    def deny(_service: str, operation: str) -> None:
        if operation.startswith(failing):
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "…"}}, operation)

    pipeline.deployer_cloud.before_call = deny

    with pytest.raises(error, match="AccessDenied"):
        gateway.delete_endpoint_config(made.endpoint_config_name, owner=OURS)
    with pytest.raises(error, match="AccessDenied"):
        gateway.delete_model(made.model_name, owner=OURS)
    assert left(pipeline) == (1, 1)


# Settings ----------------------------------------------------------------------------------------------


OTHERS_GROUP = "arn:aws:sagemaker:eu-central-1:444455556666:model-package-group/Churn-Models"


def deployed_settings() -> dict[str, bytes]:
    return settings_files(
        settings_document(EndpointName=name, ModelPackageGroupName=group)
        for name, group in [("b", "churn-models"), ("a", OTHERS_GROUP), ("c", "others")]
    )


def test_who_follows_a_group_is_in_the_index_and_nothing_else_is_read() -> None:
    files, read = deployed_settings(), list[str]()

    def read_file(path: str) -> bytes:
        read.append(path)
        return files[path]

    settings = SettingsFiles(read_file)

    assert settings.followers("CHURN-Models") == ["a", "b"]
    assert settings.followers("nobody") == []
    assert [*settings.digests] == ["a", "b", "c"]
    assert settings.read("missing") is None
    assert read == ["index.json"]
    found = settings.read("a")
    assert found is not None
    assert found.model_package_group == OTHERS_GROUP
    assert read == ["index.json", "endpoints/a.json"]


def test_a_settings_file_that_was_not_deployed_is_refused_by_its_name() -> None:
    files = deployed_settings()
    files["endpoints/a.json"] = files["endpoints/b.json"]

    with pytest.raises(DamagedSettingsError, match=r"endpoints/a\.json .* Deploy the stack again"):
        SettingsFiles(files.__getitem__).read("a")


def test_settings_are_read_below_a_directory(tmp_path: Path) -> None:
    for path, content in deployed_settings().items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)

    found = SettingsFiles.below(tmp_path).read("c")
    assert found is not None
    assert found.endpoint_name == "c"


class RefusingBus:
    """Takes the call and refuses the entry, as PutEvents does."""

    def put_events(self, **_: object) -> dict[str, Any]:
        return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "…"}]}


def test_an_outcome_that_eventbridge_refuses_is_not_taken_for_delivered() -> None:
    telling = Telling(headline="It happened.", thread="churn/1", page="operations.md#outcomes")
    outcome = Outcome("churn/1/started", OutcomeKind.STARTED, "churn", "…", "e", NOW, {}, telling)
    client = cast("Any", RefusingBus())
    bus = Bus(client, event_bus_name="default", sweep_bus_name="parts", stack_name="Greenlight")

    with pytest.raises(UndeliveredError, match=r"EventBridge rejected 1 of 1 events .*: ThrottlingException"):
        bus.put(outcome)
