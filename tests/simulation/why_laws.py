"""The law on what people are told of an endpoint at rest."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from greenlet import getcurrent  # type: ignore[import-untyped] # it publishes no types

from deployer.decisions.course import UnderWay
from deployer.decisions.explanation import explain
from deployer.decisions.plan import (
    Blocked,
    CannotChange,
    Deploy,
    Foreign,
    Held,
    OnTestEndpoint,
    WaitForAlarms,
)
from deployer.decisions.reasons import SERVING, Reason
from deployer.decisions.verdicts import CHOSEN_BY
from deployer.model.names import same_arn
from deployer.model.stack_identity import StackIdentity
from deployer.preview import preview, read_only
from tests.simulation import clients
from tests.simulation.laws import Law
from tests.simulation.people import STACK
from tests.simulation.sites import DEPLOYER_ROLE
from tests.simulation.world import TABLE, Onlooker, silent_logger

if TYPE_CHECKING:
    from deployer.decisions.course import Preview
    from deployer.gateways.gateways import Gateways
    from tests.simulation.sites import Site


class Law37WhyIsTrue(Law):
    """At rest, `why` gives one reason for each version of the group, and the decision does not contradict it.

    It says of exactly the versions on the endpoint's config that they serve, in one way or another. If the
    decision chose a version that does not serve, the reason says what it waits for. If another version was
    chosen than the one that serves, that one is said to leave. Exactly the version that was chosen as the
    shadow is said to become it, until it is. A look at all that changes nothing.
    """

    def check_rest(self) -> None:
        """Ask about every version for every endpoint."""
        for site in self.world.sites:
            getcurrent().network = Onlooker.of(self.world, site)
            gateways = read_only(clients.client, table_name=TABLE, now=partial(self.world.deployer_now, site))
            for name in site.settings.digests:
                self._check(self._seen(name, site, gateways), name, gateways)

    def _seen(self, name: str, site: Site, gateways: Gateways) -> Preview:
        settings = site.settings.read(name)
        assert settings is not None, "an index names what there is"
        identity = StackIdentity(site.role_arn, STACK, DEPLOYER_ROLE)
        return preview(settings, gateways, identity, silent_logger(), followers=site.settings.followers)

    def _check(self, seen: Preview, name: str, gateways: Gateways) -> None:
        choice = seen.chosen.choice if seen.chosen is not None else None
        namesakes, versions = self.world.people.namesakes, self.world.people.versions
        for arn in (namesakes.arn_of(each.arn) for each in versions if not namesakes.is_past(each.arn)):
            found = explain(seen, arn, gateways.registry.describe_version(arn))
            is_there = any(same_arn(arn, each) for each in seen.serves)
            if (found.reason in SERVING) != is_there:
                raise self.broken(f"{name} has {seen.serves}, and of {arn} it is said: {found.rule}")
            is_chosen = choice is not None and same_arn(arn, choice.approval.version_arn)
            if (found.verdict is not None and found.verdict.rule in CHOSEN_BY) != is_chosen:
                raise self.broken(f"{name} is to serve {choice}, and the verdict on {arn} is {found.verdict}")
            if is_chosen and not is_there and found.reason not in _WAITING.get(type(seen.course), ()):
                raise self.broken(f"{arn} was chosen for {name}, and it is said: {found.rule}")
            if not is_chosen and found.reason in _OF_THE_CHOSEN:
                raise self.broken(f"{arn} was not chosen for {name}, and it is said: {found.rule}")
            shadow = choice.shadow if choice is not None else None
            is_shadow = shadow is not None and same_arn(arn, shadow.version_arn)
            if found.reason is Reason.SHADOW_NEXT and not is_shadow:
                raise self.broken(f"{arn} was not chosen to shadow on {name}, and it is said: {found.rule}")
            if is_shadow and not is_there and found.reason not in {Reason.SHADOW_NEXT, Reason.UNDER_WAY}:
                raise self.broken(f"{arn} was chosen to shadow on {name}, and it is said: {found.rule}")


_OF_THE_CHOSEN: Final = frozenset({Reason.SERVES, Reason.NEXT, Reason.TESTED_FIRST, Reason.QUEUED})

_WAITING: Final[dict[type, frozenset[Reason]]] = {
    UnderWay: frozenset({Reason.QUEUED, Reason.UNDER_WAY}),
    Deploy: frozenset({Reason.NEXT, Reason.TESTED_FIRST, Reason.CANNOT_RETURN}),
    OnTestEndpoint: frozenset({Reason.TESTED_FIRST}),
    CannotChange: frozenset({Reason.CANNOT_CHANGE}),
    Blocked: frozenset({Reason.BLOCKED}),
    Held: frozenset({Reason.HELD}),
    WaitForAlarms: frozenset({Reason.WAITS_FOR_ALARMS}),
    Foreign: frozenset({Reason.FOREIGN}),
}
"""By the plan, what may be said of a chosen version that does not serve. Other plans leave none."""

WHY_LAWS: Final[tuple[type[Law], ...]] = (Law37WhyIsTrue,)
