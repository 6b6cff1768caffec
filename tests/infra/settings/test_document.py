from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.settings.reading.document import read_document
from tests.infra.settings.builders import load

if TYPE_CHECKING:
    from pathlib import Path

YAML_SYNTAX = " \n\t:-[]{}&*!|>'\"#%@,?~<abc1"


def test_every_field_knows_its_line_and_how_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: yes\nb:\n  - c: 1\n    d: 0x10\n  -\n    e: f\n")

    document, problems = read_document(path, "a.yaml")

    assert problems == []
    assert document is not None
    assert document.stem == "a"
    assert document.content == {"a": True, "b": [{"c": 1, "d": 16}, {"e": "f"}]}
    assert document.lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", 0): 3,
        ("b", 0, "c"): 3,
        ("b", 0, "d"): 4,
        ("b", 1): 6,
        ("b", 1, "e"): 6,
    }
    assert document.scalars[("a",)] == "yes"
    assert document.scalars[("b", 0, "d")] == "0x10"


def test_a_field_that_is_not_there_has_the_line_of_what_is_around_it(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a:\n  b: {}\n")
    document, _ = read_document(path, "a.yaml")
    assert document is not None

    assert document.line(("a", "b", "absent", 0)) == 2
    assert document.line(("absent",)) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.binary(max_size=200)
    | st.text(alphabet=" \n:-[]{}&*!|>'\"#%@,?abc<1~\t", max_size=80).map(str.encode)
)
def test_no_file_whatsoever_raises(content: bytes, tmp_path: Path) -> None:
    specs, problems = load(tmp_path, a=content)

    assert specs or problems
