"""Decides what the registry says of approved versions that wait, or were skipped. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.decisions.served import live_version_arns
from deployer.model.names import same_arn

if TYPE_CHECKING:
    from collections.abc import Collection

    from deployer.decisions.facts import Facts
    from deployer.model.approval import Approval
    from deployer.model.history import History

_SKIPPED: Final = "skipped"
_NOT_APPROVED: Final = "not approved any more"
_NOT_HELD: Final = "not held back any more"


def words_on(history: History, held: Collection[Approval], cause: str) -> dict[str, str]:
    """Return what is to be said of versions that are approved and do not serve, by ARN.

    Of a version whose deployment ended since its approval, its end says more: unless a rollback holds it.

    Args:
        history: The endpoint's.
        held: The approvals whose versions a pause or a freeze window holds back now: that of the version to
            serve, and that of its shadow.
        cause: What holds it back.
    """
    live = _live(history)
    found: dict[str, str] = {}
    for each in history.approvals:
        if not each.decides or each.version_arn.lower() in live:
            continue
        if each.rollback is not None:
            found[each.version_arn] = f"held back: {each.rollback.words}"
        elif _has_ended(history, each):
            continue
        elif each.superseded_by is not None:
            if _was_tried(history, each):
                continue
            found[each.version_arn] = f"{_SKIPPED}: v{each.superseded_by} went out instead"
        elif any(same_arn(its.version_arn, each.version_arn) for its in held):
            found[each.version_arn] = f"waiting: {cause}"
    return found


def has_words(facts: Facts) -> bool:
    """Tell whether the registry has to say something else while nothing is held back."""
    history = facts.history
    said = words_on(history, (), "") == history.last_observed.metadata_said
    return facts.settings.writes_metadata and not said


def unsaid(history: History, words: dict[str, str]) -> dict[str, str]:
    """Return what the registry does not say yet, by ARN; also that a version does not wait any more."""
    live, over = _live(history), dict[str, str]()
    for arn, text in history.last_observed.metadata_said.items():
        if arn in words or text.startswith(_SKIPPED) or arn.lower() in live:
            continue
        approved = [each for each in history.approvals if each.decides and same_arn(each.version_arn, arn)]
        if not any(_has_ended(history, each) for each in approved):
            over[arn] = _NOT_HELD if approved else _NOT_APPROVED
    said = history.last_observed.metadata_said
    return over | {arn: text for arn, text in words.items() if said.get(arn) != text}


def _live(history: History) -> frozenset[str]:
    return frozenset(
        each.lower() for each in (*live_version_arns(history), *history.last_observed.metadata_live)
    )


def _was_tried(history: History, approval: Approval) -> bool:
    """Tell whether the version was tried at all: how that ended stays."""
    return any(
        each.is_written_to_registry and same_arn(each.version_arn, approval.version_arn)
        for each in history.deployments
    )


def _has_ended(history: History, approval: Approval) -> bool:
    return any(
        each.is_written_to_registry
        and same_arn(each.version_arn, approval.version_arn)
        and each.answers(approval.approved_at)
        for each in history.deployments
    )
