"""Owns what sets the deployer off: six rules, all to one function.

All are on the default bus, with two exceptions: a registry in another account has its events come in on a bus
of their own, and so do the parts of a sweep.

Patterns name no model package group: a pattern has a size limit and an account may have thousands of groups.
Nor do they name an approval status: a reject matters as much as an approval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from deployer.contract import PART_DETAIL_TYPE, REQUEST_DETAIL_TYPE
from infra.constructs.own_events import own_events

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs

    from infra.constructs.registry_event_bus import RegistryEventBus
    from infra.constructs.sweep_bus import SweepBus

_LONGEST_EVENT_AGE: Final = Duration.hours(24)
_MOST_RETRIES: Final = 185


class EventRules(Construct):
    """Bring every event that may change what should serve, and a steady pulse, to the deployer."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: lambda_.IFunction,
        undelivered: sqs.IQueue,
        settings_parameter: str,
        sweep_minutes: int,
        sweep_bus: SweepBus,
        registry_events: RegistryEventBus | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        # An approval's event says when it was made and by whom, which the registry forgets: EventBridge's own
        # longest patience, so that an outage of Lambda's does not lose it.
        patient = targets.LambdaFunction(
            function,
            dead_letter_queue=undelivered,
            max_event_age=_LONGEST_EVENT_AGE,
            retry_attempts=_MOST_RETRIES,
        )
        sweep = Duration.minutes(sweep_minutes)
        # The next pulse does all that a late one could do.
        impatient = targets.LambdaFunction(
            function, dead_letter_queue=undelivered, max_event_age=sweep, retry_attempts=_MOST_RETRIES
        )
        self.model_package_rule = events.Rule(
            self,
            "ModelPackageRule",
            description="A model package was registered, approved, rejected or changed",
            event_bus=registry_events.bus if registry_events else None,
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Model Package State Change"],
                # Whoever may put events on the bus: a forwarded event says whose it is.
                account=[registry_events.account] if registry_events else None,
                region=[registry_events.region] if registry_events else None,
            ),
            targets=[patient],
        )
        self.endpoint_rule = events.Rule(
            self,
            "EndpointRule",
            description="An endpoint came to rest, or began to change, or its rollout went on",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"], detail_type=["SageMaker Endpoint State Change"]
            ),
            targets=[patient],
        )
        self.settings_rule = events.Rule(
            self,
            "SettingsRule",
            description="The stack was deployed with other settings",
            event_pattern=events.EventPattern(
                source=["aws.ssm"],
                detail_type=["Parameter Store Change"],
                detail={"name": [settings_parameter]},
            ),
            targets=[patient],
        )
        self.sweep_rule = events.Rule(
            self,
            "SweepRule",
            description="The pulse that heals whatever was missed: the other events are best effort",
            schedule=events.Schedule.rate(sweep),
            targets=[impatient],
        )
        # Everybody in the account with `events:PutEvents` may put one. It says nothing: requests are in the
        # journal, and an invocation that finds none makes one query.
        self.request_rule = events.Rule(
            self,
            "RequestRule",
            description="An operator wrote a request into the journal, such as a rollback",
            event_pattern=own_events(self, REQUEST_DETAIL_TYPE),
            targets=[impatient],
        )
        # A sweep that is too much for one invocation puts an event for each part of it, on a bus that admits
        # nobody else. Why not by invoking itself: docs/adr/0010-who-speaks-as-greenlight.md. Nobody cuts a
        # chain over EventBridge, so the deployer ends it: a part names fewer endpoints than what it was
        # split from, and the smallest is never split.
        self.sweep_part_rule = events.Rule(
            self,
            "SweepPartRule",
            description="A part of a sweep that is more than one invocation can do",
            event_bus=sweep_bus.bus,
            event_pattern=own_events(self, PART_DETAIL_TYPE),
            targets=[impatient],
        )

    def tell_of_bakes(self) -> None:
        """Bring the stages of rollouts as well: smoke tests run in the bake, and nothing else needs them."""
        self.endpoint_rule.add_event_pattern(detail_type=["SageMaker Endpoint Deployment State Change"])
