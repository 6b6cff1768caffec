"""Chooses what the endpoint should serve, and journals approvals that are withdrawn or superseded by now."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from deployer.decisions.choice import choose
from deployer.decisions.holds import choose_held

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.decisions.choice import Decision
    from deployer.endpoint_pass.approvals import Approvals
    from deployer.endpoint_pass.holds import Holds
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.versions import Versions
    from deployer.gateways.models_and_configs import ModelsAndConfigs
    from deployer.model.endpoint import Endpoint
    from deployer.model.hold import Hold
    from deployer.phases.adoption import Adoption


_TRIES: Final = 3


class Chooser:
    """Decides for one endpoint, as often as a phase asks."""

    def __init__(
        self,
        ledger: Ledger,
        versions: Versions,
        models_and_configs: ModelsAndConfigs,
        adoption: Adoption,
        holds: Holds,
        approvals: Approvals,
        logger: Logger,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._versions = versions
        self._models_and_configs = models_and_configs
        self._adoption = adoption
        self._holds = holds
        self._approvals = approvals
        self._logger = logger
        self._now = now

    def choose(self, serving_config_name: str | None, *, in_service: bool = True) -> Decision:
        """Decide what the endpoint should serve now.

        What was decided is decided again while other invocations change the approvals that it rests on.
        """
        foreign = self._recognised(serving_config_name if in_service else None)
        for _ in range(_TRIES):
            decision = self._versions.decide(
                partial(
                    choose,
                    serving_config_name=serving_config_name,
                    now=self._now(),
                    in_service=in_service,
                    foreign_version_arn=foreign,
                )
            )
            if self._note(decision):
                break
        return decision

    def _recognised(self, endpoint_config_name: str | None) -> str | None:
        """Journal the lost approval of what a known config serves; return the version on an unknown one.

        Somebody else may have made that config, or a lost journal knew it. Its version stays as any other
        does while its own release fails.
        """
        self._versions.adopted = None
        if endpoint_config_name is None:
            return None
        serving = self._ledger.history.latest_on(endpoint_config_name)
        if serving is not None:
            self._approvals.find_serving(serving.version_arn, serving.approved_at)
            return None
        adopted = self._adoption.recognise(endpoint_config_name)
        if adopted is not None:
            return adopted
        found = set(self._versions.still_there(self._models_and_configs.versions_on(endpoint_config_name)))
        return found.pop() if len(found) == 1 else None

    def hold(self) -> Hold | None:
        """Return what holds rollouts of anything new back now; None if nothing does."""
        return self._holds.standing()

    def choose_held(self, endpoint: Endpoint | None) -> Decision | None:
        """Decide what the endpoint should serve while nothing new goes out; None if it stays as it is."""
        serves = endpoint is not None and endpoint.status == "InService"
        foreign = self._recognised(endpoint.endpoint_config_name if endpoint and serves else None)
        decision = self._versions.decide(
            partial(choose_held, endpoint=endpoint, foreign_version_arn=foreign, now=self._now())
        )
        if decision is not None:
            self._note(decision)
        return decision

    def _note(self, decision: Decision) -> bool:
        """Journal what the decision found of approvals; return whether they were as it read them."""
        written: list[bool] = []
        for approval in decision.withdrawn:
            written.append(self._ledger.withdraw(approval))
            self._logger.info("This approval no longer stands", model_package_arn=approval.version_arn)
        for approval, by in decision.superseded:
            written.append(self._ledger.change_approval(approval, superseded_by=by))
            self._logger.info(
                "Superseded before it served", model_package_arn=approval.version_arn, superseded_by=by
            )
        for approval, config_name in decision.served:
            written.append(self._ledger.change_approval(approval, served_with=config_name))
        return all(written)
