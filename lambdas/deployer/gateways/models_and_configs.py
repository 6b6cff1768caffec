"""Calls SageMaker for models and endpoint configs: creates, compares, describes and deletes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from botocore.exceptions import ClientError

from deployer.contract import ENDPOINT_TAG, STACK_TAG
from deployer.gateways.likeness import ENDPOINT_CONFIG, MODEL, differences
from deployer.gateways.newer_members import known_members
from deployer.gateways.refusals import Refusal, UpkeepRefusedError
from deployer.gateways.sagemaker_errors import (
    NOT_FOUND_CONFIG,
    NOT_FOUND_MODEL,
    BusyError,
    NotVisibleYetError,
    already_gone,
    denied_as_gone,
    error_code,
    is_error,
    narrowed,
)
from deployer.model.adopted import ShownConfig
from deployer.model.cause import Cause
from deployer.model.endpoint_config import EndpointConfig
from deployer.model.excerpts import excerpt
from deployer.model.model_version import ModelVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_sagemaker import SageMakerClient

    from deployer.gateways.model_registry import ModelRegistry
    from deployer.gateways.tags import Tags
    from deployer.model.endpoint import Endpoint

Tag: TypeAlias = tuple[str, str]
"""A tag's key and value."""

_MOST_SHOWN: Final = 5
"""The most differences that a message names."""


class ModelsAndConfigs:
    """Models and endpoint configs of one account and region.

    Args:
        client: SageMaker's.
        registry: Shows the containers of the version that a model is made of.
        tags: Shows the tags by which the deployer knows its own resources.
    """

    def __init__(self, client: SageMakerClient, registry: ModelRegistry, tags: Tags) -> None:
        self._client = client
        self._registry = registry
        self._tags = tags

    def create_model(self, request: dict[str, Any], *, may_exist: bool = False) -> None:
        """Create the model, or accept the one that an earlier try made.

        Args:
            request: botocore's `CreateModel` arguments.
            may_exist: Whether to look before writing. Under throttling, a refused write also counts.

        Raises:
            RefusedError: The request is refused.
            ThrottledError: SageMaker takes no more writes at the moment. Every write can raise this.
            UpkeepRefusedError: The name is taken by a model that somebody else made.
        """
        if not (may_exist and self.has_model(request)):
            try:
                with narrowed():
                    self._client.create_model(**request)
            except BusyError as error:
                if not self.has_model(request):
                    raise NotVisibleYetError(str(error)) from error

    def create_endpoint_config(
        self, request: dict[str, Any], *, may_exist: bool = False, models_are_new: bool = True
    ) -> None:
        """Create the endpoint config, or accept the one that an earlier try made.

        Args:
            request: botocore's `CreateEndpointConfig` arguments.
            may_exist: Whether to look before writing, as for a model.
            models_are_new: Whether a model that SageMaker does not find may just not be visible yet.

        Raises:
            RefusedError: The request is refused.
            UpkeepRefusedError: The name is taken by a config that somebody else made.
        """
        needs = frozenset(
            each["ModelName"]
            for variants in ("ProductionVariants", "ShadowProductionVariants")
            for each in request.get(variants, ())
            if models_are_new
        )
        if not (may_exist and self.has_endpoint_config(request)):
            try:
                with narrowed(needs=needs):
                    self._client.create_endpoint_config(**request)
            except BusyError as error:
                if not self.has_endpoint_config(request):
                    raise NotVisibleYetError(str(error)) from error

    def has_model(self, request: dict[str, Any]) -> bool:
        """Tell whether the requested model exists.

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
        """Tell whether the requested endpoint config exists.

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
        version = self._registry.describe_version(container["ModelPackageName"])
        if not isinstance(version, ModelVersion):
            return []
        return version.containers.get(container.get("InferenceSpecificationName"), [])

    def _tags_lacking(self, arn: str, request: Mapping[str, Any]) -> list[str]:
        """Describe which of the stack's and the endpoint's tags a resource lacks."""
        tags = sorted((each["Key"], each["Value"]) for each in request["Tags"])
        return [
            f"tag {key}={value} is missing"
            for key, value in tags
            if key in {STACK_TAG, ENDPOINT_TAG} and (key, value) not in self._tags.read(arn).items()
        ]

    def endpoint_config(self, endpoint_config_name: str) -> EndpointConfig | None:
        """Return an endpoint config, or None if it was deleted."""
        found = self._describe_config(endpoint_config_name)
        return None if found is None else EndpointConfig.of(found)

    def model_created_at(self, model_name: str) -> datetime | None:
        """Return when a model was created, by SageMaker's clock; None if there is none."""
        found = self._describe_model(model_name)
        if found is None:
            return None
        created_at: datetime = found["CreationTime"]
        return created_at.astimezone(UTC)

    def versions_on(self, endpoint_config_name: str, *, may_skip: bool = True) -> list[tuple[str, datetime]]:
        """Return the ARNs of the versions that a config serves; beside each, when its model was made.

        Args:
            endpoint_config_name: The config's name.
            may_skip: Whether to leave out what may not be read. Otherwise a denial raises botocore's error.
        """
        found: list[tuple[str, datetime]] = []
        try:
            config = self._describe_config(endpoint_config_name) or {}
            for variant in config.get("ProductionVariants", ()):
                model = self._describe_model(variant["ModelName"]) if "ModelName" in variant else None
                containers = (model or {}).get("Containers", ())
                arns = [each["ModelPackageName"] for each in containers if "ModelPackageName" in each]
                found += [(arn, model["CreationTime"].astimezone(UTC)) for arn in arns if model]
        except ClientError as error:
            if not may_skip or error_code(error) != "AccessDeniedException":
                raise
        return found

    def shown(self, endpoint_config_name: str) -> ShownConfig | None:
        """Return a config with its models; None if it was deleted, or something may not be read."""
        try:
            config = self._describe_config(endpoint_config_name)
            names = {
                each["ModelName"]
                for each in (config or {}).get("ProductionVariants", ())
                if "ModelName" in each
            }
            models = {name: self._describe_model(name) for name in sorted(names)}
        except ClientError as error:
            if error_code(error) != "AccessDeniedException":
                raise
            return None
        return ShownConfig(config, {name: each for name, each in models.items() if each}) if config else None

    def delete_endpoint_config(self, endpoint_config_name: str, *, owner: Tag) -> bool:
        """Delete an endpoint config if it carries the owner's tag; otherwise return False.

        Raises:
            RefusedError: The deletion is refused.
        """
        found = self._describe_config(endpoint_config_name)
        arn = None if found is None else str(found["EndpointConfigArn"])
        if arn is not None and owner not in self._tags.read(arn).items():
            return False
        if arn is not None:
            with (
                narrowed(),
                already_gone(NOT_FOUND_CONFIG),
                denied_as_gone(lambda: self._describe_config(endpoint_config_name) is None),
            ):
                self._client.delete_endpoint_config(EndpointConfigName=endpoint_config_name)
        return True

    def delete_model(self, model_name: str, *, owner: Tag) -> bool:
        """Delete a model if it carries the owner's tag; otherwise return False.

        Raises:
            RefusedError: The deletion is refused.
        """
        found = self._describe_model(model_name)
        arn = None if found is None else str(found["ModelArn"])
        if arn is not None and owner not in self._tags.read(arn).items():
            return False
        if arn is not None:
            with (
                narrowed(),
                already_gone(NOT_FOUND_MODEL),
                denied_as_gone(lambda: self._describe_model(model_name) is None),
            ):
                self._client.delete_model(ModelName=model_name)
        return True

    def _describe_config(self, endpoint_config_name: str) -> Mapping[str, Any] | None:
        try:
            return self._client.describe_endpoint_config(EndpointConfigName=endpoint_config_name)
        except ClientError as error:
            if is_error(error, NOT_FOUND_CONFIG):
                return None
            raise

    def _describe_model(self, model_name: str) -> dict[str, Any] | None:
        """Return the model with its containers as a list, or None if there is none.

        Whether SageMaker answers a list of one as `Containers` or as `PrimaryContainer` is not documented.
        """
        try:
            answer: dict[str, Any] = {**self._client.describe_model(ModelName=model_name)}
        except ClientError as error:
            if is_error(error, NOT_FOUND_MODEL):
                return None
            raise
        if primary := answer.pop("PrimaryContainer", None):
            answer["Containers"] = [primary]
        return answer


