"""Sends SageMaker members of the settings that the bundled botocore does not know.

Settings may say `unchecked: true`, and then hold members that are newer than this deployer. botocore's
serialiser would drop them. So this module takes them out of the parameters before serialisation, and merges
them into the request's JSON body before it is signed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from botocore.model import ListShape, StructureShape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import OperationModel, Shape
    from mypy_boto3_sagemaker import SageMakerClient

_OPERATIONS: Final = ("CreateModel", "CreateEndpointConfig", "UpdateEndpoint")
"""The operations whose parameters come from settings."""

_NEWER: Final = "greenlight_newer_members"


def pass_on_newer_members(client: SageMakerClient) -> SageMakerClient:
    """Make a client send members that its botocore does not know; return the client.

    Its `parameter_validation` should be off: limits may have been raised, too.
    """
    for operation in _OPERATIONS:
        # botocore takes a handler's return value as the new parameters; the type stubs lack that.
        client.meta.events.register(f"provide-client-params.sagemaker.{operation}", _set_aside)  # type: ignore[arg-type]
        client.meta.events.register(f"before-call.sagemaker.{operation}", _put_back)
    return client


def known_members(client: SageMakerClient, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return a request without the members that the client's botocore does not know and never reads back."""
    known: dict[str, Any] = _known(client.meta.service_model.operation_model(operation).input_shape, request)
    return known


def _set_aside(
    params: dict[str, Any], model: OperationModel, context: dict[str, Any], **_: object
) -> dict[str, Any] | None:
    newer = _newer(model.input_shape, params)
    if newer is None:
        return None
    context[_NEWER] = newer
    known: dict[str, Any] = _known(model.input_shape, params)
    return known


def _put_back(params: dict[str, Any], context: Mapping[str, Any], **_: object) -> None:
    if _NEWER in context:
        params["body"] = json.dumps(_merged(json.loads(params["body"]), context[_NEWER])).encode()


def _newer(shape: Shape | None, value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the parts of a value that a shape does not know, in their places; None if there are none."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        found = {
            name: member if name not in shape.members else _newer(shape.members[name], member)
            for name, member in value.items()
        }
        kept = {name: member for name, member in found.items() if member is not None}
        return kept or None
    if isinstance(shape, ListShape) and isinstance(value, list):
        items = [_newer(shape.member, item) for item in value]
        return items if any(item is not None for item in items) else None
    return None


def _known(shape: Shape | None, value: Any) -> Any:  # noqa: ANN401 - likewise
    """Return the parts of a value that a shape knows."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {
            name: _known(shape.members[name], member)
            for name, member in value.items()
            if name in shape.members
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_known(shape.member, item) for item in value]
    return value


def _merged(base: Any, newer: Any) -> Any:  # noqa: ANN401 - likewise
    if isinstance(base, dict) and isinstance(newer, dict):
        return {**base, **{name: _merged(base.get(name), member) for name, member in newer.items()}}
    if isinstance(base, list) and isinstance(newer, list):
        return [_merged(item, other) for item, other in zip(base, newer, strict=True)]
    return base if newer is None else newer
