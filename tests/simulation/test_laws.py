"""Each law bites: that law catches a deployer that breaks it by hand."""

from __future__ import annotations

import json
from contextlib import nullcontext, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.sagemaker.ports import AlarmState
from tests.simulation import clients
from tests.simulation.laws import LAWS, LawBrokenError
from tests.simulation.people import ADA, deployment_config, settings_document
from tests.simulation.rogues import (
    NOTHING,
    SWEEP,
    TAGS,
    Deployed,
    Rogue,
    ask_of,
    deployed,
    hand_over,
    make_release,
    only_law,
    publish_outcome,
    put_outcome,
    sagemaker,
    set_status,
    update,
    write_attempt,
)
from tests.simulation.schedule import SHAPES, Denial, RolloutKind, Schedule, Shape
from tests.simulation.sites import GROUP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.simulation.world import World


@pytest.fixture
def scene() -> Iterator[Deployed]:
    made = deployed(Schedule(head_start=2))
    yield made
    made.world.end()


@pytest.fixture
def sparing() -> Iterator[Deployed]:
    """Two versions were deployed under settings that keep no former release."""
    made = deployed(Schedule(head_start=2, keep=0))
    yield made
    made.world.end()


@pytest.fixture
def guarded() -> Iterator[Deployed]:
    """Updates are canaries with an abort alarm, and the variant scales by itself."""
    made = deployed(Schedule(head_start=2, rollout=RolloutKind.CANARY, scaling=True))
    yield made
    made.world.end()


@pytest.fixture
def rolling() -> Iterator[Deployed]:
    """Four instances are exchanged in batches of two."""
    made = deployed(Schedule(head_start=2, rollout=RolloutKind.ROLLING, instances=2))
    yield made
    made.world.end()


@pytest.fixture
def tested() -> Iterator[Deployed]:
    """Versions must pass a smoke test."""
    made = deployed(Schedule(head_start=2, smoke_test=True))
    yield made
    made.world.end()


@pytest.fixture
def several() -> Iterator[Deployed]:
    """Three endpoints, two of which one invocation may sweep."""
    made = deployed(Schedule(head_start=1, endpoints=3, part_size=2))
    yield made
    made.world.end()


def test_every_law_has_its_rule_as_docstring() -> None:
    assert all(law.__doc__ for law in LAWS)


def test_law_1_a_version_that_was_not_read_again_is_not_put_on_an_endpoint(scene: Deployed) -> None:
    def break_it() -> None:
        write_attempt()
        make_release(scene.world.people.versions[0].arn, "rogue")
        sagemaker().update_endpoint(EndpointName="churn", EndpointConfigName="rogue")

    with pytest.raises(LawBrokenError, match=r"Law1OnlyApproved: .*was not read again"):
        scene.do(break_it)


def test_law_1_a_version_that_was_read_as_rejected_is_not_put_on_an_endpoint(scene: Deployed) -> None:
    arn = scene.world.people.versions[0].arn

    def break_it() -> None:
        write_attempt()
        make_release(arn, "rogue")
        scene.world.people.decide(scene.world.people.versions[0], "Rejected", "arn:aws:iam::1:user/ada")
        sagemaker().describe_model_package(ModelPackageName=arn)
        sagemaker().update_endpoint(EndpointName="churn", EndpointConfigName="rogue")

    with pytest.raises(LawBrokenError, match=r"Law1OnlyApproved: .*read as Rejected"):
        scene.do(break_it)


def test_law_1_a_reject_after_the_last_possible_read_is_no_offence(scene: Deployed) -> None:
    arn = scene.world.people.versions[0].arn

    def just_in_time() -> None:
        write_attempt()
        make_release(arn, "rogue")
        sagemaker().describe_model_package(ModelPackageName=arn)
        scene.world.people.decide(scene.world.people.versions[0], "Rejected", "arn:aws:iam::1:user/ada")
        sagemaker().update_endpoint(EndpointName="churn", EndpointConfigName="rogue")

    scene.do(just_in_time)


def test_law_1_a_version_of_another_group_is_not_put_on_an_endpoint(scene: Deployed) -> None:
    scene.world.people.register_elsewhere("arn:aws:iam::1:user/ada")
    scene.world.run_until_quiet()

    def break_it() -> None:
        write_attempt()
        arn = scene.world.people.versions[0].arn.replace(GROUP, "fraud-models")
        make_release(arn, "rogue")
        sagemaker().describe_model_package(ModelPackageName=arn)
        sagemaker().update_endpoint(EndpointName="churn", EndpointConfigName="rogue")

    with pytest.raises(LawBrokenError, match=r"Law1OnlyApproved: .*does not follow"):
        scene.do(break_it)


def test_law_2_an_endpoint_that_serves_is_not_deleted(scene: Deployed) -> None:
    with pytest.raises(LawBrokenError, match=r"Law2NothingServingStops: DeleteEndpoint .*took down churn"):
        scene.do(lambda: sagemaker().delete_endpoint(EndpointName="churn"))


def test_law_3_the_newest_approval_serves(scene: Deployed) -> None:
    people = scene.world.people
    scene.world.people.decide(people.versions[0], "Approved", "arn:aws:iam::1:user/ada")
    scene.world.run_until_quiet()
    scene.judge.check_rest()
    people.settings["churn"] = {
        **(people.settings["churn"] or {}),
        "CreateModel": {"Containers": [{"Environment": {}}]},
    }

    with pytest.raises(LawBrokenError, match="Law3NewestStandingApproval: churn is InService with"):
        scene.judge.check_rest()


def test_law_3_an_approval_is_not_lost(scene: Deployed) -> None:
    people = scene.world.people
    people.register("Approved")
    scene.world.control_plane.advance()

    with pytest.raises(LawBrokenError, match=r"Law3NewestStandingApproval: .*never heard of it"):
        scene.judge.check_rest()


def test_law_3_nothing_gives_way_to_an_older_approval_that_stands_itself(scene: Deployed) -> None:
    def go_back() -> None:
        ask_of("churn")
        update(scene.world.people.versions[0].arn)

    only_law(scene, 3)
    with pytest.raises(LawBrokenError, match=r"Law3\w+: churn goes back to .*/1, and the approval of .*/2"):
        scene.do(go_back)


