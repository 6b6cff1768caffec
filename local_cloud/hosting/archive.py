"""Unpack untrusted model archives; nothing may land outside the given directory.

This module checks every path and writes every file itself, because `tarfile` is not safe in every Python. Its
extraction filters came with 3.11.4, and let links lead out up to 3.11.12, 3.12.10 and 3.13.3 (CVE-2025-4517).
Links are made last, when no later write can follow one.
"""

from __future__ import annotations

import io
import shutil
import tarfile
import zlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_UNREADABLE: Final = (
    tarfile.TarError,
    zlib.error,
    EOFError,
    LookupError,
    OSError,
    RecursionError,
    ValueError,
)


class BadArchiveError(Exception):
    """The model data is not a gzipped tar archive, or an unsafe one."""


def extract(content: bytes, *, into: Path) -> None:
    """Unpack a `model.tar.gz`; raise `BadArchiveError` with the name of an unsafe member."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            links: list[tuple[PurePosixPath, PurePosixPath]] = []
            for member in archive:
                path = _inside(PurePosixPath(member.name), member)
                if member.issym():
                    links.append((path, PurePosixPath(member.linkname)))
                else:
                    _write(archive, member, into / path)
            for path, target in links:
                _link(path, target, into)
    except _UNREADABLE as error:
        raise BadArchiveError(f"{type(error).__name__}: {error}") from error


def _inside(path: PurePosixPath, member: tarfile.TarInfo) -> PurePosixPath:
    """Return a path of the archive as a path below its root, without links in it."""
    if path.is_absolute() or ".." in path.parts or "\0" in str(path):
        raise BadArchiveError(f"{member.name!r} leads out of the archive ({path})")
    return path


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    if not (member.isreg() or member.islnk()):
        raise BadArchiveError(f"{member.name!r} is neither a file, nor a folder, nor a link")
    # Write a hard link as a copy of its member.
    source = archive.extractfile(member)
    if source is None:
        raise BadArchiveError(f"{member.name!r} is a link to {member.linkname!r}, which is no file")
    path.parent.mkdir(parents=True, exist_ok=True)
    with source, path.open("wb") as file:
        shutil.copyfileobj(source, file)
    path.chmod(0o755 if member.mode & 0o100 else 0o644)


def _link(path: PurePosixPath, target: PurePosixPath, into: Path) -> None:
    """Make a symbolic link into the archive.

    It lies in a real folder, and `..` appears only at the beginning of its target. So the names alone tell
    where it leads, and no other link in the archive can change that.
    """
    names = list(target.parts)
    depth = len(path.parts) - 1
    while names and names[0] == "..":
        names.pop(0)
        depth -= 1
    link = into / path
    folders = [into.joinpath(*path.parts[:count]) for count in range(1, len(path.parts))]
    if target.is_absolute() or ".." in names or depth < 0 or any(folder.is_symlink() for folder in folders):
        raise BadArchiveError(f"the link {str(path)!r} to {str(target)!r} may lead out of the archive")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)
