"""The only caller of Application Auto Scaling: keeps variants registered as in the settings.

A variant's scaling is a mapping as in the settings: `ScalableDimension`, `MinCapacity`, `MaxCapacity`,
`Policies` and `ScheduledActions`, named as in botocore's requests.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from deployer.gateways.refusals import upkeep_refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient

_NAMESPACE: Final = "sagemaker"


class ScalableTargets:
    """Variants that scale by themselves.

    Args:
        client: Makes the client on its first use: most endpoints do not scale.
    """

    def __init__(self, client: Callable[[], ApplicationAutoScalingClient]) -> None:
        self._make_client = client

    @property
    def _client(self) -> ApplicationAutoScalingClient:
        return self._make_client()

    def register(
        self, endpoint_name: str, variant_name: str, wanted: Mapping[str, Any], applied: Mapping[str, Any]
    ) -> None:
        """Register a variant, or update its registration. A repetition changes nothing.

        Args:
            endpoint_name: The endpoint, which must be in service.
            variant_name: One of its variants.
            wanted: What its scaling should be.
            applied: What the deployer registered before; empty if nothing. Only names in it that `wanted`
                lacks are removed, so that what others add stays.

        Raises:
            UpkeepRefusedError: The request is refused.
        """
        if applied and applied["ScalableDimension"] != wanted["ScalableDimension"]:
            self.deregister(endpoint_name, variant_name, applied)
            applied = {}
        target = _target(endpoint_name, variant_name, wanted)
        with upkeep_refusals(
            f"Variant {variant_name} of {endpoint_name} does not scale as its settings say",
            remedy="Change `autoscaling` in its YAML, or remove the named cause.",
        ):
            self._client.register_scalable_target(
                **target, MinCapacity=wanted["MinCapacity"], MaxCapacity=wanted["MaxCapacity"]
            )
            for name in _surplus(applied, wanted, "Policies", "PolicyName"):
                with _already_gone():
                    self._client.delete_scaling_policy(**target, PolicyName=name)
            for policy in wanted.get("Policies", ()):
                self._client.put_scaling_policy(**target, PolicyType="TargetTrackingScaling", **policy)
            for name in _surplus(applied, wanted, "ScheduledActions", "ScheduledActionName"):
                with _already_gone():
                    self._client.delete_scheduled_action(**target, ScheduledActionName=name)
            for action in wanted.get("ScheduledActions", ()):
                self._client.put_scheduled_action(**target, **action)

    def deregister(self, endpoint_name: str, variant_name: str, applied: Mapping[str, Any]) -> None:
        """Deregister a variant with its policies and scheduled actions, if it is registered.

        Raises:
            UpkeepRefusedError: The request is refused.
        """
        refusals = upkeep_refusals(
            f"Automatic scaling of variant {variant_name} of {endpoint_name} cannot be ended",
            remedy=f"Deregister its scalable target, endpoint/{endpoint_name}/variant/{variant_name}.",
        )
        with refusals, _already_gone():
            self._client.deregister_scalable_target(**_target(endpoint_name, variant_name, applied))


@contextmanager
def _already_gone() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != "ObjectNotFoundException":
            raise


def _target(endpoint_name: str, variant_name: str, scaling: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ServiceNamespace": _NAMESPACE,
        "ResourceId": f"endpoint/{endpoint_name}/variant/{variant_name}",
        "ScalableDimension": scaling["ScalableDimension"],
    }


def _surplus(applied: Mapping[str, Any], wanted: Mapping[str, Any], kind: str, key: str) -> list[str]:
    """Return the names of policies or scheduled actions that were applied and are no longer wanted."""
    names = {each[key] for each in wanted.get(kind, ())}
    return [each[key] for each in applied.get(kind, ()) if each[key] not in names]
