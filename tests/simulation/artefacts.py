"""What versions are made of: as they were approved, as they serve, and as stages say that they deployed them.

Owns this memory only, and judges nothing. A version's artefact can be changed in the registry, so a version's
ARN does not tell what serves; here an artefact is the URL of its model data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.simulation.schedule import REGISTRY_WRITE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulation.world import Call, World

PREFIX: Final = "greenlight:"
DIGEST: Final = ":digest"
ENDPOINT: Final = ":endpoint:"


def artefact_of(package: Mapping[str, Any]) -> str:
    """Return what a version is made of, as DescribeModelPackage shows it."""
    (container,) = package["InferenceSpecification"]["Containers"]
    url: str = container["ModelDataUrl"]
    return url


def stages_in(package: Mapping[str, Any]) -> set[str]:
    """Return the stages that stamped a version with a digest."""
    stamps = package.get("CustomerMetadataProperties") or {}
    return {key.removeprefix(PREFIX).removesuffix(DIGEST) for key in stamps if _is_digest(key)}


class Artefacts:
    """What is known of the artefacts of a world's versions.

    Attributes:
        of_attempts: Endpoint and number of an attempt to what really came to serve by it.
        stamped: Stage and version's ARN in lower case to what the stage's last digest stands for.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._approved: dict[tuple[str, str, str], str] = {}
        self.of_attempts: dict[tuple[str, int], str] = {}
        self.stamped: dict[tuple[str, str], str] = {}

    def note_call(self, call: Call) -> None:
        """Remember what was approved, and what a stage says that it deployed."""
        if call.operation == "PutItem" and call.accepted:
            self._note_approval(call)
        elif call.operation == REGISTRY_WRITE and call.accepted:
            for name, stage_name in digests_in(call):
                deployed = self.last_deployed(name, call.request["ModelPackageArn"].lower())
                if deployed is not None:
                    self.stamped[stage_name, call.request["ModelPackageArn"].lower()] = deployed

    def _note_approval(self, call: Call) -> None:
        item = call.request["Item"]
        if not item["item"]["S"].startswith("approval#"):
            return
        name, arn, time = (item[key]["S"] for key in ("endpoint", "version_arn", "approved_at"))
        read = last_read(call, arn)
        if read is not None:
            self._approved[name, arn.lower(), time] = artefact_of(read)

    def note_service(self, endpoint_name: str, config_name: str, attempt: int) -> None:
        """Remember what an endpoint came to serve by an attempt."""
        urls = {
            container.model_data_url
            for spec, _ in self._world.hosting.receiving(endpoint_name)
            for container in spec.containers
            if spec.endpoint_config_name == config_name
        }
        if len(urls) == 1 and (url := urls.pop()) is not None:
            self.of_attempts[endpoint_name, attempt] = url

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
            container.model_data_url
            for spec, _ in self._world.hosting.receiving(endpoint_name)
            for container in spec.containers
            if container.model_data_url is not None
        }

    def last_deployed(self, endpoint_name: str, arn: str) -> str | None:
        """Return what a version, by its ARN in lower case, was when it last went live on an endpoint."""
        numbers = [
            int(each["number"])
            for each in self._world.journal(endpoint_name, "attempt#")
            if each["version_arn"].lower() == arn
            and each["status"] == "succeeded"
            and (endpoint_name, int(each["number"])) in self.of_attempts
        ]
        return self.of_attempts[endpoint_name, numbers[-1]] if numbers else None


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
