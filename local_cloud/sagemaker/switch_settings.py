"""The plausible settings of each switch: what SageMaker may do where nobody could establish it."""

from __future__ import annotations

from enum import StrEnum


class UnapprovedPackage(StrEnum):
    """Which call refuses a version that is not Approved.

    The documentation only says: "must be set to Approved to deploy the model".
    """

    CREATE_MODEL = "create_model"
    CREATE_ENDPOINT_CONFIG = "create_endpoint_config"
    CREATE_ENDPOINT = "create_endpoint"
    DEPLOYMENT = "deployment"
    NEVER = "never"


class PackageAuthorization(StrEnum):
    """On which model packages CreateModel has to be allowed, besides the model.

    The service authorization reference names the model only, AWS's cross-account policy the package too.
    """

    ALWAYS = "always"
    ACROSS_ACCOUNTS = "across_accounts"


class PackageEnvironment(StrEnum):
    """How a container's `Environment` meets that of the model package it names."""

    MERGE = "merge"
    REPLACE = "replace"


class DescribedContainers(StrEnum):
    """Whether DescribeModel shows `Containers` of one as it was given, or as `PrimaryContainer`."""

    AS_REQUESTED = "as_requested"
    PRIMARY = "primary"


class DescribedPackage(StrEnum):
    """What DescribeModel shows of the package that a container names, beside the name.

    The name and the inference specification's come back (seen: Terraform's tests of `aws_sagemaker_model`).
    """

    NAME = "name"
    ENVIRONMENT = "environment"
    CONTENTS = "contents"


class DescribedEmpties(StrEnum):
    """Whether descriptions of models and endpoint configs show empty members of the request."""

    KEPT = "kept"
    DROPPED = "dropped"


class CreationEventFields(StrEnum):
    """What the event of a new version carries as `UpdatedModelPackageFields`."""

    ABSENT = "absent"
    NULL = "null"
    EMPTY = "empty"
    MODEL_APPROVAL_STATUS = "model_approval_status"


class CreationEvents(StrEnum):
    """Which statuses of a new version are announced."""

    COMPLETED = "completed"
    EACH_STATUS = "each_status"


class UpdatedFields(StrEnum):
    """What `UpdatedModelPackageFields` lists: members of the request, or only those whose value changed."""

    REQUESTED = "requested"
    CHANGED = "changed"


class Answer(StrEnum):
    """Whether a call is accepted or refused."""

    ACCEPT = "accept"
    REFUSE = "refuse"


class ApiVersion(StrEnum):
    """What SageMaker's API knows, beside the botocore that is installed."""

    INSTALLED = "installed"
    NEWER = "newer"


class SameConfigUpdate(StrEnum):
    """What UpdateEndpoint does when it names the config that the endpoint is on."""

    REDEPLOY = "redeploy"
    REFUSE = "refuse"
    NO_OPERATION = "no_operation"


class StatusSpelling(StrEnum):
    """How endpoint events spell the statuses of which no event was ever seen."""

    UPPER_SNAKE = "upper_snake"
    UPPER = "upper"
    CAMEL = "camel"


class OutOfServicePermits(StrEnum):
    """What may be done to an endpoint that is OutOfService."""

    DELETE = "delete"
    UPDATE_AND_DELETE = "update_and_delete"
    NOTHING = "nothing"


class NotFoundNames(StrEnum):
    """Whether "Could not find endpoint" quotes the ARN (seen in 2020) or the bare name (seen in 2025)."""

    ARN = "arn"
    NAME = "name"


class ArnLetterCase(StrEnum):
    """Whether ARNs carry names in lower case (most examples) or as given (one documentation page)."""

    LOWER = "lower"
    PRESERVED = "preserved"


class NameLookup(StrEnum):
    """Whether Describe, Update and Delete find a resource by a name in other letter case."""

    CASE_INSENSITIVE = "case_insensitive"
    CASE_SENSITIVE = "case_sensitive"


class FilteredPages(StrEnum):
    """Whether a List call fills its pages after filtering, or filters a page and returns what is left."""

    FULL = "full"
    SHORT = "short"


