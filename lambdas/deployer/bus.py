"""The only caller of EventBridge: puts outcomes on the bus."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deployer.outcomes import DETAIL_TYPE, SOURCE

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

    from deployer.outcomes import Outcome


class UndeliveredError(Exception):
    """EventBridge did not take an outcome; it is put again on a later pass."""


class Bus:
    """The bus that outcomes go to."""

    def __init__(self, client: EventBridgeClient, *, event_bus_name: str) -> None:
        self._client = client
        self._event_bus_name = event_bus_name

    def put(self, outcome: Outcome) -> None:
        """Put one outcome on the bus.

        Raises:
            UndeliveredError: EventBridge refused the entry.
        """
        answer = self._client.put_events(
            Entries=[
                {
                    "EventBusName": self._event_bus_name,
                    "Source": SOURCE,
                    "DetailType": DETAIL_TYPE,
                    "Detail": json.dumps(outcome.event_detail()),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            entry = answer["Entries"][0]
            raise UndeliveredError(
                f"Outcome {outcome.outcome_id} was not delivered: "
                f"{entry.get('ErrorCode')}: {entry.get('ErrorMessage')}"
            )
