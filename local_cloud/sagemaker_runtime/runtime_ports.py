"""The world around the SageMaker runtime, as protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.hosting.fleets import Invocation
    from local_cloud.sagemaker.ports import FleetSpec


class StorageError(Exception):
    """An object could not be written, or a topic not notified; the message says why."""


class Storage(Protocol):
    """The necessary parts of S3 and SNS."""

    def read_object(self, s3_url: str, *, account_id: str) -> bytes | None:
        """Return the object's bytes, or None if there is none."""
        ...

    async def write_object(
        self,
        s3_url: str,
        content: bytes,
        *,
        content_type: str,
        account_id: str,
        region: str,
        kms_key_id: str = "",
    ) -> None:
        """Write an object, encrypted with a key if one is given; raise `StorageError` if that fails."""
        ...

    async def publish(self, topic_arn: str, message: str, *, account_id: str, region: str) -> None:
        """Publish a message; raise `StorageError` if that fails."""
        ...


class ModelRoles(Protocol):
    """A model's execution role while it serves; each method says why it may not act, or None."""

    def refusal_to_read(self, s3_url: str, *, role_arn: str, region: str) -> str | None:
        """Say why the role may not read or decrypt an object."""
        ...

    def refusal_to_write(
        self, s3_url: str, *, role_arn: str, region: str, kms_key_id: str | None
    ) -> str | None:
        """Say why the role may not write an object, or encrypt it with this key or the bucket's default."""
        ...

    def refusal_to_publish(self, topic_arn: str, *, role_arn: str, region: str) -> str | None:
        """Say why the role may not publish to a topic."""
        ...


class HostedEndpoints(Protocol):
    """The part of the hosting that serves invocations; see `Fleets.invoke`."""

    def invoke(
        self,
        account_id: str,
        region: str,
        endpoint_name: str,
        *,
        target_variant: str | None,
        body: bytes,
        headers: Mapping[str, str],
        timeout_seconds: float | None = None,
    ) -> Invocation:
        """Let one fleet of the endpoint answer."""
        ...

    def async_inference(self, account_id: str, region: str, endpoint_name: str) -> Mapping[str, Any] | None:
        """Return the endpoint's AsyncInferenceConfig; None if it answers synchronously."""
        ...

    def serving(self, account_id: str, region: str, endpoint_name: str) -> FleetSpec:
        """Return an endpoint's serving fleet."""
        ...
