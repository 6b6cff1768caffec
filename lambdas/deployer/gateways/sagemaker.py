"""The only caller of SageMaker. Narrows its errors, and lets no boto dictionary out."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from botocore.exceptions import ClientError

from deployer.decisions.endpoint_changes import Shape
from deployer.gateways.likeness import ENDPOINT_CONFIG, MODEL, differences
from deployer.gateways.newer_members import known_members
from deployer.gateways.refusals import Cause, Refusal, UpkeepRefusedError, upkeep_refusals
from deployer.model.endpoint import Endpoint, Sighting
from deployer.model.excerpts import excerpt
from deployer.model.identity import Identity
from deployer.model.life_cycle import LifeCycle
from deployer.model.release import ENDPOINT_TAG, STACK_TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_sagemaker import SageMakerClient


Tag: TypeAlias = tuple[str, str]
"""A tag's key and value."""


class RefusedError(Exception):
    """SageMaker refused a request for good: the same request would be refused again."""


class BusyError(Exception):
    """SageMaker refused a change because another one is under way, or has just been made."""


class UnreadableError(RefusedError):
    """The registry does not let the deployer read a version."""


class NotVisibleYetError(Exception):
    """SageMaker does not see what is there already: documented eventual consistency, cured by a retry."""


class ThrottledError(Exception):
    """SageMaker takes no more writes at the moment, botocore's repetitions included; nothing happened."""


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a model package group, as the registry has it now.

    Attributes:
        arn: Its ARN.
        group_name: Its group; never derived from the ARN, which is lower-cased.
        version: Its number.
        status: `Completed` once it can be used.
        approval_status: `Approved`, `Rejected` or `PendingManualApproval`.
        registered_by: Who registered it.
        last_modified_by: Who changed it last.
        last_modified_time: When; UTC, whole seconds.
        content_types: What its containers take, the usual one first.
        sample_payload_url: Where an archive of payloads to try it with is; None if it has none.
        instance_types: Inference specification's name, or None for the version's own, to the instance types
            that it lists as supported for endpoints; only those that list some.
        life_cycle: Where it stands in the registry's own life cycle, if anywhere.
        metadata: Its customer metadata properties.
        containers: By inference specification, as above, what it is made of.
    """

    arn: str
    group_name: str
    version: int
    status: str
    approval_status: str
    registered_by: Identity
    last_modified_by: Identity
    last_modified_time: datetime
    content_types: tuple[str, ...] = ()
    sample_payload_url: str | None = None
    instance_types: dict[str | None, tuple[str, ...]] = field(default_factory=dict)
    life_cycle: LifeCycle | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    containers: dict[str | None, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def deployable(self) -> bool:
        """Whether it may be deployed now: approved, and past its own creation."""
        return self.approval_status == "Approved" and self.status == "Completed"


_NOT_FOUND_ENDPOINT: Final = "Could not find endpoint "
_NOT_FOUND_CONFIG: Final = "Could not find endpoint configuration "
_NOT_FOUND_MODEL: Final = "Could not find model "
_NOT_FOUND_IN_REGISTRY: Final = "does not exist"
_ALREADY_EXISTS: Final = "Cannot create already existing "
_BUSY: Final = "Cannot update in-progress endpoint "

_MOST_SHOWN: Final = 5
"""Differences that a message names. The resource may have any number of them."""

_THROTTLED: Final = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException"})

_REFUSALS: Final = frozenset(
    {"ValidationException", "ResourceLimitExceeded", "ResourceInUse", "ResourceNotFound"}
)
"""Codes that a retry of the same request does not cure. Service faults stay botocore's and Lambda's."""


class SageMaker:
    """SageMaker, as the deployer uses it. Message prefixes: see the error catalogue in docs/fidelity.md."""

    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def describe_endpoint(self, endpoint_name: str) -> Endpoint | None:
        """Return the endpoint, or None if there is none."""
        try:
            answer: Mapping[str, Any] = self._client.describe_endpoint(EndpointName=endpoint_name)
        except ClientError as error:
            # "Could not find endpoint configuration" shares the prefix, and means something else.
            if _is(error, _NOT_FOUND_ENDPOINT) and not _is(error, _NOT_FOUND_CONFIG):
                return None
            raise
        pending = answer.get("PendingDeploymentSummary")
        return Endpoint(
            name=answer["EndpointName"],
            arn=answer["EndpointArn"],
            status=answer["EndpointStatus"],
            endpoint_config_name=answer.get("EndpointConfigName"),
            pending_endpoint_config_name=pending["EndpointConfigName"] if pending else None,
            # Seen with a space before it (bentoml/aws-sagemaker-deploy #2).
            failure_reason=excerpt((answer.get("FailureReason") or "").strip()) or None,
            last_modified_time=answer["LastModifiedTime"].astimezone(UTC),
            variant_names=tuple(each["VariantName"] for each in answer.get("ProductionVariants", ())),
        )

    def describe_model_version(self, version_arn: str) -> ModelVersion | None:
        """Return the version, or None if it was deleted or is no version of a group."""
        try:
            # Without the card's content: for that, SageMaker asks for kms:Decrypt (botocore: IncludedData).
            answer: Mapping[str, Any] = self._client.describe_model_package(
                ModelPackageName=version_arn, IncludedData="MetadataOnly"
            )
        except ClientError as error:
            if _is_missing_from_registry(error):
                return None
            raise
        group, version = answer.get("ModelPackageGroupName"), answer.get("ModelPackageVersion")
        if group is None or version is None:
            return None
        modified = answer.get("LastModifiedTime", answer["CreationTime"])
        return ModelVersion(
            arn=answer["ModelPackageArn"],
            group_name=group,
            version=version,
            status=answer["ModelPackageStatus"],
            approval_status=answer.get("ModelApprovalStatus", "PendingManualApproval"),
            registered_by=_identity(answer.get("CreatedBy") or {}),
            last_modified_by=_identity(answer.get("LastModifiedBy") or answer.get("CreatedBy") or {}),
            last_modified_time=modified.astimezone(UTC).replace(microsecond=0),
            content_types=tuple(
                (answer.get("InferenceSpecification") or {}).get("SupportedContentTypes") or ()
            ),
            sample_payload_url=answer.get("SamplePayloadUrl"),
            life_cycle=LifeCycle.parse(answer.get("ModelLifeCycle")),
            metadata=dict(answer.get("CustomerMetadataProperties") or {}),
            containers={
                name: [*specification.get("Containers", ())]
                for name, specification in _specifications(answer).items()
            },
            instance_types=_instance_types(answer),
        )

    def approved_versions(self, model_package_group: str) -> list[tuple[str, LifeCycle | None]]:
        """Return the group's approved, complete versions, newest registration first; none without a group.

        Each comes with where it stands in its life cycle.

        Args:
            model_package_group: The group's name or, in another account, its ARN.
        """
        # A page may be short or empty and still have a next one. Paged by hand: botocore's paginator data is
        # not worth its load time at every cold start.
        versions: list[tuple[str, LifeCycle | None]] = []
        token: dict[str, Any] = {}
        while True:
            try:
                page = self._client.list_model_packages(
                    ModelPackageGroupName=model_package_group,
                    ModelApprovalStatus="Approved",
                    SortBy="CreationTime",
                    SortOrder="Descending",
                    MaxResults=100,
                    **token,
                )
            except ClientError as error:
                # Settings may be deployed before anybody registers a version.
                if _is_missing_from_registry(error):
                    return []
                raise
            versions.extend(
                (summary["ModelPackageArn"], LifeCycle.parse(summary.get("ModelLifeCycle")))
                for summary in page["ModelPackageSummaryList"]
                if summary["ModelPackageStatus"] == "Completed"
            )
            if "NextToken" not in page:
                return versions
            token = {"NextToken": page["NextToken"]}

    def sight_endpoints(self) -> dict[str, Sighting]:
        """Return every endpoint of the account and region by its name, a hundred with each call."""
        sightings: dict[str, Sighting] = {}
        token: dict[str, Any] = {}
        while True:
            page = self._client.list_endpoints(MaxResults=100, **token)
            for summary in page["Endpoints"]:
                sightings[summary["EndpointName"]] = Sighting(
                    summary["EndpointStatus"], summary["LastModifiedTime"].astimezone(UTC)
                )
            if "NextToken" not in page:
                return sightings
            token = {"NextToken": page["NextToken"]}

    def create_model(self, request: dict[str, Any], *, may_exist: bool = False) -> None:
        """Create the model, or accept the one that an earlier try made.

        Args:
            request: botocore's `CreateModel` arguments.
            may_exist: Whether to look first: a write that is refused counts as one where writes are scarce.

        Raises:
            RefusedError: The request is refused.
            ThrottledError: SageMaker takes no more writes at the moment, as from every other write.
            UpkeepRefusedError: The name is taken by a model that somebody else made.
        """
        if not (may_exist and self.has_model(request)):
            try:
                with _narrowed():
                    self._client.create_model(**request)
            except BusyError as error:
                if not self.has_model(request):
                    raise NotVisibleYetError(str(error)) from error

    def create_endpoint_config(self, request: dict[str, Any], *, may_exist: bool = False) -> None:
        """Create the endpoint config, or accept the one that an earlier try made.

        Args:
            request: botocore's `CreateEndpointConfig` arguments.
            may_exist: Whether to look first, as for a model.

        Raises:
            RefusedError: The request is refused.
            UpkeepRefusedError: The name is taken by a config that somebody else made.
        """
        needs = frozenset(
            each["ModelName"]
            for variants in ("ProductionVariants", "ShadowProductionVariants")
            for each in request.get(variants, ())
        )
        if not (may_exist and self.has_endpoint_config(request)):
            try:
                with _narrowed(needs=needs):
                    self._client.create_endpoint_config(**request)
            except BusyError as error:
                if not self.has_endpoint_config(request):
                    raise NotVisibleYetError(str(error)) from error

    def has_model(self, request: dict[str, Any]) -> bool:
        """Tell whether the model that a request asks for is there.

        Raises:
            UpkeepRefusedError: The name is taken by a model that somebody else made.
        """
        name = request["ModelName"]
        found = self._describe_model(name)
        if found is None:
            return False
        wanted = known_members(self._client, "CreateModel", request)
        different = differences(found, wanted, MODEL)
        if different:
            different = differences(found, wanted, MODEL, self._brought(wanted))
        different += self._tags_lacking(found["ModelArn"], request)
        if different:
            raise _name_taken(f"Model {name}", different)
        return True

    def has_endpoint_config(self, request: dict[str, Any]) -> bool:
        """Tell whether the endpoint config that a request asks for is there.

        Raises:
            UpkeepRefusedError: The name is taken by a config that somebody else made.
        """
        name = request["EndpointConfigName"]
        found = self._describe_config(name)
        if found is None:
            return False
        wanted = known_members(self._client, "CreateEndpointConfig", request)
        different = differences(found, wanted, ENDPOINT_CONFIG)
        different += self._tags_lacking(found["EndpointConfigArn"], request)
        if different:
            raise _name_taken(f"Endpoint config {name}", different)
        return True

    def _brought(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the containers of the version that a model is made of; none if the registry hides it."""
        container = request["Containers"][0]
        try:
            with unreadable_told():
                version = self.describe_model_version(container["ModelPackageName"])
        except UnreadableError:
            return []
        if version is None:
            return []
        return version.containers.get(container.get("InferenceSpecificationName"), [])

    def _tags_lacking(self, arn: str, request: Mapping[str, Any]) -> list[str]:
        """Name the stack's and the endpoint's tag if a resource does not carry it."""
        tags = sorted((each["Key"], each["Value"]) for each in request["Tags"])
        return [
            f"tag {key}={value} is missing"
            for key, value in tags
            if key in {STACK_TAG, ENDPOINT_TAG} and not self._carries(arn, (key, value))
        ]

    def create_endpoint(self, request: dict[str, Any]) -> None:
        """Create the endpoint.

        Raises:
            BusyError: It exists already.
            RefusedError: The request is refused.
        """
        with _narrowed(needs=frozenset({request["EndpointConfigName"]})):
            self._client.create_endpoint(**request)

    def update_endpoint(self, request: dict[str, Any]) -> None:
        """Update the endpoint.

        Raises:
            BusyError: Another change of it is under way.
            RefusedError: The request is refused.
        """
        with _narrowed(needs=frozenset({request["EndpointConfigName"]})):
            self._client.update_endpoint(**request)

    def production_variants(self, endpoint_config_name: str) -> list[dict[str, Any]] | None:
        """Return a config's `ProductionVariants`, or None if it was deleted."""
        found = self._describe_config(endpoint_config_name)
        return None if found is None else [{**variant} for variant in found["ProductionVariants"]]

    def config_shape(self, endpoint_config_name: str) -> Shape | None:
        """Return the shape of an endpoint config, or None if it was deleted."""
        found = self._describe_config(endpoint_config_name)
        return None if found is None else Shape.of(found)

    def config_made_at(self, endpoint_config_name: str) -> datetime | None:
        """Return when an endpoint config was created, by SageMaker's clock; None if there is none."""
        found = self._describe_config(endpoint_config_name)
        return None if found is None else _made_at(found)

    def model_made_at(self, model_name: str) -> datetime | None:
        """Return when a model was created, by SageMaker's clock; None if there is none."""
        found = self._describe_model(model_name)
        return None if found is None else _made_at(found)

    def _describe_config(self, endpoint_config_name: str) -> Mapping[str, Any] | None:
        try:
            return self._client.describe_endpoint_config(EndpointConfigName=endpoint_config_name)
        except ClientError as error:
            if _is(error, _NOT_FOUND_CONFIG):
                return None
            raise

    def names_in_use(self, endpoint_name: str) -> frozenset[str] | None:
        """Return the configs that an endpoint serves, leaves or is brought to, and the models that they name.

        Returns:
            None if that cannot be told: a config was deleted or may not be read, or SageMaker does not say
            what the endpoint is brought to.
        """
        endpoint = self.describe_endpoint(endpoint_name)
        if endpoint is None:
            return frozenset()
        configs = {endpoint.endpoint_config_name, endpoint.pending_endpoint_config_name} - {None}
        if not configs or (endpoint.modifying and endpoint.pending_endpoint_config_name is None):
            return None
        names: set[str] = set()
        for config_name in sorted(filter(None, configs)):
            models = self._models_of(config_name)
            if models is None:
                return None
            names |= {config_name, *models}
        return frozenset(names)

    def _models_of(self, endpoint_config_name: str) -> set[str] | None:
        try:
            answer: Mapping[str, Any] = self._client.describe_endpoint_config(
                EndpointConfigName=endpoint_config_name
            )
        except ClientError as error:
            if _is(error, _NOT_FOUND_CONFIG) or _code(error) == "AccessDeniedException":
                return None
            raise
        return {
            each["ModelName"]
            for variants in ("ProductionVariants", "ShadowProductionVariants")
            for each in answer.get(variants, ())
            if "ModelName" in each
        }

    def delete_endpoint(self, endpoint_name: str) -> None:
        """Delete an endpoint; one that is gone is left alone.

        Raises:
            BusyError: A change of it is under way.
            RefusedError: The request is refused.
        """
        try:
            with _narrowed(), _denied_as_gone(lambda: self.describe_endpoint(endpoint_name) is None):
                self._client.delete_endpoint(EndpointName=endpoint_name)
        except RefusedError as error:
            if _NOT_FOUND_ENDPOINT not in str(error):
                raise

    def delete_endpoint_config(self, endpoint_config_name: str, *, owner: Tag) -> bool:
        """Delete an endpoint config if it carries the owner's tag; return False if it is somebody else's."""
        arn = self._endpoint_config_arn(endpoint_config_name)
        if arn is not None and not self._carries(arn, owner):
            return False
        if arn is not None:
            with (
                _throttling_told(),
                _already_gone(_NOT_FOUND_CONFIG),
                _denied_as_gone(lambda: self._endpoint_config_arn(endpoint_config_name) is None),
            ):
                self._client.delete_endpoint_config(EndpointConfigName=endpoint_config_name)
        return True

    def _endpoint_config_arn(self, endpoint_config_name: str) -> str | None:
        """Return an endpoint config's ARN, or None if there is none."""
        found = self._describe_config(endpoint_config_name)
        return None if found is None else str(found["EndpointConfigArn"])

    def delete_model(self, model_name: str, *, owner: Tag) -> bool:
        """Delete a model if it carries the owner's tag; return False if it is somebody else's."""
        arn = self._model_arn(model_name)
        if arn is not None and not self._carries(arn, owner):
            return False
        if arn is not None:
            with (
                _throttling_told(),
                _already_gone(_NOT_FOUND_MODEL),
                _denied_as_gone(lambda: self._model_arn(model_name) is None),
            ):
                self._client.delete_model(ModelName=model_name)
        return True

    def _model_arn(self, model_name: str) -> str | None:
        """Return a model's ARN, or None if there is none."""
        found = self._describe_model(model_name)
        return None if found is None else str(found["ModelArn"])

    def tags(self, resource_arn: str) -> dict[str, str]:
        """Return a resource's tags."""
        tags: dict[str, str] = {}
        token: dict[str, Any] = {}
        while True:
            page = self._client.list_tags(ResourceArn=resource_arn, **token)
            tags |= {each["Key"]: each["Value"] for each in page["Tags"]}
            if "NextToken" not in page:
                return tags
            token = {"NextToken": page["NextToken"]}

    def _carries(self, resource_arn: str, tag: Tag) -> bool:
        return tag in self.tags(resource_arn).items()

    def put_metadata(self, version_arn: str, properties: Mapping[str, str]) -> None:
        """Add customer metadata properties to a version, overwriting those of the same keys.

        Raises:
            RefusedError: The registry's account does not permit it, or the version takes no more of them.
        """
        with registry_refusals():
            self._client.update_model_package(
                ModelPackageArn=version_arn, CustomerMetadataProperties=dict(properties)
            )

    def put_life_cycle(
        self, version_arn: str, life_cycle: LifeCycle, description: str, properties: Mapping[str, str]
    ) -> None:
        """Set where a version stands in the registry's own life cycle, and what is to be seen beside it.

        Raises:
            RefusedError: The registry's account does not permit it, or the version is being changed, or takes
                no more customer metadata.
        """
        with registry_refusals():
            self._client.update_model_package(
                ModelPackageArn=version_arn,
                CustomerMetadataProperties=dict(properties),
                ModelLifeCycle={
                    "Stage": life_cycle.stage,
                    "StageStatus": life_cycle.stage_status,
                    "StageDescription": description,
                },
            )

    def tag(self, resource_arn: str, *, add: Mapping[str, str], remove: frozenset[str]) -> None:
        """Add tags to a resource, overwriting those of the same keys, and remove others.

        Raises:
            UpkeepRefusedError: SageMaker refuses some.
        """
        with upkeep_refusals(
            f"The tags of {resource_arn} are not as its settings say",
            remedy="Change `tags` in its YAML, or what is in the way.",
        ):
            if remove:
                self._client.delete_tags(ResourceArn=resource_arn, TagKeys=sorted(remove))
            if add:
                self._client.add_tags(
                    ResourceArn=resource_arn,
                    Tags=[{"Key": key, "Value": value} for key, value in add.items()],
                )

    def _describe_model(self, model_name: str) -> dict[str, Any] | None:
        """Return the model with its containers as a list, or None if there is none.

        Whether SageMaker answers a list of one as `Containers` or as `PrimaryContainer` is not documented.
        """
        try:
            answer: dict[str, Any] = {**self._client.describe_model(ModelName=model_name)}
        except ClientError as error:
            if _is(error, _NOT_FOUND_MODEL):
                return None
            raise
        if primary := answer.pop("PrimaryContainer", None):
            answer["Containers"] = [primary]
        return answer


