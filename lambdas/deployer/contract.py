"""Names that the stack and the deployer's function share. No imports."""

from __future__ import annotations

from typing import Final

SOURCE: Final = "greenlight"
"""The source of the deployer's own events."""

OUTCOME_DETAIL_TYPE: Final = "Greenlight Deployment Outcome"
PART_DETAIL_TYPE: Final = "Greenlight Sweep Part"

STACK_NAME: Final = "StackName"
"""The member of events and of stored settings that says whose they are."""

PREFIX: Final = "greenlight:"
"""How the deployer's tags begin, and the customer metadata properties that it writes to versions."""

STACK_TAG: Final = f"{PREFIX}stack"
ENDPOINT_TAG: Final = f"{PREFIX}endpoint"

JOURNAL_PARTITION_KEY: Final = "endpoint"
JOURNAL_SORT_KEY: Final = "item"

SETTINGS_SCHEMA_VERSION: Final = 1


class SettingsKey:
    """Members of an endpoint's stored settings that are no member of SageMaker's requests."""

    SCHEMA_VERSION: Final = "SchemaVersion"
    PINS: Final = "Pins"
    SHADOW: Final = "Shadow"
    APPROVAL_POLICY: Final = "ApprovalPolicy"
    APPROVERS: Final = "Approvers"
    FOUR_EYES: Final = "FourEyes"
    DEPLOYERS: Final = "Deployers"
    KEEP: Final = "Keep"
    ABORT_ALARM_NAME: Final = "AbortAlarmName"
    AUTO_SCALING: Final = "AutoScaling"
    STAGE_NAME: Final = "StageName"
    GATE: Final = "Gate"
    PROMOTION: Final = "Promotion"
    LATER_STAGES: Final = "LaterStages"
    SOAK_SECONDS: Final = "SoakSeconds"
    SMOKE_TEST: Final = "SmokeTest"
    TIME_LIMIT_SECONDS: Final = "TimeLimitSeconds"
    REQUESTS: Final = "Requests"
    LOG_BODIES: Final = "LogBodies"
    BODY_S3_URI: Final = "BodyS3Uri"
    SAMPLE_PAYLOAD: Final = "SamplePayload"
    RESPONSE_CONTENT_TYPE: Final = "ResponseContentType"
    EXPECT: Final = "Expect"
    P95_MILLISECONDS: Final = "P95Milliseconds"
    CALLS: Final = "Calls"


def endpoint_property(stage_name: str, endpoint_name: str) -> str:
    """Name the property that says how a version fares on an endpoint."""
    return f"{PREFIX}{stage_name}:endpoint:{endpoint_name}"


def digest_property(stage_name: str, specification_name: str | None) -> str:
    """Name the property that says what a stage deployed, by inference specification."""
    suffix = f":{specification_name}" if specification_name is not None else ""
    return f"{PREFIX}{stage_name}:digest{suffix}"


def promoted_property(stage_name: str) -> str:
    """Name the property that says that a stage passed a version on."""
    return f"{PREFIX}{stage_name}:promoted"
