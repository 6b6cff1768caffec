"""Owns checking and compiling one file of endpoint settings.

Collects every problem and raises none.
"""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING

from infra.settings.compiling.compiler import compile_settings, origin
from infra.settings.compiling.field_mapping import given_twice
from infra.settings.compiling.hosted_variants import hosted
from infra.settings.compiling.smoke_test_guard import exposure
from infra.settings.consistency.autoscaling_keys import scaling_problems
from infra.settings.consistency.freeze_keys import freeze_problems
from infra.settings.consistency.owned_fields import remove_owned
from infra.settings.consistency.repeated_tests import repetition_problems
from infra.settings.consistency.rollout_keys import rollout_problems
from infra.settings.consistency.smoke_test_keys import smoke_problems
from infra.settings.consistency.variant_keys import variant_problems
from infra.settings.endpoint_spec import EndpointSpec
from infra.settings.keys.endpoint_settings import EXPLANATIONS, EndpointSettings
from infra.settings.mistakes.replacements import choose_serving, remove_empty, validated
from infra.settings.mistakes.wrong_values import words_of
from infra.settings.problem import FieldPath, Problem, field_name
from infra.settings.rules.sagemaker_requests import found_violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.reading.document import Document
    from infra.settings.rules.request_validation import Violation


def compile_document(document: Document, stack_name: str) -> tuple[EndpointSpec | None, list[Problem]]:
    """Check one file and compile it.

    A file with mistakes is compiled too, with stand-ins for wrong values, so that mistakes in the compiled
    requests are reported together with the others. Its specification also serves to find two files for one
    name; it is None if the name is unknown.
    """
    content = deepcopy(document.content)
    problems = [
        *choose_serving(document, content),
        *remove_empty(document, content),
        *remove_owned(document, content),
        *given_twice(document),
    ]
    content.setdefault("endpoint_name", document.stem)
    settings, found = validated(document, content)
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
        # The result of contradicting keys tells nothing more.
        if field_name(path) not in reported and path[0] not in sections:
            problems.append(_violated(document, path, violation))
    warnings = [problem for problem in problems if problem.source and settings.unchecked]
    problems = [problem for problem in problems if problem not in warnings]
    named = document.content.get("endpoint_name", document.stem) == settings.endpoint_name
    if not named:
        return None, sorted(set(problems))
    spec = EndpointSpec(
        document.file,
        settings.endpoint_name,
        settings.model_package_group,
        compiled,
        tuple(sorted(set(warnings))),
        None if problems else exposure(settings),
        tuple((settings.asynchronous.input_paths or ()) if settings.asynchronous else ()),
    )
    return spec, sorted(set(problems))


def _violated(document: Document, path: FieldPath, violation: Violation) -> Problem:
    """Report a violation of AWS's rules in the words of the key that caused it, if there is one."""
    words = EXPLANATIONS.get(words_of(path)) if violation.is_limit else None
    return document.problem(
        path,
        got=violation.got,
        expected=words or violation.expected,
        fix=violation.fix,
        source=violation.source,
    )


def _inconsistencies(document: Document, settings: EndpointSettings) -> Iterator[Problem]:
    """Find keys that contradict each other, before compiling."""
    assert settings.endpoint_name is not None
    variants = hosted(settings, settings.endpoint_name)
    following = [variant for variant in variants if variant.follows]
    yield from variant_problems(document, settings)
    yield from freeze_problems(document, settings.freeze)
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
        yield from repetition_problems(document, settings, settings.smoke_test)
