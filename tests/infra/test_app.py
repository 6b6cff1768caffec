"""Runs the app as its users do: through the CDK CLI, on good settings and on bad ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.settings.problem import ConfigurationError
from tests.infra.conftest import EXAMPLE, REPOSITORY, write_files
from tests.infra.settings.builders import write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.infra.conftest import Synthesise, Synthesised

NPX = str(Path(sys.executable).with_name("npx"))
CFN_LINT = str(Path(sys.executable).with_name("cfn-lint"))


def cdk_synth(output: Path, **context: str) -> subprocess.CompletedProcess[str]:
    """Run `cdk synth` as a user in the activated virtual environment does, without an AWS account."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_", "PYTHON"))
    }
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment["CDK_DISABLE_CLI_TELEMETRY"] = "true"
    options = ["--no-notices", "--quiet", "--output", str(output)]
    keys = [argument for key, value in context.items() for argument in ("--context", f"{key}={value}")]
    return subprocess.run(  # noqa: S603 - the project's own CLI, with arguments from this file
        [NPX, "--no-install", "cdk", "synth", *options, *keys],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@dataclass(frozen=True)
class SynthesisedByTheCli:
    """What `cdk synth` wrote and said of the example, beside which something is left out."""

    directory: Path
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def by_the_cli(tmp_path_factory: pytest.TempPathFactory) -> SynthesisedByTheCli:
    directory = tmp_path_factory.mktemp("by-the-cli")
    endpoints = directory / "endpoints"
    write_files(endpoints, EXAMPLE)
    write_files(endpoints / ".ipynb_checkpoints", {"churn_checkpoint.yaml": "model_package_group: churn\n"})
    done = cdk_synth(directory / "out", endpoints_dir=str(endpoints))
    assert done.returncode == 0, done.stderr
    return SynthesisedByTheCli(directory / "out", done)


def test_cdk_synth_makes_the_same_template_as_the_tests_look_at(
    by_the_cli: SynthesisedByTheCli, synthesised: Synthesised
) -> None:
    template = (by_the_cli.directory / "Greenlight.template.json").read_text()
    assert template == (synthesised.directory / "Greenlight.template.json").read_text()


def test_what_is_left_out_below_the_endpoints_is_said_once(by_the_cli: SynthesisedByTheCli) -> None:
    assert by_the_cli.done.stderr.count("left out: ") == 1
    assert ".ipynb_checkpoints/ (hidden)" in by_the_cli.done.stderr


def test_cdk_synth_says_every_mistake_at_once_and_shows_no_traceback(tmp_path: Path) -> None:
    # GIVEN two broken files, and a mistake in the context
    endpoints = tmp_path / "endpoints"
    endpoints.mkdir()
    write(
        endpoints,
        churn="model_package_group: churn\ninstance_type: ml.t3.medium\n",
        fraud="model_package_group: fraud\ninstance_type: ml.m5.large\nenvironment:\n  DEBUG: yes\n",
    )

    # WHEN
    done = cdk_synth(tmp_path / "out", endpoints_dir=str(endpoints), sweep_minutes="never")

    # THEN
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "3 problems in the configuration; nothing was synthesised." in done.stderr
    assert f"{endpoints}/churn.yaml\n  line 2: instance_type" in done.stderr
    assert "did you mean ml.t2.medium" in done.stderr
    assert f"{endpoints}/fraud.yaml\n  line 4: environment.DEBUG" in done.stderr
    assert 'quote it: DEBUG: "yes"' in done.stderr
    assert "context (cdk.json, or -c key=value)\n  sweep_minutes" in done.stderr
    assert not list((tmp_path / "out").glob("*.template.json"))


def test_mistakes_of_the_context_and_of_the_settings_are_reported_together(
    synthesise_with: Synthesise, tmp_path: Path
) -> None:
    write(tmp_path, churn="")

    with pytest.raises(ConfigurationError) as raised:
        synthesise_with(endpoints_dir=str(tmp_path), sweep_minutes=0, stack_nam="x")

    assert [problem.field for problem in raised.value.problems] == ["the file", "stack_nam", "sweep_minutes"]


def test_what_is_unchecked_is_warned_of_and_synthesised(
    synthesise_with: Synthesise, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = "model_package_group: churn\ninstance_type: ml.m9.large\nunchecked: true\n"
    (tmp_path / "churn.yaml").write_text(settings)

    stack = synthesise_with(endpoints_dir=str(tmp_path))

    assert "ml.m9.large" in json.dumps(stack.settings["churn"])
    told = capsys.readouterr().err
    assert "1 warning: unchecked settings that AWS may refuse." in told
    assert "line 2: instance_type" in told


@pytest.mark.parametrize(
    ("configurations", "regions"),
    [
        (("synthesised", "featured"), ("eu-central-1", "us-east-1", "cn-north-1", "us-gov-west-1")),
        # It has chat channels, which other partitions do not know.
        (("configured",), ("eu-central-1", "us-east-1")),
    ],
)
def test_cfn_lint_passes_in_every_partition(
    configurations: Sequence[str], regions: Sequence[str], request: pytest.FixtureRequest
) -> None:
    stacks: list[Synthesised] = [request.getfixturevalue(each) for each in configurations]
    templates = [str(template) for each in stacks for template in each.directory.glob("*.template.json")]
    assert len(templates) == len(configurations)
    command = [CFN_LINT, "--regions", *regions]
    # CDK writes a dependency on a function's role beside the reference to it.
    command += ["--ignore-checks", "W3005", "--template", *templates]

    done = subprocess.run(  # noqa: S603 - the project's own linter, with arguments from this file
        command, capture_output=True, text=True, check=False, timeout=120
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_permissions_boundary_is_on_every_role(synthesise_with: Synthesise) -> None:
    stack = synthesise_with(**{"@aws-cdk/core:permissionsBoundary": {"name": "organisation"}})

    roles = stack.of_type("AWS::IAM::Role").values()
    assert roles
    for role in roles:
        assert "policy/organisation" in str(role["PermissionsBoundary"])


def test_the_bootstrap_qualifier_is_the_configured_one(synthesise_with: Synthesise) -> None:
    stack = synthesise_with(**{"@aws-cdk/core:bootstrapQualifier": "platform"})

    manifest = (stack.directory / "manifest.json").read_text()
    assert "cdk-platform-deploy-role" in manifest
    assert "hnb659fds" not in manifest


def test_what_a_bad_version_could_do_before_its_smoke_test_is_over_is_said(
    synthesise_with: Synthesise, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = "smoke_test: {requests: [{body: '1', content_type: text/csv}]}\n"
    (tmp_path / "churn.yaml").write_text(f"model_package_group: churn\ninstance_type: ml.m5.large\n{test}")

    synthesise_with(endpoints_dir=str(tmp_path))

    assert "churn: A version that fails its smoke test has all calls until" in capsys.readouterr().err
