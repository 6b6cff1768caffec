"""The deployed settings come from the function's bundle, and from a cache as long as the bundle stays."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from deployer.gateways.settings_files import SettingsFiles
from greenlight.deployed_settings import cached
from greenlight.errors import CommandError
from infra.settings.compiling.settings_files import settings_files

if TYPE_CHECKING:
    from pathlib import Path


def bundle(*endpoint_names: str) -> bytes:
    file = io.BytesIO()
    documents = [{"EndpointName": name, "ModelPackageGroupName": "group"} for name in endpoint_names]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("deployer/handler.py", "")
        for path, content in settings_files(documents).items():
            archive.writestr(f"endpoint_settings/{path}", content)
    return file.getvalue()


def function(content: bytes) -> dict[str, Any]:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return {"Configuration": {"CodeSha256": digest}, "Code": {"Location": "https://bundle"}}


def bundle_of(content: bytes, _url: str) -> bytes:
    return content


def refuse(url: str) -> bytes:
    raise AssertionError(url)


def test_settings_are_fetched_once_for_each_bundle(tmp_path: Path) -> None:
    first, second = bundle("churn"), bundle("churn", "fraud")

    cached(function(first), tmp_path, fetch=lambda _: first)
    again = cached(function(first), tmp_path, fetch=refuse)
    newer = cached(function(second), tmp_path, fetch=lambda _: second)

    assert SettingsFiles.below(again).digests.keys() == {"churn"}
    assert SettingsFiles.below(newer).digests.keys() == {"churn", "fraud"}
    assert not list(again.rglob("*.py"))


def test_a_bundle_that_is_not_what_lambda_says_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="did not arrive whole"):
        cached(function(bundle("churn")), tmp_path, fetch=lambda _: b"half of it")

    assert not list(tmp_path.rglob("*.json"))


def test_the_cache_does_not_grow_for_ever(tmp_path: Path) -> None:
    for number in range(14):
        content = bundle(f"endpoint-{number}")
        newest = cached(function(content), tmp_path, fetch=partial(bundle_of, content))

    assert len(list(tmp_path.iterdir())) == 10
    assert newest.is_dir()
