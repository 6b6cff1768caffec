"""Makes the endpoint config that serves again if somebody deleted it.

SageMaker needs that config for the next update, and its owner tells people of endpoints without one (seen:
ministryofjustice/analytical-platform #9863). Every update repairs it, too; this is for the time between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.endpoint_pass.refused_writes import key_of
from deployer.endpoint_pass.round import Next
from deployer.gateways.models_and_configs import is_config_gone
from deployer.gateways.refusals import AGAIN
from deployer.gateways.sagemaker_errors import RefusedError
from deployer.model.excerpts import sentence
from deployer.model.history import config_request
from deployer.model.steps import CreateEndpointConfig

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.executor import Executor
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.refused_writes import RefusedWrites
    from deployer.endpoint_pass.round import Round
    from deployer.gateways.models_and_configs import ModelsAndConfigs


_GONE: Final = "The endpoint config that serves"


class RepairPhase:
    """Looks for the config that serves, in passes of sweeps."""

    def __init__(
        self,
        ledger: Ledger,
        resources: ModelsAndConfigs,
        executor: Executor,
        refused_writes: RefusedWrites,
        logger: Logger,
    ) -> None:
        self._ledger = ledger
        self._resources = resources
        self._executor = executor
        self._refused_writes = refused_writes
        self._logger = logger

    def is_needed(self, endpoint_config_name: str | None) -> bool:
        """Tell whether a config was deleted that the deployer can create again."""
        return (
            endpoint_config_name is not None
            and config_request(self._ledger.history, endpoint_config_name) is not None
            and is_config_gone(self._resources, endpoint_config_name)
        )

    def run(self, round_: Round) -> Next:
        """Create the config again. A refusal is reported, and stops no other phase."""
        name = round_.endpoint.endpoint_config_name if round_.endpoint is not None else None
        if not round_.discover:
            # Only a sweep looks, so only a sweep can tell whether it is there again.
            reported = self._ledger.history.last_observed.reported
            round_.troubles += [each for each in reported if each.startswith(_GONE)]
            return Next.GO_ON
        if not self.is_needed(name):
            return Next.GO_ON
        request = config_request(self._ledger.history, name)
        assert request is not None, "a config is needed only if its request is known"
        step = CreateEndpointConfig(dict(request), repairs=True)
        key = key_of(step)
        if (told := self._refused_writes.put_off(key)) is not None:
            round_.troubles.append(told)
            return Next.GO_ON
        self._logger.warning("Creating the deleted config that serves again", steps=[step])
        try:
            self._executor.make(step)
        except RefusedError as refusal:
            told = (
                f"{_GONE}, {name}, was deleted and cannot be created again: {sentence(str(refusal))} "
                f"Remove the cause. {AGAIN}"
            )
            self._refused_writes.note_refused(key, told)
            round_.troubles.append(told)
        else:
            self._refused_writes.note_made(key)
        return Next.GO_ON
