"""The behaviours of SageMaker that nobody could establish, each as a choice among `switch_settings`.

Owns the choice, and its meaning for a client; the affected module reads its switch. A client must be right
under every combination, so tests try them. The defaults are our guess of the most likely setting.
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
    PendingVariantStatus,
    SameConfigUpdate,
    SearchedGroupNames,
    SearchIndex,
    ServingTags,
    SetAlarmState,
    ShadowSizes,
    StatusSpelling,
    TagsOfAlarmChanges,
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
    """Choose among the plausible behaviours; every member's docstring says how it affects clients."""

    unapproved_package: UnapprovedPackage = UnapprovedPackage.CREATE_MODEL
    """A client that checks approval itself notices nothing, unless a version is rejected between its calls. A
    client that relies on AWS must handle the refusal at each call (`create_endpoint` includes
    UpdateEndpoint). With `deployment` it appears only in the FailureReason. With `never` unapproved models go
    into production."""

    package_authorization: PackageAuthorization = PackageAuthorization.ALWAYS
    """With `always` a client needs sagemaker:CreateModel on packages of its own account too: grant both."""

    package_environment: PackageEnvironment = PackageEnvironment.MERGE
    """With `merge` the container's values win key by key. With `replace` a client that sets one variable
    loses all of the package's: then set the complete map."""

    described_containers: DescribedContainers = DescribedContainers.AS_REQUESTED
    """A client that compares a model with its own request must treat both as equal."""

    described_package: DescribedPackage = DescribedPackage.NAME
    """With `environment` a container shows the package's environment merged with its own. With `contents` it
    also shows each container of the package with image and model data. A client that compares must know the
    package."""

    described_empties: DescribedEmpties = DescribedEmpties.KEPT
    """With `dropped`, false and empty members are absent. A client must treat both as equal."""

    creation_event_updated_fields: CreationEventFields = CreationEventFields.ABSENT
    """A rule or a parser that requires the key misses versions registered as Approved."""

    creation_events: CreationEvents = CreationEvents.COMPLETED
    """With `each_status` a version is InProgress at its first event: not yet deployable."""

    updated_fields: UpdatedFields = UpdatedFields.REQUESTED
    """With `changed`, approving an Approved version again looks like no approval. To retry a failed version,
    reject it before approving it again."""

    return_to_pending: Answer = Answer.ACCEPT
    """Whether UpdateModelPackage accepts PendingManualApproval for a decided version. A client must treat it
    as a withdrawn approval."""

    same_config_update: SameConfigUpdate = SameConfigUpdate.REDEPLOY
    """A client should never send it: `redeploy` replaces a fleet for nothing, `refuse` fails, and after
    `no_operation` no event arrives."""

    endpoint_event_spelling: StatusSpelling = StatusSpelling.UPPER_SNAKE
    """IN_SERVICE, UPDATING and FAILED are established. A client that compares strings breaks on the rest:
    ignore the event's status and call DescribeEndpoint."""

    endpoint_event_time: EventTime = EventTime.ISO
    """The documentation's sample has epoch milliseconds as a string, captures have ISO 8601. A parser must
    accept both."""

    endpoint_event_tags: ServingTags = ServingTags.PRESENT
    """Captures carry tags as a map, the documentation's sample an empty map: do not rely on them."""

    out_of_service_permits: OutOfServicePermits = OutOfServicePermits.UPDATE_AND_DELETE
    """A client must report a refusal and wait, because none of its calls helps."""

    not_found_names: NotFoundNames = NotFoundNames.NAME
    """A client must match the message's beginning only."""

    arn_letter_case: ArnLetterCase = ArnLetterCase.LOWER
    """A client must compare ARNs without regard to case, and never extract a name from one."""

    name_lookup: NameLookup = NameLookup.CASE_INSENSITIVE
    """Names are unique without regard to case in any setting. A client should use a name as it was
    created."""

    filtered_pages: FilteredPages = FilteredPages.FULL
    """With `short` a page may be empty and still carry a NextToken: follow the token, not the count."""

    undersized_guardrail: UndersizedGuardrail = UndersizedGuardrail.REFUSE
    """A canary or batch is at most half of a variant, so one instance is too few. With `refuse`
    UpdateEndpoint fails; with `fail` the deployment rolls back; `all_at_once` silently deploys without a
    canary. Check before the call."""

    missing_alarm: MissingAlarm = MissingAlarm.REFUSE
    """With `refuse` UpdateEndpoint fails, with `fail` the deployment rolls back, and with `ignore` it runs
    unguarded: a client should check that its alarms exist."""

    alarm_at_start: AlarmAtStart = AlarmAtStart.ROLL_BACK
    """A client that leaves an alarm in ALARM (one that it set itself, say) cannot update. With `roll_back`
    the update fails at once, with `refuse` at the call; with `ignore_until_ok` the alarm guards nothing."""

    alarm_rollback_reason: AlarmRollbackReason = AlarmRollbackReason.NAMED
    """A client must recognise a failed update without the reason: it may be missing altogether."""

    unpulled_image: UnpulledImage = UnpulledImage.NAMED
    """A client must treat each as a missing permission, and strip the leading space for display."""

    update_rollback_status: UpdateRollbackStatus = UpdateRollbackStatus.UPDATING
    """The model's text describes RollingBack only for changes of weights and capacities. A client must wait
    in either status."""

    pending_variant_status: PendingVariantStatus = PendingVariantStatus.WITH_MESSAGE
    """A client that acts in a bake needs the status. To tell the bake with all calls from a canary's, it also
    needs the message: without it, it must wait for InService. Events carry both (documented sample)."""

    busy_scalable_target: Answer = Answer.REFUSE
    """Whether RegisterScalableTarget accepts a variant whose endpoint is not InService. A client should wait
    for InService, and register again after a refusal."""

    retagged_scalable_target: Answer = Answer.REFUSE
    """Whether RegisterScalableTarget accepts tags for an existing target ("To tag an existing scalable
    target, use the TagResource operation"). A client that registers again should send no tags."""

    tried_alarm: TriedAlarm = TriedAlarm.EMPTY_NAME
    """Under either setting, nobody can register a scalable target with a policy that names alarms by a
    prefix."""

    tried_endpoint: TriedEndpoint = TriedEndpoint.NOBODYS
    """With `nobodys`, nobody can register variants with a policy that has a condition on the endpoint's
    tag."""

    described_alarms: DescribedAlarms = DescribedAlarms.EVERY_ALARM
    """With `every_alarm`, a permission on some alarms has no effect: grant it on all; it only reads
    states."""

    composite_alarms: CompositeAlarms = CompositeAlarms.EVERYTHING
    """With `everything`, a caller who may describe only `alarm:*` sees no composite alarm, and no error."""

    set_alarm_state: SetAlarmState = SetAlarmState.KEPT
    """With `until_evaluated`, a client that sets an alarm's state must also publish what the alarm measures:
    the next evaluation takes back what the metric does not show."""

    tags_of_alarm_changes: TagsOfAlarmChanges = TagsOfAlarmChanges.SEEN
    """With `ignored`, a condition on the request's tags lets nobody change an alarm that exists: permit that
    by the alarm's own tag."""

    supported_instance_types: Answer = Answer.ACCEPT
    """Whether CreateEndpointConfig accepts an instance type that the package's
    SupportedRealtimeInferenceInstanceTypes does not list (registry packages, not Marketplace)."""

    undocumented_combinations: Answer = Answer.ACCEPT
    """Whether CreateEndpointConfig accepts combinations that no page mentions: VpcConfig and
    EnableNetworkIsolation of a config whose variants name models, and ExplainerConfig beside
    ServerlessConfig. A client must report a refusal as a problem of its settings."""

    api_version: ApiVersion = ApiVersion.INSTALLED
    """With `installed`, members that botocore's model lacks are ignored, and enum values refused. With
    `newer` both are accepted and kept: a client that drops them serves something else."""

    missing_group_listing: MissingGroupListing = MissingGroupListing.VALIDATION
    """A client must treat each answer as a group without versions: its settings may be deployed first."""

    search_index: SearchIndex = SearchIndex.AT_ONCE
    """A client that asks Search what changed must ask again for a while, and look by itself from time to
    time: with `never`, Search shows nothing."""

    search_group_names: SearchedGroupNames = SearchedGroupNames.PRESENT
    """With `absent` a client must take a version's group from its ARN."""

    asynchronous_added: Answer = Answer.REFUSE
    """Whether UpdateEndpoint makes a real-time endpoint asynchronous. The reverse is refused (seen), so a
    client must expect both, and must not blame the version for a refusal."""

    guarded_variants: GuardedVariants = GuardedVariants.REFUSE
    """With `all_at_once` neither canary nor alarms guard such an update: under both settings, omit the
    deployment config and say so."""

    unversioned_keys: UnversionedKeys = UnversionedKeys.ABSENT
    """A parser must treat a null ModelPackageGroupName like a missing one."""

    shadow_sizes: ShadowSizes = ShadowSizes.FREE
    """With `bound`, a canary beside a shadow of one instance is undersized: a client must report the refusal
    as a problem of its settings, and the mend is a second instance for the shadow."""

    requests_per_second: int | None = None
    """The most calls of one operation that an account and region may make in one second; more get a
    ThrottlingException. AWS publishes no number. None: no limit."""

    def to_document(self) -> dict[str, Any]:
        """Return the settings as a JSON object, member name to value."""
        return {
            name: str(value) if isinstance(value, StrEnum) else value for name, value in asdict(self).items()
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], base: Switches | None = None) -> Switches:
        """Build settings from a JSON object; missing members come from `base` or the defaults.

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
