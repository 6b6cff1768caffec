"""Holds one endpoint's settings as the stack stored them, and turns them into SageMaker requests.

The settings were validated at synth; here they are only read. A parameter that somebody edited by hand may
hold anything, so reading checks the shape it relies on and says what is wrong.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from deployer.names import account_of, versioned_name
from deployer.policy import ApprovalPolicy, is_policy

SCHEMA_VERSION: Final = 1
DEFAULT_KEEP: Final = 3

STACK_TAG: Final = "greenlight:stack"
ENDPOINT_TAG: Final = "greenlight:endpoint"


class InvalidSettingsError(ValueError):
    """A settings parameter holds something that the stack never wrote."""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """What an endpoint should be, as request templates in SageMaker's vocabulary.

    Attributes:
        endpoint_name: The endpoint, in the letter case it is created with.
        model_package_group: The name or, for another account's group, the ARN.
        create_model: Template of `CreateModel`; `Containers` has exactly one element.
        create_endpoint_config: Template of `CreateEndpointConfig`.
        deployment_config: `UpdateEndpoint.DeploymentConfig`, or None for SageMaker's default.
        tags: The user's tags for everything that is created.
        policy: Whose approvals count.
        keep: How many former releases' models and configs stay.
        abort_alarm_name: The alarm that makes SageMaker roll back an update under way; None where updates are
            not guarded.
        scaling: Variant name to how it scales by itself; empty where nothing does.
    """

    endpoint_name: str
    model_package_group: str
    create_model: dict[str, Any]
    create_endpoint_config: dict[str, Any]
    deployment_config: dict[str, Any] | None
    tags: dict[str, str]
    policy: ApprovalPolicy
    keep: int
    abort_alarm_name: str | None
    scaling: dict[str, dict[str, Any]]

    @classmethod
    def parse(cls, endpoint_name: str, value: str) -> EndpointSettings:
        """Read a parameter's value.

        Raises:
            InvalidSettingsError: The value is not what the stack writes for this endpoint.
        """
        try:
            document = json.loads(value)
        except ValueError as error:
            raise _invalid(endpoint_name, f"it is not JSON ({error})") from error
        if not isinstance(document, dict):
            raise _invalid(endpoint_name, f"it is a JSON {type(document).__name__}, not an object")
        if document.get("SchemaVersion") != SCHEMA_VERSION:
            found = document.get("SchemaVersion")
            raise _invalid(endpoint_name, f"SchemaVersion is {found!r}, this deployer reads {SCHEMA_VERSION}")
        if document.get("EndpointName") != endpoint_name:
            raise _invalid(endpoint_name, f"it names the endpoint {document.get('EndpointName')!r}")
        problem = _problem(document)
        if problem is not None:
            raise _invalid(endpoint_name, problem)
        return cls(
            endpoint_name=endpoint_name,
            model_package_group=document["ModelPackageGroupName"],
            create_model=document["CreateModel"],
            create_endpoint_config=document["CreateEndpointConfig"],
            deployment_config=document.get("DeploymentConfig"),
            tags=document.get("Tags", {}),
            policy=ApprovalPolicy.parse(document.get("ApprovalPolicy", {})),
            keep=document.get("Keep", DEFAULT_KEEP),
            abort_alarm_name=document.get("AbortAlarmName"),
            scaling=document.get("AutoScaling", {}),
        )

    @property
    def group_name(self) -> str:
        """The group's name, also when the settings give its ARN."""
        return self.model_package_group.rsplit("/", 1)[-1]

    def follows(self, version_arn: str, group_name: str, *, own_account: str) -> bool:
        """Tell whether this endpoint follows the group of a version.

        Accounts have groups of the same names. Within one, a name is unique whatever its case: ARNs hold it
        lower-cased.
        """
        group = self.model_package_group
        account = account_of(group) if group.startswith("arn:") else own_account
        return account_of(version_arn) == account and self.group_name.lower() == group_name.lower()


