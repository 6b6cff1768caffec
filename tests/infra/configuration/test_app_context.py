from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from infra.configuration.app_context import (
    LOG_RETENTION_DAYS,
    PLACE,
    Configuration,
    read_configuration,
    shared_context,
)

_ID = "0a1b2c3d-0000-0000-0000-0a1b2c3d4e5f"
TEAMS = f"teams:{_ID}/{_ID}/19%3aabcdef%40thread.tacv2"
ROLE = "arn:aws:iam::111122223333:role/serving/models"

ACCEPTED: dict[str, tuple[dict[str, Any], Configuration]] = {
    "nothing": ({}, Configuration()),
    "numbers from cdk.json": (
        {"sweep_minutes": 5, "log_retention_days": 30},
        Configuration(sweep_minutes=5, log_retention_days=30),
    ),
    "history that expires": ({"history_days": 400}, Configuration(history_days=400)),
    "history that expires, by the command line": ({"history_days": "1"}, Configuration(history_days=1)),
    "numbers from the command line": (
        {"sweep_minutes": "5", "log_retention_days": "30"},
        Configuration(sweep_minutes=5, log_retention_days=30),
    ),
    "a list from cdk.json": (
        {"model_buckets": ["models-a", "models.b"]},
        Configuration(model_buckets=("models-a", "models.b")),
    ),
    "a list from the command line": (
        {"outcome_emails": "a@example.com, b@example.com"},
        Configuration(outcome_emails=("a@example.com", "b@example.com")),
    ),
    "channels of chats": (
        {"chat_channels": "slack:T0123ABCD/C0123ABCD"},
        Configuration(chat_channels=("slack:T0123ABCD/C0123ABCD",)),
    ),
    "a channel of Teams": ({"chat_channels": [TEAMS]}, Configuration(chat_channels=(TEAMS,))),
    "addresses for links": (
        {
            "studio_url": "https://studio-d-0a1b.studio.eu-central-1.sagemaker.aws",
            "runbook_url": "https://git.example.com/ml/greenlight/-/blob/main/docs",
        },
        Configuration(
            studio_url="https://studio-d-0a1b.studio.eu-central-1.sagemaker.aws",
            runbook_url="https://git.example.com/ml/greenlight/-/blob/main/docs",
        ),
    ),
    "a role": ({"execution_role_arn": ROLE}, Configuration(execution_role_arn=ROLE)),
    "names": (
        {"stack_name": "Greenlight-Test", "endpoints_dir": "../endpoints"},
        Configuration(stack_name="Greenlight-Test", endpoints_dir="../endpoints"),
    ),
    "CDK's own keys": (
        {
            "@aws-cdk/core:something": True,
            "aws:cdk:bundling-stacks": ["**"],
            "availability-zones:account=1:region=r": [],
            "cdk-migrate": True,
            "cli-telemetry": False,
        },
        Configuration(),
    ),
}

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown key": ({"zzz": 1}, "zzz", "remove it"),
    "a misspelt key": ({"sweep_minuets": 1}, "sweep_minuets", "did you mean sweep_minutes?"),
    "a key in camel case": ({"sweepMinutes": 1}, "sweepMinutes", "did you mean sweep_minutes?"),
    "a key with hyphens": ({"sweep-minutes": 1}, "sweep-minutes", "did you mean sweep_minutes?"),
    "a sweep of never": ({"sweep_minutes": 0}, "sweep_minutes", "15"),
    "a sweep in words": ({"sweep_minutes": "often"}, "sweep_minutes", "15"),
    "a boolean number": ({"sweep_minutes": True}, "sweep_minutes", "15"),
    "a fraction": ({"sweep_minutes": 1.5}, "sweep_minutes", "15"),
    "a retention that CloudWatch does not know": ({"log_retention_days": 10}, "log_retention_days", "one of"),
    "history of no day": ({"history_days": 0}, "history_days", "leave it out to keep history for ever"),
    "history in words": ({"history_days": "for ever"}, "history_days", "leave it out"),
    "history of a thousand years": ({"history_days": 365_000}, "history_days", "400"),
    "a user's ARN": ({"execution_role_arn": "arn:aws:iam::1:user/x"}, "execution_role_arn", "copy it"),
    "an S3 URI": ({"model_buckets": ["s3://models"]}, "model_buckets", "without s3://"),
    "a list of numbers": ({"model_buckets": [1]}, "model_buckets", "names only"),
    "a mapping": ({"model_buckets": {}}, "model_buckets", "-c key=a,b"),
    "no address": ({"outcome_emails": "somebody"}, "outcome_emails", "name@example.com"),
    "a channel by its name": ({"chat_channels": "slack:#ml-ops"}, "chat_channels", "slack:T0123456789/"),
    "a team without its channel": ({"chat_channels": f"teams:{_ID}/{_ID}"}, "chat_channels", "<team id>"),
    "a link without https": ({"studio_url": "javascript:alert(1)"}, "studio_url", "address bar"),
    "a page and not a folder": ({"runbook_url": "https://x/ a"}, "runbook_url", "operations.md"),
    "a stack name with an underscore": ({"stack_name": "a_b"}, "stack_name", "hyphens"),
    "a stack name that is too long": ({"stack_name": "a" * 129}, "stack_name", "hyphens"),
    "no directory": ({"endpoints_dir": " "}, "endpoints_dir", "name the directory"),
    "buckets that would be granted to nobody": (
        {"model_buckets": "a-b", "execution_role_arn": ROLE},
        "model_buckets",
        "grant the passed role",
    ),
}


