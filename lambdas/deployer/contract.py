"""Names that the stack and the deployer's function share. No imports."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
"""Which Greenlight this is. The stack says it in an output, and the command compares it with its own."""

SOURCE: Final = "greenlight"
"""The source of the deployer's own events."""

OUTCOME_DETAIL_TYPE: Final = "Greenlight Deployment Outcome"
PART_DETAIL_TYPE: Final = "Greenlight Sweep Part"

REQUEST_DETAIL_TYPE: Final = "Greenlight Request"
"""An operator's event: a request is in the journal. The event itself says nothing else."""

STACK_NAME: Final = "StackName"
"""The member of events that says which stack they are of."""

PREFIX: Final = "greenlight:"
"""How the deployer's tags begin, and the customer metadata properties that it writes to versions."""

STACK_TAG: Final = f"{PREFIX}stack"
ENDPOINT_TAG: Final = f"{PREFIX}endpoint"

VERSION_TAG: Final = f"{PREFIX}version"
APPROVED_BY_TAG: Final = f"{PREFIX}approved-by"
APPROVED_AT_TAG: Final = f"{PREFIX}approved-at"
"""Tags of endpoint configs, for people: no decision reads them."""

ADOPTED_TAG: Final = f"{PREFIX}adopted"
"""The tag of an endpoint that was handed over by `greenlight adopt`: the config that the deployer would make,
in whose place the endpoint's own serves."""

METRIC_NAMESPACE: Final = "Greenlight"
"""CloudWatch's namespace of the deployer's own metrics."""

ABORT_METRIC: Final = "Abort"
"""What an abort alarm measures: when a rollout was last to be aborted, and when that was last over."""

INSTANCES: Final = "sagemaker:variant:DesiredInstanceCount"
CONCURRENCY: Final = "sagemaker:variant:DesiredProvisionedConcurrency"
"""The dimensions by which variants on instances and serverless ones scale."""

JOURNAL_PARTITION_KEY: Final = "endpoint"
JOURNAL_SORT_KEY: Final = "item"

JOURNAL_EXPIRY: Final = "expires_at"
"""When DynamoDB may delete an item of the journal, in seconds since 1970. Only items of history have it."""

FLEET: Final = f"{PREFIX}fleet"
"""The journal's partition with an item for each endpoint. No endpoint's name has a colon."""

PAUSES: Final = f"{PREFIX}pauses"
"""The journal's partition of pauses, by endpoint."""

REQUESTS: Final = f"{PREFIX}requests"
"""The journal's partition of what operators ask the deployer to do, by endpoint, time and verb."""

ALL_ENDPOINTS: Final = "*"
"""The key of a pause of all endpoints."""

SETTINGS_DIRECTORY: Final = "endpoint_settings"
"""Where the endpoints' settings are in the function's bundle."""

SETTINGS_INDEX: Final = "index.json"
"""The file of that directory that lists all endpoints."""

SETTINGS_PARAMETER: Final = "/greenlight/{stack_name}/settings-digest"
"""The parameter whose change says that other settings were deployed."""

DIGEST_DIGITS: Final = 16
"""How many hexadecimal digits of a file's SHA-256 stand for its content."""


DEPLOYER_ROLE_ID: Final = "DeployerRole"
"""How the logical id of the deployer's role ends, before the digits that CDK adds."""


class SettingsIndex:
    """Members of the index of all endpoints' settings."""

    DIGESTS: Final = "Digests"
    """Endpoint's name to the digest of its settings file."""

    FOLLOWERS: Final = "Followers"
    """Model package group's name, in lower case, to the names of the endpoints that follow it."""

    GROUP_ARNS: Final = "GroupArns"
    """Endpoint's name to the ARN of the group that it follows, if its settings name the group by ARN."""


class SettingsKey:
    """Members of an endpoint's compiled settings that are no member of SageMaker's requests."""

    PINS: Final = "Pins"
    SHADOW: Final = "Shadow"
    APPROVAL_POLICY: Final = "ApprovalPolicy"
    APPROVERS: Final = "Approvers"
    FOUR_EYES: Final = "FourEyes"
    DEPLOYERS: Final = "Deployers"
    KEEP: Final = "Keep"
    RESTART: Final = "Restart"
    QUOTE_LOGS: Final = "QuoteLogs"
    VERSION_METADATA: Final = "VersionMetadata"
    SUPPORTED_INSTANCE_TYPES: Final = "SupportedInstanceTypes"
    ABORT_ALARM_NAME: Final = "AbortAlarmName"
    BACK: Final = "Back"
    ALARMS: Final = "RollbackAlarms"
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
    BEFORE_ROLLOUT: Final = "BeforeRollout"
    EVERY_SECONDS: Final = "EverySeconds"
    BODY_S3_URI: Final = "BodyS3Uri"
    SAMPLE_PAYLOAD: Final = "SamplePayload"
    RESPONSE_CONTENT_TYPE: Final = "ResponseContentType"
    EXPECT: Final = "Expect"
    P95_MILLISECONDS: Final = "P95Milliseconds"
    CALLS: Final = "Calls"
    FREEZE: Final = "Freeze"
    REASON: Final = "Reason"
    RULE: Final = "Rule"
    START: Final = "Start"
    DURATION_SECONDS: Final = "DurationSeconds"
    TIMEZONE: Final = "Timezone"
    TIMEZONE_DATA: Final = "TimezoneData"


def alarm_prefix(stack_name: str, endpoint_name: str) -> str:
    """Return how the names of an endpoint's alarms begin. A dot is in no name of a stack or an endpoint."""
    return f"{stack_name}.{endpoint_name}."


def settings_file(endpoint_name: str) -> str:
    """Name the file of an endpoint's settings, below the settings' directory."""
    return f"endpoints/{endpoint_name}.json"


def endpoint_property(stage_name: str | None, endpoint_name: str) -> str:
    """Name the property that says how a version fares on an endpoint, of a stage if there are any."""
    stage = f"{stage_name}:" if stage_name is not None else ""
    return f"{PREFIX}{stage}endpoint:{endpoint_name}"


PREFLIGHT_PROPERTY: Final = f"{PREFIX}preflight"
"""The property that says what would keep a version from serving, before anybody approves it."""


def digest_property(stage_name: str, specification_name: str | None) -> str:
    """Name the property that says what a stage deployed, by inference specification."""
    suffix = f":{specification_name}" if specification_name is not None else ""
    return f"{PREFIX}{stage_name}:digest{suffix}"


def promoted_property(stage_name: str) -> str:
    """Name the property that says that a stage passed a version on."""
    return f"{PREFIX}{stage_name}:promoted"
