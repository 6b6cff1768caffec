"""Checks, before anybody approves a version, what would keep it from serving on an endpoint. Pure.

The deployer shows the answer in the registry as soon as a version is registered, and `greenlight plan
--approve` asks the same. Whether S3 and ECR have what the version names, only the command looks: the deployer
has no permission for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from deployer.decisions.instance_types import misfit
from deployer.model.artifacts import artifact_uris
from deployer.model.s3_uris import NoS3UriError, place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.model_version import ModelVersion
    from deployer.model.settings import EndpointSettings
    from deployer.model.stack_identity import StackIdentity

OK: Final = "ok"

_PENDING: Final = "PendingManualApproval"


class Obstacle(NamedTuple):
    """What would keep a version from serving.

    Attributes:
        reason: What is wrong: a sentence.
        remedy: What a person can do: a sentence.
    """

    reason: str
    remedy: str


def awaits_approval(version: ModelVersion) -> bool:
    """Tell whether a version is registered, and nobody has decided about it."""
    return version.status == "Completed" and version.approval_status == _PENDING


def obstacle(version: ModelVersion, settings: EndpointSettings, identity: StackIdentity) -> Obstacle | None:
    """Return what would keep a version from serving on an endpoint, as far as its own entry tells.

    Args:
        version: The version.
        settings: The endpoint's.
        identity: The stack's: which buckets its models may read.
    """
    found = artifact_obstacle(version, settings, identity)
    if found is not None:
        return found
    reason_and_remedy = misfit(settings, settings.following_variants.values(), version.instance_types)
    return Obstacle(*reason_and_remedy) if reason_and_remedy is not None else None


def artifact_obstacle(
    version: ModelVersion, settings: EndpointSettings, identity: StackIdentity
) -> Obstacle | None:
    """Return why the role that models run with cannot get at a version's artifacts; None if it may.

    What a stage's role may read, the registry's account says as well. A role that the stack did not make may
    do what its owner allowed it. Artifacts of a hub are read with the hub's permission (botocore:
    `HubAccessConfig`). A policy of the bucket may let the role in, too, which nothing here shows.
    """
    name = settings.inference_specification_name
    if not version.containers.get(name):
        return Obstacle(
            f"It has no inference specification {name}."
            if name is not None
            else "It has no inference specification.",
            "Register a version that has one.",
        )
    containers = [each for each in version.containers[name] if not _is_of_hub(each)]
    is_stacks_own = settings.stage_name is None and "ExecutionRoleArn" not in settings.create_model
    buckets = identity.model_buckets if is_stacks_own else None
    for uri in artifact_uris(containers):
        try:
            bucket, _ = place(uri)
        except NoS3UriError as error:
            return Obstacle(f"{error}.", "Register a version whose artifact is in S3.")
        if buckets is not None and bucket not in buckets:
            return Obstacle(
                f"The models' role may not read {uri}.",
                "Add its bucket to model_buckets in cdk.json, and deploy the stack.",
            )
    return None


def _is_of_hub(container: Mapping[str, Any]) -> bool:
    channels = [container.get("ModelDataSource") or {}, *container.get("AdditionalModelDataSources", ())]
    return any((each.get("S3DataSource") or {}).get("HubAccessConfig") for each in channels)


def words(obstacles: Mapping[str, Obstacle | None]) -> str:
    """Return what the registry says of a version.

    Args:
        obstacles: What would keep it from serving, by endpoint.
    """
    found = {name: each for name, each in obstacles.items() if each is not None}
    if not found:
        return OK
    causes: dict[Obstacle, list[str]] = {}
    for name, each in sorted(found.items()):
        causes.setdefault(each, []).append(name)
    told = [f"{_where(names, len(obstacles))}{each.reason} {each.remedy}" for each, names in causes.items()]
    return f"would fail{''.join(told)}"


def is_due(told: str, shown: str | None, followers: Sequence[EndpointSettings]) -> bool:
    """Tell whether the registry is to show something else.

    If somebody approves a version while the deployer writes to it, SageMaker names the deployer as the last
    to change it. Where endpoints ask who approved, such an approval does not count. There, good news alone is
    not worth that.
    """
    if told == OK and shown is None:
        return not any(each.asks_who_approved for each in followers)
    return told != shown


def _where(names: Sequence[str], followers: int) -> str:
    return ": " if len(names) == followers else f" on {', '.join(names)}: "
