"""Versions' artifacts: as approved, as served, and as stages say that they deployed them.

Owns only this memory, and judges nothing. A version's artifact can be changed in the registry, or overwritten
in S3, so the version's ARN does not identify what serves. Here an artifact is the URL of its model data and,
in stages, the entity tag of the object there. Nobody can see an overwrite after the last look. So the
artifact of an approval, a deployment or a promotion is the one that its author saw last. If the author did
not look, it is the artifact at that moment.
"""

from __future__ import annotations

from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.bucket import FIRST
from tests.simulation.schedule import LISTING, REGISTRY_WRITE, Stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.simulation.world import Call, World

PREFIX: Final = "greenlight:"
DIGEST: Final = ":digest"
ENDPOINT: Final = ":endpoint:"


def artifact_of(package: Mapping[str, Any]) -> str:
    """Return a version's artifact, as DescribeModelPackage shows it."""
    (container,) = package["InferenceSpecification"]["Containers"]
    url: str = container["ModelDataUrl"]
    return url


def stages_in(package: Mapping[str, Any]) -> set[str]:
    """Return the stages that stamped a version with a digest."""
    stamps = package.get("CustomerMetadataProperties") or {}
    return {key.removeprefix(PREFIX).removesuffix(DIGEST) for key in stamps if _is_digest(key)}


class Artifacts:
    """What is known of the artifacts of a world's versions.

    Attributes:
        of_attempts: By endpoint and number of an attempt, the artifact that it really brought into service.
        stamped: By stage and version's ARN in lower case, the artifact of the stage's last digest.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._approved: dict[tuple[str, str, str], str] = {}
        self._loaded: dict[tuple[str, str], dict[str, str]] = {}
        self.of_attempts: dict[tuple[str, int], str] = {}
        self.stamped: dict[tuple[str, str], str] = {}

    def note_call(self, call: Call) -> None:
        """Remember the artifacts of approvals, of deployments, and of stages' stamps."""
        if not call.accepted:
            return
        if call.operation in {"PutItem", "UpdateItem"}:
            self._note_approval(call)
        elif call.operation in {"CreateEndpoint", "UpdateEndpoint"}:
            self._note_change(call)
        elif call.operation == REGISTRY_WRITE:
            for name, stage_name in digests_in(call):
                deployed = self.last_deployed(name, call.request["ModelPackageArn"].lower())
                if deployed is not None:
                    self.stamped[stage_name, call.request["ModelPackageArn"].lower()] = deployed

    def _note_approval(self, call: Call) -> None:
        """Remember an approval's artifact, once the approval is in the journal."""
        key = call.request.get("Key") or call.request["Item"]
        name, item = key["endpoint"]["S"], key["item"]["S"]
        if not item.startswith("approval#"):
            return
        approval = self._world.journalled(name, item)
        arn, time = approval["version_arn"], approval["approved_at"]
        read = last_read(call, arn)
        if read is not None and "artifact_digest" in approval:
            approved = self.seen(read, call)
            if call.operation == "PutItem":
                self._approved[name, arn.lower(), time] = approved
            else:
                # If it was unreadable at first, it is the first artifact found.
                self._approved.setdefault((name, arn.lower(), time), approved)

    def _note_change(self, call: Call) -> None:
        """Remember the artifact that an endpoint is about to load: the one listed right before the write."""
        before = [
            each
            for each in reversed(call.invocation.calls[:-1])
            if not (each.operation == call.operation and each.request == call.request)
        ]
        # The registry is read last.
        since = dropwhile(lambda each: each.operation == "DescribeModelPackage", before)
        listed = _tags_in(takewhile(lambda each: each.operation == LISTING, since))
        key = call.request["EndpointName"], call.request["EndpointConfigName"]
        self._loaded[key] = {**self._world.bucket.tags, **listed}

    def now(self, package: Mapping[str, Any]) -> str:
        """Return a version's present artifact."""
        uri = artifact_of(package)
        return self._known_as(uri, self._world.bucket.tag(uri))

    def seen(self, package: Mapping[str, Any], call: Call) -> str:
        """Return a version's artifact at the last look of a call's invocation before the call."""
        uri = artifact_of(package)
        before = (each for each in reversed(call.invocation.calls) if each.number < call.number)
        listed = _tags_in(each for each in before if each.operation == LISTING)
        return self._known_as(uri, listed.get(uri, self._world.bucket.tag(uri)))

    def _loaded_as(self, endpoint_name: str, config_name: str, uri: str) -> str:
        return self._known_as(uri, self._loaded.get((endpoint_name, config_name), {}).get(uri, FIRST))

    def _known_as(self, uri: str, tag: str) -> str:
        # Outside of stages no bucket is known to be one that the deployer may look into.
        return uri if self._world.schedule.stages is Stages.NONE else f"{uri} {tag}"

    def note_service(self, endpoint_name: str, config_name: str, attempt: int) -> None:
        """Remember the artifact that an attempt brought into service."""
        artifacts = {
            self._loaded_as(endpoint_name, config_name, container.model_data_url)
            for spec, _ in self._world.hosting.receiving(endpoint_name)
            for container in spec.containers
            if spec.endpoint_config_name == config_name and container.model_data_url is not None
        }
        if len(artifacts) == 1:
            self.of_attempts[endpoint_name, attempt] = artifacts.pop()

    def approved(self, endpoint_name: str, decided: Mapping[str, Any]) -> str | None:
        """Return a version's artifact at its approval; None if nobody knows.

        Args:
            endpoint_name: For which endpoint.
            decided: The approval in its journal, or an attempt. A clean-up, which another invocation may have
                begun meanwhile, is of no version.
        """
        arn = decided.get("version_arn")
        return self._approved.get((endpoint_name, arn.lower(), decided["approved_at"])) if arn else None

    def serving(self, endpoint_name: str) -> set[str]:
        """Return what gets an endpoint's calls."""
        return {
            self._loaded_as(endpoint_name, spec.endpoint_config_name, container.model_data_url)
            for spec, _ in self._world.hosting.receiving(endpoint_name)
            for container in spec.containers
            if container.model_data_url is not None
        }

    def came_to_serve(self, endpoint_name: str, attempt: Mapping[str, Any]) -> str | None:
        """Return the artifact that an attempt really brought into service; None if nobody knows.

        An attempt that only tests the serving version again asks SageMaker for nothing. Then it is the
        artifact of the last attempt that put its config on the endpoint.
        """
        number = int(attempt["number"])
        own = self.of_attempts.get((endpoint_name, number))
        if own is not None or "accepted_at" in attempt or attempt.get("tests_begun", "0") == "0":
            return own
        loaded = (
            self.of_attempts.get((endpoint_name, int(each["number"])))
            for each in reversed(self._world.journal(endpoint_name, "attempt#"))
            if int(each["number"]) < number
            and each.get("endpoint_config_name") == attempt["endpoint_config_name"]
        )
        return next((each for each in loaded if each is not None), None)

    def last_deployed(self, endpoint_name: str, arn: str) -> str | None:
        """Return the artifact with which a version (ARN in lower case) last went live on an endpoint."""
        deployed = (
            self.came_to_serve(endpoint_name, each)
            for each in reversed(self._world.journal(endpoint_name, "attempt#"))
            if each["status"] == "succeeded" and each.get("version_arn", "").lower() == arn
        )
        return next((each for each in deployed if each is not None), None)


