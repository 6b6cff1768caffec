"""Makes every mutant of a module's source: one small change each, as a slip of a hand would make it.

The changes are mutmut's, and three of our own: a side of `and` or `or` is left out, a condition is negated, a
filter of a comprehension is left out. Annotations, docstrings, sentences and what only a type checker reads
stay as they are.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst
from libcst import matchers
from mutmut.mutation.mutators import mutation_operators

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_STRICT = matchers.Arg(keyword=matchers.Name("strict"))
_TYPE_CHECKING = matchers.If(test=matchers.Name("TYPE_CHECKING"))
_DOCSTRING = matchers.Expr(value=matchers.SimpleString() | matchers.ConcatenatedString())
_FOR_TYPES = matchers.Call(
    func=matchers.Name("cast")
    | matchers.Name("TypeVar")
    | matchers.Name("ParamSpec")
    | matchers.Name("assert_never")
)
_UNTOUCHED = (
    matchers.Annotation()
    | matchers.Assert()
    | matchers.Decorator()
    | matchers.ImportFrom()
    | matchers.Import()
    | _DOCSTRING
    | _FOR_TYPES
    | matchers.Assign(value=_FOR_TYPES)
    | _STRICT
    | _TYPE_CHECKING
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module's source with one change.

    Attributes:
        path: The module's file, below the repository.
        source: The whole changed source.
        before: The replaced lines, stripped.
        after: The lines that replace them.
        diff: The change for people.
    """

    path: str
    source: str
    before: str
    after: str
    diff: str


class Subject:
    """A file that is mutated, and every change that can be made to it.

    Args:
        repository: The folder that it lies below.
        path: The file, below the repository.
    """

    def __init__(self, repository: Path, path: str) -> None:
        self.path = path
        self._original = (repository / path).read_text(encoding="utf-8")
        self._module = libcst.parse_module(self._original)
        self._changes = list(_changes(self._module))

    def __len__(self) -> int:
        """Return how many changes there are; a few of them make no mutant."""
        return len(self._changes)

    def mutant(self, number: int) -> Mutant | None:
        """Return the mutant of a change, or None if Python refuses it or it changes nothing."""
        mutated = self._module.deep_replace(*self._changes[number])
        assert isinstance(mutated, libcst.Module), "a change is of something within the module"
        if mutated.code == self._original or not _compiles(mutated.code):
            return None
        return _mutant(self.path, self._original, mutated.code)


def _changes(module: libcst.Module) -> Iterator[tuple[libcst.CSTNode, libcst.CSTNode]]:
    for node in _touched(module):
        for kind, operator in mutation_operators:
            if isinstance(node, kind) and not _is_prose(node):
                for changed in operator(node):
                    if not _lacks_a_positional_argument(node, changed):
                        yield node, changed
        for changed in _our_own(node):
            yield node, changed


def _touched(node: libcst.CSTNode) -> Iterator[libcst.CSTNode]:
    """Yield the nodes that a change may be noticed at, from outside in."""
    if matchers.matches(node, _UNTOUCHED):
        return
    yield node
    for child in node.children:
        yield from _touched(child)


def _is_prose(node: libcst.CSTNode) -> bool:
    """Return whether this is a piece of a sentence, whose words people read."""
    return isinstance(node, libcst.SimpleString) and " " in node.value


def _lacks_a_positional_argument(node: libcst.CSTNode, changed: libcst.CSTNode) -> bool:
    """Return whether a call lost an argument without a name: any test that gets there notices."""
    if not (isinstance(node, libcst.Call) and isinstance(changed, libcst.Call)):
        return False
    before, after = ([each.keyword is None for each in call.args] for call in (node, changed))
    return sum(after) < sum(before)


def _our_own(node: libcst.CSTNode) -> Iterable[libcst.CSTNode]:
    match node:
        case libcst.BooleanOperation():
            return [node.left, node.right]
        case libcst.If() | libcst.IfExp():
            bare = node.test.with_changes(lpar=[libcst.LeftParen()], rpar=[libcst.RightParen()])
            spaced = libcst.Not(whitespace_after=libcst.SimpleWhitespace(" "))
            return [node.with_changes(test=libcst.UnaryOperation(spaced, bare))]
        case libcst.CompFor(ifs=[_, *_]):
            kept = [[*node.ifs[:at], *node.ifs[at + 1 :]] for at in range(len(node.ifs))]
            return [node.with_changes(ifs=ifs) for ifs in kept]
        case _:
            return []


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _mutant(path: str, original: str, source: str) -> Mutant:
    lines = difflib.unified_diff(original.splitlines(), source.splitlines(), path, path, "", "", 2, "")
    diff = list(lines)
    return Mutant(path, source, _changed(diff, "-"), _changed(diff, "+"), "\n".join(diff))


def _changed(diff: list[str], sign: str) -> str:
    """Return the lines of a diff that have a sign, as one."""
    return " ".join(line[1:].strip() for line in diff[2:] if line.startswith(sign))
