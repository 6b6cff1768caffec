"""Holds one endpoint's settings as the stack stored them: templates of requests, and Greenlight's own keys.

The settings were validated at synth; here they are only read. But somebody may have edited a parameter by
hand, so reading checks its shape and says what is wrong.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from deployer.contract import SETTINGS_SCHEMA_VERSION, STACK_NAME, SettingsKey
from deployer.model.approval_policy import ApprovalPolicy, is_policy
from deployer.model.life_cycle import Gate, PromotionRule, is_gate, is_promotion
from deployer.model.names import account_of
from deployer.model.smoke_test import SmokeTest, is_smoke_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.model.life_cycle import LifeCycle

DEFAULT_KEEP: Final = 3


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
        pins: Variant name to the number of the version that it always serves. The other variants follow the
            approvals.
        shadow: Whose approvals make a version a shadow; None without one.
        deployment_config: `UpdateEndpoint.DeploymentConfig`, or None for SageMaker's default.
        tags: The user's tags for everything that is created.
        policy: Whose approvals count.
        keep: How many old releases to retain for rollback.
        abort_alarm_name: The alarm that makes SageMaker roll back an update under way; None if updates are
            not guarded.
        scaling: Variant name to its automatic scaling; empty if no variant scales.
        stage_name: The endpoint's stage; None without stages.
        gate: The life cycle that the stage asks for; None if the approval is enough.
        promotion: How the stage promotes versions; None if it does not.
        smoke_test: The requests that a live version must answer well; None for no test.
        stack_name: Whose settings these are.
    """

    endpoint_name: str
    model_package_group: str
    create_model: dict[str, Any]
    create_endpoint_config: dict[str, Any]
    pins: dict[str, int]
    shadow: ApprovalPolicy | None
    deployment_config: dict[str, Any] | None
    tags: dict[str, str]
    policy: ApprovalPolicy
    keep: int
    abort_alarm_name: str | None
    scaling: dict[str, dict[str, Any]]
    stage_name: str | None
    gate: Gate | None
    promotion: PromotionRule | None
    smoke_test: SmokeTest | None
    stack_name: str

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
        found, read = document.get(SettingsKey.SCHEMA_VERSION), SETTINGS_SCHEMA_VERSION
        if found != read:
            raise _invalid(endpoint_name, f"SchemaVersion is {found!r}, this deployer reads {read}")
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
            pins=document.get(SettingsKey.PINS, {}),
            shadow=ApprovalPolicy.parse(document[SettingsKey.SHADOW])
            if SettingsKey.SHADOW in document
            else None,
            deployment_config=document.get("DeploymentConfig"),
            tags=document.get("Tags", {}),
            policy=ApprovalPolicy.parse(document.get(SettingsKey.APPROVAL_POLICY, {})),
            keep=document.get(SettingsKey.KEEP, DEFAULT_KEEP),
            abort_alarm_name=document.get(SettingsKey.ABORT_ALARM_NAME),
            scaling=document.get(SettingsKey.AUTO_SCALING, {}),
            stage_name=document.get(SettingsKey.STAGE_NAME),
            gate=Gate.parse(document[SettingsKey.GATE]) if SettingsKey.GATE in document else None,
            promotion=PromotionRule.parse(document[SettingsKey.PROMOTION])
            if SettingsKey.PROMOTION in document
            else None,
            smoke_test=SmokeTest.parse(document[SettingsKey.SMOKE_TEST])
            if SettingsKey.SMOKE_TEST in document
            else None,
            stack_name=document[STACK_NAME],
        )

    @property
    def group_name(self) -> str:
        """The group's name, also when the settings give its ARN."""
        return self.model_package_group.rsplit("/", 1)[-1]

    @property
    def inference_specification_name(self) -> str | None:
        """Which of a version's inference specifications is deployed; None for its own."""
        [container] = self.create_model["Containers"]
        name: str | None = container.get("InferenceSpecificationName")
        return name

    def version_name(self, number: int) -> str:
        """Return the name of a version for `DescribeModelPackage` (botocore: `VersionedArnOrName`)."""
        return f"{self.model_package_group.replace(':model-package-group/', ':model-package/')}/{number}"

    @property
    def following_variants(self) -> dict[str, dict[str, Any]]:
        """Templates of the production variants that follow the approvals, by their names."""
        variants = self.create_endpoint_config["ProductionVariants"]
        return {each["VariantName"]: each for each in variants if each["VariantName"] not in self.pins}

    @property
    def shadow_variants(self) -> list[dict[str, Any]]:
        """Templates of the variants that get copies of the calls: one, or none."""
        found: list[dict[str, Any]] = self.create_endpoint_config.get("ShadowProductionVariants", [])
        return found

    @property
    def rollback_alarm_names(self) -> tuple[str, ...]:
        """The alarms that roll an update back, without the abort alarm."""
        config = self.deployment_config or {}
        alarms = config.get("AutoRollbackConfiguration", {}).get("Alarms", [])
        return tuple(each["AlarmName"] for each in alarms if each["AlarmName"] != self.abort_alarm_name)

    def admits(self, life_cycle: LifeCycle | None) -> bool:
        """Tell whether the endpoint's stage takes an approved version of this life cycle."""
        return self.gate is None or self.gate.admits(life_cycle)

    def follows(self, version_arn: str, group_name: str, *, own_account: str) -> bool:
        """Tell whether this endpoint follows the group of a version.

        Groups of several accounts may have the same name. Within an account a name is unique in any case, and
        ARNs lower-case it.
        """
        group = self.model_package_group
        account = account_of(group) if group.startswith("arn:") else own_account
        return account_of(version_arn) == account and self.group_name.lower() == group_name.lower()


