"""Decides which instance counts and weights an update keeps, and which are set at the next rest. Pure.

Autoscaling and people change an endpoint's instance counts and weights. `UpdateEndpoint` resets both to the
new config's values, unless the request retains them, for all variants together (botocore:
`UpdateEndpointInput`). So an update retains a property unless the settings change it for every variant. What
they change for some variants only is set with `UpdateEndpointWeightsAndCapacities` at the next rest.

A variant with automatic scaling keeps its count, whatever the settings' count becomes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deployer.model.attempt import AttemptStatus
from deployer.model.steps import SetVariantProperties
from deployer.model.variant_properties import COUNT, WEIGHT, PropertyToSet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from deployer.model.attempt import Deployment
    from deployer.model.endpoint import Endpoint
    from deployer.model.history import History
    from deployer.model.variant_properties import Running

_MEMBERS: Final = {COUNT: "InitialInstanceCount", WEIGHT: "InitialVariantWeight"}
"""A property of a running variant, and the config's member that sets it."""


class Properties:
    """The counts and weights of one update.

    Args:
        serving: `ProductionVariants` of the config that serves.
        wanted: `ProductionVariants` of the config to serve.
        running: The endpoint's counts and weights.
        unset: What was still to be set on the config that serves.
        scaled: Names of the variants with automatic scaling.
    """

    def __init__(
        self,
        serving: Sequence[Mapping[str, Any]],
        wanted: Sequence[Mapping[str, Any]],
        *,
        running: Running,
        unset: Iterable[PropertyToSet] = (),
        scaled: Collection[str] = (),
    ) -> None:
        self._before = {variant["VariantName"]: variant for variant in serving}
        self._after = {variant["VariantName"]: variant for variant in wanted}
        self._running = running
        self._unset = {each.key: each for each in unset}
        self._scaled = scaled
        self._has_counts = not is_serverless(serving) and not is_serverless(wanted)
        # Variants may come (seen: aws-controllers-k8s/sagemaker-controller `test_endpoint.py`). Nobody
        # documents whether SageMaker retains anything when a variant goes.
        self._retains = self._has_counts and self._before.keys() <= self._after.keys()

    @property
    def request(self) -> dict[str, Any]:
        """The members of `UpdateEndpoint` that keep what the settings do not change."""
        if not self._retains:
            return {}
        excluded = [{"VariantPropertyType": name} for name in _MEMBERS if self._changes_everywhere(name)]
        return {
            "RetainAllVariantProperties": True,
            **({"ExcludeRetainedVariantProperties": excluded} if excluded else {}),
        }

    @property
    def to_set(self) -> tuple[PropertyToSet, ...]:
        """What is set once the update is over."""
        if not self._has_counts:
            return ()
        names = [name for name in _MEMBERS if not self._changes_everywhere(name)]
        shared = [each for each in self._after if each in self._before]
        found = [
            each for variant in shared for name in names if (each := self._to_set(variant, name)) is not None
        ]
        weights = {variant: _value(each, WEIGHT) for variant, each in self._after.items()}
        weights |= {each.variant_name: each.value for each in found if each.name == WEIGHT}
        if not any(weights.values()):
            # The variants that are left were drained by hand. Somebody has to answer.
            return tuple(each for each in found if each.name != WEIGHT or not each.restores)
        return tuple(found)

    def _to_set(self, variant: str, name: str) -> PropertyToSet | None:
        wanted = _value(self._after[variant], name)
        if self._changes(variant, name):
            # Without retention the update itself sets it.
            effective = self._in_effect(variant, name)
            return PropertyToSet(variant, name, wanted, effective) if self._retains else None
        owed = self._unset.get(f"{variant}/{name}")
        restored = None
        if owed is not None and owed.restores:
            if self._retains:
                # This update leaves it as the one before reset it, whatever count the new config has.
                return owed
            # Somebody may have changed it since it was reset: then that stays.
            restored = owed.value if self._running.get(variant, {}).get(name) == owed.before else None
        if self._before.keys() != self._after.keys() and restored is None:
            restored = self._running.get(variant, {}).get(name)
        if restored is None or restored == wanted:
            return None
        return PropertyToSet(variant, name, restored, wanted, restores=True)

    def _changes_everywhere(self, name: str) -> bool:
        """Tell whether the settings change a property for every variant, so that nothing is reset."""
        return self._before.keys() == self._after.keys() and all(
            self._changes(variant, name) for variant in self._after
        )

    def _changes(self, variant: str, name: str) -> bool:
        if name == COUNT and variant in self._scaled:
            return False
        return _value(self._after[variant], name) != self._in_effect(variant, name)

    def _in_effect(self, variant: str, name: str) -> float:
        """Return the settings' value that took effect last."""
        owed = self._unset.get(f"{variant}/{name}")
        if owed is not None and not owed.restores:
            # A call whose answer was lost may have set it.
            shown = self._running.get(variant, {}).get(name)
            return owed.value if shown == owed.value else owed.before
        return _value(self._before[variant], name)


