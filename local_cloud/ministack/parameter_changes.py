"""Announce changes of MiniStack's parameters.

Only `emulator.py` creates one. Changes to MiniStack, and reasons:

`ssm._put_parameter`, `ssm._delete_parameter`, `ssm._delete_parameters` are followed by an event
    MiniStack emits no `Parameter Store Change`; its CloudFormation calls these functions without HTTP.
"""
# ruff: noqa: SLF001 - touching MiniStack's internals is what this module is for; RELIED_ON lists them.

from __future__ import annotations

import importlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.sagemaker.ports import EventSink

RELIED_ON: tuple[tuple[str, str], ...] = (
    ("ministack.core.responses", "get_account_id"),
    ("ministack.core.responses", "get_region"),
    ("ministack.services.ssm", "_delete_parameter"),
    ("ministack.services.ssm", "_delete_parameters"),
    ("ministack.services.ssm", "_lookup_parameter"),
    ("ministack.services.ssm", "_put_parameter"),
)


class ParameterChanges:
    """Changes of parameters in every account and region."""

    def __init__(self) -> None:
        self._ssm: Any = importlib.import_module("ministack.services.ssm")
        self._responses: Any = importlib.import_module("ministack.core.responses")

    def announce_to(self, events: EventSink) -> None:
        """From now on, emit `Parameter Store Change` for every parameter that is written or deleted."""
        ssm = self._ssm
        ssm._put_parameter = self._announcing_put(ssm._put_parameter, events)
        ssm._delete_parameter = self._announcing_delete(ssm._delete_parameter, events)
        ssm._delete_parameters = self._announcing_deletes(ssm._delete_parameters, events)

    def _announcing_put(self, put: Callable[[Any], Any], events: EventSink) -> Callable[[Any], Any]:
        def put_parameter(data: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's response triple
            existed = bool(data.get("Name")) and self._parameter(data["Name"]) is not None
            response = put(data)
            if response[0] < 300:  # noqa: PLR2004
                self._announce(events, "Update" if existed else "Create", self._parameter(data["Name"]))
            return response

        return put_parameter

    def _announcing_delete(self, delete: Callable[[Any], Any], events: EventSink) -> Callable[[Any], Any]:
        def delete_parameter(data: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's response triple
            parameter = self._parameter(data.get("Name"))
            response = delete(data)
            if response[0] < 300:  # noqa: PLR2004
                self._announce(events, "Delete", parameter)
            return response

        return delete_parameter

    def _announcing_deletes(self, delete: Callable[[Any], Any], events: EventSink) -> Callable[[Any], Any]:
        def delete_parameters(data: dict[str, Any]) -> Any:  # noqa: ANN401 - MiniStack's response triple
            parameters = {name: self._parameter(name) for name in data.get("Names", ())}
            response = delete(data)
            if response[0] < 300:  # noqa: PLR2004
                for name in json.loads(response[2])["DeletedParameters"]:
                    self._announce(events, "Delete", parameters[name])
            return response

        return delete_parameters

    def _parameter(self, name: object) -> dict[str, Any] | None:
        if not isinstance(name, str):
            return None
        parameter: dict[str, Any] | None = self._ssm._lookup_parameter(name)[1]
        return parameter

    def _announce(self, events: EventSink, operation: str, parameter: dict[str, Any] | None) -> None:
        """Emit `Parameter Store Change` in the form of AWS's sysman-paramstore-cwe page."""
        if parameter is None:
            return
        detail = {"operation": operation, "name": parameter["Name"], "type": parameter["Type"]}
        if parameter["Description"]:
            detail["description"] = parameter["Description"]
        events.emit(
            {
                "version": "0",
                "id": self._responses.new_uuid(),
                "detail-type": "Parameter Store Change",
                "source": "aws.ssm",
                "account": self._responses.get_account_id(),
                "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "region": self._responses.get_region(),
                "resources": [parameter["ARN"]],
                "detail": detail,
            }
        )
