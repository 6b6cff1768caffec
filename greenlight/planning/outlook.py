"""Gathers what settings or a decision would do to endpoints, one value for each. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from deployer.decisions.course import NothingApproved
from deployer.decisions.plan import (
    Blocked,
    CannotChange,
    Deploy,
    Foreign,
    Held,
    InSync,
    NothingStands,
    OnTestEndpoint,
    WaitForAlarms,
    WaitToRetry,
)
from deployer.decisions.restarting import restart_of
from deployer.decisions.trying_again import counting
from deployer.decisions.verdicts import Rule
from deployer.model.attempt import AttemptStatus
from deployer.model.names import same_arn, version_number
from deployer.model.steps import CreateEndpoint, CreateTestEndpoint, UpdateEndpoint
from greenlight.planning.changes import changes
from greenlight.planning.instances import during, of_config
from greenlight.planning.rollouts import RolloutPlan, rollout_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.decisions.course import Course, Preview
    from greenlight.planning.changes import Change
    from greenlight.planning.checks import Check


class Effect(Enum):
    """What would become of an endpoint."""

    NOTHING = "nothing"
    """Nothing changes."""

    WITHOUT_ROLLOUT = "without_rollout"
    """Its settings change, and no rollout is needed."""

    CREATES = "creates"
    UPDATES = "updates"
    TESTS_FIRST = "tests_first"
    """The version is tested on a test endpoint before its rollout."""

    RECREATES = "recreates"
    """It failed, and is deleted and created again."""

    WAITS_FOR_APPROVAL = "waits_for_approval"
    """It is new: it serves the next version that is approved."""

    UNDER_WAY = "under_way"
    """A change is under way, and nothing is planned before that ends."""

    HELD = "held"
    WAITS = "waits"
    FOREIGN = "foreign"
    CANNOT_CHANGE = "cannot_change"
    STUCK = "stuck"
    """Nobody can go on without a person."""

    NO_LONGER_MANAGED = "no_longer_managed"


@dataclass(frozen=True, slots=True)
class Outlook:
    """One endpoint.

    Attributes:
        endpoint_name: The endpoint.
        group_name: The group that it follows.
        effect: What would become of it.
        changes: The settings that change.
        serves: The versions on it now, the approved one first.
        in_turn: The versions that go out, one after another, if each succeeds.
        failed_before: Those of them that failed with the settings before.
        restarts: Whether the version that serves goes out once more, as a person asked for a restart.
        rollout: How the first of them rolls out; None if nothing does, or the endpoint is created.
        instances: How many instances run meanwhile at the most, old and new ones, by type.
        message: What else is to be said: whose it is, what holds it back, why it cannot change.
        checks: What was looked at before.
    """

    endpoint_name: str
    group_name: str
    effect: Effect
    changes: tuple[Change, ...] = ()
    serves: tuple[int, ...] = ()
    in_turn: tuple[int, ...] = ()
    failed_before: tuple[int, ...] = ()
    restarts: bool = False
    rollout: RolloutPlan | None = None
    instances: Mapping[str, int] = field(default_factory=dict)
    message: str | None = None
    checks: tuple[Check, ...] = field(default=())

    @property
    def is_bad_news(self) -> bool:
        """Whether a person has to act, or the decision would come to nothing."""
        stuck = self.effect in {Effect.FOREIGN, Effect.CANNOT_CHANGE, Effect.STUCK}
        return stuck or any(each.passed is False for each in self.checks)

    @property
    def keeps_version(self) -> bool:
        """Whether the version that serves now is the first to go out."""
        return bool(self.serves) and self.in_turn[:1] == self.serves[:1]


def outlook_of(
    preview: Preview,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    *,
    checks: Sequence[Check] = (),
) -> Outlook:
    """Return what would become of an endpoint.

    Args:
        preview: What a pass with the settings would do.
        before: The deployed settings, compiled; None if there are none.
        after: The settings to come, compiled; None if they stay.
        checks: What was looked at.
    """
    facts = preview.facts
    changed = tuple(changes(before, after)) if before is not None and after is not None else ()
    effect, message = _effect(preview, has_changes=bool(changed))
    return Outlook(
        facts.settings.endpoint_name,
        facts.settings.group_name,
        effect,
        changed,
        tuple(map(version_number, preview.serves)),
        tuple(each.decided_by.version for each in preview.in_turn),
        _failed_before(preview),
        _restarts(preview),
        _rollout(preview),
        _meanwhile(preview, before),
        message,
        tuple(checks),
    )


_NOTHING_STANDS = "No approved version is left to serve. It is left as it is."
_EXISTS_ALREADY = "No version was ever approved for it, and it exists already."


def _effect(preview: Preview, *, has_changes: bool) -> tuple[Effect, str | None]:
    match preview.course:
        case NothingApproved() if preview.endpoint is not None:
            return Effect.STUCK, _EXISTS_ALREADY
        case NothingApproved():
            return Effect.WAITS_FOR_APPROVAL, None
        case InSync() if preview.endpoint is None:
            return Effect.WAITS_FOR_APPROVAL, None
        case InSync():
            return (Effect.WITHOUT_ROLLOUT if has_changes else Effect.NOTHING), None
        case Deploy() as deploy:
            return _of_deployment(deploy)
        case OnTestEndpoint():
            return Effect.TESTS_FIRST, None
        case course:
            return _of_obstacle(course)


def _of_deployment(deploy: Deploy) -> tuple[Effect, str | None]:
    if deploy.refusal is not None:
        return Effect.STUCK, deploy.refusal
    match deploy.change:
        case CreateEndpoint():
            return Effect.CREATES, None
        case CreateTestEndpoint():
            return Effect.TESTS_FIRST, None
        case UpdateEndpoint():
            return Effect.UPDATES, None
        case _:
            return Effect.RECREATES, None


def _of_obstacle(course: Course) -> tuple[Effect, str | None]:
    """Return what keeps an endpoint from changing now."""
    match course:
        case WaitToRetry(retry_at):
            return Effect.WAITS, f"What failed is tried again at {retry_at:%Y-%m-%d %H:%M} UTC."
        case WaitForAlarms(alarm_names, until):
            return Effect.WAITS, f"Until {until:%H:%M} UTC at most for alarms: {', '.join(alarm_names)}."
        case Held(message):
            return Effect.HELD, message
        case NothingStands():
            return Effect.STUCK, _NOTHING_STANDS
        case Blocked(status, _):
            return Effect.STUCK, f"It is {status}, and AWS does not say what may be done then."
        case CannotChange(change):
            return Effect.CANNOT_CHANGE, f"{change}, and SageMaker refuses that change."
        case Foreign(message):
            return Effect.FOREIGN, message
        case _:
            return Effect.UNDER_WAY, None


def _restarts(preview: Preview) -> bool:
    choice = preview.chosen.choice if preview.chosen is not None else None
    return choice is not None and restart_of(preview.facts.history, choice) is not None


def _failed_before(preview: Preview) -> tuple[int, ...]:
    """Return which of the versions to come failed with other settings since their approval."""
    verdicts = preview.chosen.verdicts if preview.chosen is not None else ()
    found = [each.approval for each in verdicts if each.rule is Rule.FAILED_BEFORE]
    history = preview.facts.history
    for choice in preview.in_turn:
        arn, name = choice.approval.version_arn, choice.release.endpoint_config_name
        if any(
            each.status is AttemptStatus.FAILED and not each.was_hindered
            for each in counting(history.deployments, choice.approval)
            if same_arn(each.version_arn, arn)
            and each.endpoint_config_name != name
            and each.answers(choice.approval.approved_at)
        ):
            found.append(choice.approval)
    return tuple(sorted({each.version for each in found}))


def _rollout(preview: Preview) -> RolloutPlan | None:
    """Return how an update rolls out; None if nothing is updated."""
    match preview.course:
        case Deploy(change=UpdateEndpoint() as update) if preview.endpoint is not None:
            return rollout_of(update, _after(preview).total())
        case _:
            return None


def _after(preview: Preview) -> Counter[str]:
    """Count the instances of what goes out."""
    chosen = preview.planned_for
    if chosen is None or chosen.choice is None:
        return Counter()
    return of_config(chosen.choice.release.create_endpoint_config)


def _meanwhile(preview: Preview, before: Mapping[str, Any] | None) -> Counter[str]:
    """Count the instances that run at the most until what goes out serves."""
    after, endpoint, settings = _after(preview), preview.endpoint, preview.facts.settings
    running = (
        of_config(before["CreateEndpointConfig"] if before else settings.create_endpoint_config, endpoint)
        if endpoint is not None
        else Counter[str]()
    )
    match preview.course:
        case Deploy(change=UpdateEndpoint() as update):
            return during(update, running, after)
        case Deploy(change=CreateTestEndpoint()) | OnTestEndpoint():
            return running + after
        case Deploy():
            return after
        case _:
            return Counter()


def gone(endpoint_name: str, group_name: str) -> Outlook:
    """Return the outlook of an endpoint whose settings are deployed, and not among those to come."""
    message = "Its settings are gone: it keeps serving what it has, and nobody looks after it any more."
    return Outlook(endpoint_name, group_name, Effect.NO_LONGER_MANAGED, message=message)


def document(outlooks: Sequence[Outlook]) -> dict[str, Any]:
    """Return the JSON document."""
    return {"format": 1, "endpoints": [_endpoint(each) for each in outlooks]}


def _endpoint(outlook: Outlook) -> dict[str, Any]:
    rollout = outlook.rollout
    return _known(
        endpoint=outlook.endpoint_name,
        group=outlook.group_name,
        effect=outlook.effect.value,
        serves=list(outlook.serves),
        in_turn=list(outlook.in_turn),
        failed_before=list(outlook.failed_before),
        restarts=outlook.restarts,
        message=outlook.message,
        changes=[_known(key=each.key, before=each.before, after=each.after) for each in outlook.changes],
        rollout=_known(
            kind=rollout.kind,
            waits_seconds=rollout.waits_seconds,
            instances_meanwhile=sum(outlook.instances.values()) or None,
        )
        if rollout is not None
        else None,
        checks=[_known(check=each.name, passed=each.passed, message=each.message) for each in outlook.checks],
    )


def _known(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return {name: value for name, value in values.items() if value is not None}
