"""Owns reading a whole directory of endpoint settings, and the rules between files.

Collects every problem of every file and raises none: `app.py` prints them together with the context's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from copy import deepcopy
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from infra.settings.compiling.compiler import (
    LARGEST_PARAMETER_BYTES,
    alarms,
    compile_settings,
    origin,
    serialised,
)
from infra.settings.compiling.field_mapping import given_twice
from infra.settings.compiling.hosted_variants import hosted
from infra.settings.consistency.autoscaling_keys import scaling_problems
from infra.settings.consistency.owned_fields import remove_owned
from infra.settings.consistency.rollout_keys import rollout_problems
from infra.settings.consistency.smoke_test_keys import smoke_problems
from infra.settings.consistency.variant_keys import variant_problems
from infra.settings.endpoint_spec import EndpointSpec
from infra.settings.keys.approvers import with_sessions
from infra.settings.keys.endpoint_settings import EXPLANATIONS, KNOWN_KEYS, OF_A_VARIANT, EndpointSettings
from infra.settings.mistakes.misspelt_keys import meant
from infra.settings.mistakes.wrong_values import problem_of, words_of
from infra.settings.problem import FieldPath, Problem, field_name, shown
from infra.settings.reading.defaults import read_defaults, with_defaults
from infra.settings.reading.document import Document, read_document
from infra.settings.reading.files import find_settings, nothing_found
from infra.settings.rules.sagemaker_requests import found_violations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from infra.settings.rules.request_validation import Violation

_STAND_IN: Final = {"model_package_group": "stand-in", "instance_type": "ml.m5.large"}


_SECTIONS: Final = {path[0] for path in KNOWN_KEYS if path} - {"overrides"}
"""Keys that hold keys, some of them required: after a mistake inside, the rest may mean anything."""


def load_catalogue(
    directory: Path, shown_as: str, *, stack_name: str
) -> tuple[list[EndpointSpec], list[Problem]]:
    """Read every endpoint's settings below a directory, with the defaults for all of them.

    `shown_as` is how problems name the directory; `stack_name` is part of alarms' names. Returns the
    endpoints, ordered by name, and every problem; the endpoints are complete only if there is none.
    """
    if not directory.is_dir():
        got = "a file" if directory.exists() else "no such directory"
        fix = "create it, or set the context key endpoints_dir"
        return [], [Problem(shown_as, 0, "the directory", got, "a directory of endpoint settings", fix)]
    found = find_settings(directory, shown_as)
    nothing = nothing_found(found, shown_as)
    specs, problems = compile_files(found.settings, found.defaults, directory, shown_as, stack_name)
    problems += [*found.problems, *([nothing] if nothing else []), *_shared_names(specs)]
    return specs, list(dict.fromkeys(problems))


def compile_files(
    paths: Iterable[Path], defaults: Sequence[Path], directory: Path, shown_as: str, stack_name: str
) -> tuple[list[EndpointSpec], list[Problem]]:
    """Read and compile some files below a directory, each with the defaults for all endpoints."""

    def shown(path: Path) -> str:
        return f"{shown_as}/{path.relative_to(directory).as_posix()}"

    specs: list[EndpointSpec] = []
    problems: list[Problem] = []
    inherited: Document | None = None
    for path in defaults[:1]:
        inherited, problems = read_defaults(path, shown(path))
    for path in paths:
        document, found = read_document(path, shown(path))
        problems += found
        if document is not None:
            spec, found = compile_document(with_defaults(document, inherited), stack_name)
            problems += found
            specs += [spec] if spec else []
    return sorted(specs, key=lambda spec: spec.endpoint_name), problems


def compile_document(document: Document, stack_name: str) -> tuple[EndpointSpec | None, list[Problem]]:
    """Check one file and compile it.

    A file with mistakes is compiled as well, with stand-ins for what is wrong, so that mistakes which show
    only in the compiled requests are reported together with the others. Its specification then serves to find
    two files that claim one name; it is None if not even the name can be known.
    """
    content = deepcopy(document.content)
    problems = [
        *_serving_choice(document, content),
        *_empty_values(document, content),
        *remove_owned(document, content),
        *given_twice(document),
    ]
    content.setdefault("endpoint_name", document.stem)
    settings, found = _validated(document, content)
    empty = {problem.field for problem in problems}
    problems += [problem for problem in found if problem.field not in empty]
    assert settings.endpoint_name is not None
    compiled = compile_settings(settings, settings.endpoint_name, stack_name)
    unclear = list(_inconsistencies(document, settings))
    problems += unclear
    reported = {problem.field for problem in problems}
    sections = {re.split(r"[.\[]", problem.field)[0] for problem in unclear if not problem.source}
    for operation, violation in found_violations(compiled):
        path = origin(document, compiled, operation, violation.path)
        # What keys that contradict each other become says nothing more.
        if field_name(path) not in reported and path[0] not in sections:
            problems.append(_violated(document, path, violation))
    warnings = [problem for problem in problems if problem.source and settings.unchecked]
    problems = [problem for problem in problems if problem not in warnings]
    value = "" if problems else serialised(compiled)
    problems += _size(document, settings, value)
    named = document.content.get("endpoint_name", document.stem) == settings.endpoint_name
    if not named:
        return None, sorted(set(problems))
    spec = EndpointSpec(
        document.file,
        settings.endpoint_name,
        settings.model_package_group,
        value,
        compiled,
        tuple(alarms(settings, settings.endpoint_name, stack_name)),
        tuple(sorted(set(warnings))),
        tuple((settings.asynchronous.input_paths or ()) if settings.asynchronous else ()),
    )
    return spec, sorted(set(problems))


def _violated(document: Document, path: FieldPath, violation: Violation) -> Problem:
    """Say a violation of AWS's rules in the words of the key that it came from, if there is one."""
    words = EXPLANATIONS.get(words_of(path)) if violation.is_limit else None
    return document.problem(
        path,
        got=violation.got,
        expected=words or violation.expected,
        fix=violation.fix,
        source=violation.source,
    )


