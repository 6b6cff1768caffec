"""Builds directories of endpoint settings for tests."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

from infra.settings.catalogue import load_catalogue

if TYPE_CHECKING:
    from pathlib import Path

    from infra.settings.endpoint_spec import EndpointSpec
    from infra.settings.problem import Problem

VALID = """\
model_package_group: churn-models
instance_type: ml.m5.large
"""


def write(directory: Path, **files: str | bytes) -> Path:
    """Write `name="text"` as `name.yaml`; underscores in names become hyphens."""
    for name, text in files.items():
        path = directory / f"{name.replace('_', '-')}.yaml"
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
    return directory


def load(directory: Path, **files: str | bytes) -> tuple[list[EndpointSpec], list[Problem]]:
    """Write files and load them; problems name the directory `endpoints`."""
    return load_catalogue(write(directory, **files), "endpoints", stack_name="Greenlight")


def problems(directory: Path, text: str | bytes) -> list[Problem]:
    """Load one file called churn.yaml, and return its problems."""
    return load(directory, churn=text)[1]