def test_law_3_an_approval_that_stands_is_not_withdrawn(scene: Deployed) -> None:
    partition = scene.world.memory.table.partitions["churn"]
    newest = max(key for key in partition if key.startswith("approval#"))

    def withdraw() -> None:
        clients.client("dynamodb").update_item(
            TableName="journal",
            Key={"endpoint": {"S": "churn"}, "item": {"S": newest}},
            UpdateExpression="SET #withdrawn = :withdrawn",
            ExpressionAttributeNames={"#withdrawn": "withdrawn"},
            ExpressionAttributeValues={":withdrawn": {"BOOL": True}},
        )

    with pytest.raises(LawBrokenError, match=r"Law3\w+: churn: approval#.* is withdrawn, and stands"):
        scene.do(withdraw)


def reshape(scene: Deployed, shape: Shape) -> None:
    """Ask for another kind of endpoint; no event tells the deployer of it."""
    scene.world.people.change_shape("churn", SHAPES.index(shape))
    scene.judge.check_rest()


def test_law_3_what_sagemaker_refuses_to_change_stays_as_long_as_people_know(scene: Deployed) -> None:
    only_law(scene, 3)

    with pytest.raises(LawBrokenError, match=r"Law3\w+: churn cannot become .*, and people know ''"):
        reshape(scene, Shape.SERVERLESS)
    scene.world.run_until_quiet()
    scene.judge.check_rest()


def test_law_3_what_sagemaker_changes_is_to_be_changed(scene: Deployed) -> None:
    only_law(scene, 3)

    with pytest.raises(LawBrokenError, match=r"Law3\w+: churn is InService with"):
        reshape(scene, Shape.RENAMED)


def test_law_4_a_failed_release_is_not_tried_again(scene: Deployed) -> None:
    arn = scene.world.people.versions[0].arn

    def break_it() -> None:
        write_attempt()
        make_release(arn, "rogue")
        item = {
            "item": "attempt#000000008",
            "number": "8",
            "status": "failed",
            "reason": "It never answered.",
        }
        write_attempt(**item, settled_at="2027-01-01T00:00:00.000000+00:00")
        sagemaker().describe_model_package(ModelPackageName=arn)
        sagemaker().update_endpoint(EndpointName="churn", EndpointConfigName="rogue")

    with pytest.raises(LawBrokenError, match=r"Law(4NoLoop: rogue is tried again|5)"):
        scene.do(break_it)


def test_law_4_nothing_is_written_again_and_again(scene: Deployed) -> None:
    endpoint = scene.world.describe("churn")
    assert endpoint is not None
    scene.world.calm()

    def break_it() -> None:
        for _ in range(9):
            sagemaker().add_tags(ResourceArn=endpoint["EndpointArn"], Tags=TAGS)

    with pytest.raises(LawBrokenError, match=r"Law4NoLoop: AddTags of tags of .* for the"):
        scene.do(break_it)


@pytest.mark.parametrize("tell", [put_outcome, publish_outcome])
def test_law_5_an_outcome_is_not_told_before_the_journal_has_it(
    scene: Deployed, tell: Callable[[int, str], None]
) -> None:
    def break_it() -> None:
        write_attempt()
        tell(9, "succeeded")

    with pytest.raises(
        LawBrokenError, match=r"Law5EachEndIsTold: churn/9/succeeded/.* is told while the journal says open"
    ):
        scene.do(break_it)


def test_law_5_an_end_is_final(scene: Deployed) -> None:
    with pytest.raises(LawBrokenError, match=r"Law5EachEndIsTold: .*went from succeeded to failed"):
        scene.do(lambda: set_status(1, "failed"))


def test_law_5_what_did_not_succeed_does_not_count_as_succeeded(scene: Deployed) -> None:
    def break_it() -> None:
        write_attempt()
        set_status(9, "succeeded")

    with pytest.raises(LawBrokenError, match=r"Law5EachEndIsTold: .*counts as succeeded and did not"):
        scene.do(break_it)


def test_law_5_what_nobody_refused_does_not_count_as_failed(scene: Deployed) -> None:
    def break_it() -> None:
        write_attempt()
        set_status(9, "failed")

    with pytest.raises(LawBrokenError, match=r"Law5EachEndIsTold: .*SageMaker refused nothing"):
        scene.do(break_it)


@pytest.mark.parametrize("is_denied", [True, False])
def test_law_5_what_was_rolled_back_before_anybody_could_note_it_may_count_as_withdrawn(
    scene: Deployed, *, is_denied: bool
) -> None:
    world = scene.world
    world.hosting.broken_urls.add("s3://models/1/model.tar.gz")
    only_law(scene, 5)
    if is_denied:
        world.deny(Denial("UpdateItem", lasts=5), world.sites[0])

    def ask_and_note() -> None:
        update(world.people.versions[0].arn)
        with suppress(ClientError):
            set_status(9, "open")

    scene.do(ask_and_note)
    world.calm()

    assert [each.succeeded for each in scene.judge.facts.rollouts] == [True, True, False]
    if is_denied:
        scene.do(lambda: set_status(9, "withdrawn"))
    else:
        with pytest.raises(LawBrokenError, match=r"Law5\w+: .*as withdrawn, and SageMaker accepted it"):
            scene.do(lambda: set_status(9, "withdrawn"))


def test_law_5_what_is_under_way_is_not_withdrawn_though_nothing_could_be_noted(scene: Deployed) -> None:
    only_law(scene, 5)
    scene.world.deny(Denial("UpdateItem"), scene.world.sites[0])

    def ask_and_note() -> None:
        update(scene.world.people.versions[0].arn)
        with suppress(ClientError):
            set_status(9, "accepted")
        scene.world.calm()
        set_status(9, "withdrawn")

    with pytest.raises(LawBrokenError, match=r"Law5\w+: .*counts as withdrawn, and SageMaker accepted it"):
        scene.do(ask_and_note)


@pytest.mark.parametrize("tell", [put_outcome, publish_outcome])
def test_law_5_an_outcome_is_told_once(scene: Deployed, tell: Callable[[int, str, str], None]) -> None:
    started_at = scene.world.journalled("churn", "attempt#000000001")["started_at"]
    began = datetime.fromisoformat(started_at).strftime("%Y%m%dT%H%M%SZ")
    scene.do(lambda: tell(1, "succeeded", began))

    with pytest.raises(LawBrokenError, match=rf"Law5\w+: churn/1/succeeded/{began} was told 2 times"):
        scene.judge.check_rest()


