"""Shows in the registry, before anybody approves a version, what would keep it from serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from deployer.contract import PREFLIGHT_PROPERTY
from deployer.decisions.preflight import awaits_approval, is_due, obstacle, words
from deployer.decisions.version_metadata import of_preflight, that_fit
from deployer.gateways.sagemaker_errors import RefusedError
from deployer.model.model_version import ModelVersion
from deployer.model.steps import WriteMetadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_lambda_powertools import Logger

    from deployer.gateways.model_registry import ModelRegistry
    from deployer.model.settings import EndpointSettings
    from deployer.model.stack_identity import StackIdentity
    from deployer.model.trigger import PackageChanged


class Preflight:
    """The checks of versions that nobody has decided about.

    Nothing rests on them: what keeps them from being made or shown is logged, and that is all. They are of
    the group, and of no endpoint. So they write by themselves, and are in no journal.
    """

    def __init__(self, registry: ModelRegistry, identity: StackIdentity, logger: Logger) -> None:
        self._registry = registry
        self._identity = identity
        self._logger = logger

    def run(self, change: PackageChanged, followers: Sequence[EndpointSettings]) -> None:
        """Check the version of an event, and show the answer if it is news.

        Args:
            change: The event.
            followers: The endpoints that follow the version's group.
        """
        asking = [each for each in followers if each.stage_name is None and each.writes_metadata]
        if not asking or change.is_decided:
            return
        try:
            self._check(change.version_arn, asking)
        except (RefusedError, ClientError, BotoCoreError) as error:
            self._logger.warning(
                f"The registry does not show what would keep the version from serving: {error}",
                model_package_arn=change.version_arn,
            )

    def _check(self, version_arn: str, followers: Sequence[EndpointSettings]) -> None:
        # Read it right before the write: an event may be late.
        version = self._registry.describe_version(version_arn)
        if not isinstance(version, ModelVersion) or not awaits_approval(version):
            return
        told = words({each.endpoint_name: obstacle(version, each, self._identity) for each in followers})
        properties = of_preflight(told)
        shown = version.metadata.get(PREFLIGHT_PROPERTY)
        if not is_due(properties[PREFLIGHT_PROPERTY], shown, followers):
            return
        if fitting := that_fit(properties, version.metadata):
            self._show(WriteMetadata(version_arn, fitting))

    def _show(self, step: WriteMetadata) -> None:
        """Make a step as an executor does, which would read an endpoint's journal for it."""
        self._logger.info("Showing in the registry what a check before an approval found", steps=[step])
        self._logger.info("Making a step", step=step)
        try:
            self._registry.put_metadata(step.version_arn, step.properties)
        finally:
            self._logger.debug("The step is over", step=step)
