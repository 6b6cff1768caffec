"""Holds why a decision put each version where it is. Pure.

The decision itself notes the rule that ended its look at a version. So an explanation cannot contradict it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.decisions.retries import Standing
    from deployer.model.approval import Approval, Ineligible
    from deployer.model.attempt import Deployment


class Rule(Enum):
    """The rule that decided about one approved version."""

    CHOSEN = "chosen"
    """The newest approval that stands, has not failed, and may be deployed."""

    PUT_BACK = "put_back"
    """It served well here, fails with the present settings, and returns with the config of that time."""

    KEPT = "kept"
    """It serves. Its release under the present settings failed or may not be deployed, so nothing changes."""

    SHADOWS = "shadows"
    """The newest later version that gets copies of the calls."""

    WITHDRAWN = "withdrawn"
    """Its approval does not stand any more."""

    ROLLED_BACK = "rolled_back"
    """A person rolled the endpoint back to an older version, and it was not approved again since."""

    SUPERSEDED = "superseded"
    """A later approval went out before the version ever served: it is the last resort."""

    FAILED_BEFORE = "failed_before"
    """It failed with other settings and stands behind what served well: it is the last resort."""

    FAILED = "failed"
    """It failed since its approval. Only a new approval or other settings let it be tried again."""

    WAITS = "waits"
    """It failed for a reason that may pass, and is tried again at a known time."""

    INELIGIBLE = "ineligible"
    """It stands, and may not be deployed as it is."""

    UNPROVEN = "unproven"
    """Nothing new goes out now, and it has not served well here."""

    OLDER = "older"
    """The decision did not get as far: a version before it was chosen."""

    ONLY_SHADOWS = "only_shadows"
    """Its approver makes a version a shadow only."""

    IGNORED = "ignored"
    """Its approval does not count, by the approval policy of the endpoint."""


CHOSEN_BY = frozenset({Rule.CHOSEN, Rule.PUT_BACK, Rule.KEPT})
"""The rules of the version that a decision chose."""


@value
class Verdict:
    """Why one approval has its place.

    Attributes:
        approval: The newest of its version.
        rule: What decided.
        failure: The deployment that failed, if that decided.
        retry_at: When it is tried again; None if time alone does not mend it.
        ineligible: Why its version may not be deployed, if that decided.
        superseded_by: The version that went out instead, if that decided.
    """

    approval: Approval
    rule: Rule
    failure: Deployment | None = None
    retry_at: datetime | None = None
    ineligible: Ineligible | None = None
    superseded_by: int | None = None


class Trace:
    """The verdicts of one decision. What is said of an approval last counts."""

    def __init__(self) -> None:
        self._verdicts: dict[tuple[str, datetime], Verdict] = {}

    def say(self, verdict: Verdict) -> None:
        """Note a verdict."""
        self._verdicts[verdict.approval.key] = verdict

    def refuse(self, approval: Approval, judged: Standing, reason: Ineligible | None) -> None:
        """Note that an approval is not chosen, by its failures or by what its version lacks."""
        if reason is not None:
            self.say(Verdict(approval, Rule.INELIGIBLE, ineligible=reason))
            return
        rule = Rule.FAILED if judged.lasts else Rule.WAITS
        self.say(Verdict(approval, rule, failure=judged.failure, retry_at=judged.retry_at))

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Every verdict, in the order in which the approvals were considered."""
        return tuple(self._verdicts.values())
