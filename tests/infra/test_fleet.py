"""Four hundred endpoints of any shape fit into one stack, and what IAM cannot hold is said in one message."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from aws_cdk.cx_api import CloudAssembly

from iam_evaluator.decision import AccessRequest
from iam_evaluator.evaluation import evaluate
from infra.settings.problem import ConfigurationError
from tests.infra.asks import DEPLOYER, MODELS, Ask, asks
from tests.infra.conftest import REPOSITORY, Synthesised
from tests.infra.fleet import (
    ACCOUNT,
    REGION,
    SHAPES,
    write_fleet,
    write_staged_fleet,
    write_teams_fleet,
)
from tests.infra.iam_limits import broken_limits
from tests.infra.roles import Deployed
from tests.infra.stages.conftest import synthesise_accounts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from iam_evaluator.principals import Principal
    from tests.infra.conftest import Synthesise


@dataclass(frozen=True)
class Fleet:
    """A fleet that was drawn and synthesised, and how long the latter took."""

    files: list[Path]
    synthesised: Synthesised
    seconds: float


Synthesiser: TypeAlias = Callable[[int, int, tuple[str, ...]], Fleet]


@pytest.fixture(scope="module")
def fleet_of(synthesise_with: Synthesise, tmp_path_factory: pytest.TempPathFactory) -> Synthesiser:
    """Draw and synthesise a fleet by its count, seed and shapes; each fleet once."""

    @cache
    def made(count: int, seed: int, shapes: tuple[str, ...]) -> Fleet:
        directory = tmp_path_factory.mktemp("fleet")
        write_fleet(directory, count, seed=seed, shapes=shapes)
        began = time.perf_counter()
        synthesised = synthesise_with(endpoints_dir=str(directory))
        return Fleet(sorted(directory.iterdir()), synthesised, time.perf_counter() - began)

    return made


def broken(synthesised: Synthesised, **limits: int) -> list[str]:
    return [*broken_limits(synthesised.template, "Greenlight", **limits)]


EVERY = bool(os.environ.get("GREENLIGHT_EVERY_FLEET"))
"""Whether every shape and more seeds are tried, which takes minutes. CI tries what IAM has least room for."""

TIGHT = (
    ("long", "asynchronous", "inputs", "keys", "vpc", "captures", "stored", "foreign"),
    ("long", "tested", "explained", "role", "stored", "foreign"),
    (),
)
"""The fleets that fill each role most, and a mixture of everything."""

FLEETS = [(1, shapes) for shapes in TIGHT] + (
    [(2, (shape,)) for shape in SHAPES]
    + [(3, ("asynchronous", shape)) for shape in SHAPES if shape not in {"asynchronous", "serverless"}]
    + [(4, ("tested", "explained")), (5, ("captures", "vpc", "keys", "tested", "explained"))]
    + [(seed, ()) for seed in range(6, 12)]
    if EVERY
    else []
)


def refused(fleet: Synthesised, files: list[Path]) -> list[str]:
    """Say what endpoints need and the roles are not allowed."""
    deployed = Deployed(fleet, ACCOUNT, REGION)
    sessions = {role: deployed.session(role) for role in (DEPLOYER, MODELS)}
    return [
        f"{path.stem}: {ask}"
        for path in files
        for ask in asks(json.loads(path.read_text()))
        if not evaluate(
            sessions[ask.role], AccessRequest(ask.action, ask.resource, None, ask.keys)
        ).is_allowed
    ]


def allowed_of_others(fleet: Synthesised) -> list[str]:
    """Return permissions of the roles that no endpoint needs, however coarse a grant has become."""
    deployed = Deployed(fleet, ACCOUNT, REGION)
    to_sagemaker = {"iam:passedtoservice": "sagemaker.amazonaws.com"}
    via_s3 = {"kms:viaservice": f"s3.{REGION}.amazonaws.com"}
    others = [
        (DEPLOYER, "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin", to_sagemaker),
        (DEPLOYER, "s3:GetObject", "arn:aws:s3:::payroll/2026.csv", {}),
        (DEPLOYER, "kms:CreateGrant", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/any", via_s3),
        (MODELS, "s3:GetObject", "arn:aws:s3:::payroll/2026.csv", {}),
        (MODELS, "s3:PutObject", "arn:aws:s3:::payroll/2026.csv", {}),
        (MODELS, "s3:ListBucket", "arn:aws:s3:::payroll", {}),
        (MODELS, "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT}:payroll", {}),
        (MODELS, "sns:Publish", f"arn:aws:sns:eu-west-1:{ACCOUNT}:team-0", {}),
        (MODELS, "kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/any", {}),
    ]
    return [
        f"{action} on {resource}"
        for role, action, resource, keys in others
        if evaluate(deployed.session(role), AccessRequest(action, resource, None, keys)).is_allowed
    ]


@pytest.mark.parametrize(("seed", "shapes"), FLEETS)
def test_400_endpoints_of_any_shape_keep_to_every_limit_and_get_what_they_need(
    seed: int, shapes: tuple[str, ...], fleet_of: Synthesiser
) -> None:
    """With `GREENLIGHT_EVERY_FLEET=1`, of every shape."""
    fleet = fleet_of(400, seed, shapes)

    assert broken(fleet.synthesised) == []
    assert fleet.synthesised.nag["violations"] == []
    assert refused(fleet.synthesised, fleet.files[:: 4 if EVERY else 40]) == []
    assert allowed_of_others(fleet.synthesised) == []


@dataclass(frozen=True)
class StagedFleet:
    """How to draw a fleet in stages.

    Attributes:
        groups: How many groups its 400 endpoints share.
        at_home: Whether its only stage is in the registry's account.
        admit: Who may use the registry.
    """

    groups: int
    at_home: bool
    admit: str = "by_purpose"


STAGED = [StagedFleet(150, at_home=False), StagedFleet(400, at_home=True)] + (
    [StagedFleet(150, at_home=False, admit="both_roles"), StagedFleet(400, at_home=True, admit="both_roles")]
    if EVERY
    else []
)


def staged_asks(group: str, made_of: dict[str, Any]) -> Iterator[Ask]:
    """Yield the needs of a stage's roles for a group."""
    version = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/{group}/7"
    [place], [image], [key] = made_of["artifacts"], made_of["images"], made_of["keys"]
    bucket, _, prefix = place["prefix"].removeprefix("s3://").partition("/")
    objects, listed = f"arn:aws:s3:::{bucket}/{prefix}model.tar.gz", {"s3:prefix": f"{prefix}model.tar.gz"}
    account, name = image.partition(".")[0], image.partition("/")[2]
    yield Ask(DEPLOYER, "sagemaker:UpdateModelPackage", version, {})
    yield Ask(DEPLOYER, "s3:ListBucket", f"arn:aws:s3:::{bucket}", listed)
    yield Ask(MODELS, "s3:ListBucket", f"arn:aws:s3:::{bucket}", listed)
    yield Ask(MODELS, "s3:GetObject", objects, {})
    yield Ask(MODELS, "ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{account}:repository/{name}", {})
    yield Ask(MODELS, "kms:Decrypt", key["arn"], {"kms:viaservice": f"s3.{REGION}.amazonaws.com"})


