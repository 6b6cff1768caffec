"""The only caller of EventBridge: puts outcomes on the bus for machines, and parts of a sweep on theirs.

EventBridge does not authenticate an event's source, so the deployer relies on nothing from the bus of
outcomes. The bus of the sweep's parts admits only the deployer's role.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import OUTCOME_DETAIL_TYPE, PART_DETAIL_TYPE, SOURCE, STACK_NAME
from deployer.gateways.undelivered import UndeliveredError, refusals_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_events import EventBridgeClient

    from deployer.model.outcome import Outcome
    from deployer.model.trigger import SweepPart

MOST_ENTRIES: Final = 10
"""Entries of one `PutEvents`. Source: its API reference."""


class Bus:
    """The two buses that the deployer puts events on."""

    def __init__(
        self, client: EventBridgeClient, *, event_bus_name: str, sweep_bus_name: str, stack_name: str
    ) -> None:
        self._client = client
        self._event_bus_name = event_bus_name
        self._sweep_bus_name = sweep_bus_name
        self._stack_name = stack_name

    def put(self, outcome: Outcome) -> None:
        """Put one outcome on the bus.

        Raises:
            UndeliveredError: EventBridge refused it.
        """
        self._put(self._event_bus_name, OUTCOME_DETAIL_TYPE, [outcome.event_detail()])

    def put_parts(self, parts: Sequence[SweepPart]) -> None:
        """Put the parts of a sweep on their bus. A separate invocation makes each part.

        Raises:
            UndeliveredError: EventBridge refused some.
        """
        for first in range(0, len(parts), MOST_ENTRIES):
            details = [part.detail() for part in parts[first : first + MOST_ENTRIES]]
            self._put(self._sweep_bus_name, PART_DETAIL_TYPE, details)

    def _put(self, bus_name: str, detail_type: str, details: Sequence[dict[str, Any]]) -> None:
        # Stacks of one account and region share the bus, so each event names its stack.
        with refusals_of("EventBridge", f"{len(details)} events ({detail_type})"):
            answer = self._client.put_events(
                Entries=[
                    {
                        "EventBusName": bus_name,
                        "Source": SOURCE,
                        "DetailType": detail_type,
                        "Detail": json.dumps({STACK_NAME: self._stack_name, **detail}),
                    }
                    for detail in details
                ]
            )
        if answer["FailedEntryCount"]:
            refused = next(entry for entry in answer["Entries"] if entry.get("ErrorCode"))
            raise UndeliveredError(
                f"EventBridge rejected {answer['FailedEntryCount']} of {len(details)} events "
                f"({detail_type}): {refused.get('ErrorCode')}: {refused.get('ErrorMessage')}"
            )
