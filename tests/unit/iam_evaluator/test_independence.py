from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
LOADED = "import sys, {0}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"


def loaded_by(module: str) -> set[str]:
    """Import a module alone, and return which packages that takes."""
    command = [sys.executable, "-c", LOADED.format(module)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    return set(done.stdout.split())


def test_the_policy_language_needs_nothing_but_python() -> None:
    """Both sides use it, so it must know of neither."""
    assert not loaded_by("iam_evaluator.evaluation") & {
        "local_cloud",
        "greenlight",
        "infra",
        "boto3",
        "botocore",
    }


def test_the_doctor_does_not_need_the_local_cloud() -> None:
    """Platform teams have the one and not the other."""
    assert not loaded_by("greenlight.commands.doctor, greenlight.doctor.examining") & {
        "local_cloud",
        "ministack",
    }
