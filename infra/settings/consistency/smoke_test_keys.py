"""Owns which requests of a smoke test are impossible, and which expectations could never hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import jmespath  # type: ignore[import-untyped] # comes with botocore, without types
from jmespath.exceptions import JMESPathError  # type: ignore[import-untyped] # likewise
from jmespath.functions import Functions  # type: ignore[import-untyped] # likewise

from infra.settings.keys.smoke_tests import LEAST_CALLS_FOR_P95, SmokeTest, SmokeTestRequest
from infra.settings.problem import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.problem import FieldPath, Problem
    from infra.settings.reading.document import Document
MOST_CALLS: Final = 200
_SOURCES: Final = ("body", "body_from", "sample_payload")


def smoke_problems(
    document: Document, test: SmokeTest, *, asynchronous: bool, variants: int
) -> Iterator[Problem]:
    """Find impossible requests, and expectations that could never hold.

    `variants` is the number of variants that follow the group: each of them is called.
    """
    if asynchronous:
        yield document.problem(
            ("smoke_test",),
            got="a smoke test of an asynchronous endpoint",
            expected="an endpoint that answers at once: this one cannot be called directly",
            fix="remove it",
        )
    for index, request in enumerate(test.requests):
        yield from _request_problems(document, ("smoke_test", "requests", index), request)
    calls = sum(request.calls for request in test.requests) * variants
    if calls > MOST_CALLS:
        each = "" if variants == 1 else f", to {variants} variants that follow the group"
        yield document.problem(
            ("smoke_test", "requests"),
            got=f"{calls} calls in all{each}",
            expected=f"at most {MOST_CALLS}: a version is tried, not load-tested",
            fix="lower repeat",
        )


def _request_problems(document: Document, path: FieldPath, request: SmokeTestRequest) -> Iterator[Problem]:
    sources = [name for name in _SOURCES if getattr(request, name) not in (None, False)]
    if len(sources) != 1:
        yield document.problem(
            path,
            got=" beside ".join(sources) or "nothing to send",
            expected=f"exactly one of {', '.join(_SOURCES)}",
            fix="keep one of them" if sources else "add body, say",
        )
    if request.content_type is None and not request.sample_payload:
        yield document.problem(
            (*path, "content_type"),
            got="nothing",
            expected="the content type of what is sent: models choose by it how to read it",
            fix="add content_type: text/csv, say",
        )
    if request.p95_ms is not None and request.calls < LEAST_CALLS_FOR_P95:
        yield document.problem(
            (*path, "repeat"),
            got=f"{request.calls} calls, with p95_ms",
            expected=f"at least {LEAST_CALLS_FOR_P95}: of fewer calls, the p95 is the slowest one",
            fix=f"raise it to {LEAST_CALLS_FOR_P95}, or leave it out",
        )
    if request.expect is not None:
        yield from _expression_problems(document, path, request.expect, request.response_content_type)


def _expression_problems(
    document: Document, path: FieldPath, expression: str, content_type: str | None
) -> Iterator[Problem]:
    if content_type is not None and "json" not in content_type.lower():
        yield document.problem(
            (*path, "expect"),
            got=f"an expression over an answer in {content_type}",
            expected="an answer in JSON: JMESPath reads nothing else",
            fix="remove expect, or ask for JSON with accept",
        )
    try:
        parsed = jmespath.compile(expression).parsed
    except JMESPathError as error:
        said = " ".join(str(error).splitlines()[0].split())
        yield document.problem(
            (*path, "expect"),
            got=f"{shown(expression)}: {said}",
            expected="a JMESPath expression (jmespath.org)",
            fix="correct it; numbers stand in backquotes, as in score > `0.5`",
        )
        return
    known = Functions.FUNCTION_TABLE
    for name in _functions(parsed):
        if name not in known:
            meant = nearest(name, known)
            yield document.problem(
                (*path, "expect"),
                got=f"the unknown function {name}",
                expected="functions that JMESPath has (jmespath.org)",
                fix=f"did you mean {' or '.join(meant)}?" if meant else "use another one",
            )


def _functions(node: dict[str, Any]) -> Iterator[str]:
    """List the functions that a parsed expression calls."""
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _functions(child)
