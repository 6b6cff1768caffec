"""Owns the key `autoscaling`: how an endpoint, or one of its variants, scales."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from infra.settings.keys.base_model import StrictModel

TrackedMetric = Literal[
    "invocations_per_instance",
    "concurrent_requests_per_model",
    "backlog_per_instance",
    "provisioned_concurrency_utilization",
]


class TargetTracking(StrictModel):
    """Keep a metric near a target: add capacity above it, remove capacity below."""

    metric: Annotated[
        TrackedMetric,
        Field(
            description="invocations_per_instance (calls in a minute) or concurrent_requests_per_model; for "
            "asynchronous endpoints backlog_per_instance; for serverless ones "
            "provisioned_concurrency_utilization"
        ),
    ]
    target: Annotated[
        float, Field(gt=0, description="the target value, above 0; for a utilization at most 1")
    ]
    scale_in_cooldown_seconds: Annotated[
        int | None,
        Field(ge=0, description="the wait after scaling in, in seconds, by default 300, at least 0"),
    ] = None
    scale_out_cooldown_seconds: Annotated[
        int | None,
        Field(ge=0, description="the wait after scaling out, in seconds, by default 300, at least 0"),
    ] = None
    disable_scale_in: Annotated[
        bool | None, Field(description="true if this metric may only add capacity; by default false")
    ] = None


class ScheduledAction(StrictModel):
    """Change the limits at given times."""

    name: Annotated[
        str, Field(min_length=1, max_length=256, description="a name, at most 256 characters, no : / or |")
    ]
    schedule: Annotated[
        str,
        Field(
            description="at(2027-01-31T08:00:00), rate(12 hours) or cron(0 8 ? * MON-FRI *), of six fields"
        ),
    ]
    timezone: Annotated[
        str | None,
        Field(description="the time zone of at and cron, such as Europe/Berlin; by default UTC"),
    ] = None
    min: Annotated[int | None, Field(ge=0, description="the minimum capacity from then on, at least 0")] = (
        None
    )
    max: Annotated[int | None, Field(ge=0, description="the maximum capacity from then on, at least 0")] = (
        None
    )
    start: Annotated[
        str | None, Field(description='when the schedule begins, such as "2027-01-01T00:00:00Z", quoted')
    ] = None
    end: Annotated[
        str | None, Field(description='when the schedule ends, such as "2027-12-31T00:00:00Z", quoted')
    ] = None


class Autoscaling(StrictModel):
    """Let Application Auto Scaling choose the number of instances, or the provisioned concurrency."""

    min: Annotated[
        int,
        Field(ge=0, description="the minimum capacity, at least 1; for asynchronous endpoints at least 0"),
    ]
    max: Annotated[int, Field(ge=1, description="the maximum capacity, at least min")]
    target_tracking: Annotated[
        list[TargetTracking], Field(max_length=50, description="metrics, each with a target")
    ] = []
    scheduled: Annotated[
        list[ScheduledAction], Field(max_length=200, description="times at which the limits change")
    ] = []