@contextmanager
def _narrowed(*, needs: frozenset[str] = frozenset()) -> Iterator[None]:
    """Turn SageMaker's refusals of a write into the deployer's errors.

    Args:
        needs: The names of what the request is built upon, which was created a moment ago.
    """
    try:
        with _throttling_told():
            yield
    except ClientError as error:
        if _is(error, _ALREADY_EXISTS) or _is(error, _BUSY):
            raise BusyError(excerpt(_message(error))) from error
        missing = _is(error, _NOT_FOUND_CONFIG) or _is(error, _NOT_FOUND_MODEL)
        if missing and any(each.lower() in _message(error).lower() for each in needs):
            raise NotVisibleYetError(_message(error)) from error
        if _code(error) in _REFUSALS or _is_denied_elsewhere(error):
            raise RefusedError(_told(error)) from error
        raise


@contextmanager
def _throttling_told() -> Iterator[None]:
    """Tell a write that was throttled from one that failed."""
    try:
        yield
    except ClientError as error:
        if _code(error) in _THROTTLED:
            raise ThrottledError(_message(error)) from error
        raise


@contextmanager
def _already_gone(not_found: str) -> Iterator[None]:
    """Take what is not there for what it is: nothing left to do with it."""
    try:
        yield
    except ClientError as error:
        if not _is(error, not_found):
            raise


