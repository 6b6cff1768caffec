"""The behaviours of SageMaker that nobody could establish, each as a choice among `switch_settings`.

Owns the choice, and what each setting means for a client. It decides nothing: the module that meets the
behaviour reads its switch. A client is only trustworthy if it is right under every combination, so tests turn
these; the defaults are the judgement of which setting is most likely.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, get_type_hints

from local_cloud.sagemaker.switch_settings import (
    AlarmAtStart,
    AlarmRollbackReason,
    Answer,
    ApiVersion,
    ArnLetterCase,
    CompositeAlarms,
    CreationEventFields,
    CreationEvents,
    DescribedAlarms,
    DescribedContainers,
    DescribedEmpties,
    DescribedPackage,
    EventTime,
    FilteredPages,
    GuardedVariants,
    MissingAlarm,
    MissingGroupListing,
    NameLookup,
    NotFoundNames,
    OutOfServicePermits,
    PackageAuthorization,
    PackageEnvironment,
    SameConfigUpdate,
    ServingTags,
    StatusSpelling,
    TriedAlarm,
    TriedEndpoint,
    UnapprovedPackage,
    UndersizedGuardrail,
    UnpulledImage,
    UnversionedKeys,
    UpdatedFields,
    UpdateRollbackStatus,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


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