@pytest.mark.parametrize("channel", ["Publish", "PutEvents"])
def test_law_5_an_end_that_nobody_heard_of_is_a_fault(scene: Deployed, channel: str) -> None:
    law = next(each for each in scene.judge.laws if type(each).__name__ == "Law5EachEndIsTold")
    told: dict[tuple[str, str], object] = law._told  # type: ignore[attr-defined] # noqa: SLF001 - it is forgotten
    [entry] = [each for each in told if each[0] == channel and each[1].startswith("churn/2/succeeded/")]
    del told[entry]

    with pytest.raises(
        LawBrokenError, match="Law5EachEndIsTold: attempt 2 of churn is succeeded and was told as"
    ):
        scene.judge.check_rest()


def test_law_6_the_live_config_is_not_deleted(scene: Deployed) -> None:
    with pytest.raises(
        LawBrokenError, match=r"Law6NothingNeededIsDeleted: DeleteEndpointConfig .*which churn needs"
    ):
        scene.do(lambda: sagemaker().delete_endpoint_config(EndpointConfigName=scene.live_config))


def test_law_6_the_live_configs_model_is_not_deleted(scene: Deployed) -> None:
    config = scene.world.people.look("DescribeEndpointConfig", EndpointConfigName=scene.live_config)
    assert config is not None
    model = config["ProductionVariants"][0]["ModelName"]

    with pytest.raises(
        LawBrokenError, match=r"Law6NothingNeededIsDeleted: DeleteModel .*whose config churn needs"
    ):
        scene.do(lambda: sagemaker().delete_model(ModelName=model))


def test_law_6_what_served_last_is_not_deleted(scene: Deployed) -> None:
    first = scene.world.journal("churn", "attempt#")[0]["endpoint_config_name"]

    with pytest.raises(LawBrokenError, match=r"Law6NothingNeededIsDeleted: .*one of the last that served"):
        scene.do(lambda: sagemaker().delete_endpoint_config(EndpointConfigName=first))


def test_law_6_what_somebody_else_made_is_not_deleted(scene: Deployed) -> None:
    with pytest.raises(LawBrokenError, match=r"Law6NothingNeededIsDeleted: .*which is not the deployer's"):
        scene.do(lambda: sagemaker().delete_model(ModelName="churn-v9-0123456789ab"))


def test_law_6_nothing_is_left_over(scene: Deployed) -> None:
    law = next(each for each in scene.judge.laws if type(each).__name__ == "Law6NothingNeededIsDeleted")
    law._owners["model", "orphan"] = "churn"  # type: ignore[attr-defined] # noqa: SLF001 - as if it had been made

    with pytest.raises(
        LawBrokenError, match="Law6NothingNeededIsDeleted: churn: model without an attempt: orphan"
    ):
        scene.judge.check_rest()


def test_law_7_nothing_is_written_without_an_attempt(scene: Deployed) -> None:
    with pytest.raises(
        LawBrokenError, match="Law7JournalExplains: CreateModel rogue is explained by no attempt"
    ):
        scene.do(lambda: make_release(scene.world.people.versions[0].arn, "rogue"))


def test_law_7_nobody_acts_on_another_ones_attempt(scene: Deployed) -> None:
    def break_it() -> None:
        write_attempt(invocation_id="somebody-else")
        make_release(scene.world.people.versions[0].arn, "rogue")

    with pytest.raises(LawBrokenError, match=r"Law7JournalExplains: .*belongs to somebody-else"):
        scene.do(break_it)


def test_law_7_nobody_acts_beyond_the_lease(scene: Deployed) -> None:
    def break_it() -> None:
        write_attempt(lease_until="2026-01-01T00:00:00.000000+00:00")
        make_release(scene.world.people.versions[0].arn, "rogue")

    with pytest.raises(LawBrokenError, match=r"Law7JournalExplains: .*beyond its lease"):
        scene.do(break_it)


def test_law_6_what_a_reject_would_bring_back_is_not_deleted(sparing: Deployed) -> None:
    first = sparing.world.journal("churn", "attempt#")[0]["endpoint_config_name"]
    config = sparing.world.people.look("DescribeEndpointConfig", EndpointConfigName=first)
    assert config is not None
    model = config["ProductionVariants"][0]["ModelName"]

    with pytest.raises(LawBrokenError, match=r"Law6NothingNeededIsDeleted: DeleteModel .*churn needs"):
        sparing.do(lambda: sagemaker().delete_model(ModelName=model))


def test_law_6_little_is_left_over(sparing: Deployed) -> None:
    law = next(each for each in sparing.judge.laws if type(each).__name__ == "Law6NothingNeededIsDeleted")
    for number in (1, 2, 3):
        write = {"item": f"attempt#{number + 6:09d}", "number": str(number + 6), "status": "withdrawn"}
        sparing.do(lambda write=write, number=number: write_attempt(**write, model_name=f"old{number}"))  # type: ignore[misc] # bound at once
        law._owners["model", f"old{number}"] = "churn"  # type: ignore[attr-defined] # noqa: SLF001 - as if it had been made

    with pytest.raises(LawBrokenError, match=r"Law6NothingNeededIsDeleted: churn has 5 models left"):
        law.check_rest()


def test_law_8_a_scaled_count_that_an_update_resets_is_seen(scene: Deployed) -> None:
    scene.world.people.call(
        "UpdateEndpointWeightsAndCapacities",
        EndpointName="churn",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3}],
    )
    scene.world.run_until_quiet()
    only_law(scene, 8)

    with pytest.raises(LawBrokenError, match=r"Law8ScaledStaysScaled: .*\(1\.0, 1\.0\).* \(3\.0, 1\.0\)"):
        scene.do(lambda: update(scene.world.people.versions[0].arn))


