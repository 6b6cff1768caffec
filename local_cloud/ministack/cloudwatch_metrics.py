"""Metrics and alarms of MiniStack's CloudWatch, evaluated as CloudWatch does.

Owns MiniStack's copies of them; `cloudwatch/alarm_evaluation.py` decides. Only `emulator.py` creates one.
Changes to MiniStack, and reasons:

`cloudwatch._evaluate_alarm` becomes `_evaluate`
    MiniStack sums a metric over all its dimensions, and ignores periods, missing data and metric math.
    `cloudwatch/alarm_evaluation.py` handles all of them. `evaluate_alarms` evaluates all alarms, repeatedly.
`cloudwatch._put_metric_alarm` and `provisioners._cw_metric_alarm_record` keep `Metrics`
    Alarms on metric math lost their expressions, or CloudFormation refused them.
`cloudwatch._get_metric_data` computes expressions
    MiniStack answers each with an internal error.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import json
import logging
import time
from typing import TYPE_CHECKING, Any

from local_cloud.cloudwatch import alarm_evaluation
from local_cloud.cloudwatch.alarm_evaluation import State
from local_cloud.cloudwatch.metric_math import compute
from local_cloud.sagemaker.switch_settings import SetAlarmState
from local_cloud.sagemaker.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.responses", "get_account_id"),
    ("ministack.core.responses", "get_region"),
    ("ministack.core.responses", "request_scope"),
    ("ministack.services.cloudformation.provisioners", "_cw_metric_alarm_record"),
    ("ministack.services.cloudwatch", "_alarms"),
    ("ministack.services.cloudwatch", "_calc_stats"),
    ("ministack.services.cloudwatch", "_cbor_metric_data_result"),
    ("ministack.services.cloudwatch", "_cbor_ok"),
    ("ministack.services.cloudwatch", "_composite_alarms"),
    ("ministack.services.cloudwatch", "_dims_key"),
    ("ministack.services.cloudwatch", "_dispatch_alarm_actions"),
    ("ministack.services.cloudwatch", "_evaluate_alarm"),
    ("ministack.services.cloudwatch", "_evaluate_parent_alarms"),
    ("ministack.services.cloudwatch", "_get_metric_data"),
    ("ministack.services.cloudwatch", "_json_ok"),
    ("ministack.services.cloudwatch", "_metrics"),
    ("ministack.services.cloudwatch", "_put_metric_alarm"),
    ("ministack.services.cloudwatch", "_record_history"),
    ("ministack.services.cloudwatch", "_stat_value"),
    ("ministack.services.cloudwatch", "_store_datum"),
    ("ministack.services.cloudwatch", "_ts_iso"),
    ("ministack.services.sqs", "_queues"),
    ("ministack.services.sqs", "_refresh_counts"),
)

_LOGGER = logging.getLogger("local_cloud.cloudwatch_metrics")
_QUEUE_METRICS = {
    "ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
}
"""SQS's metrics in CloudWatch, and their queue attributes (SQS developer guide)."""


