"""Sets the counts and weights that an update left to be set, and reports what SageMaker went back on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.variant_properties import (
    due_properties,
    led_to,
    noted_as_set,
    setting_step,
    undone_properties,
    unset_properties,
)
from deployer.endpoint_pass.round import Next
from deployer.model.excerpts import sentence
from deployer.model.variant_properties import in_words

if TYPE_CHECKING:
    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.round import Round
    from deployer.model.settings import EndpointSettings


class UndonePropertiesPhase:
    """Reports what SageMaker went back on, before the next deployment, which clears SageMaker's reason."""

    def __init__(self, settings: EndpointSettings, ledger: Ledger, notices: Notices) -> None:
        self._settings = settings
        self._ledger = ledger
        self._notices = notices

    def run(self, round_: Round) -> Next:
        """Report it at once: a deployment ends the pass."""
        endpoint = round_.endpoint
        if endpoint is None or endpoint.status != "InService":
            return Next.GO_ON
        if undone := undone_properties(self._ledger.history, endpoint, scaled=self._settings.scaling):
            reason = sentence(endpoint.failure_reason or "It gives no reason")
            trouble = (
                f"SageMaker did not give {endpoint.name} {in_words(undone)}: {reason} The "
                "deployer does not try it again: set it yourself, or change it in the YAML."
            )
            self._notices.report(trouble)
            round_.troubles.append(trouble)
        return Next.GO_ON


class VariantPropertiesPhase:
    """Makes one call at each rest until nothing is left to be set. Each value is set once."""

    def __init__(self, settings: EndpointSettings, ledger: Ledger, executor: Executor) -> None:
        self._settings = settings
        self._ledger = ledger
        self._executor = executor

    def run(self, round_: Round) -> Next:
        """Set what is due. A refusal is reported, and stops no other phase."""
        endpoint, history = round_.endpoint, self._ledger.history
        if endpoint is None or endpoint.status != "InService":
            return Next.GO_ON
        led = led_to(history, endpoint.endpoint_config_name)
        if led is None or not led.to_set:
            return Next.GO_ON
        scaled, running = self._settings.scaling, endpoint.variant_properties
        unset = unset_properties(history, endpoint.endpoint_config_name)
        due = due_properties(unset, running, scaled=scaled)
        if needless := [each for each in unset if each not in due]:
            self._ledger.note(properties_set=noted_as_set(history, needless, led.number))
        if (step := setting_step(due, endpoint, attempt=led.number)) is not None:
            round_.troubles += self._executor.try_to_make([step])
        return Next.GO_ON
