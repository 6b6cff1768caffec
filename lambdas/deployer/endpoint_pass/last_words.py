"""Quotes what a version's container logged last, in the reason for its failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.gateways.container_logs import UnreadableLogsError
from deployer.model.cause import Cause
from deployer.model.endpoint import log_group
from deployer.model.excerpts import sentence
from deployer.model.last_words import last_words

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.gateways.container_logs import ContainerLogs
    from deployer.model.attempt import Deployment


class LastWords:
    """Adds the last exception of an endpoint's log to the reason of a failure that is its version's.

    Without it, a reason is as it was: a log that cannot be read, or says nothing, never holds up the end.

    Args:
        logs: What containers logged.
        logger: Where it says that it could not read them.
        quotes: Whether the settings let reasons quote a log.
    """

    def __init__(self, logs: ContainerLogs, logger: Logger, *, quotes: bool) -> None:
        self._logs = logs
        self._logger = logger
        self._quotes = quotes

    def added_to(self, reason: str, deployment: Deployment, cause: Cause) -> str:
        """Return the reason of a deployment's failure, with what its containers logged last."""
        if not self._quotes or cause is not Cause.VERSION:
            return reason
        name = deployment.tried_on
        try:
            tails = self._logs.tails(name, since=deployment.started_at)
        except UnreadableLogsError as error:
            self._logger.info(f"The containers' log cannot be quoted: {error}")
            return reason
        words = next((found for lines in tails if (found := last_words(lines)) is not None), None)
        if words is None:
            self._logger.info("The containers logged no exception", log_group=log_group(name))
            return reason
        return f"{sentence(reason)} The container's last error: {sentence(words)}"