@contextmanager
def _denied_as_gone(is_gone: Callable[[], bool]) -> Iterator[None]:
    """Take a deletion that is denied for done if what was to be deleted is gone.

    IAM answers before SageMaker does, and what is gone has no tag by which the role may delete it.
    """
    try:
        yield
    except ClientError as error:
        if _code(error) != "AccessDeniedException" or not is_gone():
            raise


@contextmanager
def registry_refusals() -> Iterator[None]:
    """Turn the registry's refusals into the deployer's error."""
    try:
        yield
    except ClientError as error:
        if _code(error) in {"ValidationException", "AccessDeniedException", "ConflictException"}:
            raise RefusedError(_told(error)) from error
        raise


@contextmanager
def unreadable_told() -> Iterator[None]:
    """Tell a version that may not be read, by its account's policy or its model card's key, from a fault."""
    try:
        yield
    except ClientError as error:
        if _code(error) == "AccessDeniedException":
            raise UnreadableError(_told(error)) from error
        raise


def _specifications(package: Mapping[str, Any]) -> dict[str | None, Mapping[str, Any]]:
    return {
        None: package.get("InferenceSpecification") or {},
        **{each["Name"]: each for each in package.get("AdditionalInferenceSpecifications") or ()},
    }


def _name_taken(what: str, different: list[str]) -> UpkeepRefusedError:
    shown = different if len(different) <= _MOST_SHOWN else [*different[:_MOST_SHOWN], "and more"]
    message = (
        f"{what} exists already, and not as this deployer makes it: {excerpt('; '.join(shown))}. "
        "Somebody else may have made it, so it is not used. Delete it: the next sweep makes it again."
    )
    return UpkeepRefusedError(message, Refusal(Cause.CONTENT, message))


