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
        autoscaling: Whether some endpoint scales by itself.
        smoke_tests: Whether some endpoint is called to try a version.
        sample_payloads: Whether that is with what versions were registered with.
        smoke_test_objects: Buckets and keys of what is sent besides.
    """

    registry_accounts: Sequence[str] = ()
    storage_keys: Sequence[str] = ()
    autoscaling: bool = False
    smoke_tests: bool = False
    sample_payloads: bool = False
    smoke_test_objects: Sequence[tuple[str, str]] = ()

    @classmethod
    def of(cls, endpoints: Sequence[EndpointSpec]) -> Needs:
        """Read the needs of all endpoints together."""
        groups = [spec.model_package_group for spec in endpoints]
        configs = [spec.compiled["CreateEndpointConfig"] for spec in endpoints]
        tests = [spec.compiled.get("SmokeTest", {}) for spec in endpoints]
        calls = [request for test in tests for request in test.get("Requests", ())]
        return cls(
            registry_accounts=sorted({group.split(":")[4] for group in groups if group.startswith("arn:")}),
            storage_keys=sorted({config["KmsKeyId"] for config in configs if config.get("KmsKeyId")}),
            autoscaling=any("AutoScaling" in spec.compiled for spec in endpoints),
            smoke_tests=bool(calls),
            sample_payloads=any("SamplePayload" in call for call in calls),
            smoke_test_objects=sorted({_object(call["BodyS3Uri"]) for call in calls if "BodyS3Uri" in call}),
        )


def _object(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
