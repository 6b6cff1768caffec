"""Owns what the endpoints' settings need beyond every endpoint's needs.

Pure. The stack grants a special permission only if some endpoint's settings need it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deployer.contract import SettingsKey
from infra.settings.model_objects import ModelObjects, found, place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.settings.endpoint_spec import EndpointSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRequirements:
    """Hold what some endpoints need; each list sorted and without duplicates.

    Attributes:
        registry_accounts: Accounts whose registries are named by ARN.
        own_registry: Whether endpoints serve versions of the stack's own account.
        version_metadata: Whether some endpoint's deployer writes to versions of the stack's own account.
        execution_roles: ARNs of roles that endpoints bring for their models, in place of the stack's.
        storage_keys: KMS keys of instances' storage, by id, ARN or alias.
        autoscaling: Whether some endpoint has autoscaling.
        smoke_tests: Whether some endpoint has a smoke test.
        sample_payloads: Whether some smoke test sends a version's registered sample payload.
        smoke_test_objects: Buckets and keys of other bodies that smoke tests send.
        model_objects: Where models read and write. This, and everything below, counts only endpoints whose
            models run as the stack's role.
        topics: ARNs of the topics for asynchronous answers.
        answer_keys: KMS keys of calls and answers, by id, ARN or alias.
        subnets: Ids of the subnets of models' network interfaces.
        security_groups: Ids of those interfaces' security groups.
    """

    registry_accounts: Sequence[str] = ()
    own_registry: bool = True
    version_metadata: bool = False
    execution_roles: Sequence[str] = ()
    storage_keys: Sequence[str] = ()
    autoscaling: bool = False
    smoke_tests: bool = False
    sample_payloads: bool = False
    smoke_test_objects: Sequence[tuple[str, str]] = ()
    model_objects: ModelObjects = field(default_factory=ModelObjects)
    topics: Sequence[str] = ()
    answer_keys: Sequence[str] = ()
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()

    @classmethod
    def of(cls, endpoints: Sequence[EndpointSpec]) -> EndpointRequirements:
        """Read the needs of all endpoints together."""
        groups = [spec.model_package_group for spec in endpoints]
        configs = [spec.compiled["CreateEndpointConfig"] for spec in endpoints]
        models = [spec.compiled["CreateModel"] for spec in endpoints]
        with_our_role = [spec for spec in endpoints if "ExecutionRoleArn" not in spec.compiled["CreateModel"]]
        ours = [spec.compiled["CreateEndpointConfig"] for spec in with_our_role]
        vpcs = [spec.compiled["CreateModel"].get("VpcConfig") or {} for spec in with_our_role]
        tests = [spec.compiled.get(SettingsKey.SMOKE_TEST, {}) for spec in endpoints]
        calls = [request for test in tests for request in test.get(SettingsKey.REQUESTS, ())]
        return cls(
            registry_accounts=sorted({group.split(":")[4] for group in groups if group.startswith("arn:")}),
            version_metadata=any(
                spec.compiled.get(SettingsKey.VERSION_METADATA, True)
                and not spec.model_package_group.startswith("arn:")
                for spec in endpoints
            ),
            execution_roles=sorted({m["ExecutionRoleArn"] for m in models if "ExecutionRoleArn" in m}),
            storage_keys=sorted({config["KmsKeyId"] for config in configs if config.get("KmsKeyId")}),
            autoscaling=any(SettingsKey.AUTO_SCALING in spec.compiled for spec in endpoints),
            smoke_tests=bool(calls),
            sample_payloads=any(SettingsKey.SAMPLE_PAYLOAD in call for call in calls),
            smoke_test_objects=sorted(
                {place_of(call[SettingsKey.BODY_S3_URI]) for call in calls if SettingsKey.BODY_S3_URI in call}
            ),
            model_objects=ModelObjects.of(with_our_role),
            topics=sorted(found(ours, "SuccessTopic", "ErrorTopic")),
            answer_keys=sorted(
                found(
                    [c.get(part) for c in ours for part in ("DataCaptureConfig", "AsyncInferenceConfig")],
                    "KmsKeyId",
                )
            ),
            subnets=sorted({subnet for vpc in vpcs for subnet in vpc.get("Subnets", ())}),
            security_groups=sorted({group for vpc in vpcs for group in vpc.get("SecurityGroupIds", ())}),
        )