@pytest.mark.parametrize(("context", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_context_becomes_configuration(context: dict[str, Any], expected: Configuration) -> None:
    assert read_configuration(context) == (expected, [])


@pytest.mark.parametrize(("context", "key", "fix"), REFUSED.values(), ids=REFUSED)
def test_a_mistake_in_the_context_is_a_problem_with_its_fix(
    context: dict[str, Any], key: str, fix: str
) -> None:
    _, [problem] = read_configuration(context)

    assert (problem.file, problem.field) == ("context (cdk.json, or -c key=value)", key)
    assert problem.expected
    assert fix in problem.fix


def test_all_mistakes_are_reported_at_once_and_the_defaults_stand_in() -> None:
    configuration, problems = read_configuration({"sweep_minutes": 0, "stack_name": "", "zzz": 1})

    assert configuration == Configuration()
    assert [problem.field for problem in problems] == ["sweep_minutes", "stack_name", "zzz"]


def test_every_field_of_the_configuration_can_be_set() -> None:
    for field in fields(Configuration):
        assert read_configuration({field.name: {}})[1][0].field == field.name


def test_retention_is_what_cloudwatch_logs_documents() -> None:
    assert tuple(sorted(set(LOG_RETENTION_DAYS))) == LOG_RETENTION_DAYS
    assert 90 in LOG_RETENTION_DAYS


def test_the_project_itself_sets_nothing_and_misspells_nothing() -> None:
    context = json.loads((Path(__file__).parents[3] / "cdk.json").read_text())["context"]

    assert read_configuration(context) == (Configuration(), [])


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ('{"context": {"team": "a", "sweepMinutes": 5}}', {"team", "sweepMinutes"}),
        ('{"app": "x"}', set()),
        ('{"context": [1]}', set()),
        ("[]", set()),
        ("{", set()),
        (None, set()),
    ],
)
def test_the_keys_of_a_users_own_file_are_known(text: str | None, keys: set[str], tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / ".cdk.json").write_text(text, encoding="utf-8")

    assert shared_context(tmp_path) == keys


def test_what_a_user_sets_for_all_apps_is_no_problem_unless_it_misspells_ours() -> None:
    context = {"team": "a", "sweepMinutes": 5, "stagess": 1}

    _, problems = read_configuration(context, shared={"team", "sweepMinutes"})

    assert [(problem.file, problem.field) for problem in problems] == [
        ("context (~/.cdk.json)", "sweepMinutes"),
        (PLACE, "stagess"),
    ]


def test_a_plain_deployment_reads_the_folder_of_endpoints() -> None:
    configuration, problems = read_configuration({})

    assert problems == []
    assert configuration.endpoints_dir == "endpoints"