class UndersizedGuardrail(StrEnum):
    """What happens to canary, linear or rolling traffic on a variant too small for it (one instance)."""

    REFUSE = "refuse"
    ALL_AT_ONCE = "all_at_once"
    FAIL = "fail"


class MissingAlarm(StrEnum):
    """What an update does whose AutoRollbackConfiguration names an alarm that does not exist."""

    REFUSE = "refuse"
    FAIL = "fail"
    IGNORE = "ignore"


class MissingGroupListing(StrEnum):
    """What ListModelPackages answers for a group that does not exist. Seen for Describe calls only."""

    VALIDATION = "validation"
    RESOURCE_NOT_FOUND = "resource_not_found"
    EMPTY = "empty"


class GuardedVariants(StrEnum):
    """What becomes of a guarded update whose variants have other names than those that serve.

    The developer guide only says that they must be the same ("deployment-guardrails-exclusions").
    """

    REFUSE = "refuse"
    ALL_AT_ONCE = "all_at_once"


class AlarmAtStart(StrEnum):
    """What an update does whose rollback alarm is in ALARM already."""

    ROLL_BACK = "roll_back"
    REFUSE = "refuse"
    IGNORE_UNTIL_OK = "ignore_until_ok"


class AlarmRollbackReason(StrEnum):
    """What the FailureReason says after an alarm rolled an update back."""

    NAMED = "named"
    UNNAMED = "unnamed"
    ABSENT = "absent"


class UnpulledImage(StrEnum):
    """What the FailureReason says of an image that the model's role may not pull: each was seen.

    aws/deep-learning-containers #759 (2020), bentoml/aws-sagemaker-deploy #2 (2021), and
    aws/amazon-sagemaker-examples #275 (2018), which also stands for an image that is missing.
    """

    NAMED = "named"
    NAMED_AFTER_SPACE = "named_after_space"
    UNNAMED = "unnamed"


class UpdateRollbackStatus(StrEnum):
    """Which EndpointStatus an endpoint has while an update is rolled back."""

    UPDATING = "updating"
    ROLLING_BACK = "rolling_back"


class UnversionedKeys(StrEnum):
    """How the event of an unversioned package shows the members that only versions have."""

    ABSENT = "absent"
    NULL = "null"


class EventTime(StrEnum):
    """How an endpoint event spells its envelope's `time`."""

    ISO = "iso"
    EPOCH_MILLISECONDS = "epoch_milliseconds"


class ServingTags(StrEnum):
    """Whether an endpoint event carries the endpoint's tags or an empty map."""

    PRESENT = "present"
    EMPTY = "empty"


class TriedAlarm(StrEnum):
    """On which alarm IAM is asked about PutMetricAlarm and DeleteAlarms without parameters.

    Both were seen of calls without a name: an empty one (amazon-cloudwatch-auto-alarms #18, 2022,
    DeleteAlarms) and every one (amazon-cloudwatch-auto-alarms #1, DescribeAlarms).
    """

    EMPTY_NAME = "empty_name"
    EVERY_NAME = "every_name"


class TriedEndpoint(StrEnum):
    """On which endpoint IAM is asked about SageMaker's calls when a variant is registered.

    Seen for DescribeEndpointConfig: a name that does not exist (aws-controllers-k8s/community #2110, 2024).
    """

    NOBODYS = "nobodys"
    REGISTERED = "registered"


class DescribedAlarms(StrEnum):
    """On what IAM is asked about DescribeAlarms with names.

    Every denial in public is on `alarm:*` (mattclay/aws-terminator PR #63, 2019, among them). botocore's text
    on composite alarms implies that a narrower permission works for others.
    """

    EVERY_ALARM = "every_alarm"
    EACH_NAME = "each_name"


class CompositeAlarms(StrEnum):
    """With which permission DescribeAlarms shows composite alarms: for `*` itself, or for every alarm.

    CloudWatch's pages and botocore say: permission that "is scoped to `*`".
    """

    EVERYTHING = "everything"
    EVERY_ALARM = "every_alarm"
