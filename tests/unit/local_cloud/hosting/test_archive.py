"""Archives that want to write elsewhere; on every Python, with and without `tarfile`'s own filters."""

import io
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from local_cloud.hosting.archive import BadArchiveError, extract


def member(
    name: str, kind: bytes = tarfile.REGTYPE, to: str = "", content: bytes = b"", mode: int = 0o644
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.mode = kind, to, len(content), mode
    return info, content


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as writing:
        for info, content in members:
            writing.addfile(info, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    directory = tmp_path / "model"
    directory.mkdir()
    return directory


def test_files_folders_and_links_among_them_are_unpacked(inside: Path) -> None:
    content = archive(
        member("./code", tarfile.DIRTYPE),
        member("./code/inference.py", content=b"x = 1"),
        member("run.sh", content=b"#!", mode=0o4777),
        member("deep/er/weights", content=b"w"),
        member("hard", tarfile.LNKTYPE, to="deep/er/weights"),
        member("soft", tarfile.SYMTYPE, to="deep/er/weights"),
        member("deep/up", tarfile.SYMTYPE, to="../code"),
        member("dangling", tarfile.SYMTYPE, to="not/there"),
    )

    extract(content, into=inside)

    assert (inside / "code" / "inference.py").read_bytes() == b"x = 1"
    assert [(inside / name).read_bytes() for name in ("hard", "soft", "deep/er/weights")] == [b"w"] * 3
    assert (inside / "deep" / "up" / "inference.py").read_bytes() == b"x = 1"
    assert oct((inside / "run.sh").stat().st_mode & 0o7777) == "0o755"


LONG = "d" * 200


@pytest.mark.parametrize(
    "members",
    [
        pytest.param([member("../outside", content=b"x")], id="above"),
        pytest.param([member("a/../../outside", content=b"x")], id="above, from within"),
        pytest.param([member("/tmp/outside-of-model", content=b"x")], id="absolute"),  # noqa: S108 - not written
        pytest.param([member("..", tarfile.DIRTYPE)], id="the folder above"),
        pytest.param([member("out", tarfile.SYMTYPE, to="..")], id="link above"),
        pytest.param([member("out", tarfile.SYMTYPE, to="/etc")], id="absolute link"),
        pytest.param([member("a/b/out", tarfile.SYMTYPE, to="../../../x")], id="link above, from within"),
        pytest.param(
            [member("out", tarfile.SYMTYPE, to=".."), member("out/file", content=b"x")], id="through a link"
        ),
        pytest.param(
            [
                member("p/q", tarfile.DIRTYPE),
                member("top", tarfile.DIRTYPE),
                member("p/q/b", tarfile.SYMTYPE, to="../../top"),
                member("out", tarfile.SYMTYPE, to="p/q/b/../../outside"),
            ],
            id="up again behind another link",
        ),
        pytest.param(
            [
                member("b", tarfile.DIRTYPE),
                member("p/q/a", tarfile.SYMTYPE, to="../../b"),
                member("p/q/a/c", tarfile.SYMTYPE, to="../../../outside"),
            ],
            id="a link that lies behind another",
        ),
        pytest.param(
            [
                *[
                    part
                    for depth in range(1, 17)
                    for part in (
                        member("/".join([LONG] * depth), tarfile.DIRTYPE),
                        member("/".join([*["l"] * (depth - 1), "l"]), tarfile.SYMTYPE, to=LONG),
                    )
                ],
                member("/".join(["l"] * 16) + "/escape", tarfile.SYMTYPE, to="../" * 17 + "outside"),
                member("escape", tarfile.LNKTYPE, to="/".join(["l"] * 16) + "/escape"),
                member("escape", content=b"x"),
            ],
            id="paths longer than the system resolves (CVE-2025-4517)",
        ),
        pytest.param([member("hard", tarfile.LNKTYPE, to="/etc/passwd")], id="hard link elsewhere"),
        pytest.param([member("hard", tarfile.LNKTYPE, to="../outside")], id="hard link above"),
        pytest.param([member("hard", tarfile.LNKTYPE, to="hard")], id="hard link to itself"),
        pytest.param([member("device", tarfile.CHRTYPE)], id="device"),
        pytest.param([member("pipe", tarfile.FIFOTYPE)], id="pipe"),
        pytest.param([member("file", content=b"x"), member("file/under", content=b"x")], id="below a file"),
        pytest.param(
            [member("file", content=b"x"), member("file", tarfile.SYMTYPE, to="x")], id="file and link"
        ),
    ],
)
def test_nothing_lands_outside(inside: Path, members: Sequence[tuple[tarfile.TarInfo, bytes]]) -> None:
    content = archive(*members)

    with pytest.raises(BadArchiveError):
        extract(content, into=inside)

    assert [path.name for path in inside.parent.iterdir()] == ["model"]
    real = os.path.realpath(inside)
    for folder, folders, files in os.walk(inside):
        for name in (*folders, *files):
            assert os.path.realpath(Path(folder, name)).startswith(real)
    assert not Path("/tmp/outside-of-model").exists()  # noqa: S108 - likewise


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an archive",
        archive(member("file", content=b"x" * 100_000))[:-40],
        archive(member("file", content=b"x" * 3000))[:40] + b"\0" * 40,
        archive(member("x" * 300)),
    ],
    ids=["empty", "other bytes", "cut off", "broken inside", "a name longer than names may be"],
)
def test_what_is_no_archive_is_told(inside: Path, content: bytes) -> None:
    with pytest.raises(BadArchiveError):
        extract(content, into=inside)
