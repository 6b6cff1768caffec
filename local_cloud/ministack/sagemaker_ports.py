"""Answer the control plane's questions about the world from MiniStack's data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iam_evaluator.policies import NO_POLICY
from local_cloud.sagemaker.ports import AlarmState, Key

if TYPE_CHECKING:
    from local_cloud.ministack.cloudwatch_metrics import CloudWatchMetrics
    from local_cloud.ministack.iam import MiniStackIam
    from local_cloud.ministack.role_permissions import ExecutionRoles


class MiniStackIdentity:
    """`Identity` in MiniStack's IAM."""

    def __init__(self, roles: ExecutionRoles) -> None:
        self._roles = roles

    def can_be_assumed_by_sagemaker(self, role_arn: str) -> bool:
        """Tell whether the role exists and trusts SageMaker."""
        return self._roles.trusts(role_arn, "sagemaker.amazonaws.com")


class MiniStackArtifacts:
    """`Artifacts` in MiniStack's S3."""

    def __init__(self, roles: ExecutionRoles) -> None:
        self._roles = roles

    def is_readable(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        """Tell whether an object exists, and the role may read it."""
        return self._roles.may_read(s3_url, role_arn=role_arn, region=region)

    def is_missing(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        """Tell whether the role may list below a URL that ends in `/`, and nothing is there."""
        return self._roles.finds_nothing(s3_url, role_arn=role_arn, region=region)


class MiniStackAlarms:
    """`Alarms` in MiniStack's CloudWatch."""

    def __init__(self, metrics: CloudWatchMetrics) -> None:
        self._metrics = metrics

    def state(self, account_id: str, region: str, alarm_name: str) -> AlarmState | None:
        """Return the alarm's state; None if there is no such alarm."""
        state = self._metrics.alarm_state(account_id, region, alarm_name)
        return None if state is None else AlarmState(state)


class MiniStackKeys:
    """`Keys` in MiniStack's KMS."""

    def __init__(self, iam: MiniStackIam) -> None:
        self._iam = iam

    def find(self, account_id: str, region: str, key_id: str) -> Key | None:
        """Return the key of that id, ARN or alias; None if there is none."""
        arn, policy, aliases = self._iam.key(account_id, region, key_id)
        return Key(arn, aliases, policy or NO_POLICY) if arn else None
