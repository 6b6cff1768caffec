"""EventBridge and SNS accept every outcome, whatever texts others wrote into it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deployer.gateways.bus import Bus
from deployer.gateways.topic import Topic
from deployer.messages.place import Place
from deployer.model import outcomes
from deployer.model.approval import Ineligible
from deployer.model.attempt import AttemptStatus
from deployer.model.companion import Companion
from deployer.model.excerpts import LONGEST, excerpt, sentence
from deployer.model.excerpts import MOST_BYTES as MOST_BYTES_OF_A_TEXT
from deployer.model.outcome import OutcomeKind
from deployer.model.smoke_test import Failure
from tests.unit.deployer.builders import NOW, approval, deployment

if TYPE_CHECKING:
    from deployer.model.outcome import Outcome

MOST_BYTES: Final = 256 * 1024
"""The limits of a PutEvents entry (EventBridge's user guide, "Calculating PutEvents event entry size") and of
an SNS message (Publish's API reference)."""

WIDEST: Final = "\N{ROCKET}" * (LONGEST + 1)
"""As JSON writes it in ASCII, twelve bytes a character."""

_TEXTS: Final = (st.text(max_size=3 * LONGEST) | st.just(WIDEST)).map(excerpt)
_NAMES: Final = st.text(max_size=255) | st.just(WIDEST[:255])


class _Events:
    """EventBridge and SNS, as far as the bus and the topic see them."""

    def __init__(self) -> None:
        self.entries: list[dict[str, str]] = []
        self.messages: list[dict[str, Any]] = []

    def put_events(self, *, Entries: list[dict[str, str]]) -> dict[str, int]:  # noqa: N803 - boto3's name
        self.entries += Entries
        return {"FailedEntryCount": 0}

    def publish(self, **message: Any) -> None:
        self.messages.append(message)


def sizes(outcome: Outcome) -> tuple[int, int]:
    """Return how many bytes EventBridge and SNS count of an outcome as it is sent."""
    client = _Events()
    bus = Bus(cast("Any", client), event_bus_name="default", sweep_bus_name="p", stack_name="s" * 128)
    bus.put(outcome)
    [entry] = client.entries
    counted = sum(len(entry[member].encode()) for member in ("Source", "DetailType", "Detail"))
    arn = "arn:aws:sns:ap-northeast-99:111122223333:outcomes"
    place = Place.of_topic(arn, stack_name="s" * 128)
    Topic(lambda: cast("Any", client), topic_arn=arn, place=place, chats=True).put(outcome)
    [message] = client.messages
    return counted, len(json.dumps(message).encode())


def fits(outcome: Outcome) -> bool:
    return max(sizes(outcome)) <= MOST_BYTES


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(reason=_TEXTS, told=_TEXTS, name=_NAMES, tested=st.booleans())
@example(reason=excerpt(WIDEST), told=excerpt(WIDEST), name=WIDEST[:255], tested=True)
def test_how_an_attempt_went_fits_into_an_event_and_a_mail(
    *, reason: str, told: str, name: str, tested: bool
) -> None:
    members = dict.fromkeys(("Name", "File", "ContentType", "Accept", "TargetVariant", "Body"), told)
    failure = Failure("fingerprint", members, {**members, "Error": told}, told)
    ended = deployment(
        status=AttemptStatus.FAILED,
        settled_at=NOW,
        reason=failure.reason if tested else reason,
        approved_by=told,
        unguarded=told,
        alarms_left_out=(name,) * 10,
        companions=tuple(Companion(name, "a" * 256, 1, "m" * 63, is_shadow=False) for _ in range(9)),
        failed_test=failure if tested else None,
    )

    assert fits(outcomes.started(ended))
    assert fits(outcomes.settled(ended, None, NOW))


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(reason=_TEXTS, approver=_TEXTS)
@example(reason=excerpt(WIDEST), approver=excerpt(WIDEST))
def test_why_an_approval_has_no_turn_fits_into_an_event_and_a_mail(reason: str, approver: str) -> None:
    given_up = approval(approved_by=approver, objection=reason)

    assert fits(outcomes.ignored(given_up))
    assert fits(outcomes.ineligible(Ineligible(given_up, reason, reason), time=NOW))
    kind = OutcomeKind.NEEDS_ATTENTION
    assert fits(outcomes.notice(kind, "churn", reason, time=NOW, cause="event"))


@pytest.mark.parametrize(("text", "told"), [("Denied", "Denied."), ("Denied.", "Denied."), ("Why?", "Why?")])
def test_what_somebody_else_wrote_ends_like_a_sentence_once(text: str, told: str) -> None:
    assert sentence(text) == told


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(text=st.text(max_size=2 * LONGEST) | st.just(WIDEST))
def test_an_excerpt_is_a_texts_beginning_and_whole_where_it_is_short(text: str) -> None:
    cut = excerpt(text)

    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))
    assert cut == text or len(json.dumps(text)) > LONGEST
    assert len(cut) <= LONGEST
    assert len(json.dumps(cut)) <= MOST_BYTES_OF_A_TEXT + len(json.dumps("…"))


def test_a_reason_of_sagemaker_is_told_whole() -> None:
    assert excerpt("x" * LONGEST) == "x" * LONGEST
