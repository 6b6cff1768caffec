"""Owns which files below the endpoints' directory are settings, and reports the others.

Settings are files that end in `.yaml` or `.yml`, in any folder. Skipped are hidden files and folders
(Jupyter's checkpoints, `.git`, `._churn.yaml`), editors' backups (`churn~.yaml`, `#churn.yaml#`), links to
folders, and files with other endings. A file may be a link.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from infra.settings.problem import Problem

ENDINGS: Final = (".yaml", ".yml")
DEFAULTS: Final = "defaults"
"""The name, without its ending, of the file with defaults for all endpoints."""

_OURS: Final = frozenset({"schema.json", "partial.schema.json"})
"""Greenlight's own files in the directory, for editors."""

_MOST_NAMED: Final = 8


@dataclass(slots=True)
class Found:
    """The content of a directory.

    Attributes:
        settings: The files with endpoints' settings, in the order of their names.
        defaults: The files with defaults for all endpoints: at most one is right.
        left_out: Everything else: path and reason.
        problems: Unreadable and misplaced files.
    """

    settings: list[Path] = field(default_factory=list)
    defaults: list[Path] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def find_settings(directory: Path, shown_as: str) -> Found:
    """Find the settings below a directory; `shown_as` is its name for people."""
    found = Found()

    def unreadable(error: OSError) -> None:
        where = _shown(Path(str(error.filename)), directory, shown_as)
        found.problems.append(
            Problem(where, 0, "the folder", str(error.strerror), "a readable folder", "check its permissions")
        )

    for around, folders, files in os.walk(directory, onerror=unreadable):
        for name in sorted(folders):
            path = Path(around, name)
            reason = "hidden" if name.startswith(".") else "a link to a folder" if path.is_symlink() else None
            if reason is None and path.suffix.lower() in ENDINGS:
                where = _shown(path, directory, shown_as)
                fix = "rename the folder, or put settings into a file of this name"
                found.problems.append(Problem(where, 0, "the file", "a folder", "a readable file", fix))
            if reason:
                folders.remove(name)
                found.left_out.append((f"{_shown(path, directory, shown_as)}/", reason))
        for name in sorted(files):
            _sort(Path(around, name), directory, shown_as, found)
    found.settings.sort()
    if len(found.defaults) > 1:
        first, second = (_shown(path, directory, shown_as) for path in found.defaults[:2])
        found.problems.append(
            Problem(second, 0, "the file", f"defaults beside {first}", "one file of defaults", "join the two")
        )
    return found


def nothing_found(found: Found, shown_as: str) -> Problem | None:
    """Return a problem if there are files, but no settings: nobody deploys that on purpose."""
    if found.settings or found.problems or not found.left_out:
        return None
    got = f"no file that counts (left out: {_named(found.left_out)})"
    fix = "add a file, as churn.yaml; correct endpoints_dir; or take it all down with `npx cdk destroy`"
    return Problem(shown_as, 0, "the directory", got, "endpoint settings: files in .yaml or .yml", fix)


def told(found: Found) -> str:
    """List the skipped files in one line; empty for none."""
    return f"No endpoint settings, and left out: {_named(found.left_out)}." if found.left_out else ""


def _named(left_out: list[tuple[str, str]]) -> str:
    named = [f"{path} ({reason})" for path, reason in left_out[:_MOST_NAMED]]
    more = len(left_out) - len(named)
    return ", ".join([*named, *([f"and {more} more"] if more else [])])


def _sort(path: Path, directory: Path, shown_as: str, found: Found) -> None:
    name, shown = path.name, _shown(path, directory, shown_as)
    ending = path.suffix.lower()
    if name.startswith("."):
        found.left_out.append((shown, "hidden"))
    elif name.endswith("~") or path.stem.endswith("~") or (name.startswith("#") and name.endswith("#")):
        found.left_out.append((shown, "an editor's backup"))
    elif path.parent == directory and name in _OURS:
        return
    elif ending not in ENDINGS:
        found.left_out.append((shown, f"not {' or '.join(ENDINGS)}"))
    elif not path.is_file():
        got = "a link to nothing" if path.is_symlink() else "no regular file"
        found.problems.append(Problem(shown, 0, "the file", got, "a file", "correct or remove it"))
    elif path.stem != DEFAULTS:
        found.settings.append(path)
    elif path.parent == directory:
        found.defaults.append(path)
    else:
        expected = "defaults beside all folders: they are for all endpoints"
        fix = f"move it to {shown_as}/{name}; or, if it is an endpoint, rename it"
        found.problems.append(Problem(shown, 0, "the file", "defaults in a folder", expected, fix))


def _shown(path: Path, directory: Path, shown_as: str) -> str:
    return f"{shown_as}/{path.relative_to(directory).as_posix()}"
