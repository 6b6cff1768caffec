"""Holds what a pass over an endpoint comes to: a plan, or why nothing is planned. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from deployer.value import value

if TYPE_CHECKING:
    from deployer.decisions.choice import Choice, Decision
    from deployer.decisions.facts import Facts
    from deployer.decisions.plan import Plan
    from deployer.model.attempt import Attempt
    from deployer.model.endpoint import Endpoint
    from deployer.model.outcome import Outcome


@value
class UnderWay:
    """SageMaker or an invocation is at work on the endpoint: nothing is planned before that ends.

    Attributes:
        attempt: The attempt under way; None if somebody else changes the endpoint.
    """

    attempt: Attempt | None


@value
class NothingApproved:
    """No version was ever approved for the endpoint."""


Course: TypeAlias = "Plan | UnderWay | NothingApproved"


@value
class Preview:
    """What a pass over an endpoint would find and do.

    Attributes:
        facts: What was read, after what the pass would journal.
        endpoint: The endpoint; None if there is none.
        serves: The versions that its config serves, the approved one first; none if nobody knows.
        chosen: What should serve, if nothing held it back; None if nothing was ever approved.
        planned_for: The decision that the plan is for: less than was chosen while a hold stands.
        course: The plan, or why there is none.
        outcomes: What people would be told.
        in_turn: What goes out from now on, one after another, if each succeeds; only if that was asked.
    """

    facts: Facts
    endpoint: Endpoint | None
    serves: tuple[str, ...]
    chosen: Decision | None
    planned_for: Decision | None
    course: Course
    outcomes: tuple[Outcome, ...]
    in_turn: tuple[Choice, ...] = ()
