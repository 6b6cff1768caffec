"""Owns reading a whole directory of endpoint settings, and the rules between files.

Collects every problem of every file and raises none: `app.py` prints them together with the context's.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from infra.settings.endpoint_file import compile_document
from infra.settings.problem import Problem
from infra.settings.reading.defaults import read_defaults, with_defaults
from infra.settings.reading.document import Document, read_document
from infra.settings.reading.files import find_settings, nothing_found

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from infra.settings.endpoint_spec import EndpointSpec

Compiled: TypeAlias = "tuple[EndpointSpec | None, list[Problem]]"
"""One file's endpoint, if its name is known, and the file's problems."""


def load_catalogue(
    directory: Path, shown_as: str, *, stack_name: str
) -> tuple[list[EndpointSpec], list[Problem]]:
    """Read every endpoint's settings below a directory, with the defaults for all of them.

    `shown_as` is how problems name the directory; `stack_name` is part of alarms' names. Returns the
    endpoints, ordered by name, and every problem; the endpoints are complete only if there is none.
    """
    return _collected(read_catalogue(directory, shown_as, stack_name=stack_name))


def read_catalogue(directory: Path, shown_as: str, *, stack_name: str) -> Iterator[Compiled]:
    """Read the same, file by file, so that the first problems can be shown before the last file is read."""
    if not directory.is_dir():
        got = "a file" if directory.exists() else "no such directory"
        fix = "create it, or set the context key endpoints_dir"
        yield None, [Problem(shown_as, 0, "the directory", got, "a directory of endpoint settings", fix)]
        return
    found = find_settings(directory, shown_as)
    specs: list[EndpointSpec] = []
    for compiled in _compiled(found.settings, found.defaults, directory, shown_as, stack_name):
        specs += [compiled[0]] if compiled[0] else []
        yield compiled
    nothing = nothing_found(found, shown_as)
    yield None, [*found.problems, *([nothing] if nothing else []), *_shared_names(specs)]


def compile_files(
    paths: Iterable[Path], defaults: Sequence[Path], directory: Path, shown_as: str, stack_name: str
) -> tuple[list[EndpointSpec], list[Problem]]:
    """Read and compile some files below a directory, each with the defaults for all endpoints."""
    return _collected(_compiled(paths, defaults, directory, shown_as, stack_name))


def _compiled(
    paths: Iterable[Path], defaults: Sequence[Path], directory: Path, shown_as: str, stack_name: str
) -> Iterator[Compiled]:
    def shown(path: Path) -> str:
        return f"{shown_as}/{path.relative_to(directory).as_posix()}"

    inherited: Document | None = None
    for path in defaults[:1]:
        inherited, problems = read_defaults(path, shown(path))
        yield None, problems
    for path in paths:
        document, problems = read_document(path, shown(path))
        spec: EndpointSpec | None = None
        if document is not None:
            spec, found = compile_document(with_defaults(document, inherited), stack_name)
            problems += found
        yield spec, problems


def _collected(read: Iterable[Compiled]) -> tuple[list[EndpointSpec], list[Problem]]:
    specs: list[EndpointSpec] = []
    problems: list[Problem] = []
    for spec, found in read:
        specs += [spec] if spec else []
        problems += found
    return sorted(specs, key=lambda spec: spec.endpoint_name), list(dict.fromkeys(problems))


def _shared_names(specs: list[EndpointSpec]) -> Iterator[Problem]:
    """Find files that claim one endpoint: SageMaker's endpoint names differ by more than letter case."""
    claims: dict[str, list[EndpointSpec]] = defaultdict(list)
    for spec in sorted(specs, key=lambda each: each.file):
        claims[spec.endpoint_name.lower()].append(spec)
    for first, *others in claims.values():
        for other in others:
            yield Problem(
                other.file,
                0,
                "endpoint_name",
                f"{other.endpoint_name}, which {first.file} claims too",
                "one file an endpoint; letter case does not tell endpoints apart",
                "rename one of the two endpoints, or remove one of the files",
            )