def _problem(document: dict[str, Any]) -> str | None:
    """Return what is wrong with the parts that the deployer relies on."""
    group, model = document.get("ModelPackageGroupName"), document.get("CreateModel")
    config, tags = document.get("CreateEndpointConfig"), document.get("Tags", {})
    containers = model.get("Containers") if isinstance(model, dict) else None
    variants = config.get("ProductionVariants") if isinstance(config, dict) else None
    if not isinstance(group, str) or not group:
        return "ModelPackageGroupName is missing"
    if not _is_list_of_objects(containers) or len(containers) != 1:
        return "CreateModel.Containers is not a list of one container"
    if not _is_list_of_objects(variants):
        return "CreateEndpointConfig.ProductionVariants is not a list of variants"
    if not isinstance(document.get("DeploymentConfig", {}), dict):
        return "DeploymentConfig is not an object"
    if not (isinstance(tags, dict) and all(isinstance(value, str) for value in tags.values())):
        return "Tags is not an object of strings"
    if type(document.get("Keep", DEFAULT_KEEP)) is not int or document.get("Keep", DEFAULT_KEEP) < 0:
        return "Keep is not a number of releases"
    if not isinstance(document.get("AbortAlarmName", ""), str):
        return "AbortAlarmName is not a string"
    if not _is_scaling(document.get("AutoScaling", {})):
        return "AutoScaling is not an object of variants, each with ScalableDimension and capacities"
    if not is_policy(document.get("ApprovalPolicy", {})):
        return "ApprovalPolicy is not an object of Approvers (strings) and FourEyes (true or false)"
    return None


def _is_list_of_objects(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _is_scaling(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(each, dict)
        and isinstance(each.get("ScalableDimension"), str)
        and type(each.get("MinCapacity")) is int
        and type(each.get("MaxCapacity")) is int
        and isinstance(each.get("Policies", []), list)
        and isinstance(each.get("ScheduledActions", []), list)
        for each in value.values()
    )


def _invalid(endpoint_name: str, problem: str) -> InvalidSettingsError:
    return InvalidSettingsError(
        f"The settings parameter of endpoint {endpoint_name!r} cannot be used: {problem}. "
        "Parameters are written by `cdk deploy` alone: deploy again to restore it."
    )


@dataclass(frozen=True, slots=True)
class Release:
    """One model version under given settings: everything SageMaker is asked for, names included.

    Built from content alone, so that building it twice gives the same names.
    """

    version_arn: str
    version: int
    endpoint_name: str
    model_name: str
    endpoint_config_name: str
    create_model: dict[str, Any]
    create_endpoint_config: dict[str, Any]
    create_endpoint: dict[str, Any]
    update_endpoint: dict[str, Any]

    @classmethod
    def build(
        cls,
        settings: EndpointSettings,
        *,
        version_arn: str,
        version: int,
        execution_role_arn: str,
        stack_name: str,
    ) -> Release:
        """Build the requests that put a version on the settings' endpoint.

        Tags stay out of the names: a changed tag is no reason to launch instances.
        """
        container = {**settings.create_model["Containers"][0], "ModelPackageName": version_arn}
        model = {**settings.create_model, "Containers": [container], "ExecutionRoleArn": execution_role_arn}
        model_name = versioned_name(settings.endpoint_name, version, model)
        variants = [
            {**variant, "ModelName": model_name}
            for variant in settings.create_endpoint_config["ProductionVariants"]
        ]
        config = {**settings.create_endpoint_config, "ProductionVariants": variants}
        config_name = versioned_name(settings.endpoint_name, version, config)
        tags = [{"Key": key, "Value": value} for key, value in all_tags(settings, stack_name).items()]
        endpoint = {"EndpointName": settings.endpoint_name, "EndpointConfigName": config_name}
        guarded = {"DeploymentConfig": settings.deployment_config} if settings.deployment_config else {}
        return cls(
            version_arn=version_arn,
            version=version,
            endpoint_name=settings.endpoint_name,
            model_name=model_name,
            endpoint_config_name=config_name,
            create_model={**model, "ModelName": model_name, "Tags": tags},
            create_endpoint_config={**config, "EndpointConfigName": config_name, "Tags": tags},
            create_endpoint={**endpoint, "Tags": tags},
            update_endpoint={**endpoint, **guarded},
        )


def all_tags(settings: EndpointSettings, stack_name: str) -> dict[str, str]:
    """Return the user's tags and the two by which the deployer's role and clean-up know their own."""
    return {**settings.tags, STACK_TAG: stack_name, ENDPOINT_TAG: settings.endpoint_name}
