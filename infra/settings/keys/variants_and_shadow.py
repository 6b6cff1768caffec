"""Owns the keys `variants` and `shadow`: variants that share the calls, and one that gets copies of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.settings.keys.approvers import MOST_APPROVERS, Approver
from infra.settings.keys.base_model import StrictModel, limited
from infra.settings.keys.hosting_options import (
    HealthCheckTimeout,
    InferenceAmi,
    InstanceCount,
    InstanceType,
    ModelDownloadTimeout,
    RoutingStrategy,
    VolumeSize,
)
from infra.settings.keys.scaling_options import Autoscaling


class Variant(StrictModel):
    """Serve a share of the calls, with the newest approved version or with a fixed one.

    A variant has its own hosting keys, such as `instance_type`; the endpoint then has none of them. A variant
    without `version` follows the group: every approval changes it. At least one variant must. A variant with
    `version` keeps that version. While the version is not Approved, the others get its calls. SageMaker
    allows several variants only on instances, for real-time endpoints, and not with `kind: rolling`.
    """

    name: Annotated[
        str,
        limited(
            "VariantName",
            "its name in metrics and calls (TargetVariant): letters, digits and inner hyphens",
        ),
    ]
    weight: Annotated[
        float,
        Field(ge=0, description="its share of the calls, relative to the sum of all weights, at least 0"),
    ]
    version: Annotated[
        int | None,
        Field(
            ge=1,
            description="the number of a fixed version, at least 1; by default the variant follows the "
            "group's approvals",
        ),
    ] = None
    instance_type: InstanceType
    instance_count: InstanceCount = None
    volume_size_in_gb: VolumeSize = None
    model_data_download_timeout_in_seconds: ModelDownloadTimeout = None
    container_startup_health_check_timeout_in_seconds: HealthCheckTimeout = None
    routing: RoutingStrategy = None
    inference_ami_version: InferenceAmi = None
    autoscaling: Annotated[
        Autoscaling | None,
        Field(description="how this variant scales, as in the key autoscaling"),
    ] = None


class Shadow(StrictModel):
    """Run a version beside the live one on copies of its calls, and discard its answers.

    The shadow runs the newest approved version that may not go live: the endpoint's `approvers` or
    `four_eyes` do not accept the approval, but the shadow's `approvers` do. To promote it, one of the
    endpoint's approvers approves the same version. Only for real-time endpoints of one variant on instances.
    The shadow does not scale: SageMaker documents scaling for production variants only.
    """

    approvers: Annotated[
        list[Approver] | None,
        Field(
            min_length=1,
            max_length=MOST_APPROVERS,
            description=f"whose approvals put a version into the shadow: 1 to {MOST_APPROVERS} ARNs, as in "
            "the key approvers; by default anyone's",
        ),
    ] = None
    sampling_percent: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="the share of the calls to copy, in percent, from 1 to 100; by default 100",
        ),
    ] = 100
    instance_type: InstanceType
    instance_count: InstanceCount = None
    volume_size_in_gb: VolumeSize = None
    model_data_download_timeout_in_seconds: ModelDownloadTimeout = None
    container_startup_health_check_timeout_in_seconds: HealthCheckTimeout = None
    routing: RoutingStrategy = None
    inference_ami_version: InferenceAmi = None
