"""Reads from an endpoint's history what served on it, and what served well. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.attempt import AttemptStatus
from deployer.model.names import same_arn
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.approval import Approval
    from deployer.model.attempt import Deployment
    from deployer.model.history import History, ReleaseRecord


def live_version_arns(history: History) -> tuple[str, ...]:
    """Return every version of the deployment that succeeded last."""
    live = (each for each in history.deployments if each.status is AttemptStatus.SUCCEEDED)
    return next((each.version_arns for each in live), ())


@value
class ServedWell:
    """Which deployments succeeded with a config that failed no smoke test since.

    Attributes:
        deployments: These deployments, newest first, by their version's ARN in lower case.
        failed: The configs that failed a smoke test since they last succeeded.
        releases: What is known of each release.
    """

    deployments: Mapping[str, Sequence[Deployment]]
    failed: frozenset[str]
    releases: Mapping[str, ReleaseRecord]

    @classmethod
    def on(cls, history: History) -> ServedWell:
        """Read what served well on an endpoint."""
        found: dict[str, list[Deployment]] = {}
        failed: set[str] = set()
        succeeded: set[str] = set()
        for each in history.deployments:
            name = each.endpoint_config_name
            if each.status is AttemptStatus.SUCCEEDED and name not in failed:
                succeeded.add(name)
                found.setdefault(each.version_arn.lower(), []).append(each)
            elif each.failed_test is not None and name not in succeeded:
                failed.add(name)
        return cls(found, frozenset(failed), history.releases)

    def has(self, approval: Approval) -> bool:
        """Tell whether a version has served well here, with the content that was approved.

        The journal notes it beside the approval, as the deployment is forgotten once it was cleaned up.
        """
        noted = approval.served_with is not None and approval.served_with not in self.failed
        return noted or self.last(approval) is not None

    def has_config(self, endpoint_config_name: str) -> bool:
        """Tell whether a config has served well."""
        return any(
            each.endpoint_config_name == endpoint_config_name
            for deployments in self.deployments.values()
            for each in deployments
        )

    def last(self, approval: Approval, *, besides: str | None = None) -> Deployment | None:
        """Return the last deployment with which an approved version served well, but for one config's."""
        return next(
            (
                each
                for each in self.deployments.get(approval.version_arn.lower(), ())
                if each.endpoint_config_name != besides
                and approval.is_of(each.version_arn, each.approved_at)
                and (
                    None in {each.artifact_digest, approval.artifact_digest}
                    or each.artifact_digest == approval.artifact_digest
                )
            ),
            None,
        )

    def former(self, approval: Approval, *, besides: str) -> Deployment | None:
        """Return the same, if its config and models were not deleted since."""
        last = self.last(approval, besides=besides)
        record = self.releases.get(last.endpoint_config_name) if last is not None else None
        return last if record is not None and record.made else None


def has_served_as(history: History, approval: Approval, endpoint_config_name: str) -> bool:
    """Tell whether an approved version is known to have served with a config, also if that was cleaned up."""
    return history.is_proven(endpoint_config_name) or approval.served_with == endpoint_config_name


def lasts_with_any_settings(failure: Deployment, history: History) -> bool:
    """Tell whether a failure is the version's own: with other settings, the version has never served well."""
    served = any(
        each.status is AttemptStatus.SUCCEEDED and same_arn(each.version_arn, failure.version_arn)
        for each in history.deployments
    ) or any(
        each.served_with is not None and same_arn(each.version_arn, failure.version_arn)
        for each in history.approvals
    )
    return failure.failed_by_itself and not served
