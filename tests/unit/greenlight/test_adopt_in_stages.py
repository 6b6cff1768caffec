"""`greenlight adopt --stage`: the settings go where the stage has them, and compile with what it adds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from deployer.contract import ADOPTED_TAG, STACK_TAG, SettingsKey
from greenlight.adopting.place import Place, place_of
from greenlight.adopting.view import changes_nothing
from greenlight.errors import CommandError
from infra.configuration.app_context import read_configuration
from infra.stages.loading import load_stages
from tests.infra.stages.example import REGISTRY, SKLEARN, example_context, write_endpoints
from tests.unit.deployer.builders import ENDPOINT, GROUP
from tests.unit.deployer.pipeline import REGION
from tests.unit.greenlight.test_adopt import ByHand

if TYPE_CHECKING:
    from pathlib import Path

PRODUCTION, STAGING, LAB = (f"Greenlight-{each}" for each in ("production", "staging", "lab"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "cdk.json").write_text(json.dumps({"context": example_context()}))
    write_endpoints(tmp_path / "endpoints")
    return tmp_path


def file_of(project: Path, name: str, stack_name: str) -> str:
    return place_of(project, name, stack_name).file.relative_to(project / "endpoints").as_posix()


@pytest.mark.parametrize(
    ("name", "stack_name", "file"),
    [
        ("legacy", STAGING, "staging/legacy.yaml"),
        ("churn", STAGING, "staging/churn.yaml"),
        ("churn", PRODUCTION, "churn.yaml"),
        ("fraud", PRODUCTION, "shared/fraud.yaml"),
        ("fraud", LAB, "lab/fraud.yaml"),
    ],
    ids=["a new one", "its own", "of a list", "of a list, in a folder", "of another stage, too"],
)
def test_the_settings_go_where_the_stage_has_them(
    project: Path, name: str, stack_name: str, file: str
) -> None:
    assert file_of(project, name, stack_name) == file


def test_an_endpoint_that_the_stage_has_by_another_files_name_keeps_its_file(project: Path) -> None:
    (project / "endpoints" / "staging" / "old.yaml").write_text(
        "endpoint_name: legacy\nmodel_package_group: fraud\ninstance_type: ml.m5.large\n"
    )

    assert file_of(project, "legacy", STAGING) == "staging/old.yaml"
    assert file_of(project, "legacy", LAB) == "lab/legacy.yaml"


@pytest.mark.parametrize(
    ("name", "stack_name", "fact", "step"),
    [
        (
            "legacy",
            PRODUCTION,
            "The stage production lists no file for legacy.",
            "Add a name such as production/legacy to stages.production.endpoints there.",
        ),
        ("legacy", "Greenlight", "The project has no stage with the stack Greenlight.", "Name a stage"),
    ],
)
def test_where_nobody_can_tell_the_file_the_next_step_is_said(
    project: Path, name: str, stack_name: str, fact: str, step: str
) -> None:
    with pytest.raises(CommandError) as refused:
        place_of(project, name, stack_name)

    assert refused.value.fact == fact
    assert refused.value.next_step.startswith(step)


def test_a_mistake_in_the_context_is_no_project_without_stages(project: Path) -> None:
    (project / "cdk.json").write_text('{"context": {"registry": {"account": "1"}}}')

    with pytest.raises(CommandError, match="nothing can be adopted"):
        place_of(project, "legacy", "Greenlight")


def test_the_groups_are_the_registrys_as_the_stages_account_names_them(project: Path) -> None:
    there, home = (place_of(project, "legacy", each).of_stage for each in (STAGING, LAB))

    assert there is not None
    assert home is not None
    arn = f"arn:aws:sagemaker:{REGION}:{REGISTRY}:model-package-group"
    assert there.groups == [f"{arn}/Churn-Models", f"{arn}/fraud", f"{arn}/unused"]
    assert home.groups == ["Churn-Models", "fraud", "unused"]


def test_settings_compile_as_synth_does_it_for_the_stage(project: Path) -> None:
    configuration, _ = read_configuration(
        {**example_context(), "endpoints_dir": (project / "endpoints").as_posix()}
    )
    stages, problems = load_stages(configuration, "cdk.json")
    [expected] = [
        spec.compiled for stage in stages if stage.access.names.stack == STAGING for spec in stage.endpoints
    ]

    compiled, found = place_of(project, "churn", STAGING).compiled(
        {"model_package_group": "Churn-Models", "instance_type": "ml.m5.large"}
    )

    assert (problems, found) == ([], [])
    assert compiled == expected
    assert compiled is not None
    assert compiled[SettingsKey.STAGE_NAME] == "staging"


class ByHandInAStage(ByHand):
    """A person whose account is the registry's, and has a stage."""

    @property
    def place(self) -> Place:
        return place_of(self.directory, ENDPOINT, "Greenlight-lab")


def test_what_a_stage_adopts_serves_on_by_its_own_settings(tmp_path: Path) -> None:
    by_hand = ByHandInAStage(tmp_path)
    by_hand.pipeline.stack_name = "Greenlight-lab"
    context = {
        "registry": {
            "account": by_hand.pipeline.account_id,
            "region": REGION,
            "groups": {GROUP: {"artifacts": ["s3://models/"], "images": [SKLEARN]}},
        },
        "stages": {"lab": {"account": by_hand.pipeline.account_id, "endpoints": "lab"}},
    }
    (tmp_path / "cdk.json").write_text(json.dumps({"context": context}))
    (tmp_path / "endpoints").mkdir()
    by_hand.make()

    proposal = by_hand.propose()

    assert changes_nothing(proposal), proposal
    assert proposal.content["model_package_group"] == GROUP
    assert proposal.tags[STACK_TAG] == "Greenlight-lab"
    assert proposal.tags[ADOPTED_TAG].startswith(f"{ENDPOINT}-v1-")
    assert by_hand.place.file == tmp_path / "endpoints" / "lab" / f"{ENDPOINT}.yaml"
