"""`greenlight remove` deletes what is left of an endpoint that nobody manages, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deployer.contract import STACK_TAG
from deployer.gateways.settings_files import SettingsFiles
from greenlight.connection import Connection, DeployedStack
from greenlight.errors import Addressee, CommandError, ExitCode
from greenlight.output import Symbols
from greenlight.removing.deleting import Removal
from greenlight.removing.remains import Remains, read_remains
from greenlight.removing.view import document, lines
from tests.infra.sufficiency.test_adoption import settle
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import REGION, Pipeline
from tests.unit.greenlight.schemas import mistakes
from tests.unit.greenlight.test_adopt import scale_variant

if TYPE_CHECKING:
    from local_cloud.testing.in_process import InProcessCloud

HOUR = 3600


def connection_of(pipeline: Pipeline, cloud: InProcessCloud | None = None) -> Connection:
    made = Connection(Addressee(None, REGION, "Greenlight"), (cloud or pipeline.cloud).client)
    # There is no CloudFormation in memory.
    made.__dict__["stack"] = DeployedStack(
        "Greenlight", pipeline.account_id, REGION, pipeline.table, "deployer", "topic", "log", "0.1.0"
    )
    return made


def left(pipeline: Pipeline, connection: Connection | None = None) -> Remains:
    files = SettingsFiles(pipeline.files.__getitem__)
    return read_remains(
        connection or connection_of(pipeline), ENDPOINT, pipeline.clock.now(), lambda _: files
    )


def remove(pipeline: Pipeline, *, keeps_endpoint: bool = False, connection: Connection | None = None) -> None:
    caller = connection or connection_of(pipeline)
    remains = left(pipeline, caller)
    Removal(caller, remains, keeps_endpoint=keeps_endpoint, pause=pipeline.pass_time).run()


def let_go(pipeline: Pipeline) -> None:
    """Remove the settings, and let the deployer settle what there is."""
    pipeline.unmanage()
    pipeline.look_at_settings()
    for _ in range(3):
        pipeline.pass_time(HOUR)
        settle(pipeline)


def abandoned(*, scales: bool = False) -> Pipeline:
    """Return an account with an endpoint that served two versions, and whose settings are gone."""
    pipeline = Pipeline()
    pipeline.manage()
    for _ in range(2):
        pipeline.approve(pipeline.register())
        settle(pipeline)
    if scales:
        scale_variant(pipeline)
    let_go(pipeline)
    return pipeline


def resources(pipeline: Pipeline) -> dict[str, list[str]]:
    sagemaker = pipeline.sagemaker
    return {
        "endpoints": [each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]],
        "configs": [
            each["EndpointConfigName"] for each in sagemaker.list_endpoint_configs()["EndpointConfigs"]
        ],
        "models": [each["ModelName"] for each in sagemaker.list_models()["Models"]],
    }


def records(pipeline: Pipeline) -> list[dict[str, Any]]:
    items = pipeline.cloud.client("dynamodb").scan(TableName=pipeline.table)["Items"]
    return [each for each in items if each["endpoint"]["S"] == ENDPOINT]


def test_all_that_is_left_is_deleted() -> None:
    pipeline = abandoned(scales=True)
    remains = left(pipeline)
    assert (len(remains.configs), len(remains.models), remains.records) == (2, 2, len(records(pipeline)))
    assert remains.endpoint is not None
    assert [each.serves for each in remains.configs].count(True) == 1
    assert list(remains.targets) == [f"endpoint/{ENDPOINT}/variant/AllTraffic"]

    remove(pipeline)

    assert resources(pipeline) == {"endpoints": [], "configs": [], "models": []}
    assert records(pipeline) == []
    assert left(pipeline).is_nothing
    scaling = pipeline.cloud.client("application-autoscaling")
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


def test_what_serves_stays_if_it_is_to_stay() -> None:
    pipeline = abandoned()
    serving = pipeline.endpoint["EndpointConfigName"]

    remove(pipeline, keeps_endpoint=True)

    assert pipeline.serving() == "v2"
    assert resources(pipeline)["configs"] == [serving]
    assert len(resources(pipeline)["models"]) == 1
    tags = pipeline.sagemaker.list_tags(ResourceArn=pipeline.endpoint["EndpointArn"])["Tags"]
    assert not [each for each in tags if each["Key"].startswith("greenlight:")]
    assert left(pipeline).is_foreign


def test_an_endpoint_of_somebody_else_is_left_alone() -> None:
    pipeline = abandoned()
    arn = pipeline.endpoint["EndpointArn"]
    pipeline.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": STACK_TAG, "Value": "Other"}])
    pipeline.sagemaker.create_model(
        ModelName="churn-of-others",
        ExecutionRoleArn=pipeline.role_arn,
        PrimaryContainer={"Image": "1.dkr.ecr.eu-central-1.amazonaws.com/x:1"},
    )

    remains = left(pipeline)

    assert (remains.endpoint, remains.is_foreign) == (None, True)
    assert "churn-of-others" not in [each.name for each in remains.models]
    assert "is not the stack's" in "\n".join(lines(remains, Symbols(), keeps_endpoint=False))


def test_what_is_managed_is_refused() -> None:
    pipeline = Pipeline()
    pipeline.manage()

    with pytest.raises(CommandError, match="churn is managed") as raised:
        left(pipeline)

    assert "npx cdk deploy --all" in raised.value.next_step


def test_what_the_deployer_still_looks_after_is_refused() -> None:
    pipeline = Pipeline()
    pipeline.manage()
    pipeline.approve(pipeline.register())
    settle(pipeline)
    pipeline.unmanage()

    with pytest.raises(CommandError, match="has not let go of churn yet"):
        left(pipeline)


@pytest.mark.parametrize("calls", range(1, 7))
def test_a_second_run_finishes_what_an_interruption_left(calls: int) -> None:
    pipeline = abandoned(scales=True)
    caller, made = connection_of(pipeline), 0

    def count(**_: object) -> None:
        nonlocal made
        made += 1
        if made > calls:
            raise KeyboardInterrupt

    remains = left(pipeline, caller)
    hear, event = _on_writes(count), "provide-client-params.*.*"
    clients = [caller.client(each) for each in ("sagemaker", "application-autoscaling", "dynamodb")]
    for client in clients:
        client.meta.events.register(event, hear)
    with pytest.raises(CommandError) as raised:
        Removal(caller, remains, keeps_endpoint=False, pause=pipeline.pass_time).run()
    for client in clients:
        client.meta.events.unregister(event, hear)
    remove(pipeline)

    assert (raised.value.fact, raised.value.code) == ("Interrupted.", ExitCode.INTERRUPTED)
    assert resources(pipeline) == {"endpoints": [], "configs": [], "models": []}
    assert records(pipeline) == []


def _on_writes(count: Any) -> Any:
    def hear(model: Any, **_: object) -> None:
        if model.name.startswith(("Delete", "Deregister", "BatchWrite")):
            count()

    return hear


def test_the_document_and_the_view_say_what_it_costs() -> None:
    pipeline = abandoned()
    remains = left(pipeline)

    told = document(remains, removed=True, keeps_endpoint=False)
    shown = "\n".join(lines(remains, Symbols(), keeps_endpoint=False))

    assert mistakes(told, "remove") == []
    assert told["runs"] == {"AllTraffic": "1 x ml.m5.large"}
    assert "no call in the last day (AllTraffic: 1 x ml.m5.large): nobody is answered any more" in shown