def test_law_8_a_count_that_the_settings_change_takes_effect(scene: Deployed) -> None:
    def scale_by_config() -> None:
        write_attempt()
        arn = scene.world.people.versions[0].arn
        make_release(arn, "rogue", instances=2)
        sagemaker().describe_model_package(ModelPackageName=arn)
        sagemaker().update_endpoint(
            EndpointName="churn", EndpointConfigName="rogue", RetainAllVariantProperties=True
        )

    only_law(scene, 8)
    with pytest.raises(LawBrokenError, match=r"Law8ScaledStaysScaled: .*\(1\.0, 1\.0\).* \(2\.0, 1\.0\)"):
        scene.do(scale_by_config)


def set_count(count: int, variant_name: str = "AllTraffic", **more: float) -> None:
    change: Any = {"VariantName": variant_name, "DesiredInstanceCount": count, **more}
    sagemaker().update_endpoint_weights_and_capacities(
        EndpointName="churn", DesiredWeightsAndCapacities=[change]
    )


def test_law_8_a_count_that_nobody_gave_is_seen(scene: Deployed) -> None:
    only_law(scene, 8)

    with pytest.raises(LawBrokenError, match=r"Law8\w+: rogue1 sets .* of churn to 2, .* given last is 1\.0"):
        scene.do(lambda: set_count(2))


def test_law_8_one_request_sets_one_count_or_weights(scene: Deployed) -> None:
    only_law(scene, 8)

    with pytest.raises(LawBrokenError, match="Law8ScaledStaysScaled: one request of churn sets"):
        scene.do(lambda: set_count(2, DesiredWeight=2))


def test_law_8_what_the_settings_change_is_set_by_the_next_rest_and_once(scene: Deployed) -> None:
    only_law(scene, 8)
    [law] = scene.judge.laws
    law._given["churn"].owed["AllTraffic", "DesiredInstanceCount"] = 2.0  # type: ignore[attr-defined] # noqa: SLF001 - as if settings had changed it for one of several variants

    with pytest.raises(
        LawBrokenError, match=r"Law8\w+: churn runs .* at rest, and should run .*\(2\.0, 1\.0\)"
    ):
        law.check_rest()
    scene.do(lambda: set_count(2))
    law.check_rest()
    scene.world.people.rescale("churn", 2)
    scene.world.run_until_quiet()
    law.check_rest()
    with pytest.raises(LawBrokenError, match=r"Law8\w+: rogue2 sets .* to 2, .* given last is 3\.0"):
        scene.do(lambda: set_count(2))


def test_law_7_a_count_that_no_deployment_left_to_be_set_is_explained_by_none(scene: Deployed) -> None:
    only_law(scene, 7)

    with pytest.raises(LawBrokenError, match="Law7JournalExplains: no attempt of churn explains that"):
        scene.do(lambda: set_count(2))


def test_law_9_no_endpoint_is_left_out_of_a_sweep(several: Deployed) -> None:
    def sweep_two_of_three() -> None:
        ask_of("churn")
        hand_over(["churn-v2"])

    several.do(sweep_two_of_three, event=SWEEP)
    with pytest.raises(LawBrokenError, match="Law9EveryEndpointHasItsTurn: fraud had no turn with rogue1"):
        several.judge.check_rest()


def test_law_9_no_endpoint_has_its_turn_twice(several: Deployed) -> None:
    def sweep_one_twice() -> None:
        ask_of("churn")
        hand_over(["churn", "churn-v2"], ["fraud"])

    several.do(sweep_one_twice, event=SWEEP)
    with pytest.raises(
        LawBrokenError, match=r"Law9EveryEndpointHasItsTurn: rogue1 looked at \['churn'\] and"
    ):
        several.judge.check_rest()


def test_law_9_no_part_is_too_large(several: Deployed) -> None:
    def sweep_in_one_part() -> None:
        hand_over(["churn", "churn-v2", "fraud"])

    several.do(sweep_in_one_part, event=SWEEP)
    with pytest.raises(LawBrokenError, match="Law9EveryEndpointHasItsTurn: rogue1 hands 3 of 3"):
        several.judge.check_rest()


def test_law_9_no_part_hands_on_all_that_it_was_given(several: Deployed) -> None:
    part = {
        "id": "part",
        "detail-type": "Greenlight Sweep Part",
        "detail": {"EndpointNames": ["churn"]},
    }

    several.do(lambda: hand_over(["churn"]), event=part)
    with pytest.raises(LawBrokenError, match="Law9EveryEndpointHasItsTurn: rogue1 hands 1 of 1"):
        several.judge.check_rest()


def test_law_9_to_read_what_was_noted_is_not_a_turn_yet(several: Deployed) -> None:
    part = {
        "id": "part",
        "detail-type": "Greenlight Sweep Part",
        "detail": {"EndpointNames": ["churn"]},
    }

    several.do(lambda: ask_of("greenlight:fleet", "churn"), event=part)
    with pytest.raises(LawBrokenError, match="Law9EveryEndpointHasItsTurn: churn had no turn with rogue1"):
        several.judge.check_rest()


def test_law_9_an_endpoint_that_never_had_settings_is_not_handed_over(several: Deployed) -> None:
    def hand_over_another() -> None:
        for name in ("churn", "churn-v2", "fraud"):
            ask_of(name)
        hand_over(["payroll"])

    several.do(hand_over_another, event=SWEEP)
    with pytest.raises(LawBrokenError, match=r"Law9\w+: rogue1 hands over \['payroll'\], which is not its"):
        several.judge.check_rest()


def test_law_9_one_endpoints_trouble_costs_no_other_its_turn(several: Deployed) -> None:
    def give_up() -> None:
        ask_of("churn")
        raise ValueError("churn cannot be reconciled")

    several.do(give_up, event=SWEEP)
    with pytest.raises(LawBrokenError, match="Law9EveryEndpointHasItsTurn: churn-v2, fraud had no turn"):
        several.judge.check_rest()


def look_at_all() -> None:
    """Look at every endpoint, and find nothing to do."""
    ask_of("greenlight:fleet")
    sagemaker().list_endpoints(MaxResults=100)
    for name in ("churn", "churn-v2", "fraud"):
        ask_of(name)


def look_at_none() -> None:
    ask_of("greenlight:fleet")
    sagemaker().list_endpoints(MaxResults=100)
    sagemaker().search(Resource="ModelPackage")