class CloudWatchMetrics:
    """Metrics and alarms of every account and region, and the queues that have metrics."""

    def __init__(self) -> None:
        self.alarm_period_scale = 1.0
        self.switches: Callable[[], Switches] = Switches
        self._evaluated: dict[tuple[str, str, str], State] = {}
        self._cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
        self._provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")
        self._sqs: Any = importlib.import_module("ministack.services.sqs")
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._get_metric_data = self._cloudwatch._get_metric_data

    def install(self) -> None:
        """From now on, evaluate alarms here, also those on metric math."""
        self._cloudwatch._evaluate_alarm = self._evaluate
        self.keep_metric_math()

    def keep_metric_math(self) -> None:
        """From now on, keep the queries of alarms on metric math."""
        self._cloudwatch._get_metric_data = self._computing_expressions
        self._cloudwatch._put_metric_alarm = self._keeping_metrics(self._cloudwatch._put_metric_alarm)
        self._provisioners._cw_metric_alarm_record = self._reading_metrics(
            self._provisioners._cw_metric_alarm_record
        )

    def evaluate_alarms(self) -> None:
        """Evaluate every metric alarm of every account and region now."""
        for (account_id, region, name), alarm in list(self._cloudwatch._alarms._data.items()):
            with self._responses.request_scope(account_id, region):
                try:
                    self._evaluate(alarm)
                except Exception:
                    # A malformed alarm must not stop the evaluation of the others.
                    _LOGGER.exception("Could not evaluate the alarm %s of account %s", name, account_id)

    def alarm_state(self, account_id: str, region: str, alarm_name: str) -> str | None:
        """Return the state of a metric or composite alarm; None if there is none of that name."""
        for kept in (self._cloudwatch._alarms, self._cloudwatch._composite_alarms):
            alarm = kept.get_scoped(account_id, region, alarm_name)
            if alarm is not None:
                state: str = alarm["StateValue"]
                return state
        return None

    def put_metric_values(
        self,
        account_id: str,
        region: str,
        metric: alarm_evaluation.Metric,
        unit: str,
        values: Mapping[float, int],
    ) -> None:
        """Add values to a metric, each with its count, as PutMetricData does.

        Call it on the event loop: MiniStack's own handlers use its metrics there without a lock.
        """
        with self._responses.request_scope(account_id, region):
            self._cloudwatch._store_datum(
                metric.namespace,
                metric.name,
                dict(metric.dimensions),
                time.time(),
                unit,
                None,
                list(values),
                list(values.values()),
                None,
            )

    def queues(self) -> Iterator[tuple[str, str, str, dict[str, int]]]:
        """Yield every queue's account, region, name, and numbers of messages by their metric's name."""
        for (account_id, region, _), queue in list(self._sqs._queues.all_items()):
            self._sqs._refresh_counts(queue)
            counts = {name: int(queue["attributes"][attribute]) for name, attribute in _QUEUE_METRICS.items()}
            yield account_id, region, queue["name"], counts

    def _keeping_metrics(self, put: Callable[..., Any]) -> Callable[..., Any]:
        def put_metric_alarm(params: Any, document: Any, *protocol: bool) -> Any:  # noqa: ANN401 - MiniStack's own types
            response = put(params, document, *protocol)
            alarm = self._cloudwatch._alarms.get(document.get("AlarmName", "")) if document else None
            if response[0] < 300 and alarm is not None and document.get("Metrics"):  # noqa: PLR2004
                _make_metric_math(alarm, document["Metrics"])
                self._evaluate(alarm)
            return response

        return put_metric_alarm

    def _computing_expressions(self, params: Any, document: Any, is_cbor: bool, is_json: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - MiniStack's own signature
        queries = (document or {}).get("MetricDataQueries", [])
        if not any("Expression" in each for each in queries):
            return self._get_metric_data(params, document, is_cbor, is_json)
        plain = [{**each, "ReturnData": True} for each in queries if "Expression" not in each]
        _, _, body = self._get_metric_data(
            params, {**document, "MetricDataQueries": plain}, is_cbor=False, is_json=True
        )
        series = {
            each["Id"]: dict(zip(each["Timestamps"], each["Values"], strict=True))
            for each in json.loads(body)["MetricDataResults"]
        }
        results = [
            self._result(each, computed(each, series)) for each in queries if each.get("ReturnData", True)
        ]
        if is_cbor:
            shown = [self._cloudwatch._cbor_metric_data_result(each) for each in results]
            return self._cloudwatch._cbor_ok({"MetricDataResults": shown})
        return self._cloudwatch._json_ok({"MetricDataResults": results})

    def _result(self, query: Mapping[str, Any], values: Mapping[float, float]) -> dict[str, Any]:
        newest_first = sorted(values, reverse=True)
        return {
            "Id": query["Id"],
            "Label": query.get("Label", query["Id"]),
            "Timestamps": [self._cloudwatch._ts_iso(at) for at in newest_first],
            "Values": [values[at] for at in newest_first],
            "StatusCode": "Complete",
        }

    def _reading_metrics(self, record: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
        def alarm_record(name: str, properties: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's alarm
            metrics = properties.get("Metrics")
            if not metrics:
                return record(name, properties)
            named = {"MetricName": "-", "Namespace": "-"}
            alarm = record(name, {**properties, **named, "Metrics": None})
            _make_metric_math(alarm, metrics)
            return alarm

        return alarm_record

    def _evaluate(self, alarm: dict[str, Any]) -> None:
        """Set an alarm of the present account and region to the state by its data."""
        evaluation = alarm_evaluation.evaluate(
            alarm, self._statistic, time.time(), period_scale=self.alarm_period_scale
        )
        old, name = alarm["StateValue"], alarm["AlarmName"]
        key = (self._responses.get_account_id(), self._responses.get_region(), name)
        if evaluation is None and self._takes_back_what_was_set(alarm):
            evaluated = self._evaluated.get(key, State.INSUFFICIENT_DATA)
            evaluation = alarm_evaluation.Evaluation(evaluated, "No data: the last evaluation holds.")
        if evaluation is None:
            return
        self._evaluated[key] = evaluation.state
        if evaluation.state == old:
            return
        new = str(evaluation.state)
        now = int(time.time())
        alarm.update(StateValue=new, StateReason=evaluation.reason, StateUpdatedTimestamp=now)
        self._cloudwatch._record_history(alarm["AlarmName"], old, new, evaluation.reason)
        self._cloudwatch._dispatch_alarm_actions(alarm, old, new, evaluation.reason)
        self._cloudwatch._evaluate_parent_alarms(alarm)

    def _takes_back_what_was_set(self, alarm: Mapping[str, Any]) -> bool:
        """Tell whether an alarm without data returns to what was evaluated last, by the switch."""
        ignores = alarm.get("TreatMissingData") == "ignore"
        return ignores and self.switches().set_alarm_state is SetAlarmState.UNTIL_EVALUATED

    def _statistic(
        self, metric: alarm_evaluation.Metric, statistic: str, start: float, end: float
    ) -> float | None:
        dimensions = self._cloudwatch._dims_key(dict(metric.dimensions))
        points = self._cloudwatch._metrics.get((metric.namespace, metric.name, dimensions)) or ()
        chosen = [point for point in points if start < point["Timestamp"] <= end]
        stats = self._cloudwatch._calc_stats(chosen)
        if not stats:
            return None
        value: float | None = self._cloudwatch._stat_value(stats, statistic, chosen)
        return value


def computed(query: Mapping[str, Any], series: Mapping[str, Mapping[float, float]]) -> dict[float, float]:
    """Return the values of a query of GetMetricData by time; an expression has one where it can be computed.

    Args:
        query: The query.
        series: The values of each query without an expression, by id and time.
    """
    if "Expression" not in query:
        return dict(series[query["Id"]])
    found: dict[float, float] = {}
    for at in sorted({at for values in series.values() for at in values}):
        value = compute(query["Expression"], {name: values.get(at) for name, values in series.items()})
        if value is not None:
            found[at] = value
    return found


def _make_metric_math(alarm: dict[str, Any], metrics: Sequence[dict[str, Any]]) -> None:
    """Change an alarm from a metric to these queries; CloudFormation's numbers may be texts."""
    for member in (
        "MetricName",
        "Namespace",
        "Statistic",
        "ExtendedStatistic",
        "Period",
        "Dimensions",
        "Unit",
    ):
        alarm.pop(member, None)
    alarm["Metrics"] = [_typed_query(query) for query in metrics]


def _typed_query(query: dict[str, Any]) -> dict[str, Any]:
    typed = dict(query)
    if "ReturnData" in typed:
        typed["ReturnData"] = str(typed["ReturnData"]).lower() != "false"
    if "Period" in typed:
        typed["Period"] = int(typed["Period"])
    if "MetricStat" in typed:
        typed["MetricStat"] = {**typed["MetricStat"], "Period": int(typed["MetricStat"]["Period"])}
    return typed
