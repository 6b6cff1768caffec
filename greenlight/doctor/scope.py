"""Owns what one run of the doctor looks at: everything, some groups, or one endpoint. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from greenlight.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Scope:
    """What a person asks about.

    Attributes:
        endpoint: One endpoint; None for all.
        groups: Model package groups; none for all.
        version: The ARN of a version; None for the newest approved, or else the newest.
    """

    endpoint: str | None = None
    groups: tuple[str, ...] = ()
    version: str | None = None

    def of(self, stack: str, followed: Mapping[str, str]) -> dict[str, list[str]]:
        """Return the endpoints to look at, by the group that they follow.

        Args:
            stack: The stack, for messages.
            followed: Each endpoint's group.

        Raises:
            CommandError: The stack has no such endpoint or group.
        """
        if self.endpoint is not None and self.endpoint not in followed:
            raise CommandError(
                f"{self.endpoint} is no endpoint of the stack {stack}.",
                f"Its endpoints are: {_listed(followed)}.",
                "Name one of them, or none to look at all.",
            )
        known = sorted(set(followed.values()))
        unknown = [group for group in self.groups if group not in known]
        if unknown:
            raise CommandError(
                f"No endpoint of the stack {stack} follows the group {', '.join(unknown)}.",
                f"The groups are: {_listed(known)}.",
                "Name one of them with --group, or none to look at all.",
            )
        found: dict[str, list[str]] = {}
        for name, group in sorted(followed.items(), key=lambda each: (each[1], each[0])):
            if (self.endpoint or name) == name and (group in self.groups or not self.groups):
                found.setdefault(group, []).append(name)
        return found


def _listed(names: Mapping[str, str] | list[str]) -> str:
    return ", ".join(sorted(names)) or "none"
