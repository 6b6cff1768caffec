"""Tells what an endpoint serves, as far as the journal and its config show. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.names import same_arn
from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.model.approval import Approval
    from deployer.model.history import History


@value
class Serving:
    """What an endpoint serves now, as far as the journal knows.

    Attributes:
        version_arn: The version.
        approved_at: When it was approved, as the deployment says that led to the config; None if the journal
            does not know the config.
        version_arns: That version and its companions.
        endpoint_config_name: The config that serves it; None if the endpoint is not in service.
        failed_test: Whether it failed its smoke test with that config.
        is_foreign: Whether the journal does not know the config: somebody else made it, or a lost journal
            knew it.
    """

    version_arn: str
    approved_at: datetime | None
    version_arns: tuple[str, ...]
    endpoint_config_name: str | None
    failed_test: bool = False
    is_foreign: bool = False

    def is_of(self, approval: Approval) -> bool:
        """Tell whether it is an approval's version."""
        return approval.is_of(self.version_arn, self.approved_at or approval.approved_at)

    def has(self, approval: Approval) -> bool:
        """Tell whether the endpoint's config has a version, as the approved one or as a companion."""
        return any(same_arn(approval.version_arn, each) for each in self.version_arns)


def serving_on(
    history: History, endpoint_config_name: str | None, foreign_version_arn: str | None, *, in_service: bool
) -> Serving | None:
    """Return what a config serves; None if nobody knows.

    Args:
        history: The endpoint's.
        endpoint_config_name: The config.
        foreign_version_arn: The one version that it serves, if the journal does not know it.
        in_service: Whether the endpoint is in service.
    """
    attempt = history.latest_on(endpoint_config_name)
    if attempt is None and foreign_version_arn is not None and in_service:
        arns = (foreign_version_arn,)
        return Serving(foreign_version_arn, None, arns, endpoint_config_name, is_foreign=True)
    if attempt is None:
        return None
    return Serving(
        attempt.version_arn,
        attempt.approved_at,
        attempt.version_arns,
        attempt.endpoint_config_name if in_service else None,
        failed_test=attempt.failed_test is not None,
    )
