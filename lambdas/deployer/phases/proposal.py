"""Proposes what an endpoint should serve, and the plan for it. A proposal changes nothing in AWS."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from deployer.decisions.before_rollout import tested_first
from deployer.decisions.holds import held_message, is_new
from deployer.decisions.plan import Held, OnTestEndpoint
from deployer.model import statuses
from deployer.model.steps import CreateTestEndpoint
from deployer.phases.planning import Draft

if TYPE_CHECKING:
    from deployer.decisions.choice import Choice, Decision
    from deployer.decisions.plan import Deploy, Plan
    from deployer.endpoint_pass.versions import Versions
    from deployer.gateways.endpoints import Endpoints
    from deployer.model.endpoint import Endpoint
    from deployer.phases.choice import Chooser
    from deployer.phases.planning import Planner


class Proposer:
    """Chooses and plans for one endpoint at rest."""

    def __init__(self, chooser: Chooser, planner: Planner, versions: Versions, endpoints: Endpoints) -> None:
        self._chooser = chooser
        self._planner = planner
        self._versions = versions
        self._endpoints = endpoints

    def choose(self, endpoint: Endpoint | None) -> Decision:
        """Return what the endpoint should serve, if nothing holds it back."""
        serves = endpoint is not None and endpoint.status not in statuses.FAILED
        serving = endpoint if serves else None
        in_service = endpoint is not None and endpoint.status == "InService"
        return self._chooser.choose(serving.endpoint_config_name if serving else None, in_service=in_service)

    def plan(self, decision: Decision, endpoint: Endpoint | None) -> tuple[Plan, Decision]:
        """Return what may be done now, and the decision for it: less than was chosen while a hold stands."""
        planned = self._planner.draft(decision, endpoint)
        if isinstance(planned, Draft):
            planned, decision = self._held_back(planned, decision)
        if isinstance(planned, Draft):
            planned = self._planner.finish(planned)
        return planned, decision

    def is_new(self, choice: Choice, endpoint: Endpoint | None) -> bool:
        """Tell whether a choice brings anything that did not serve well on the endpoint before."""
        return self._versions.decide(partial(is_new, choice=choice, endpoint=endpoint))

    def _held_back(self, planned: Draft, decision: Decision) -> tuple[Plan | Draft, Decision]:
        """Return what may be done now.

        What brings something new may have to be tested first. What brings nothing new does not even read the
        holds.
        """
        choice, endpoint, facts = decision.choice, planned.endpoint, self._versions.facts
        assert choice is not None, "a deployment is planned for a choice"
        if not self.is_new(choice, endpoint):
            return planned, decision
        hold = self._chooser.hold()
        if hold is None:
            return self._tested_first(planned, choice), decision
        allowed = self._chooser.choose_held(endpoint)
        if allowed is not None:
            instead = self._planner.draft(allowed, endpoint)
            if isinstance(instead, Draft):
                return instead, allowed
        config_name = endpoint.endpoint_config_name if endpoint is not None else None
        return Held(held_message(facts, choice, hold, config_name), hold.description), decision

    def _tested_first(self, draft: Draft, choice: Choice) -> Draft | Deploy | OnTestEndpoint:
        """Return what comes before a deployment of something new, or the deployment itself."""
        facts = self._versions.facts
        first = tested_first(draft.deploy, choice, facts.settings, facts.history)
        if not isinstance(first.change, CreateTestEndpoint):
            return replace(draft, deploy=first)
        shown = self._endpoints.describe(first.change.endpoint_name)
        return first if shown is None else OnTestEndpoint(first, shown)