def test_law_9_an_endpoint_at_rest_may_be_skipped_for_a_day(several: Deployed) -> None:
    several.do(look_at_all, event=SWEEP)
    several.do(look_at_none, event=SWEEP)
    only_law(several, 9)
    several.judge.check_rest()

    several.world.pass_time(25 * 3600)
    several.do(look_at_none, event=SWEEP)
    with pytest.raises(LawBrokenError, match="Law9EveryEndpointHasItsTurn: churn, churn-v2, fraud had no"):
        several.judge.check_rest()


def test_law_9_an_endpoint_of_which_something_was_journalled_is_not_skipped(several: Deployed) -> None:
    several.do(look_at_all, event=SWEEP)
    several.do(write_attempt)
    several.do(look_at_none, event=SWEEP)
    only_law(several, 9)
    with pytest.raises(LawBrokenError, match="Law9EveryEndpointHasItsTurn: churn had no turn"):
        several.judge.check_rest()


def test_law_9_an_endpoint_whose_version_was_approved_is_not_skipped(several: Deployed) -> None:
    several.do(look_at_all, event=SWEEP)
    several.world.pass_time(60)
    several.world.people.decide(several.world.people.version(0), "Rejected", ADA)
    several.world.pass_time(60)
    several.do(look_at_none, event=SWEEP)
    only_law(several, 9)
    with pytest.raises(LawBrokenError, match=r"Law9\w+: .* had no turn"):
        several.judge.check_rest()


def test_law_9_a_sweep_that_does_not_ask_search_may_skip_no_endpoint_for_that(several: Deployed) -> None:
    def look_without_search() -> None:
        ask_of("greenlight:fleet")
        sagemaker().list_endpoints(MaxResults=100)

    several.do(look_at_all, event=SWEEP)
    several.world.pass_time(60)
    several.world.people.decide(several.world.people.version(0), "Rejected", ADA)
    several.world.pass_time(60)
    several.do(look_without_search, event=SWEEP)
    only_law(several, 9)
    with pytest.raises(LawBrokenError, match=r"Law9\w+: .* had no turn"):
        several.judge.check_rest()


def test_law_9_a_version_that_is_deleted_is_not_shown(several: Deployed) -> None:
    people = several.world.people
    people.register()
    several.world.pass_time(60)
    several.do(look_at_all, event=SWEEP)
    several.world.pass_time(60)
    people.decide(people.versions[-1], "Rejected", ADA)
    people.call("DeleteModelPackage", ModelPackageName=people.versions[-1].arn)
    several.world.pass_time(60)
    several.do(look_at_none, event=SWEEP)
    only_law(several, 9)
    several.judge.check_rest()


@pytest.mark.parametrize(("seconds", "is_shown"), [(0, False), (1, True)])
def test_law_9_an_approval_taken_back_as_it_was_registered_is_not_shown(
    several: Deployed, *, seconds: int, is_shown: bool
) -> None:
    people = several.world.people
    several.do(look_at_all, event=SWEEP)
    several.world.pass_time(60)
    people.register("Approved")
    several.world.pass_time(seconds)
    people.decide(people.versions[-1], "PendingManualApproval", ADA)
    several.world.pass_time(60)
    several.do(look_at_none, event=SWEEP)
    only_law(several, 9)
    with pytest.raises(LawBrokenError, match=r"Law9\w+: .* had no turn") if is_shown else nullcontext():
        several.judge.check_rest()


def test_law_9_what_failed_just_before_is_left_alone(several: Deployed) -> None:
    def fail() -> None:
        look_at_all()
        raise ValueError("churn: it failed")

    several.do(fail, event=SWEEP)
    several.world.pass_time(300)
    several.do(look_at_all, event=SWEEP)
    only_law(several, 9)
    with pytest.raises(LawBrokenError, match="rogue2 looks at churn again, which failed just before"):
        several.judge.check_rest()


def test_law_9_what_failed_is_looked_at_again_if_that_look_changed_a_version(several: Deployed) -> None:
    """Search shows that, and not who changed the version."""
    only_law(several, 9)

    def stamp_and_fail() -> None:
        look_at_all()
        sagemaker().update_model_package(
            ModelPackageArn=several.world.people.versions[0].arn,
            CustomerMetadataProperties={"greenlight:endpoint:churn": "serving"},
        )
        raise ValueError("churn: it failed")

    several.do(stamp_and_fail, event=SWEEP)
    several.world.pass_time(60)
    several.do(look_at_all, event=SWEEP)

    several.judge.check_rest()


@pytest.mark.parametrize("is_noted", [False, True])
def test_law_9_what_failed_by_a_fault_is_left_alone_if_the_journal_knows(
    several: Deployed, *, is_noted: bool
) -> None:
    several.world.sweep()
    several.world.run_until_quiet()

    def fail() -> None:
        look_at_all()
        several.world.running["rogue1"].faulty = True
        if is_noted:
            note_failure()
        raise ValueError("churn: it failed")

    several.do(fail, event=SWEEP)
    several.world.pass_time(300)
    several.do(look_at_all, event=SWEEP)
    only_law(several, 9)
    with (
        pytest.raises(LawBrokenError, match="rogue2 looks at churn again, which failed just before")
        if is_noted
        else nullcontext()
    ):
        several.judge.check_rest()


def note_failure() -> None:
    clients.client("dynamodb").update_item(
        TableName="journal",
        Key=fleet_key("churn"),
        UpdateExpression="SET #failures = :failures",
        ExpressionAttributeNames={"#failures": "failures"},
        ExpressionAttributeValues={":failures": {"N": "1"}},
    )


def set_alarm(state: str) -> None:
    clients.client("cloudwatch").set_alarm_state(
        AlarmName="Greenlight.churn.abort", StateValue=state, StateReason="by hand"
    )


def test_law_10_a_rollout_is_aborted_only_after_reading_that_its_version_is_taken_back(
    guarded: Deployed,
) -> None:
    with pytest.raises(LawBrokenError, match="Law10OnlyWhatIsGivenUpIsAborted: rogue1 aborts"):
        guarded.do(lambda: set_alarm("ALARM"))


def test_law_10_no_update_begins_without_clearing_the_alarm(guarded: Deployed) -> None:
    arn = guarded.world.people.versions[0].arn
    judge = next(law for law in guarded.judge.laws if type(law).__name__.startswith("Law10"))
    guarded.world.observers[:] = [judge.check_call]

    config = deployment_config("churn", RolloutKind.CANARY)
    with pytest.raises(LawBrokenError, match=r"Law10OnlyWhatIsGivenUpIsAborted: .* was not cleared"):
        guarded.do(lambda: update(arn, instances=2, DeploymentConfig=config))


