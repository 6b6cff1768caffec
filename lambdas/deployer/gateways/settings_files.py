"""The only reader of the endpoints' settings: files that the stack puts beside this code.

Code and settings are one deployment, so the files never change while this code runs, and reading one costs no
call. A document is read when a pass needs it: how many endpoints there are costs one index, not the rest.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from deployer.contract import DIGEST_DIGITS, SETTINGS_INDEX, SettingsIndex, settings_file
from deployer.model.settings import EndpointSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


class DamagedSettingsError(Exception):
    """A settings file is not what was deployed."""


class SettingsFiles:
    """The settings of every managed endpoint, and an index of them.

    Args:
        read_file: Returns a file's content, by its path below the settings' directory.
    """

    def __init__(self, read_file: Callable[[str], bytes]) -> None:
        self._read_file = read_file

    @classmethod
    def below(cls, directory: Path) -> SettingsFiles:
        """Return the settings in a directory."""
        return cls(lambda path: (directory / path).read_bytes())

    @property
    def digests(self) -> Mapping[str, str]:
        """The digest of each managed endpoint's settings, by the endpoint's name."""
        found: dict[str, str] = self._index[SettingsIndex.DIGESTS]
        return found

    def followers(self, group_name: str) -> Sequence[str]:
        """Return the endpoints that follow a group of this name, in whichever account the group is."""
        found: list[str] = self._index[SettingsIndex.FOLLOWERS].get(group_name.lower(), [])
        return found

    @property
    def group_arns(self) -> Mapping[str, str]:
        """The ARN of the group that an endpoint follows, if it is named by ARN, by the endpoint's name."""
        found: dict[str, str] = self._index[SettingsIndex.GROUP_ARNS]
        return found

    def read(self, endpoint_name: str) -> EndpointSettings | None:
        """Return an endpoint's settings, or None if nobody manages it.

        Raises:
            DamagedSettingsError: The file is not the one that was deployed.
        """
        content = self.content(endpoint_name)
        return EndpointSettings.parse(content) if content is not None else None

    def content(self, endpoint_name: str) -> bytes | None:
        """Return an endpoint's settings as they were compiled, or None if nobody manages it.

        Raises:
            DamagedSettingsError: The file is not the one that was deployed.
        """
        digest = self.digests.get(endpoint_name)
        if digest is None:
            return None
        path = settings_file(endpoint_name)
        content = self._read_file(path)
        if hashlib.sha256(content).hexdigest()[:DIGEST_DIGITS] != digest:
            raise DamagedSettingsError(
                f"The settings file {path} in the function's bundle is not the one that its index names. "
                "Deploy the stack again."
            )
        return content

    @cached_property
    def _index(self) -> dict[str, Any]:
        index: dict[str, Any] = json.loads(self._read_file(SETTINGS_INDEX))
        return index
