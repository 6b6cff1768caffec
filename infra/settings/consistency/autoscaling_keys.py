"""Owns which keys of autoscaling contradict each other, and what Application Auto Scaling would refuse.

Sources: botocore's model of application-autoscaling; developer guide, "endpoint-auto-scaling",
"async-inference-autoscale" and "serverless-endpoints-autoscale".
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import available_timezones

from infra.settings.compiling.scalable_target import PREDEFINED_METRICS, Serving, scalable_target
from infra.settings.problem import field_name, nearest, shown
from infra.settings.rules.request_validation import violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.keys.scaling_options import Autoscaling, ScheduledAction, TargetTracking
    from infra.settings.problem import FieldPath, Problem
    from infra.settings.reading.document import Document
    from infra.settings.rules.request_validation import Violation
_SERVICE: Final = "application-autoscaling"
_ZERO_SOURCE: Final = (
    'developer guide, "endpoint-auto-scaling-add-console": at least 1 instance is required; '
    '"async-inference-autoscale" has the exception'
)
_METRIC_SOURCE: Final = (
    'developer guide, "endpoint-auto-scaling-policy", "async-inference-autoscale" and '
    '"serverless-endpoints-autoscale"'
)
_DIMENSION_SOURCE: Final = "Application Auto Scaling's answer, seen (aws-cdk #29065)"
_SCHEDULE: Final = re.compile(
    r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"
    r"|rate\([1-9]\d* (?:minute|hour|day)s?\)"
    r"|cron\(\S+(?: \S+){5}\)"
)


def scaling_problems(
    document: Document, where: FieldPath, scaling: Autoscaling, serving: Serving
) -> Iterator[Problem]:
    """Find what Application Auto Scaling would refuse, and settings that could never scale.

    `where` is the path of the mapping with `autoscaling`, beside the keys of the scaled resource.
    """
    found = [*_limits(document, where, scaling, serving), *_tracked(document, where, scaling, serving)]
    for index, action in enumerate(scaling.scheduled):
        here: FieldPath = (*where, "autoscaling", "scheduled", index)
        found += _scheduled(document, here, action, scaling, serving)
    for name, count in Counter(action.name for action in scaling.scheduled).items():
        if count > 1:
            last = max(i for i, action in enumerate(scaling.scheduled) if action.name == name)
            path: FieldPath = (*where, "autoscaling", "scheduled", last, "name")
            expected = "a name of its own for every scheduled action"
            found.append(
                document.problem(path, got=f"the name {name} again", expected=expected, fix="rename it")
            )
    yield from found
    reported = {problem.field for problem in found}
    for path, violation in _refused(where, scaling, serving):
        if field_name(path) not in reported:
            yield document.problem(
                path,
                got=violation.got,
                expected=violation.expected,
                fix=violation.fix,
                source=violation.source,
            )


def _limits(
    document: Document, where: FieldPath, scaling: Autoscaling, serving: Serving
) -> Iterator[Problem]:
    if not scaling.target_tracking and not scaling.scheduled:
        yield document.problem(
            (*where, "autoscaling", "target_tracking"),
            got="limits only",
            expected="what changes the capacity between them: target_tracking or scheduled",
            fix=f"add target_tracking with metric: {serving.metrics[0]} and a target",
        )
    yield from _range(document, (*where, "autoscaling"), scaling.min, scaling.max, serving)
    key: FieldPath = (*where, "instance_count")
    if serving.serverless:
        key = (*where, "serverless", "provisioned_concurrency")
    if serving.serverless and serving.capacity is None:
        yield document.problem(
            key,
            got="nothing, with autoscaling",
            expected="the provisioned concurrency to begin with: it is what scales",
            fix=f"add provisioned_concurrency: {max(scaling.min, 1)}",
        )
    elif serving.capacity is not None and not scaling.min <= serving.capacity <= scaling.max:
        yield document.problem(
            key,
            got=str(serving.capacity),
            expected=f"from autoscaling's min, {scaling.min}, to its max, {scaling.max}",
            fix="change it, or the limits",
        )


def _range(
    document: Document, path: FieldPath, least: int | None, most: int | None, serving: Serving
) -> Iterator[Problem]:
    if least is not None and most is not None and least > most:
        yield document.problem(
            (*path, "max"),
            got=str(most),
            expected=f"at least min, which is {least}",
            fix="raise it, or lower min",
        )
    lowest = 0 if serving.asynchronous else 1
    for key, value in (("min", least), ("max", most)):
        if value is not None and value < lowest:
            what = "a serverless endpoint" if serving.serverless else "an endpoint that answers at once"
            yield document.problem(
                (*path, key),
                got=str(value),
                expected=f"at least 1: {what} cannot scale to nothing",
                fix="raise it to 1, or serve asynchronously with the key asynchronous",
                source=_ZERO_SOURCE,
            )
        if value is not None and serving.max_concurrency is not None and value > serving.max_concurrency:
            yield document.problem(
                (*path, key),
                got=str(value),
                expected=f"at most max_concurrency, which is {serving.max_concurrency}",
                fix="lower it, or raise max_concurrency",
                source="botocore, ProductionVariantServerlessConfig",
            )


def _tracked(
    document: Document, where: FieldPath, scaling: Autoscaling, serving: Serving
) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, tracked in enumerate(scaling.target_tracking):
        path: FieldPath = (*where, "autoscaling", "target_tracking", index)
        if tracked.metric not in serving.metrics:
            kind = (
                "serverless"
                if serving.serverless
                else "asynchronous"
                if serving.asynchronous
                else "real-time"
            )
            yield document.problem(
                (*path, "metric"),
                got=f"{tracked.metric}, for a {kind} endpoint",
                expected=f"a metric that SageMaker publishes for it: {' or '.join(serving.metrics)}",
                fix=f"use {serving.metrics[0]}",
                source=_metric_source(tracked, serving),
            )
        elif tracked.metric in seen:
            yield document.problem(
                (*path, "metric"),
                got=f"{tracked.metric} again",
                expected="each metric once: two targets for one metric pull against each other",
                fix="remove one of the two",
            )
        seen.add(tracked.metric)
        if tracked.metric == "provisioned_concurrency_utilization" and tracked.target > 1:
            yield document.problem(
                (*path, "target"),
                got=shown(tracked.target),
                expected="a share, above 0 and at most 1",
                fix=f"write {tracked.target / 100:g} for {tracked.target:g} %",
            )


def _metric_source(tracked: TargetTracking, serving: Serving) -> str:
    """Distinguish a predefined metric of another dimension, which is refused, from an unpublished one."""
    of_concurrency = tracked.metric == "provisioned_concurrency_utilization"
    is_predefined = tracked.metric in PREDEFINED_METRICS
    return _DIMENSION_SOURCE if is_predefined and of_concurrency != serving.serverless else _METRIC_SOURCE


def _scheduled(
    document: Document, path: FieldPath, action: ScheduledAction, scaling: Autoscaling, serving: Serving
) -> Iterator[Problem]:
    if _SCHEDULE.fullmatch(action.schedule) is None:
        yield document.problem(
            (*path, "schedule"),
            got=shown(action.schedule),
            expected="at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron with six fields",
            fix="write cron(0 8 ? * MON-FRI *), say: minute, hour, day, month, day of the week, year",
            source="botocore, PutScheduledAction",
        )
    if action.min is None and action.max is None:
        yield document.problem(
            path, got="neither min nor max", expected="one of them, or both", fix="add min"
        )
    yield from _range(document, path, action.min, action.max, serving)
    if action.min is not None and action.max is None and action.min > scaling.max:
        yield document.problem(
            (*path, "min"),
            got=str(action.min),
            expected=f"at most autoscaling's max, which is {scaling.max} and stays as it is",
            fix="lower it, or add max",
        )
    lowest = 0 if serving.asynchronous else 1
    if action.max is not None and action.min is None and lowest <= action.max < scaling.min:
        yield document.problem(
            (*path, "max"),
            got=str(action.max),
            expected=f"at least autoscaling's min, which is {scaling.min} and stays as it is",
            fix="raise it, or add min",
        )
    yield from _times(document, path, action)


def _times(document: Document, path: FieldPath, action: ScheduledAction) -> Iterator[Problem]:
    zones = available_timezones()  # none on a machine without a time zone database
    if action.timezone is not None and action.schedule.startswith("rate"):
        expected = "no time zone with rate, which counts from its start"
        yield document.problem(
            (*path, "timezone"), got=action.timezone, expected=expected, fix="remove it, or use cron"
        )
    elif action.timezone is not None and zones and action.timezone not in zones:
        meant = nearest(action.timezone, zones)
        yield document.problem(
            (*path, "timezone"),
            got=shown(action.timezone),
            expected="a time zone's name, such as Europe/Berlin",
            fix=f"did you mean {' or '.join(meant)}?" if meant else "write the name of its region and city",
            source="botocore, PutScheduledAction: a canonical name of the IANA time zones",
        )
    moments: list[datetime] = []
    for key, text in (("start", action.start), ("end", action.end)):
        if text is None:
            continue
        moment = _moment(text)
        if moment is None:
            expected = "a time with its offset, such as 2027-01-01T00:00:00Z"
            yield document.problem(
                (*path, key), got=shown(text), expected=expected, fix="end it with Z for UTC"
            )
        else:
            moments.append(moment)
    if len(moments) > 1 and moments[0] >= moments[1]:
        yield document.problem(
            (*path, "end"), got=shown(action.end), expected="a time after start", fix="correct one of the two"
        )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


_OF_TARGET: Final = {"MinCapacity": "min", "MaxCapacity": "max"}
_OF_ACTION: Final = {
    "ScheduledActionName": "name", "Schedule": "schedule", "Timezone": "timezone", "StartTime": "start",
    "EndTime": "end",
}  # fmt: skip


def _refused(
    where: FieldPath, scaling: Autoscaling, serving: Serving
) -> Iterator[tuple[FieldPath, Violation]]:
    """Check the requests against botocore's model, which should find nothing more."""
    target = scalable_target(scaling, serving)
    common = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{serving.endpoint_name}/variant/AllTraffic",
        "ScalableDimension": target["ScalableDimension"],
    }
    limits = {name: target[name] for name in ("MinCapacity", "MaxCapacity")}
    for violation in violations("RegisterScalableTarget", {**common, **limits}, _SERVICE):
        key = _OF_TARGET.get(str(violation.path[0]))
        yield (*where, "autoscaling", *([key] if key else [])), violation
    for index, policy in enumerate(target["Policies"]):
        for violation in violations(
            "PutScalingPolicy", {**common, **policy, "PolicyType": "TargetTrackingScaling"}, _SERVICE
        ):
            path: FieldPath = (*where, "autoscaling", "target_tracking", index)
            yield path, violation
    for index, action in enumerate(target["ScheduledActions"]):
        for violation in violations("PutScheduledAction", {**common, **action}, _SERVICE):
            key = _OF_ACTION.get(str(violation.path[0]))
            path = (*where, "autoscaling", "scheduled", index, *([key] if key else []))
            yield path, violation