def test_law_10_no_alarm_stays_set(guarded: Deployed) -> None:
    guarded.world.alarms.set("Greenlight.churn.abort", AlarmState.ALARM)

    with pytest.raises(LawBrokenError, match="Law10OnlyWhatIsGivenUpIsAborted: the abort alarm of churn"):
        guarded.judge.check_rest()


TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/churn/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda client: client.deregister_scalable_target(**TARGET),
        lambda client: client.register_scalable_target(**TARGET, MinCapacity=2, MaxCapacity=10),
        lambda client: client.delete_scaling_policy(**TARGET, PolicyName="usual"),
        lambda client: client.delete_scheduled_action(**TARGET, ScheduledActionName="usual"),
    ],
    ids=["target", "capacities", "policy", "scheduled action"],
)
def test_law_11_a_variant_at_rest_scales_as_its_settings_say(
    guarded: Deployed, spoil: Callable[[Any], object]
) -> None:
    guarded.judge.check_rest()
    laws, guarded.judge.laws = guarded.judge.laws, ()
    guarded.do(lambda: spoil(clients.client("application-autoscaling")))
    guarded.judge.laws = laws

    with pytest.raises(LawBrokenError, match="Law11ScalingComesBack: AllTraffic of churn scales by"):
        guarded.judge.check_rest()


def test_law_11_nothing_is_deregistered_without_need(guarded: Deployed) -> None:
    def take_off() -> None:
        write_attempt(endpoint_config_name=guarded.live_config)
        clients.client("application-autoscaling").deregister_scalable_target(**TARGET)

    with pytest.raises(LawBrokenError, match="Law11ScalingComesBack: AllTraffic of churn is deregistered"):
        guarded.do(take_off)


def test_law_11_what_was_denied_is_deregistered_later_only_if_it_must_be(guarded: Deployed) -> None:
    world, site = guarded.world, guarded.world.sites[0]
    only_law(guarded, 11)

    def take_off() -> None:
        with suppress(ClientError):
            clients.client("application-autoscaling").deregister_scalable_target(**TARGET)

    world.deny(Denial("DeregisterScalableTarget"), site)
    world.people.settings["churn"] = settings_document("churn", 5, scaling=True)
    guarded.do(take_off)
    world.pass_time(60)
    guarded.do(take_off)
    world.people.settings["churn"] = settings_document("churn", scaling=True)
    with pytest.raises(LawBrokenError, match="Law11ScalingComesBack: AllTraffic of churn is deregistered"):
        guarded.do(take_off)


def update_guarded(arn: str, **changes: Any) -> None:
    """Put a version on the guarded endpoint as the deployer does, except for the caller's changes."""
    set_alarm("OK")
    config = {**deployment_config("churn", RolloutKind.CANARY), **changes}
    update(arn, instances=2, RetainAllVariantProperties=True, DeploymentConfig=config)


@pytest.mark.parametrize(
    "changes",
    [
        {"BlueGreenUpdatePolicy": deployment_config("", RolloutKind.ALL_AT_ONCE)["BlueGreenUpdatePolicy"]},
        {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "Greenlight.churn.abort"}]}},
        {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "Greenlight.churn.error-ratio"}]}},
    ],
    ids=["another kind", "without the alarm on errors", "without the abort alarm"],
)
def test_law_12_an_update_is_rolled_out_as_its_settings_say(
    guarded: Deployed, changes: dict[str, Any]
) -> None:
    with pytest.raises(LawBrokenError, match="Law12RolloutsKeepTheirPromise: churn is updated"):
        guarded.do(lambda: update_guarded(guarded.world.people.versions[0].arn, **changes))


def test_law_12_an_update_without_any_deployment_config_is_seen(guarded: Deployed) -> None:
    only_law(guarded, 12)

    with pytest.raises(LawBrokenError, match=r"Law12\w+: churn is updated by no DeploymentConfig"):
        guarded.do(lambda: update(guarded.world.people.versions[0].arn))


def test_law_12_an_alarm_that_is_on_may_be_left_out_by_who_was_told_so(guarded: Deployed) -> None:
    guarded.world.alarms.set("Greenlight.churn.error-ratio", AlarmState.ALARM)
    changes = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "Greenlight.churn.abort"}]}}

    def leave_it_out() -> None:
        clients.client("cloudwatch").describe_alarms(AlarmNames=["Greenlight.churn.error-ratio"])
        update_guarded(guarded.world.people.versions[0].arn, **changes)

    only_law(guarded, 12)
    guarded.do(leave_it_out)


@pytest.mark.parametrize("is_denied", [True, False])
def test_law_12_the_abort_alarm_is_left_out_by_who_may_not_clear_it(
    guarded: Deployed, *, is_denied: bool
) -> None:
    changes = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "Greenlight.churn.error-ratio"}]}}
    only_law(guarded, 12)
    if is_denied:
        guarded.world.deny(Denial("SetAlarmState"), guarded.world.sites[0])

    def leave_it_out() -> None:
        with suppress(ClientError):
            set_alarm("OK")
        config = {**deployment_config("churn", RolloutKind.CANARY), **changes}
        arn = guarded.world.people.versions[0].arn
        update(arn, instances=2, RetainAllVariantProperties=True, DeploymentConfig=config)

    if is_denied:
        guarded.do(leave_it_out)
    else:
        with pytest.raises(LawBrokenError, match=r"Law12\w+: churn is updated under the alarms"):
            guarded.do(leave_it_out)


def test_law_12_blue_green_keeps_the_count_that_was_scaled(guarded: Deployed) -> None:
    guarded.world.people.rescale("churn", 2)
    guarded.world.run_until_quiet()
    only_law(guarded, 12)

    def reset_it() -> None:
        arn = guarded.world.people.versions[0].arn
        config = deployment_config("churn", RolloutKind.CANARY)
        update(arn, instances=2, DeploymentConfig=config)

    with pytest.raises(LawBrokenError, match=r"Law12\w+: 2 instances of churn answer .*at least 3 should"):
        guarded.do(reset_it)


