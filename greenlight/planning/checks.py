"""Looks, before an approval, at what would keep the version from going out. It changes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from deployer.decisions.preflight import artifact_obstacle
from deployer.model.artifacts import artifact_uris
from deployer.model.names import same_arn
from deployer.model.s3_uris import NoS3UriError, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from deployer.decisions.course import Preview
    from deployer.model.identity import Identity
    from deployer.model.model_version import ModelVersion

_ECR: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?(@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_MISSING: Final = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})
_NO_IMAGE: Final = frozenset({"ImageNotFoundException", "RepositoryNotFoundException"})


@dataclass(frozen=True, slots=True)
class Check:
    """One look.

    Attributes:
        name: What was looked at.
        passed: Whether it is as it must be; None if the caller may not see it.
        message: What is wrong, or why nobody can tell.
    """

    name: str
    passed: bool | None
    message: str | None = None


def approval_checks(
    preview: Preview, version: ModelVersion, approver: Identity, client_of: Callable[[str], Any]
) -> Iterator[Check]:
    """Look at a version that somebody may approve, for one endpoint.

    Args:
        preview: What a pass would do after the approval.
        version: The version.
        approver: Who would approve it.
        client_of: Returns a service's client.
    """
    settings = preview.facts.settings
    containers = version.containers.get(settings.inference_specification_name, [])
    hindered = artifact_obstacle(version, settings, preview.facts.identity)
    if hindered is not None:
        yield Check("artifact", passed=False, message=f"{hindered.reason} {hindered.remedy}")
    else:
        yield _artifact(client_of, artifact_uris(containers))
    yield _image(client_of, containers)
    refused = [
        each
        for each in (preview.chosen.ineligible if preview.chosen is not None else ())
        if same_arn(each.approval.version_arn, version.arn)
    ]
    yield Check("instance type", not refused, refused[0].reason if refused else None)
    objection = settings.policy.objection(approved_by=approver, registered_by=version.registered_by)
    yield Check("approver", objection is None, objection)


def _artifact(client_of: Callable[[str], Any], uris: Iterable[str]) -> Check:
    for uri in uris:
        try:
            bucket, key = place(uri)
            found = client_of("s3").list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        except NoS3UriError as error:
            # Of a hub: the others were read before.
            return Check("artifact", passed=None, message=str(error))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _MISSING:
                return Check("artifact", passed=False, message=f"{uri} does not exist.")
            return Check("artifact", passed=None, message=f"You may not list {uri} ({code}).")
        # The object itself comes first: every other key that begins like its own is longer.
        keys = [each["Key"] for each in found.get("Contents", ())]
        if not keys or not (keys[0] == key or key.endswith("/") or not key):
            return Check("artifact", passed=False, message=f"{uri} does not exist.")
    return Check("artifact", passed=True)


def _image(client_of: Callable[[str], Any], containers: Sequence[Mapping[str, Any]]) -> Check:
    for uri in (str(each["Image"]) for each in containers if "Image" in each):
        parts = _ECR.fullmatch(uri)
        if parts is None:
            return Check("image", passed=None, message=f"{uri} is not in ECR.")
        image = (
            {"imageDigest": parts["digest"]} if parts["digest"] else {"imageTag": parts["tag"] or "latest"}
        )
        try:
            client_of("ecr").describe_images(
                registryId=parts["account"], repositoryName=parts["repository"], imageIds=[image]
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _NO_IMAGE:
                return Check("image", passed=False, message=f"{uri} does not exist.")
            return Check("image", passed=None, message=f"You may not look at {uri} ({code}).")
    return Check("image", passed=True)
