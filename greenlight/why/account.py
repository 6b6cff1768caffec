"""Gathers why an endpoint's versions serve or do not: one value, which the views and the JSON show. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.decisions.course import NothingApproved, UnderWay
from deployer.decisions.explanation import explain
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
from deployer.decisions.reasons import SERVING, Reason
from deployer.model.attempt import AttemptStatus, Deployment
from deployer.model.model_version import ModelVersion
from deployer.model.names import same_arn, version_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from deployer.decisions.course import Preview
    from deployer.decisions.explanation import Explanation
    from deployer.model.approval import Approval
    from deployer.model.model_version import Hidden

STATES = {
    Deploy: "deploys_next",
    OnTestEndpoint: "tests_first",
    InSync: "in_sync",
    WaitToRetry: "waits_to_retry",
    WaitForAlarms: "waits_for_alarms",
    Held: "held",
    NothingStands: "nothing_stands",
    Blocked: "blocked",
    CannotChange: "cannot_change",
    Foreign: "foreign",
    UnderWay: "under_way",
    NothingApproved: "nothing_approved",
}
"""What the deployer would do now, in a word."""


_APPROVED_AGAIN: Final = frozenset(
    {
        *(Reason.OLDER, Reason.SUPERSEDED, Reason.ROLLED_BACK),
        *(Reason.BEFORE_FIRST_LOOK, Reason.NOT_APPROVED),
    }
)
"""The reasons that an approval ends."""

_FAILED: Final = frozenset(
    {
        *(Reason.FAILED, Reason.FAILED_BEFORE, Reason.WAITS),
        *(Reason.SERVES_AS_IT_IS, Reason.RESTART_FAILED),
    }
)
"""The reasons that a retry ends, if a failure was theirs and no later version went out since."""


@dataclass(frozen=True, slots=True)
class Told:
    """One version: why it serves or does not, and what happened to it since its approval.

    Attributes:
        explanation: Why.
        approvals: Its approvals that may stand, oldest first.
        attempts: Its deployments that the journal's decisions still know, oldest first.
    """

    explanation: Explanation
    approvals: tuple[Approval, ...]
    attempts: tuple[Deployment, ...]

    @property
    def serves(self) -> bool:
        """Whether it is on the endpoint."""
        return self.explanation.reason in SERVING

    def command(self, endpoint_name: str, group: str) -> str | None:
        """Return the command that would change it; None if there is none."""
        detail, failure = self.explanation.detail or "", self.explanation.verdict
        if self.explanation.reason in _FAILED and failure is not None and failure.failure is not None:
            if failure.approval.superseded_by is not None:
                return f"greenlight approve {group} {self.explanation.version}"
            return f"greenlight retry {endpoint_name} {self.explanation.version}"
        if self.explanation.reason in _APPROVED_AGAIN:
            return f"greenlight approve {group} {self.explanation.version}"
        if self.explanation.reason in {Reason.HELD, Reason.SHADOW_NEXT, Reason.RESTARTS}:
            if "a pause of this endpoint" in detail:
                return f"greenlight resume {endpoint_name}"
            if "a pause of all endpoints" in detail:
                return "greenlight resume --all"
        return None


@dataclass(frozen=True, slots=True)
class Account:
    """An endpoint and some of its versions.

    Attributes:
        endpoint_name: The endpoint.
        preview: What the deployer would do now.
        versions: The versions that were asked about, newest first.
    """

    endpoint_name: str
    preview: Preview
    versions: tuple[Told, ...]

    @property
    def group_name(self) -> str:
        """The group that the endpoint follows."""
        return self.preview.facts.settings.group_name

    @property
    def group(self) -> str:
        """The same, by its ARN if it is another account's."""
        return self.preview.facts.settings.model_package_group

    @property
    def serves(self) -> tuple[int, ...]:
        """The versions on the endpoint, the approved one first."""
        return tuple(map(version_number, self.preview.serves))

    @property
    def state(self) -> str:
        """What the deployer would do now, in a word."""
        return STATES[type(self.preview.course)]


def known_versions(preview: Preview) -> list[str]:
    """Return every version that the endpoint serves or that the journal knows of, newest approval first."""
    history, chosen = preview.facts.history, preview.chosen
    verdicts = [each.approval.version_arn for each in chosen.verdicts] if chosen is not None else []
    approved = [each.version_arn for each in history.approvals]
    approved += [each.version_arn for each in history.heard]
    found: dict[str, str] = {}
    for arn in (*verdicts, *approved, *preview.serves):
        found.setdefault(arn.lower(), arn)
    return list(found.values())


def account_of(
    endpoint_name: str, preview: Preview, registry: Mapping[str, ModelVersion | Hidden | None]
) -> Account:
    """Gather the versions that were read from the registry.

    Args:
        endpoint_name: The endpoint.
        preview: What a pass would find and do.
        registry: The versions, by ARN, in the order to show them in.
    """
    return Account(
        endpoint_name, preview, tuple(_told(preview, arn, version) for arn, version in registry.items())
    )


def _told(preview: Preview, arn: str, version: ModelVersion | Hidden | None) -> Told:
    history = preview.facts.history
    approvals = [each for each in history.approvals if same_arn(each.version_arn, arn)]
    tried = [
        each
        for each in history.deployments
        if any(same_arn(arn, its) for its in each.version_arns) and each.status is not AttemptStatus.WITHDRAWN
    ]
    return Told(
        explain(preview, arn, version),
        tuple(sorted(approvals, key=lambda each: each.order)),
        tuple(sorted(tried, key=lambda each: each.number)),
    )


def document(account: Account) -> dict[str, Any]:
    """Return the JSON document."""
    return {
        "format": 1,
        "endpoint": account.endpoint_name,
        "group": account.group_name,
        "serves": list(account.serves),
        "state": account.state,
        "versions": [_version(each, account) for each in account.versions],
    }


def _version(told: Told, account: Account) -> dict[str, Any]:
    explanation, verdict = told.explanation, told.explanation.verdict
    retry_at = verdict.retry_at if verdict is not None else None
    return _known(
        version=explanation.version,
        arn=explanation.version_arn,
        serves=told.serves,
        reason=explanation.reason.value,
        rule=explanation.rule,
        detail=explanation.detail,
        change=explanation.change,
        command=told.command(account.endpoint_name, account.group),
        retry_at=_time(retry_at),
        approvals=[
            _known(
                approved_at=_time(each.approved_at), approved_by=each.approved_by, objection=each.objection
            )
            for each in told.approvals
        ],
        attempts=[
            _known(
                number=each.number,
                status=each.status.value,
                started_at=_time(each.started_at),
                settled_at=_time(each.settled_at),
                reason=each.reason,
                cause=each.cause.value if each.cause is not None else None,
            )
            for each in told.attempts
        ],
    )


def _known(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return {name: value for name, value in values.items() if value is not None}


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time is not None else None


def arn_of(preview: Preview, number: int, found: ModelVersion | Hidden | None = None) -> str:
    """Return a version's ARN, or the name by which the registry was asked if nobody knows it."""
    if isinstance(found, ModelVersion):
        return found.arn
    known: Iterable[str] = (arn for arn in known_versions(preview) if version_number(arn) == number)
    return next(iter(known), preview.facts.settings.version_name(number))
