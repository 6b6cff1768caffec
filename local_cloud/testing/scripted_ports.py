"""Stand-ins for the world around the control plane: alarms, events, roles, keys and artifacts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from local_cloud.sagemaker.ports import AlarmState, Key


class ScriptedAlarms:
    """Alarms without metrics: each has the state that was set, all others the default.

    Attributes:
        states: Alarm name to its state, in any account and region; None for a missing alarm.
        default: The state of an alarm that nobody has set; None if such alarms do not exist.
    """

    def __init__(self, default: AlarmState | None = AlarmState.OK) -> None:
        self.states: dict[str, AlarmState | None] = {}
        self.default = default

    def set(self, alarm_name: str, state: AlarmState | None) -> None:
        """Give an alarm a state, as SetAlarmState does, or delete it (None)."""
        self.states[alarm_name] = state

    def state(self, account_id: str, region: str, alarm_name: str) -> AlarmState | None:  # noqa: ARG002 - the port's signature
        """Return the alarm's state."""
        return self.states.get(alarm_name, self.default)


@dataclass(slots=True)
class RecordingEventSink:
    """Keeps every event."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def emit(self, event: dict[str, Any]) -> None:
        """Keep an event."""
        self.events.append(event)

    def details(self, detail_type: str) -> list[dict[str, Any]]:
        """Return the details of all events of a type, in order."""
        return [event["detail"] for event in self.events if event["detail-type"] == detail_type]


class PermissiveIdentity:
    """Every role exists and trusts SageMaker."""

    def can_be_assumed_by_sagemaker(self, role_arn: str) -> bool:  # noqa: ARG002 - the port's signature
        """Return True."""
        return True


@dataclass(slots=True)
class StrictIdentity:
    """Only the named roles trust SageMaker."""

    role_arns: set[str] = field(default_factory=set)

    def can_be_assumed_by_sagemaker(self, role_arn: str) -> bool:
        """Tell whether the role was named."""
        return role_arn in self.role_arns


@dataclass(slots=True)
class ScriptedKeys:
    """The named KMS keys, by key id, ARN or alias, in any account and region."""

    keys: dict[str, Key] = field(default_factory=dict)

    def find(self, account_id: str, region: str, key_id: str) -> Key | None:  # noqa: ARG002 - likewise
        """Return the key of that name."""
        return self.keys.get(key_id)


class PermissiveArtifacts:
    """All model data can be read."""

    def is_readable(self, s3_url: str, *, role_arn: str, region: str) -> bool:  # noqa: ARG002 - likewise
        """Return True."""
        return True

    def is_missing(self, s3_url: str, *, role_arn: str, region: str) -> bool:  # noqa: ARG002 - likewise
        """Return False."""
        return False


@dataclass(slots=True)
class StrictArtifacts:
    """Only the named URLs can be read; for a URL that ends in `/`, any named URL below it is enough."""

    s3_urls: set[str] = field(default_factory=set)

    def is_readable(self, s3_url: str, *, role_arn: str, region: str) -> bool:  # noqa: ARG002 - likewise
        """Tell whether the URL was named."""
        if s3_url.endswith("/"):
            return any(url.startswith(s3_url) for url in self.s3_urls)
        return s3_url in self.s3_urls

    def is_missing(self, s3_url: str, *, role_arn: str, region: str) -> bool:
        """Tell whether no named URL is below this one: every role may list."""
        return s3_url.endswith("/") and not self.is_readable(s3_url, role_arn=role_arn, region=region)
