"""Names the customer metadata properties by which stages decide, so that no stage may write another's.

Pure. The deployer writes them: what a stage deployed; that it passed a version on; and how the version fares
on each endpoint, where it must be well on several to be passed on. All else that it stamps is for people.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from deployer.contract import digest_property, endpoint_property, promoted_property

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.settings.endpoint_spec import EndpointSpec


def deciding(stage_name: str, endpoints: Sequence[EndpointSpec], *, promotes: bool) -> dict[str, list[str]]:
    """Name a stage's properties on the versions of each group that its endpoints follow.

    Args:
        stage_name: The stage's.
        endpoints: What it carries.
        promotes: Whether it passes versions on.
    """
    followers: dict[str, list[EndpointSpec]] = defaultdict(list)
    for spec in endpoints:
        followers[spec.model_package_group.rpartition("/")[2]].append(spec)
    named: dict[str, list[str]] = {}
    for group, specs in followers.items():
        served = sorted({name for spec in specs for name in _specifications(spec.compiled)})
        names = [digest_property(stage_name, name) for name in (None, *served)]
        if promotes:
            names.append(promoted_property(stage_name))
            if len(specs) > 1:
                names += [endpoint_property(stage_name, spec.endpoint_name) for spec in specs]
        named[group] = names
    return named


def of_others(stage_name: str, named: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, list[str]]:
    """Collect, by group, what all stages but one have named; `named` is by stage."""
    others: dict[str, list[str]] = defaultdict(list)
    for name, by_group in named.items():
        if name != stage_name:
            for group, properties in by_group.items():
                others[group] += properties
    return dict(others)


def _specifications(compiled: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Find the additional inference specifications that settings name, wherever they do."""
    match compiled:
        case {"InferenceSpecificationName": str(name)}:
            yield name
        case dict():
            for value in compiled.values():
                yield from _specifications(value)
        case list():
            for value in compiled:
                yield from _specifications(value)
