"""Owns the files that the deployer reads settings from: a document for each endpoint, and one index.

Pure: returns contents by path. Equal settings give equal bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from deployer.contract import DIGEST_DIGITS, SETTINGS_INDEX, SettingsIndex, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def settings_files(compiled: Iterable[Mapping[str, Any]]) -> dict[str, bytes]:
    """Return the files of some endpoints' compiled settings: their content by their path."""
    files: dict[str, bytes] = {}
    digests: dict[str, str] = {}
    followers: dict[str, list[str]] = {}
    group_arns: dict[str, str] = {}
    for document in sorted(compiled, key=lambda each: str(each["EndpointName"])):
        name, group = document["EndpointName"], document["ModelPackageGroupName"]
        content = serialised(document)
        files[settings_file(name)] = content
        digests[name] = _digest(content)
        # Groups of several accounts may share a name: the deployer tells them apart by the document.
        followers.setdefault(group.rpartition("/")[2].lower(), []).append(name)
        if group.startswith("arn:"):
            group_arns[name] = group
    index = {
        SettingsIndex.DIGESTS: digests,
        SettingsIndex.FOLLOWERS: followers,
        SettingsIndex.GROUP_ARNS: group_arns,
    }
    return {SETTINGS_INDEX: serialised(index), **files}


def settings_digest(files: Mapping[str, bytes]) -> str:
    """Return one digest of all settings: the index holds each document's own."""
    return _digest(files[SETTINGS_INDEX])


def serialised(document: Mapping[str, Any]) -> bytes:
    """Serialise a document: compact, and in one order."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGEST_DIGITS]
