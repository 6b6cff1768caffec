"""Owns reading one YAML file: its content, and each field's line.

Knows nothing of endpoints. It reports what a lenient YAML reader accepts (duplicate keys, keys that are not
strings, several documents in one file), and raises no error for any content.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

from infra.settings.problem import FieldPath, Problem, field_name, shown
from infra.settings.reading.yaml_syntax import TEMPLATE, explained, tag_explained

if TYPE_CHECKING:
    from pathlib import Path

_LEFT_OUT: Final = object()
"""Replaces an unreadable value, so that it is not reported again as a wrong value."""

_STANDARD_TAG: Final = "tag:yaml.org,2002:"
_MERGE_TAG: Final = "tag:yaml.org,2002:merge"
_MOST_VALUES: Final = 10_000
"""Aliases of aliases multiply: a few lines can stand for more values than memory holds."""


@dataclass(frozen=True, slots=True)
class Document:
    """Hold one file's mapping, with every field's line and its exact characters.

    `scalars` keeps each value's text before YAML gave it a type: `yes`, not `True`. `inherited` names the
    file of each field that comes from another file, the defaults.
    """

    file: str
    stem: str
    content: dict[str, Any]
    lines: dict[FieldPath, int] = field(default_factory=dict)
    scalars: dict[FieldPath, str] = field(default_factory=dict)
    inherited: dict[FieldPath, str] = field(default_factory=dict)
    columns: dict[FieldPath, int] = field(default_factory=dict)

    def line(self, path: FieldPath) -> int:
        """Find the line of a field, or of the nearest enclosing field in the file; 0 if none."""
        return self.lines.get(self._around(path), 0)

    def _around(self, path: FieldPath) -> FieldPath:
        while path and path not in self.lines:
            path = path[:-1]
        return path

    def problem(self, path: FieldPath, *, got: str, expected: str, fix: str, source: str = "") -> Problem:
        """Make a problem that points at a field of this document."""
        place = self._around(path)
        file, column = self.inherited.get(place, self.file), self.columns.get(place, 0)
        return Problem(file, self.line(path), field_name(path), got, expected, fix, source, column)


def read_document(path: Path, file: str) -> tuple[Document | None, list[Problem]]:
    """Read one YAML file whose root is a mapping.

    `file` is its name in problems. Returns the document, or None if it is unusable, and every problem found.
    """
    try:
        loader = yaml.SafeLoader(_text(path))
        try:
            reader = _Reader(file, loader)
            content = reader.read(_root(loader), (), ())
        finally:
            loader.dispose()
    except _UnreadableError as error:
        return None, [Problem(file, error.line, "the file", error.got, error.expected, error.fix)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if "end of stream" in str(error.problem):  # where it begins helps more than where the file ends
            mark = error.context_mark or mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        return None, [Problem(file, line, "the file", *explained(error), column=column)]
    except yaml.YAMLError as error:  # the reader's own error, about characters that YAML forbids
        said = str(error).splitlines()[0]
        return None, [Problem(file, 0, "the file", said, "valid YAML", "remove the character")]
    except RecursionError:
        said = "values nested too deeply to read"
        return None, [Problem(file, 0, "the file", said, "a few levels", "check the brackets and braces")]
    document = Document(file, path.stem, content, reader.lines, reader.scalars, columns=reader.columns)
    return document, reader.problems


class _UnreadableError(Exception):
    def __init__(self, got: str, expected: str, fix: str, line: int = 0) -> None:
        super().__init__(got)
        self.got, self.expected, self.fix, self.line = got, expected, fix, line


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _UnreadableError(
            f"byte {error.start} is not UTF-8", "UTF-8 text", "save the file as UTF-8"
        ) from error
    except OSError as error:
        raise _UnreadableError(
            str(error.strerror), "a readable file", "check what the file is, and its permissions"
        ) from error


def _root(loader: yaml.SafeLoader) -> yaml.MappingNode:
    nodes: list[yaml.Node] = []
    while loader.check_node() and (node := loader.get_node()) is not None:
        nodes.append(node)
    match nodes:
        case [yaml.MappingNode() as root]:
            return root
        case [] | [yaml.ScalarNode(value="")]:
            raise _UnreadableError(
                "an empty file", "the settings of one endpoint", "add model_package_group, or delete the file"
            )
        case [node]:
            kind = "a list" if isinstance(node, yaml.SequenceNode) else "a single value"
            line = node.start_mark.line + 1
            raise _UnreadableError(kind, "a mapping (key: value)", "write one `key: value` a line", line)
        case _:
            raise _UnreadableError(
                f"{len(nodes)} YAML documents", "one document a file", "put each into a file of its own"
            )


class _Reader:
    """Turn YAML nodes into values, and remember their places."""

    def __init__(self, file: str, loader: yaml.SafeLoader) -> None:
        self._file = file
        self._loader = loader
        self.lines: dict[FieldPath, int] = {}
        self.columns: dict[FieldPath, int] = {}
        self.scalars: dict[FieldPath, str] = {}
        self.problems: list[Problem] = []
        self._count = 0

    def read(self, node: yaml.Node, path: FieldPath, around: tuple[yaml.Node, ...]) -> Any:  # noqa: ANN401 - YAML holds anything
        self._count += 1
        if self._count > _MOST_VALUES:
            line = node.start_mark.line + 1
            got = f"more than {_MOST_VALUES:,} values, aliases counted"
            raise _UnreadableError(got, "the settings of one endpoint", "check the aliases", line)
        if any(node is outer for outer in around):
            self._add(
                node, path, "an alias of a value that contains it", "a finite value", "remove the alias"
            )
            return _LEFT_OUT
        inner = (*around, node)
        if path:
            self.lines.setdefault(path, node.start_mark.line + 1)
            self.columns.setdefault(path, node.start_mark.column + 1)
        if not isinstance(node, yaml.ScalarNode) and not node.tag.startswith(_STANDARD_TAG):
            self._add(node, path, *tag_explained(node.tag))
            return _LEFT_OUT
        match node:
            case yaml.MappingNode(value=[(yaml.MappingNode(flow_style=True), _)]):
                self._add(node, path, *TEMPLATE)
                return _LEFT_OUT
            case yaml.MappingNode():
                return self._mapping(node, path, inner)
            case yaml.SequenceNode():
                items = [self.read(item, (*path, index), inner) for index, item in enumerate(node.value)]
                return [item for item in items if item is not _LEFT_OUT]
            case _:
                return self._scalar(node, path)

    def _mapping(
        self, node: yaml.MappingNode, path: FieldPath, inner: tuple[yaml.Node, ...]
    ) -> dict[str, Any]:
        written = [
            key.value for key, _ in node.value if key.tag != _MERGE_TAG and isinstance(key, yaml.ScalarNode)
        ]
        if any(key.tag == _MERGE_TAG for key, _ in node.value):
            self._loader.flatten_mapping(node)  # merged pairs come first, so that a key's own value wins
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if key in content and written.count(key) > 1:
                self._add(
                    key_node,
                    here,
                    f"{key} a second time (first on line {self.lines[here]})",
                    "each key once",
                    "remove one of the two",
                )
            self.lines[here] = key_node.start_mark.line + 1
            self.columns[here] = key_node.start_mark.column + 1
            value = self.read(value_node, here, inner)
            if value is not _LEFT_OUT:
                content[key] = value
        return content

    def _key(self, node: yaml.Node, path: FieldPath) -> str | None:
        expected = "keys that are strings"
        if not isinstance(node, yaml.ScalarNode):
            self._add(node, path, "a list or a mapping as a key", expected, "write a word")
            return None
        spelt = str(node.value)
        key = self._constructed(node, path, f"the key {spelt}")
        if key is _LEFT_OUT:
            return None
        if not isinstance(key, str):
            got = f"the key {spelt}, which YAML reads as {shown(key)}"
            self._add(node, path, got, expected, f'quote it: "{spelt}"')
        return spelt

    def _scalar(self, node: yaml.Node, path: FieldPath) -> object:
        self.scalars[path] = str(node.value)
        return self._constructed(node, path, str(node.value))

    def _constructed(self, node: yaml.Node, path: FieldPath, what: str) -> object:
        """Read a scalar by its form; report a problem if it only resembles that form."""
        try:
            value: object = self._loader.construct_object(node)
            text = str(value)  # a number may be too long for Python to write
            text.encode("utf-8")
        except UnicodeEncodeError:
            got, fix = "half of a UTF-16 surrogate pair", "write the character itself"
            self._add(node, path, got, "Unicode text", fix)
            return _LEFT_OUT
        except yaml.constructor.ConstructorError:
            self._add(node, path, *tag_explained(node.tag))
            return _LEFT_OUT
        # PyYAML's errors for 2024-13-01, and for a value with a wrong tag.
        except (ValueError, KeyError, AttributeError):
            kind = node.tag.removeprefix(_STANDARD_TAG)
            self._add(node, path, f"{what}: no {kind}", "a valid value", f'quote it: "{node.value}"')
            return _LEFT_OUT
        return value

    def _add(self, node: yaml.Node, path: FieldPath, got: str, expected: str, fix: str) -> None:
        mark, name = node.start_mark, field_name(path)
        self.problems.append(
            Problem(self._file, mark.line + 1, name, got, expected, fix, column=mark.column + 1)
        )
