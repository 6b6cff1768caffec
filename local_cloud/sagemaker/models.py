"""Models: containers with an execution role, from images or from model packages.

Owns CreateModel's immediate checks (role, model data, package, approval), and turns a package into containers
to launch. A model never changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from local_cloud.sagemaker import arns, errors, resource_tags
from local_cloud.sagemaker.ports import Container
from local_cloud.sagemaker.protocol.descriptions import without_empties
from local_cloud.sagemaker.protocol.listing import page
from local_cloud.sagemaker.registry.model_packages import resolve_package
from local_cloud.sagemaker.switch_settings import (
    DescribedContainers,
    DescribedPackage,
    PackageEnvironment,
    UnapprovedPackage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from local_cloud.sagemaker.ports import Caller
    from local_cloud.sagemaker.registry.model_package import ModelPackage
    from local_cloud.sagemaker.state import Scope, State
    from local_cloud.sagemaker.switches import Switches

_ENVIRONMENT_BYTES = 32 * 1024
_BROUGHT: Final = ("Image", "ModelDataUrl", "ModelDataSource", "AdditionalModelDataSources")
"""The members that a package's container shares with a model's, apart from the environment."""

_S3_HOST: Final = re.compile(r"(?P<bucket>.+)\.s3[.-]([a-z0-9-]+\.)?amazonaws\.com(\.cn)?")
"""An S3 host that names the bucket; for other hosts the path does."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A model as it was created, with its containers resolved."""

    name: str
    arn: str
    creation_time: datetime
    sequence: int
    request: Mapping[str, Any]
    definitions: tuple[Mapping[str, Any], ...]
    """Its containers; those of packages with the packages' content."""

    containers: tuple[Container, ...]
    model_package_arns: tuple[str, ...]
    supported_instance_types: frozenset[str] | None
    """Its packages' SupportedRealtimeInferenceInstanceTypes; None if they list nothing."""

    @property
    def execution_role_arn(self) -> str | None:
        """The containers' role, unless the endpoint config has one."""
        role_arn: str | None = self.request.get("ExecutionRoleArn")
        return role_arn

    def describe(self, switches: Switches) -> dict[str, Any]:
        """Return the description for DescribeModel."""
        shown = {name: value for name, value in self.request.items() if name != "Tags"}
        shown.setdefault("EnableNetworkIsolation", False)
        is_primary = "PrimaryContainer" in shown
        definitions = [shown.pop("PrimaryContainer")] if is_primary else shown.pop("Containers")
        if switches.described_package is DescribedPackage.CONTENTS:
            definitions = self.definitions
        elif switches.described_package is DescribedPackage.ENVIRONMENT:
            definitions = [
                {**given, **{name: full[name] for name in ("Environment",) if name in full}}
                for given, full in zip(definitions, self.definitions, strict=False)
            ]
        containers = [{"Mode": "SingleModel", **each} for each in definitions]
        becomes_primary = switches.described_containers is DescribedContainers.PRIMARY or is_primary
        if len(containers) == 1 and becomes_primary:
            shown["PrimaryContainer"] = containers[0]
        else:
            shown["Containers"] = containers
        shown = without_empties(shown, switches)
        return {**shown, "ModelArn": self.arn, "CreationTime": self.creation_time}

    def summary(self) -> dict[str, Any]:
        """Return the summary for ListModels."""
        return {"ModelName": self.name, "ModelArn": self.arn, "CreationTime": self.creation_time}


