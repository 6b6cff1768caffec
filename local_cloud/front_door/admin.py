"""The admin API under `/_local_cloud/`: logs, switches, quotas and faults.

It is for tests, the demo and people; nothing that pretends to be AWS may use it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from local_cloud.application_auto_scaling.service import ApplicationAutoScaling
from local_cloud.eventbridge.event_delivery import DeliverySwitches
from local_cloud.front_door.http import Request, Response, json_response
from local_cloud.sagemaker.switches import Switches
from local_cloud.sagemaker.timings import MOST_SECONDS, Timings, is_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.eventbridge.event_delivery import EventDelivery
    from local_cloud.front_door.call_log import CallLog
    from local_cloud.ministack.emulator import MiniStack
    from local_cloud.sagemaker.control_plane import ControlPlane
    from local_cloud.sagemaker.real_time import RealTimeControlPlane


class Admin:
    """Answers requests to the admin API."""

    def __init__(
        self,
        *,
        control_plane: RealTimeControlPlane,
        delivery: EventDelivery,
        calls: CallLog,
        ministack: MiniStack,
    ) -> None:
        self._control_plane = control_plane
        self._delivery = delivery
        self._calls = calls
        self._ministack = ministack

    async def answer(self, request: Request) -> Response:
        """Answer one request; for mistakes, return a JSON object whose `error` says what would be right."""
        try:
            match request.method, request.path.removeprefix("/_local_cloud/"):
                case "GET", "health":
                    return json_response({"status": "ok"})
                case "GET", "calls":
                    calls = self._calls.calls(after=_after(request))
                    return json_response([asdict(call) for call in calls])
                case "GET", "events":
                    events = self._delivery.emitted(after=_after(request))
                    return json_response([asdict(event) for event in events])
                case "GET", "switches":
                    return json_response(await self._control_plane.apply(self._switches))
                case "PUT", "switches":
                    document = _object(request.body)
                    return json_response(
                        await self._control_plane.apply(lambda it: self._switch(it, document))
                    )
                case "PUT", "instance-limits":
                    limits = _checked(request, _LIMITS, _LIMITS_OPTIONS)
                    return json_response(await self._control_plane.apply(lambda it: _limit(it, limits)))
                case "POST", "failures":
                    failure = _checked(request, _FAILURE, _FAILURE_OPTIONS)
                    return json_response(await self._control_plane.apply(lambda it: _fail(it, failure)))
                case "POST", "scalings":
                    scaling = _checked(request, _SCALING)
                    return json_response(await self._control_plane.apply(lambda it: _scale(it, scaling)))
                case _:
                    known = (
                        "GET health, calls?after=N, events?after=N, switches; PUT switches, instance-limits; "
                        "POST failures, scalings"
                    )
                    return _mistake(
                        f"There is no {request.method} {request.path}. There is: {known}.", status=404
                    )
        except ValueError as error:
            return _mistake(str(error), status=400)

    def _switches(self, control_plane: ControlPlane) -> dict[str, Any]:
        return {
            "switches": control_plane.switches.to_document(),
            "timings": control_plane.timings.to_document(),
            "delivery": self._delivery.switches.to_document(),
            "lambda": {"retry_base_seconds": self._ministack.functions.retry_base_seconds},
        }

    def _switch(self, control_plane: ControlPlane, document: dict[str, Any]) -> dict[str, Any]:
        """Apply the document's members, all or none."""
        parts = {"switches", "timings", "delivery", "lambda"}
        if unknown := document.keys() - parts:
            raise ValueError(f"Unknown: {', '.join(sorted(unknown))}. There is: {', '.join(sorted(parts))}.")
        given = {name: _part(document, name) for name in parts}
        switches = Switches.from_document(given["switches"], control_plane.switches)
        timings = Timings.from_document(given["timings"], control_plane.timings)
        delivery = DeliverySwitches.from_document(given["delivery"], self._delivery.switches)
        retry_base_seconds = _retry_base_seconds(
            given["lambda"], self._ministack.functions.retry_base_seconds
        )
        control_plane.switches = switches
        control_plane.timings = timings
        self._delivery.switches = delivery
        self._ministack.functions.retry_base_seconds = retry_base_seconds
        return self._switches(control_plane)


