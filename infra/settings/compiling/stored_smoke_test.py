"""Owns turning the key `smoke_test` into what the deployer reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infra.settings.keys.smoke_tests import SmokeTest, SmokeTestRequest


def stored_test(test: SmokeTest) -> dict[str, Any]:
    """Turn the keys into what the deployer reads; only what differs from the obvious is stored."""
    stored: dict[str, Any] = {
        "TimeLimitSeconds": test.time_limit_seconds,
        "Requests": [_stored_request(request) for request in test.requests],
    }
    if test.log_bodies:
        stored["LogBodies"] = True
    return stored


def _stored_request(request: SmokeTestRequest) -> dict[str, Any]:
    members = {
        "Name": request.name,
        "Body": request.body,
        "BodyS3Uri": request.body_from,
        "SamplePayload": request.sample_payload,
        "ContentType": request.content_type,
        "Accept": request.accept,
        "Status": request.status,
        "ResponseContentType": request.response_content_type,
        "Expect": request.expect,
        "P95Milliseconds": request.p95_ms,
        "Calls": request.calls,
    }
    return {name: value for name, value in members.items() if value is not None}
