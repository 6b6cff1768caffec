"""Repeats the smoke test of a version that passed it in the bake, one test a call, until the bake is over.

An invocation that waits keeps the settings that it began with. So it only tests. When the bake ends, or
anything else changes, it releases its lease and leaves what follows to another invocation. See ADR 21.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from deployer.endpoint_pass.ledger import LostLeaseError
from deployer.endpoint_pass.round import Next, Round
from deployer.endpoint_pass.throttling import OutOfTimeError
from deployer.model.attempt import AttemptStatus, Deployment

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.versions import Versions
    from deployer.gateways.gateways import Gateways
    from deployer.model.settings import EndpointSettings
    from deployer.phases.aborting import AbortingPhase
    from deployer.phases.smoke_testing import SmokeTestingPhase


class RepeatedTest:
    """Tests once more what this invocation has claimed, after it waited."""

    def __init__(
        self,
        settings: EndpointSettings,
        gateways: Gateways,
        ledger: Ledger,
        versions: Versions,
        testing: SmokeTestingPhase,
        aborting: AbortingPhase,
        logger: Logger,
    ) -> None:
        self._settings = settings
        self._gateways = gateways
        self._ledger = ledger
        self._versions = versions
        self._testing = testing
        self._aborting = aborting
        self._logger = logger

    @property
    def is_held(self) -> bool:
        """Whether a pass of this invocation tested the version in the bake, and is to test it again."""
        return self._testing.holds_test and self._held is not None

    def run(self) -> Next:
        """Test once more.

        Returns:
            AGAIN: The version passed, and the bake lasts. GO_ON: Another invocation is to look at the
            endpoint, and may. LEAVE: An event brings that one, or it has changed the deployment already.
        """
        deployment, test = self._held, self._settings.smoke_test
        if deployment is None:
            self._logger.info("Another invocation is at work on this endpoint: no further test")
            return Next.LEAVE
        assert test is not None, "what is held was tested by the same settings"
        endpoint = self._gateways.endpoints.describe(self._ledger.endpoint_name)
        try:
            if (
                endpoint is None
                or not self._testing.is_due_again(deployment, endpoint)
                or not all(self._versions.may_still_serve(each) for each in deployment.version_arns)
            ):
                self._testing.release_untested(deployment)
                return Next.GO_ON
            self._testing.settle(deployment, test, endpoint)
            if self._testing.holds_test:
                return Next.AGAIN
            left = self._ledger.history.unsettled
            if isinstance(left, Deployment) and left.failed_test is not None:
                # It has all calls: do not leave the abort to another invocation. SageMaker tells of its end.
                return self._aborting.run(Round(endpoint=endpoint))
        except OutOfTimeError:
            return Next.GO_ON
        except LostLeaseError:
            return Next.LEAVE
        return Next.GO_ON

    def release(self) -> None:
        """Let any other invocation go on."""
        deployment = self._held
        if deployment is not None:
            with suppress(LostLeaseError):
                self._testing.release_untested(deployment)

    @property
    def _held(self) -> Deployment | None:
        """The deployment that this invocation has claimed for its test, if nobody changed it since."""
        deployment = self._ledger.history.unsettled
        if (
            isinstance(deployment, Deployment)
            and deployment.status is AttemptStatus.TESTING
            and deployment.abort_asked_at is None
            and deployment.invocation_id == self._ledger.invocation_id
            and self._gateways.now() < deployment.lease_until
        ):
            return deployment
        return None
