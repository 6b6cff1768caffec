"""Writes a message as mail: plain text, and a subject that SNS takes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from deployer.messages.message import Message
    from deployer.messages.place import Place
    from deployer.model.outcome import Outcome

LONGEST_SUBJECT: Final = 99
"""SNS takes less than 100 characters of ASCII, without line breaks. Source: SNS API reference, Publish."""

_COLUMN: Final = len("Versions") + 2


def subject(message: Message, stack_name: str) -> str:
    """Return one line that says what happened to which endpoint, in a form that SNS accepts."""
    text = f"{message.title} [{stack_name}]"
    plain = "".join(each if " " <= each <= "~" else "?" for each in text)
    # It has to begin with a letter, a number or a punctuation mark.
    plain = plain.lstrip() or "?"
    return plain if len(plain) <= LONGEST_SUBJECT else f"{plain[: LONGEST_SUBJECT - 3]}..."


def body(message: Message, outcome: Outcome, place: Place) -> str:
    """Return the text of a mail."""
    facts = [_row(label, text) for label, text in message.facts]
    links = [_row(each.label, each.address) for each in message.links]
    signature = (
        (
            f"{outcome.kind.value}, stack {place.stack_name} in account {place.account}, {place.region}, "
            f"{outcome.time:%Y-%m-%d %H:%M:%S} UTC"
        ),
        f"Correlation id, for the deployer's log: {outcome.correlation_id}",
    )
    blocks = ([f"{message.mark} {message.title}"], facts, links, signature)
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _row(label: str, text: str) -> str:
    return f"{label:<{_COLUMN}}{text}"
