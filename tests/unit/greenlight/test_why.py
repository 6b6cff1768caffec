"""`greenlight why` tells a version's story in the words of the decision, and writes nothing."""

from __future__ import annotations

import io
import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest

from deployer.contract import PAUSES, STACK_TAG
from deployer.environment import Environment
from deployer.gateways.settings_files import SettingsFiles
from greenlight.commands.why import read_account, read_version
from greenlight.deployed_settings import settings_for
from greenlight.errors import CommandError
from greenlight.output import ASCII, Symbols, console
from greenlight.previewing import Previews
from greenlight.why.account import document
from greenlight.why.view import WhyView
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import Pipeline
from tests.unit.greenlight.schemas import mistakes

if TYPE_CHECKING:
    from deployer.model.settings import EndpointSettings
    from greenlight.why.account import Account


def environment_of(pipeline: Pipeline) -> Environment:
    return Environment(
        journal_table_name=pipeline.table,
        execution_role_arn=pipeline.role_arn,
        event_bus_name="default",
        sweep_bus_name="sweeps",
        outcome_topic_arn="arn:aws:sns:eu-central-1:1:outcomes",
        stack_name=pipeline.stack_name,
        deployer_role_name=pipeline.stack.deployer_role_name,
    )


def previews_of(pipeline: Pipeline) -> Previews:
    return Previews(
        pipeline.cloud.client,
        environment_of(pipeline),
        SettingsFiles(pipeline.files.__getitem__),
        now=pipeline.now,
    )


def settings_of(pipeline: Pipeline, endpoint: str = ENDPOINT) -> EndpointSettings:
    return settings_for(endpoint, SettingsFiles(pipeline.files.__getitem__))


def account(pipeline: Pipeline, number: int | None = None) -> Account:
    return read_account(settings_of(pipeline), previews_of(pipeline), number)


def shown(pipeline: Pipeline, number: int | None = None, *, symbols: Symbols | None = None) -> str:
    view = WhyView(account(pipeline, number), symbols or Symbols(), pipeline.clock.now(), UTC)
    file = io.StringIO()
    console(file).print(view.one() if number is not None else view.several())
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def serving() -> Pipeline:
    pipeline = Pipeline()
    pipeline.manage()
    pipeline.approve(pipeline.register())
    pipeline.run()
    return pipeline


def with_a_failure() -> Pipeline:
    pipeline = serving()
    arn = pipeline.register()
    pipeline.break_model_of(arn)
    pipeline.approve(arn)
    pipeline.run()
    return pipeline


def test_a_version_that_serves_says_since_when_and_by_whom() -> None:
    lines = shown(serving(), 1).splitlines()

    assert lines[0] == "● v1 of churn-models is approved, and serves on churn."
    assert "approved by root" in lines[1]
    assert "came into service" in lines[2]
    assert lines[3].split(None, 1) == ["why", "It is the newest approved version that has not failed."]
    assert lines[4].split(None, 1) == ["now", "v1 serves."]


def test_a_version_that_failed_says_how_and_what_serves_and_the_next_step() -> None:
    text = shown(with_a_failure(), 2)

    assert text.startswith("✗ v2 of churn-models is approved, and does not serve on churn.")
    assert "failed: " in text
    assert "did not pass the ping health check" in text
    assert "why    It failed after its approval, and is not tried again." in text
    assert "now    v1 serves." in text
    assert "next   Register a mended version" in text
    assert text.splitlines()[-1].strip() == "greenlight retry churn 2"


def test_a_version_that_nobody_approved_says_so_with_who_and_when() -> None:
    pipeline = serving()
    arn = pipeline.register()
    pipeline.reject(arn)
    pipeline.run()

    text = shown(pipeline, 2)

    assert text.startswith("✗ v2 of churn-models does not serve on churn.")
    assert "It is not approved. It is Rejected since" in text


def test_a_version_that_does_not_exist_is_no_error() -> None:
    assert shown(serving(), 9).startswith("✗ v9 of churn-models does not exist.")


def test_an_approval_that_the_deployer_has_not_heard_of_goes_out_next() -> None:
    pipeline = serving()
    pipeline.approve(pipeline.register())

    assert "v2 goes out at the deployer's next look." in shown(pipeline, 2)


