"""Holds what was read of one endpoint that the stack manages, without any judgement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deployer.model.pause import Pause
    from deployer.model.settings import EndpointSettings
    from greenlight.doctor.facts import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedEndpoint:
    """One endpoint.

    Attributes:
        stack: The stack's name.
        account: Its account.
        registry: The account of the registry.
        arn: The endpoint's ARN, whether there is one or not.
        settings: Its settings.
        tags: The endpoint's tags; absent before its first deployment.
        alarms: By name, the states of the alarms in its settings; None of one that does not exist.
        pauses: The pauses that hold its rollouts back.
    """

    stack: str
    account: str
    registry: str
    arn: str
    settings: EndpointSettings
    tags: Reading[Mapping[str, str]]
    alarms: Reading[Mapping[str, str | None]]
    pauses: Reading[Sequence[Pause]]
