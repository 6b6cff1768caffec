"""Finds what a retry would do, by the deployer's own decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.decisions.reasons import Reason
from deployer.decisions.trying_again import last_failure, retried_by
from deployer.gateways.requests import RETRY
from deployer.model.excerpts import excerpt, sentence
from deployer.model.names import same_arn, version_number
from greenlight.errors import CommandError
from greenlight.planning.outlook import Outlook, outlook_of
from greenlight.planning.view import headline
from greenlight.why.account import arn_of
from greenlight.words import version

if TYPE_CHECKING:
    from deployer.decisions.course import Preview
    from deployer.decisions.explanation import Explanation
    from deployer.model.attempt import Deployment
    from deployer.model.history import History
    from deployer.model.request import Request
    from deployer.model.settings import EndpointSettings
    from greenlight.steering.operator import Operator

_WAITS: Final = frozenset({Reason.HELD, Reason.WAITS_FOR_ALARMS, Reason.QUEUED})
_GOES_OUT: Final = _WAITS | {Reason.NEXT, Reason.TESTED_FIRST, Reason.SHADOW_NEXT}
"""The reasons of versions that the deployer tries now, or as soon as what holds all rollouts is over."""


@dataclass(frozen=True, slots=True)
class SecondTry:
    """How a version would be tried again.

    Attributes:
        request: What the deployer is asked for.
        number: The version.
        failure: Its last failure.
        outlook: What the deployer would do.
        waits: What it would wait for first; None if nothing holds it back.
    """

    request: Request
    number: int
    failure: Deployment
    outlook: Outlook
    waits: str | None

    @property
    def lines(self) -> list[str]:
        """What there is to know before it is asked for."""
        failed = self.failure
        at = f"{failed.settled_at:%Y-%m-%d %H:%M} UTC" if failed.settled_at is not None else "some time ago"
        lines = [
            f"{version(self.number)} is tried again on {self.request.endpoint_name}.",
            f"  It failed at {at}: {excerpt(sentence(failed.reason or 'SageMaker gave no reason'))}",
            f"  {headline(self.outlook)}.",
        ]
        return lines if self.waits is None else [*lines[:2], f"  It waits: {self.waits}"]


def second_try(operator: Operator, number: int | None) -> SecondTry:
    """Return how a version would be tried again: the one that is named, or the newest that failed.

    Raises:
        CommandError: It cannot be tried again.
    """
    settings = operator.settings
    name, seen = settings.endpoint_name, operator.previews.of(settings)
    history = seen.facts.history
    arn = _failed_last(history, name) if number is None else arn_of(seen, number)
    number = version_number(arn)
    request = operator.request(RETRY, arn)
    before = operator.explain(seen, arn)
    if before.reason is Reason.UNDER_WAY:
        raise _refused(name, number, before.rule, f"Follow it: greenlight watch {name} --version {number}")
    refusal = retried_by(history, request)
    if isinstance(refusal, str):
        raise _refused(name, number, sentence(refusal), _next_step(settings, before))
    failures = (last_failure(history, each) for each in history.approvals if same_arn(each.version_arn, arn))
    failure = next((each for each in failures if each is not None), None)
    assert failure is not None, "otherwise the retry is refused"
    after = operator.after(request)
    why = operator.explain(after, arn)
    if why.reason not in _GOES_OUT and not _takes_the_settings(after, before, arn):
        raise _refused(name, number, why.words, why.change)
    waits = why.words if why.reason in _WAITS else None
    return SecondTry(request, number, failure, outlook_of(after), waits)


def _failed_last(history: History, name: str) -> str:
    """Return the newest approved version that failed since its approval.

    Raises:
        CommandError: None did.
    """
    for approval in history.approvals:
        if approval.decides and approval.rollback is None and last_failure(history, approval) is not None:
            return approval.version_arn
    raise CommandError(
        f"{name} has nothing to try again.",
        "No approved version has failed here since its approval.",
        f"See which versions there are: greenlight why {name}",
    )


def _takes_the_settings(after: Preview, before: Explanation, arn: str) -> bool:
    """Tell whether the version serves with former settings, and the present ones are tried again with it."""
    choice = after.chosen.choice if after.chosen is not None else None
    return (
        before.reason in {Reason.SERVES_AS_IT_IS, Reason.RESTART_FAILED}
        and choice is not None
        and not choice.keeps_serving
        and same_arn(choice.approval.version_arn, arn)
    )


def _refused(name: str, number: int, why: str, step: str) -> CommandError:
    return CommandError(f"{version(number)} is not tried again on {name}.", why, step)


def _next_step(settings: EndpointSettings, before: Explanation) -> str:
    if before.reason in {Reason.NOT_APPROVED, Reason.ROLLED_BACK}:
        return (
            f"To bring it out, approve it: greenlight approve {settings.model_package_group} {before.version}"
        )
    return f"See why it does not serve: greenlight why {settings.endpoint_name} {before.version}"


def second_try_document(found: SecondTry, *, told: bool) -> dict[str, Any]:
    """Return the JSON document of a retry that was asked for."""
    request = found.request
    return {
        "format": 1,
        "endpoint": request.endpoint_name,
        "version": found.number,
        "version_arn": request.version_arn,
        "attempt": found.failure.number,
        "reason": found.failure.reason,
        "waits": found.waits,
        "by": request.by,
        "at": request.at.isoformat() if request.at is not None else None,
        "told": told,
    }
