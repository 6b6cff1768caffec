"""Check docs/accounts.md against the code."""

from __future__ import annotations

import inspect
import json
import re
import shlex
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App

from app import synthesise
from greenlight.application import run
from infra.configuration.app_context import read_configuration
from infra.configuration.explanations import explained
from infra.configuration.registry_and_stages import Registry, Stage
from registry_access import editing, targets
from tests.infra.conftest import REPOSITORY

if TYPE_CHECKING:
    from pydantic import BaseModel

PAGE = (Path(__file__).parents[3] / "docs" / "accounts.md").read_text()


@pytest.mark.parametrize("model", [Registry, Stage])
def test_every_key_is_on_the_page_in_the_words_of_its_message(model: type[BaseModel]) -> None:
    for key, expected in explained(model):
        assert f"| `{key}` | {expected} |" in PAGE


def test_the_pages_example_is_right() -> None:
    example = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0]

    _, problems = read_configuration(json.loads(example))

    assert problems == []


def test_the_pages_commands_name_the_stacks_of_its_example_and_of_one_account_each(tmp_path: Path) -> None:
    """`cdk` knows stacks by their ids; a pattern must not reach into another stage's account."""
    context = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    context["stages"]["staging-eu"] = {**context["stages"]["staging"], "account": "444455556666"}
    endpoint = "model_package_group: churn\ninstance_type: ml.m5.large\n"
    for stage in ("staging", "production"):
        (tmp_path / "endpoints" / stage).mkdir(parents=True)
        (tmp_path / "endpoints" / stage / "churn.yaml").write_text(endpoint)
    ids = {
        artifact["displayName"] or name: artifact["environment"].split("/")[2]
        for name, artifact in assembly(tmp_path, context).items()
    }
    accounts = {"staging": "222233334444", "registry": "111122223333"}

    commands = re.findall(r"^npx cdk (?:deploy|destroy) (.*)$", PAGE, re.MULTILINE)

    assert len(commands) >= 3
    for command in commands:
        arguments = shlex.split(command)
        patterns = [each for each in arguments if each.startswith("Greenlight")]
        named = {name for name in ids for pattern in patterns if fnmatch(name, pattern)}
        assert named, command
        profile = arguments[arguments.index("--profile") + 1]
        assert {ids[name] for name in named} == {accounts[profile]}, command


def assembly(directory: Path, context: dict[str, Any]) -> dict[str, Any]:
    """Synthesise, and return the stacks of the assembly's manifest."""
    flags = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    whole = {**flags, **context, "endpoints_dir": str(directory / "endpoints")}
    made = synthesise(App(context=whole, outdir=str(directory / "out")))
    manifest = json.loads((Path(made.directory) / "manifest.json").read_text())["artifacts"]
    return {name: each for name, each in manifest.items() if each["type"] == "aws:cloudformation:stack"}


def test_the_pages_sizes_are_what_the_editor_holds_policies_to() -> None:
    assert targets.LARGEST_GROUP_POLICY == targets.LARGEST_BUCKET_POLICY
    for size in (targets.LARGEST_GROUP_POLICY, targets.LARGEST_REPOSITORY_POLICY, targets.LARGEST_KEY_POLICY):
        assert f"{size:,}" in PAGE


@pytest.mark.parametrize(
    "words",
    [
        "There is no ",
        "would have ",
        "did not come to rest",
        "was left alone, as ",
        "it is another account's",
        "names deleted principals",
    ],
)
def test_the_pages_messages_are_the_editors(words: str) -> None:
    said = "".join(inspect.getsource(module) for module in (editing, targets))

    assert words in said
    assert re.search(rf"`[^`|]*{re.escape(words.strip())}", PAGE)


def test_every_option_of_the_doctor_is_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--help"]) == 0

    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help", "--context"}
    assert options == set(re.findall(r"\| `(--[a-z-]+)` \|", PAGE))
    assert "Exit code 0: all is well. 1: something is missing. 3: nothing is missing" in PAGE
