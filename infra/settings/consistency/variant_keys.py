"""Owns which variants and shadows contradict an endpoint's other keys.

`rules/` checks the compiled values that SageMaker would refuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings.keys.endpoint_settings import EndpointSettings
    from infra.settings.problem import Problem
    from infra.settings.reading.document import Document


def variant_problems(document: Document, settings: EndpointSettings) -> Iterator[Problem]:
    """Find variants that could never change, and a shadow that no version could reach."""
    if settings.variants and all(variant.version is not None for variant in settings.variants):
        yield document.problem(
            ("variants",),
            got="variants that all stay on a version",
            expected="at least one that follows the group: otherwise nothing is left to approve",
            fix="remove version from the variant that approvals are to change",
        )
    floor = settings.rollout is not None and settings.rollout.alarms.invocations_floor is not None
    for variant in settings.variants or ():
        if floor and variant.version is None and variant.weight == 0:
            yield document.problem(
                ("rollout", "alarms", "invocations_floor"),
                got=f"a floor, with the variant {variant.name} of weight 0",
                expected="calls to every variant that follows the group: without any, the alarm stops every "
                "rollout",
                fix="remove the floor, or give the variant a weight",
            )
    if settings.shadow is not None and not settings.approvers and not settings.four_eyes:
        yield document.problem(
            ("shadow",),
            got="a shadow, with neither approvers nor four_eyes",
            expected="one of them, to keep some approvals from going live: without, every approval does, and "
            "nothing is left for the shadow",
            fix="add approvers, and name those who may promote a version",
        )
