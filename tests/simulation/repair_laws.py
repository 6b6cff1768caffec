"""The law on what the deployer made and keeps as its settings have it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import ENDPOINT_TAG, STACK_TAG
from tests.simulation.laws import Law, is_refused
from tests.simulation.people import STACK
from tests.simulation.unreadable_laws import turns_of

if TYPE_CHECKING:
    from datetime import datetime

    from tests.simulation.world import Call, Invocation

_LOOK: Final = frozenset({"ListModelPackages", "DescribeEndpoint"})


class Law41WhatTheDeployerMadeIsRepaired(Law):
    """The config that serves is made again, and an endpoint's tags are those of its settings.

    At rest no config that the deployer made, and that people deleted while it serves, is missing after a
    sweep looked at the endpoint, if SageMaker has refused nothing of that. An invocation that read that the
    config is missing updates nothing without it: SageMaker would refuse that. And an endpoint in service has
    the tags of its settings, of its stack and of its own name.

    The law excludes endpoints that nobody manages, that belong to others, or that cannot become what their
    settings ask for. A journal that was lost or restored may know neither the config nor which tags the
    deployer gave. So the law then excludes the config, and tags beside those of the settings.
    """

    def check_call(self, call: Call) -> None:
        if call.operation != "UpdateEndpoint" or call.accepted or call.fault is not None:
            return
        name, meddling = call.request["EndpointName"], self.world.people.meddling
        live = (self.world.describe(name) or {}).get("EndpointConfigName", "")
        read = [
            each.time
            for each in call.invocation.calls
            if each.operation == "DescribeEndpointConfig"
            and each.request["EndpointConfigName"] == live
            and not each.accepted
            and each.fault is None
        ]
        if (
            read
            and live in meddling.deleted_at
            and meddling.deleted_at[live] < read[0]
            and meddling.is_gone("config", live)
            and not meddling.lacks_models(live)
            and not self.facts.recovered(name, self.world.start)
        ):
            raise self.broken(f"{call.invocation.name} updates {name}, and leaves {live} deleted")

    def check_rest(self) -> None:
        people = self.world.people
        for name in people.endpoints:
            endpoint, settings = self.world.describe(name), people.settings.get(name)
            if (
                endpoint is None
                or settings is None
                or endpoint["EndpointStatus"] != "InService"
                or people.is_foreign(name)
                or is_refused(self.world, endpoint, settings)
                or not self.facts.attempts(name)
            ):
                continue
            is_recovered = self.facts.recovered(name, self.world.start)
            self._check_tags(name, endpoint, settings, may_have_more=is_recovered)
            if not is_recovered:
                self._check_config(name, endpoint["EndpointConfigName"])

    def _check_tags(
        self, name: str, endpoint: dict[str, Any], settings: dict[str, Any], *, may_have_more: bool
    ) -> None:
        listed = self.world.people.look("ListTags", ResourceArn=endpoint["EndpointArn"]) or {"Tags": []}
        tags = {each["Key"]: each["Value"] for each in listed["Tags"]}
        wanted = {**settings["Tags"], STACK_TAG: STACK, ENDPOINT_TAG: name}
        is_right = wanted.items() <= tags.items() if may_have_more else tags == wanted
        if not is_right and not self._is_put_off(name, "ChangeTags"):
            raise self.broken(f"{name} has the tags {tags}, and its settings ask for {wanted}")

    def _check_config(self, name: str, config_name: str) -> None:
        meddling = self.world.people.meddling
        since = meddling.deleted_at.get(config_name)
        if (
            since is None
            or not meddling.is_gone("config", config_name)
            or meddling.lacks_models(config_name)
            or self._is_put_off(name, "CreateEndpointConfig")
        ):
            return
        since = max(since, self.world.served_since[name])
        for invocation in self.world.ended:
            if self._looks(invocation, name, since):
                raise self.broken(f"{invocation.name} looks at {name}, and leaves {config_name} deleted")

    def _looks(self, invocation: Invocation, name: str, since: datetime) -> bool:
        """Tell whether an invocation looked at all of an endpoint since then, and nothing went wrong.

        A check only lists, and an event's pass lists nothing.
        """
        return (
            invocation.started > since
            and not invocation.faulty
            and invocation.problem is None
            and any(
                turn.name == name and {call.operation for call in turn.calls} >= _LOOK
                for turn in turns_of(invocation)
            )
        )

    def _is_put_off(self, name: str, step: str) -> bool:
        """Tell whether SageMaker refused such a step, so that its next try may be a day away."""
        noted = self.world.journalled(name, "fact#endpoint").get("put_off")
        return isinstance(noted, str) and any(key.startswith(step) for key in json.loads(noted))


REPAIR_LAWS: Final[tuple[type[Law], ...]] = (Law41WhatTheDeployerMadeIsRepaired,)
