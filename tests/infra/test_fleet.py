"""Four hundred endpoints of any shape fit into one stack, and what IAM cannot hold is said in one message."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from infra.settings.problem import ConfigurationError
from tests.infra.conftest import REPOSITORY
from tests.infra.fleet import write_fleet
from tests.infra.iam_limits import broken_limits

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.conftest import Synthesise, Synthesised

STACKS = "4"
"""The alarms and parameters of four hundred endpoints need several; the roles are one stack's."""


def broken(synthesised: Synthesised, **limits: int) -> list[str]:
    templates = {"Greenlight": synthesised.template, **synthesised.settings_stacks}
    return [
        f"{name}: {each}"
        for name, template in templates.items()
        for each in broken_limits(template, name, **limits)
    ]


@pytest.mark.parametrize("shapes", [("captures",), ("keys", "captures"), ("role",)])
def test_400_endpoints_of_one_shape_keep_to_every_limit(
    shapes: tuple[str, ...], synthesise_with: Synthesise, tmp_path: Path
) -> None:
    write_fleet(tmp_path, 400, seed=3, shapes=shapes)

    fleet = synthesise_with(endpoints_dir=str(tmp_path), settings_stacks=STACKS)

    assert broken(fleet) == []
    assert fleet.nag["violations"] == []


def test_400_endpoints_take_less_than_a_minute_more_than_one(
    synthesise_with: Synthesise, tmp_path: Path
) -> None:
    """Run with `-s` to see the measurement that is in docs/benchmarks.md."""
    took = {}
    for count in (1, 400):
        directory = tmp_path / str(count)
        directory.mkdir()
        write_fleet(directory, count, seed=4, shapes=("captures",))
        began = time.perf_counter()
        synthesise_with(endpoints_dir=str(directory), settings_stacks=STACKS if count > 1 else 1)
        took[count] = time.perf_counter() - began

    sys.stdout.write(f"\none endpoint: {took[1]:.1f} s; 400 endpoints: {took[400]:.1f} s\n")
    assert took[400] - took[1] < 60


def test_what_iam_cannot_hold_is_one_message_that_says_which_role_what_and_how_much_fits(
    synthesise_with: Synthesise, tmp_path: Path
) -> None:
    # GIVEN more topics than ten policies can name
    write_fleet(tmp_path, 250, seed=5, shapes=("asynchronous",))
    for path in tmp_path.iterdir():
        path.write_text(path.read_text().replace("-failed", f"-failed-{'x' * 90}"))

    # WHEN
    with pytest.raises(ConfigurationError) as raised:
        synthesise_with(endpoints_dir=str(tmp_path), settings_stacks=STACKS)

    # THEN
    [problem] = raised.value.problems
    assert "the role Greenlight/ModelExecutionRole/Role" in problem.got
    assert re.search(
        r"needs \d+ managed policies: TellOfAnswers \([\d,]+ characters, \d+ of 500 fit\)", problem.got
    )
    assert "at most 10 managed policies of 6,144 characters" in problem.expected
    assert "managed_policies_per_role" in problem.fix
    assert "give some an execution_role_arn" in problem.fix

    # AND with a raised quota more fits
    raised_quota = synthesise_with(
        endpoints_dir=str(tmp_path), settings_stacks=STACKS, managed_policies_per_role="20"
    )
    assert broken(raised_quota, managed_policies_per_role=20) == []


def test_it_is_a_message_and_no_traceback_also_without_the_cdk_cli(tmp_path: Path) -> None:
    write_fleet(tmp_path, 400, seed=5, shapes=("asynchronous",))
    for path in tmp_path.iterdir():
        path.write_text(path.read_text().replace("-failed", f"-failed-{'x' * 90}"))
    context = {"endpoints_dir": str(tmp_path), "settings_stacks": STACKS}

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
    assert "TellOfAnswers" in done.stderr
