"""Makes the endpoint's own tags match the settings. A changed tag needs no rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.at_rest import tag_steps
from deployer.endpoint_pass.round import Next

if TYPE_CHECKING:
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.round import Round
    from deployer.model.settings import EndpointSettings


class TagsPhase:
    """Notes the observed endpoint, and changes its tags."""

    def __init__(
        self, settings: EndpointSettings, ledger: Ledger, executor: Executor, *, stack_name: str
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._executor = executor
        self._stack_name = stack_name

    def run(self, round_: Round) -> Next:
        """Change the tags that differ. A refusal is reported, and stops no other phase."""
        endpoint, choice = round_.endpoint, round_.decision.choice
        if endpoint is None or round_.is_another_kind:
            return Next.GO_ON
        wanted = choice.release.endpoint_config_name if choice is not None else None
        if endpoint.status == "InService" and endpoint.endpoint_config_name == wanted:
            self._ledger.note(endpoint_config_name=wanted, last_modified_time=endpoint.last_modified_time)
        last = self._ledger.history.last_observed
        steps = tag_steps(self._settings, last, endpoint.arn, stack_name=self._stack_name)
        round_.troubles += self._executor.try_to_make(steps)
        return Next.GO_ON
