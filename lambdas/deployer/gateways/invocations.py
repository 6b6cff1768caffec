"""The only caller of SageMaker's runtime: sends a smoke test's requests to an endpoint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, HTTPClientError

from deployer.model.excerpts import excerpt
from deployer.model.smoke_test import Answer, Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

    from deployer.model.smoke_test import Payload

LONGEST_SECONDS: Final = 65
"""How long one call may take: a model has 60 seconds to answer (botocore: `InvokeEndpoint`)."""

_QUOTED_BODY: Final = re.compile(r'(?<= with message) ".*', re.DOTALL)
"""SageMaker quotes the container's answer in its own message (botocore: `ModelError`)."""


class Invocations:
    """Calls of endpoints.

    Args:
        client: Makes the client on its first use: most invocations never use it.
        seconds: A clock that never goes back.
    """

    def __init__(self, client: Callable[[], SageMakerRuntimeClient], seconds: Callable[[], float]) -> None:
        self._make_client = client
        self._seconds = seconds

    @property
    def _client(self) -> SageMakerRuntimeClient:
        return self._make_client()

    def invoke(
        self, endpoint_name: str, payload: Payload, *, accept: str | None, target_variant: str | None
    ) -> Answer | Unanswered:
        """Call an endpoint once.

        Every answer of the container counts as an answer, also an error. Without one, return `Unanswered`.
        """
        named = {
            "ContentType": payload.content_type,
            "Accept": accept,
            "TargetVariant": target_variant,
        }
        given: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        began = self._seconds()
        try:
            answer = self._client.invoke_endpoint(EndpointName=endpoint_name, Body=payload.body, **given)
            body = answer["Body"].read()
        except ClientError as error:
            said: Mapping[str, Any] = error.response
            if said["Error"]["Code"] != "ModelError" or "OriginalStatusCode" not in said:
                told = _QUOTED_BODY.sub(" that is not shown", said["Error"]["Message"])
                return Unanswered(excerpt(f"{said['Error']['Code']}: {told}"))
            message = said.get("OriginalMessage", "").encode()
            return Answer(said["OriginalStatusCode"], "", message, self._seconds() - began)
        except HTTPClientError as error:
            return Unanswered(excerpt(f"{type(error).__name__}: {error}"))
        return Answer(200, answer.get("ContentType", ""), body, self._seconds() - began)
