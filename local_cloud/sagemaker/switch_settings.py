"""The plausible settings of each switch: possible behaviours of SageMaker that nobody could establish."""

from __future__ import annotations

from enum import StrEnum


class UnapprovedPackage(StrEnum):
    """Which call refuses a version that is not Approved.

    The documentation says only: "must be set to Approved to deploy the model".
    """

    CREATE_MODEL = "create_model"
    CREATE_ENDPOINT_CONFIG = "create_endpoint_config"
    CREATE_ENDPOINT = "create_endpoint"
    DEPLOYMENT = "deployment"
    NEVER = "never"


class PackageAuthorization(StrEnum):
    """On which model packages CreateModel must be allowed, apart from the model.

    The service authorization reference names only the model, AWS's cross-account policy also the package.
    """

    ALWAYS = "always"
    ACROSS_ACCOUNTS = "across_accounts"


class PackageEnvironment(StrEnum):
    """How SageMaker combines a container's `Environment` with its model package's."""

    MERGE = "merge"
    REPLACE = "replace"


class DescribedContainers(StrEnum):
    """Whether DescribeModel shows a `Containers` list of one as sent, or as `PrimaryContainer`."""

    AS_REQUESTED = "as_requested"
    PRIMARY = "primary"


class DescribedPackage(StrEnum):
    """What DescribeModel shows of a container's package, apart from the name.

    It returns the package's name and the inference specification's (seen: Terraform's tests of
    `aws_sagemaker_model`).
    """

    NAME = "name"
    ENVIRONMENT = "environment"
    CONTENTS = "contents"


class DescribedEmpties(StrEnum):
    """Whether descriptions of models and endpoint configs show empty members of the request."""

    KEPT = "kept"
    DROPPED = "dropped"


class CreationEventFields(StrEnum):
    """The value of `UpdatedModelPackageFields` in the event of a new version."""

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
    """What SageMaker's API knows beyond the installed botocore."""

    INSTALLED = "installed"
    NEWER = "newer"


class SameConfigUpdate(StrEnum):
    """What UpdateEndpoint does with the endpoint's present config."""

    REDEPLOY = "redeploy"
    REFUSE = "refuse"
    NO_OPERATION = "no_operation"


class StatusSpelling(StrEnum):
    """How endpoint events spell statuses that nobody has seen in an event."""

    UPPER_SNAKE = "upper_snake"
    UPPER = "upper"
    CAMEL = "camel"


class OutOfServicePermits(StrEnum):
    """Which operations an OutOfService endpoint permits."""

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
    """Whether Describe, Update and Delete find a resource by its name in another letter case."""

    CASE_INSENSITIVE = "case_insensitive"
    CASE_SENSITIVE = "case_sensitive"


class FilteredPages(StrEnum):
    """Whether a List call fills its pages after filtering, or filters a full page."""

    FULL = "full"
    SHORT = "short"


class UndersizedGuardrail(StrEnum):
    """What happens to canary, linear or rolling traffic on a variant too small for it (one instance)."""

    REFUSE = "refuse"
    ALL_AT_ONCE = "all_at_once"
    FAIL = "fail"


class ShadowSizes(StrEnum):
    """Whether a shadow's instances bound the size of a canary or step, as a production variant's do."""

    FREE = "free"
    BOUND = "bound"


class MissingAlarm(StrEnum):
    """What an update does if its AutoRollbackConfiguration names a missing alarm."""

    REFUSE = "refuse"
    FAIL = "fail"
    IGNORE = "ignore"


class MissingGroupListing(StrEnum):
    """What ListModelPackages answers for a missing group. Seen for Describe calls only."""

    VALIDATION = "validation"
    RESOURCE_NOT_FOUND = "resource_not_found"
    EMPTY = "empty"


class SearchIndex(StrEnum):
    """How far Search is behind the registry: not at all, by minutes, or for good.

    No page says how soon Search shows a change, and each of a search's results is a copy of what it found.
    """

    AT_ONCE = "at_once"
    LATE = "late"
    NEVER = "never"


