"""Decide who may use the local cloud, before anything else looks at a request.

The local cloud runs the code of models and functions as the user who started it. So it refuses requests that
a web page may have sent (`browsers`). It carries out only requests signed with this start's secret, or with
credentials that the root user issued (`ministack/signatures.py`).
"""

from __future__ import annotations

import hmac
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from local_cloud.front_door import browsers
from local_cloud.front_door.http import Response, raw_path

if TYPE_CHECKING:
    from local_cloud.front_door.http import Request, Scope
    from local_cloud.ministack.signatures import Signatures

_LOGGER = logging.getLogger("local_cloud.door")

SECRET_HEADER: Final = "x-local-cloud-secret"  # noqa: S105 - a header's name
_PRIVATE_PREFIXES: Final = ("/_local_cloud/", "/_ministack/", "/_localstack/")
# CloudFormation's custom resources and wait conditions answer here: the random token in the path admits them.
_ANSWERS_OF_RESOURCES: Final = ("/_ministack/cfn-response/", "/_ministack/cfn-signal/")

_WELCOME: Final = (
    "This is Greenlight's local cloud. It answers AWS clients, and has no pages to show.\n"
    "The terminal that runs it says what happens and how to ask: `greenlight status`, for example.\n"
)


class Door:
    """Refuses requests; None means that a request may pass."""

    def __init__(self, *, port: int, secret: str, signatures: Signatures) -> None:
        self._port = port
        self._secret = secret
        self._signatures = signatures

    def refuse_head(self, scope: Scope, head: Request) -> Response | None:
        """Refuse requests from web pages, and requests that only the local cloud's own callers may make."""
        foreign = browsers.refusal(head.method, scope["headers"], port=self._port)
        if foreign is not None:
            _LOGGER.warning("Refused %s %s: %s", head.method, head.path, foreign)
            return _forbidden(f"Refused: {foreign}.")
        if not head.path.startswith(_PRIVATE_PREFIXES) or self._may_enter(head):
            return None
        return _forbidden(
            f"Refused: {head.path} is for those who know this start's secret. Send it as {SECRET_HEADER}; "
            "it is AWS_SECRET_ACCESS_KEY among the variables that the local cloud prints."
        )

    def welcome(self, head: Request) -> Response | None:
        """Answer a person's browser, which would otherwise see S3's refusal; nobody has to sign for it."""
        if not browsers.visits(head, port=self._port):
            return None
        return Response(200, _WELCOME.encode(), {"Content-Type": "text/plain; charset=utf-8"})

    def refuse_signature(self, scope: Scope, request: Request) -> Response | None:
        """Refuse a request without a valid signature or an administrator's secret."""
        if request.path.startswith(_PRIVATE_PREFIXES) and self._may_enter(request):
            return None
        refused = self._signatures.failure(
            method=request.method,
            raw_path=raw_path(scope),
            query_string=scope.get("query_string", b""),
            raw_headers=scope["headers"],
            body=request.body,
        )
        if refused is None:
            return None
        status, headers, body = self._signatures.answer(refused, request)
        return Response(status, body, headers)

    def _may_enter(self, request: Request) -> bool:
        """Tell whether a request to a private path has what the path takes."""
        return (
            _is_answer_of_resource(request)
            or self._signatures.code_urls.admits(
                request.method, request.path, request.query, now=datetime.now(UTC)
            )
            or self._knows(request)
        )

    def _knows(self, request: Request) -> bool:
        given = request.headers.get(SECRET_HEADER, "")
        return hmac.compare_digest(given.encode(), self._secret.encode())


def _is_answer_of_resource(request: Request) -> bool:
    return request.method == "PUT" and request.path.startswith(_ANSWERS_OF_RESOURCES)


def _forbidden(message: str) -> Response:
    return Response(403, f"{message}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})
