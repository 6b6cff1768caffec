"""Holds the rules for roles that endpoints bring: one account, and no more than the deployer can pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.configuration.app_context import Configuration
from infra.configuration.role_accounts import check_execution_roles
from infra.settings.endpoint_requirements import EndpointRequirements
from infra.settings.endpoint_spec import EndpointSpec
from tests.infra.settings.builders import load, problems

if TYPE_CHECKING:
    from pathlib import Path

BASE = "model_package_group: churn\ninstance_type: ml.m5.large\n"


def role(name: str = "churn", account: str = "111122223333") -> str:
    return f"arn:aws:iam::{account}:role/models/{name}"


def spec(name: str, role_arn: str | None, **config: Any) -> EndpointSpec:
    model = {} if role_arn is None else {"ExecutionRoleArn": role_arn}
    compiled = {"CreateModel": model, "CreateEndpointConfig": config}
    return EndpointSpec(f"endpoints/{name}.yaml", name, "group", compiled)


def test_the_role_becomes_the_models_own(tmp_path: Path) -> None:
    [found], mistakes = load(tmp_path, churn=f"{BASE}execution_role_arn: {role()}\n")

    assert mistakes == []
    assert found.compiled["CreateModel"]["ExecutionRoleArn"] == role()


def test_without_the_key_the_deployer_is_left_to_put_the_stacks_role(tmp_path: Path) -> None:
    [found], _ = load(tmp_path, churn=BASE)

    assert "ExecutionRoleArn" not in found.compiled["CreateModel"]


def test_what_is_no_roles_arn_is_refused_where_it_stands_and_nowhere_else(tmp_path: Path) -> None:
    text = f"{BASE}execution_role_arn: arn:aws:iam::111122223333:user/somebody\n"

    [problem] = problems(tmp_path, text)

    assert (problem.line, problem.field) == (3, "execution_role_arn")
    specs, _ = load(tmp_path, churn=text)
    assert check_execution_roles(specs, Configuration(execution_role_arn=role())) == []


def test_roles_of_one_account_are_fine() -> None:
    specs = [spec("a", role("a")), spec("b", role("b")), spec("c", None)]

    assert check_execution_roles(specs, Configuration(execution_role_arn=role("all"))) == []


def test_a_role_of_another_account_than_the_stacks_is_refused() -> None:
    specs = [spec("a", role("a", "444455556666")), spec("b", role("b"))]

    [problem] = check_execution_roles(specs, Configuration(execution_role_arn=role("all")))

    assert (problem.file, problem.field) == ("endpoints/a.yaml", "execution_role_arn")
    assert problem.got == "a role of account 444455556666"
    assert "account 111122223333, as in context" in problem.expected


def test_of_roles_of_two_accounts_one_must_be_wrong() -> None:
    [problem] = check_execution_roles(
        [spec("a", role("a")), spec("b", role("b", "444455556666"))], Configuration()
    )

    assert problem.file == "endpoints/b.yaml"
    assert "as in endpoints/a.yaml" in problem.expected


def test_the_stacks_role_gets_nothing_for_endpoints_with_a_role_of_their_own() -> None:
    capture = {"DataCaptureConfig": {"DestinationS3Uri": "s3://calls/a"}, "KmsKeyId": "alias/storage"}

    requirements = EndpointRequirements.of([spec("a", role("a"), **capture)])

    assert requirements.model_objects.written == []
    assert requirements.execution_roles == [role("a")]
    assert requirements.storage_keys == ["alias/storage"], "which the deployer itself uses"
    assert EndpointRequirements.of([spec("a", None, **capture)]).model_objects.written == [("calls", "a")]