@pytest.mark.parametrize(("left", "is_broken"), [(2, False), (1, True)])
def test_law_12_rolling_goes_without_one_batch_at_most(
    rolling: Deployed, left: int, *, is_broken: bool
) -> None:
    world = rolling.world
    only_law(rolling, 12)
    arn = world.people.versions[0].arn
    world.begin(
        Rogue(
            *("rogue1", "rogue1", NOTHING, 9, world.clock.now(), world),
            script=lambda: update(
                arn,
                instances=4,
                RetainAllVariantProperties=True,
                DeploymentConfig=deployment_config("churn", RolloutKind.ROLLING),
            ),
        )
    )
    world.pass_time(60)
    ((_, fleet),) = world.hosting.fleets.items()
    fleet.instance_count = left

    if is_broken:
        with pytest.raises(LawBrokenError, match=r"Law12\w+: 1 instances of churn .*at least 2 should"):
            world.observe_changes()
    else:
        world.observe_changes()


def roll_back_an_alarming_version(scene: Deployed) -> None:
    """Let the deployer roll out a version that sets the alarm off, and SageMaker roll it back."""
    scene.world.people.register("Approved", alarming=True)
    scene.world.run_until_quiet()
    scene.judge.check_rest()
    assert [each.urls for each in scene.world.alarms.raised] == [{"s3://models/3/model.tar.gz"}]


def test_law_13_what_set_the_alarm_off_does_not_come_back(guarded: Deployed) -> None:
    roll_back_an_alarming_version(guarded)
    only_law(guarded, 13)
    # As if SageMaker had never been asked; the version is better by now, so that it passes.
    table = guarded.world.memory.table
    for item in table.items("churn", "fact#release#churn-v3"):
        table.delete_item({"TableName": "journal", "Key": {key: item[key] for key in ("endpoint", "item")}})
    for key in ("attempt#000000003", "fact#attempt", "fact#deployment"):
        if table.partitions["churn"][key]["number"] == {"N": "3"}:
            table.partitions["churn"][key]["status"] = {"S": "withdrawn"}
    guarded.world.people.mend(guarded.world.people.versions[2])
    guarded.world.sweep()
    guarded.world.run_until_quiet()

    with pytest.raises(LawBrokenError, match=r"Law13\w+: churn rests on .*/3, which set"):
        guarded.judge.check_rest()


def test_law_13_what_is_approved_again_may_come_back(guarded: Deployed) -> None:
    roll_back_an_alarming_version(guarded)
    people = guarded.world.people
    guarded.world.pass_time(60)
    people.mend(people.versions[2])
    people.decide(people.versions[2], "Approved", "arn:aws:iam::1:user/ada")
    guarded.world.run_until_quiet()

    assert people.served_version("churn") == people.versions[2].arn.lower()
    guarded.judge.check_rest()


def test_law_13_no_update_begins_under_an_alarm_that_is_on(guarded: Deployed) -> None:
    guarded.world.alarms.set("Greenlight.churn.error-ratio", AlarmState.ALARM)
    only_law(guarded, 13)

    with pytest.raises(
        LawBrokenError, match=r"Law13\w+: churn is updated under Greenlight.churn.error-ratio, which is on"
    ):
        guarded.do(lambda: update_guarded(guarded.world.people.versions[0].arn))


def test_law_13_who_may_not_look_at_alarms_updates_all_the_same(guarded: Deployed) -> None:
    guarded.world.alarms.set("Greenlight.churn.error-ratio", AlarmState.ALARM)
    only_law(guarded, 13)
    guarded.world.deny(Denial("DescribeAlarms"), guarded.world.sites[0])

    def look_and_update() -> None:
        with suppress(ClientError):
            clients.client("cloudwatch").describe_alarms(AlarmNames=["Greenlight.churn.error-ratio"])
        update_guarded(guarded.world.people.versions[0].arn)

    guarded.do(look_and_update)


def test_law_13_an_update_waits_for_the_alarm_of_the_rollout_before(guarded: Deployed) -> None:
    roll_back_an_alarming_version(guarded)
    guarded.world.alarms.set("Greenlight.churn.error-ratio", AlarmState.ALARM)
    changes = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "Greenlight.churn.abort"}]}}

    def leave_it_out() -> None:
        clients.client("cloudwatch").describe_alarms(AlarmNames=["Greenlight.churn.error-ratio"])
        update_guarded(guarded.world.people.versions[0].arn, **changes)

    only_law(guarded, 13)
    with pytest.raises(
        LawBrokenError, match=r"Law13\w+: churn is updated without Greenlight.churn.error-ratio, which"
    ):
        guarded.do(leave_it_out)


def serve_untried(scene: Deployed) -> None:
    """Put a version on the endpoint, and wait until it serves; only law 14 looks on."""
    only_law(scene, 14)
    scene.do(lambda: update(scene.world.people.versions[0].arn, RetainAllVariantProperties=True))
    assert scene.live_config == "rogue"


def note(status: str, **more: str) -> None:
    write_attempt(status=status, settled_at="2026-01-01T01:00:00.000000+00:00", **more)


def try_out(times: int) -> None:
    for _ in range(times):
        clients.client("sagemaker-runtime").invoke_endpoint(
            EndpointName="churn", ContentType="text/csv", Body=b"1,2"
        )


def ask_registry() -> None:
    """Read the rogue's version, which does not exist: law 14 asks for the read, law 1 for its answer."""
    with suppress(ClientError):
        sagemaker().describe_model_package(ModelPackageName="rogue")


def note_after(answers: int, status: str, **more: str) -> None:
    ask_registry()
    try_out(answers)
    note(status, **more)


@pytest.mark.parametrize("answers", [0, 2])
def test_law_14_what_did_not_answer_all_well_does_not_count_as_live(tested: Deployed, answers: int) -> None:
    serve_untried(tested)

    with pytest.raises(LawBrokenError, match=rf"Law14\w+: .* counts as live after {answers} good answers"):
        tested.do(lambda: note_after(answers, "succeeded"))


def test_law_14_nothing_is_tried_before_the_registry_was_asked(tested: Deployed) -> None:
    serve_untried(tested)

    with pytest.raises(LawBrokenError, match=r"Law14\w+: .* nobody asked whether it still stands"):
        tested.do(lambda: try_out(1))