def _tags_in(listings: Iterable[Call]) -> dict[str, str]:
    """Return the entity tags that some listings showed, the newest first, by URI."""
    tags: dict[str, str] = {}
    for each in listings:
        for found in each.response.get("Contents", ()):
            tags.setdefault(f"s3://{each.request['Bucket']}/{found['Key']}", found["ETag"].strip('"'))
    return tags


def last_read(call: Call, version_arn: str) -> dict[str, Any] | None:
    """Return an invocation's last read of a version before a call; None if there was none."""
    return next(
        (
            each.response
            for each in reversed(call.invocation.calls)
            if each.number < call.number
            and each.operation == "DescribeModelPackage"
            and each.accepted
            and each.request["ModelPackageName"].lower() == version_arn.lower()
        ),
        None,
    )


def digests_in(call: Call) -> list[tuple[str, str]]:
    """Return for which endpoint a write to the registry stamps which stage's digest, if it does."""
    stamps = call.request.get("CustomerMetadataProperties", {})
    return [
        (key.partition(ENDPOINT)[2], key.removeprefix(PREFIX).partition(ENDPOINT)[0])
        for key in stamps
        if ENDPOINT in key and any(_is_digest(each) for each in stamps)
    ]


def _is_digest(key: str) -> bool:
    return key.startswith(PREFIX) and key.endswith(DIGEST)
