"""Read and write MiniStack's objects, and notify its topics, for SageMaker."""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
from functools import partial
from typing import Any
from urllib.parse import urlencode

from local_cloud.ministack.role_permissions import ExecutionRoles, bucket_and_key, encrypted_with
from local_cloud.sagemaker_runtime.runtime_ports import StorageError

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.app", "SERVICE_HANDLERS"),
    ("ministack.app", "app"),
    ("ministack.core.responses", "request_scope"),
    ("ministack.services.s3", "_get_object_data"),
    ("ministack.services.s3", "handle_request"),
)


class ObjectsAndTopics:
    """S3's objects and SNS's topics of every account and region.

    Args:
        execution_roles: Knows the owner of a bucket.
    """

    def __init__(self, execution_roles: ExecutionRoles) -> None:
        self.execution_roles = execution_roles
        self._handlers: dict[str, Any] = importlib.import_module("ministack.app").SERVICE_HANDLERS
        self._s3: Any = importlib.import_module("ministack.services.s3")
        self._responses: Any = importlib.import_module("ministack.core.responses")

    def read_object(self, s3_url: str, *, account_id: str) -> bytes | None:
        """Return an object's bytes, or None if there is none; `may_read` checks permissions."""
        bucket, key = bucket_and_key(s3_url)
        owner = self.execution_roles.bucket_owner(bucket, preferred=account_id)
        if owner is None:
            return None
        with self._responses.request_scope(owner, ""):
            content: bytes | None = self._s3._get_object_data(bucket, key)
        return content

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
        """Write an object as a client would; `refusal_to_write` checks permissions.

        Raises `StorageError` if there is no such bucket.
        """
        bucket, key = bucket_and_key(s3_url)
        owner = self.execution_roles.bucket_owner(bucket, preferred=account_id)
        headers = {"content-type": content_type, "host": "s3.amazonaws.com", **encrypted_with(kms_key_id)}
        status, body = await self._ask(
            "s3", "PUT", f"/{bucket}/{key}", headers, content, owner or account_id, region
        )
        if status >= 300:  # noqa: PLR2004
            raise StorageError(f"{s3_url} could not be written: {body.decode(errors='replace')}")

    async def publish(self, topic_arn: str, message: str, *, account_id: str, region: str) -> None:
        """Publish a message to an SNS topic; `refusal_to_publish` checks permissions.

        Raises `StorageError` if there is no such topic.
        """
        parameters = {"Action": "Publish", "TopicArn": topic_arn, "Message": message}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        form = urlencode(parameters).encode()
        status, body = await self._ask("sns", "POST", "/", headers, form, account_id, region)
        if status >= 300:  # noqa: PLR2004
            raise StorageError(f"{topic_arn} could not be told: {body.decode(errors='replace')}")

    async def _ask(
        self,
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        account_id: str,
        region: str,
    ) -> tuple[int, bytes]:
        """Return the status and body of a MiniStack service's answer."""
        handler = self._handlers[service]
        if service == "s3":
            # S3 treats an unsigned call as anonymous unless it comes from inside.
            handler = partial(self._s3.handle_request, internal=True)
        with self._responses.request_scope(account_id, region):
            status, _, content = await handler(method, path, headers, body, {})
        return status, content if isinstance(content, bytes) else str(content).encode()
