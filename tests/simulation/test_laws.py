"""Each law bites: whoever breaks it by hand is caught, by that law."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulation import clients
from tests.simulation.laws import LAWS, LawBrokenError
from tests.simulation.people import GROUP, ROLE_ARN
from tests.simulation.schedule import Schedule
from tests.simulation.simulation import Judge
from tests.simulation.world import STACK, Invocation, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOTHING = {"id": "rogue", "detail-type": "nothing"}
TAGS = [{"Key": "greenlight:stack", "Value": STACK}, {"Key": "greenlight:endpoint", "Value": "churn"}]


@dataclass(slots=True, eq=False)
class Rogue(Invocation):
    """An invocation that does what it is told, instead of what the deployer does."""

    script: Callable[[], object] = lambda: None

    def run(self) -> None:
        self.script()


@dataclass
class Deployed:
    """A world in which versions were deployed by the deployer, one after another, and a judge looks on."""

    world: World
    judge: Judge
    rogues: int = 0

    def do(self, *scripts: Callable[[], object]) -> None:
        """Let rogues run, each in an invocation of its own, all at once."""
        for script in scripts:
            self.rogues += 1
            name = f"rogue{self.rogues}"
            self.world.begin(Rogue(name, name, NOTHING, 9, self.world.clock.now(), self.world, script=script))
        self.world.run_until_quiet()

    @property
    def live_config(self) -> str:
        endpoint = self.world.describe("churn")
        assert endpoint is not None
        return str(endpoint["EndpointConfigName"])


def deployed(head_start: int = 1) -> Deployed:
    world = World(Schedule(head_start=head_start))
    judge = Judge(world)
    world.people.begin()
    judge.check_rest()
    return Deployed(world, judge)


@pytest.fixture
def scene() -> Iterator[Deployed]:
    made = deployed(2)
    yield made
    made.world.end()


def sagemaker() -> Any:
    return clients.client("sagemaker")


def make_release(version_arn: str, name: str) -> None:
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
        "InitialInstanceCount": 1,
    }
    sagemaker().create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], Tags=TAGS)


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
        "model_name": "rogue",
        "endpoint_config_name": "rogue",
        "approved_at": "2026-01-01T00:00:00.000000+00:00",
        "reason": "",
        "deletion": "[[],[]]",
        **changes,
    }
    clients.client("dynamodb").put_item(
        TableName="journal", Item={key: {"S": value} for key, value in item.items()}
    )


def put_outcome(number: int, kind: str) -> None:
    detail = {
        "OutcomeId": f"churn/{number}/{kind}",
        "Outcome": kind,
        "EndpointName": "churn",
        "Attempt": number,
    }
    clients.client("events").put_events(
        Entries=[
            {
                "Source": "greenlight",
                "DetailType": "Greenlight Deployment Outcome",
                "Detail": json.dumps(detail),
            }
        ]
    )


def set_status(number: int, status: str) -> None:
    clients.client("dynamodb").update_item(
        TableName="journal",
        Key={"endpoint": {"S": "churn"}, "item": {"S": f"attempt#{number:09d}"}},
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": status}},
    )


def test_every_law_has_its_rule_as_docstring() -> None:
    assert len(LAWS) == 7
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

    def break_it() -> None:
        for _ in range(9):
            sagemaker().add_tags(ResourceArn=endpoint["EndpointArn"], Tags=TAGS)

    with pytest.raises(LawBrokenError, match="Law4NoLoop: AddTags of tags for the"):
        scene.do(break_it)


def test_law_5_an_outcome_is_not_told_before_the_journal_has_it(scene: Deployed) -> None:
    def break_it() -> None:
        write_attempt()
        put_outcome(9, "succeeded")

    with pytest.raises(
        LawBrokenError, match="Law5EachEndIsTold: churn/9/succeeded is told while the journal says open"
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


def test_law_5_an_outcome_is_told_once(scene: Deployed) -> None:
    scene.do(lambda: put_outcome(1, "succeeded"))

    with pytest.raises(LawBrokenError, match="Law5EachEndIsTold: churn/1/succeeded was told 2 times"):
        scene.judge.check_rest()


def test_law_5_an_end_that_nobody_heard_of_is_a_fault(scene: Deployed) -> None:
    for entry in ("churn/2/succeeded",):
        law = next(each for each in scene.judge.laws if type(each).__name__ == "Law5EachEndIsTold")
        del law._told[entry]  # type: ignore[attr-defined] # noqa: SLF001 - as if it had never been put

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