def led_to(history: History, endpoint_config_name: str | None) -> Deployment | None:
    """Return the deployment that brought the endpoint to a config, as far as the journal knows."""
    led = [each for each in history.deployments if each.endpoint_config_name == endpoint_config_name]
    reached = (each for each in led if each.status is not AttemptStatus.WITHDRAWN)
    return next(reached, led[0] if led else None)


def unset_properties(history: History, endpoint_config_name: str | None) -> tuple[PropertyToSet, ...]:
    """Return what is still to be set on an endpoint that serves a config."""
    led = led_to(history, endpoint_config_name)
    if led is None:
        return ()
    noted = history.last_observed.properties_set
    return tuple(each for each in led.to_set if noted.get(each.key) != led.number)


def noted_as_set(history: History, properties: Iterable[PropertyToSet], attempt: int) -> dict[str, int]:
    """Return the journal's note with properties that need nothing any more.

    Args:
        history: The endpoint's.
        properties: Which.
        attempt: The number of the deployment that left them to be set.
    """
    noted = history.last_observed.properties_set
    return {**noted, **dict.fromkeys((each.key for each in properties), attempt)}


def due_properties(
    unset: Iterable[PropertyToSet], running: Running, *, scaled: Collection[str]
) -> tuple[PropertyToSet, ...]:
    """Return what must be set now; the rest needs nothing any more.

    A property that is as it should be needs nothing. Nor does one to restore that was not reset, or that
    somebody changed since, or the count of a variant that scales by now.
    """

    def is_due(each: PropertyToSet) -> bool:
        shown = running.get(each.variant_name, {}).get(each.name)
        if shown is None or shown == each.value:
            return False
        if each.restores:
            return shown == each.before
        return each.name == WEIGHT or each.variant_name not in scaled

    return tuple(filter(is_due, unset))


def setting_step(
    due: Sequence[PropertyToSet], endpoint: Endpoint, *, attempt: int
) -> SetVariantProperties | None:
    """Return the next call: capacity that grows, then weights, then capacity that shrinks.

    One call sets the weights of several variants, or the capacity of one (botocore:
    `UpdateEndpointWeightsAndCapacities`). The endpoint is then `Updating`, so the next rest makes the next.
    """
    counts = [each for each in due if each.name == COUNT]
    weights = tuple(each for each in due if each.name == WEIGHT)
    running = endpoint.variant_properties
    grows = [(each,) for each in counts if each.value > running[each.variant_name][COUNT]]
    shrinks = [(each,) for each in counts if (each,) not in grows]
    step = next(filter(None, (*grows, weights, *shrinks)), None)
    return SetVariantProperties(endpoint.name, step, attempt) if step is not None else None


def undone_properties(
    history: History, endpoint: Endpoint, *, scaled: Collection[str]
) -> tuple[PropertyToSet, ...]:
    """Return what SageMaker accepted to set and then went back on, for the endpoint's failure reason.

    That reason may also be a later deployment's. Then nothing is known.
    """
    led = led_to(history, endpoint.endpoint_config_name)
    if led is None or endpoint.failure_reason is None or led.number != history.deployments[0].number:
        return ()
    noted = history.last_observed.properties_set
    done = (each for each in led.to_set if noted.get(each.key) == led.number)
    return due_properties(done, endpoint.variant_properties, scaled=scaled)


def is_serverless(variants: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a config's `ProductionVariants` are serverless: never only some of them are."""
    return any("ServerlessConfig" in variant for variant in variants)


def _value(variant: Mapping[str, Any], name: str) -> float:
    """Return a config's value of a property as a number, with SageMaker's default."""
    return float(variant.get(_MEMBERS[name], 1))
