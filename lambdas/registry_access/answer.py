"""Answers CloudFormation's requests to a custom resource (user guide, "crpg-ref-responses")."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_REASON_BYTES: Final = 1500
"""An answer has at most 4,096 bytes in all, and quoting may double a text."""
_TIMEOUT_SECONDS: Final = 30


def body(event: Mapping[str, Any], *, physical_id: str, failure: str | None = None) -> bytes:
    """Return the answer to a request: it was carried out, or why not."""
    answer = {
        "Status": "SUCCESS" if failure is None else "FAILED",
        "PhysicalResourceId": physical_id,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        **(
            {}
            if failure is None
            else {"Reason": failure.encode()[:_LONGEST_REASON_BYTES].decode(errors="ignore")}
        ),
    }
    return json.dumps(answer, ensure_ascii=False).encode()


def send(url: str, content: bytes) -> None:
    """Put an answer to the URL where CloudFormation waits for it.

    Raises:
        OSError: The answer could not be put. Lambda then runs the request again.
    """
    # The URL is signed for an empty content type.
    request = Request(url, data=content, method="PUT", headers={"Content-Type": ""})  # noqa: S310 - CloudFormation's own
    with urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310 - likewise
        pass
