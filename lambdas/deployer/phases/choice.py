"""Chooses what the endpoint should serve, and journals approvals that are withdrawn or superseded by now."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from deployer.decisions.choice import choose

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.decisions.choice import Decision
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.versions import Versions


_TRIES: Final = 3


class Chooser:
    """Decides for one endpoint, as often as a phase asks."""

    def __init__(
        self, ledger: Ledger, versions: Versions, logger: Logger, *, now: Callable[[], datetime]
    ) -> None:
        self._ledger = ledger
        self._versions = versions
        self._logger = logger
        self._now = now

    def choose(self, serving_config_name: str | None, *, in_service: bool = True) -> Decision:
        """Decide what the endpoint should serve now.

        What was decided is decided again while other invocations change the approvals that it rests on.
        """
        for _ in range(_TRIES):
            decision = self._versions.decide(
                partial(
                    choose, serving_config_name=serving_config_name, now=self._now(), in_service=in_service
                )
            )
            if self._note(decision):
                break
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
