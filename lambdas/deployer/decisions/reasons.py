"""Holds why versions serve on an endpoint or do not, in words for people. Pure."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple


class Reason(Enum):
    """Why a version serves on an endpoint, or does not."""

    SERVES = "serves"
    SERVES_AS_IT_IS = "serves_as_it_is"
    RESTARTS = "restarts"
    RESTART_FAILED = "restart_failed"
    LEAVES = "leaves"
    STAYS_UNAPPROVED = "stays_unapproved"
    SERVES_BESIDE = "serves_beside"
    SHADOWS = "shadows"
    UNDER_WAY = "under_way"
    QUEUED = "queued"
    TESTED_FIRST = "tested_first"
    NEXT = "next"
    SHADOW_NEXT = "shadow_next"
    HELD = "held"
    WAITS_FOR_ALARMS = "waits_for_alarms"
    CANNOT_CHANGE = "cannot_change"
    CANNOT_RETURN = "cannot_return"
    BLOCKED = "blocked"
    FOREIGN = "foreign"
    SUPERSEDED = "superseded"
    ROLLED_BACK = "rolled_back"
    FAILED_BEFORE = "failed_before"
    FAILED = "failed"
    WAITS = "waits"
    INELIGIBLE = "ineligible"
    OLDER = "older"
    ONLY_SHADOWS = "only_shadows"
    IGNORED = "ignored"
    HIDDEN = "hidden"
    BEFORE_FIRST_LOOK = "before_first_look"
    NOT_SEEN = "not_seen"
    NOT_APPROVED = "not_approved"
    NOT_ADMITTED = "not_admitted"
    NOT_FOLLOWED = "not_followed"
    NO_SUCH_VERSION = "no_such_version"


class Words(NamedTuple):
    """What is said of a reason.

    Attributes:
        rule: Why, in a sentence.
        change: What would change it.
    """

    rule: str
    change: str


_APPROVE_AGAIN: Final = "Approve it again."

WORDS: Final[dict[Reason, Words]] = {
    Reason.SERVES: Words(
        "It is the newest approved version that has not failed.", "Approve another version, or reject it."
    ),
    Reason.SERVES_AS_IT_IS: Words(
        "It serves, and the present settings cannot be used with it: so nothing is changed.",
        "Correct the settings, or approve another version.",
    ),
    Reason.RESTARTS: Words("It serves, and a restart rolls it out once more.", "Wait: it serves meanwhile."),
    Reason.RESTART_FAILED: Words(
        "It serves as before, as its restart failed.", "Remove the cause, and try it again."
    ),
    Reason.LEAVES: Words(
        "It still serves, and another version takes its place.", "Approve it again to bring it back."
    ),
    Reason.STAYS_UNAPPROVED: Words(
        "Its approval does not stand any more, or a person rolled it back, and no other version can serve: "
        "the endpoint stays as it is.",
        "Approve a version, or delete the endpoint.",
    ),
    Reason.SERVES_BESIDE: Words(
        "A variant is pinned to it in the settings.", "Pin another version, or reject it."
    ),
    Reason.SHADOWS: Words(
        "It gets copies of the calls, as the newest version whose approver makes shadows.",
        "Let one of the endpoint's approvers approve it, and it serves.",
    ),
    Reason.UNDER_WAY: Words("It is going out now.", "Reject it to stop that."),
    Reason.QUEUED: Words(
        "It is the version to serve, and SageMaker is still at work on the endpoint.",
        "Wait: it goes out as soon as that ends.",
    ),
    Reason.TESTED_FIRST: Words(
        "It is the version to serve, and is tested on a test endpoint before its rollout.",
        "Wait: it goes out once it has passed its smoke test.",
    ),
    Reason.NEXT: Words(
        "It is the version to serve, and goes out at the deployer's next look.",
        "Wait: events bring the deployer within seconds, and a sweep within minutes.",
    ),
    Reason.SHADOW_NEXT: Words(
        "It is to get copies of the calls, beside the version to serve.",
        "Wait: it goes out with the next change of the endpoint.",
    ),
    Reason.HELD: Words(
        "It is the version to serve, and a pause or a freeze window holds it back.",
        "End the pause, or wait until it is over.",
    ),
    Reason.WAITS_FOR_ALARMS: Words(
        "It is the version to serve, and alarms of the rollout before are still on.",
        "Wait, or see to the alarms.",
    ),
    Reason.CANNOT_CHANGE: Words(
        "It is the version to serve, and SageMaker refuses the change that the settings ask for.",
        "Undo the change of the settings, or delete the endpoint.",
    ),
    Reason.CANNOT_RETURN: Words(
        "It is the version to return to, and its former endpoint config cannot be used again.",
        "Approve it again with settings that work, or approve another version.",
    ),
    Reason.BLOCKED: Words(
        "It is the version to serve, and AWS does not say what may be done in the endpoint's state.",
        "Look into the endpoint. Once it is in service or deleted, the deployer goes on by itself.",
    ),
    Reason.FOREIGN: Words(
        "It is the version to serve, and the endpoint is not this stack's.",
        "Hand the endpoint over, or write another endpoint_name.",
    ),
    Reason.SUPERSEDED: Words(
        "A later approval went out before it ever served, so it is the last resort.", _APPROVE_AGAIN
    ),
    Reason.ROLLED_BACK: Words(
        "A person rolled the endpoint back past it, and it does not return by itself.", _APPROVE_AGAIN
    ),
    Reason.FAILED_BEFORE: Words(
        "It failed with other settings. The version that serves takes the present ones first, and this one "
        "stands behind the versions that served well.",
        "Try it again: then it goes first.",
    ),
    Reason.FAILED: Words(
        "It failed after its approval, and is not tried again.",
        "Register a mended version, or try this one again. If its settings were to blame, change them.",
    ),
    Reason.WAITS: Words(
        "It failed for a reason that may pass, and is tried again.", "Wait, or remove the hindrance."
    ),
    Reason.INELIGIBLE: Words("It is approved, and may not be deployed as it is.", _APPROVE_AGAIN),
    Reason.OLDER: Words(
        "Its approval is older than that of the version to serve. It may come back if that one is given up.",
        "Approve it again to serve it now, or reject the newer one.",
    ),
    Reason.ONLY_SHADOWS: Words(
        "Its approver only makes versions shadows.", "Let one of the endpoint's approvers approve it."
    ),
    Reason.IGNORED: Words(
        "Its approval does not count for this endpoint.", "Let one of the endpoint's approvers approve it."
    ),
    Reason.HIDDEN: Words(
        "The registry does not show it to the deployer.",
        "Run `greenlight doctor`: it says what is missing.",
    ),
    Reason.BEFORE_FIRST_LOOK: Words(
        "It was approved before the deployer first looked at this endpoint, and another one counted then.",
        _APPROVE_AGAIN,
    ),
    Reason.NOT_SEEN: Words(
        "It is approved, and the deployer has not noticed yet.",
        "Wait: events bring the deployer within seconds, and a sweep within minutes.",
    ),
    Reason.NOT_APPROVED: Words("It is not approved.", "Approve it."),
    Reason.NOT_ADMITTED: Words(
        "It is approved, and its life cycle is not the one that this stage waits for.",
        "Set its life cycle.",
    ),
    Reason.NOT_FOLLOWED: Words(
        "The endpoint follows another group.", "Change model_package_group in its settings."
    ),
    Reason.NO_SUCH_VERSION: Words("The registry has no such version.", "Register it."),
}

SERVING: Final = frozenset(
    {
        *(Reason.SERVES, Reason.SERVES_AS_IT_IS, Reason.RESTARTS, Reason.RESTART_FAILED),
        *(Reason.LEAVES, Reason.STAYS_UNAPPROVED, Reason.SERVES_BESIDE, Reason.SHADOWS),
    }
)
"""The reasons of versions that the endpoint has now."""
