"""Holds an alarm as CloudWatch shows it, and what of a request or a description defines an alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.contract import STACK_TAG
from deployer.model.names import fingerprint
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_DEFINING: Final = (
    "AlarmDescription",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "Dimensions",
    "EvaluateLowSampleCountPercentile",
    "EvaluationPeriods",
    "ExtendedStatistic",
    "MetricName",
    "Metrics",
    "Namespace",
    "Period",
    "Statistic",
    "Threshold",
    "ThresholdMetricId",
    "TreatMissingData",
    "Unit",
)
"""The members of `PutMetricAlarm`, and of `MetricAlarm`, that say when an alarm goes off. Actions are not
among them: a person who adds a notification to an alarm changes nothing that a rollout depends on."""


@value
class ObservedAlarm:
    """An alarm as `DescribeAlarms` and `ListTagsForResource` show it.

    Attributes:
        name: Its name.
        is_on: Whether its state is ALARM.
        changed_at: When its state last changed; None if CloudWatch does not say.
        definition: What defines it; empty for a composite alarm.
        tags: Its tags; None if they were not read.
    """

    name: str
    is_on: bool
    changed_at: datetime | None
    definition: Mapping[str, Any]
    tags: Mapping[str, str] | None = None

    def is_of(self, stack_name: str) -> bool:
        """Tell whether the alarm is this stack's, by its tag."""
        return self.tags is not None and self.tags.get(STACK_TAG) == stack_name


def definition(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return what defines an alarm: the same for a request and for the description of the alarm it made.

    CloudWatch's own order of dimensions and queries may differ from the request's, and empty members are no
    members.
    """
    found = {name: described[name] for name in _DEFINING if described.get(name) not in (None, "", [], ())}
    if "Dimensions" in found:
        found["Dimensions"] = _by_name(found["Dimensions"])
    if "Metrics" in found:
        found["Metrics"] = sorted(map(_query, found["Metrics"]), key=lambda each: str(each["Id"]))
    return found


def digest(request: Mapping[str, Any]) -> str:
    """Return the digest of what a request defines."""
    return fingerprint(definition(request))


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    returned = {"ReturnData": query.get("ReturnData", True)}
    if "MetricStat" not in query:
        return {"Id": query["Id"], "Expression": query["Expression"], **returned}
    measured = query["MetricStat"]
    metric = {**measured["Metric"], "Dimensions": _by_name(measured["Metric"].get("Dimensions", ()))}
    return {"Id": query["Id"], "MetricStat": {**measured, "Metric": metric}, **returned}


def _by_name(dimensions: Any) -> list[dict[str, str]]:  # noqa: ANN401 - a list of botocore's dimensions
    return sorted(({**each} for each in dimensions), key=lambda each: str(each["Name"]))