_PLACE = {"account_id": str, "region": str}
_LIMITS = {**_PLACE, "instance_type": str}
_FAILURE = {**_PLACE, "endpoint_name": str, "reason": str}
_FAILURE_OPTIONS = {"rollback_fails": bool}
_LIMITS_OPTIONS: dict[str, type] = {"quota": object, "capacity": object}
_SCALING = {**_PLACE, "endpoint_name": str, "variant_name": str, "capacity": int}


def _checked(
    request: Request, required: Mapping[str, type], optional: Mapping[str, type] | None = None
) -> dict[str, Any]:
    """Return the body, checked for required and optional members with these types."""
    document = _object(request.body)
    known = {**required, **(optional or {})}
    wanted = ", ".join(f"{each}: {type_.__name__}" for each, type_ in required.items())
    if unknown := document.keys() - known.keys():
        raise ValueError(f"Unknown: {', '.join(sorted(unknown))}. There is: {', '.join(known)}.")
    for name, kind in known.items():
        value = document.get(name)
        # In Python, bool is a number too.
        is_right = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
        if not is_right and (name in required or name in document):
            raise ValueError(f"{name} cannot be {value!r}. The body has to have {wanted}.")
    return document


def _limit(control_plane: ControlPlane, limits: dict[str, Any]) -> dict[str, Any]:
    """Set an account's quota and capacity of an instance type; null removes one, absence keeps it."""
    where = (limits["account_id"], limits["region"], limits["instance_type"])
    known = {
        "quota": control_plane.limits.set_instance_quota,
        "capacity": control_plane.limits.set_instance_capacity,
    }
    for name in known.keys() & limits.keys():
        value = limits[name]
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise ValueError(f"{name} cannot be {value!r}. It is a whole number of at least 0, or null.")
    for name, limit in known.items():
        if name in limits:
            limit(*where, limits[name])
    return limits


def _fail(control_plane: ControlPlane, failure: dict[str, Any]) -> dict[str, Any]:
    """Fail an endpoint's current operation."""
    control_plane.incidents.fail_work(
        failure["account_id"],
        failure["region"],
        failure["endpoint_name"],
        failure["reason"],
        rollback_fails=failure.get("rollback_fails", False),
    )
    return failure


def _scale(control_plane: ControlPlane, scaling: dict[str, Any]) -> dict[str, Any]:
    """Scale a registered variant as a policy would; `scaled_to` is null if nothing changed."""
    scaled_to = ApplicationAutoScaling(control_plane).scale(
        scaling["account_id"],
        scaling["region"],
        scaling["endpoint_name"],
        scaling["variant_name"],
        scaling["capacity"],
    )
    return {**scaling, "scaled_to": scaled_to}


def _retry_base_seconds(document: dict[str, Any], current: float) -> float:
    if unknown := document.keys() - {"retry_base_seconds"}:
        raise ValueError(f"Unknown under lambda: {', '.join(sorted(unknown))}. There is: retry_base_seconds.")
    seconds = document.get("retry_base_seconds", current)
    if not is_number(seconds, highest=MOST_SECONDS):
        raise ValueError(
            f"retry_base_seconds cannot be {seconds!r}. It is a number from 0 to {MOST_SECONDS}."
        )
    return float(seconds)


def _after(request: Request) -> int:
    text = request.query.get("after", "0")
    if not text.isdecimal():
        raise ValueError(f"after={text} is no sequence number. It is a whole number of at least 0.")
    return int(text)


def _part(document: dict[str, Any], name: str) -> dict[str, Any]:
    part = document.get(name, {})
    if not isinstance(part, dict):
        raise ValueError(f"{name} cannot be {part!r}. It is a JSON object.")  # noqa: TRY004 - likewise
    return part


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The body is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise ValueError("The body has to be a JSON object.")  # noqa: TRY004 - a caller's mistake, like others
    return document


def _mistake(message: str, *, status: int) -> Response:
    return json_response({"error": message}, status=status)
