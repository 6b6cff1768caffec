"""What people do to the deployer's own configs and models, and to what the registry shows of versions.

Owns what they took away or hid, and what it was. It judges nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.clients import NEWER_MEMBER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tests.simulation.people import People
    from tests.simulation.world import World


class Unreadable(Enum):
    """Why the deployers cannot read a version."""

    DENIED = "denied"
    REFUSED = "refused"
    UNDATED = "undated"
    """The answer lacks a member that SageMaker documents as always there."""

    GARBLED = "garbled"
    """The answer is no JSON."""


_WAYS: Final = {4: Unreadable.REFUSED, 5: Unreadable.UNDATED, 7: Unreadable.GARBLED}
"""By a disturbance's `how`; a read is denied by any other one that hides a version."""

_REFUSAL: Final = {"__type": "ValidationException", "message": "1 validation error detected in the version."}
_MADE_WITH: Final = ("ExecutionRoleArn", "Containers", "PrimaryContainer", "EnableNetworkIsolation")
_CONFIG_MEMBERS: Final = ("ProductionVariants", "ShadowProductionVariants", "AsyncInferenceConfig")
_OTHER: Final = 3
"""Of so many deletions, one is of something that does not serve."""

REPEATED_SECONDS: Final = 60.0
"""How long people wait after SageMaker refused to delete an endpoint that is being changed."""


