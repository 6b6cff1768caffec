"""Answer invocations without processes: a script gives each model's answers, routes choose the model.

A fake that is part of the product, beside `ScriptedHosting`: smoke tests and callers run on it in virtual
time.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from local_cloud.hosting.fleets import Invocation, NoSuchEndpointError, NoSuchVariantError, NotReadyError
from local_cloud.hosting.routing import WeightedChoice
from local_cloud.hosting.variant_fleet import Answer
from local_cloud.sagemaker.ports import Health

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.sagemaker.ports import FleetSpec
    from local_cloud.testing.scripted_hosting import ScriptedHosting


class Invoked(NamedTuple):
    """An invocation that was answered."""

    endpoint_name: str
    variant_name: str
    model_name: str
    body: bytes
    status: int | None


class ScriptedEndpoints:
    """The endpoints of a `ScriptedHosting`, answering by script.

    Attributes:
        invoked: Every invocation, in order; the status is None where the script raises an error.
    """

    def __init__(self, hosting: ScriptedHosting) -> None:
        self._hosting = hosting
        self._answers: dict[str, list[Answer | Exception]] = {}
        self._choices: dict[tuple[str, str, str], WeightedChoice] = {}
        self.invoked: list[Invoked] = []

    def script(self, model_name: str, *answers: Answer | Exception) -> None:
        """Set a model's answers, in order; the last one repeats for ever.

        An exception is raised, such as `InvocationTimeoutError`. A model without a script answers 200 and its
        own name as JSON.
        """
        self._answers[model_name] = list(answers)

    def async_inference(self, account_id: str, region: str, endpoint_name: str) -> Mapping[str, Any] | None:
        """Return the endpoint's AsyncInferenceConfig; raise `NoSuchEndpointError` if it does not serve."""
        return self.serving(account_id, region, endpoint_name).async_inference

    def serving(self, account_id: str, region: str, endpoint_name: str) -> FleetSpec:
        """Return the endpoint's serving fleet; raise `NoSuchEndpointError` if there is none."""
        routes = self._hosting.routes.get((account_id, region, endpoint_name))
        if not routes:
            raise NoSuchEndpointError
        return self._hosting.fleets[routes[0].fleet_id].spec

    def invoke(
        self,
        account_id: str,
        region: str,
        endpoint_name: str,
        *,
        target_variant: str | None,
        body: bytes,
        headers: Mapping[str, str],  # noqa: ARG002 - the signature of the hosting's
        timeout_seconds: float | None = None,  # noqa: ARG002 - likewise
    ) -> Invocation:
        """Answer by the script of the model that the routes choose.

        Raises `NoSuchEndpointError`, `NoSuchVariantError`, `NotReadyError`, or the script's error.
        """
        key = (account_id, region, endpoint_name)
        routes = self._hosting.routes.get(key)
        if not routes:
            raise NoSuchEndpointError
        choice = self._choices.get(key)
        if choice is None or choice.routes != routes:
            choice = self._choices[key] = WeightedChoice(routes)
        route = choice.next() if target_variant is None else choice.next_of_variant(target_variant)
        if route is None:
            raise NoSuchVariantError
        is_starting = self._hosting.health(route.fleet_id) is Health.STARTING
        if is_starting and self._hosting.ready_instances(route.fleet_id) == 0:
            raise NotReadyError(route.variant_name)
        model_name = self._hosting.fleets[route.fleet_id].spec.model_name
        answer = self._next_answer(model_name)
        status = None if isinstance(answer, Exception) else answer.status
        self.invoked.append(Invoked(endpoint_name, route.variant_name, model_name, body, status))
        if isinstance(answer, Exception):
            raise answer
        group = f"/aws/sagemaker/Endpoints/{endpoint_name}"
        return Invocation(route.variant_name, group, f"{route.variant_name}/{route.fleet_id}", answer)

    def _next_answer(self, model_name: str) -> Answer | Exception:
        answers = self._answers.get(model_name)
        if not answers:
            return Answer(200, "application/json", json.dumps(model_name).encode())
        return answers.pop(0) if len(answers) > 1 else answers[0]