def staged_asks_of_others(group: str) -> Iterator[Ask]:
    """Yield what no stage's roles may do, however coarse a grant has become; nobody may approve a version."""
    approval = {"sagemaker:modelapprovalstatus": "Approved"}
    version = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/{group}/7"
    via_s3 = {"kms:viaservice": f"s3.{REGION}.amazonaws.com"}
    yield Ask(DEPLOYER, "sagemaker:UpdateModelPackage", version, approval)
    yield Ask(DEPLOYER, "s3:ListBucket", "arn:aws:s3:::payroll", {"s3:prefix": "2026"})
    yield Ask(MODELS, "s3:GetObject", "arn:aws:s3:::payroll/2026.csv", {})
    yield Ask(MODELS, "ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/payroll", {})
    yield Ask(MODELS, "kms:Decrypt", f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/any", via_s3)


@pytest.mark.parametrize("drawn", STAGED)
def test_400_endpoints_in_stages_keep_to_every_limit_and_get_what_they_need(
    drawn: StagedFleet, tmp_path: Path
) -> None:
    """With `GREENLIGHT_EVERY_FLEET=1`, also where both roles are let in to the registry."""
    endpoints = tmp_path / "endpoints"
    endpoints.mkdir()
    context = write_staged_fleet(
        endpoints, 400, seed=1, groups=drawn.groups, at_home=drawn.at_home, admit=drawn.admit
    )

    fleet = synthesise_accounts(tmp_path, context, lambda _: endpoints)

    limits = [
        f"{name}: {each}"
        for name, template in fleet.templates.items()
        for each in broken_limits(template, name)
    ]
    assert limits == []
    assert [each for report in fleet.reports for each in report["violations"]] == []
    groups = [*context["registry"]["groups"].items()][:: 4 if EVERY else 20]
    for stage in context["stages"]:
        template = fleet.templates[f"Greenlight-{stage}"]
        account, region = fleet.places[f"Greenlight-{stage}"]
        deployed = Deployed(Synthesised(fleet.directory, template, {}), account, region)
        sessions = {role: deployed.session(role) for role in (DEPLOYER, MODELS)}
        asked = [each for group, made_of in groups for each in staged_asks(group, made_of)]
        assert [each for each in asked if not is_allowed(sessions, each)] == []
        assert [each for each in staged_asks_of_others(groups[0][0]) if is_allowed(sessions, each)] == []


def is_allowed(sessions: dict[str, Principal], ask: Ask) -> bool:
    request = AccessRequest(ask.action, ask.resource, None, ask.keys)
    return evaluate(sessions[ask.role], request).is_allowed


def said(fleet: Synthesised) -> list[str]:
    """Return what synth says of the stack with the roles."""
    [stack] = [each for each in CloudAssembly(str(fleet.directory)).stacks if each.stack_name == "Greenlight"]
    return [str(message.entry.data) for message in stack.messages]


def test_a_grant_that_became_wider_is_said_and_nothing_is_where_there_is_room(
    synthesise_with: Synthesise, tmp_path: Path
) -> None:
    write_fleet(tmp_path, 250, seed=8, shapes=("vpc",))
    wide = said(synthesise_with(endpoints_dir=str(tmp_path)))
    for path in sorted(tmp_path.iterdir())[30:]:
        path.unlink()
    narrow = said(synthesise_with(endpoints_dir=str(tmp_path)))

    [line] = [each for each in wide if "JoinVpc" in each]
    assert line.startswith(
        "JoinVpc of the role Greenlight/ModelExecutionRole/Role is wider than the settings"
    )
    assert "It allows ec2:CreateNetworkInterface on " in line
    assert "arn:<AWS::Partition>:ec2:<AWS::Region>:*:subnet/*" in line
    assert narrow == []


def test_a_fleet_of_400_drawn_endpoints_takes_less_than_a_minute_more_than_one(fleet_of: Synthesiser) -> None:
    """Run with `-s` to see the measurement that is in docs/benchmarks.md."""
    # The first of all starts CDK, and makes the function's bundle.
    fleet_of(1, 4, ())

    one, many = fleet_of(1, 1, ()), fleet_of(400, 1, ())

    sys.stdout.write(f"\none endpoint: {one.seconds:.1f} s; 400 endpoints: {many.seconds:.1f} s\n")
    assert many.seconds - one.seconds < 60


@pytest.mark.long
def test_a_thousand_endpoints_of_one_team_have_the_template_of_one(
    synthesise_with: Synthesise, tmp_path: Path
) -> None:
    """A team's endpoints share its bucket, key, role and subnets: what they may use is granted once."""
    templates: dict[int, dict[str, Any]] = {}
    for count in (1, 1000):
        directory = tmp_path / str(count)
        directory.mkdir()
        write_teams_fleet(directory, count)

        fleet = synthesise_with(endpoints_dir=str(directory))

        assert broken(fleet) == []
        assert refused(fleet, sorted(directory.iterdir())[::100]) == []
        assert said(fleet) == []
        templates[count] = fleet.template
    one, thousand = templates[1], templates[1000]
    assert thousand["Resources"].keys() == one["Resources"].keys()
    assert len(thousand["Resources"]) <= 40
    # The digests of the bundle and of the settings differ, and nothing is longer by the names of endpoints.
    assert abs(len(json.dumps(thousand)) - len(json.dumps(one))) < 1_000


def write_roles_with_long_paths(directory: Path) -> None:
    write_fleet(directory, 250, seed=5, shapes=("role",))
    for path in directory.iterdir():
        path.write_text(path.read_text().replace("service-role/", f"{'a-long-path' * 25}/"))


def test_what_iam_cannot_hold_is_one_message_that_says_which_role_what_and_how_much_fits(
    synthesise_with: Synthesise, tmp_path: Path
) -> None:
    # GIVEN more roles than ten policies can name; which ones may be passed is never made wider
    write_roles_with_long_paths(tmp_path)

    # WHEN
    with pytest.raises(ConfigurationError) as raised:
        synthesise_with(endpoints_dir=str(tmp_path))

    # THEN
    [problem] = raised.value.problems
    assert "the role Greenlight/Deployer/Role" in problem.got
    assert re.search(
        r"needs \d+ managed policies: PassEndpointsRoles \([\d,]+ characters, \d+ of 250 fit\)", problem.got
    )
    assert "at most 10 managed policies of 6,144 characters" in problem.expected
    assert "managed_policies_per_role" in problem.fix
    assert "let endpoints share roles" in problem.fix

    # AND with a raised quota more fits
    raised_quota = synthesise_with(endpoints_dir=str(tmp_path), managed_policies_per_role="20")
    assert broken(raised_quota, managed_policies_per_role=20) == []


def test_it_is_a_message_and_no_traceback_also_without_the_cdk_cli(tmp_path: Path) -> None:
    write_roles_with_long_paths(tmp_path)
    context = {"endpoints_dir": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=REPOSITORY,
        env={**os.environ, "CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(tmp_path / "out")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "1 problem in the configuration; nothing was synthesised." in done.stderr
    assert "PassEndpointsRoles" in done.stderr
