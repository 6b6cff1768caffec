"""Owns what contradicts each other between the registry and stages, each of which is right by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.configuration.partitions import partition_of, url_suffix_of
from infra.configuration.promotion_order import mistakes
from infra.settings.problem import Problem, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from infra.configuration.registry_and_stages import Registry, Stage


def contradictions_between(registry: Registry, stages: Mapping[str, Stage], place: str) -> Iterator[Problem]:
    """Find what is wrong between stages, each of which is right."""
    for name, stage in stages.items():
        at = f"stages.{name}"
        if stage.region not in (None, registry.region):
            expected = (
                f"{registry.region}, the registry's: SageMaker reads models and images of its own region"
            )
            fix = "copy models to a registry of that region, and make its stages an app of their own"
            yield Problem(place, 0, f"{at}.region", shown(stage.region), expected, fix)
        if stage.soak_seconds is not None and stage.promotion is None:
            expected = "a promotion, which is written after it"
            yield Problem(place, 0, f"{at}.soak_seconds", "no promotion beside it", expected, "add promotion")
        for key in ("execution_role_arn", "operators"):
            given = getattr(stage, key)
            for arn in [given] if isinstance(given, str) else given or []:
                if arn.split(":")[4] != stage.account:
                    expected = f"a role of the stage's account {stage.account}: no other's can be passed"
                    yield Problem(
                        place, 0, f"{at}.{key}", shown(arn), expected, "name a role of that account"
                    )
    yield from mistakes(stages, place)
    yield from _one_group_twice(registry, place)
    yield from _elsewhere(registry, place)


def _one_group_twice(registry: Registry, place: str) -> Iterator[Problem]:
    """Find groups that differ by letter case alone: SageMaker has only one of them."""
    first: dict[str, str] = {}
    for name in registry.groups:
        known = first.setdefault(name.lower(), name)
        if known != name:
            got = f"{name}, which is {known}"
            expected = "each group once: letter case does not tell groups apart"
            yield Problem(place, 0, f"registry.groups.{name}", got, expected, f"remove it, or {known}")


def _elsewhere(registry: Registry, place: str) -> Iterator[Problem]:
    """Find images and keys that are not where the registry is.

    An image must be in the endpoint's region (botocore: ContainerDefinition), in whatever account; only the
    registry's own repositories are opened to stages. A key must be in its bucket's region (S3 user guide,
    "UsingKMSEncryption"), and its policy is changed from its own account only (botocore: kms PutKeyPolicy);
    a grant takes that the owner lets the policy editor make it, which is no less work by hand.
    """
    region, partition = registry.region, partition_of(registry.region)
    for name, group in registry.groups.items():
        at = f"registry.groups.{name}"
        for index, image in enumerate(group.images):
            if image.partition("/")[0].partition(".dkr.ecr.")[2] != f"{region}.{url_suffix_of(region)}":
                expected = (
                    f"<account>.dkr.ecr.{region}.{url_suffix_of(region)}/…: SageMaker pulls images from its "
                    "own region"
                )
                fix = f"name it in {region}; AWS's images are in each region, in an account of that region's"
                yield Problem(place, 0, f"{at}.images[{index}]", shown(image), expected, fix)
        for index, key in enumerate(group.keys):
            _, in_partition, _, in_region, account, _ = key.arn.split(":")
            if (in_partition, in_region) != (partition, region):
                expected = f"a key of {region}, where the artifacts are: S3 encrypts with no other region's"
                fix = f"name the key that they are encrypted with in {region}"
                yield Problem(place, 0, f"{at}.keys[{index}].arn", shown(key.arn), expected, fix)
            elif account != registry.account and key.by != "owner":
                expected = f"owner, as the key is of account {account}: only its own account lets others in"
                fix = 'write "by": "owner"; the doctor prints what the key\'s owner has to add'
                yield Problem(place, 0, f"{at}.keys[{index}].by", shown(key.by), expected, fix)
