"""`greenlight plan` says before what settings and decisions do, and that is what happens."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from deployer.contract import PAUSES, STACK_TAG
from deployer.gateways.settings_files import SettingsFiles
from deployer.model.attempt import Deployment
from deployer.model.identity import Identity
from deployer.model.model_version import ModelVersion
from deployer.model.steps import UpdateEndpoint
from greenlight.doctor.facts import Absent, Found, Quota, Unreadable
from greenlight.doctor.reading.quotas import read_quotas
from greenlight.errors import CommandError
from greenlight.output import ASCII, Symbols, console
from greenlight.planning.changes import Change, changes
from greenlight.planning.checks import approval_checks
from greenlight.planning.instances import batch, check_quotas, during, of_config
from greenlight.planning.outlook import Effect, document
from greenlight.planning.reading import Deployed, Proposal, plan_decision, plan_settings, settings_here
from greenlight.planning.rollouts import RolloutPlan, rollout_of
from greenlight.planning.view import plan_view
from tests.infra.settings.builders import VALID, load, write
from tests.unit.deployer.builders import ENDPOINT, GROUP, settings_document
from tests.unit.deployer.pipeline import Pipeline
from tests.unit.greenlight.schemas import mistakes
from tests.unit.greenlight.test_why import previews_of, serving

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from greenlight.doctor.facts import Reading
    from greenlight.planning.outlook import Outlook
    from greenlight.planning.reading import QuotasOf

DEBUG: dict[str, Any] = {"CreateModel": {"Containers": [{"Environment": {"LOG_LEVEL": "debug"}}]}}
SERVERLESS: dict[str, Any] = {
    "CreateEndpointConfig": {
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "InitialVariantWeight": 1.0,
                "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
            }
        ]
    }
}
ANYBODY = Identity(iam_arn="arn:aws:iam::111122223333:user/ada")


def deployed(pipeline: Pipeline) -> Deployed:
    return Deployed(SettingsFiles(pipeline.files.__getitem__), previews_of(pipeline))


def ample(instance_types: Sequence[str]) -> dict[str, Reading[Quota]]:
    return {each: Found(Quota(1_000.0, "L-1")) for each in instance_types}


def planned(pipeline: Pipeline, quotas_of: QuotasOf = ample, **changes: Any) -> Outlook:
    """Plan other settings of the one endpoint."""
    [outlook] = plan_settings(deployed(pipeline), {ENDPOINT: settings_document(**changes)}, quotas_of)
    return outlook


def decided(pipeline: Pipeline, number: int, status: str = "Approved", by: Identity = ANYBODY) -> Outlook:
    proposal = Proposal(GROUP, number, status, by)
    [outlook] = plan_decision(deployed(pipeline), proposal, pipeline.cloud.client, ample)
    return outlook


def shown(*outlooks: Outlook, symbols: Symbols | None = None) -> str:
    file = io.StringIO()
    console(file).print(plan_view(outlooks, symbols or Symbols()))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def versions_tried(pipeline: Pipeline, since: int) -> list[int]:
    """Return the versions of the deployments that began after an attempt, in their order."""
    return [
        each.version
        for each in pipeline.attempts[::-1]
        if isinstance(each, Deployment) and each.number > since
    ]


def apply(pipeline: Pipeline, **changes: Any) -> list[int]:
    """Deploy other settings, let all happen, and return the versions that were tried."""
    since = pipeline.attempts[0].number
    pipeline.manage(**changes)
    pipeline.look_at_settings()
    pipeline.run()
    pipeline.sweep()
    pipeline.run()
    return versions_tried(pipeline, since)


# Settings -----------------------------------------------------------------------------------------------


def test_changed_settings_roll_the_serving_version_out_again() -> None:
    pipeline = serving()

    outlook = planned(pipeline, **DEBUG)

    assert outlook.effect is Effect.UPDATES
    assert outlook.changes == (Change("environment.LOG_LEVEL", "info", "debug"),)
    assert outlook.in_turn == (1,)
    assert outlook.rollout == RolloutPlan("all at once", 0)
    assert apply(pipeline, **DEBUG) == [1]


def test_what_failed_with_the_settings_before_is_tried_after_what_serves() -> None:
    pipeline = serving()
    first = pipeline.history.approvals[0].version_arn
    pinned = settings_document()["CreateEndpointConfig"]["ProductionVariants"][0]
    both = {"ProductionVariants": [pinned, {**pinned, "VariantName": "Pinned"}]}
    pipeline.manage(CreateEndpointConfig=both, Pins={"Pinned": 1})
    pipeline.look_at_settings()
    pipeline.run()
    second = pipeline.register()
    pipeline.break_model_of(second)
    pipeline.approve(second)
    pipeline.run()
    assert pipeline.serving() == "v1"

    outlook = planned(pipeline, **DEBUG)

    assert first != second
    assert outlook.in_turn == (1, 2)
    assert outlook.failed_before == (2,)
    assert "v2 failed with other settings, and is tried after that." in shown(outlook)
    assert apply(pipeline, **DEBUG) == [1, 2]


def test_an_approval_that_nobody_has_heard_of_yet_is_in_the_plan() -> None:
    pipeline = serving()
    pipeline.approve(pipeline.register())

    outlook = planned(pipeline)

    assert outlook.in_turn == (2,)
    assert "churn  v1 gives way to v2; all at once, 2 instances meanwhile" in shown(outlook)
    assert apply(pipeline) == [2]


def test_settings_that_stay_change_nothing() -> None:
    outlook = planned(serving())

    assert outlook.effect is Effect.NOTHING
    assert shown(outlook) == "✓ 1 endpoint does not change."


def test_tags_change_without_a_rollout() -> None:
    pipeline = serving()

    outlook = planned(pipeline, Tags={"team": "core"})

    assert outlook.effect is Effect.WITHOUT_ROLLOUT
    assert "tags.team  growth → core" in shown(outlook)
    assert apply(pipeline, Tags={"team": "core"}) == []


def test_a_new_endpoint_waits_for_an_approval_or_takes_the_one_there_is() -> None:
    pipeline = Pipeline()

    assert "new: serves the next version of churn-models" in shown(planned(pipeline))

    pipeline.approve(pipeline.register())
    outlook = planned(pipeline)
    assert (outlook.effect, outlook.in_turn) == (Effect.CREATES, (1,))
    assert "new: v1 goes out" in shown(outlook)


def test_an_endpoint_of_somebody_else_says_how_to_hand_it_over() -> None:
    pipeline = serving()
    pipeline.sagemaker.delete_tags(ResourceArn=pipeline.endpoint["EndpointArn"], TagKeys=[STACK_TAG])

    outlook = planned(pipeline, **DEBUG)

    assert outlook.effect is Effect.FOREIGN
    assert outlook.is_bad_news
    assert "add-tags" in shown(outlook)


def test_an_endpoint_whose_settings_are_gone_is_no_longer_managed() -> None:
    [outlook] = plan_settings(deployed(serving()), {}, ample)

    assert outlook.effect is Effect.NO_LONGER_MANAGED
    assert "it keeps serving what it has" in shown(outlook)


def test_a_change_that_sagemaker_refuses_is_said_before() -> None:
    pipeline = serving()

    outlook = planned(pipeline, **SERVERLESS)

    assert (outlook.effect, outlook.in_turn) == (Effect.CANNOT_CHANGE, ())
    assert "SageMaker refuses that change" in shown(outlook)
    assert Change("serverless.memory_size_in_mb", None, "2048") in outlook.changes


def test_a_rollout_under_way_is_not_planned_over() -> None:
    pipeline = serving()
    pipeline.approve(pipeline.register())
    pipeline.deliver()

    assert "is changing now" in shown(planned(pipeline, **DEBUG))


def test_a_hold_is_in_the_plan() -> None:
    pipeline = serving()
    pipeline.cloud.client("dynamodb").put_item(
        TableName=pipeline.table,
        Item={
            "endpoint": {"S": PAUSES},
            "item": {"S": ENDPOINT},
            "reason": {"S": "INC-42"},
            "by": {"S": "ada"},
        },
    )

    outlook = planned(pipeline, **DEBUG)

    assert outlook.effect is Effect.HELD
    assert "INC-42" in shown(outlook)
    assert apply(pipeline, **DEBUG) == []


def test_looking_writes_nothing() -> None:
    pipeline = serving()
    before = len(pipeline.cloud.calls)

    planned(pipeline, **DEBUG)

    made = [operation for _, operation in pipeline.cloud.calls[before:]]
    assert made
    assert not [each for each in made if not each.startswith(("Describe", "List", "Query"))]


# Decisions ----------------------------------------------------------------------------------------------


def test_an_approval_is_planned_with_every_check_and_happens_so() -> None:
    pipeline = serving()
    arn = pipeline.register()

    outlook = decided(pipeline, 2)

    assert (outlook.effect, outlook.in_turn) == (Effect.UPDATES, (2,))
    assert [each.name for each in outlook.checks] == [
        *("artifact", "image", "instance type", "approver", "quota")
    ]
    since = pipeline.attempts[0].number
    pipeline.approve(arn)
    pipeline.run()
    assert versions_tried(pipeline, since) == [2]


def test_a_rejection_is_planned_and_happens_so() -> None:
    pipeline = serving()
    second = pipeline.register()
    pipeline.approve(second)
    pipeline.run()

    outlook = decided(pipeline, 2, "Rejected")

    assert (outlook.effect, outlook.in_turn) == (Effect.UPDATES, (1,))
    assert "v2 gives way to v1" in shown(outlook)
    since = pipeline.attempts[0].number
    pipeline.reject(second)
    pipeline.run()
    assert versions_tried(pipeline, since) == [1]


def test_the_rejection_of_the_only_version_leaves_the_endpoint_as_it_is() -> None:
    outlook = decided(serving(), 1, "Rejected")

    assert outlook.effect is Effect.STUCK
    assert "No approved version is left to serve" in shown(outlook)


def test_an_approval_that_does_not_count_says_why() -> None:
    pipeline = serving()
    pipeline.manage(ApprovalPolicy={"Approvers": ["arn:aws:iam::*:user/grace"]})
    pipeline.register()

    outlook = decided(pipeline, 2)

    assert outlook.in_turn == ()
    [check] = [each for each in outlook.checks if each.name == "approver"]
    assert check.passed is False
    assert "none of this endpoint's approvers" in shown(outlook)


def test_a_version_for_other_instances_says_so_before() -> None:
    pipeline = serving()
    pipeline.register(instance_types=["ml.g5.xlarge"])

    outlook = decided(pipeline, 2)

    [check] = [each for each in outlook.checks if each.name == "instance type"]
    assert check.passed is False
    assert outlook.is_bad_news
    assert "It supports ml.g5.xlarge" in shown(outlook)


@pytest.mark.parametrize(("group", "number"), [("others", 1), (GROUP, 9)])
def test_a_decision_about_what_is_not_there_is_refused(group: str, number: int) -> None:
    pipeline = serving()

    with pytest.raises(CommandError):
        plan_decision(
            deployed(pipeline), Proposal(group, number, "Approved", ANYBODY), pipeline.cloud.client, ample
        )


class Store:
    """S3 and ECR with one object and one image, or with a refusal."""

    def __init__(self, *keys: str, error: str | None = None) -> None:
        self.keys = keys
        self.error = error

    def list_objects_v2(self, *, Prefix: str, **_: object) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self._refuse("ListObjectsV2")
        return {"Contents": [{"Key": each} for each in self.keys if each.startswith(Prefix)]}

    def describe_images(self, **_: object) -> None:
        self._refuse("DescribeImages")

    def _refuse(self, operation: str) -> None:
        if self.error is not None:
            raise ClientError({"Error": {"Code": self.error, "Message": "No."}}, operation)


@pytest.mark.parametrize(
    ("store", "artifact", "image"),
    [
        (Store("churn/1/model.tar.gz"), True, True),
        (Store(), False, True),
        (Store("churn/1/model.tar.gz.sha"), False, True),
        (Store(error="NoSuchBucket"), False, None),
        (Store(error="AccessDenied"), None, None),
        (Store(error="ImageNotFoundException"), None, False),
        (Store(error="RepositoryNotFoundException"), None, False),
    ],
    ids=["there", "no object", "a longer key", "no bucket", "denied", "no image", "no repository"],
)
def test_an_artifact_and_an_image_are_looked_at(
    store: Store,
    artifact: bool | None,  # noqa: FBT001 - a table's column
    image: bool | None,  # noqa: FBT001 - likewise
) -> None:
    pipeline = serving()
    settings = deployed(pipeline).settings.read(ENDPOINT)
    assert settings is not None
    version = previews_of(pipeline).version(settings, 1)
    preview = previews_of(pipeline).of(settings)
    containers = [
        {
            "Image": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/churn:1",
            "ModelDataUrl": "s3://models/churn/1/model.tar.gz",
        }
    ]
    assert isinstance(version, ModelVersion)
    looked = replace(version, containers={None: containers})

    found = {each.name: each.passed for each in approval_checks(preview, looked, ANYBODY, lambda _: store)}

    assert (found["artifact"], found["image"]) == (artifact, image)


def test_an_artifact_that_the_models_role_may_not_read_is_told_without_a_look() -> None:
    pipeline = serving()
    previews = previews_of(pipeline)
    settings = deployed(pipeline).settings.read(ENDPOINT)
    assert settings is not None
    version, preview = previews.version(settings, 1), previews.of(settings)
    assert isinstance(version, ModelVersion)
    identity = replace(preview.facts.identity, model_buckets=("others",))
    hindered = replace(preview, facts=replace(preview.facts, identity=identity))

    [check] = [
        each
        for each in approval_checks(hindered, version, ANYBODY, lambda _: Store())
        if each.name == "artifact"
    ]

    assert check.passed is False
    assert "Add its bucket to model_buckets" in str(check.message)


# Quotas -------------------------------------------------------------------------------------------------

LARGE = "ml.m5.large"


def of_instances(value: float) -> QuotasOf:
    return lambda instance_types: {each: Found(Quota(value, "L-1")) for each in instance_types}


def test_an_update_needs_the_old_and_the_new_instances_and_the_quota_must_hold_both() -> None:
    pipeline = serving()

    enough = planned(pipeline, of_instances(2), **DEBUG)
    short = planned(pipeline, of_instances(1), **DEBUG)

    assert dict(enough.instances) == {LARGE: 2}
    assert ([each.passed for each in enough.checks], enough.is_bad_news) == ([True], False)
    assert ([each.passed for each in short.checks], short.is_bad_news) == ([False], True)
    assert "quota ✗" in shown(short)
    assert f"{LARGE}: 2 are needed meanwhile. The quota is 1." in shown(short)


def test_where_nothing_rolls_out_nobody_asks_for_quotas() -> None:
    def asked(instance_types: Sequence[str]) -> dict[str, Reading[Quota]]:
        raise AssertionError(instance_types)

    assert planned(serving(), asked).checks == ()
    assert planned(serving(), asked, Keep=9).checks == ()


def test_the_other_endpoints_of_the_stack_take_their_share_of_a_quota() -> None:
    check = check_quotas(
        {LARGE: 3}, [Counter({LARGE: 4}), Counter({"ml.c5.xlarge": 9})], of_instances(6)([LARGE])
    )

    assert check.passed is False
    assert check.message == (
        f"{LARGE}: 3 are needed meanwhile, and the stack's other endpoints have 4. The quota is 6."
    )


@pytest.mark.parametrize(
    ("quota", "passed"), [(Unreadable("you may not call it", "Ask."), None), (Absent(), False)]
)
def test_a_quota_that_nobody_may_read_is_unknown_and_one_that_does_not_exist_is_bad(
    quota: Reading[Quota],
    passed: bool | None,  # noqa: FBT001 - a table's column
) -> None:
    assert check_quotas({LARGE: 1}, [], {LARGE: quota}).passed is passed


def variant(count: int, name: str = "AllTraffic", instance_type: str = LARGE) -> dict[str, Any]:
    return {"VariantName": name, "InstanceType": instance_type, "InitialInstanceCount": count}


def test_shadows_count_and_serverless_variants_do_not() -> None:
    config = {
        "ProductionVariants": [variant(2), {"VariantName": "b", "ServerlessConfig": {}}],
        "ShadowProductionVariants": [variant(1, "shadow")],
    }

    assert of_config(config) == {LARGE: 3}


@pytest.mark.parametrize(
    ("policies", "most"),
    [
        ({}, {LARGE: 3, "ml.c5.xlarge": 4}),
        ({"BlueGreenUpdatePolicy": {}}, {LARGE: 3, "ml.c5.xlarge": 4}),
        (
            {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 2}}},
            {LARGE: 3, "ml.c5.xlarge": 6},
        ),
    ],
    ids=["default", "blue/green", "rolling"],
)
def test_a_rolling_update_needs_a_batch_more_and_any_other_both_fleets(
    policies: dict[str, Any], most: dict[str, int]
) -> None:
    assert during(policy(**policies), Counter({LARGE: 3}), Counter({"ml.c5.xlarge": 4})) == most


@pytest.mark.parametrize(("percent", "count", "instances"), [(25, 4, 1), (50, 5, 2), (5, 3, 1)])
def test_a_batch_has_whole_instances_and_at_least_one(percent: int, count: int, instances: int) -> None:
    assert batch({"Type": "CAPACITY_PERCENT", "Value": percent}, count) == instances


class Quotas:
    """Service Quotas with pages: the account's own values first, then AWS's defaults."""

    def __init__(self, **pages: list[dict[str, float]]) -> None:
        self.pages = pages
        self.read: list[str] = []

    def client(self, service: str) -> Quotas:
        assert service == "service-quotas"
        return self

    def get_paginator(self, operation: str) -> Quotas:
        self.read.append(operation)
        return self

    def paginate(self, **_: object) -> list[dict[str, Any]]:
        return [
            {
                "Quotas": [
                    {"QuotaName": f"{each} for endpoint usage", "Value": value, "QuotaCode": "L-1"}
                    for each, value in page.items()
                ]
            }
            for page in self.pages[self.read[-1]]
        ]


def test_the_accounts_own_quota_counts_and_aws_default_only_without_one() -> None:
    quotas = Quotas(
        list_service_quotas=[{"ml.m5.large": 7.0}],
        list_aws_default_service_quotas=[{"ml.m5.large": 2.0, "ml.c5.xlarge": 1.0}],
    )

    read = read_quotas(quotas, ["ml.m5.large", "ml.c5.xlarge"])  # type: ignore[arg-type] # only clients

    assert read == {"ml.m5.large": Found(Quota(7.0, "L-1")), "ml.c5.xlarge": Found(Quota(1.0, "L-1"))}


def test_once_all_quotas_are_known_no_further_list_is_read() -> None:
    quotas = Quotas(list_service_quotas=[{"ml.m5.large": 7.0}])

    assert read_quotas(quotas, ["ml.m5.large"]) == {"ml.m5.large": Found(Quota(7.0, "L-1"))}  # type: ignore[arg-type] # only clients
    assert quotas.read == ["list_service_quotas"]


# Words --------------------------------------------------------------------------------------------------


def compiled(directory: Path, text: str) -> dict[str, Any]:
    specs, problems = load(directory, churn=text)
    assert problems == []
    return dict(specs[0].compiled)


CANARY = f"{VALID}instance_count: 4\nrollout: {{kind: canary, size_percent: 25, wait_seconds: 120}}\n"


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (VALID, VALID.replace("m5.large", "c5.xlarge"), [("instance_type", "ml.m5.large", "ml.c5.xlarge")]),
        (VALID, f"{VALID}four_eyes: true\n", [("four_eyes", None, "yes")]),
        (VALID, f"{VALID}keep: 9\n", [("keep", "3", "9")]),
        (VALID, f"{VALID}environment: {{A: b}}\n", [("environment.A", None, "b")]),
        (
            CANARY,
            CANARY.replace("canary, size_percent: 25", "linear, size_percent: 20"),
            [("rollout.kind", "canary", "linear"), ("rollout.size_percent", "25", "20")],
        ),
    ],
    ids=["a type", "a policy", "a number", "an environment", "a rollout"],
)
def test_a_change_is_told_by_the_key_of_the_yaml(
    tmp_path: Path, before: str, after: str, changed: list[tuple[str, str | None, str | None]]
) -> None:
    old, new = compiled(tmp_path, before), compiled(tmp_path, after)

    assert changes(old, new) == [Change(*each) for each in changed]
    assert changes(new, new) == []


def policy(**members: Any) -> UpdateEndpoint:
    return UpdateEndpoint({"EndpointName": "churn", "DeploymentConfig": members})


SHIFTED = {"Type": "CAPACITY_PERCENT", "Value": 25}


@pytest.mark.parametrize(
    ("update", "rollout"),
    [
        (UpdateEndpoint({}), RolloutPlan("all at once", 0)),
        (
            policy(
                BlueGreenUpdatePolicy={
                    "TrafficRoutingConfiguration": {
                        "Type": "CANARY",
                        "CanarySize": SHIFTED,
                        "WaitIntervalInSeconds": 120,
                    },
                    "TerminationWaitInSeconds": 60,
                }
            ),
            RolloutPlan("canary, 25 % first", 300),
        ),
        (
            policy(
                BlueGreenUpdatePolicy={
                    "TrafficRoutingConfiguration": {
                        "Type": "LINEAR",
                        "LinearStepSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                        "WaitIntervalInSeconds": 60,
                    }
                }
            ),
            RolloutPlan("linear, 1 instance a step", 180),
        ),
        (
            policy(
                RollingUpdatePolicy={
                    "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 2},
                    "WaitIntervalInSeconds": 60,
                }
            ),
            RolloutPlan("rolling, 2 instances at a time", 120),
        ),
    ],
    ids=["default", "canary", "linear", "rolling"],
)
def test_a_rollout_says_how_long_it_waits(update: UpdateEndpoint, rollout: RolloutPlan) -> None:
    assert rollout_of(update, 3) == rollout


def test_the_json_fits_its_schema() -> None:
    pipeline = serving()
    pipeline.register()
    outlooks = [planned(pipeline, **DEBUG), planned(pipeline), decided(pipeline, 2), decided(pipeline, 1)]

    told = document([*outlooks, *plan_settings(deployed(pipeline), {}, ample)])

    assert mistakes(told, "plan") == []
    assert json.loads(json.dumps(told)) == told


def test_a_terminal_without_unicode_gets_ascii() -> None:
    pipeline = serving()
    pipeline.register()

    assert shown(planned(pipeline, **DEBUG), decided(pipeline, 2), symbols=ASCII).isascii()


# The project --------------------------------------------------------------------------------------------


def test_the_settings_here_are_those_that_synth_would_deploy(tmp_path: Path) -> None:
    (tmp_path / "cdk.json").write_text("{}")
    (tmp_path / "endpoints").mkdir()
    write(tmp_path / "endpoints", churn=VALID)

    here = settings_here(tmp_path, {}, "Greenlight")

    assert here.keys() == {"churn"}
    assert here["churn"]["ModelPackageGroupName"] == "churn-models"


def test_settings_with_mistakes_are_not_planned(tmp_path: Path) -> None:
    write(tmp_path, churn="model_package_group: churn\ninstance_typ: ml.m5.large\n")

    with pytest.raises(CommandError) as raised:
        settings_here(tmp_path, {}, "Greenlight")

    assert "nothing can be planned" in raised.value.fact
    assert raised.value.next_step == f"See all of them: greenlight check {tmp_path}"
