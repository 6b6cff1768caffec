"""Owns turning the key `smoke_test` into the deployer's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployer.contract import SettingsKey

if TYPE_CHECKING:
    from infra.settings.keys.smoke_tests import SmokeTest, SmokeTestRequest


def stored_test(test: SmokeTest) -> dict[str, Any]:
    """Turn the keys into the deployer's settings, without defaults."""
    stored: dict[str, Any] = {
        SettingsKey.TIME_LIMIT_SECONDS: test.time_limit_seconds,
        SettingsKey.REQUESTS: [_stored_request(request) for request in test.requests],
    }
    if test.log_bodies:
        stored[SettingsKey.LOG_BODIES] = True
    if test.before_rollout:
        stored[SettingsKey.BEFORE_ROLLOUT] = True
    if test.every_seconds is not None:
        stored[SettingsKey.EVERY_SECONDS] = test.every_seconds
    return stored


def _stored_request(request: SmokeTestRequest) -> dict[str, Any]:
    members = {
        "Name": request.name,
        "Body": request.body,
        SettingsKey.BODY_S3_URI: request.body_from,
        SettingsKey.SAMPLE_PAYLOAD: request.sample_payload,
        "ContentType": request.content_type,
        "Accept": request.accept,
        "Status": request.status,
        SettingsKey.RESPONSE_CONTENT_TYPE: request.response_content_type,
        SettingsKey.EXPECT: request.expect,
        SettingsKey.P95_MILLISECONDS: request.p95_ms,
        SettingsKey.CALLS: request.calls,
    }
    return {name: value for name, value in members.items() if value is not None}
