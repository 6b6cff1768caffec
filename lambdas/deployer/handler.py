"""The Lambda function's entry point: builds the clients once, then parses, reconciles, reports."""

from __future__ import annotations

import gc
import os
import random
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from deployer import VERSION
from deployer.contract import SETTINGS_DIRECTORY
from deployer.dispatcher import Dispatcher
from deployer.environment import Environment
from deployer.gateways.bus import Bus
from deployer.gateways.gateways import Gateways
from deployer.gateways.invocations import LONGEST_SECONDS
from deployer.gateways.journal import Journal
from deployer.gateways.newer_members import pass_on_newer_members
from deployer.gateways.reporter import Reporter
from deployer.gateways.settings_files import SettingsFiles
from deployer.gateways.topic import Topic
from deployer.messages.place import Place
from deployer.triggers import read_trigger
from deployer.value import value

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from deployer.model.stack_identity import StackIdentity

logger = Logger()

_ONE_LONG_TRY = Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=LONGEST_SECONDS)
_ONE_SHORT_TRY = Config(
    retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=2, read_timeout=5
)
"""What a container logged is worth no long wait."""

_UNVALIDATED = Config(parameter_validation=False)
"""No check by botocore: the stack and SageMaker check settings, and an older botocore knows less."""


def _now() -> datetime:
    return datetime.now(UTC)


@value
class _Clients:
    """Built once, and used by every invocation of this execution environment."""

    settings: SettingsFiles
    gateways: Gateways
    bus: Bus
    identity: StackIdentity

    @classmethod
    def build(cls, environment: Environment) -> _Clients:
        session = boto3.Session()
        # Standard retries cover throttling and service faults. `TimeBudget` waits for SageMaker's throttled
        # writes. Lambda retries what fails after all that.
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 3},
            connect_timeout=5,
            read_timeout=30,
            user_agent_extra=f"greenlight/{VERSION}",
        )
        bus = Bus(
            session.client("events", config=config),
            event_bus_name=environment.event_bus_name,
            sweep_bus_name=environment.sweep_bus_name,
            stack_name=environment.stack_name,
        )
        topic = Topic(
            cache(lambda: session.client("sns", config=config)),
            topic_arn=environment.outcome_topic_arn,
            place=Place.of_topic(
                environment.outcome_topic_arn,
                stack_name=environment.stack_name,
                studio_url=environment.studio_url,
                runbook_url=environment.runbook_url,
            ),
            chats=bool(environment.chats),
        )
        configs = {
            # A smoke test repeats its unanswered calls itself, within its limits.
            "sagemaker-runtime": config.merge(_ONE_LONG_TRY),
            "sagemaker": config.merge(_UNVALIDATED),
            "logs": config.merge(_ONE_SHORT_TRY),
        }

        @cache
        def client_of(service: str) -> Any:  # noqa: ANN401 - each service has its own type
            client: Any = session.client(service, config=configs.get(service, config))  # type: ignore[call-overload] # any
            return pass_on_newer_members(client) if service == "sagemaker" else client

        return cls(
            settings=SettingsFiles.below(Path(__file__).parents[1] / SETTINGS_DIRECTORY),
            gateways=Gateways.connect(
                client_of,
                Journal(
                    client_of("dynamodb"),
                    table_name=environment.journal_table_name,
                    now=_now,
                    history_days=environment.history_days,
                ),
                Reporter(topic, bus, logger),
                now=_now,
                # Spreading invocations out needs no secret.
                pause=lambda longest: time.sleep(random.uniform(0, longest)),  # noqa: S311
            ),
            bus=bus,
            identity=environment.identity,
        )


clients = _Clients.build(Environment.read(os.environ))
# All that is loaded now lives as long as the process. Searching it for garbage took a tenth of a cold start.
gc.freeze()


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Reconcile the event's endpoints."""
    Dispatcher(
        clients.settings,
        clients.gateways,
        clients.bus,
        clients.identity,
        logger,
        invocation_id=context.aws_request_id,
        remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1000,
    ).dispatch(read_trigger(event))
