"""Check the signatures that MiniStack does not check, with MiniStack's own arithmetic.

MiniStack admits every caller who knows an account's number, and without `AUTH=true` every caller. Here a
caller must know the secret of this start. The root user's requests are always checked; those of users and
sessions only where MiniStack does not check them.
"""

# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import hashlib
import hmac
import importlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from local_cloud.ministack.code_urls import CodeUrls
from local_cloud.ministack.identities import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local_cloud.front_door.http import Request

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.iam_actions", "access_denied_response"),
    ("ministack.core.iam_evaluator", "CredentialResolutionError"),
    ("ministack.core.iam_evaluator", "find_iam_access_key_account"),
    ("ministack.core.iam_evaluator", "is_root_access_key"),
    ("ministack.core.iam_evaluator", "resolve_credential"),
    ("ministack.core.lambda_runtime", "execution_credentials"),
    ("ministack.core.responses", "get_account_id"),
    ("ministack.core.responses", "request_scope"),
    ("ministack.core.responses", "set_request_account_id"),
    ("ministack.core.router", "detect_service"),
    ("ministack.core.router", "extract_access_key_id"),
    ("ministack.core.sigv4", "decode_header_value"),
    ("ministack.core.sigv4", "header_signature_failure"),
    ("ministack.core.sigv4", "parse_header_signature"),
    ("ministack.core.sigv4", "parse_query_signature"),
    ("ministack.core.sigv4", "presigned_request_is_expired"),
    ("ministack.core.sigv4", "request_time_failure"),
    ("ministack.services.lambda_svc", "execution_credentials"),
    ("ministack.services.sts", "_sessions"),
)

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_HINT: Final = (
    " (The local cloud draws the secret of its accounts at each start: take the variables that it prints.)"
)


class Signatures:
    """Who may speak to the local cloud at all."""

    def __init__(self, secret: str, *, enforce_iam: bool) -> None:
        self._secret = secret
        self._is_checked_by_ministack = enforce_iam
        self._actions: Any = importlib.import_module("ministack.core.iam_actions")
        self._evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
        self._responses: Any = importlib.import_module("ministack.core.responses")
        self._router: Any = importlib.import_module("ministack.core.router")
        self._sigv4: Any = importlib.import_module("ministack.core.sigv4")
        self._sts: Any = importlib.import_module("ministack.services.sts")
        self.code_urls = CodeUrls(secret)

    def install(self) -> None:
        """Derive the credentials of Lambda's functions from the secret: MiniStack's can be guessed."""
        self.code_urls.install()
        runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
        functions: Any = importlib.import_module("ministack.services.lambda_svc")
        original = runtime.execution_credentials

        def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
            found: dict[str, str] = original(config)
            session = self._sts._sessions.get(found["AWS_ACCESS_KEY_ID"])
            if session is None:
                return found
            secret = self._derived(session["SecretAccessKey"])
            token = self._derived(session["SessionToken"])
            session.update(SecretAccessKey=secret, SessionToken=token)
            return found | {"AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}

        runtime.execution_credentials = execution_credentials
        functions.execution_credentials = execution_credentials

    def _derived(self, text: str) -> str:
        return hmac.new(self._secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    def failure(
        self,
        *,
        method: str,
        raw_path: str,
        query_string: bytes,
        raw_headers: Iterable[tuple[bytes, bytes]],
        body: bytes,
    ) -> Refusal | None:
        """Return what is wrong with a request's signature; None if it is right, or if MiniStack checks it."""
        query = parse_qs(query_string.decode("utf-8", "replace"), keep_blank_values=True)
        headers: dict[str, str] = {}
        for name, value in raw_headers:
            key, text = name.decode("latin-1").lower(), self._sigv4.decode_header_value(value)
            # Signature Version 4 signs a header with several lines as its values with commas between.
            headers[key] = f"{headers[key]},{text}" if key in headers else text
        access_key_id: str = self._router.extract_access_key_id(headers, query)
        if not access_key_id:
            if self._is_checked_by_ministack:
                return None
            return _refusal("MissingAuthenticationToken", "Missing Authentication Token.")
        is_root = bool(self._evaluator.is_root_access_key(access_key_id))
        if not is_root and self._is_checked_by_ministack:
            return None
        secret = self._secret if is_root else self._secret_of(access_key_id)
        return self._checked(access_key_id, secret, method, raw_path, query, headers, body)

    def _secret_of(self, access_key_id: str) -> str | None:
        with self._responses.request_scope("", ""):
            self._responses.set_request_account_id(access_key_id)
            account_id = self._evaluator.find_iam_access_key_account(access_key_id)
            found = self._evaluator.resolve_credential(
                access_key_id, account_id or self._responses.get_account_id()
            )
        if isinstance(found, self._evaluator.CredentialResolutionError):
            return None
        secret: str = found.secret_access_key
        return secret

    def _checked(
        self,
        access_key_id: str,
        secret: str | None,
        method: str,
        raw_path: str,
        query: Mapping[str, list[str]],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Refusal | None:
        is_presigned = not headers.get("authorization", "").startswith(_ALGORITHM)
        if is_presigned and query.get("X-Amz-Algorithm") != [_ALGORITHM]:
            return _refusal(
                "UnsupportedSignature", f"The local cloud checks signatures of {_ALGORITHM} only."
            )
        signature = (
            self._sigv4.parse_query_signature(query)
            if is_presigned
            else self._sigv4.parse_header_signature(headers)
        )
        if isinstance(signature, tuple):
            return _refusal(*signature)
        if secret is None or signature.access_key_id != access_key_id:
            return _refusal("InvalidClientTokenId", "The security token included in the request is invalid.")
        late = self._late(signature, query) if is_presigned else self._sigv4.request_time_failure(signature)
        if late:
            return _refusal(*late)
        wrong = self._sigv4.header_signature_failure(
            signature, secret, method, raw_path, query, headers, body, presigned=is_presigned
        )
        return _refusal(wrong[0], wrong[1] + _HINT) if wrong else None

    def _late(self, signature: Any, query: Mapping[str, list[str]]) -> tuple[str, str] | None:  # noqa: ANN401 - MiniStack's
        try:
            seconds = int(query.get("X-Amz-Expires", ["900"])[0])
            is_expired = self._sigv4.presigned_request_is_expired(signature.amz_date, str(seconds))
        except ValueError:
            is_expired = True
        return ("RequestExpired", "Request has expired") if is_expired else None

    def answer(self, refused: Refusal, request: Request) -> tuple[int, dict[str, str], bytes]:
        """Return a refusal in the form of the request's service."""
        headers = dict(request.headers)
        parameters = {name: [value] for name, value in request.query.items()}
        service = self._router.detect_service(request.method, request.path, headers, parameters)
        status, given, body = self._actions.access_denied_response(
            service, "", "", "", error_code=refused.code, message=refused.message, headers=headers
        )
        return status, given, body if isinstance(body, bytes) else str(body).encode()


def _refusal(code: str, message: str) -> Refusal:
    return Refusal(code, 403, message)
