"""Writes the YAML of an adopted endpoint in one step, and tags the endpoint in one call."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from greenlight.adopting.place import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from greenlight.adopting.proposal import Proposal


def holds(file: Path, content: Mapping[str, Any]) -> bool:
    """Tell whether a file has these settings already, whatever its comments say."""
    try:
        return bool(yaml.safe_load(file.read_text(encoding="utf-8")) == content)
    except (FileNotFoundError, UnicodeDecodeError, yaml.YAMLError):
        return False


def file_text(proposal: Proposal, *, now: datetime, has_schema: bool) -> str:
    """Return the YAML with its comments."""
    match, name = proposal.match, proposal.found.endpoint.name
    lines = ["# yaml-language-server: $schema=schema.json"] if has_schema else []
    lines.append(
        f"# {name} was made by hand. On {now:%Y-%m-%d} it served version {match.version.version} of "
        f"{match.version.group_name}, with these settings."
    )
    return "\n".join([*lines, text_of(proposal.content)])


def write_file(file: Path, text: str) -> None:
    """Write a file whole or not at all. Nobody reads the one beside it: it is hidden."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
        Path(aside).chmod(file.stat().st_mode & 0o777 if file.exists() else 0o644)
        Path(aside).replace(file)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(aside).unlink()
        raise


def tag(proposal: Proposal, client_of: Callable[[str], Any]) -> None:
    """Tag the endpoint as the stack's: one call, made or not."""
    tags = [{"Key": key, "Value": value} for key, value in proposal.tags.items()]
    client_of("sagemaker").add_tags(ResourceArn=proposal.found.endpoint.arn, Tags=tags)
