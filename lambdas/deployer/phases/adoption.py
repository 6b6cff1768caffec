"""Recognises the version on an endpoint that a person handed over with `greenlight adopt`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from deployer.contract import ADOPTED_TAG
from deployer.decisions.releases import HiddenPinError, find_release
from deployer.gateways.adopted_configs import adopted_differences, serves_version
from deployer.model.adopted import Adopted
from deployer.model.model_version import ModelVersion
from deployer.model.names import version_in

if TYPE_CHECKING:
    from deployer.endpoint_pass.versions import Versions
    from deployer.gateways.gateways import Gateways
    from deployer.model.settings import EndpointSettings


class Adoption:
    """Looks at the endpoint's tag, and whether the config that serves is what the tag says.

    The tag alone proves nothing: anybody may write it who may tag the endpoint.
    """

    def __init__(self, settings: EndpointSettings, gateways: Gateways, versions: Versions) -> None:
        self._settings = settings
        self._gateways = gateways
        self._versions = versions
        self._tagged: dict[str, str | None] = {}

    def recognise(self, endpoint_config_name: str) -> str | None:
        """Return the version that an unknown config serves; None if the tag names none, or it is not so.

        Notes among the facts whether the config stands for the one that the tag names.
        """
        self._versions.adopted = None
        stands_for = self._stands_for(endpoint_config_name)
        number = version_in(stands_for) if stands_for is not None else None
        shown = self._gateways.models_and_configs.shown(endpoint_config_name) if number is not None else None
        if stands_for is None or number is None or shown is None:
            return None
        version = self._versions.known(self._settings.version_name(number))
        if not isinstance(version, ModelVersion):
            return None
        containers = version.containers.get(self._settings.inference_specification_name, [])
        if not serves_version(shown, version.arn, containers):
            return None
        try:
            release = self._versions.decide(
                partial(find_release, version_arn=version.arn, endpoint_config_name=stands_for)
            )
        except HiddenPinError:
            return version.arn
        if release is not None and not adopted_differences(shown, release, containers):
            self._versions.adopted = Adopted(endpoint_config_name, stands_for)
        return version.arn

    def _stands_for(self, endpoint_config_name: str) -> str | None:
        """Return what the tag of the endpoint that serves a config names, as first seen in this pass."""
        if endpoint_config_name not in self._tagged:
            endpoint = self._gateways.endpoints.describe(self._settings.endpoint_name)
            serves = endpoint is not None and endpoint.endpoint_config_name == endpoint_config_name
            tags = self._gateways.tags.read(endpoint.arn) if endpoint is not None and serves else {}
            self._tagged[endpoint_config_name] = tags.get(ADOPTED_TAG)
        return self._tagged[endpoint_config_name]
