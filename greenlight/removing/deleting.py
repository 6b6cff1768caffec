"""Deletes what is left of an endpoint, in an order in which a second run finishes what an interruption left.

The endpoint goes first, so that nothing that serves loses what it needs. The journal goes last.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from deployer.contract import ADOPTED_TAG, ENDPOINT_TAG, STACK_TAG
from greenlight.errors import CommandError, ExitCode
from greenlight.removing.remains import record_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from greenlight.connection import Connection
    from greenlight.removing.remains import Remains

_OWN_TAGS: Final = (STACK_TAG, ENDPOINT_TAG, ADOPTED_TAG)
_AT_ONCE: Final = 25
"""Items of one BatchWriteItem (botocore)."""

_LONGEST_SECONDS: Final = 900
"""Instances take minutes to end."""


@contextmanager
def _gone() -> Iterator[None]:
    """Let what is not there any more be deleted."""
    try:
        yield
    except ClientError as error:
        said = error.response["Error"]["Message"]
        if error.response["Error"]["Code"] == "ObjectNotFoundException" or "Could not find" in said:
            return
        raise


class Removal:
    """One removal.

    Args:
        connection: The way to AWS.
        remains: What is left.
        keeps_endpoint: Whether the endpoint stays, with what it needs: only its tags go.
        pause: Waits for so many seconds.
    """

    def __init__(
        self,
        connection: Connection,
        remains: Remains,
        *,
        keeps_endpoint: bool,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = connection
        self._sagemaker = connection.client("sagemaker")
        self._remains = remains
        self._keeps_endpoint = keeps_endpoint
        self._pause = pause

    def run(self) -> None:
        """Delete, or leave and untag.

        Raises:
            CommandError: Somebody interrupted it, or the endpoint takes too long to end.
        """
        name = self._remains.name
        try:
            for step in (self._end_endpoints, self._end_resources, self._forget):
                step()
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted.",
                f"A part of what was left of {name} is deleted, and the rest is there as it was.",
                f"The same words finish it: greenlight remove {name}",
                code=ExitCode.INTERRUPTED,
            ) from None

    def _end_endpoints(self) -> None:
        remains = self._remains
        ended = [each.name for each in remains.tests]
        if remains.endpoint is not None and not self._keeps_endpoint:
            self._deregister()
            ended.append(remains.endpoint.name)
        for name in ended:
            with _gone():
                self._sagemaker.delete_endpoint(EndpointName=name)
        self._wait_for(ended)
        if remains.endpoint is None:
            self._deregister()

    def _deregister(self) -> None:
        scaling = self._connection.client("application-autoscaling")
        for resource_id, dimension in self._remains.targets.items():
            with _gone():
                scaling.deregister_scalable_target(
                    ServiceNamespace="sagemaker", ResourceId=resource_id, ScalableDimension=dimension
                )

    def _wait_for(self, names: list[str]) -> None:
        waited = 0.0
        while left := [name for name in names if self._exists(name)]:
            if waited >= _LONGEST_SECONDS:
                raise CommandError(
                    f"SageMaker is still deleting {left[0]}.",
                    f"It has taken {_LONGEST_SECONDS // 60} minutes. Its config and models are there.",
                    f"The same words finish it: greenlight remove {self._remains.name}",
                    code=ExitCode.TIMEOUT,
                )
            self._pause(5)
            waited += 5

    def _exists(self, name: str) -> bool:
        try:
            self._sagemaker.describe_endpoint(EndpointName=name)
        except ClientError as error:
            if "Could not find" in error.response["Error"]["Message"]:
                return False
            raise
        return True

    def _end_resources(self) -> None:
        remains, kept = self._remains, self._keeps_endpoint
        for config in remains.configs:
            if not (kept and config.serves):
                with _gone():
                    self._sagemaker.delete_endpoint_config(EndpointConfigName=config.name)
        for model in remains.models:
            if not (kept and model.serves):
                with _gone():
                    self._sagemaker.delete_model(ModelName=model.name)
        if kept and remains.endpoint is not None:
            # The endpoint's tag goes last: by it a second run knows what is left.
            serving = [each.arn for each in (*remains.configs, *remains.models) if each.serves]
            for arn in (*serving, remains.endpoint.arn):
                self._sagemaker.delete_tags(ResourceArn=arn, TagKeys=list(_OWN_TAGS))

    def _forget(self) -> None:
        table, client = self._connection.stack.table_name, self._connection.client("dynamodb")
        keys = list(record_keys(self._connection, self._remains.name))
        for first in range(0, len(keys), _AT_ONCE):
            batch = keys[first : first + _AT_ONCE]
            asked: dict[str, Any] = {table: [{"DeleteRequest": {"Key": key}} for key in batch]}
            while asked:
                asked = client.batch_write_item(RequestItems=asked).get("UnprocessedItems", {})
