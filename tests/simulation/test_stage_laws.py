"""Each law of stages and companions bites: that law catches a deployer that breaks it by hand."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.simulation import clients
from tests.simulation.clients import REGION
from tests.simulation.laws import LawBrokenError
from tests.simulation.people import ADA, BOB
from tests.simulation.rogues import SWEEP, Deployed, ask_of, deployed, only_law, sagemaker, write_attempt
from tests.simulation.schedule import Companions, Denial, Disturbance, Kind, RolloutKind, Schedule, Stages
from tests.simulation.simulation import Judge, simulate
from tests.simulation.sites import PASSED, STAGING_ACCOUNT
from tests.simulation.stage_laws import STAGE_LAWS
from tests.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STAGED = Schedule(head_start=1, stages=Stages.PENDING, soak=1)
PENDING = {"Stage": "Production", "StageStatus": "PendingApproval"}


@pytest.fixture
def staged() -> Iterator[Deployed]:
    """A version serves in the first of two stages, and is not passed on yet."""
    made = deployed_in_stages(STAGED)
    yield made
    made.world.end()


@pytest.fixture
def soaked() -> Iterator[Deployed]:
    """A version has served in the first stage for longer than its soak, and nobody has looked since."""
    made = deployed_in_stages(replace(STAGED, rollout=RolloutKind.CANARY))
    made.world.pass_time(700)
    yield made
    made.world.end()


@pytest.fixture
def pinned() -> Iterator[Deployed]:
    """The second of two versions serves beside the first, which is pinned."""
    made = deployed(Schedule(head_start=2, companions=Companions.PINNED))
    yield made
    made.world.end()


def deployed_in_stages(schedule: Schedule) -> Deployed:
    world = World(schedule)
    made = Deployed(world, Judge(world))
    world.people.begin()
    return made


def first(scene: Deployed) -> str:
    return scene.world.people.versions[0].arn


def stamp(arn: str, stage_name: str) -> None:
    properties = {f"greenlight:{stage_name}:digest": "x"}
    sagemaker().update_model_package(ModelPackageArn=arn, CustomerMetadataProperties=properties)


def read(arn: str) -> None:
    sagemaker().describe_model_package(ModelPackageName=arn)


def ask_for_alarms() -> None:
    clients.client("cloudwatch").describe_alarms(AlarmNames=["Greenlight.churn.error-ratio"])


def pass_on(arn: str, life_cycle: dict[str, str] = PENDING) -> None:
    sagemaker().update_model_package(ModelPackageArn=arn, ModelLifeCycle=life_cycle)


def claim_promotion(arn: str, **changes: str) -> None:
    write_attempt(action="Promote", version_arn=arn, **changes)


def properly(arn: str) -> None:
    """Pass a version on in the proper order."""
    ask_for_alarms()
    read(arn)
    claim_promotion(arn)
    pass_on(arn)


def offends(scene: Deployed, number: int, told: str, script: Callable[[], object]) -> None:
    only_law(scene, number)
    with pytest.raises(LawBrokenError, match=rf"Law{number}\w+: .*{told}"):
        scene.do(script)


def test_every_law_has_its_rule_as_docstring() -> None:
    assert all(law.__doc__ for law in STAGE_LAWS)


def test_a_version_passes_through_both_stages() -> None:
    """Deployed in the first, passed on after its soak, approved by a person, and deployed in the second."""
    schedule = replace(
        STAGED,
        disturbances=(
            Disturbance(Kind.SWEEP, wait=10),
            Disturbance(Kind.PASS_ON_LIVE, wait=10),
            Disturbance(Kind.SWEEP, wait=11),
        ),
    )
    result = simulate(schedule, tell=True)
    lines = result.story.splitlines()

    assert result.violation is None, result.story
    assert len([line for line in lines if "churn/2/promoted" in line]) == 1
    assert [line for line in lines if "CreateEndpoint  churn-v2 " in line and "200" in line]


def test_without_stages_nothing_of_them_is_there() -> None:
    story = simulate(Schedule(head_start=2, disturbances=(Disturbance(Kind.SWEEP),)), tell=True).story

    assert "UpdateModelPackage  " in story, "people approve"
    assert " UpdateModelPackage   -> " not in story, "and the deployer writes nothing there"


@pytest.mark.parametrize(("seconds", "is_over"), [(300, False), (700, True)])
def test_law_9_an_endpoint_whose_soak_has_ended_is_not_skipped(
    staged: Deployed, *, seconds: int, is_over: bool
) -> None:
    def ask_what_changed() -> None:
        ask_of("greenlight:fleet")
        sagemaker().list_endpoints(MaxResults=100)

    def look() -> None:
        ask_what_changed()
        ask_of("churn")

    staged.do(look, event=SWEEP)
    staged.world.pass_time(seconds)
    staged.do(ask_what_changed, event=SWEEP)
    only_law(staged, 9)
    with pytest.raises(LawBrokenError, match=r"Law9\w+: churn had no turn") if is_over else nullcontext():
        staged.judge.check_rest()


def test_law_15_a_version_that_the_gate_does_not_admit_is_not_asked_for(staged: Deployed) -> None:
    world, arn = staged.world, first(staged)
    world.people.write_settings("churn-v2", 0)
    production = world.sites[1]

    def break_it() -> None:
        make_release_in(production.role_arn, arn)
        read(arn)
        sagemaker().create_endpoint(EndpointName="churn-v2", EndpointConfigName="rogue")

    only_law(staged, 15)
    with pytest.raises(LawBrokenError, match=r"Law15\w+: CreateEndpoint of .* in a stage that asks for"):
        staged.do(break_it, at=production)


def make_release_in(role_arn: str, version_arn: str) -> None:
    sagemaker().create_model(
        ModelName="rogue", ExecutionRoleArn=role_arn, Containers=[{"ModelPackageName": version_arn}]
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "rogue",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker().create_endpoint_config(EndpointConfigName="rogue", ProductionVariants=[variant])


def test_law_16_a_promotion_in_the_proper_order_is_no_offence(soaked: Deployed) -> None:
    only_law(soaked, 16)
    soaked.do(lambda: properly(first(soaked)))


def test_law_16_a_promotion_is_journalled_first(soaked: Deployed) -> None:
    offends(soaked, 16, "no attempt explains it", lambda: pass_on(first(soaked)))


def test_law_16_a_promotion_belongs_to_who_makes_it(soaked: Deployed) -> None:
    arn = first(soaked)

    def break_it() -> None:
        claim_promotion(arn, invocation_id="somebody")
        pass_on(arn)

    offends(soaked, 16, "no attempt explains it", break_it)


def test_law_16_a_version_is_passed_on_to_where_the_settings_say(soaked: Deployed) -> None:
    arn = first(soaked)

    def break_it() -> None:
        claim_promotion(arn)
        pass_on(arn, PASSED)

    offends(soaked, 16, "passes .* on to", break_it)


def test_law_16_a_version_is_read_before_it_is_passed_on(soaked: Deployed) -> None:
    arn = first(soaked)

    def break_it() -> None:
        claim_promotion(arn)
        pass_on(arn)

    offends(soaked, 16, "was not read again", break_it)


def test_law_16_what_a_person_refused_is_not_passed_on(soaked: Deployed) -> None:
    arn = first(soaked)
    refused = {"Stage": "Production", "StageStatus": "Rejected"}
    soaked.world.people.stand(soaked.world.people.versions[0], refused, ADA)

    offends(soaked, 16, "is passed on although it was Approved at", lambda: properly(arn))


def test_law_16_a_version_is_not_passed_on_before_its_soak(staged: Deployed) -> None:
    offends(staged, 16, "before .* are over", lambda: properly(first(staged)))


def test_law_16_what_serves_is_passed_on_and_nothing_else(soaked: Deployed) -> None:
    soaked.world.people.register("Approved")
    soaked.world.run_until_quiet()
    soaked.world.pass_time(30)

    offends(soaked, 16, "and is InService with", lambda: properly(first(soaked)))


def test_law_16_what_was_changed_since_it_was_deployed_is_not_passed_on(soaked: Deployed) -> None:
    soaked.world.people.replace_artifact(soaked.world.people.versions[0], 0, ADA)
    soaked.world.run_until_quiet()
    soaked.world.pass_time(30)

    offends(soaked, 16, "other.tar.gz 1 by now, and serves", lambda: properly(first(soaked)))


def test_law_16_what_is_out_of_service_is_not_passed_on(soaked: Deployed) -> None:
    soaked.world.control_plane.incidents.take_out_of_service(STAGING_ACCOUNT, REGION, "churn")
    soaked.world.observe_changes()
    soaked.world.run_until_quiet()
    soaked.world.pass_time(30)

    offends(soaked, 16, "is OutOfService with", lambda: properly(first(soaked)))


def test_law_16_no_version_is_passed_on_without_a_look_at_its_alarm(soaked: Deployed) -> None:
    arn = first(soaked)

    def break_it() -> None:
        read(arn)
        claim_promotion(arn)
        pass_on(arn)

    offends(soaked, 16, "without asking for", break_it)


def test_law_16_no_version_is_passed_on_under_an_alarm(soaked: Deployed) -> None:
    soaked.world.alarms.raise_for_a_while("churn")

    offends(soaked, 16, "changed at", lambda: properly(first(soaked)))


def test_law_16_a_version_is_passed_on_once(soaked: Deployed) -> None:
    arn = first(soaked)
    only_law(soaked, 16)
    soaked.do(lambda: properly(arn))
    soaked.world.people.stand(
        soaked.world.people.versions[0], {"Stage": "Dev", "StageStatus": "Approved"}, ADA
    )
    soaked.world.pass_time(5)

    def again() -> None:
        ask_for_alarms()
        read(arn)
        claim_promotion(arn, invocation_id="rogue2")
        pass_on(arn)

    with pytest.raises(LawBrokenError, match="on again"):
        soaked.do(again)


@pytest.mark.parametrize(
    ("stands", "stamps"),
    [
        ({"Stage": "Archived", "StageStatus": "Retired"}, {}),
        (None, {"greenlight:staging:promoted": "to Production/PendingApproval"}),
        (None, {"greenlight:staging:endpoint:other": "failed 2026-05-04T12:00:00+00:00: ping"}),
    ],
)
def test_law_16_what_was_sent_elsewhere_promoted_or_found_broken_is_not_passed_on(
    soaked: Deployed, stands: dict[str, str] | None, stamps: dict[str, str]
) -> None:
    arn = first(soaked)
    only_law(soaked, 16)
    members: dict[str, Any] = {"ModelLifeCycle": stands} if stands else {"CustomerMetadataProperties": stamps}
    soaked.world.people.call("UpdateModelPackage", by=ADA, ModelPackageArn=arn, **members)

    with pytest.raises(LawBrokenError, match="is passed on"):
        soaked.do(lambda: properly(arn))


def test_law_16_what_served_well_is_passed_on(staged: Deployed) -> None:
    only_law(staged, 16)
    with pytest.raises(LawBrokenError, match="is never passed on"):
        staged.judge.check_rest()


def test_law_17_a_stage_never_approves(staged: Deployed) -> None:
    arn = first(staged)

    offends(
        staged,
        17,
        "writes .*ModelApprovalStatus",
        lambda: sagemaker().update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved"),
    )


def test_law_17_a_stage_writes_under_its_own_name(staged: Deployed) -> None:
    arn = first(staged)

    offends(staged, 17, "stage staging stamps", lambda: stamp(arn, "production"))


def test_law_17_no_stamp_is_written_twice(staged: Deployed) -> None:
    arn = first(staged)

    def break_it() -> None:
        stamp(arn, "staging")
        stamp(arn, "staging")

    offends(staged, 17, "twice", break_it)


def stamp_digest(arn: str, digest: str) -> None:
    properties = {
        "greenlight:staging:digest": digest,
        "greenlight:staging:endpoint:churn": "serving since now",
    }
    sagemaker().update_model_package(ModelPackageArn=arn, CustomerMetadataProperties=properties)


def test_law_17_a_digest_stands_for_what_serves(staged: Deployed) -> None:
    """The deployer stamped the right one before."""
    arn = first(staged)

    offends(staged, 17, "which does not stand for s3://models/1/model.tar.gz", lambda: stamp_digest(arn, "x"))


def test_law_17_what_was_never_deployed_has_no_digest(staged: Deployed) -> None:
    staged.world.people.register()
    arn = staged.world.people.versions[1].arn

    offends(staged, 17, "and never deployed it on churn", lambda: stamp_digest(arn, "x"))


def test_law_17_a_stamp_that_was_denied_is_written_in_the_end(staged: Deployed) -> None:
    arn = first(staged)
    stamped_by_hand(staged, arn, "served until now")
    only_law(staged, 17)
    staged.world.deny(Denial("UpdateModelPackage"), staged.world.sites[0])

    def stamp_what_serves() -> None:
        with suppress(ClientError):
            sagemaker().update_model_package(
                ModelPackageArn=arn,
                CustomerMetadataProperties={"greenlight:staging:endpoint:churn": "serving since now"},
            )

    staged.do(stamp_what_serves)
    with pytest.raises(LawBrokenError, match="serves on churn, and says 'served until now'"):
        staged.judge.check_rest()
    staged.world.pass_time(60)
    staged.do(stamp_what_serves)

    staged.judge.check_rest()


@pytest.mark.parametrize("is_denied", [True, False])
def test_law_17_a_stamp_may_be_missing_whose_version_was_not_shown_for_it(
    staged: Deployed, *, is_denied: bool
) -> None:
    arn = first(staged)
    stamped_by_hand(staged, arn, "served until now")
    only_law(staged, 17)
    if is_denied:
        staged.world.deny(Denial("DescribeModelPackage"), staged.world.sites[0])

    def note_it_as_written() -> None:
        with suppress(ClientError):
            read(arn)
        clients.client("dynamodb").update_item(
            TableName="journal",
            Key={"endpoint": {"S": "churn"}, "item": {"S": "rest"}},
            UpdateExpression="SET #metadata_written = :metadata_written",
            ExpressionAttributeNames={"#metadata_written": "metadata_written"},
            ExpressionAttributeValues={":metadata_written": {"N": "9"}},
        )

    staged.do(note_it_as_written)

    if is_denied:
        staged.judge.check_rest()
    else:
        with pytest.raises(LawBrokenError, match="serves on churn, and says 'served until now'"):
            staged.judge.check_rest()


def test_law_17_where_the_settings_forbid_it_nothing_is_written() -> None:
    scene = deployed(Schedule(head_start=1))

    offends(scene, 17, "its settings forbid that", lambda: stamp(first(scene), "staging"))
    scene.world.end()


def test_law_17_outside_of_stages_the_deployer_writes_how_versions_fare_on_its_endpoints_alone() -> None:
    scene = deployed(Schedule(head_start=1, metadata=True))

    offends(scene, 17, "the only deployer stamps", lambda: stamp(first(scene), "staging"))
    scene.world.end()


def say_before(arn: str, told: str) -> None:
    """Say what would keep a version from serving, right after a read."""
    read(arn)
    properties = {"greenlight:preflight": told}
    sagemaker().update_model_package(ModelPackageArn=arn, CustomerMetadataProperties=properties)


@pytest.mark.parametrize(
    ("changes", "which", "told", "offence"),
    [
        ({}, 0, "ok", "did not read it as pending"),
        ({}, 1, "would fail: x", "whose artifact is in the bucket models"),
        ({"seed": 1}, 1, "ok", "whose artifact is in the bucket models"),
        ({"policy": 2}, 1, "ok", "where it counts who approves it"),
    ],
    ids=["decided", "false alarm", "false comfort", "good news"],
)
def test_law_17_what_is_said_before_an_approval_is_true_and_early(
    changes: dict[str, Any], which: int, told: str, offence: str
) -> None:
    scene = deployed(Schedule(head_start=1, metadata=True, **changes))
    scene.world.people.register()
    arn = scene.world.people.versions[which].arn

    offends(scene, 17, offence, lambda: say_before(arn, told))
    scene.world.end()


@pytest.mark.parametrize(
    ("told", "text"),
    [("serves on churn, and says", "served until now"), ("serves on churn, and says", "failed now")],
)
def test_law_17_the_version_that_serves_says_so(staged: Deployed, told: str, text: str) -> None:
    only_law(staged, 17)
    staged.judge.check_rest()
    stamped_by_hand(staged, first(staged), text)

    with pytest.raises(LawBrokenError, match=told):
        staged.judge.check_rest()


def stamped_by_hand(scene: Deployed, arn: str, text: str) -> None:
    scene.world.people.call(
        "UpdateModelPackage",
        ModelPackageArn=arn,
        CustomerMetadataProperties={"greenlight:staging:endpoint:churn": text},
    )


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ("does not serve on churn", "serving since now"),
        ("never served on churn", "served until now"),
        ("is not approved", "waiting: a pause"),
        ("is not approved", "held back: ada rolled it back"),
        ("was never tried there", "skipped: v9 went out instead"),
    ],
)
def test_law_17_a_version_that_does_not_serve_does_not_say_so(staged: Deployed, told: str, text: str) -> None:
    only_law(staged, 17)
    staged.world.people.register()
    stamped_by_hand(staged, staged.world.people.versions[1].arn, text)

    with pytest.raises(LawBrokenError, match=told):
        staged.judge.check_rest()


@pytest.mark.parametrize("number", [1, 9])
def test_law_17_what_went_out_before_its_journal_was_lost_went_out(number: int) -> None:
    alone = deployed(Schedule(head_start=2, metadata=True))
    only_law(alone, 17)
    people = alone.world.people
    people.register()
    people.lose_journal("churn", 0)
    again = {"version_arn": people.versions[1].arn, "endpoint_config_name": alone.live_config}
    alone.do(lambda: write_attempt(status="succeeded", **again))
    people.call(
        "UpdateModelPackage",
        ModelPackageArn=people.versions[2].arn,
        CustomerMetadataProperties={"greenlight:endpoint:churn": f"skipped: v{number} went out instead"},
    )

    with nullcontext() if number == 1 else pytest.raises(LawBrokenError, match="was never tried there"):
        alone.judge.check_rest()
    alone.world.end()


def test_law_18_a_pinned_version_that_is_not_approved_is_on_no_variant(pinned: Deployed) -> None:
    only_law(pinned, 18)
    pinned.judge.check_rest()
    pinned.world.people.decide(pinned.world.people.versions[0], "Rejected", ADA)

    with pytest.raises(LawBrokenError, match="is on a variant of churn, and is not approved"):
        pinned.judge.check_rest()


def test_law_18_no_model_shadows_itself(pinned: Deployed) -> None:
    config = sagemaker_config(pinned)

    def break_it() -> None:
        variant = {**config, "VariantName": "Shadow"}
        sagemaker().create_endpoint_config(
            EndpointConfigName="rogue", ProductionVariants=[config], ShadowProductionVariants=[variant]
        )
        sagemaker().update_endpoint(EndpointName="churn", EndpointConfigName="rogue")

    offends(pinned, 18, "has a shadow that serves callers", break_it)


def journal_approval(arn: str, name: str = "churn", **more: str) -> None:
    item = {
        "endpoint": name,
        "item": f"approval#2026-01-01T00:00:00.000000+00:00#{arn[-1]}",
        "version_arn": arn,
        "version": arn[-1],
        "approved_at": "2026-01-01T00:00:00.000000+00:00",
        "correlation_id": "rogue",
        "artifact_digest": "rogue",
        **more,
    }
    clients.client("dynamodb").put_item(
        TableName="journal", Item={key: {"S": value} for key, value in item.items()}
    )


@pytest.mark.parametrize(
    ("changed_by", "more", "told"),
    [(BOB, {}, "counts under"), (ADA, {"objection": "none of them"}, "does not count under")],
)
def test_law_19_an_approval_counts_exactly_if_an_approver_gave_it(
    changed_by: str, more: dict[str, str], told: str
) -> None:
    scene = deployed(Schedule(head_start=1, policy=1))
    scene.world.people.edit(scene.world.people.versions[0], "1", changed_by)
    arn = first(scene)

    def break_it() -> None:
        read(arn)
        journal_approval(arn, **more)

    offends(scene, 19, told, break_it)
    scene.world.end()


def test_law_19_nobody_journals_an_approval_of_what_was_not_read() -> None:
    scene = deployed(Schedule(head_start=1, policy=1))

    offends(scene, 19, "which it never read", lambda: journal_approval(first(scene)))
    scene.world.end()


def test_law_19_a_stages_deployer_is_no_second_pair_of_eyes() -> None:
    """Its stamp made it the one who changed the version last."""
    scene = deployed_in_stages(replace(STAGED, policy=2))
    arn = first(scene)

    def break_it() -> None:
        read(arn)
        journal_approval(arn)

    offends(scene, 19, "changed last by .*assumed-role/deployer.* counts under", break_it)
    scene.world.end()


def put_on_production(scene: Deployed, *, approved_first: bool) -> None:
    """Serve a version in the second stage that was changed before its approval there, or after it."""
    world, arn = scene.world, first(scene)

    def do_it() -> None:
        read(arn)
        if approved_first:
            journal_approval(arn, "churn-v2")
        world.people.replace_artifact(world.people.versions[0], 0, ADA)
        read(arn)
        if not approved_first:
            journal_approval(arn, "churn-v2")
        approved_at = "2026-01-01T00:00:00.000000+00:00"
        write_attempt(endpoint="churn-v2", version_arn=arn, approved_at=approved_at)
        make_release_in(world.sites[1].role_arn, arn)
        read(arn)
        sagemaker().create_endpoint(EndpointName="churn-v2", EndpointConfigName="rogue")

    scene.do(do_it, at=world.sites[1])


@pytest.mark.parametrize(
    ("approved_first", "told"),
    [
        (True, "and s3://models/1/model.tar.gz 1 was approved"),
        (False, "and stage staging deployed s3://models/1/m"),
    ],
)
def test_law_20_nothing_serves_but_what_was_approved_and_deployed_before(
    staged: Deployed, told: str, *, approved_first: bool
) -> None:
    only_law(staged, 20)
    with pytest.raises(LawBrokenError, match=rf"Law20\w+: churn-v2 came to serve .*other.tar.gz 1, {told}"):
        put_on_production(staged, approved_first=approved_first)


def list_artifact(uri: str = "s3://models/1/model.tar.gz") -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    clients.client("s3").list_objects_v2(Bucket=bucket, Prefix=key)


def put_overwritten_on_production(scene: Deployed, *, when: str, looks: bool = True) -> None:
    """Serve an artifact in the second stage that is overwritten in S3 on the way there."""
    world, arn = scene.world, first(scene)

    def overwrite(now: str) -> None:
        if now == when:
            world.people.overwrite(world.people.versions[0], 0)

    def do_it() -> None:
        read(arn)
        list_artifact()
        overwrite("before the approval")
        journal_approval(arn, "churn-v2")
        overwrite("after the approval")
        write_attempt(endpoint="churn-v2", version_arn=arn, approved_at="2026-01-01T00:00:00.000000+00:00")
        make_release_in(world.sites[1].role_arn, arn)
        if looks:
            list_artifact()
        overwrite("after the last look")
        read(arn)
        sagemaker().create_endpoint(EndpointName="churn-v2", EndpointConfigName="rogue")

    scene.do(do_it, at=world.sites[1])


@pytest.mark.parametrize("when", ["before the approval", "after the approval"])
def test_law_20_nothing_serves_that_was_overwritten_since_it_was_approved(
    staged: Deployed, when: str
) -> None:
    """An approval is of the artifact that was listed for it."""
    only_law(staged, 20)
    with pytest.raises(
        LawBrokenError, match=r"came to serve .*/1/model.tar.gz 1.1, and .*/model.tar.gz 1 was"
    ):
        put_overwritten_on_production(staged, when=when)


def test_law_20_what_is_overwritten_after_the_last_look_is_seen_by_nobody(staged: Deployed) -> None:
    only_law(staged, 20)
    put_overwritten_on_production(staged, when="after the last look")


def test_law_20_who_does_not_look_before_the_write_is_no_excuse(staged: Deployed) -> None:
    only_law(staged, 20)
    with pytest.raises(
        LawBrokenError, match=r"came to serve .*/1/model.tar.gz 1.1, and .*/model.tar.gz 1 was"
    ):
        put_overwritten_on_production(staged, when="after the last look", looks=False)


def test_law_16_what_was_overwritten_since_it_was_deployed_is_not_passed_on(soaked: Deployed) -> None:
    soaked.world.people.overwrite(soaked.world.people.versions[0], 0)
    soaked.world.pass_time(30)

    offends(soaked, 16, "model.tar.gz 1.1 by now, and serves", lambda: properly(first(soaked)))


def test_law_16_what_is_overwritten_after_the_look_at_it_is_passed_on(soaked: Deployed) -> None:
    arn = first(soaked)
    soaked.world.pass_time(30)
    only_law(soaked, 16)

    def pass_on_what_is_overwritten() -> None:
        ask_for_alarms()
        read(arn)
        list_artifact()
        soaked.world.people.overwrite(soaked.world.people.versions[0], 0)
        # Otherwise anybody's action in between would excuse it.
        soaked.world.people.last_done = soaked.world.start
        claim_promotion(arn)
        pass_on(arn)

    soaked.do(pass_on_what_is_overwritten)


def test_what_is_in_s3_is_part_of_what_a_version_is_made_of(staged: Deployed) -> None:
    """A restored object is the same artifact; an object beside it is no part of a version."""
    people, arn = staged.world.people, first(staged)
    artifacts = staged.judge.facts.artifacts
    package = people.look("DescribeModelPackage", ModelPackageName=arn)
    assert package is not None
    assert artifacts.now(package) == artifacts.last_deployed("churn", arn.lower())
    for how, is_the_same in ((8, True), (0, False), (6, True)):
        people.overwrite(people.versions[0], how)
        assert (artifacts.now(package) == artifacts.last_deployed("churn", arn.lower())) is is_the_same


def sagemaker_config(scene: Deployed) -> dict[str, Any]:
    found = scene.world.people.look("DescribeEndpointConfig", EndpointConfigName=scene.live_config)
    assert found is not None
    variant = found["ProductionVariants"][0]
    return {key: variant[key] for key in ("VariantName", "ModelName", "InstanceType", "InitialInstanceCount")}
