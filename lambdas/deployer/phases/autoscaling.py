"""Makes the endpoint's automatic scaling match the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.autoscaling import scaling_steps
from deployer.endpoint_pass.round import Next

if TYPE_CHECKING:
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.round import Round
    from deployer.model.settings import EndpointSettings


class AutoscalingPhase:
    """Registers variants, and deregisters those that should no longer scale."""

    def __init__(self, settings: EndpointSettings, ledger: Ledger, executor: Executor) -> None:
        self._settings = settings
        self._ledger = ledger
        self._executor = executor

    def run(self, round_: Round) -> Next:
        """Change the scaling that differs. A refusal is reported, and stops no other phase."""
        endpoint = round_.endpoint
        if endpoint is not None and endpoint.status == "InService" and not round_.is_another_kind:
            registered = self._ledger.history.last_observed.scaling
            steps = scaling_steps(self._settings.scaling, registered, endpoint.scaled_by)
            round_.troubles += self._executor.try_to_make(steps)
        return Next.GO_ON
