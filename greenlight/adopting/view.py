"""Shows what an adoption found, and what it leaves to be seen to. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.contract import ADOPTED_TAG
from greenlight.planning.outlook import Effect
from greenlight.planning.outlook import document as plan_document
from greenlight.words import version

if TYPE_CHECKING:
    from pathlib import Path

    from greenlight.adopting.proposal import Proposal
    from greenlight.output import Symbols


def changes_nothing(proposal: Proposal) -> bool:
    """Tell whether the first deployment leaves the endpoint as it is."""
    return proposal.outlook.effect in {Effect.NOTHING, Effect.WITHOUT_ROLLOUT} and not proposal.changes


def lines(proposal: Proposal, file: Path, symbols: Symbols, *, written: bool) -> list[str]:
    """Return what was found, and what the first deployment would change."""
    found, match = proposal.found, proposal.match
    number = version(match.version.version)
    what = "Wrote" if written else "It is there already:"
    said = [
        f"{found.endpoint.name} serves {number} of {match.version.group_name}.",
        f"{what} {file}",
    ]
    if not match.version.deployable:
        said.append(
            f"{symbols.attention} {number} is {match.version.approval_status}. Approve it before the first "
            f"deployment: greenlight approve {match.version.group_name} {match.version.version}"
        )
    said += [f"{symbols.attention} {note}" for note in proposal.notes]
    for change in proposal.changes:
        before, after = change.before or "(none)", change.after or "(none)"
        said.append(f"{symbols.attention} {change.key} would change: {before} {symbols.arrow} {after}")
    if changes_nothing(proposal):
        said.append(f"{symbols.done} The first deployment changes nothing.")
    return said


def document(proposal: Proposal, file: Path, *, written: bool, tagged: bool) -> dict[str, Any]:
    """Return the JSON document."""
    found, match = proposal.found, proposal.match
    return {
        "format": 1,
        "endpoint": found.endpoint.name,
        "config": found.endpoint.endpoint_config_name,
        "group": match.group,
        "version": match.version.version,
        "version_arn": match.version.arn,
        "approved": match.version.deployable,
        "file": file.as_posix(),
        "written": written,
        "settings": dict(proposal.content),
        "notes": list(proposal.notes),
        "changes_nothing": changes_nothing(proposal),
        "stands_for": proposal.tags.get(ADOPTED_TAG),
        "plan": plan_document([proposal.outlook])["endpoints"][0],
        "tagged": tagged,
    }
