"""What must hold of tests before a rollout: one class a law, whose docstring is the rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tests.simulation.hold_laws import Law32AHoldHolds
from tests.simulation.laws import CHANGES, Law
from tests.simulation.people import GOOD_ANSWERS
from tests.simulation.world import ASIDE

if TYPE_CHECKING:
    from tests.simulation.laws import Facts
    from tests.simulation.world import Call, World


class Law34TestedBeforeTheRollout(Law):
    """With `before_rollout`, nothing new goes out whose version did not pass its test on a test endpoint.

    So no call of callers is ever answered by a version that failed its test there. Before an endpoint is
    created or updated, the version answered well on a test endpoint as often as the test asks, with the same
    environment and instance type, and not badly since. What goes back, repairs, or succeeded before with this
    config is not new (law 32).

    The law excludes invocations that had read a journal before it was lost or restored.
    """

    sees_tests = True

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._holds = Law32AHoldHolds(world, facts)
        self._good: dict[tuple[str, str, str], int] = {}
        """How many good answers came in a row, by version, environment and instance types."""
        self._made: dict[str, tuple[str, str, str]] = {}
        """What test endpoints' configs were made of: the instances answer on when their config is deleted."""

    def check_call(self, call: Call) -> None:
        """Count answers on test endpoints, and look at changes of all others."""
        name, made = call.request.get("EndpointName", ""), call.request.get("EndpointConfigName", "")
        if call.operation == "CreateEndpointConfig" and call.accepted and made in self.facts.test_endpoints:
            self._made[made] = self._subject(made)
            return
        if name in self.facts.test_endpoints:
            self._count(call, name)
            return
        self._holds.note_call(call)
        if not (call.is_write and call.operation in CHANGES) or not self._wants_test(call, name):
            return
        config = call.request["EndpointConfigName"]
        if (
            self.facts.recovered(name, call.invocation.started)
            or config in self._succeeded(name)
            or not self._holds.is_new(call)
        ):
            return
        tested = self._subject(config)
        if self._good.get(tested, 0) < GOOD_ANSWERS:
            raise self.broken(f"{name} gets {config}, and {tested} has not passed its test before")

    def _count(self, call: Call, name: str) -> None:
        if call.operation != "InvokeEndpoint" or not call.accepted:
            return
        is_good = json.loads(call.response["Body"])["good"]
        for config in {spec.endpoint_config_name for spec, _ in self.world.hosting.receiving(name)}:
            tested = self._made.get(config) or self._subject(config)
            self._good[tested] = self._good.get(tested, 0) + 1 if is_good else 0

    def _subject(self, config: str) -> tuple[str, str, str]:
        """Return what is tested: the version that follows the approvals, as its variants have it."""
        content = self.world.people.config_content(config)
        assert content is not None, "SageMaker accepts configs that exist"
        types = {each["InstanceType"] for each in json.loads(content[2]) if "ModelPackageName" not in each}
        return content[0], content[1], json.dumps(sorted(filter(None, types)))

    def _wants_test(self, call: Call, name: str) -> bool:
        settings = call.invocation.settings.read(name)
        return settings is not None and settings.smoke_test is not None and settings.smoke_test.before_rollout

    def _succeeded(self, name: str) -> set[str]:
        return {
            each["endpoint_config_name"]
            for each in self.facts.attempts(name)
            if each["status"] == "succeeded" and each["action"] not in ASIDE
        }


class Law35NoTestEndpointIsLeft(Law):
    """Once everything rests, no test endpoint is left, and no config of one whose models were cleaned up.

    So it is also after a deployer that died at any moment, a journal that was lost, and settings that were
    changed or removed. Configs cost nothing: one that was made in vain stays as long as its release. The law
    excludes configs of endpoints that left the settings, and of worlds in which a journal was lost or
    restored.
    """

    def check_rest(self) -> None:
        """Look for test endpoints and their configs."""
        look = self.world.people.look
        for name in sorted(self.facts.test_endpoints):
            if look("DescribeEndpoint", EndpointName=name) is not None:
                raise self.broken(f"test endpoint {name} is left")
            config = look("DescribeEndpointConfig", EndpointConfigName=name)
            if config is None or self.world.people.recoveries or not self._is_managed(name):
                continue
            models = {each["ModelName"] for each in config["ProductionVariants"]}
            if all(look("DescribeModel", ModelName=each) is None for each in models):
                raise self.broken(f"the config of test endpoint {name} is left")

    def _is_managed(self, test_endpoint: str) -> bool:
        return self.world.people.settings.get(self.world.tested_for(test_endpoint)) is not None


BEFORE_LAWS: Final[tuple[type[Law], ...]] = (Law34TestedBeforeTheRollout, Law35NoTestEndpointIsLeft)
