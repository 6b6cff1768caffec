"""Rogues: invocations that break laws by hand, in worlds in which the deployer worked properly before.

Owns what tests of laws share. It judges nothing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.simulation import clients
from tests.simulation.people import ROLE_ARN, STACK
from tests.simulation.simulation import EVERY_LAW, Judge
from tests.simulation.world import SWEEP_BUS, Invocation, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.schedule import Schedule
    from tests.simulation.sites import Site

NOTHING = {"id": "rogue", "detail-type": "nothing"}
SWEEP = {"id": "rogue", "detail-type": "Scheduled Event"}
TAGS = [{"Key": "greenlight:stack", "Value": STACK}, {"Key": "greenlight:endpoint", "Value": "churn"}]


@dataclass(slots=True, eq=False)
class Rogue(Invocation):
    """An invocation that does what a test says, instead of what the deployer does."""

    script: Callable[[], object] = lambda: None

    def run(self) -> None:
        self.script()


@dataclass
class Deployed:
    """A world in which versions were deployed by the deployer, one after another, and a judge looks on."""

    world: World
    judge: Judge
    rogues: int = 0

    def do(
        self, *scripts: Callable[[], object], event: dict[str, Any] = NOTHING, at: Site | None = None
    ) -> None:
        """Run rogues, each in its own invocation, all at once, in the first account or another."""
        for script in scripts:
            self.rogues += 1
            name = f"rogue{self.rogues}"
            self.world.begin(
                Rogue(name, name, event, 9, self.world.clock.now(), self.world, at=at, script=script)
            )
        self.world.run_until_quiet()

    @property
    def live_config(self) -> str:
        endpoint = self.world.describe("churn")
        assert endpoint is not None
        return str(endpoint["EndpointConfigName"])


def deployed(schedule: Schedule) -> Deployed:
    world = World(schedule)
    judge = Judge(world)
    world.people.begin()
    judge.check_rest()
    return Deployed(world, judge)


def only_law(scene: Deployed, number: int) -> None:
    """Let only one law judge from now on."""
    [wanted] = [law for law in EVERY_LAW if re.match(rf"Law{number}\D", law.__name__)]
    scene.judge.laws = tuple(law for law in scene.judge.laws if type(law) is wanted)
    assert len(scene.judge.laws) == 1


def sagemaker() -> Any:
    return clients.client("sagemaker")


def make_release(version_arn: str, name: str, *, instances: int = 1) -> None:
    sagemaker().create_model(
        ModelName=name,
        ExecutionRoleArn=ROLE_ARN,
        Containers=[{"ModelPackageName": version_arn}],
        Tags=TAGS,
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": instances,
    }
    sagemaker().create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], Tags=TAGS)


def update(arn: str, *, instances: int = 1, **changes: Any) -> None:
    """Put a version on the endpoint in the proper order but for one step: the caller's addition."""
    write_attempt()
    make_release(arn, "rogue", instances=instances)
    sagemaker().describe_model_package(ModelPackageName=arn)
    sagemaker().update_endpoint(EndpointName="churn", EndpointConfigName="rogue", **changes)


def ask_of(partition: str, *more: str) -> None:
    """Read an endpoint's journal, as a turn of a sweep begins."""
    clients.client("dynamodb").query(
        TableName="journal",
        ConsistentRead=True,
        KeyConditionExpression="endpoint = :endpoint",
        ExpressionAttributeValues={
            ":endpoint": {"S": partition},
            **{f":more{number}": {"S": each} for number, each in enumerate(more)},
        },
    )


def hand_over(*parts: list[str]) -> None:
    """Put parts of a sweep on the bus."""
    clients.client("events").put_events(
        Entries=[
            {
                "EventBusName": SWEEP_BUS,
                "Source": "greenlight",
                "DetailType": "Greenlight Sweep Part",
                "Detail": json.dumps({"EndpointNames": list(part)}),
            }
            for part in parts
        ]
    )


def write_attempt(**changes: Any) -> None:
    """Journal an attempt that claims everything that rogues do."""
    item = {
        "endpoint": "churn",
        "item": "attempt#000000009",
        "number": "9",
        "action": "UpdateEndpoint",
        "status": "open",
        "invocation_id": "rogue1",
        "lease_until": "2027-01-01T00:00:00.000000+00:00",
        "version_arn": "rogue",
        "model_name": "rogue",
        "endpoint_config_name": "rogue",
        "approved_at": "2026-01-01T00:00:00.000000+00:00",
        "reason": "",
        "deletion": "[[],[]]",
        **changes,
    }
    for key in (item["item"], "fact#attempt"):
        clients.client("dynamodb").put_item(
            TableName="journal", Item={name: {"S": value} for name, value in {**item, "item": key}.items()}
        )


def put_outcome(number: int, kind: str, began: str = "20260101T000000Z") -> None:
    detail = {
        "OutcomeId": f"churn/{number}/{kind}/{began}",
        "Outcome": kind,
        "EndpointName": "churn",
        "Attempt": number,
    }
    clients.client("events").put_events(
        Entries=[
            {
                "EventBusName": "default",
                "Source": "greenlight",
                "DetailType": "Greenlight Deployment Outcome",
                "Detail": json.dumps(detail),
            }
        ]
    )


def publish_outcome(number: int, kind: str, began: str = "20260101T000000Z") -> None:
    detail = {
        "OutcomeId": f"churn/{number}/{kind}/{began}",
        "Outcome": kind,
        "EndpointName": "churn",
        "Attempt": number,
    }
    clients.client("sns").publish(
        TopicArn="arn:aws:sns:eu-central-1:123456789012:outcomes",
        Subject="rogue",
        MessageStructure="json",
        Message=json.dumps({"default": json.dumps({"detail": detail})}),
    )


def set_status(number: int, status: str) -> None:
    clients.client("dynamodb").update_item(
        TableName="journal",
        Key={"endpoint": {"S": "churn"}, "item": {"S": f"attempt#{number:09d}"}},
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": status}},
    )
