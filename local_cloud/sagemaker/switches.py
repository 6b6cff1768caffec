"""The behaviours of SageMaker that nobody could establish, each as a choice with every plausible setting.

Owns the settings and what each would mean for a client. It decides nothing: the module that meets the
behaviour reads its switch. A client is only trustworthy if it is right under every combination, so tests turn
these; the defaults are the judgement of which setting is most likely.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Mapping


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """Choose among the plausible behaviours; every member's docstring says what it does to clients."""

    unapproved_package: UnapprovedPackage = UnapprovedPackage.CREATE_MODEL
    """A client that checks approval itself never notices, unless a version is rejected between its calls. One
    that relies on AWS must handle the refusal at each call (`create_endpoint` means UpdateEndpoint too), with
    `deployment` in the FailureReason only, and with `never` it puts unapproved models into production."""

    package_authorization: PackageAuthorization = PackageAuthorization.ALWAYS
    """With `always` a client needs sagemaker:CreateModel on packages of its own account too: grant both."""

    package_environment: PackageEnvironment = PackageEnvironment.MERGE
    """With `merge` the container's values win key by key. With `replace` a client that sets one variable
    loses all of the package's: set the complete map whenever any variable is set."""

    described_containers: DescribedContainers = DescribedContainers.AS_REQUESTED
    """A client that compares a model with its own request must take both for the same."""

    described_package: DescribedPackage = DescribedPackage.NAME
    """With `environment` a container shows the package's environment merged with its own; with `contents`
    each container of the package is shown with image and model data, too. A client that compares must know
    the package."""

    described_empties: DescribedEmpties = DescribedEmpties.KEPT
    """With `dropped`, what is false or empty is absent. A client must take these for the same."""

    creation_event_updated_fields: CreationEventFields = CreationEventFields.ABSENT
    """A rule or a parser that requires the key misses versions registered as Approved."""

    creation_events: CreationEvents = CreationEvents.COMPLETED
    """With `each_status` the first event of a version finds it InProgress: not yet deployable."""

    updated_fields: UpdatedFields = UpdatedFields.REQUESTED
    """With `changed`, approving what is Approved already looks like no approval: a retry of a failed version
    by approving it again needs a reject in between."""

    return_to_pending: Answer = Answer.ACCEPT
    """Whether UpdateModelPackage accepts PendingManualApproval for a version already decided. A client must
    treat it as "approval withdrawn", since it can happen."""

    same_config_update: SameConfigUpdate = SameConfigUpdate.REDEPLOY
    """A client should never send it: `redeploy` replaces a fleet for nothing, `refuse` fails, and after
    `no_operation` no event arrives."""

    endpoint_event_spelling: StatusSpelling = StatusSpelling.UPPER_SNAKE
    """IN_SERVICE, UPDATING and FAILED are established. A client that compares strings breaks on the rest: it
    should ignore the event's status and call DescribeEndpoint."""

    endpoint_event_time: EventTime = EventTime.ISO
    """The documentation's sample has epoch milliseconds as a string, captures have ISO 8601. A parser must
    survive both."""

    endpoint_event_tags: ServingTags = ServingTags.PRESENT
    """Captures carry tags as a map, the documentation's sample an empty one: no decision may rest on them."""

    out_of_service_permits: OutOfServicePermits = OutOfServicePermits.UPDATE_AND_DELETE
    """A client that meets a refusal here must report it and wait, since no call of its own helps."""

    not_found_names: NotFoundNames = NotFoundNames.NAME
    """A client must match the message's beginning only."""

    arn_letter_case: ArnLetterCase = ArnLetterCase.LOWER
    """A client must compare ARNs without regard to case, and never cut a name out of one."""

    name_lookup: NameLookup = NameLookup.CASE_INSENSITIVE
    """Names are unique without regard to case in any setting. A client should use a name as it was "
    "created."""

    filtered_pages: FilteredPages = FilteredPages.FULL
    """With `short` a page may be empty and still carry a NextToken: follow the token, not the count."""

    undersized_guardrail: UndersizedGuardrail = UndersizedGuardrail.REFUSE
    """A canary or batch is at most half of a variant, which one instance cannot satisfy. With `refuse`
    UpdateEndpoint fails, with `fail` the deployment rolls back, and `all_at_once` would silently deploy
    without a canary: check it before the call."""

    missing_alarm: MissingAlarm = MissingAlarm.REFUSE
    """With `refuse` UpdateEndpoint fails, with `fail` the deployment rolls back, and with `ignore` it runs
    unguarded: a client should make sure that its alarms exist."""

    alarm_at_start: AlarmAtStart = AlarmAtStart.ROLL_BACK
    """A client that leaves an alarm in ALARM (one that it set itself, say) cannot update: with `roll_back`
    the update fails at once, with `refuse` at the call, and with `ignore_until_ok` the alarm guards
    nothing."""

    alarm_rollback_reason: AlarmRollbackReason = AlarmRollbackReason.NAMED
    """A client must not need the reason to know that the update failed: it can be missing altogether."""

    unpulled_image: UnpulledImage = UnpulledImage.NAMED
    """A client must take all for a permission that may be missing, and show none with its space before it."""

    update_rollback_status: UpdateRollbackStatus = UpdateRollbackStatus.UPDATING
    """The model's text gives RollingBack to changes of weights and capacities only. A client must wait in
    either status."""

    busy_scalable_target: Answer = Answer.REFUSE
    """Whether RegisterScalableTarget accepts a variant whose endpoint is not InService. A client should wait
    for InService, and register again if it was refused."""

    retagged_scalable_target: Answer = Answer.REFUSE
    """Whether RegisterScalableTarget accepts tags for a target that exists ("To tag an existing scalable
    target, use the TagResource operation"). A client that registers again should send no tags."""

    tried_alarm: TriedAlarm = TriedAlarm.EMPTY_NAME
    """A policy that names alarms by a prefix lets nobody register a scalable target under either setting."""

    tried_endpoint: TriedEndpoint = TriedEndpoint.NOBODYS
    """With `nobodys`, a condition on a tag of the endpoint lets nobody register its variants."""

    described_alarms: DescribedAlarms = DescribedAlarms.EVERY_ALARM
    """With `every_alarm`, a permission for some alarms is none: grant it for all, of which only states are
    read."""

    composite_alarms: CompositeAlarms = CompositeAlarms.EVERYTHING
    """With `everything`, who may describe `alarm:*` alone sees no composite alarm, and no error."""

    supported_instance_types: Answer = Answer.ACCEPT
    """Whether CreateEndpointConfig accepts an instance type that the package's
    SupportedRealtimeInferenceInstanceTypes does not list (registry packages, not Marketplace)."""

    undocumented_combinations: Answer = Answer.ACCEPT
    """Whether CreateEndpointConfig accepts what no text speaks of: VpcConfig and EnableNetworkIsolation of a
    config whose variants name models, and ExplainerConfig beside ServerlessConfig. A client must report a
    refusal as one of its settings."""

    api_version: ApiVersion = ApiVersion.INSTALLED
    """With `installed`, members that botocore's model lacks are ignored, and enum values refused. With
    `newer` both are taken and kept: a client that drops them serves something else."""

    missing_group_listing: MissingGroupListing = MissingGroupListing.VALIDATION
    """A client must take each of the answers for a group without versions: its settings may come first."""

    asynchronous_added: Answer = Answer.REFUSE
    """Whether UpdateEndpoint makes a real-time endpoint asynchronous. The other way round is refused (seen),
    so a client must be ready for both, and must not take a refusal for the version's fault."""

    guarded_variants: GuardedVariants = GuardedVariants.REFUSE
    """With `all_at_once` neither canary nor alarms guard such an update: a client should leave the deployment
    config out and say so, whatever the setting."""

    unversioned_keys: UnversionedKeys = UnversionedKeys.ABSENT
    """A parser must treat a null ModelPackageGroupName like a missing one."""

    requests_per_second: int | None = None
    """The most calls of one operation that an account and region may make in one second; more are refused
    with ThrottlingException. AWS publishes no number. None: no limit."""

    def to_document(self) -> dict[str, Any]:
        """Return the settings as a JSON object, member name to value."""
        return {
            name: str(value) if isinstance(value, StrEnum) else value for name, value in asdict(self).items()
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], base: Switches | None = None) -> Switches:
        """Build settings from a JSON object; members that it lacks come from `base` or the defaults.

        Raises:
            ValueError: A member or a value is unknown; the message lists what there is.
        """
        hints = get_type_hints(cls)
        values = {field.name: getattr(cls() if base is None else base, field.name) for field in fields(cls)}
        for name, value in document.items():
            if name not in values:
                raise ValueError(f"Unknown switch {name!r}. Switches: {', '.join(sorted(values))}.")
            kind = hints[name]
            if isinstance(kind, type) and issubclass(kind, StrEnum):
                if value not in list(kind):
                    raise ValueError(f"Switch {name!r} cannot be {value!r}. Settings: {', '.join(kind)}.")
                values[name] = kind(value)
            elif value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
                values[name] = value
            else:
                raise ValueError(
                    f"Switch {name!r} cannot be {value!r}. It is a positive whole number or null."
                )
        return cls(**values)
