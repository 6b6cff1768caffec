"""The only caller of CloudWatch Logs: reads the end of what an endpoint's new containers logged.

SageMaker names an endpoint's log group, and each instance's stream: `{variant}/{instance id}`, with more
behind it for a pipeline's containers (SageMaker developer guide, "logging-cloudwatch"). Streams do not name
the version. But a rollout brings new instances, so what it started is in streams that are not older.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as Unreachable

from deployer.model.endpoint import log_group
from deployer.model.excerpts import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mypy_boto3_logs import CloudWatchLogsClient

MOST_STREAMS: Final = 3
MOST_LINES: Final = 200
"""How much is read: of the newest streams, the last lines of each."""

_CLOCKS: Final = timedelta(seconds=10)
"""How far two clocks of AWS's may be apart."""


class UnreadableLogsError(Exception):
    """CloudWatch Logs refused a read, or did not answer."""


class ContainerLogs:
    """What endpoints' containers logged.

    Args:
        client: Makes the client on its first use: most invocations never use it.
    """

    def __init__(self, client: Callable[[], CloudWatchLogsClient]) -> None:
        self._make_client = client

    @property
    def _client(self) -> CloudWatchLogsClient:
        return self._make_client()

    def tails(self, endpoint_name: str, *, since: datetime) -> list[list[str]]:
        """Return the last lines of the newest streams that began since then, the newest stream first.

        A group that does not exist has none. CloudWatch may know a new stream late, and then it is not read.

        Raises:
            UnreadableLogsError: CloudWatch Logs refused it, or did not answer.
        """
        group = log_group(endpoint_name)
        began = round((since - _CLOCKS).timestamp() * 1000)
        try:
            answer = self._client.describe_log_streams(
                logGroupName=group, orderBy="LastEventTime", descending=True, limit=50
            )
            streams = [each for each in answer["logStreams"] if each.get("creationTime", 0) >= began]
            newest = sorted(streams, key=lambda each: each["creationTime"], reverse=True)[:MOST_STREAMS]
            return [self._tail(group, each["logStreamName"], began) for each in newest]
        except ClientError as error:
            said: Any = error.response["Error"]
            if said["Code"] == "ResourceNotFoundException":
                return []
            raise UnreadableLogsError(excerpt(f"{said['Code']}: {said.get('Message', '')}")) from error
        except (HTTPClientError, Unreachable) as error:
            raise UnreadableLogsError(excerpt(f"{type(error).__name__}: {error}")) from error

    def _tail(self, group: str, stream: str, began: int) -> list[str]:
        answer = self._client.get_log_events(
            logGroupName=group,
            logStreamName=stream,
            startTime=began,
            startFromHead=False,
            limit=MOST_LINES,
        )
        return [each.get("message", "") for each in answer["events"]]
