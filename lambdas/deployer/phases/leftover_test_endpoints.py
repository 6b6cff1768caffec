"""Finds test endpoints by their names and tags, and deletes those that no deployment waits for.

A version may be given up while its test endpoint is being created, and SageMaker refuses to delete it then.
An invocation may end before it deletes one, and a journal may be lost. So the names come from events, and
from the list of all endpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from deployer.decisions.before_rollout import is_waited_for, may_be_for_a_test, tested_for
from deployer.gateways.sagemaker_errors import BusyError, RefusedError, ThrottledError
from deployer.model.steps import DeleteTestEndpoint

if TYPE_CHECKING:
    from deployer.endpoint_pass.unmanaged_context import UnmanagedContext
    from deployer.model.endpoint import Endpoint


class Found(NamedTuple):
    """A test endpoint, and the name of the endpoint that it is for."""

    shown: Endpoint
    owner: str


class LeftoverTestEndpoints:
    """Test endpoints, as one invocation meets them."""

    def __init__(self, context: UnmanagedContext) -> None:
        self._context = context

    def find(self, endpoint_name: str) -> Found | None:
        """Return a test endpoint at rest and the endpoint that it is for; None if it is none of this stack's.

        While SageMaker is at work on it, there is nothing to do.
        """
        if not may_be_for_a_test(endpoint_name):
            return None
        shown = self._context.gateways.endpoints.describe(endpoint_name)
        if shown is None or shown.modifying:
            return None
        tags = self._context.gateways.tags.read(shown.arn)
        owner = tested_for(endpoint_name, tags, self._context.identity)
        return None if owner is None else Found(shown, owner)

    def delete(self, endpoint_name: str) -> None:
        """Delete a test endpoint that no deployment waits for, unless SageMaker is at work on it."""
        found = self.find(endpoint_name)
        if found is None:
            return
        logger, ledger = self._context.logger, self._context.ledger(found.owner)
        if is_waited_for(ledger.history, endpoint_name):
            return
        step = DeleteTestEndpoint(endpoint_name)
        logger.info("Deleting a test endpoint that no deployment waits for", steps=[step])
        try:
            self._context.executor(ledger).make(step)
        except (BusyError, ThrottledError) as error:
            logger.warning(
                "A sweep deletes the test endpoint later", test_endpoint=step.endpoint_name, reason=str(error)
            )
        except RefusedError as refusal:
            self._context.notices(ledger).report_undeletable(found.shown, str(refusal))
