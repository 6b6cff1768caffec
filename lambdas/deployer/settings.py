"""Holds one endpoint's settings as the stack stored them, and turns them into SageMaker requests.

The settings were validated at synth; here they are only read. A parameter that somebody edited by hand may
hold anything, so reading checks the shape it relies on and says what is wrong.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from deployer.names import account_of, versioned_name
from deployer.policy import ApprovalPolicy, is_policy
from deployer.smoke_test import SmokeTest, is_smoke_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.attempt import Attempt

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
        smoke_test: What a version must answer well once it serves; None for nothing.
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
    smoke_test: SmokeTest | None

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
            smoke_test=SmokeTest.parse(document["SmokeTest"]) if "SmokeTest" in document else None,
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
    return next((problem for holds, problem in _RULES if not holds(document)), None)


def _has_one_container(document: dict[str, Any]) -> bool:
    model = document.get("CreateModel")
    containers = model.get("Containers") if isinstance(model, dict) else None
    return _is_list_of_objects(containers) and len(containers) == 1


def _has_variants(document: dict[str, Any]) -> bool:
    config = document.get("CreateEndpointConfig")
    return isinstance(config, dict) and _is_list_of_objects(config.get("ProductionVariants"))


def _has_tags(document: dict[str, Any]) -> bool:
    tags = document.get("Tags", {})
    return isinstance(tags, dict) and all(isinstance(value, str) for value in tags.values())


def _keeps_a_number(document: dict[str, Any]) -> bool:
    keep = document.get("Keep", DEFAULT_KEEP)
    return type(keep) is int and keep >= 0


def _is_list_of_objects(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _is_deployment_config(value: object) -> bool:
    automatic = value.get("AutoRollbackConfiguration", {}) if isinstance(value, dict) else None
    alarms = automatic.get("Alarms", []) if isinstance(automatic, dict) else None
    return isinstance(alarms, list) and all(
        isinstance(each, dict) and isinstance(each.get("AlarmName"), str) for each in alarms
    )


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


_RULES: Final[tuple[tuple[Callable[[dict[str, Any]], bool], str], ...]] = (
    (
        lambda document: (
            bool(document.get("ModelPackageGroupName")) and isinstance(document["ModelPackageGroupName"], str)
        ),
        "ModelPackageGroupName is missing",
    ),
    (_has_one_container, "CreateModel.Containers is not a list of one container"),
    (_has_variants, "CreateEndpointConfig.ProductionVariants is not a list of variants"),
    (
        lambda document: _is_deployment_config(document.get("DeploymentConfig", {})),
        "DeploymentConfig is not an object whose rollback alarms have names",
    ),
    (_has_tags, "Tags is not an object of strings"),
    (_keeps_a_number, "Keep is not a number of releases"),
    (
        lambda document: isinstance(document.get("AbortAlarmName", ""), str),
        "AbortAlarmName is not a string",
    ),
    (
        lambda document: _is_scaling(document.get("AutoScaling", {})),
        "AutoScaling is not an object of variants, each with ScalableDimension and capacities",
    ),
    (
        lambda document: is_policy(document.get("ApprovalPolicy", {})),
        "ApprovalPolicy is not an object of Approvers (strings) and FourEyes (true or false)",
    ),
    (
        lambda document: "SmokeTest" not in document or is_smoke_test(document["SmokeTest"]),
        "SmokeTest is not an object of TimeLimitSeconds and Requests, each with one thing to send",
    ),
)
"""What must hold of a parameter, and what to say if it does not."""


def _invalid(endpoint_name: str, problem: str) -> InvalidSettingsError:
    return InvalidSettingsError(
        f"The settings parameter of endpoint {endpoint_name!r} cannot be used: {problem}. "
        "Parameters are written by `cdk deploy` alone: deploy again to restore it."
    )


@dataclass(frozen=True, slots=True)
class Release:
    """One model version under given settings: everything SageMaker is asked for, names included.

    Built from content alone, so that building it twice gives the same names.

    Attributes:
        create_models: Nothing for a former release, whose model and config are there.
        create_endpoint_config: Likewise empty then.
        smoke_test: Fingerprint of the test that a version must pass with it; None without one.
    """

    version_arn: str
    version: int
    endpoint_name: str
    model_name: str
    endpoint_config_name: str
    create_models: tuple[dict[str, Any], ...]
    create_endpoint_config: dict[str, Any]
    create_endpoint: dict[str, Any]
    update_endpoint: dict[str, Any]
    smoke_test: str | None

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
        model = {"ExecutionRoleArn": execution_role_arn, **settings.create_model, "Containers": [container]}
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
            create_models=({**model, "ModelName": model_name, "Tags": tags},),
            create_endpoint_config={**config, "EndpointConfigName": config_name, "Tags": tags},
            create_endpoint={**endpoint, "Tags": tags},
            update_endpoint={**endpoint, **guarded},
            smoke_test=settings.smoke_test.fingerprint if settings.smoke_test is not None else None,
        )

    @property
    def is_former(self) -> bool:
        """Whether it was made before, under settings that may have been others."""
        return not self.create_models

    @classmethod
    def former(cls, settings: EndpointSettings, attempt: Attempt) -> Release:
        """Build what puts back the release of an attempt that succeeded: its model and config are there."""
        endpoint = {
            "EndpointName": settings.endpoint_name,
            "EndpointConfigName": attempt.endpoint_config_name,
        }
        guarded = {"DeploymentConfig": settings.deployment_config} if settings.deployment_config else {}
        return cls(
            version_arn=attempt.version_arn,
            version=attempt.version,
            endpoint_name=settings.endpoint_name,
            model_name=attempt.model_name,
            endpoint_config_name=attempt.endpoint_config_name,
            create_models=(),
            create_endpoint_config={},
            create_endpoint=endpoint,
            update_endpoint={**endpoint, **guarded},
            smoke_test=None,
        )


def all_tags(settings: EndpointSettings, stack_name: str) -> dict[str, str]:
    """Return the user's tags and the two by which the deployer's role and clean-up know their own."""
    return {**settings.tags, STACK_TAG: stack_name, ENDPOINT_TAG: settings.endpoint_name}
