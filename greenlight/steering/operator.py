"""Who asks the deployer for something about an endpoint, and what it would do then."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING

from deployer.decisions.explanation import Explanation, explain
from deployer.gateways.requests import request_key
from deployer.model.request import Request
from greenlight.deployed_settings import deployed_function, environment_of, settings_for, settings_of
from greenlight.previewing import Previews
from greenlight.steering.requesting import aws_time
from greenlight.words import person

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.decisions.course import Preview
    from deployer.model.settings import EndpointSettings
    from greenlight.connection import Connection


@dataclass(frozen=True, slots=True)
class Operator:
    """A person who asks for something about an endpoint.

    Attributes:
        settings: The endpoint's deployed settings.
        previews: What the deployer would do.
        by: The person, as people read it.
        at: When, by AWS's clock.
    """

    settings: EndpointSettings
    previews: Previews
    by: str
    at: datetime

    def request(self, kind: str, version_arn: str, reason: str | None = None) -> Request:
        """Return a request that is like no other."""
        name = self.settings.endpoint_name
        key = request_key(name, kind, self.at, token_hex(4))
        return Request(name, kind, version_arn, reason, self.by, self.at, key)

    def after(self, request: Request) -> Preview:
        """Return what the deployer would do once it has the request, ahead of waits for capacity."""
        return self.previews.of(self.settings, requests=(request,), ahead=True)

    def explain(self, seen: Preview, version_arn: str) -> Explanation:
        """Return why a version serves, or does not."""
        return explain(seen, version_arn, self.previews.gateways.registry.describe_version(version_arn))


def operator_of(connection: Connection, endpoint_name: str) -> Operator:
    """Return who asks, by the credentials of the connection.

    Raises:
        CommandError: The stack manages no such endpoint.
    """
    function = deployed_function(connection)
    deployed = settings_of(function)
    settings = settings_for(endpoint_name, deployed)
    caller = connection.client("sts").get_caller_identity()
    return Operator(
        settings,
        Previews(connection.client, environment_of(function), deployed),
        by=person(str(caller["Arn"])) or "somebody",
        at=aws_time(caller),
    )
