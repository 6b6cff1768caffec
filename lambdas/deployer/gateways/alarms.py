"""The only caller of CloudWatch: sets and clears the abort alarm, and reads whether other alarms are on.

SageMaker has no call to take an update back. But it rolls one back at once when an alarm of the automatic
rollback goes off. So each guarded endpoint has an abort alarm, which measures nothing and which only the
deployer sets off. Source: developer guide, "deployment-guardrails"; `SetAlarmState`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from deployer.gateways.refusals import upkeep_refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import CompositeAlarmTypeDef, MetricAlarmTypeDef

LONGEST_REASON: Final = 1023
"""botocore: `SetAlarmStateInput$StateReason`."""


class Alarms:
    """The stack's abort alarms, and the states of the other alarms that may stop a rollout.

    Args:
        client: Makes the client on its first use: most invocations never use it.
    """

    def __init__(self, client: Callable[[], CloudWatchClient]) -> None:
        self._make_client = client

    @property
    def _client(self) -> CloudWatchClient:
        return self._make_client()

    def set_off(self, alarm_name: str, *, reason: str) -> None:
        """Make SageMaker roll back the update that the alarm guards.

        Raises:
            UpkeepRefusedError: CloudWatch refuses it: for example, the alarm was deleted.
        """
        self._set(alarm_name, "ALARM", reason)

    def clear(self, alarm_name: str) -> None:
        """Let the next update pass.

        Raises:
            UpkeepRefusedError: As from `set_off`.
        """
        self._set(alarm_name, "OK", "Greenlight: no rollout is to be aborted.")

    def on(self, alarm_names: Sequence[str]) -> frozenset[str]:
        """Return which of these alarms are on. An alarm that does not exist is off.

        Args:
            alarm_names: As many as guard an update, which are ten at most (botocore: `AlarmList`).

        Raises:
            UpkeepRefusedError: CloudWatch does not show them.
        """
        return frozenset(
            alarm["AlarmName"] for alarm in self._read(alarm_names) if alarm["StateValue"] == "ALARM"
        )

    def disturbed_since(self, time: datetime, alarm_names: Sequence[str]) -> list[str]:
        """Return which of these alarms are on, have changed since a time, or cannot be seen.

        A changed alarm may have been on until then, or may have had no data: the answer does not say. A
        deleted alarm cannot be seen.

        Args:
            time: Since when.
            alarm_names: As many as guard an update, which are ten at most (botocore: `AlarmList`).

        Raises:
            UpkeepRefusedError: CloudWatch does not show them.
        """
        if not alarm_names:
            return []
        quiet = {
            alarm["AlarmName"]
            for alarm in self._read(alarm_names)
            if alarm["StateValue"] != "ALARM" and not _changed_after(time, alarm)
        }
        return sorted(set(alarm_names) - quiet)

    def _read(self, alarm_names: Sequence[str]) -> list[MetricAlarmTypeDef | CompositeAlarmTypeDef]:
        """Describe metric and composite alarms: by default CloudWatch shows metric alarms only.

        It shows composite ones only to a caller that may describe every alarm (botocore: `DescribeAlarms`).
        """
        with upkeep_refusals(
            f"Whether these rollback alarms are on cannot be read: {', '.join(alarm_names)}",
            remedy="Change `alarms` under `rollout` in the endpoint's YAML, or remove the named cause.",
        ):
            answer = self._client.describe_alarms(
                AlarmNames=alarm_names, AlarmTypes=["CompositeAlarm", "MetricAlarm"]
            )
        return [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]

    def _set(self, alarm_name: str, state: Literal["ALARM", "OK"], reason: str) -> None:
        with upkeep_refusals(
            f"The alarm {alarm_name}, by which rollouts are stopped, cannot be set to {state}",
            remedy="Deploy the stack again, which makes the alarm if it was deleted.",
        ):
            self._client.set_alarm_state(
                AlarmName=alarm_name, StateValue=state, StateReason=reason[:LONGEST_REASON]
            )


def _changed_after(time: datetime, alarm: MetricAlarmTypeDef | CompositeAlarmTypeDef) -> bool:
    changed = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
    return changed is not None and changed > time