def _problem(document: dict[str, Any]) -> str | None:
    """Return the first problem in the parts that the deployer relies on."""
    return next((problem for holds, problem in _RULES if not holds(document)), None)


def _has_one_container(document: dict[str, Any]) -> bool:
    model = document.get("CreateModel")
    containers = model.get("Containers") if isinstance(model, dict) else None
    return _is_list_of_objects(containers) and len(containers) == 1


def _has_variants(document: dict[str, Any]) -> bool:
    config = document.get("CreateEndpointConfig")
    variants = config.get("ProductionVariants") if isinstance(config, dict) else None
    return _is_list_of_objects(variants) and all(
        isinstance(each.get("VariantName"), str) for each in variants
    )


def _has_pins(document: dict[str, Any]) -> bool:
    pins = document.get(SettingsKey.PINS, {})
    return (
        isinstance(pins, dict)
        and all(type(number) is int and number > 0 for number in pins.values())
        and any(
            each["VariantName"] not in pins for each in document["CreateEndpointConfig"]["ProductionVariants"]
        )
    )


def _has_shadow(document: dict[str, Any]) -> bool:
    if SettingsKey.SHADOW not in document:
        return True
    variants = document["CreateEndpointConfig"].get("ShadowProductionVariants")
    return is_policy(document[SettingsKey.SHADOW]) and _is_list_of_objects(variants) and len(variants) == 1


def _has_tags(document: dict[str, Any]) -> bool:
    tags = document.get("Tags", {})
    return isinstance(tags, dict) and all(isinstance(value, str) for value in tags.values())


def _keeps_a_number(document: dict[str, Any]) -> bool:
    keep = document.get(SettingsKey.KEEP, DEFAULT_KEEP)
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
    (_has_pins, "Pins is not an object of version numbers that leaves at least one variant to follow"),
    (_has_shadow, "Shadow is not an object of Approvers (strings) beside one template of a shadow variant"),
    (
        lambda document: _is_deployment_config(document.get("DeploymentConfig", {})),
        "DeploymentConfig is not an object whose rollback alarms have names",
    ),
    (_has_tags, "Tags is not an object of strings"),
    (_keeps_a_number, "Keep is not a number of releases"),
    (
        lambda document: isinstance(document.get(SettingsKey.ABORT_ALARM_NAME, ""), str),
        "AbortAlarmName is not a string",
    ),
    (
        lambda document: _is_scaling(document.get(SettingsKey.AUTO_SCALING, {})),
        "AutoScaling is not an object of variants, each with ScalableDimension and capacities",
    ),
    (
        lambda document: is_policy(document.get(SettingsKey.APPROVAL_POLICY, {})),
        "ApprovalPolicy is not an object of Approvers (strings) and FourEyes (true or false)",
    ),
    (lambda document: isinstance(document.get(SettingsKey.STAGE_NAME, ""), str), "StageName is not a string"),
    (
        lambda document: isinstance(document.get(STACK_NAME), str) and bool(document[STACK_NAME]),
        "StackName, which says whose settings they are, is missing or no string",
    ),
    (
        lambda document: SettingsKey.GATE not in document or is_gate(document[SettingsKey.GATE]),
        "Gate is not an object of Stage, StageStatus and LaterStages",
    ),
    (
        lambda document: (
            SettingsKey.PROMOTION not in document
            or (is_promotion(document[SettingsKey.PROMOTION]) and SettingsKey.STAGE_NAME in document)
        ),
        "Promotion is not an object of Stage, StageStatus, SoakSeconds and LaterStages beside a StageName",
    ),
    (
        lambda document: (
            SettingsKey.SMOKE_TEST not in document or is_smoke_test(document[SettingsKey.SMOKE_TEST])
        ),
        "SmokeTest is not an object of TimeLimitSeconds and Requests, each with one thing to send",
    ),
)
"""The rules for a parameter, and the message for each that is broken."""


def _invalid(endpoint_name: str, problem: str) -> InvalidSettingsError:
    return InvalidSettingsError(
        f"The settings parameter of endpoint {endpoint_name!r} cannot be used: {problem}. "
        "Parameters are written by `cdk deploy` alone: deploy again to restore it."
    )