def names_in_use(resources: ModelsAndConfigs, endpoint: Endpoint | None) -> frozenset[str] | None:
    """Return the configs that an endpoint serves, leaves or changes to, and the models that they name.

    Returns:
        None if a config was deleted or may not be read, or if SageMaker does not show the new config.
    """
    if endpoint is None:
        return frozenset()
    configs = {endpoint.endpoint_config_name, endpoint.pending_endpoint_config_name} - {None}
    if not configs or (endpoint.modifying and endpoint.pending_endpoint_config_name is None):
        return None
    names: set[str] = set()
    for config_name in sorted(filter(None, configs)):
        try:
            config = resources.endpoint_config(config_name)
        except ClientError as error:
            if error_code(error) == "AccessDeniedException":
                return None
            raise
        if config is None:
            return None
        names |= {config_name, *config.model_names}
    return frozenset(names)


def is_config_gone(resources: ModelsAndConfigs, endpoint_config_name: str) -> bool:
    """Tell whether a config was deleted. One that may not be read counts as there."""
    try:
        return resources.endpoint_config(endpoint_config_name) is None
    except ClientError as error:
        if error_code(error) != "AccessDeniedException":
            raise
        return False


def _name_taken(what: str, different: list[str]) -> UpkeepRefusedError:
    shown = different if len(different) <= _MOST_SHOWN else [*different[:_MOST_SHOWN], "and more"]
    message = (
        f"{what} exists already, and not as this deployer makes it: {excerpt('; '.join(shown))}. "
        "Somebody else may have made it, so it is not used. Delete it: the next sweep makes it again."
    )
    return UpkeepRefusedError(message, Refusal(Cause.SURROUNDINGS, message))
