"""Owns the keys `variants` and `shadow`: models that share the calls, and one that gets copies of them."""

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
    """Serve a share of the calls, with the approved version as it changes or with one version that stays.

    Several variants take the place of `instance_type` and of all other keys that a variant has of its own.
    A variant without `version` follows the group: it changes with every approval. One with `version` keeps
    that version, and is left out while the version is not Approved: its share of the calls then goes to the
    others. At least one of them follows. SageMaker knows several variants
    only of endpoints that run on instances, answer at once and do not roll out in batches (`kind: rolling`).
    """

    name: Annotated[
        str,
        limited(
            "VariantName",
            "its name, in metrics and as TargetVariant of a call: letters, digits and inner hyphens",
        ),
    ]
    weight: Annotated[
        float,
        Field(ge=0, description="its share of the calls, as a part of the sum of all weights, at least 0"),
    ]
    version: Annotated[
        int | None,
        Field(
            ge=1,
            description="the number of the version that it stays on, at least 1; by default it follows the "
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
        Field(description="how this variant scales by itself, as in the key autoscaling"),
    ] = None


class Shadow(StrictModel):
    """Run a version beside the live one on copies of its calls; nobody sees what it answers.

    The shadow runs the newest approved version that may not go live: whose approval the endpoint's
    `approvers` or `four_eyes` object to, and its own `approvers` do not. To promote it, somebody whose
    approval counts for the endpoint approves the same version. It is for endpoints of one variant that run on
    instances and answer at once. It does not scale by itself: SageMaker documents that of production variants
    only.
    """

    approvers: Annotated[
        list[Approver] | None,
        Field(
            min_length=1,
            max_length=MOST_APPROVERS,
            description=f"whose approvals bring a version into the shadow: 1 to {MOST_APPROVERS} ARNs, as in "
            "the key approvers; by default anyone's",
        ),
    ] = None
    sampling_percent: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="the share of the calls that it gets copies of, in percent, from 1 to 100; "
            "by default 100",
        ),
    ] = 100
    instance_type: InstanceType
    instance_count: InstanceCount = None
    volume_size_in_gb: VolumeSize = None
    model_data_download_timeout_in_seconds: ModelDownloadTimeout = None
    container_startup_health_check_timeout_in_seconds: HealthCheckTimeout = None
    routing: RoutingStrategy = None
    inference_ami_version: InferenceAmi = None
