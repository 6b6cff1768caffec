"""`greenlight check` finds what synth finds, at once and without CDK."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from greenlight.application import APPLICATION, run
from greenlight.checking import check
from greenlight.errors import ExitCode
from infra.configuration.app_context import read_configuration
from infra.settings.catalogue import load_catalogue
from infra.stages.loading import load_stages
from tests.imports import REPOSITORY
from tests.infra.settings.builders import VALID, write
from tests.unit.greenlight.schemas import mistakes

if TYPE_CHECKING:
    from pathlib import Path

    from infra.settings.problem import Problem

MISSPELT = "model_package_group: churn\ninstance_typ: ml.m5.large\n"
NESTED = f"{VALID}rollout:\n    kind: canery\n"
IMAGES = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/team/churn"
STAGES = {
    "registry": {
        "account": "111122223333",
        "region": "eu-central-1",
        "groups": {"churn-models": {"artifacts": ["s3://models/churn/"], "images": [IMAGES]}},
    },
    "stages": {"prod": {"account": "444455556666", "endpoints": ["churn", "gone"]}},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a valid file, in the working directory's place."""
    (tmp_path / "cdk.json").write_text(json.dumps({"app": "python app.py", "context": {}}))
    (tmp_path / "endpoints").mkdir()
    write(tmp_path / "endpoints", churn=VALID)
    return tmp_path


def found(directory: Path, **given: str) -> list[Problem]:
    return [problem for finding in check(directory, given) for problem in finding.mistakes]


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = run(["check", *arguments])
    return code, capsys.readouterr().out


def test_a_project_without_mistakes_is_fine(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told([str(project)], capsys) == (ExitCode.FINE, "✓ 1 file, no mistakes.\n")


def test_a_mistake_is_told_with_its_place_and_its_mend(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project / "endpoints", fraud=NESTED)

    code, text = told([str(project)], capsys)

    assert code == ExitCode.BAD_NEWS
    assert text.splitlines()[0] == f"{project}/endpoints/fraud.yaml:4:5: rollout.kind"
    assert "  fix       did you mean canary?" in text
    assert text.splitlines()[-1] == "✗ 1 mistake in 1 of 2 files."


def test_what_aws_may_accept_all_the_same_says_the_way_out(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project / "endpoints", churn="model_package_group: churn\ninstance_type: ml.m9.large\n")

    _, text = told([str(project)], capsys)

    assert "unchecked: true" in text


def test_what_is_unchecked_is_a_warning_and_no_mistake(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        project / "endpoints",
        churn="model_package_group: churn\ninstance_type: ml.m9.large\nunchecked: true\n",
    )

    code, text = told([str(project)], capsys)

    assert code == ExitCode.FINE
    assert f"{project}/endpoints/churn.yaml:2:1: warning: instance_type" in text


def test_the_json_fits_its_schema_and_has_every_mistake(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project / "endpoints", fraud=NESTED, empty="")

    code, text = told([str(project), "--json", "-c", "sweep_minutes=0"], capsys)

    document: dict[str, Any] = json.loads(text)
    assert code == ExitCode.BAD_NEWS
    assert mistakes(document, "check") == []
    assert document["files"] == 3
    places = {(each["field"], each.get("line"), each.get("column")) for each in document["mistakes"]}
    assert places == {("sweep_minutes", None, None), ("the file", None, None), ("rollout.kind", 4, 5)}


def test_a_directory_without_a_project_is_one_of_settings(tmp_path: Path) -> None:
    write(tmp_path, fraud=MISSPELT)

    assert {problem.field for problem in found(tmp_path)} == {"instance_typ"}


@pytest.mark.parametrize(
    ("context", "line"),
    [('{"context": {}', 1), ('{\n"context": {,}}', 2), ("[]", 0), ('{"context": 1}', 0)],
    ids=["not closed", "a comma", "a list", "a number"],
)
def test_a_context_that_cannot_be_read_is_a_mistake(project: Path, context: str, line: int) -> None:
    (project / "cdk.json").write_text(context)

    [problem] = found(project)

    assert (problem.file, problem.line) == (f"{project}/cdk.json", line)


def test_a_directory_that_is_not_there_is_wrong_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["check", str(tmp_path / "gone")])

    assert (code, len(capsys.readouterr().err.splitlines())) == (ExitCode.USAGE, 3)


@pytest.mark.parametrize("arguments", [["-c", "no equals sign"]])
def test_a_context_key_without_a_value_is_wrong_input(
    project: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(project), *arguments]) == ExitCode.USAGE
    assert "KEY=VALUE" in capsys.readouterr().err


def test_the_mistakes_of_a_project_are_those_that_synth_finds(project: Path) -> None:
    below = project / "endpoints"
    write(below, fraud=NESTED, other="", third=MISSPELT, defaults="endpoint_name: x\n")
    (below / "team").mkdir()
    write(below / "team", churn=VALID)
    context = {"sweep_minutes": "0", "stack_nam": "x"}

    _, of_context = read_configuration(context)
    _, of_settings = load_catalogue(below, below.as_posix(), stack_name="Greenlight")

    assert set(found(project, **context)) == {*of_context, *of_settings}
    assert len(found(project, **context)) == len({*of_context, *of_settings})


def test_the_mistakes_of_stages_are_those_that_synth_finds(project: Path) -> None:
    (project / "cdk.json").write_text(json.dumps({"context": STAGES}))

    context = {**STAGES, "endpoints_dir": f"{project}/endpoints"}
    configuration, problems = read_configuration(context)
    stages, of_stages = load_stages(configuration, "context (cdk.json, or -c key=value)")

    assert stages
    assert of_stages
    assert set(found(project)) == {*problems, *of_stages}


def test_the_first_mistake_is_found_before_the_last_file_is_read(project: Path) -> None:
    below = project / "endpoints"
    write(below, churn=MISSPELT, zebra=VALID)
    findings = check(project, {})

    first = next(each for each in islice(findings, 9) if each.mistakes)
    (below / "zebra.yaml").unlink()

    assert first.mistakes[0].field == "instance_typ"
    assert any(problem.file.endswith("zebra.yaml") for each in findings for problem in each.mistakes)


def test_no_check_imports_cdk_or_boto3(project: Path) -> None:
    script = (
        "import sys\n"
        "from greenlight.application import run\n"
        f"assert run(['check', {str(project)!r}]) == 0\n"
        "parts = {each.partition('.')[0] for each in sys.modules}\n"
        "sys.exit(repr(parts & {'aws_cdk', 'jsii', 'cdk_nag', 'boto3', 'constructs'}))\n"
    )

    done = subprocess.run(  # noqa: S603 - this file's own script
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert done.stderr.strip() == "set()"


def test_the_hook_for_pre_commit_runs_a_verb_over_settings_and_context() -> None:
    [hook] = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())

    program, verb = hook["entry"].split()
    assert program == "greenlight"
    assert verb in {each.name for each in APPLICATION.registered_commands}
