"""Distinguish AWS clients from web pages, which can reach a loopback port too; pure.

A browser sends an open page's requests to any address, including 127.0.0.1. It marks them with `Origin`,
`Sec-Fetch-Site` and `Referer`, which no AWS client sends (Fetch standard, "origin-header"; Fetch Metadata,
"sec-fetch-site"). Under DNS rebinding, a page's host name resolves to 127.0.0.1; then `Host` shows that name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local_cloud.front_door.http import Request, Send

# A name below `localhost` never leaves the machine (RFC 6761, section 6.3); S3 clients put a bucket there.
_HOST: Final = re.compile(r"(?:127\.0\.0\.1|\[::1\]|(?:[a-z0-9_.-]+\.)?localhost)(?::(?P<port>\d{1,5}))?")
_OWN_NAMES: Final = ("127.0.0.1", "[::1]", "localhost")
_HTTP_PORT: Final = 80
_OWN_SITE: Final = frozenset({"none", "same-origin"})
_CORS: Final = b"access-control-"


def refusal(method: str, headers: Iterable[tuple[bytes, bytes]], *, port: int) -> str | None:
    """Return why a request may come from a foreign web page; None if it cannot.

    Args:
        method: The request's method.
        headers: Its headers, in ASGI's form.
        port: The local cloud's port.
    """
    if method == "OPTIONS":
        return "OPTIONS is how a browser asks for another site; no AWS client sends it"
    given = [(name.decode("latin-1").lower(), value.decode("latin-1").strip()) for name, value in headers]
    hosts = [value.lower() for name, value in given if name == "host"]
    if len(hosts) != 1 or not _is_ours(hosts[0], port):
        return f"Host is {', '.join(hosts) or 'missing'}, and has to be 127.0.0.1:{port} or localhost:{port}"
    for name, value in given:
        if name == "origin" and value.lower() != f"http://{hosts[0]}":
            return f"Origin is {value}: a web page of another site sent it"
        if name == "referer" and urlsplit(value.lower())[:2] != ("http", hosts[0]):
            return "Referer is another site's: a web page sent it"
        if name == "sec-fetch-site" and value.lower() not in _OWN_SITE:
            return f"Sec-Fetch-Site is {value}: a web page of another site sent it"
    return None


def visits(head: Request, *, port: int) -> bool:
    """Tell whether a person opened the local cloud's own address in a browser.

    No AWS client asks for HTML. Below another host name, the root is a bucket's.
    """
    return (
        head.method in {"GET", "HEAD"}
        and head.path == "/"
        and not head.query
        and "authorization" not in head.headers
        and "text/html" in head.headers.get("accept", "")
        and head.headers.get("host", "").lower() in {f"{name}:{port}" for name in _OWN_NAMES}
    )


def _is_ours(host: str, port: int) -> bool:
    match = _HOST.fullmatch(host)
    return match is not None and int(match["port"] or _HTTP_PORT) == port


def without_cors(send: Send) -> Send:
    """Return a `send` that hides every answer from pages of other sites."""

    async def sending(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            headers: Iterable[tuple[bytes, bytes]] = message.get("headers", ())  # type: ignore[assignment] # ASGI's own
            kept = [(name, value) for name, value in headers if not name.lower().startswith(_CORS)]
            message = {**message, "headers": kept}
        await send(message)

    return sending  # type: ignore[return-value] # a dict is a message