def test_law_14_what_answered_all_well_counts_as_live(tested: Deployed) -> None:
    serve_untried(tested)
    tested.do(lambda: note_after(3, "succeeded"))


def test_law_14_who_tells_late_need_not_have_tried(tested: Deployed) -> None:
    serve_untried(tested)
    tested.do(lambda: note_after(3, "succeeded"))

    tested.do(lambda: note("succeeded", end_reported="true"))


def test_law_14_a_test_that_was_passed_is_not_failed(tested: Deployed) -> None:
    serve_untried(tested)

    with pytest.raises(LawBrokenError, match=r"Law14\w+: .* failed a test that it passed"):
        tested.do(lambda: note_after(3, "failed", failed_test="{}"))


def test_a_version_that_fails_its_smoke_test_gives_way(tested: Deployed) -> None:
    people = tested.world.people
    people.register("Approved", failing=True)
    tested.world.run_until_quiet()

    assert people.served_version("churn") == people.versions[1].arn.lower()
    tested.judge.check_rest()


def test_law_3_a_version_that_failed_its_smoke_test_does_not_stay(tested: Deployed) -> None:
    """As if the deployer had tried what serves, and left it there."""
    law = next(each for each in tested.judge.laws if type(each) is LAWS[2])
    item = tested.world.memory.table.partitions["churn"]["attempt#000000002"]
    item.update(status={"S": "failed"}, failed_test={"S": "{}"}, reason={"S": "no good answer"})

    with pytest.raises(LawBrokenError, match=r"Law3\w+: churn is InService with .*/2.*/1"):
        law.check_rest()


def noted(name: str) -> dict[str, Any]:
    """Return the write that notes that an endpoint was looked at with some settings."""
    item = {
        **fleet_key(name),
        "settings_digest": {"S": "0123456789abcdef"},
        "noted_at": {"S": "2026-01-01T00:00:00+00:00"},
    }
    return {"TableName": "journal", "Item": item}


def fleet_key(name: str) -> dict[str, Any]:
    return {"endpoint": {"S": "greenlight:fleet"}, "item": {"S": name}}


def note_settings() -> None:
    clients.client("dynamodb").put_item(**noted("churn"))


def swept(scene: Deployed) -> World:
    """Let what is deployed be noted, and let law 21 judge alone."""
    scene.world.sweep()
    scene.world.run_until_quiet()
    only_law(scene, 21)
    return scene.world


def test_law_21_settings_that_were_not_looked_at_are_not_noted(scene: Deployed) -> None:
    swept(scene).memory.table.put_item(noted("churn"))

    with pytest.raises(LawBrokenError, match=r"Law21\w+: churn has the settings .*, and 0123456789abcdef"):
        scene.judge.check_rest()


def test_law_21_an_endpoint_without_settings_is_forgotten(scene: Deployed) -> None:
    swept(scene).memory.table.put_item(noted("payroll"))

    with pytest.raises(LawBrokenError, match=r"Law21\w+: payroll has the settings None, and"):
        scene.judge.check_rest()


def test_law_21_settings_are_not_noted_before_a_look(scene: Deployed) -> None:
    swept(scene)

    with pytest.raises(LawBrokenError, match=r"Law21\w+: the settings of churn are noted without a look"):
        scene.do(note_settings)


def test_law_21_settings_are_not_noted_before_their_look_has_ended(scene: Deployed) -> None:
    swept(scene)

    def look_afterwards() -> None:
        ask_of("churn")
        note_settings()
        sagemaker().describe_endpoint(EndpointName="churn")

    with pytest.raises(LawBrokenError, match=r"Law21\w+: DescribeEndpoint of churn follows the note"):
        scene.do(look_afterwards)


def change_noted_settings() -> None:
    clients.client("dynamodb").update_item(
        TableName="journal",
        Key=fleet_key("churn"),
        UpdateExpression="SET #settings_digest = :settings_digest",
        ExpressionAttributeNames={"#settings_digest": "settings_digest"},
        ExpressionAttributeValues={":settings_digest": {"S": "0123456789abcdef"}},
    )


@pytest.mark.parametrize("note", [note_settings, change_noted_settings])
def test_law_21_settings_are_not_noted_during_an_earlier_attempt(
    scene: Deployed, note: Callable[[], None]
) -> None:
    swept(scene)

    def note_under_way() -> None:
        write_attempt(invocation_id="earlier", started_at="2026-01-01T00:00:00.000000+00:00")
        ask_of("churn")
        note()

    with pytest.raises(LawBrokenError, match=r"Law21\w+: the settings of churn are noted while attempt 9"):
        scene.do(note_under_way)


def test_law_21_who_hears_of_deployed_settings_looks_at_what_changed(scene: Deployed) -> None:
    world = swept(scene)
    world.memory.table.put_item(noted("churn"))
    event = {"id": "settings", "detail-type": "Parameter Store Change", "detail": {}}
    scene.do(lambda: ask_of("greenlight:fleet"), event=event)
    world.memory.table.put_item(noted("churn") | {"Item": {**noted("churn")["Item"], **current(world)}})

    with pytest.raises(LawBrokenError, match=r"Law21\w+: rogue1 does not look at \['churn'\]"):
        scene.judge.check_rest()


def current(world: World) -> dict[str, Any]:
    return {"settings_digest": {"S": world.sites[0].settings.digests["churn"]}}


def test_law_21_a_removal_is_told(scene: Deployed) -> None:
    world = swept(scene)
    world.people.remove_settings("churn")
    world.memory.table.delete_item({"TableName": "journal", "Key": fleet_key("churn")})

    with pytest.raises(LawBrokenError, match=r"Law21\w+: nobody reports that churn is no longer managed"):
        scene.judge.check_rest()


def test_law_21_what_was_not_removed_is_not_told_as_removed(scene: Deployed) -> None:
    swept(scene)
    detail = {
        "Outcome": "unmanaged",
        "OutcomeId": "churn/1/unmanaged",
        "EndpointName": "churn",
        "Time": "2026-01-01T00:00:00+00:00",
    }
    scene.world.memory.entries.append({"Detail": json.dumps(detail)})

    with pytest.raises(LawBrokenError, match=r"Law21\w+: churn is reported as unmanaged 1 times"):
        scene.judge.check_rest()
