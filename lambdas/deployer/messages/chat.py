"""Writes a message for Slack and Teams, as Amazon Q Developer in chat applications takes it. Pure.

Q shows what has the form of a custom notification, and drops what else reaches its subscription, but for
events of AWS's services. Source: Amazon Q Developer in chat applications, administrator guide,
"custom-notifs": `version` is 1.0, `source` is custom, `textType` is client-markdown, and `content` has a
description; messages with one `threadId` are one thread.
"""

from __future__ import annotations

import json
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from deployer.contract import OUTCOME_DETAIL_TYPE

if TYPE_CHECKING:
    from deployer.messages.message import Message
    from deployer.messages.place import Place
    from deployer.model.outcome import Outcome

LONGEST_TITLE: Final = 150
LONGEST_TEXT: Final = 2000
LONGEST_FACT: Final = 250
"""The schema documents no lengths. These are what a header and a section of a Slack message hold (Slack API
reference, "header block" and "section block": 150 and 3000 characters), with room for what Q adds."""

_MARKDOWN: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "'", "@": "@\u200b"})
"""Nobody else's text may mention people, link anywhere, or end its quotation.

Source: Slack, "Formatting message text", on escaping; a zero-width space after "@" ends a mention.
"""


def notification(message: Message, outcome: Outcome, place: Place) -> str:
    """Return the custom notification of an outcome."""
    title = _fitting(f"{message.mark} {message.title}", LONGEST_TITLE)
    why = [f"*Why* `{_fitting(message.why, LONGEST_TEXT)}`"] if message.why is not None else []
    facts = [f"*{label}* {_fitting(text, LONGEST_FACT)}" for label, text in message.short_facts]
    steps = [message.next_step] if message.next_step is not None else []
    return json.dumps(
        {
            "version": "1.0",
            "source": "custom",
            "id": outcome.outcome_id,
            "content": {
                "textType": "client-markdown",
                "title": title,
                "description": "\n".join([*why, *facts]) or title,
                "nextSteps": [
                    *(_fitting(each, LONGEST_TEXT) for each in steps),
                    *(f"{each.label}: {each.address}" for each in message.links),
                ],
                "keywords": [outcome.kind.value, outcome.endpoint_name, place.stack_name],
            },
            "metadata": {
                "threadId": message.thread,
                "summary": title,
                "eventType": OUTCOME_DETAIL_TYPE,
                "additionalContext": {
                    "EndpointName": outcome.endpoint_name,
                    "Outcome": outcome.kind.value,
                    "OutcomeId": outcome.outcome_id,
                    "CorrelationId": outcome.correlation_id,
                },
            },
        },
        ensure_ascii=False,
    )


def _fitting(text: str, longest: int) -> str:
    """Return a text in which no mark of the chat's is left, cut between characters if it is too long."""
    escaped = [each.translate(_MARKDOWN) for each in text]
    fits = sum(length <= longest for length in accumulate(map(len, escaped)))
    return "".join(escaped) if fits == len(escaped) else f"{''.join(escaped[: max(0, fits - 1)])}…"
