"""What the command says of one endpoint, as text and as JSON."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest

from deployer.model.companion import Companion
from deployer.model.history import LastObserved
from deployer.model.pause import Pause
from greenlight.endpoint.detail import Detail, detail_of, rollout_words
from greenlight.endpoint.document import detail_document
from greenlight.endpoint.measuring import Measured
from greenlight.endpoint.reading import read_detail
from greenlight.endpoint.view import detail_view
from greenlight.errors import CommandError
from greenlight.fleet.progress import Progress, Stage
from greenlight.fleet.view import Scene
from greenlight.output import Symbols
from greenlight.timeline.entries import timeline
from tests.unit.deployer.builders import NOW, approval, deployment, history_of, minutes, settings, version_arn
from tests.unit.greenlight.fakes import Fake, config_of, served
from tests.unit.greenlight.schemas import mistakes
from tests.unit.greenlight.snapshots import check
from tests.unit.greenlight.test_fleet_state import CANARY, failed, seen
from tests.unit.greenlight.test_timeline import STACK, day

SCENE = Scene(NOW, UTC, Symbols())
REQUEST = {
    "ProductionVariants": [
        {"VariantName": "Champion", "ModelName": "m1", "InstanceType": "ml.c5.xlarge"},
        {"VariantName": "Challenger", "ModelName": "m5", "InstanceType": "ml.m5.large"},
        {"VariantName": "Edge", "ModelName": "m5", "ServerlessConfig": {"MemorySizeInMB": 2048}},
    ],
    "ShadowProductionVariants": [{"VariantName": "Shadow", "ModelName": "m6", "InstanceType": "ml.m5.large"}],
}
DESCRIBED = {
    "ProductionVariants": [
        {
            "VariantName": "Champion",
            "CurrentWeight": 3.0,
            "CurrentInstanceCount": 2,
            "DesiredInstanceCount": 2,
        },
        {
            "VariantName": "Challenger",
            "CurrentWeight": 1.0,
            "CurrentInstanceCount": 1,
            "DesiredInstanceCount": 4,
        },
        {"VariantName": "Edge", "CurrentWeight": 0.0, "CurrentServerlessConfig": {"MemorySizeInMB": 2048}},
    ],
    "ShadowProductionVariants": [
        {"VariantName": "Shadow", "CurrentInstanceCount": 1, "DesiredInstanceCount": 1, "CurrentWeight": 1.0}
    ],
}
SERVES = served(
    5,
    minutes_ago=30,
    companions=(
        Companion("Champion", version_arn(1), 1, "m1"),
        Companion("Shadow", version_arn(6), 6, "m6", is_shadow=True),
    ),
    config_request=REQUEST,
)


def detail(described: dict[str, Any] | None = DESCRIBED, **changes: Any) -> Detail:
    history = history_of(
        [SERVES],
        [approval(7, minutes(-3)), approval(5, SERVES.approved_at)],
        last_observed=LastObserved(scaling={"Challenger": {"MinCapacity": 1, "MaxCapacity": 6}}),
    )
    read = seen(
        **{
            "history": history,
            "serving_config": config_of(5),
            "settings": settings(DeploymentConfig=CANARY),
            "pauses": [Pause("churn", "INC-42", "ada", NOW + timedelta(hours=20))],
            **changes,
        }
    )
    alarms = {"Greenlight.churn.errors": "OK", "pager": "ALARM", "Greenlight.churn.abort": None}
    values = {"Greenlight.churn.errors": Measured(0.3, 2, "%")}
    return detail_of(read, described, alarms, values, list(timeline(day()))[:3], NOW)


def test_one_endpoint_as_people_read_it() -> None:
    check("endpoint", detail_view(detail(), SCENE), 50, 80, 120)
    assert mistakes(detail_document(detail(), STACK, NOW), "status") == []


def test_an_endpoint_under_way_as_people_read_it() -> None:
    coming = deployment(6, number=2, accepted_at=minutes(-3))
    progress = Progress(Stage.BAKING, "canary", 25, minutes(-3), 600)
    found = detail(history=history_of([coming, SERVES]), status="Updating", progress=progress, pauses=[])

    check("endpoint-under-way", detail_view(found, SCENE), 80)
    assert mistakes(detail_document(found, STACK, NOW), "status") == []


def test_an_endpoint_that_failed_says_why_in_full() -> None:
    reason = "The container did not answer /ping. ModuleNotFoundError: No module named 'lightgbm'."
    history = history_of([failed(reason=reason), SERVES], [approval(3, minutes(-5))])
    found = detail(history=history, pauses=[])

    check("endpoint-failed", detail_view(found, SCENE), 80)


def test_an_endpoint_that_does_not_exist_yet_has_no_variants() -> None:
    found = detail(None, history=history_of(), status=None, serving_config=None, pauses=[])

    check("endpoint-empty", detail_view(found, SCENE), 80)
    assert mistakes(detail_document(found, STACK, NOW), "status") == []


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (CANARY, "canary 25 % for 10 min, then 2 min with all calls"),
        (
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {
                        "Type": "LINEAR",
                        "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 2},
                        "WaitIntervalInSeconds": 60,
                    }
                }
            },
            "linear in steps of 2 instances, 1 min each",
        ),
        (
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
                    "TerminationWaitInSeconds": 300,
                }
            },
            "all at once, then 5 min with all calls",
        ),
        (
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 20},
                    "WaitIntervalInSeconds": 90,
                }
            },
            "rolling, 20 % at a time, 1 min 30 s each",
        ),
        ({"AutoRollbackConfiguration": {}}, None),
        (None, None),
    ],
)
def test_a_rollout_in_words(config: dict[str, Any] | None, words: str | None) -> None:
    assert rollout_words(config) == words


def test_reading_one_endpoint_costs_few_calls() -> None:
    fake = Fake()
    fake.manage("churn")
    fake.serve("churn", config=config_of(1))
    fake.record("churn", served(1, minutes_ago=30))
    fake.rest("churn", config_of(1))
    fake.calls.clear()

    found = read_detail(fake.connection, "churn", NOW, lambda _: fake.files()).detail

    assert found.standing.serves is not None
    assert found.standing.serves.version == 1
    assert fake.calls == {"DescribeStacks": 1, "DescribeEndpoint": 1, "Query": 5}


def test_an_endpoint_that_nobody_knows_is_an_error_with_similar_names() -> None:
    fake = Fake()
    fake.manage("churn")

    with pytest.raises(CommandError) as raised:
        read_detail(fake.connection, "chrun", NOW, lambda _: fake.files())

    assert (raised.value.fact, raised.value.next_step) == (
        "There is no endpoint chrun.",
        "Did you mean churn?",
    )
