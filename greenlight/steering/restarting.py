"""Finds what a restart would do, by the deployer's own decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.decisions.course import UnderWay
from deployer.decisions.plan import Deploy, Held, InSync, OnTestEndpoint, WaitForAlarms, WaitToRetry
from deployer.decisions.reasons import Reason
from deployer.decisions.restarting import restarted_by
from deployer.gateways.requests import RESTART
from deployer.model.excerpts import sentence
from deployer.model.names import version_number
from greenlight.errors import CommandError
from greenlight.planning.outlook import Outlook, outlook_of
from greenlight.planning.view import headline

if TYPE_CHECKING:
    from deployer.decisions.course import Preview
    from deployer.model.request import Request
    from greenlight.steering.operator import Operator

_FAILED: Final = frozenset({Reason.SERVES_AS_IT_IS, Reason.RESTART_FAILED})
"""The reasons of a version whose last rollout failed, and that serves as it did before."""


@dataclass(frozen=True, slots=True)
class OnceMore:
    """How what serves would go out once more.

    Attributes:
        request: What the deployer is asked for.
        number: The version that serves.
        outlook: What the deployer would do.
        waits: What it would wait for first; None if nothing holds it back.
    """

    request: Request
    number: int
    outlook: Outlook
    waits: str | None

    @property
    def lines(self) -> list[str]:
        """What there is to know before it is asked for."""
        told = f"{headline(self.outlook)}." if self.waits is None else f"It waits: {self.waits}"
        return [f"{self.request.endpoint_name} is restarted, on new instances.", f"  {told}"]


def once_more(operator: Operator) -> OnceMore:
    """Return how what serves would go out once more.

    Raises:
        CommandError: Nothing can, or something goes out anyway.
    """
    settings = operator.settings
    name, seen = settings.endpoint_name, operator.previews.of(settings, ahead=True)
    if not seen.serves:
        raise CommandError(
            f"{name} has nothing to restart.",
            "No version serves on it, as far as the journal and its config show.",
            f"See how it stands: greenlight status {name}",
        )
    arn = seen.serves[0]
    before = operator.explain(seen, arn)
    if isinstance(seen.course, UnderWay):
        raise _refused(name, "It is changing now.", f"Follow it: greenlight watch {name}")
    if before.reason in _FAILED:
        again = f"To try that again: greenlight retry {name} {before.version}"
        raise _refused(name, before.words, again)
    if before.reason is not Reason.SERVES:
        raise _refused(name, before.words, before.change)
    if not isinstance(seen.course, InSync | WaitToRetry):
        raise _refused(name, _comes_anyway(seen), f"See what comes: greenlight why {name}")
    request = operator.request(RESTART, arn)
    refusal = restarted_by(seen.facts.history, request)
    if isinstance(refusal, str):
        raise _refused(name, sentence(refusal), f"See why: greenlight why {name}")
    after = operator.after(request)
    why = operator.explain(after, arn)
    waits = why.words if isinstance(after.course, Held | WaitForAlarms) else None
    if why.reason is not Reason.RESTARTS or not (waits or isinstance(after.course, Deploy | OnTestEndpoint)):
        raise _refused(name, why.words, why.change)
    return OnceMore(request, version_number(arn), outlook_of(after), waits)


def _comes_anyway(seen: Preview) -> str:
    outlook = outlook_of(seen)
    return outlook.message or sentence(headline(outlook))


def _refused(name: str, why: str, step: str) -> CommandError:
    return CommandError(f"{name} is not restarted.", why, step)


def once_more_document(found: OnceMore, *, told: bool) -> dict[str, Any]:
    """Return the JSON document of a restart that was asked for."""
    request = found.request
    return {
        "format": 1,
        "endpoint": request.endpoint_name,
        "version": found.number,
        "version_arn": request.version_arn,
        "waits": found.waits,
        "by": request.by,
        "at": request.at.isoformat() if request.at is not None else None,
        "told": told,
    }
