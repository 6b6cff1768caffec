"""Holds one endpoint's settings as they were compiled: templates of requests, and Greenlight's own keys.

The settings were validated at synth and are deployed together with this code. Here they are only read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import SettingsKey
from deployer.model.approval_policy import ApprovalPolicy
from deployer.model.freeze_window import FreezeWindow
from deployer.model.life_cycle import Gate, PromotionRule
from deployer.model.names import account_of
from deployer.model.smoke_test import SmokeTest
from deployer.value import value

if TYPE_CHECKING:
    from deployer.model.life_cycle import LifeCycle

DEFAULT_KEEP: Final = 3

AS_FORWARD: Final = "as_forward"
"""The value of `Back` if an endpoint goes back as carefully as it goes forward."""

ANY: Final = "any"
"""The value of `SupportedInstanceTypes` if the types that a version lists as supported do not count."""


@value
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
        goes_back_at_once: Whether an update that goes back does without the steps, waits and alarms of the
            DeploymentConfig.
        tags: The user's tags for everything that is created.
        policy: Whose approvals count.
        any_instance_type: Whether a version may run on instance types that it does not list as supported.
        restart: A text that gives the config another name, so that the same version is rolled out again.
        keep: How many old releases to retain for rollback.
        abort_alarm_name: The alarm that makes SageMaker roll back an update under way; None if updates are
            not guarded.
        alarms: Requests of `PutMetricAlarm`, without tags, for the alarms that the deployer keeps for the
            endpoint. The abort alarm is among them.
        scaling: Variant name to its automatic scaling; empty if no variant scales.
        stage_name: The endpoint's stage; None without stages.
        gate: The life cycle that the stage asks for; None if the approval is enough.
        promotion: How the stage promotes versions; None if it does not.
        smoke_test: The requests that a live version must answer well; None for no test.
        freeze: When rollouts of anything new wait.
        quotes_logs: Whether the reason for a failure may quote what the containers logged.
        version_metadata: Whether the deployer may write to versions of its own account, outside of stages.
    """

    endpoint_name: str
    model_package_group: str
    create_model: dict[str, Any]
    create_endpoint_config: dict[str, Any]
    pins: dict[str, int]
    shadow: ApprovalPolicy | None
    deployment_config: dict[str, Any] | None
    goes_back_at_once: bool
    tags: dict[str, str]
    policy: ApprovalPolicy
    any_instance_type: bool
    restart: str | None
    keep: int
    abort_alarm_name: str | None
    alarms: tuple[dict[str, Any], ...]
    scaling: dict[str, dict[str, Any]]
    stage_name: str | None
    gate: Gate | None
    promotion: PromotionRule | None
    smoke_test: SmokeTest | None
    freeze: tuple[FreezeWindow, ...]
    quotes_logs: bool
    version_metadata: bool

    @classmethod
    def parse(cls, content: bytes | str) -> EndpointSettings:
        """Read a settings file's content."""
        document = json.loads(content)
        return cls(
            endpoint_name=document["EndpointName"],
            model_package_group=document["ModelPackageGroupName"],
            create_model=document["CreateModel"],
            create_endpoint_config=document["CreateEndpointConfig"],
            pins=document.get(SettingsKey.PINS, {}),
            shadow=ApprovalPolicy.parse(document[SettingsKey.SHADOW])
            if SettingsKey.SHADOW in document
            else None,
            deployment_config=document.get("DeploymentConfig"),
            goes_back_at_once=document.get(SettingsKey.BACK) != AS_FORWARD,
            tags=document.get("Tags", {}),
            policy=ApprovalPolicy.parse(document.get(SettingsKey.APPROVAL_POLICY, {})),
            any_instance_type=document.get(SettingsKey.SUPPORTED_INSTANCE_TYPES) == ANY,
            restart=document.get(SettingsKey.RESTART),
            keep=document.get(SettingsKey.KEEP, DEFAULT_KEEP),
            abort_alarm_name=document.get(SettingsKey.ABORT_ALARM_NAME),
            alarms=tuple(document.get(SettingsKey.ALARMS, ())),
            scaling=document.get(SettingsKey.AUTO_SCALING, {}),
            stage_name=document.get(SettingsKey.STAGE_NAME),
            gate=Gate.parse(document[SettingsKey.GATE]) if SettingsKey.GATE in document else None,
            promotion=PromotionRule.parse(document[SettingsKey.PROMOTION])
            if SettingsKey.PROMOTION in document
            else None,
            smoke_test=SmokeTest.parse(document[SettingsKey.SMOKE_TEST])
            if SettingsKey.SMOKE_TEST in document
            else None,
            freeze=tuple(map(FreezeWindow.parse, document.get(SettingsKey.FREEZE, ()))),
            quotes_logs=document.get(SettingsKey.QUOTE_LOGS, True),
            version_metadata=document.get(SettingsKey.VERSION_METADATA, True),
        )

    @property
    def group_name(self) -> str:
        """The group's name, also when the settings give its ARN."""
        return self.model_package_group.rsplit("/", 1)[-1]

    @property
    def writes_metadata(self) -> bool:
        """Whether versions' metadata says how they fare on the endpoint.

        A stage always writes. Otherwise only this account's groups are written to, which the settings name.
        """
        is_elsewhere = self.model_package_group.startswith("arn:")
        return self.stage_name is not None or (self.version_metadata and not is_elsewhere)

    @property
    def asks_who_approved(self) -> bool:
        """Whether it counts who approved a version, for the endpoint or for its shadow."""
        return self.policy.asks_who_approved or (self.shadow is not None and self.shadow.asks_who_approved)

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
