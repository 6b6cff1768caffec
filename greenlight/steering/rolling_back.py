"""Finds the way back of an endpoint, by the deployer's own decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer.decisions.course import UnderWay
from deployer.decisions.rollbacks import before, target_of
from deployer.gateways.requests import ROLLBACK
from deployer.model.attempt import Deployment
from deployer.model.excerpts import sentence
from deployer.model.names import same_arn, version_number
from greenlight.errors import CommandError
from greenlight.planning.outlook import Outlook, outlook_of
from greenlight.planning.view import headline
from greenlight.why.account import arn_of
from greenlight.words import version

if TYPE_CHECKING:
    from deployer.decisions.course import Preview
    from deployer.model.request import Request
    from greenlight.steering.operator import Operator


@dataclass(frozen=True, slots=True)
class WayBack:
    """How an endpoint would go back.

    Attributes:
        request: What the deployer is asked for.
        group: The group that the endpoint follows, as `greenlight approve` takes it.
        leaving: The version that serves, or that is being rolled out.
        to: The version to go back to.
        stays_away: The versions that do not go out any more until they are approved again, newest first.
        is_under_way: Whether the version that is left is being rolled out.
        outlook: What the deployer would do.
    """

    request: Request
    group: str
    leaving: int
    to: int
    stays_away: tuple[int, ...]
    is_under_way: bool
    outlook: Outlook

    @property
    def lines(self) -> list[str]:
        """What there is to know before it is asked for."""
        name, left, to = self.request.endpoint_name, version(self.leaving), version(self.to)
        told = f"  {headline(self.outlook)}."
        if self.is_under_way:
            told = f"  {left} is being rolled out. SageMaker goes back, or it gives way right after that."
        away = ", ".join(map(version, self.stays_away))
        return [
            f"{name} goes back from {left} to {to}.",
            told,
            f"  {away} will not go out here again, whatever changes, before another approval.",
        ]


def way_back(operator: Operator, number: int | None, *, reason: str) -> WayBack:
    """Return how an endpoint would go back: to a version, or to the newest before that served well.

    Raises:
        CommandError: There is nothing to go back to, or no way.
    """
    settings = operator.settings
    name, seen = settings.endpoint_name, operator.previews.of(settings)
    leaving, is_under_way = _leaving(seen, name)
    if number is None:
        found = before(seen.facts.history, leaving)
        if found is None:
            raise CommandError(
                f"{name} has nothing to go back to.",
                f"No approved version before {version(version_number(leaving))} has served well here.",
                f"See which versions there are: greenlight why {name}",
            )
        arn = found.version_arn
    else:
        arn = _named(seen, number, leaving, is_under_way=is_under_way)
    request = operator.request(ROLLBACK, arn, reason)
    after = operator.after(request)
    choice = after.chosen.choice if after.chosen is not None else None
    if choice is None or not same_arn(choice.approval.version_arn, arn):
        why = operator.explain(after, arn)
        raise CommandError(
            f"{name} cannot go back to {version(version_number(arn))}.",
            why.words,
            f"Name another version with --to. See which there are: greenlight why {name}",
        )
    held = [each.version for each in after.facts.history.approvals if each.rollback is not None]
    known = {each.version for each in seen.facts.history.approvals if each.rollback is not None}
    return WayBack(
        request,
        settings.model_package_group,
        version_number(leaving),
        version_number(arn),
        tuple(each for each in dict.fromkeys(held) if each not in known),
        is_under_way,
        outlook_of(after),
    )


def _leaving(seen: Preview, name: str) -> tuple[str, bool]:
    """Return the version to go back from, and whether it is being rolled out."""
    course = seen.course
    attempt = course.attempt if isinstance(course, UnderWay) else None
    serves = seen.serves[0] if seen.serves else None
    if isinstance(attempt, Deployment) and serves is not None and not same_arn(attempt.version_arn, serves):
        return attempt.version_arn, True
    if serves is None:
        raise CommandError(
            f"{name} has nothing to go back from.",
            "No version serves on it, as far as the journal and its config show.",
            f"See how it stands: greenlight status {name}",
        )
    return serves, False


def _named(seen: Preview, number: int, leaving: str, *, is_under_way: bool) -> str:
    """Return the ARN of a version that somebody named, if the endpoint may go back to it.

    Raises:
        CommandError: It may not.
    """
    settings, history = seen.facts.settings, seen.facts.history
    name, arn = settings.endpoint_name, arn_of(seen, number)
    again = f"To bring it out, approve it again: greenlight approve {settings.model_package_group} {number}"
    if same_arn(arn, leaving):
        said = "is being rolled out" if is_under_way else "serves already"
        raise CommandError(
            f"{name} cannot go back to {version(number)}.",
            f"{version(number)} {said}.",
            f"Name an older one, or leave --to out. See which there are: greenlight why {name}",
        )
    target = target_of(history, arn)
    if isinstance(target, str):
        raise CommandError(f"{name} cannot go back to {version(number)}.", sentence(target), again)
    newer = [each for each in history.approvals if each.counts and same_arn(each.version_arn, leaving)]
    if newer and max(each.order for each in newer) < target.order:
        left = version(version_number(leaving))
        raise CommandError(
            f"To {version(number)} is no way back.", f"It was approved after {left}, which serves.", again
        )
    return arn


def way_back_document(way: WayBack, *, told: bool) -> dict[str, Any]:
    """Return the JSON document of a rollback that was asked for."""
    request = way.request
    return {
        "format": 1,
        "endpoint": request.endpoint_name,
        "from": way.leaving,
        "to": way.to,
        "version_arn": request.version_arn,
        "stays_away": list(way.stays_away),
        "reason": request.reason,
        "by": request.by,
        "at": request.at.isoformat() if request.at is not None else None,
        "under_way": way.is_under_way,
        "told": told,
    }
