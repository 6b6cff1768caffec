"""Only a limited part of an archive is unpacked and read, however large it claims to be."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.gateways.archives import MOST_MEMBERS, ArchiveError, TooLargeError, first_files

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST = 1_000_000


def read(archive: bytes) -> list[tuple[str, bytes]]:
    return first_files(archive, most_files=10, largest_bytes=LARGEST)


def packed(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.GNU_FORMAT) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz", format=form) as made:
        for member, content in members:
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return target.getvalue()


def named(name: str, **headers: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.pax_headers = headers
    return member


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_the_files_of_every_kind_of_archive_are_read(form: int) -> None:
    long = "/".join(["folder"] * 20) + "/b.csv"
    made = packed((named(long), b"b"), (named("a.csv"), b"a"), form=form)

    assert read(made) == [("a.csv", b"a"), (long, b"b")]


def test_of_many_files_those_whose_names_come_first_are_held() -> None:
    made = packed(*((named(f"{number:02}.csv"), b"") for number in reversed(range(30))))

    assert [name for name, _ in read(made)] == [f"{number:02}.csv" for number in range(10)]


def bomb(unpacked_bytes: int) -> bytes:
    member = named("a.csv")
    member.size = 900_000
    target = io.BytesIO()
    with gzip.open(target, "wb") as made:
        for _ in range(unpacked_bytes // 900_000):
            made.write(member.tobuf() + bytes(900_096))
    return target.getvalue()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        pytest.param(lambda: bomb(500_000_000), "unpacks to more than 10,000,000 bytes", id="bomb"),
        pytest.param(lambda: packed((named("n" * 5_000_000), b"")), "a name or attributes of", id="GNU name"),
        pytest.param(
            lambda: packed((named("a", comment="n" * 5_000_000), b""), form=tarfile.PAX_FORMAT),
            "a name or attributes of",
            id="pax attribute",
        ),
        pytest.param(
            lambda: packed(*((named(str(number)), b"") for number in range(MOST_MEMBERS + 1))),
            "more than 1,000 members",
            id="members",
        ),
    ],
)
def test_an_archive_that_is_made_to_exhaust_the_function_is_refused(
    make: Callable[[], bytes], told: str
) -> None:
    archive = make()
    tracemalloc.start()
    with pytest.raises(ArchiveError, match=told):
        read(archive)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 30_000_000


def test_a_file_that_claims_to_be_sparse_is_as_large_as_it_says() -> None:
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(10**12)}
    made = packed((named("a", **sparse), b"0\n" + bytes(510)), form=tarfile.PAX_FORMAT)

    with pytest.raises(TooLargeError) as refusal:
        read(made)
    assert refusal.value.size == 10**12


def test_an_archive_that_ends_within_a_file_is_none() -> None:
    whole = gzip.decompress(packed((named("a"), bytes(5_000))))

    with pytest.raises(ArchiveError, match="ends within a file"):
        read(gzip.compress(whole[:2_000]))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_whatever_an_archive_holds_it_is_read_or_refused(data: st.DataObject) -> None:
    """Bytes are drawn, or changed in an archive that was in order."""
    good = gzip.decompress(packed((named("a" * 300), b"x" * 600), (named("b"), b"y")))
    chance = random.Random(data.draw(st.integers(0, 10**6)))  # noqa: S311 - reproducible tests, no secrets
    content = bytearray(good if data.draw(st.booleans()) else chance.randbytes(1_024))
    for _ in range(data.draw(st.integers(0, 9))):
        content[chance.randrange(len(content))] = chance.choice([0, 48, 55, 76, 120, 128, 255])
    archive = gzip.compress(bytes(content)) if data.draw(st.integers(0, 9)) else bytes(content)
    try:
        files = read(archive)
    except (ArchiveError, TooLargeError):
        return
    assert 0 < len(files) <= 10
    assert all(len(each) <= LARGEST for _, each in files)
