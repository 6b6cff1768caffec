"""Owns reading out of the endpoints' settings what they need beyond what every endpoint does.

Pure. Permissions that only some settings need are granted only where some endpoint has those settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.settings.catalogue import EndpointSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Hold what some endpoints need; each list sorted and without doubles.

    Attributes:
        registry_accounts: Accounts whose registries are named by ARN.
        storage_keys: KMS keys, by id, ARN or alias, that instances' storage is encrypted with.
    """

    registry_accounts: Sequence[str] = ()
    storage_keys: Sequence[str] = ()

    @classmethod
    def of(cls, endpoints: Sequence[EndpointSpec]) -> Needs:
        """Read the needs of all endpoints together."""
        groups = [spec.model_package_group for spec in endpoints]
        configs = [spec.compiled["CreateEndpointConfig"] for spec in endpoints]
        return cls(
            registry_accounts=sorted({group.split(":")[4] for group in groups if group.startswith("arn:")}),
            storage_keys=sorted({config["KmsKeyId"] for config in configs if config.get("KmsKeyId")}),
        )
