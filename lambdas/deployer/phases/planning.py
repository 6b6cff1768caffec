"""Plans, and reads what only a plan needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.decisions.alarms import AlarmPlan, wanted_alarms
from deployer.decisions.at_rest import is_up_to_date
from deployer.decisions.former_releases import refusal_to_put_back
from deployer.decisions.going_back import goes_back, planned_at_once, repairs
from deployer.decisions.guardrails import (
    guard_after_abort,
    guard_change,
    guard_with_alarms,
    rollback_alarms,
    with_alarms_unread,
)
from deployer.decisions.plan import Deploy, Foreign, WaitForAlarms, complete, plan
from deployer.gateways.refusals import UpkeepRefusedError
from deployer.model.endpoint_config import EndpointConfig
from deployer.model.history import config_request
from deployer.model.steps import CreateEndpointConfig, UpdateEndpoint
from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.decisions.choice import Choice, Decision
    from deployer.decisions.plan import CannotChange, Plan
    from deployer.endpoint_pass.alarm_plans import AlarmPlans
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.gateways.gateways import Gateways
    from deployer.model.endpoint import Endpoint
    from deployer.model.release import Release
    from deployer.model.settings import EndpointSettings
    from deployer.model.stack_identity import StackIdentity


@value
class Draft:
    """A deployment that SageMaker admits, before its alarms are looked at.

    A hold may still put another one in its place. So what only a whole plan needs is read once.

    Attributes:
        deploy: The deployment so far.
        release: What it deploys.
        endpoint: The endpoint.
        serving: The config that an update replaces; None if it replaces none, or that config was deleted.
        wanted: The release's config; None if it is a former one that was deleted.
    """

    deploy: Deploy
    release: Release
    endpoint: Endpoint | None
    serving: EndpointConfig | None
    wanted: EndpointConfig | None


class Planner:
    """Plans for one endpoint. It changes nothing, so a plan can be printed and dropped."""

    def __init__(
        self,
        settings: EndpointSettings,
        identity: StackIdentity,
        gateways: Gateways,
        ledger: Ledger,
        alarm_plans: AlarmPlans,
        notices: Notices,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._gateways = gateways
        self._ledger = ledger
        self._alarm_plans = alarm_plans
        self._notices = notices

    def draft(self, decision: Decision, endpoint: Endpoint | None) -> Plan | Draft:
        """Return the plan for what was decided; a draft if that is a deployment."""
        planned = plan(decision, endpoint)
        if endpoint is not None and (message := self._foreign(endpoint, planned)) is not None:
            return Foreign(message)
        if not isinstance(planned, Deploy):
            return planned
        choice = decision.choice
        assert choice is not None, "a deployment is planned for a choice"
        if self._settings.goes_back_at_once and self._goes_back(choice, endpoint):
            planned = planned_at_once(planned)
        return self._draft(planned, choice.release, endpoint)

    def _goes_back(self, choice: Choice, endpoint: Endpoint | None) -> bool:
        history = self._ledger.history
        return endpoint is not None and (
            goes_back(history, choice, endpoint) or repairs(history, choice, endpoint)
        )

    def _foreign(self, endpoint: Endpoint, planned: Plan) -> str | None:
        """Describe whose the endpoint seems to be; None if it is this stack's.

        Read its tags only before a change, so that an endpoint in sync costs no call.
        """
        last, stack_name = self._ledger.history.last_observed, self._identity.stack_name
        if not isinstance(planned, Deploy) and is_up_to_date(self._settings, last, stack_name=stack_name):
            return None
        tags = self._gateways.tags.read(endpoint.arn)
        return None if self._identity.has(tags) else self._identity.describe_foreign_endpoint(endpoint, tags)

    def _draft(self, deploy: Deploy, release: Release, endpoint: Endpoint | None) -> Draft | CannotChange:
        resources = self._gateways.models_and_configs
        serving = wanted = None
        if isinstance(deploy.change, UpdateEndpoint) and endpoint is not None:
            serving_name = endpoint.endpoint_config_name
            serving = resources.endpoint_config(serving_name) if serving_name is not None else None
            request = config_request(self._ledger.history, serving_name)
            if serving is None and request is not None:
                # Somebody deleted it, and SageMaker needs it to leave it (hashicorp/terraform-provider-aws
                # #40048).
                repair = CreateEndpointConfig(dict(request), repairs=True)
                deploy = replace(deploy, preparation=(repair, *deploy.preparation))
                serving = EndpointConfig.of(request)
        if release.is_former:
            wanted = resources.endpoint_config(release.endpoint_config_name)
        else:
            wanted = EndpointConfig.of(release.create_endpoint_config)
        guarded: Deploy | CannotChange = deploy
        if serving is not None and wanted is not None and endpoint is not None:
            asked = (endpoint.endpoint_config_name, release.endpoint_config_name)
            refused_before = self._ledger.history.last_observed.refused_change == asked
            guarded = guard_change(deploy, serving.shape, wanted.shape, refused_before=refused_before)
        if not isinstance(guarded, Deploy):
            return guarded
        return Draft(guarded, release, endpoint, serving, wanted)

    def finish(self, draft: Draft) -> Deploy | WaitForAlarms:
        """Return the whole plan of a deployment: every step with its request."""
        release, endpoint, serving, wanted = draft.release, draft.endpoint, draft.serving, draft.wanted
        guarded: Deploy | WaitForAlarms = draft.deploy
        if endpoint is not None:
            guarded = self._guard_with_alarms(draft.deploy, endpoint)
        if not isinstance(guarded, Deploy):
            return guarded
        history = self._ledger.history
        if release.is_former:
            created_at = self._created_at(release, wanted)
            if (refusal := refusal_to_put_back(history, release, created_at)) is not None:
                return replace(guarded, refusal=refusal)
        assert wanted is not None, "a former release without its config is refused"
        running = endpoint.variant_properties if endpoint is not None else {}
        replaced = serving if endpoint is not None and endpoint.updatable else None
        return complete(
            guarded, release, self._settings, history, serving=replaced, wanted=wanted, running=running
        )

    def _created_at(self, release: Release, config: EndpointConfig | None) -> dict[str, datetime | None]:
        """Return when a former release's config and models were created, by name; None if deleted."""
        created_at = {release.endpoint_config_name: config.created_at if config is not None else None}
        for name in release.model_names if config is not None else ():
            created_at[name] = self._gateways.models_and_configs.model_created_at(name)
        return created_at

    def _guard_with_alarms(self, deploy: Deploy, endpoint: Endpoint) -> Deploy | WaitForAlarms:
        """Return an update with the steps that make its alarms, adapted to the alarms that are on already."""
        settings, history, now = self._settings, self._ledger.history, self._gateways.now()
        after_abort = guard_after_abort(
            deploy, history, endpoint, abort_alarm_name=settings.abort_alarm_name, now=now
        )
        if isinstance(after_abort, WaitForAlarms):
            return after_abort
        deploy, named = after_abort, rollback_alarms(after_abort)
        if not named:
            return deploy
        try:
            planned, seen, _ = self._alarm_plans.look(settings.alarms, named)
        except UpkeepRefusedError as refusal:
            if refusal.is_passing:
                raise
            return self._without_a_look(deploy, refusal)
        # The abort alarm does not count: the deployer clears it right before the update.
        on = {name for name, each in seen.items() if each.is_on} - {settings.abort_alarm_name}
        return guard_with_alarms(replace(deploy, alarms=planned), on, history.deployments, endpoint, now=now)

    def _without_a_look(self, deploy: Deploy, refusal: UpkeepRefusedError) -> Deploy:
        """Return an update whose alarms cannot be read: it relies on those that were made before."""
        name, last = self._settings.endpoint_name, self._ledger.history.last_observed
        wanted = wanted_alarms(self._settings)
        unknown = tuple(each for each, digest in wanted.items() if last.alarms.get(each) != digest)
        if unknown:
            trouble = f"{refusal} Whether these were made is not known: {', '.join(unknown)}."
            planned = AlarmPlan(unusable=unknown, trouble=trouble)
            return with_alarms_unread(replace(deploy, alarms=planned))
        self._notices.report(f"{refusal} {name} is updated all the same, guarded by all of them.")
        return with_alarms_unread(deploy)
