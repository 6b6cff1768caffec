from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from deployer.model.settings import EndpointSettings
from infra.configuration.app_context import PLACE, read_configuration
from infra.settings.compiling.settings_files import serialised
from infra.stages.loading import load_stages
from tests.infra.stages.example import (
    MODELS_OF_PRODUCTION,
    REGION,
    REGISTRY,
    STAGING,
    example_context,
    write_endpoints,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infra.settings.problem import Problem
    from infra.stages.carried_stage import CarriedStage

GROUP = f"arn:aws:sagemaker:{REGION}:{REGISTRY}:model-package-group/Churn-Models"


def load(
    directory: Path, change: Callable[[dict[str, Any]], object] | None = None
) -> tuple[dict[str, CarriedStage], list[Problem]]:
    context = example_context()
    if change is not None:
        change(context)
    configuration, problems = read_configuration({**context, "endpoints_dir": str(directory)})
    assert problems == []
    stages, problems = load_stages(configuration, PLACE)
    return {stage.names.stage_name: stage for stage in stages}, problems


def stored(stage: CarriedStage) -> dict[str, dict[str, Any]]:
    return {spec.endpoint_name: json.loads(serialised(spec.compiled)) for spec in stage.endpoints}


def test_stages_carry_a_folder_or_a_list_of_files(tmp_path: Path) -> None:
    stages, problems = load(write_endpoints(tmp_path))

    assert problems == []
    assert {name: [spec.endpoint_name for spec in stage.endpoints] for name, stage in stages.items()} == {
        "staging": ["churn"],
        "production": ["churn", "fraud"],
        "lab": ["fraud"],
    }


def test_the_stored_settings_say_what_the_stage_means(tmp_path: Path) -> None:
    stages, _ = load(write_endpoints(tmp_path))
    staging, production, lab = (stored(stages[name]) for name in ("staging", "production", "lab"))

    assert staging["churn"]["StageName"] == "staging"
    assert staging["churn"]["Promotion"] == {
        "SoakSeconds": 600,
        "Stage": "Production",
        "StageStatus": "PendingApproval",
    }
    assert "Gate" not in staging["churn"]
    assert production["churn"]["Gate"] == {"Stage": "Production", "StageStatus": "Approved"}
    assert "Promotion" not in production["churn"]
    assert lab["fraud"]["StageName"] == "lab"


def test_gates_and_promotions_know_the_stages_that_promotions_lead_on_to(tmp_path: Path) -> None:
    def archive(context: dict[str, Any]) -> None:
        stages = context["stages"]
        stages["lab"]["gate"] = {"stage": "Archive", "stage_status": "Approved"}
        stages["production"]["promotion"] = {"stage": "Archive", "stage_status": "PendingApproval"}
        context["stages"] = {name: stages[name] for name in reversed(stages)}

    stages, problems = load(write_endpoints(tmp_path), archive)

    assert problems == []
    assert stored(stages["staging"])["churn"]["Promotion"]["LaterStages"] == ["Archive"]
    assert stored(stages["production"])["churn"]["Gate"]["LaterStages"] == ["Archive"]
    assert "LaterStages" not in stored(stages["lab"])["fraud"]["Gate"]


def with_approvers(directory: Path, more: str = "") -> Path:
    """Write the endpoints, of which production's churn asks for four eyes."""
    write_endpoints(directory)
    with (directory / "churn.yaml").open("a") as file:
        file.write(f"four_eyes: true\n{more}")
    return directory


def test_where_approvals_are_certain_peoples_no_stages_deployer_is_an_approver(tmp_path: Path) -> None:
    shadow = f"shadow: {{instance_type: ml.m5.large, approvers: ['arn:aws:iam::{STAGING}:role/ds']}}\n"
    stages, problems = load(with_approvers(tmp_path, shadow))
    production = stored(stages["production"])

    assert problems == []
    for policy in (production["churn"]["ApprovalPolicy"], production["churn"]["Shadow"]):
        assert policy["Deployers"] == [
            f"arn:aws:sts::{each.names.account}:assumed-role/{each.names.deployer_role_name}/*"
            for each in stages.values()
        ]
    assert "ApprovalPolicy" not in production["fraud"]
    assert EndpointSettings.parse(json.dumps(production["churn"])).policy.deployers


def promoted_as_approved(context: dict[str, Any]) -> None:
    context["stages"]["staging"]["promotion"]["stage_status"] = "Approved"


def test_a_promotion_that_nobody_may_approve_by_is_a_problem(tmp_path: Path) -> None:
    _, [problem] = load(with_approvers(tmp_path), promoted_as_approved)

    assert problem.field == "stages.staging.promotion.stage_status"
    assert "churn there asks for approvers" in problem.got
    assert "PendingApproval" in problem.fix


def test_what_anybody_may_shadow_may_be_promoted_as_approved(tmp_path: Path) -> None:
    _, problems = load(
        with_approvers(tmp_path, "shadow: {instance_type: ml.m5.large}\n"), promoted_as_approved
    )

    assert problems == []


def test_roles_that_endpoints_bring_are_let_in_and_must_be_of_the_stages_account(tmp_path: Path) -> None:
    write_endpoints(tmp_path)
    file = tmp_path / "staging" / "churn.yaml"
    yaml = file.read_text()
    own = f"arn:aws:iam::{STAGING}:role/churn-models"

    file.write_text(f"{yaml}execution_role_arn: {own}\n")
    stages, problems = load(tmp_path)
    file.write_text(f"{yaml}execution_role_arn: arn:aws:iam::{REGISTRY}:role/churn-models\n")
    _, [problem] = load(tmp_path)

    assert problems == []
    assert stages["staging"].access.model_roles == (own,)
    assert problem.field == "execution_role_arn"
    assert f"account {STAGING}" in problem.expected


def test_a_soak_that_nobody_set_is_an_hour(tmp_path: Path) -> None:
    stages, _ = load(
        write_endpoints(tmp_path), lambda context: context["stages"]["staging"].pop("soak_seconds")
    )

    assert stored(stages["staging"])["churn"]["Promotion"]["SoakSeconds"] == 3600


def test_groups_are_named_by_arn_where_the_registry_is_elsewhere(tmp_path: Path) -> None:
    stages, _ = load(write_endpoints(tmp_path))

    assert stored(stages["staging"])["churn"]["ModelPackageGroupName"] == GROUP
    assert stored(stages["lab"])["fraud"]["ModelPackageGroupName"] == "fraud"
    assert [spec.model_package_group for spec in stages["staging"].endpoints] == [GROUP]


def test_the_deployer_reads_what_a_stage_stores(tmp_path: Path) -> None:
    stages, _ = load(write_endpoints(tmp_path))
    [spec] = stages["staging"].endpoints

    read = EndpointSettings.parse(serialised(spec.compiled))

    version = f"arn:aws:sagemaker:{REGION}:{REGISTRY}:model-package/churn-models/1"
    assert read.follows(version, "Churn-Models", own_account=STAGING)
    assert not read.follows(version.replace(REGISTRY, STAGING), "Churn-Models", own_account=STAGING)


def test_each_stage_has_a_stack_and_a_role_of_its_own(tmp_path: Path) -> None:
    stages, _ = load(write_endpoints(tmp_path))

    staging, production = stages["staging"].configuration, stages["production"].configuration
    assert (staging.stack_name, staging.execution_role_arn) == ("Greenlight-staging", None)
    assert production.execution_role_arn == MODELS_OF_PRODUCTION
    assert stages["production"].names.execution_role_arn == MODELS_OF_PRODUCTION


def test_a_stage_is_let_in_to_the_groups_of_its_endpoints(tmp_path: Path) -> None:
    stages, _ = load(write_endpoints(tmp_path))

    assert {name: stage.access.groups for name, stage in stages.items()} == {
        "staging": ("Churn-Models",),
        "production": ("Churn-Models", "fraud"),
        "lab": ("fraud",),
    }


def of_staging(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda context: context["stages"]["staging"].update(changes)


PROBLEMS: dict[str, tuple[Callable[[dict[str, Any]], object], str, str, str]] = {
    "a folder that is not there": (
        of_staging(endpoints="stagin"),
        "stages.staging.endpoints",
        "no such",
        "add",
    ),
    "a file that is not there": (
        of_staging(endpoints=["nope"]),
        "stages.staging.endpoints",
        "no such",
        "correct",
    ),
    "a group of which nothing is said": (
        lambda context: context["registry"]["groups"].pop("fraud"),
        "registry.groups",
        "no fraud",
        "add fraud",
    ),
    "one endpoint twice in an account": (
        of_staging(account=REGISTRY, endpoints=["staging/churn", "lab/fraud"]),
        "stages.lab.endpoints",
        "in stage staging is too",
        "another endpoint_name",
    ),
    "a name that roles cannot have": (
        lambda context: context.update(stack_name="G" * 40),
        "stack_name",
        "characters",
        "shorten",
    ),
}


@pytest.mark.parametrize(("change", "field", "got", "fix"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_mistake_between_context_and_files_is_a_problem(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], field: str, got: str, fix: str
) -> None:
    _, problems = load(write_endpoints(tmp_path), change)

    found = [each for each in problems if each.field == field]
    assert found
    assert any(got in each.got and fix in each.fix for each in found)


def test_a_file_that_no_stage_carries_is_a_problem(tmp_path: Path) -> None:
    write_endpoints(tmp_path)
    (tmp_path / "forgotten.yaml").write_text("model_package_group: fraud\ninstance_type: ml.m5.large\n")

    _, [problem] = load(tmp_path)

    assert problem.file == f"{tmp_path.as_posix()}/forgotten.yaml"
    assert "no stage carries" in problem.got


@pytest.mark.parametrize(
    "group",
    [
        f"arn:aws:sagemaker:{REGION}:{STAGING}:model-package-group/fraud",
        f"arn:aws:sagemaker:eu-west-1:{REGISTRY}:model-package-group/fraud",
    ],
)
def test_a_group_that_is_not_the_registrys_is_a_problem(tmp_path: Path, group: str) -> None:
    write_endpoints(tmp_path)
    (tmp_path / "staging" / "churn.yaml").write_text(
        f"model_package_group: {group}\ninstance_type: ml.m5.large\n"
    )

    _, [problem] = load(tmp_path)

    assert problem.field == "model_package_group"
    assert f"registry account {REGISTRY}" in problem.expected


def test_a_group_that_is_named_by_the_registrys_arn_is_the_same(tmp_path: Path) -> None:
    write_endpoints(tmp_path)
    (tmp_path / "staging" / "churn.yaml").write_text(
        f"model_package_group: {GROUP}\ninstance_type: ml.m5.large\n"
    )
    (tmp_path / "lab" / "fraud.yaml").write_text(
        f"model_package_group: {GROUP}\ninstance_type: ml.m5.large\nendpoint_name: fraud\n"
    )

    stages, problems = load(tmp_path)

    assert problems == []
    assert stored(stages["staging"])["churn"]["ModelPackageGroupName"] == GROUP
    assert stored(stages["lab"])["fraud"]["ModelPackageGroupName"] == "Churn-Models"


def test_mistakes_in_files_are_reported_with_their_place(tmp_path: Path) -> None:
    write_endpoints(tmp_path)
    (tmp_path / "staging" / "churn.yaml").write_text(
        "model_package_group: Churn-Models\ninstance_type: ml.t3.medium\n"
    )

    _, [problem] = load(tmp_path)

    assert (problem.file, problem.line) == (f"{tmp_path.as_posix()}/staging/churn.yaml", 2)


def test_more_policies_than_a_stack_can_edit_are_a_problem(tmp_path: Path) -> None:
    write_endpoints(tmp_path)

    def change(context: dict[str, Any]) -> None:
        group = context["registry"]["groups"]["fraud"]
        group["artifacts"] = [f"s3://bucket-{number}/" for number in range(300)]

    _, [problem] = load(tmp_path, change)

    assert problem.field == "registry.groups"
    assert "two apps" in problem.fix


def test_without_a_registry_there_are_no_stages() -> None:
    configuration, _ = read_configuration({})

    assert load_stages(configuration, PLACE) == ([], [])