class SearchedGroupNames(StrEnum):
    """Whether Search shows the name of a version's group: nobody published a result that has versions."""

    PRESENT = "present"
    ABSENT = "absent"


class GuardedVariants(StrEnum):
    """What a guarded update does if its variants' names differ from the present ones.

    The developer guide says only that they must be the same ("deployment-guardrails-exclusions").
    """

    REFUSE = "refuse"
    ALL_AT_ONCE = "all_at_once"


class AlarmAtStart(StrEnum):
    """What an update does if its rollback alarm is already in ALARM."""

    ROLL_BACK = "roll_back"
    REFUSE = "refuse"
    IGNORE_UNTIL_OK = "ignore_until_ok"


class AlarmRollbackReason(StrEnum):
    """What the FailureReason says after a rollback by an alarm."""

    NAMED = "named"
    UNNAMED = "unnamed"
    ABSENT = "absent"


class UnpulledImage(StrEnum):
    """What the FailureReason says when the model's role may not pull the image: each was seen.

    aws/deep-learning-containers #759 (2020), bentoml/aws-sagemaker-deploy #2 (2021), and
    aws/amazon-sagemaker-examples #275 (2018), also for a missing image.
    """

    NAMED = "named"
    NAMED_AFTER_SPACE = "named_after_space"
    UNNAMED = "unnamed"


class UpdateRollbackStatus(StrEnum):
    """Which EndpointStatus an endpoint has during an update's rollback."""

    UPDATING = "updating"
    ROLLING_BACK = "rolling_back"


class PendingVariantStatus(StrEnum):
    """What DescribeEndpoint shows of an update's stage, in a pending variant's `VariantStatus`.

    botocore has the member, and says of it what the deployment state change event's page says. Both it and
    its message are optional. Nobody published an answer.
    """

    WITH_MESSAGE = "with_message"
    WITHOUT_MESSAGE = "without_message"
    ABSENT = "absent"


class UnversionedKeys(StrEnum):
    """How the event of an unversioned package shows members that only versions have."""

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
    """On which alarm IAM checks PutMetricAlarm and DeleteAlarms without parameters.

    Both were seen for calls without a name: an empty one (amazon-cloudwatch-auto-alarms #18, 2022,
    DeleteAlarms) and every one (amazon-cloudwatch-auto-alarms #1, DescribeAlarms).
    """

    EMPTY_NAME = "empty_name"
    EVERY_NAME = "every_name"


class TriedEndpoint(StrEnum):
    """On which endpoint IAM checks SageMaker's calls during the registration of a variant.

    Seen for DescribeEndpointConfig: a missing name (aws-controllers-k8s/community #2110, 2024).
    """

    NOBODYS = "nobodys"
    REGISTERED = "registered"


class DescribedAlarms(StrEnum):
    """On which resource IAM checks DescribeAlarms with names.

    Every public denial is on `alarm:*` (mattclay/aws-terminator PR #63, 2019, among them). botocore's text on
    composite alarms implies that a narrower permission works for others.
    """

    EVERY_ALARM = "every_alarm"
    EACH_NAME = "each_name"


class SetAlarmState(StrEnum):
    """For how long a metric alarm keeps the state that SetAlarmState gave it, while its metric has no data.

    botocore: it "returns to [its] actual state quickly, often within seconds". CloudWatch's guide says of an
    alarm that ignores missing data that it retains its current state. Nobody says which of the two is that.
    """

    KEPT = "kept"
    UNTIL_EVALUATED = "until_evaluated"


class TagsOfAlarmChanges(StrEnum):
    """Whether IAM sees the tags of a PutMetricAlarm that changes an alarm. CloudWatch itself ignores them."""

    SEEN = "seen"
    IGNORED = "ignored"


class CompositeAlarms(StrEnum):
    """Which permission makes DescribeAlarms show composite alarms: for `*` itself, or for every alarm.

    CloudWatch's pages and botocore say: permission that "is scoped to `*`".
    """

    EVERYTHING = "everything"
    EVERY_ALARM = "every_alarm"