def create_model(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Create a model after SageMaker's immediate checks of role, packages and model data."""
    scope = state.scope(caller)
    name = request["ModelName"]
    arn = state.arn(scope, "model", name)
    if name.lower() in scope.models:
        raise errors.already_exists("model", arn)
    definitions = _definitions(request)
    role_arn = request.get("ExecutionRoleArn")
    if role_arn is not None:
        check_role(state, scope, role_arn)
    resolved: list[Mapping[str, Any]] = []
    packages: list[ModelPackage] = []
    for definition in definitions:
        _check_environment(definition.get("Environment", {}))
        if "ModelPackageName" in definition:
            package = _deployable_package(state, caller, definition)
            packages.append(package)
            resolved.extend(_package_containers(state, package, definition))
        elif "Image" in definition:
            resolved.append(definition)
        else:
            raise errors.image_next_to_package()
    containers = [_container(each) for each in resolved]
    for container in containers:
        if container.model_data_url is not None:
            _check_model_data(state, container.model_data_url, role_arn, scope.region)
    resource_tags.put(scope, arn, request.get("Tags", ()))
    scope.models[name.lower()] = Model(
        name=name,
        arn=arn,
        creation_time=state.time,
        sequence=state.next_sequence(),
        request=request,
        definitions=tuple(resolved),
        containers=tuple(containers),
        model_package_arns=tuple(package.arn for package in packages),
        supported_instance_types=_supported_instance_types(packages, definitions),
    )
    return {"ModelArn": arn}


def describe_model(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a model."""
    return find_model(state, state.scope(caller), request["ModelName"]).describe(state.switches)


def list_models(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """List models, newest first by default."""
    return page(
        "ListModels",
        request,
        state.scope(caller).models.values(),
        descending=True,
        filtered_pages=state.switches.filtered_pages,
    ).answer("Models", Model.summary)


def delete_model(state: State, caller: Caller, request: Mapping[str, Any]) -> dict[str, Any]:
    """Delete a model, even while an endpoint runs it: AWS documents no guard."""
    scope = state.scope(caller)
    model = find_model(state, scope, request["ModelName"])
    del scope.models[model.name.lower()]
    resource_tags.forget(scope, model.arn)
    return {}


OPERATIONS = {
    "CreateModel": create_model,
    "DescribeModel": describe_model,
    "ListModels": list_models,
    "DeleteModel": delete_model,
}


def find_model(state: State, scope: Scope, name: str) -> Model:
    """Return a model by name.

    Raises:
        ServiceError: There is none.
    """
    model = state.find(scope.models, name)
    if model is None:
        raise errors.could_not_find("model", state.arn(scope, "model", name))
    return model


def check_role(state: State, scope: Scope, role_arn: str) -> None:
    """Refuse an execution role of another account, or one that SageMaker cannot assume.

    Raises:
        ServiceError: Either is the case.
    """
    if role_arn.split(":")[4] != scope.account_id:
        raise errors.cross_account_role()
    if not state.identity.can_be_assumed_by_sagemaker(role_arn):
        raise errors.invalid_execution_role(role_arn)


def refuse_unapproved_packages(state: State, model: Model, at: UnapprovedPackage) -> None:
    """Refuse a model whose package is not Approved now, if the switch puts the check here.

    A deleted package is not checked.

    Raises:
        ServiceError: A package is Rejected or PendingManualApproval.
    """
    if state.switches.unapproved_package is not at:
        return
    for package_arn in model.model_package_arns:
        arn = arns.parse(package_arn)
        assert arn is not None, package_arn
        package = state.scope_of(arn.account_id, arn.region).model_packages.get(arn.name.lower())
        if package is not None:
            _refuse_unapproved(package)


def model_data_url(definition: Mapping[str, Any]) -> str | None:
    """Return a container's model data as `s3://bucket/key`.

    It comes from ModelDataUrl, or ModelDataSource's S3 location. SageMaker also accepts an object's HTTPS
    address, with the bucket in the host's name or at the beginning of the path.
    """
    url: str | None = definition.get("ModelDataUrl")
    if url is None:
        url = definition.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri")
    if url is None or not url.startswith("https://"):
        return url
    parts = urlsplit(url, allow_fragments=False)
    found = _S3_HOST.fullmatch(parts.netloc)
    bucket = found["bucket"] if found is not None else None
    return f"s3:/{parts.path}" if bucket is None else f"s3://{bucket}{parts.path}"


def _check_model_data(state: State, url: str, role_arn: str | None, region: str) -> None:
    if role_arn is None:
        raise errors.role_needed_for_model_data()
    if state.artifacts.is_readable(url, role_arn=role_arn, region=region):
        return
    if state.artifacts.is_missing(url, role_arn=role_arn, region=region):
        raise errors.no_model_data(url)
    raise errors.unreadable_model_data(url, role_arn, region)


def _definitions(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    primary, several = request.get("PrimaryContainer"), request.get("Containers")
    if primary is not None and several:
        raise errors.validation("Specify either PrimaryContainer or Containers, not both.")
    if primary is not None:
        return [primary]
    if not several:
        raise errors.validation(
            "Specify PrimaryContainer or Containers: a model needs at least one container."
        )
    definitions: list[Mapping[str, Any]] = several
    return definitions


def _deployable_package(state: State, caller: Caller, definition: Mapping[str, Any]) -> ModelPackage:
    if any(member in definition for member in ("Image", "ModelDataUrl", "ModelDataSource")):
        raise errors.image_next_to_package()
    package = resolve_package(state, caller, definition["ModelPackageName"], "sagemaker:CreateModel")
    if package.status != "Completed":
        raise errors.incomplete_package(package.arn, package.status)
    if state.switches.unapproved_package is UnapprovedPackage.CREATE_MODEL:
        _refuse_unapproved(package)
    return package


def _refuse_unapproved(package: ModelPackage) -> None:
    if package.approval_status not in {None, "Approved"}:
        raise errors.unapproved_package(package.arn, str(package.approval_status))


def _package_containers(
    state: State, package: ModelPackage, definition: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    specification_name = definition.get("InferenceSpecificationName")
    specification = package.inference_specification(specification_name)
    if specification is None:
        missing = "InferenceSpecification" if specification_name is None else repr(specification_name)
        raise errors.validation(f"Model package {package.arn} has no inference specification {missing}.")
    if any("Image" not in container for container in specification["Containers"]):
        raise errors.validation(
            f"Model package {package.arn} has a container without Image: it cannot be deployed."
        )
    own: Mapping[str, str] = definition.get("Environment", {})
    replaces = bool(own) and state.switches.package_environment is PackageEnvironment.REPLACE
    return [
        {
            **{name: container[name] for name in _BROUGHT if name in container},
            **definition,
            "Environment": {**({} if replaces else container.get("Environment", {})), **own},
        }
        for container in specification["Containers"]
    ]


def _container(definition: Mapping[str, Any]) -> Container:
    return Container(
        image=definition["Image"],
        model_data_url=model_data_url(definition),
        environment=dict(definition.get("Environment", {})),
    )


def _supported_instance_types(
    packages: list[ModelPackage], definitions: list[Mapping[str, Any]]
) -> frozenset[str] | None:
    names = [item.get("InferenceSpecificationName") for item in definitions if "ModelPackageName" in item]
    supported: frozenset[str] | None = None
    for package, name in zip(packages, names, strict=True):
        specification = package.inference_specification(name)
        listed = specification and specification.get("SupportedRealtimeInferenceInstanceTypes")
        if listed:
            supported = frozenset(listed) if supported is None else supported & frozenset(listed)
    return supported


def _check_environment(environment: Mapping[str, str]) -> None:
    size = sum(len(key.encode()) + len(value.encode()) for key, value in environment.items())
    if size > _ENVIRONMENT_BYTES:
        raise errors.validation(
            f"The environment variables of a container cannot exceed {_ENVIRONMENT_BYTES} bytes in total; "
            f"these are {size} bytes."
        )
