"""What versions are made of: as they were approved, as they serve, and as stages say that they deployed them.

Owns this memory only, and judges nothing. A version's artifact can be changed in the registry, or overwritten
in S3, so a version's ARN does not tell what serves. Here an artifact is the URL of its model data and, in
stages, the entity tag of the object there. Nobody can see what is overwritten after the last look at it: what
was approved, what came to serve and what is passed on is what whoever did it was shown last. Who did not look
is shown nothing: then it is what was there when it was done.
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
    """Return where what a version is made of is, as DescribeModelPackage shows it."""
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
        of_attempts: Endpoint and number of an attempt to what really came to serve by it.
        stamped: Stage and version's ARN in lower case to what the stage's last digest stands for.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._approved: dict[tuple[str, str, str], str] = {}
        self._loaded: dict[tuple[str, str], dict[str, str]] = {}
        self.of_attempts: dict[tuple[str, int], str] = {}
        self.stamped: dict[tuple[str, str], str] = {}

    def note_call(self, call: Call) -> None:
        """Remember what was approved, what is deployed, and what a stage says that it deployed."""
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
        """Remember what an approval is for, once the journal says it."""
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
                # Where it could not be seen at first, it is what was found first.
                self._approved.setdefault((name, arn.lower(), time), approved)

    def _note_change(self, call: Call) -> None:
        """Remember what an endpoint is to load, wherever that is: what was listed right before the write."""
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
        """Return what a version is made of by now."""
        uri = artifact_of(package)
        return self._known_as(uri, self._world.bucket.tag(uri))

    def seen(self, package: Mapping[str, Any], call: Call) -> str:
        """Return what a version was made of when the invocation of a call looked last, before that."""
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
        """Remember what an endpoint came to serve by an attempt."""
        artifacts = {
            self._loaded_as(endpoint_name, config_name, container.model_data_url)
            for spec, _ in self._world.hosting.receiving(endpoint_name)
            for container in spec.containers
            if spec.endpoint_config_name == config_name and container.model_data_url is not None
        }
        if len(artifacts) == 1:
            self.of_attempts[endpoint_name, attempt] = artifacts.pop()

    def approved(self, endpoint_name: str, decided: Mapping[str, Any]) -> str | None:
        """Return what a version was made of when it was approved; None if nobody knows.

        Args:
            endpoint_name: For which endpoint.
            decided: The approval in its journal, or an attempt that it led to.
        """
        return self._approved.get((endpoint_name, decided["version_arn"].lower(), decided["approved_at"]))

    def serving(self, endpoint_name: str) -> set[str]:
        """Return what gets an endpoint's calls."""
        return {
            self._loaded_as(endpoint_name, spec.endpoint_config_name, container.model_data_url)
            for spec, _ in self._world.hosting.receiving(endpoint_name)
            for container in spec.containers
            if container.model_data_url is not None
        }

    def came_to_serve(self, endpoint_name: str, attempt: Mapping[str, Any]) -> str | None:
        """Return what really came to serve by an attempt; None if nobody knows.

        An attempt that only tries again what serves already asks SageMaker for nothing: then it is what the
        last attempt before it loaded that put its config on the endpoint.
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
        """Return what a version, by its ARN in lower case, was when it last went live on an endpoint."""
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
    """Return what an invocation last read of a version before a call; None if nothing."""
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