@dataclass(slots=True)
class Meddling:
    """Everything that people meddled with in a world."""

    world: World
    is_upgraded: bool = False
    """Whether the deployer's botocore shows members of versions that it did not show before."""
    hidden: dict[str, Unreadable] = field(default_factory=dict)
    """By ARN in lower case, versions that the deployers cannot read, and why."""
    deleted_at: dict[str, datetime] = field(default_factory=dict)
    """When people deleted which config for the last time."""
    _deleted: dict[str, set[str]] = field(default_factory=lambda: {"config": set(), "model": set()})
    _models: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """What deleted models were made with, and for which endpoint."""
    _named_by: dict[str, set[str]] = field(default_factory=dict)
    """The configs that named a model when people deleted it."""
    _made: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What deleted configs were made with."""
    _gone: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """What configs were that people deleted, or whose model they deleted."""

    def hides(self, operation: str, request: dict[str, Any]) -> Unreadable | None:
        """Return why the deployers cannot read the version that they ask for; None if they can."""
        is_read = operation == "DescribeModelPackage"
        return self.hidden.get(request["ModelPackageName"].lower()) if is_read else None

    def obscured(self, why: Unreadable, answered: tuple[int, bytes]) -> tuple[int, bytes]:
        """Return SageMaker's answer about a version that cannot be read, if IAM allows the read.

        Args:
            why: Why not.
            answered: What it would answer else.
        """
        status, content = answered
        if why is Unreadable.REFUSED:
            return 400, json.dumps(_REFUSAL).encode()
        if why is Unreadable.GARBLED:
            return status, content[:1]
        return status, json.dumps({**json.loads(content), "CreationTime": None}).encode()

    def shown(self, operation: str, content: bytes) -> bytes:
        """Return an answer as the deployer's botocore shows it."""
        if operation != "DescribeModelPackage" or not self.is_upgraded:
            return content
        document = json.loads(content)
        for container in document.get("InferenceSpecification", {}).get("Containers", ()):
            container[NEWER_MEMBER] = "as it was all the time"
        return json.dumps(document).encode()

    def is_gone(self, kind: str, name: str) -> bool:
        """Tell whether people deleted a model or a config that nobody made again."""
        if name not in self._deleted[kind]:
            return False
        if kind == "config":
            return self._people.look("DescribeEndpointConfig", EndpointConfigName=name) is None
        return self._people.look("DescribeModel", ModelName=name) is None

    def lacks_models(self, config_name: str) -> bool:
        """Tell whether a model is missing of a config that people deleted."""
        variants = self._made[config_name]
        names = [
            each["ModelName"]
            for key in ("ProductionVariants", "ShadowProductionVariants")
            for each in variants.get(key, ())
        ]
        return any(self._people.look("DescribeModel", ModelName=each) is None for each in names)

    def was_deleted(self, kind: str, name: str) -> bool:
        """Tell whether people ever deleted a model or a config."""
        return name in self._deleted[kind]

    def content_of(self, config_name: str) -> tuple[str, str, str] | None:
        """Return what a config was whose content somebody deleted; None if nobody did."""
        return self._gone.get(config_name)

    def hide(self, version_arn: str, how: int) -> None:
        """Let the deployers be unable to read a version, or show them all again."""
        if how % 3:
            arn = self._people.namesakes.arn_of(version_arn).lower()
            self.hidden[arn] = _WAYS.get(how, Unreadable.DENIED)
        else:
            self.hidden.clear()
        self._people.last_done = self.world.clock.now()
        self.world.tell("kms", "hides", {each: why.value for each, why in sorted(self.hidden.items())})

    def upgrade(self) -> None:
        """Give the deployers a newer botocore, which shows more of each version."""
        self.is_upgraded = True
        self._people.last_done = self.world.clock.now()
        self.world.tell("cdk", "botocore is upgraded")

    def delete_config(self, endpoint: str, how: int) -> None:
        """Delete the config that an endpoint serves, or another one of its own."""
        name, site = self._config(endpoint, how), self.world.site_of(endpoint)
        config = name and self._people.look("DescribeEndpointConfig", EndpointConfigName=name)
        if not name or not config:
            return
        self._remember([name])
        self._deleted["config"].add(name)
        self.deleted_at[name] = self.world.clock.now()
        self._made[name] = self._request(config, config["EndpointConfigArn"], _CONFIG_MEMBERS)
        self._people.call("DeleteEndpointConfig", at=site, EndpointConfigName=name)

    def delete_model(self, endpoint: str, how: int) -> None:
        """Delete a model of the config that an endpoint serves, or of another one."""
        name, site = self._config(endpoint, how), self.world.site_of(endpoint)
        config = name and self._people.look("DescribeEndpointConfig", EndpointConfigName=name)
        if not config:
            return
        variants = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", ())]
        self._remember(self._configs(endpoint))
        model_name = variants[how % len(variants)]["ModelName"]
        model = self._people.look("DescribeModel", ModelName=model_name)
        if model is None:
            return
        self._deleted["model"].add(model_name)
        self._named_by[model_name] = {str(name), *self._naming(endpoint, model_name)}
        self._models[model_name] = endpoint, self._request(model, model["ModelArn"], _MADE_WITH)
        self._people.call("DeleteModel", at=site, ModelName=model_name)

    def restore(self) -> None:
        """Create deleted models again, as the deployer asks people to.

        Nobody asks for one whose release the deployer has cleaned up since. If their version was rejected,
        SageMaker refuses that. Then they delete the endpoint whose config they deleted, too.
        """
        for name, (endpoint, request) in self._models.items():
            described, site = self.world.describe(endpoint), self.world.site_of(endpoint)
            if described is None or not self.is_gone("model", name):
                continue
            if not any(map(partial(self._may_serve, endpoint), self._named_by[name])):
                continue
            made = self._people.call("CreateModel", at=site, ModelName=name, **request)
            if made is None:
                self._delete_endpoint(endpoint)

    def _delete_endpoint(self, endpoint: str) -> None:
        """Delete an endpoint whose config is gone, once SageMaker is no longer at work on it."""
        described = self.world.describe(endpoint)
        if described is None or not self.is_gone("config", described["EndpointConfigName"]):
            return
        site = self.world.site_of(endpoint)
        if self._people.call("DeleteEndpoint", at=site, EndpointName=endpoint) is None:
            self.world.agenda.put(REPEATED_SECONDS, partial(self._delete_endpoint, endpoint))

    def restore_configs(self) -> None:
        """Create configs again that endpoints serve, and that a lost journal forgot."""
        for name in dict.fromkeys(each.endpoint_name for each in self._people.recoveries):
            live = (self.world.describe(name) or {}).get("EndpointConfigName")
            if live in self._made and self.is_gone("config", live):
                site = self.world.site_of(name)
                self._people.call(
                    "CreateEndpointConfig", at=site, EndpointConfigName=live, **self._made[live]
                )

    def _request(self, described: dict[str, Any], arn: str, members: tuple[str, ...]) -> dict[str, Any]:
        """Return what makes a resource again as it was."""
        tags = self._people.look("ListTags", ResourceArn=arn) or {"Tags": []}
        return {**{name: described[name] for name in members if name in described}, "Tags": tags["Tags"]}

    @property
    def _people(self) -> People:
        return self.world.people

    def _configs(self, endpoint: str) -> list[str]:
        """Return the endpoint's own configs that exist."""
        listed = self.world.control_plane.call(
            "ListEndpointConfigs", {"MaxResults": 100}, self.world.site_of(endpoint).caller
        )
        names = [each["EndpointConfigName"] for each in listed["EndpointConfigs"]]
        return sorted(each for each in names if re.match(rf"{endpoint}-v\d+-[0-9a-f]{{12}}$", each))

    def _config(self, endpoint: str, how: int) -> str | None:
        described, configs = self.world.describe(endpoint), self._configs(endpoint)
        live = str(described["EndpointConfigName"]) if described is not None else None
        if how % _OTHER and live in configs:
            return live
        return configs[how % len(configs)] if configs else live

    def _naming(self, endpoint: str, model_name: str) -> Iterator[str]:
        """Yield the endpoint's own configs that name a model."""
        for name in self._configs(endpoint):
            config = self._people.look("DescribeEndpointConfig", EndpointConfigName=name)
            assert config is not None, "it was listed"
            variants = (*config["ProductionVariants"], *config.get("ShadowProductionVariants", ()))
            if any(each["ModelName"] == model_name for each in variants):
                yield name

    def _may_serve(self, endpoint: str, config_name: str) -> bool:
        """Tell whether a config exists, or serves although it was deleted."""
        live = (self.world.describe(endpoint) or {}).get("EndpointConfigName")
        if config_name == live:
            return True
        return self._people.look("DescribeEndpointConfig", EndpointConfigName=config_name) is not None

    def _remember(self, config_names: list[str]) -> None:
        for name in config_names:
            content = self._people.config_content(name)
            if content is not None:
                self._gone[name] = content