def _inconsistencies(document: Document, settings: EndpointSettings) -> Iterator[Problem]:
    """Find keys that contradict each other before anything is compiled of them."""
    assert settings.endpoint_name is not None
    variants = hosted(settings, settings.endpoint_name)
    following = [variant for variant in variants if variant.follows]
    yield from variant_problems(document, settings)
    if settings.rollout is not None:
        instances = [variant.instances for variant in following]
        yield from rollout_problems(document, settings.rollout, instances)
    for variant in variants:
        if variant.scaling is not None:
            yield from scaling_problems(document, variant.where, variant.scaling, variant.serving)
    if settings.smoke_test is not None:
        asynchronous = settings.asynchronous is not None
        yield from smoke_problems(
            document, settings.smoke_test, asynchronous=asynchronous, variants=len(following)
        )


def _serving_choice(document: Document, content: dict[str, Any]) -> Iterator[Problem]:
    """Check that there is exactly one of three keys that say where models run, and leave one in `content`."""
    expected = "either instance_type (and instance_count) or serverless, or variants"
    if "variants" in content:
        for key in ("serverless", *OF_A_VARIANT):
            if key in content:
                content.pop(key)
                yield document.problem(
                    (key,),
                    got=f"{key} beside variants",
                    expected="variants that run on instances, each with its own keys",
                    fix=f"remove {key} or variants"
                    if key == "serverless"
                    else "move it into each of variants",
                )
    elif "serverless" in content:
        for key in ("instance_type", "instance_count"):
            if key in content:
                content.pop(key)
                fix = f"remove {key} or serverless"
                yield document.problem((key,), got=f"{key} beside serverless", expected=expected, fix=fix)
    elif "instance_type" not in content:
        content["instance_type"] = _STAND_IN["instance_type"]
        choices = {"instance_type", "serverless", "variants"}
        if choices & {found[0] for name in content if (found := meant((), name)) is not None}:
            return  # misspelt, which is reported as an unknown key
        fix = "add instance_type: ml.m5.large, say"
        yield document.problem(("instance_type",), got="neither", expected=expected, fix=fix)