def _instance_types(package: Mapping[str, Any]) -> dict[str | None, tuple[str, ...]]:
    return {
        name: tuple(listed)
        for name, specification in _specifications(package).items()
        if (listed := specification.get("SupportedRealtimeInferenceInstanceTypes"))
    }


def _made_at(resource: Mapping[str, Any]) -> datetime:
    made_at: datetime = resource["CreationTime"]
    return made_at.astimezone(UTC)


def _identity(user: Mapping[str, Any]) -> Identity:
    return Identity(user.get("UserProfileArn"), (user.get("IamIdentity") or {}).get("Arn"))


def _is(error: ClientError, prefix: str) -> bool:
    return _code(error) == "ValidationException" and _message(error).startswith(prefix)


def _is_missing_from_registry(error: ClientError) -> bool:
    """Tell whether the registry has no such version or group.

    Seen: a ValidationException that ends so, of Describe calls. What ListModelPackages answers for a group
    that is not there is not known: ResourceNotFound and another spelling mean the same.
    """
    missing = _NOT_FOUND_IN_REGISTRY in _message(error).lower()
    return _code(error) == "ResourceNotFound" or (_code(error) == "ValidationException" and missing)


def _is_denied_elsewhere(error: ClientError) -> bool:
    """Tell whether IAM denies what a request needs of a key or of the models' role, not the request itself.

    Sources: botocore, CreateEndpointConfig (KmsKeyId: the caller's kms:CreateGrant) and CreateModel (the
    caller's iam:PassRole).
    """
    needed = any(each in _message(error) for each in (" kms:", " iam:PassRole"))
    return _code(error) == "AccessDeniedException" and needed


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]


def _message(error: ClientError) -> str:
    return error.response["Error"]["Message"]


def _told(error: ClientError) -> str:
    """Return the text to report for a refusal. It is cut, as it can quote what others wrote."""
    return excerpt(f"{_code(error)}: {_message(error)}")
