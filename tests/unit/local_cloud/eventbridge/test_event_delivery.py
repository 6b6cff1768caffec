import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from local_cloud.eventbridge.event_delivery import DeliverySwitches, EventDelivery

EVENT = {"id": "1", "detail-type": "Parameter Store Change"}


class Bus:
    """A bus that remembers what arrived, and on which thread."""

    def __init__(self, *, failing: int = 0) -> None:
        self.arrived: list[dict[str, Any]] = []
        self.threads: set[str] = set()
        self._failing = failing
        self._changed = threading.Condition()

    def put(self, event: dict[str, Any]) -> None:
        with self._changed:
            self.arrived.append(event)
            self.threads.add(threading.current_thread().name)
            self._changed.notify()
        if len(self.arrived) <= self._failing:
            raise RuntimeError("a target that chokes")

    def wait_for(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.arrived) >= number, timeout=10)


StartDelivery = Callable[..., EventDelivery]


@pytest.fixture
def deliver() -> Iterator[StartDelivery]:
    with ExitStack() as ending:

        def start(bus: Bus, **switches: float) -> EventDelivery:
            delivery = EventDelivery(bus.put, switches=DeliverySwitches(**switches), seed=1)
            ending.callback(delivery.stop)
            return delivery

        yield start


def test_event_arrives_complete_and_not_on_the_emitter_s_thread(deliver: StartDelivery) -> None:
    bus = Bus()
    deliver(bus).emit(EVENT)

    bus.wait_for(1)
    assert bus.arrived == [EVENT]
    assert threading.current_thread().name not in bus.threads


def test_duplicated_event_arrives_twice_with_the_same_id(deliver: StartDelivery) -> None:
    bus = Bus()
    delivery = deliver(bus, duplicate_probability=1.0)
    delivery.emit(EVENT)

    bus.wait_for(2)
    assert bus.arrived == [EVENT, EVENT]
    assert [emitted.deliveries for emitted in delivery.emitted()] == [2]


def test_dropped_event_is_logged_but_never_arrives(deliver: StartDelivery) -> None:
    bus = Bus()
    delivery = deliver(bus, drop_probability=1.0)
    delivery.emit(EVENT)
    delivery.switches = DeliverySwitches()
    delivery.emit({"id": "2"})

    bus.wait_for(1)
    assert bus.arrived == [{"id": "2"}]
    assert [(emitted.event["id"], emitted.deliveries) for emitted in delivery.emitted()] == [
        ("1", 0),
        ("2", 1),
    ]


def test_delayed_events_overtake_each_other(deliver: StartDelivery) -> None:
    bus = Bus()
    delivery = deliver(bus, delay_seconds=0.3)
    sent = [{"id": str(number)} for number in range(8)]
    for event in sent:
        delivery.emit(event)

    bus.wait_for(len(sent))
    assert bus.arrived != sent
    assert sorted(bus.arrived, key=lambda event: event["id"]) == sent


def test_event_that_a_target_chokes_on_does_not_end_the_delivery(deliver: StartDelivery) -> None:
    bus = Bus(failing=1)
    delivery = deliver(bus)
    delivery.emit(EVENT)
    delivery.emit({"id": "2"})

    bus.wait_for(2)
    assert bus.arrived[1] == {"id": "2"}


def test_log_is_read_from_a_sequence_number_on(deliver: StartDelivery) -> None:
    delivery = deliver(Bus())
    for number in range(3):
        delivery.emit({"id": str(number)})

    assert [emitted.event["id"] for emitted in delivery.emitted(after=1)] == ["1", "2"]


@pytest.mark.parametrize(
    "document",
    [{"duplicates": 1}, {"duplicate_probability": 1.5}, {"delay_seconds": -1}, {"delay_seconds": "1"}],
)
def test_impossible_switch_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(document))):
        DeliverySwitches.from_document(document, DeliverySwitches())
