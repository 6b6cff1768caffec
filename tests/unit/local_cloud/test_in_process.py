"""The cloud inside this process: what its clients do is what the control plane sees."""

from __future__ import annotations

import secrets

from local_cloud.in_process import InProcessAlarms, InProcessCloud
from local_cloud.sagemaker.ports import AlarmState
from tests.unit.local_cloud.sagemaker.virtual_cloud import REGION, VirtualCloud


def test_an_alarm_has_the_state_that_a_client_sets() -> None:
    account_id = str(secrets.randbelow(9 * 10**11) + 10**11)
    cloud = InProcessCloud(VirtualCloud().control_plane, account_id=account_id, region=REGION)
    cloudwatch = cloud.client("cloudwatch")
    alarms = InProcessAlarms()
    assert alarms.state(account_id, REGION, "churn-abort") is None
    cloudwatch.put_metric_alarm(
        AlarmName="churn-abort",
        Namespace="Greenlight",
        MetricName="Abort",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    assert alarms.state(account_id, REGION, "churn-abort") is AlarmState.INSUFFICIENT_DATA
    for state in (AlarmState.ALARM, AlarmState.OK):
        cloudwatch.set_alarm_state(AlarmName="churn-abort", StateValue=state, StateReason="by hand")
        assert alarms.state(account_id, REGION, "churn-abort") is state
    assert alarms.state(account_id, "us-east-1", "churn-abort") is None
