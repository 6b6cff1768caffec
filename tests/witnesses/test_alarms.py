from __future__ import annotations

from itertools import count
from typing import Any, Final

from tests.witnesses.observed_cloud import ObservedCloud, allow, refusal
from tests.witnesses.witness import Observed, witness

_NAMES: Final = count()
"""MiniStack keeps the alarms of an account for all tests of a process."""


def _alarm(threshold: int = 70, **tags: str) -> dict[str, Any]:
    return {
        "AlarmName": "cpu-mon-70",
        "MetricName": "CPUUtilization",
        "Namespace": "AWS/EC2",
        "Statistic": "Average",
        "Period": 300,
        "EvaluationPeriods": 2,
        "Threshold": threshold,
        "ComparisonOperator": "GreaterThanThreshold",
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


@witness(
    "alarm-tags-on-creation",
    source="cisagov/cool-assessment-terraform#245",
    date="2024-08-09",
    observed=Observed.REPORT,
    fact="Without `cloudwatch:TagResource`, making an alarm with tags is refused, on the alarm's ARN.",
)
def test_making_an_alarm_with_tags_takes_tagging(cloud: ObservedCloud) -> None:
    name = f"tagged-{next(_NAMES)}"
    client = cloud.acting(allow("cloudwatch:PutMetricAlarm")).client("cloudwatch")

    _, message = refusal(client.put_metric_alarm, **{**_alarm(Project="FOO"), "AlarmName": name})

    assert "is not authorized to perform: cloudwatch:TagResource on resource: arn:aws:cloudwatch:" in message
    assert f":alarm:{name} because no identity-based policy allows" in message
    client.put_metric_alarm(**{**_alarm(), "AlarmName": name})


@witness(
    "alarm-tags-kept",
    source="aws/aws-sdk-ruby#2408",
    date="2020-09-14",
    observed=Observed.REPORT,
    fact="PutMetricAlarm puts tags on an alarm that it makes, and ignores them for an alarm that exists.",
)
def test_changing_an_alarm_changes_no_tags(cloud: ObservedCloud) -> None:
    name = f"changed-{next(_NAMES)}"
    client = cloud.acting(
        *(
            allow(f"cloudwatch:{action}")
            for action in ("PutMetricAlarm", "TagResource", "DescribeAlarms", "ListTagsForResource")
        )
    ).client("cloudwatch")
    client.put_metric_alarm(**{**_alarm(Project="FOO"), "AlarmName": name})
    client.put_metric_alarm(**{**_alarm(80, Project="BAR", Team="risk"), "AlarmName": name})
    [alarm] = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]

    assert alarm["Threshold"] == 80
    tags = client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
    assert tags == [{"Key": "Project", "Value": "FOO"}]