def _empty_values(document: Document, content: dict[str, Any]) -> Iterator[Problem]:
    for where in KNOWN_KEYS:
        for holder, path in list(_mappings(content, where)):
            for key, value in list(holder.items()):
                if value is None:
                    del holder[key]
                    expected = EXPLANATIONS.get((*where, key), "a key that Greenlight knows")
                    fix = "give it a value, or remove the key"
                    yield document.problem((*path, key), got=shown(None), expected=expected, fix=fix)


def _mappings(
    value: object, where: tuple[str, ...], path: FieldPath = ()
) -> Iterator[tuple[dict[str, Any], FieldPath]]:
    """Find the mappings at a path of keys, in which `*` is any item of a list."""
    if not where:
        if isinstance(value, dict):
            yield value, path
    elif where[0] == "*":
        for index, item in enumerate(value if isinstance(value, list) else []):
            yield from _mappings(item, where[1:], (*path, index))
    elif isinstance(value, dict) and where[0] in value:
        yield from _mappings(value[where[0]], where[1:], (*path, where[0]))


def _validated(document: Document, content: dict[str, Any]) -> tuple[EndpointSettings, list[Problem]]:
    """Validate what a file holds; what is wrong gives way to a stand-in, so that there is always a result."""
    try:
        return EndpointSettings.model_validate(content), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    misnamed = {
        meant(words_of(detail["loc"][:-1]), str(detail["loc"][-1]))
        for detail in details
        if detail["type"] == "extra_forbidden"
    }
    problems = [
        problem_of(document, detail)
        for detail in details
        if detail["type"] != "missing" or words_of(detail["loc"]) not in misnamed
    ]
    for detail in details:
        _drop(content, detail["loc"])
    wrong = {detail["loc"][0] for detail in details}
    if "variants" in wrong:
        wrong.add("rollout")  # of how many instances, is not known
    for section in wrong & _SECTIONS:
        content.pop(str(section), None)
    if "serverless" not in content and "variants" not in content:
        content.setdefault("instance_type", _STAND_IN["instance_type"])
    content.setdefault("model_package_group", _STAND_IN["model_package_group"])
    content.setdefault("endpoint_name", "stand-in")
    return EndpointSettings.model_validate(content), problems


def _drop(content: dict[str, Any], path: FieldPath) -> None:
    # Of a list with a wrong item, the whole list: a list that lost an item says something else.
    *outer, last = takewhile(lambda part: isinstance(part, str), path)
    holder: Any = content
    for part in outer:
        holder = holder.get(part) if isinstance(holder, dict) else None
    if isinstance(holder, dict):
        holder.pop(last, None)


def _size(document: Document, settings: EndpointSettings, value: str) -> Iterator[Problem]:
    excess = len(value.encode()) - LARGEST_PARAMETER_BYTES
    if excess > 0:
        parts = {
            "environment": settings.environment,
            "tags": settings.tags,
            "approvers": with_sessions(settings.approvers or []),
            **{
                section: content.model_dump(exclude_defaults=True)
                for section in sorted(_SECTIONS)
                if isinstance(content := getattr(settings, section), BaseModel)
            },
            "variants": [each.model_dump(exclude_defaults=True) for each in settings.variants or ()],
            "overrides": settings.overrides.model_dump(exclude_defaults=True),
        }
        sizes = {key: len(serialised({key: part}).encode()) for key, part in parts.items() if part}
        largest = sorted(sizes, key=lambda key: -sizes[key])
        yield document.problem(
            (),
            got=f"{len(value.encode()):,} bytes once compiled",
            expected=f"at most {LARGEST_PARAMETER_BYTES:,} bytes, what an advanced SSM parameter holds",
            fix=f"shorten {' or '.join(f'{key} (about {sizes[key]:,} bytes)' for key in largest)} "
            f"by {excess:,} bytes",
        )


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