def test_a_rollout_under_way_is_told() -> None:
    pipeline = serving()
    pipeline.approve(pipeline.register())
    pipeline.deliver()

    assert "v2 is going out." in shown(pipeline, 1)
    assert "It is going out now." in shown(pipeline, 2)


def test_a_hold_is_told_with_its_reason() -> None:
    pipeline = serving()
    pipeline.cloud.client("dynamodb").put_item(
        TableName=pipeline.table,
        Item={
            "endpoint": {"S": PAUSES},
            "item": {"S": ENDPOINT},
            "reason": {"S": "INC-42"},
            "by": {"S": "ada"},
        },
    )
    pipeline.approve(pipeline.register())
    pipeline.run()

    text = shown(pipeline, 2)

    assert "INC-42" in text
    assert "v2 is held back." in text
    assert text.splitlines()[-1].strip() == "greenlight resume churn"


def test_all_versions_are_a_table_newest_first_below_what_serves() -> None:
    lines = shown(with_a_failure()).splitlines()

    assert lines[0] == "churn  v1 serves."
    assert [line.split()[:2] for line in lines[1:3]] == [["✗", "v2"], ["●", "v1"]]
    assert lines[-1] == "  More of one: greenlight why churn VERSION"


def test_an_endpoint_without_approvals_says_what_to_do() -> None:
    pipeline = Pipeline()
    pipeline.manage()

    assert "Approve a version of churn-models, and it serves." in shown(pipeline)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    assert shown(serving(), 1, symbols=ASCII).isascii()


@pytest.mark.parametrize("number", [None, 1, 2, 9])
def test_the_json_fits_its_schema(number: int | None) -> None:
    told = document(account(with_a_failure(), number))

    assert mistakes(told, "why") == []
    assert json.loads(json.dumps(told)) == told


def test_the_json_says_of_each_version_what_became_of_it() -> None:
    told: dict[str, Any] = document(account(with_a_failure()))

    assert told["serves"] == [1]
    assert told["state"] == "in_sync"
    assert [(each["version"], each["reason"]) for each in told["versions"]] == [(2, "failed"), (1, "serves")]
    assert told["versions"][0]["attempts"][0]["cause"] == "version"


def test_looking_writes_nothing() -> None:
    pipeline = serving()
    pipeline.approve(pipeline.register())
    before = len(pipeline.cloud.calls)

    account(pipeline)

    made = [operation for _, operation in pipeline.cloud.calls[before:]]
    assert made
    assert not [each for each in made if not each.startswith(("Describe", "List", "Query"))]


def test_an_endpoint_of_somebody_else_is_told_with_its_owner() -> None:
    pipeline = serving()
    pipeline.sagemaker.delete_tags(ResourceArn=pipeline.endpoint["EndpointArn"], TagKeys=[STACK_TAG])
    pipeline.approve(pipeline.register())

    assert "It is the version to serve, and the endpoint is not this stack's." in shown(pipeline, 2)


def test_a_version_that_settings_exclude_says_which_instance_types() -> None:
    pipeline = serving()
    pipeline.approve(pipeline.register(instance_types=["ml.g5.xlarge"]))
    pipeline.run()

    assert "It supports ml.g5.xlarge" in shown(pipeline, 2)


def test_a_failure_of_the_settings_keeps_what_serves() -> None:
    pipeline = serving()
    changed: dict[str, Any] = {"CreateModel": {"Containers": [{"Environment": {"LOG_LEVEL": "debug"}}]}}
    pipeline.break_model_of(pipeline.history.approvals[0].version_arn, **changed)
    pipeline.manage(**changed)
    pipeline.look_at_settings()
    pipeline.run()

    text = shown(pipeline, 1)

    assert "It serves, and the present settings cannot be used with it" in text


@pytest.mark.parametrize(("text", "number"), [("3", 3), ("v12", 12)])
def test_a_version_is_read_with_or_without_its_v(text: str, number: int) -> None:
    assert read_version(text) == number


@pytest.mark.parametrize("text", ["three", "v", "-1", "3.0"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="is no version"):
        read_version(text)


def test_an_endpoint_that_nobody_manages_names_those_that_are() -> None:
    pipeline = Pipeline()
    pipeline.manage()

    with pytest.raises(CommandError) as raised:
        settings_of(pipeline, "chrun")

    assert raised.value.cause == "Its settings name: churn."
