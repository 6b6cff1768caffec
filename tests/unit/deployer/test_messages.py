"""Messages read well, say the next step, and can be forged or broken by nobody's text."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.messages import chat, mail
from deployer.messages.message import MARKS, compose, person
from deployer.messages.place import Place
from deployer.model import tellings
from deployer.model.outcome import Outcome, OutcomeKind
from greenlight.sample_outcomes import SAMPLES

ARN: Final = "arn:aws:sns:eu-central-1:111122223333:outcomes"
PLACE: Final = Place.of_topic(ARN, stack_name="Greenlight")
LINKED: Final = replace(
    PLACE,
    studio_url="https://studio-d-0a1b2c3d4e5f.studio.eu-central-1.sagemaker.aws/",
    runbook_url="https://wiki.example.com/greenlight/",
)
SNAPSHOTS: Final = Path(__file__).with_name("messages")
DOCS: Final = Path(__file__).parents[3] / "docs"

_ANY_TEXT: Final = st.text(max_size=3000) | st.sampled_from(
    ["<!channel> hi", "<https://evil|click>", "@here", "`rm -rf`", "&" * 3000, "a\r\nBcc: all", "\ud800"]
)


def mail_of(outcome: Outcome, place: Place = PLACE) -> str:
    message = compose(outcome, place)
    return f"Subject: {mail.subject(message, place.stack_name)}\n\n{mail.body(message, outcome, place)}"


def chat_of(outcome: Outcome, place: Place = PLACE) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(chat.notification(compose(outcome, place), outcome, place))
    return document


def written(outcome: Outcome) -> str:
    told = json.dumps(chat_of(outcome, LINKED), indent=2, ensure_ascii=False)
    return f"{mail_of(outcome, LINKED)}\n--- chat ---\n{told}\n"


@pytest.mark.parametrize("name", SAMPLES)
def test_a_message_reads_as_its_snapshot(name: str) -> None:
    """`UPDATE_SNAPSHOTS=1` writes the snapshots again; a person reads the difference."""
    file = SNAPSHOTS / f"{re.sub(r'[^a-z]+', '_', name)}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(written(SAMPLES[name]), encoding="utf-8")

    assert written(SAMPLES[name]) == file.read_text(encoding="utf-8")


def test_every_kind_of_outcome_has_a_sample_and_every_snapshot_a_sample() -> None:
    assert {each.kind for each in SAMPLES.values()} == set(OutcomeKind) == MARKS.keys()
    assert len(list(SNAPSHOTS.glob("*.txt"))) == len(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_message_has_a_next_step_or_says_it_in_its_reason(name: str) -> None:
    message = compose(SAMPLES[name], PLACE)

    assert message.next_step or SAMPLES[name].kind is OutcomeKind.NEEDS_ATTENTION
    assert message.title.startswith("churn: ")


@pytest.mark.parametrize("page", tellings.PAGES)
def test_a_page_that_messages_name_exists(page: str) -> None:
    name, _, section = page.partition("#")
    titles = re.findall(r"^#+ (.+)$", (DOCS / name).read_text(encoding="utf-8"), re.MULTILINE)

    assert section in {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in titles}


def test_all_messages_of_a_deployment_are_one_thread_and_another_deployments_are_not() -> None:
    threads = {name: chat_of(outcome)["metadata"]["threadId"] for name, outcome in SAMPLES.items()}

    assert threads["started"] == threads["succeeded"] == threads["aborted"]
    sample = SAMPLES["started"]
    later = replace(sample, telling=replace(sample.telling, thread="churn/8"))
    assert chat_of(later)["metadata"]["threadId"] != threads["started"]
    other_stack = replace(PLACE, stack_name="Other")
    assert chat_of(SAMPLES["started"], other_stack)["metadata"]["threadId"] != threads["started"]


def test_a_chat_gets_what_the_schema_of_custom_notifications_requires() -> None:
    """Amazon Q Developer in chat applications, administrator guide, "custom-notifs"."""
    for outcome in SAMPLES.values():
        document = chat_of(outcome)
        content, metadata = document["content"], document["metadata"]
        assert (document["version"], document["source"]) == ("1.0", "custom")
        assert content.keys() == {"textType", "title", "description", "nextSteps", "keywords"}
        assert content["textType"] == "client-markdown"
        assert content["description"]
        texts = [document["id"], *content["nextSteps"], *content["keywords"], metadata["threadId"]]
        texts += metadata["additionalContext"].values()
        assert all(isinstance(each, str) and each for each in texts)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(text=_ANY_TEXT, approver=_ANY_TEXT)
def test_nobodys_text_breaks_a_message(text: str, approver: str) -> None:
    sample = SAMPLES["failed, version"]
    telling = replace(sample.telling, why=text, next_step=text, headline=text, approved_by=approver)
    outcome = replace(sample, telling=telling)
    message = compose(outcome, PLACE)
    content = chat_of(outcome)["content"]
    line = mail.subject(message, PLACE.stack_name)

    assert 0 < len(line) < 100
    assert line.isascii()
    assert line.isprintable()
    assert line[0] != " "
    assert len(mail_of(outcome).encode()) < 16_384
    for label, fact in message.facts:
        assert fact.isprintable(), label
    assert len(content["title"]) <= 150
    assert len(content["description"]) <= 3000
    told = content["title"] + content["description"] + content["nextSteps"][0]
    assert not re.search(r"[<>]|@(?!\u200b)|&(?!(amp|lt|gt);)", told)
    assert content["description"].count("`") == (2 if message.why else 0)


@pytest.mark.parametrize("stack_name", ["G", "Gr\u00fcn\nlight", "G" * 128])
@pytest.mark.parametrize("endpoint_name", ["c", "c" * 63, "churn\r\nBcc: everybody\t"])
def test_a_subject_is_a_line_that_sns_takes(stack_name: str, endpoint_name: str) -> None:
    for sample in SAMPLES.values():
        outcome = replace(sample, endpoint_name=endpoint_name)
        line = mail.subject(compose(outcome, PLACE), stack_name)

        assert 0 < len(line) < 100
        assert line.isascii()
        assert line.isprintable()


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:iam::111122223333:user/team/ada", "ada"),
        ("arn:aws:sts::111122223333:assumed-role/DataScience/ada@example.com", "ada@example.com"),
        ("arn:aws:sagemaker:eu-central-1:111122223333:user-profile/d-0a1b/ada", "ada"),
        ("arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:root"),
        ("unknown", "unknown"),
    ],
)
def test_an_approver_is_called_by_name(arn: str, name: str) -> None:
    assert person(arn) == name


@pytest.mark.parametrize(
    ("region", "partition", "host"),
    [
        ("eu-central-1", "aws", "console.aws.amazon.com"),
        ("cn-north-1", "aws-cn", "console.amazonaws.cn"),
        ("us-gov-west-1", "aws-us-gov", "console.amazonaws-us-gov.com"),
        ("eusc-de-east-1", "aws-eusc", None),
    ],
)
def test_links_lead_to_the_partitions_console(region: str, partition: str, host: str | None) -> None:
    place = Place.of_topic(f"arn:{partition}:sns:{region}:111122223333:outcomes", stack_name="G")
    links = {each.label: each.address for each in place.links("churn", "churn-models", "operations.md#x")}

    assert links.pop("Runbook") == "docs/operations.md#x"
    logs = "logsV2:log-groups/log-group/$252Faws$252Fsagemaker$252FEndpoints$252Fchurn"
    assert links == (
        {
            "Logs": f"https://{host}/cloudwatch/home?region={region}#{logs}",
            "Endpoint": f"https://{host}/sagemaker/home?region={region}#/endpoints/churn",
        }
        if host is not None
        else {}
    )
