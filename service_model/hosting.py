"""List facts about hosting that AWS states only in prose, each with its source.

Settings and local cloud both read these lists, but each draws its own conclusions. So a wrong entry is wrong
in one place, and a wrong conclusion on one side shows as a difference.
"""

from __future__ import annotations

from typing import Final

LOCAL_STORAGE_FAMILIES: Final = frozenset(
    {
        "c5d", "c6gd", "g4dn", "g5", "g6", "g6e", "g7", "g7e", "m5d", "m6gd", "p4d", "p4de", "p5", "p5e",
        "p5en", "p6-b200", "p6-b300", "p6e-gb200", "r5d", "r6gd", "r7gd", "trn1", "trn1n", "trn2", "dl1",
    }
)  # fmt: skip
"""SageMaker's instance families with NVMe instance storage (EC2 instance types guide)."""

EBS_ONLY_FAMILIES: Final = frozenset(
    {
        "c4", "c5", "c6g", "c6gn", "c6i", "c6in", "c7g", "c7i", "c8g", "inf1", "inf2", "m4", "m5", "m6g",
        "m6i", "m7i", "m8g", "p2", "p3", "r5", "r6g", "r6i", "r7i", "r8g", "t2",
    }
)  # fmt: skip
"""Families without NVMe storage. A test checks that every family is in one of the two sets."""

SHADOW_SOURCE: Final = 'botocore, ShadowProductionVariants; developer guide, "shadow-tests"'
CAPACITY_SOURCE: Final = "botocore, ProductionVariant: an instance type, pools of them, or serverless"

VOLUME_SIZE_SOURCE: Final = (
    "SageMaker's answer, seen for g4dn, g5 and trn1 (autogluon-cloud PR #50, sagemaker-python-sdk PR #4828); "
    "botocore, ResourceConfig: no EBS volume with NVMe disks"
)

BURSTABLE_SOURCE: Final = 'developer guide, "endpoint-auto-scaling-add-console"'

_GUIDE: Final = 'developer guide, "serverless-endpoints"'
_VOLUME: Final = 'developer guide, "host-instance-storage": volumes are for instances'
_PER_INSTANCE: Final = "botocore, ProductionVariant: a setting of the individual inference instance"
_INSTEAD: Final = "botocore, ProductionVariant.ServerlessConfig: instead of an instance-based configuration"

NOT_IN_SERVERLESS_VARIANTS: Final[dict[str, str]] = {
    "InstanceType": _INSTEAD,
    "InitialInstanceCount": _INSTEAD,
    "InstancePools": _INSTEAD,
    "VariantInstanceProvisionTimeoutInSeconds": _INSTEAD,
    "VolumeSizeInGB": _VOLUME,
    "ModelDataDownloadTimeoutInSeconds": _PER_INSTANCE,
    "ContainerStartupHealthCheckTimeoutInSeconds": _PER_INSTANCE,
    "RoutingConfig": "botocore, ProductionVariantRoutingConfig: routes between instances",
    "InferenceAmiVersion": "botocore, ProductionVariant: the machine image of instances",
    "CapacityReservationConfig": "botocore, ProductionVariant: reserves instances",
    "ManagedInstanceScaling": "botocore, ProductionVariant: the number of instances",
    "EnableSSMAccess": "botocore, ProductionVariant: access to instances",
}
"""Members of a variant that work only with instances, each with its source."""

NOT_IN_SERVERLESS_CONFIGS: Final[dict[str, str]] = {
    "AsyncInferenceConfig": 'developer guide, "async-inference": on instances',
    "DataCaptureConfig": _GUIDE,
    "KmsKeyId": _VOLUME,
    "ShadowProductionVariants": f"{_GUIDE}: one variant",
    "VpcConfig": _GUIDE,
}
"""Members of an endpoint config that serverless endpoints do not have, each with its source."""

PUBLISH_FREQUENCIES: Final = (10, 30, 60, 120, 180, 240, 300)
"""Seconds (botocore: MetricsConfig.MetricPublishFrequencyInSeconds)."""

SERVERLESS_SOURCE: Final = _GUIDE
SERVERLESS_MEMORY_SIZES: Final = (1024, 2048, 3072, 4096, 5120, 6144)
"""Megabytes: botocore has the bounds (ServerlessMemorySizeInMB), its text the steps."""

GUARDRAILS_SOURCE: Final = 'developer guide, "deployment-guardrails" and "deployment-guardrails-exclusions"'


def family(instance_type: str) -> str:
    """Return an instance type's family: `g5` for `ml.g5.xlarge`; empty for an invalid type."""
    return instance_type.partition(".")[2].partition(".")[0]


def has_local_storage(instance_type: str) -> bool:
    """Tell whether instances of a known type store data on local NVMe disks."""
    return family(instance_type) in LOCAL_STORAGE_FAMILIES


def is_burstable(instance_type: str) -> bool:
    """Tell whether a type is burstable: all EC2 families that begin with T, except Trainium (`trn1`)."""
    name = family(instance_type)
    return name.startswith("t") and name[1:2].isdigit()
