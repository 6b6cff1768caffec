"""Tells people, once, of versions that are approved and that the registry does not let the deployer read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model import outcomes

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aws_lambda_powertools import Logger

    from deployer.gateways.journal import Journal
    from deployer.gateways.reporter import Reporter
    from deployer.gateways.sagemaker import UnreadableError


class Unreadable:
    """Those of one endpoint's group."""

    def __init__(
        self,
        endpoint_name: str,
        journal: Journal,
        reporter: Reporter,
        logger: Logger,
        now: Callable[[], datetime],
    ) -> None:
        self._endpoint_name = endpoint_name
        self._journal = journal
        self._reporter = reporter
        self._logger = logger
        self._now = now

    def tell(self, version_arn: str, refusal: UnreadableError) -> None:
        """Tell that a version cannot be read, and so has no turn."""
        told = f"{version_arn} is approved and cannot be read: {refusal}"
        self._logger.warning(told, model_package_arn=version_arn)
        if self._journal.was_told_unreadable(self._endpoint_name, version_arn):
            return
        told_all = self._reporter.report(
            outcomes.needs_attention(
                self._endpoint_name,
                f"{told}. {self._endpoint_name} does not get it before the deployer's role may read it. "
                "Permit sagemaker:DescribeModelPackage, and the use of the key that its model card is "
                "encrypted with; `python -m ops doctor` says what is missing.",
                time=self._now(),
                correlation_id=self._endpoint_name,
            )
        )
        if told_all:
            self._journal.record_unreadable_told(self._endpoint_name, version_arn)
