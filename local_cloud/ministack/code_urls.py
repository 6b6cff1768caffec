"""Sign the URLs that `GetFunction` gives for a function's bundle, as Lambda does, and recognise them.

`lambda_svc._presigned_code_url` becomes `signed`
    MiniStack's URL has a fixed signature: anybody could fetch any function's bundle, so the door refused all.
    Lambda's URL works for ten minutes, for everybody who has it (`GetFunction` in Lambda's API reference).
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import hmac
import importlib
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.services.lambda_svc", "_presigned_code_url"),
    ("ministack.services.lambda_svc", "serve_function_code"),
)

_PATH: Final = "/_ministack/lambda-code/"
_LIFETIME: Final = timedelta(minutes=10)


class CodeUrls:
    """URLs of functions' bundles, signed with this start's secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def install(self) -> None:
        """Have MiniStack give such URLs."""
        functions: Any = importlib.import_module("ministack.services.lambda_svc")
        original = functions._presigned_code_url

        def signed(function_name: str) -> str:
            url = urlsplit(original(function_name))
            [date] = parse_qs(url.query)["X-Amz-Date"]
            query = f"X-Amz-Date={date}&X-Amz-Signature={self._signature(url.path, date)}"
            location: str = url._replace(query=query).geturl()
            return location

        functions._presigned_code_url = signed

    def admits(self, method: str, path: str, query: Mapping[str, str], *, now: datetime) -> bool:
        """Tell whether a request follows such a URL in time."""
        date, signature = query.get("X-Amz-Date", ""), query.get("X-Amz-Signature", "")
        if method != "GET" or not path.startswith(_PATH):
            return False
        if not hmac.compare_digest(signature.encode(), self._signature(path, date).encode()):
            return False
        return now < datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) + _LIFETIME

    def _signature(self, path: str, date: str) -> str:
        return hmac.new(self._secret.encode(), f"GET {path} {date}".encode(), sha256).hexdigest()
