"""`greenlight messages --preview`: what people read of each outcome, by mail and in a chat."""

from typing import Annotated, Any

import typer

from greenlight.errors import CommandError, ExitCode
from greenlight.options import Json

Preview = Annotated[
    bool, typer.Option("--preview", help="Show the message of a sample of each outcome. AWS is not asked.")
]
Of = Annotated[
    list[str] | None, typer.Argument(help="Outcomes, such as failed; by default all.", metavar="OUTCOME...")
]


def messages(of: Of = None, *, preview: Preview = False, as_json: Json = False) -> int:
    """Show what people read of each outcome, by mail and in Slack or Teams."""
    from deployer.model.outcome import OutcomeKind
    from greenlight.output import Output

    kinds = [each.value for each in OutcomeKind]
    unknown = [each for each in of or () if each not in kinds]
    if not preview or unknown:
        raise CommandError(
            f"There is no outcome {unknown[0]}." if unknown else "The command shows previews only.",
            f"The outcomes are {', '.join(kinds)}.",
            "See them all: greenlight messages --preview",
        )
    found = document(of or kinds)
    Output(as_json=as_json).tell(found, lambda _: _text(found))
    return ExitCode.FINE


def document(kinds: list[str]) -> dict[str, Any]:
    """Return the JSON document: each sample as mail, and as Amazon Q Developer gets it."""
    import json

    from deployer.messages import chat, mail
    from deployer.messages.message import compose
    from deployer.messages.place import Place
    from greenlight.sample_outcomes import SAMPLES

    place = Place("Greenlight", "aws", "eu-central-1", "111122223333")
    shown = []
    for name, outcome in SAMPLES.items():
        if outcome.kind.value in kinds:
            message = compose(outcome, place)
            shown.append(
                {
                    "name": name,
                    "outcome": outcome.kind.value,
                    "subject": mail.subject(message, place.stack_name),
                    "mail": mail.body(message, outcome, place),
                    "chat": json.loads(chat.notification(message, outcome, place)),
                }
            )
    return {"format": 1, "messages": shown}


def _text(found: dict[str, Any]) -> str:
    blocks = []
    for each in found["messages"]:
        content = each["chat"]["content"]
        in_chat = [content["title"], content["description"], *(f"• {step}" for step in content["nextSteps"])]
        blocks.append(
            f"== {each['name']} ==\n\nSubject: {each['subject']}\n\n{each['mail']}\n"
            f"In a chat, in the thread {each['chat']['metadata']['threadId']}:\n\n" + "\n".join(in_chat)
        )
    return "\n\n\n".join(blocks)
