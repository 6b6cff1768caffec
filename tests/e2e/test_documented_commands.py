"""The very text of what README and docs tell people to run, against a local cloud."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from deployer.contract import JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY
from deployer.gateways.journal import Journal
from deployer.model.pause import Pause
from infra.bundling.assets import REPOSITORY
from tests.e2e.clients.account import SCALING_MODEL, Account, archive, eventually
from tests.infra.documented import block_of, documented

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local_cloud.child_process import LocalCloud

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# Installation commands are left out: they made this environment.
INSTALLED = ("-o", ".venv/.demo", "-o", ".venv/.installed", "-o", ".venv-clients/.installed")
REGION = "eu-central-1"


def shell(script: str, environ: Mapping[str, str], directory: Path = REPOSITORY) -> str:
    """Run lines as a person types them, and return their output."""
    done = subprocess.run(  # noqa: S603 - our own pages
        ["/bin/bash", "-euo", "pipefail", "-c", script],
        cwd=directory,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("help", "Run the main job"),
        ("simulate N=3 SEED=1 JOBS=1", "3 schedules"),
        pytest.param("scale N=3", "Scale passed", marks=pytest.mark.long),
        pytest.param("exposure", "worst back-at-once ratio", marks=pytest.mark.long),
        pytest.param("demo", "version 5", marks=pytest.mark.long),
    ],
)
def test_recipes_of_the_makefile_run(target: str, said: str) -> None:
    """Those that take long, with less to do; `python -m infra.bundling` is a line of `make bench`."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE"))}

    assert said in shell(f"make {' '.join(INSTALLED)} {target}", environ)
    if target == "help":
        assert "MB  in all" in shell(".venv/bin/python -m infra.bundling", environ)


@pytest.mark.long
def test_the_guide_s_context_synthesises(tmp_path: Path) -> None:
    """In a copy of the project whose cdk.json has the context of the guide."""
    page = (REPOSITORY / "docs" / "accounts.md").read_text()
    [context] = [
        json.loads(block)
        for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)
        if '"registry": {' in block
    ]
    project = tmp_path / "project"
    project.mkdir()
    for entry in (
        "app.py",
        "infra",
        "lambdas",
        "iam_evaluator",
        "service_model",
        ".venv",
        "node_modules",
    ):
        (project / entry).symlink_to(REPOSITORY / entry)
    document = json.loads((REPOSITORY / "cdk.json").read_text())
    document["context"] |= context
    group = next(iter(context["registry"]["groups"]))
    (project / "cdk.json").write_text(json.dumps(document))
    for stage in context["stages"]:
        (project / "endpoints" / stage).mkdir(parents=True)
        (project / "endpoints" / stage / "churn.yaml").write_text(
            f"model_package_group: {group}\ninstance_type: ml.m5.large\ninstance_count: 1\n"
        )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environ["PATH"] = f"{REPOSITORY / '.venv' / 'bin'}{os.pathsep}{environ['PATH']}"

    synth, list_ = block_of("docs/accounts.md", "npx cdk synth")
    shell(synth, environ, directory=project)
    listed = shell(list_, environ, directory=project).split()

    assert {"Greenlight-staging", "Greenlight-production", "Greenlight-Registry"} <= set(listed)


@pytest.fixture
def as_documented(local_cloud: LocalCloud, account_id: str, tmp_path: Path) -> dict[str, str]:
    """An environment in which every profile of the pages is the account's owner."""
    profiles = "".join(
        f"[{name}]\naws_access_key_id={account_id}\naws_secret_access_key={local_cloud.secret}\n"
        for name in ("registry", "staging")
    )
    (tmp_path / "credentials").write_text(profiles)
    clients = REPOSITORY / ".venv-clients" / "bin"
    return local_cloud.environ(account_id, REGION) | {
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_PAGER": "",
        "PATH": f"{clients}{os.pathsep}{os.environ['PATH']}",
    }


def test_approvals_as_the_guides_write_them(
    local_cloud: LocalCloud, account_id: str, as_documented: dict[str, str]
) -> None:
    account = Account(local_cloud, account_id).with_bucket_and_role()
    version = account.register(archive(SCALING_MODEL))
    written = [it.text for it in documented() if it.text.startswith("aws sagemaker update-model-package")]
    assert len(written) >= 3

    for command in written:
        shell(re.sub(r"<version[^>]*>", version, command), as_documented)

    described = account.sagemaker.describe_model_package(ModelPackageName=version)
    assert described["ModelApprovalStatus"] == "Approved"
    assert described["ModelLifeCycle"]["StageStatus"] == "Approved"


def test_a_pause_is_set_and_ended_as_the_page_writes_it(
    local_cloud: LocalCloud, account_id: str, as_documented: dict[str, str]
) -> None:
    client = Account(local_cloud, account_id).client("dynamodb")
    client.create_table(
        TableName="journal",
        KeySchema=[
            {"AttributeName": JOURNAL_PARTITION_KEY, "KeyType": "HASH"},
            {"AttributeName": JOURNAL_SORT_KEY, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": JOURNAL_PARTITION_KEY, "AttributeType": "S"},
            {"AttributeName": JOURNAL_SORT_KEY, "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    pauses = Journal(client, table_name="journal", now=lambda: datetime.now(UTC)).pauses

    def run(first: str) -> None:
        lines = "\n".join(block_of("docs/operations.md", first))
        shell(lines.replace("<journal>", "journal"), as_documented)

    run("aws dynamodb put-item")
    until = datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert pauses.of("churn") == [Pause(None, "incident 4711", "ada", until)]

    run("aws dynamodb delete-item")
    assert pauses.of("churn") == []


def test_scaling_from_nothing_as_the_page_writes_it(
    local_cloud: LocalCloud, account_id: str, as_documented: dict[str, str]
) -> None:
    account = Account(local_cloud, account_id).with_bucket_and_role()
    account.endpoint_config("churn-v1", account.register(archive(SCALING_MODEL)))
    account.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName="churn-v1")
    eventually(
        lambda: account.sagemaker.describe_endpoint(EndpointName="churn")["EndpointStatus"],
        lambda status: status == "InService",
    )
    account.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/churn/variant/AllTraffic",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=2,
    )

    shell("\n".join(block_of("docs/settings.md", "policy=$(")).replace("<endpoint>", "churn"), as_documented)

    [alarm] = account.client("cloudwatch").describe_alarms()["MetricAlarms"]
    [scaling] = account.client("application-autoscaling").describe_scaling_policies(
        ServiceNamespace="sagemaker"
    )["ScalingPolicies"]
    assert alarm["AlarmActions"] == [scaling["PolicyARN"]]
