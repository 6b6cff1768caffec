"""Owns reading a whole directory of endpoint settings, and the rules between files.

Collects every problem of every file and raises none: `app.py` prints them together with the context's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ValidationError

from infra.settings.approvers import ANYONE, remedy, with_sessions
from infra.settings.autoscaling import scaling_problems
from infra.settings.compiler import (
    LARGEST_PARAMETER_BYTES,
    alarms,
    compile_settings,
    found_violations,
    origin,
    serialised,
)
from infra.settings.defaults import read_defaults, with_defaults
from infra.settings.document import Document, read_document
from infra.settings.endpoint import (
    EXPLANATIONS,
    KNOWN_KEYS,
    OF_A_VARIANT,
    EndpointSettings,
)
from infra.settings.files import find_settings, nothing_found
from infra.settings.limits import s3_place
from infra.settings.meant import meant
from infra.settings.ownership import remove_owned
from infra.settings.placements import given_twice
from infra.settings.problem import FieldPath, Problem, field_name, nearest, shown
from infra.settings.rollout import inconsistencies
from infra.settings.service_model import sagemaker
from infra.settings.smoke_test import smoke_problems
from infra.settings.variants import hosted, variant_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from infra.settings.alarms import Alarm
    from infra.settings.service_model import Violation

_STAND_IN: Final = {"model_package_group": "stand-in", "instance_type": "ml.m5.large"}


_SECTIONS: Final = {path[0] for path in KNOWN_KEYS if path} - {"overrides"}
"""Keys that hold keys, some of them required: after a mistake inside, the rest may mean anything."""


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """Hold one endpoint as the stack makes it: its settings' SSM parameter, and its rollouts' alarms."""

    file: str
    endpoint_name: str
    model_package_group: str
    parameter_value: str
    compiled: Mapping[str, Any] = field(default_factory=dict)
    """What the parameter's value says."""
    alarms: tuple[Alarm, ...] = ()
    warnings: tuple[Problem, ...] = ()
    """What AWS's texts object to, and `unchecked: true` waives."""
    input_paths: tuple[str, ...] = ()
    """Below which places in S3 asynchronous requests are. The models' role reads there; nothing else asks."""

    @property
    def inference_specification_name(self) -> str | None:
        """Which of a version's inference specifications is served; None for its own."""
        name: str | None = self.compiled["CreateModel"]["Containers"][0].get("InferenceSpecificationName")
        return name


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
    words = EXPLANATIONS.get(_words(path)) if violation.is_limit else None
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
        yield from inconsistencies(document, settings.rollout, instances)
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
        meant(_words(detail["loc"][:-1]), str(detail["loc"][-1]))
        for detail in details
        if detail["type"] == "extra_forbidden"
    }
    problems = [
        _problem(document, detail)
        for detail in details
        if detail["type"] != "missing" or _words(detail["loc"]) not in misnamed
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


def _problem(document: Document, detail: ErrorDetails) -> Problem:
    """Translate one of pydantic's errors into ours."""
    path = detail["loc"]
    words = _words(path)
    keys = ", ".join(KNOWN_KEYS.get(words, ()))
    expected = EXPLANATIONS.get(words) or EXPLANATIONS.get((*words[:-1], "*")) or f"a mapping of {keys}"
    if words not in EXPLANATIONS and words[-1] == "*" and not keys:
        expected = f"items of {words[-2]}: {EXPLANATIONS[words[:-1]]}"
    if detail["type"] == "extra_forbidden":
        return _unknown_key(document, path)
    if detail["type"] == "missing":
        return document.problem(path, got="nothing", expected=expected, fix=f"add {words[-1]}")
    fix = _approvers_fix(document, detail) if "approvers" in path else _fix(document, detail, words[-1])
    return document.problem(path, got=shown(detail["input"]), expected=expected, fix=fix)


def _words(path: FieldPath) -> tuple[str, ...]:
    return tuple("*" if isinstance(part, int) else part for part in path)


def _fix(document: Document, detail: ErrorDetails, key: str) -> str:
    """Say how to mend a value that is not what its key expects."""
    path = detail["loc"]
    match detail["type"]:
        case "string_type" if path in document.scalars:
            return f'quote it: {key}: "{document.scalars[path]}"'
        case "string_type":
            return "write a single value"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "write it as key: value lines"
        case "string_pattern_mismatch" | "string_too_long" if path == ("endpoint_name",):
            return (
                "choose another name" if path in document.lines else "rename the file, or set endpoint_name"
            )
        case "string_pattern_mismatch" | "string_too_long" if path == ("model_package_group",):
            return "use at most 63 letters, digits and inner hyphens"
        case _:
            return _plain_fix(detail)


def _plain_fix(detail: ErrorDetails) -> str:
    """Say how to mend a value whose type or range tells enough."""
    value, context = detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "literal_error":
            allowed = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
            similar = nearest(str(value), allowed)
            suggested = f"did you mean {' or '.join(similar)}?"
            return suggested if similar else f"choose one of {', '.join(allowed)}"
        case "list_type":
            return "write it as a list: each item on a line of its own, after a dash"
        case "int_type" if isinstance(value, float):
            return "write a whole number"
        case "int_type" | "float_type" if isinstance(value, str):
            return "write a number, without quotes"
        case "bool_type":
            return "write true or false, without quotes"
        case _:
            return _limit_fix(detail)


def _limit_fix(detail: ErrorDetails) -> str:
    """Say how to mend a value that is beyond a limit of Greenlight's own."""
    value, context = detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "greater_than_equal" | "less_than_equal":
            return f"the nearest allowed value is {context.get('ge', context.get('le'))}"
        case "greater_than":
            return f"write a number above {context['gt']:g}"
        case "less_than":
            return f"write a number below {context['lt']:g}"
        case "multiple_of":
            step = context["multiple_of"]
            return f"the nearest allowed value is {max(round(value / step), 1) * step:g}"
        case "string_too_short" | "too_short":
            return "write what is missing, or remove the key"
        case "string_too_long":
            return f"shorten it by {len(value) - context['max_length']} characters"
        case "too_long":
            return f"remove {context['actual_length'] - context['max_length']}"
        case "string_pattern_mismatch" if str(value).startswith("https://"):
            return f"write {s3_place(str(value))}"
        case _:
            return "correct the value"


def _approvers_fix(document: Document, detail: ErrorDetails) -> str:
    match detail["type"]:
        case "list_type":
            return "write it as a list: each pattern on a line of its own, after a dash"
        case "too_short":
            return ANYONE
        case "too_long":
            return "join some of them with wildcards, or name a role that they all have"
        case _:
            return remedy(document.scalars.get(detail["loc"], ""))


def _unknown_key(document: Document, path: FieldPath) -> Problem:
    known = KNOWN_KEYS.get(_words(path[:-1]), ())
    name = str(path[-1])
    around = _words(path[:-1])
    key = meant(around, name)
    section = _api_section(name)
    if key is not None and key[:-1] == around:
        fix = f"did you mean {key[-1]}?"
    elif key is not None and len(key) == 1:
        fix = f"move it to the top level of the file, as {key[0]}"
    elif key is not None:
        fix = f"did you mean the key {field_name(key).replace('.*', '[]')}?"
    elif section:
        fix = f"move it to overrides.{section}"
    else:
        fix = "remove it"
    if key is not None and section is not None and not around:
        fix += f" Otherwise move it to overrides.{section}"
    return document.problem(
        path, got=f"the unknown key {name}", expected=f"one of {', '.join(known)}", fix=fix
    )


def _api_section(name: str) -> Literal["model", "endpoint_config", "deployment_config"] | None:
    """Find which override a name of SageMaker's API belongs to."""
    if name in sagemaker().shape_for("CreateModelInput").members:  # type: ignore[attr-defined]
        return "model"
    for shape in ("CreateEndpointConfigInput", "DeploymentConfig"):
        if name in sagemaker().shape_for(shape).members:  # type: ignore[attr-defined]
            return "endpoint_config" if shape == "CreateEndpointConfigInput" else "deployment_config"
    return None


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
