"""The only caller of CloudWatch: reads, makes and deletes rollback alarms, sets and clears one.

SageMaker has no call to take an update back. But it rolls one back at once when an alarm of the automatic
rollback goes off. So each guarded endpoint has an abort alarm, which only the deployer sets off. Source:
developer guide, "deployment-guardrails"; `SetAlarmState`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from deployer.contract import ABORT_METRIC, METRIC_NAMESPACE
from deployer.gateways.refusals import UpkeepRefusedError, upkeep_refusals
from deployer.model.alarm import ObservedAlarm, definition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_cloudwatch import CloudWatchClient

LONGEST_REASON: Final = 1023
"""botocore: `SetAlarmStateInput$StateReason`."""

_NO_ALARM: Final = "ResourceNotFound"
"""How the codes begin that say that there is no such alarm (botocore: `ResourceNotFound` and
`ResourceNotFoundException`)."""


class Alarms:
    """The alarms that guard rollouts: the deployer's own, and the states of those that a person named.

    Args:
        client: Makes the client on its first use: most invocations never use it.
    """

    def __init__(self, client: Callable[[], CloudWatchClient]) -> None:
        self._make_client = client

    @property
    def _client(self) -> CloudWatchClient:
        return self._make_client()

    def look(self, own: Sequence[str], others: Sequence[str] = ()) -> dict[str, ObservedAlarm]:
        """Return those of these alarms that exist, by their names.

        Args:
            own: Alarms whose tags are read as well: one call for each that exists.
            others: Alarms of which only the state counts. All together are a hundred at most (botocore:
                `DescribeAlarms`).

        Raises:
            UpkeepRefusedError: CloudWatch does not show them.
        """
        names = list(dict.fromkeys([*own, *others]))
        if not names:
            return {}
        # Up to a hundred alarms are one page.
        found = self._read(names, AlarmNames=names)
        return self._observed(found, own)

    def find(self, prefix: str, known: Sequence[str]) -> dict[str, ObservedAlarm]:
        """Return all alarms whose names begin so, with their tags.

        Args:
            prefix: How their names begin.
            known: Those that are expected, to tell a person which ones CloudWatch does not show.

        Raises:
            UpkeepRefusedError: CloudWatch does not show them.
        """
        found = self._read(known or [f"{prefix}*"], AlarmNamePrefix=prefix)
        return self._observed(found, list(found))

    def _observed(
        self, found: Mapping[str, Mapping[str, Any]], own: Sequence[str]
    ) -> dict[str, ObservedAlarm]:
        """Return alarms that exist, those of our own with their tags."""
        tags: dict[str, dict[str, str] | None] = {
            name: self._tags(name, found[name]["AlarmArn"]) for name in own if name in found
        }
        # An alarm that was deleted between the two calls has no tags to read, and does not exist.
        gone = [name for name, read in tags.items() if read is None]
        return {
            name: ObservedAlarm(
                name=name,
                is_on=each["StateValue"] == "ALARM",
                changed_at=each.get("StateTransitionedTimestamp") or each.get("StateUpdatedTimestamp"),
                definition=definition(each) if "AlarmRule" not in each else {},
                tags=tags.get(name),
            )
            for name, each in found.items()
            if name not in gone
        }

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
        seen = self.look((), alarm_names)
        quiet = {
            name
            for name, each in seen.items()
            if not each.is_on and not (each.changed_at is not None and each.changed_at > time)
        }
        return sorted(set(alarm_names) - quiet)

    def put(self, request: Mapping[str, Any]) -> None:
        """Make an alarm, or change the definition of the one of its name.

        Raises:
            UpkeepRefusedError: CloudWatch refuses it.
        """
        with upkeep_refusals(
            f"The alarm {request['AlarmName']}, which guards rollouts, cannot be made or changed",
            remedy="Change `alarms` under `rollout` in the endpoint's YAML, or remove the named cause.",
        ):
            self._client.put_metric_alarm(**request)

    def delete(self, alarm_names: Sequence[str]) -> None:
        """Delete alarms. One that does not exist is no failure.

        Raises:
            UpkeepRefusedError: CloudWatch refuses it.
        """
        left = list(alarm_names)
        while left:
            try:
                with upkeep_refusals(
                    f"These alarms, which the settings no longer have, cannot be deleted: {', '.join(left)}",
                    remedy="Delete them by hand, or remove the named cause.",
                ):
                    self._client.delete_alarms(AlarmNames=left)
            except UpkeepRefusedError:
                # IAM answers before CloudWatch does, and a missing alarm has no tag that permits its
                # deletion.
                found = self.look((), left)
                if len(found) == len(left):
                    raise
                left = [name for name in left if name in found]
            else:
                return

    def set_off(self, alarm_name: str, endpoint_name: str, *, at: datetime, reason: str) -> None:
        """Make SageMaker roll back the update that the abort alarm guards.

        CloudWatch may take back a state that was set (`SetAlarmState`: "temporarily"). So the alarm measures
        what is published here as well, and one of the two is enough.

        Raises:
            UpkeepRefusedError: CloudWatch refuses both, or there is no such alarm.
        """
        refused = [
            *self._try(lambda: self._set(alarm_name, "ALARM", reason)),
            *self._try(lambda: self._publish(alarm_name, endpoint_name, _milliseconds(at))),
        ]
        if len(refused) > 1 or (refused and _says_missing(refused[0])):
            raise refused[0]

    def clear(self, alarm_name: str, endpoint_name: str, *, at: datetime) -> None:
        """Let the next update pass.

        Raises:
            UpkeepRefusedError: CloudWatch refuses one of the two changes: the alarm may go off again.
        """
        refused = [
            *self._try(lambda: self._publish(alarm_name, endpoint_name, -_milliseconds(at))),
            *self._try(lambda: self._set(alarm_name, "OK", "Greenlight: no rollout is to be aborted.")),
        ]
        if refused:
            raise refused[0]

    def _try(self, change: Callable[[], None]) -> list[UpkeepRefusedError]:
        try:
            change()
        except UpkeepRefusedError as refusal:
            return [refusal]
        return []

    def _read(self, names: Sequence[str], **asked: Any) -> dict[str, Mapping[str, Any]]:  # noqa: ANN401 - members of the request
        """Describe metric and composite alarms: by default CloudWatch shows metric alarms only.

        It shows composite ones only to a caller that may describe every alarm (botocore: `DescribeAlarms`).
        """
        refused = f"These rollback alarms cannot be read: {', '.join(names)}"
        remedy = "Change `alarms` under `rollout` in the endpoint's YAML, or remove the named cause."
        found: dict[str, Mapping[str, Any]] = {}
        while True:
            with upkeep_refusals(refused, remedy=remedy):
                answer: Mapping[str, Any] = self._client.describe_alarms(
                    **asked, AlarmTypes=["CompositeAlarm", "MetricAlarm"], MaxRecords=100
                )
            for each in (*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())):
                found[each["AlarmName"]] = each
            if "NextToken" not in answer:
                return found
            asked["NextToken"] = answer["NextToken"]

    def _tags(self, alarm_name: str, alarm_arn: str) -> dict[str, str] | None:
        """Return an alarm's tags; None if there is no such alarm."""
        try:
            with upkeep_refusals(
                f"The tags of the alarm {alarm_name}, which say whose it is, cannot be read",
                remedy="Remove the named cause.",
            ):
                answer = self._client.list_tags_for_resource(ResourceARN=alarm_arn)
        except UpkeepRefusedError as refused:
            if not _says_missing(refused):
                raise
            return None
        return {each["Key"]: each["Value"] for each in answer["Tags"]}

    def _set(self, alarm_name: str, state: Literal["ALARM", "OK"], reason: str) -> None:
        with upkeep_refusals(
            f"The alarm {alarm_name}, by which rollouts are stopped, cannot be set to {state}",
            remedy="If it was deleted, it is made again before the next update.",
        ):
            self._client.set_alarm_state(
                AlarmName=alarm_name, StateValue=state, StateReason=reason[:LONGEST_REASON]
            )

    def _publish(self, alarm_name: str, endpoint_name: str, value: int) -> None:
        with upkeep_refusals(
            f"What the alarm {alarm_name} measures, by which rollouts are stopped, cannot be published",
            remedy="Remove the named cause.",
        ):
            self._client.put_metric_data(
                Namespace=METRIC_NAMESPACE,
                MetricData=[
                    {
                        "MetricName": ABORT_METRIC,
                        "Dimensions": [{"Name": "EndpointName", "Value": endpoint_name}],
                        "Value": value,
                    }
                ],
            )


def _says_missing(refused: UpkeepRefusedError) -> bool:
    return refused.refusal.text.startswith(_NO_ALARM)


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
