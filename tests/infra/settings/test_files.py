"""Which files below the endpoints' directory are settings; all others are reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.settings.catalogue import load_catalogue
from infra.settings.reading.files import find_settings, told
from tests.infra.settings.builders import VALID

if TYPE_CHECKING:
    from pathlib import Path

    from infra.settings.problem import Problem


def load(directory: Path) -> tuple[list[str], list[Problem]]:
    specs, problems = load_catalogue(directory, "endpoints", stack_name="Greenlight")
    return [spec.endpoint_name for spec in specs], problems


def put(directory: Path, *files: str) -> Path:
    for file in files:
        (directory / file).parent.mkdir(parents=True, exist_ok=True)
        (directory / file).write_text(VALID)
    return directory


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (".ipynb_checkpoints/churn-checkpoint.yaml", "endpoints/.ipynb_checkpoints/ (hidden)"),
        ("team/.ipynb_checkpoints/churn.yaml", "endpoints/team/.ipynb_checkpoints/ (hidden)"),
        (".git/config.yaml", "endpoints/.git/ (hidden)"),
        ("._churn.yaml", "endpoints/._churn.yaml (hidden)"),
        (".#churn.yaml", "endpoints/.#churn.yaml (hidden)"),
        ("churn.yaml~", "endpoints/churn.yaml~ (an editor's backup)"),
        ("churn~.yaml", "endpoints/churn~.yaml (an editor's backup)"),
        ("#churn.yaml#", "endpoints/#churn.yaml# (an editor's backup)"),
        ("README.md", "endpoints/README.md (not .yaml or .yml)"),
        ("team/schema.json", "endpoints/team/schema.json (not .yaml or .yml)"),
    ],
)
def test_what_is_no_setting_is_left_out_and_said(file: str, said: str, tmp_path: Path) -> None:
    put(tmp_path, "fraud.yaml", file)

    assert load(tmp_path) == (["fraud"], [])
    assert told(find_settings(tmp_path, "endpoints")) == f"No endpoint settings, and left out: {said}."


def test_the_schemas_are_in_their_place_and_nothing_is_said_of_them(tmp_path: Path) -> None:
    put(tmp_path, "fraud.yaml", "schema.json", "partial.schema.json")

    assert told(find_settings(tmp_path, "endpoints")) == ""


def test_many_files_are_said_in_one_short_line(tmp_path: Path) -> None:
    put(tmp_path, *(f"notes-{number}.txt" for number in range(300)))

    said = told(find_settings(tmp_path, "endpoints"))

    assert "and 292 more" in said
    assert len(said) < 500


def test_both_endings_and_all_folders_count(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml", "b.yml", "team/c.yaml", "team/deep/d.YAML")

    assert load(tmp_path) == (["a", "b", "c", "d"], [])


@pytest.mark.parametrize("other", ["churn.yml", "Churn.yaml", "team/churn.yaml"])
def test_two_files_of_one_name_are_refused(other: str, tmp_path: Path) -> None:
    put(tmp_path, "churn.yaml", other)

    [problem] = load(tmp_path)[1]

    assert problem.field == "endpoint_name"
    assert "claims too" in problem.got


def test_a_file_may_be_a_link(tmp_path: Path) -> None:
    """As in a mounted ConfigMap, whose files are links into a hidden folder."""
    put(tmp_path, "endpoints/..data/churn.yaml")
    (tmp_path / "endpoints" / "churn.yaml").symlink_to(tmp_path / "endpoints" / "..data" / "churn.yaml")

    assert load(tmp_path / "endpoints") == (["churn"], [])


def test_a_link_to_nothing_is_a_problem(tmp_path: Path) -> None:
    put(tmp_path, "fraud.yaml")
    (tmp_path / "churn.yaml").symlink_to(tmp_path / "gone.yaml")

    [problem] = load(tmp_path)[1]

    assert (problem.file, problem.got) == ("endpoints/churn.yaml", "a link to nothing")


def test_a_folder_that_is_a_link_is_left_out_also_one_that_leads_back(tmp_path: Path) -> None:
    put(tmp_path, "fraud.yaml")
    (tmp_path / "again").symlink_to(tmp_path)

    assert load(tmp_path) == (["fraud"], [])
    assert "endpoints/again/ (a link to a folder)" in told(find_settings(tmp_path, "endpoints"))


def test_a_folder_is_not_called_like_a_file(tmp_path: Path) -> None:
    [problem] = load(put(tmp_path, "team.yaml/churn.yaml"))[1]

    assert (problem.file, problem.got) == ("endpoints/team.yaml", "a folder")


@pytest.mark.parametrize("file", [".ipynb_checkpoints/churn.yaml", "churn.yaml.txt"])
def test_a_directory_in_which_nothing_counts_is_an_error_with_the_mend(file: str, tmp_path: Path) -> None:
    [problem] = load(put(tmp_path, file))[1]

    assert (problem.file, problem.field) == ("endpoints", "the directory")
    assert problem.got.startswith("no file that counts (left out: ")
    assert "add a file" in problem.fix
    assert "cdk destroy" in problem.fix
