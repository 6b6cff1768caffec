"""Reads the files of a sample payload's archive, which is untrusted input. Pure.

The archive is streamed and walked over once before it is read. So a limited number of bytes is unpacked, and
only the files that are sent are held in memory.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from typing import TYPE_CHECKING, Final, cast

from deployer.model.excerpts import excerpt

if TYPE_CHECKING:
    from typing import IO

MOST_MEMBERS: Final = 1_000
LONGEST_HEADER_BYTES: Final = 4_096
"""The limit of a long name or of extended attributes, which are read whole. Linux permits paths of this
length."""

_BLOCK: Final = 512
_SIZE: Final = slice(124, 136)
_TYPE: Final = slice(156, 157)
_NAMING: Final = frozenset({b"L", b"K", b"x", b"X", b"g"})
"""Types of members that describe the members after them (GNU tar, POSIX pax)."""


class ArchiveError(Exception):
    """The archive has no files that can be sent. The message continues a sentence that names the archive."""


class TooLargeError(Exception):
    """A file in it is too large to be sent.

    Attributes:
        size: Its bytes.
    """

    def __init__(self, name: str, size: int) -> None:
        super().__init__(excerpt(name))
        self.size = size


def first_files(archive: bytes, *, most_files: int, largest_bytes: int) -> list[tuple[str, bytes]]:
    """Return the first files of a `.tar.gz`, each with its name, in the order of their names.

    Args:
        archive: Its bytes.
        most_files: How many are wanted.
        largest_bytes: How many bytes each may have; all members together may have as many times that.

    Raises:
        ArchiveError: It is no `.tar.gz`, is empty, or unpacks to too many bytes.
        TooLargeError: A file in it is too large to be sent.
    """
    try:
        _walk(_Unpacked(archive, most_files * largest_bytes))
        unpacked = _Unpacked(archive, most_files * largest_bytes)
        files = _read(unpacked, most_files=most_files, largest_bytes=largest_bytes)
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, RecursionError) as error:
        raise ArchiveError(f"is no gzip compressed tar archive ({excerpt(str(error))})") from error
    if not files:
        raise ArchiveError("has no file in it")
    return sorted(files.items())


class _Unpacked:
    """The bytes that an archive unpacks to, up to a limit."""

    def __init__(self, archive: bytes, most_bytes: int) -> None:
        self._source = gzip.GzipFile(fileobj=io.BytesIO(archive))
        self._most_bytes = most_bytes
        self._left = most_bytes

    def read(self, size: int, /) -> bytes:
        content = self._source.read(min(size, self._left + 1))
        self._left -= len(content)
        if self._left < 0:
            raise ArchiveError(f"unpacks to more than {self._most_bytes:,} bytes")
        return content


def _walk(unpacked: _Unpacked) -> None:
    """Check every member's header before `tarfile` does: it would read long names whole."""
    for _ in range(MOST_MEMBERS + 1):
        header = unpacked.read(_BLOCK)
        if len(header) < _BLOCK or not header.strip(b"\0"):
            return
        size = tarfile.nti(header[_SIZE])  # type: ignore[attr-defined] # not in the stubs
        if header[_TYPE] in _NAMING and size > LONGEST_HEADER_BYTES:
            raise ArchiveError(
                f"has a name or attributes of {size:,} bytes, and at most {LONGEST_HEADER_BYTES:,} are read"
            )
        left = -(-max(size, 0) // _BLOCK) * _BLOCK
        while left > 0:
            passed = unpacked.read(min(left, 65_536))
            if not passed:
                raise EOFError("it ends within a file")
            left -= len(passed)
    raise ArchiveError(f"has more than {MOST_MEMBERS:,} members")


def _read(unpacked: _Unpacked, *, most_files: int, largest_bytes: int) -> dict[str, bytes]:
    """Return the files whose names come first."""
    files: dict[str, bytes] = {}
    source = cast("IO[bytes]", unpacked)  # of which only `read` is called
    with tarfile.open(fileobj=source, mode="r|") as archive:
        for member in archive:
            # A sparse file unpacks to its declared size, even if the archive stores few of its bytes.
            if member.size > largest_bytes:
                raise TooLargeError(member.name, member.size)
            content = archive.extractfile(member) if member.isreg() else None
            # macOS adds such a file for each packed file.
            if content is None or member.name.rpartition("/")[2].startswith("._"):
                continue
            files[member.name] = content.read()
            if len(files) > most_files:
                del files[max(files)]
    return files
