"""The law on pauses and freeze windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.simulation.back_laws import Law27BackAtOnce
from tests.simulation.laws import CHANGES, Law
from tests.simulation.people import versions_in
from tests.simulation.world import ASIDE

if TYPE_CHECKING:
    from tests.simulation.laws import Facts
    from tests.simulation.world import Call, World

_READS: Final = frozenset({"DescribeModelPackage", "ListObjectsV2", "Query"})
"""What an invocation reads right before it changes an endpoint."""


class Law32AHoldHolds(Law):
    """While a pause or a freeze window stands, nothing new goes out to an endpoint.

    Nothing new is an update that goes back (law 27), without a shadow that is not on the endpoint; a config
    that served well, in the place of an endpoint that is gone; and the version that serves without companions
    that are no longer approved. Everything else waits.

    A hold counts if the invocation could have read it: the hold stood when the invocation began the reads
    right before the change. A window counts for invocations that began after it was deployed. The law
    excludes approvals that the invocation could not read in the journal. That what waited goes out after the
    hold's end is law 3.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._back = Law27BackAtOnce(world, facts)

    def check_call(self, call: Call) -> None:
        """Look whether anything holds a change back."""
        self.note_call(call)
        if not (call.is_write and call.operation in CHANGES):
            return
        name, read = call.request["EndpointName"], _first_read(call)
        standing = [each for each in self.world.people.holds.all if each.could_be_read_at(read, name)]
        if standing and self.is_new(call):
            config = call.request["EndpointConfigName"]
            raise self.broken(f"{name} gets {config}, and rollouts are held back until {standing[0].until}")

    def note_call(self, call: Call) -> None:
        """Remember which approvals an invocation may know."""
        self._back.note_call(call)

    def is_new(self, call: Call) -> bool:
        """Tell whether a change brings anything new; no if nobody can say what the invocation knew."""
        name, config = call.request["EndpointName"], call.request["EndpointConfigName"]
        endpoint, content = self.world.describe(name), self.world.people.config_content(config)
        assert content is not None, "SageMaker accepts configs that exist"
        if endpoint is None or call.operation == "CreateEndpoint":
            return config not in {each["endpoint_config_name"] for each in self._succeeded(name)}
        live = self.world.people.config_content(endpoint["EndpointConfigName"])
        if live is None:
            return False
        new, old = set(versions_in(content)), set(versions_in(live))
        if live[0] == content[0] and new < old:
            return any(self._stands(arn) for arn in old - new)
        if content[0] not in {each["version_arn"].lower() for each in self._succeeded(name)}:
            return True
        return self._back.goes_back(call) is False

    def _succeeded(self, name: str) -> list[dict[str, Any]]:
        return [
            each
            for each in self.facts.attempts(name)
            if each["status"] == "succeeded" and each["action"] not in ASIDE
        ]

    def _stands(self, version_arn: str) -> bool:
        found = self.world.people.look("DescribeModelPackage", ModelPackageName=version_arn)
        return found is not None and found["ModelApprovalStatus"] == "Approved"


def _first_read(call: Call) -> Call:
    """Return the first of the reads right before a change, by its invocation; the change if there is none."""
    first = call
    for each in reversed(call.invocation.calls[:-1]):
        if each.operation == call.operation and each.request == call.request:
            continue
        if each.operation not in _READS:
            break
        first = each
    return first


HOLD_LAWS: Final[tuple[type[Law], ...]] = (Law32AHoldHolds,)
