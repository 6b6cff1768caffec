"""Several accounts on one local cloud, with the real CDK CLI: merged policies, and the doctor's findings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.clients.account import REGION
from tests.e2e.two_accounts import Team

if TYPE_CHECKING:
    from local_cloud.child_process import LocalCloud

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def team(local_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Team:
    made = Team(local_cloud, tmp_path_factory.mktemp("accounts"), "700000000001", "700000000002")
    made.prepare()
    made.deploy("Greenlight-staging", made.stage_id)
    return made


def ours(statements: list[dict[str, Any]]) -> set[str]:
    return {each["Sid"][20:] for each in statements if each.get("Sid", "").startswith("Greenlight")}


def test_a_stage_is_let_in_and_shut_out_again_and_the_doctor_knows(team: Team) -> None:
    """From nothing to green and back; other people's statements stay throughout."""
    before = team.policies()

    # GIVEN a stage that nobody has let in
    gaps = team.findings("gap")
    assert {each["check"] for each in gaps} == {"policy", "grant", "event path", "image"}
    code, shown, _ = team.doctor()
    assert code == 1
    assert "SageMaker cannot fetch the artifact: CreateModel fails." in shown

    # WHEN the registry's stack is deployed, twice
    for _ in range(2):
        team.deploy("Greenlight-Registry", team.registry_id)

    # THEN its statements are in every policy, beside the others
    after = team.policies()
    assert {name: ours(statements) for name, statements in after.items()} == {
        "bucket": {"StagingGet", "StagingList"},
        "group": {"StagingVersions", "StagingWrite"},
        "key": {"StagingArtifacts"},
        "repository": {"StagingPull"},
    }
    for name, statements in before.items():
        assert [
            each for each in after[name] if not each.get("Sid", "").startswith("Greenlight")
        ] == statements
    # and the role that fetches objects has its grant for the key that is not let in by its policy
    roles = f"arn:aws:iam::{team.stage_id}:role/Greenlight-staging-{REGION}"
    assert {(name[20:], *grant) for name, *grant in team.grants()} == {
        ("StagingModels", f"{roles}-models", ("Decrypt",)),
    }
    # and the doctor misses only what the registry's owner has not pushed
    assert [each["check"] for each in team.findings("gap")] == ["image"]
    assert {each["check"] for each in team.findings("unknown")} <= {"quota"}

    # and without credentials of the registry's account, the doctor lists what it could not check
    unknown = team.findings("unknown", registry=False)
    assert {"policy", "grant", "event path"} <= {each["check"] for each in unknown}
    assert all("statement" in each for each in unknown if each["check"] == "policy")

    # WHEN the stack goes
    team.destroy("Greenlight-Registry", team.registry_id)

    # THEN everything is as it was
    assert team.policies() == before
    assert team.grants() == set()


def test_the_command_asks_several_stages_at_once(team: Team) -> None:
    """Each with the profile for its account; one that is not deployed hides none of the others."""
    code, shown, said = team.command(
        *("status", "--json", "--stage", "staging=staging", "--stage", "production=registry")
    )

    staging, production = json.loads(shown)["stages"]
    assert (code, said) == (2, "")
    assert staging["answer"]["stack"] == {
        "name": "Greenlight-staging",
        "account": team.stage_id,
        "region": REGION,
    }
    assert production["error"]["fact"] == f"There is no stack Greenlight-production in {REGION}."


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--stage", "moon"), "The project has no stage with the stack Greenlight-moon."),
        (("--group", "moon"), "No endpoint of the stack Greenlight-staging follows the group moon."),
        (("moon",), "moon is no endpoint of the stack Greenlight-staging."),
        (("-c", "stages={}"), "The settings have 1 mistake: nobody can tell what the stage needs."),
    ],
)
def test_the_doctor_says_why_it_cannot_begin(team: Team, options: tuple[str, ...], said: str) -> None:
    code, _, words = team.doctor(*options)

    assert code == 2
    assert said in words
    assert len(words.splitlines()) == 3
    assert "Traceback" not in words
