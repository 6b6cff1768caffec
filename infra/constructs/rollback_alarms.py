"""Owns making the alarms that stop an endpoint's rollouts, as `alarm_definitions.py` describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from constructs import Construct

    from infra.settings.compiling.alarm_definitions import Alarm, Metric


def make_alarm(scope: Construct, construct_id: str, alarm: Alarm) -> cloudwatch.CfnAlarm:
    """Make one alarm. It notifies nobody: SageMaker looks at its state while a rollout is under way.

    It goes with the stack and with its endpoint's settings. Its name is fixed, as SageMaker and the deployer
    know it by that: CloudFormation would refuse to make it again beside one that was kept (seen: "Alarm
    already exists", serverless-plugin-aws-alerts #242).
    """
    if alarm.expression is None:
        [metric] = alarm.metrics.values()
        percentile = metric.statistic.startswith("p")
        return cloudwatch.CfnAlarm(
            scope,
            construct_id,
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=_dimensions(metric),
            statistic=None if percentile else metric.statistic,
            extended_statistic=metric.statistic if percentile else None,
            period=alarm.period_seconds,
            alarm_name=alarm.name,
            alarm_description=alarm.description,
            comparison_operator=alarm.comparison,
            evaluation_periods=alarm.evaluation_periods,
            threshold=alarm.threshold,
            treat_missing_data=alarm.missing_data,
        )
    queries = [
        cloudwatch.CfnAlarm.MetricDataQueryProperty(
            id=identifier,
            return_data=False,
            metric_stat=cloudwatch.CfnAlarm.MetricStatProperty(
                metric=cloudwatch.CfnAlarm.MetricProperty(
                    namespace=metric.namespace, metric_name=metric.name, dimensions=_dimensions(metric)
                ),
                period=alarm.period_seconds,
                stat=metric.statistic,
            ),
        )
        for identifier, metric in alarm.metrics.items()
    ]
    result = cloudwatch.CfnAlarm.MetricDataQueryProperty(
        id="result", expression=alarm.expression, return_data=True
    )
    return cloudwatch.CfnAlarm(
        scope,
        construct_id,
        metrics=[result, *queries],
        alarm_name=alarm.name,
        alarm_description=alarm.description,
        comparison_operator=alarm.comparison,
        evaluation_periods=alarm.evaluation_periods,
        threshold=alarm.threshold,
        treat_missing_data=alarm.missing_data,
    )


def _dimensions(metric: Metric) -> list[cloudwatch.CfnAlarm.DimensionProperty]:
    return [
        cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value)
        for name, value in metric.dimensions.items()
    ]
