"""`greenlight rollback` says what the deployer would do, asks it for that, and explains why it cannot."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.contract import REQUEST_DETAIL_TYPE
from deployer.model.rollback import Rollback
from greenlight.errors import CommandError
from greenlight.fleet.state import State
from greenlight.steering.operator import Operator
from greenlight.steering.requesting import aws_time, tell_deployer, write_request
from greenlight.steering.rolling_back import WayBack, way_back, way_back_document
from greenlight.timeline.entries import Kind, timeline
from tests.infra.sufficiency.test_aborting import GUARDED
from tests.infra.sufficiency.test_holds import approved
from tests.infra.sufficiency.test_rollbacks import roll_back, serving_versions
from tests.unit.deployer.builders import NOW, approval, history_of, minutes
from tests.unit.deployer.pipeline import Pipeline
from tests.unit.greenlight.fakes import Fake
from tests.unit.greenlight.schemas import mistakes
from tests.unit.greenlight.test_fleet_state import SERVES, standing
from tests.unit.greenlight.test_why import previews_of, settings_of, shown


def way(pipeline: Pipeline, number: int | None = None) -> WayBack:
    """Return the way back, as somebody asks for it in a second."""
    pipeline.pass_time(1)
    at = pipeline.clock.now().replace(microsecond=0)
    operator = Operator(settings_of(pipeline), previews_of(pipeline), by="ada", at=at)
    return way_back(operator, number, reason="slow")


def refusal(pipeline: Pipeline, number: int | None = None) -> str:
    with pytest.raises(CommandError) as raised:
        way(pipeline, number)
    return f"{raised.value.fact} {raised.value.cause} {raised.value.next_step}"


def test_it_says_what_comes_back_how_and_what_stays_away() -> None:
    pipeline, _ = serving_versions(3, **GUARDED)

    found = way(pipeline, 1)

    assert found.lines == [
        "churn goes back from v3 to v1.",
        "  v3 gives way to v1; all at once, 4 instances meanwhile.",
        "  v3, v2 will not go out here again, whatever changes, before another approval.",
    ]
    assert mistakes(way_back_document(found, told=True), "rollback") == []


def test_by_default_it_is_the_newest_version_before_that_served_well() -> None:
    pipeline, [first, *_] = serving_versions(1)
    broken = pipeline.register()
    pipeline.break_model_of(broken)
    pipeline.approve(broken)
    pipeline.run()
    approved(pipeline)

    found = way(pipeline)

    assert (found.leaving, found.to, found.request.version_arn) == (3, 1, first)


def test_what_it_says_is_what_happens() -> None:
    pipeline, [first, _] = serving_versions(2)
    found = way(pipeline)

    roll_back(pipeline, found.request.version_arn)

    assert pipeline.serving() == f"v{found.to}"
    assert first == found.request.version_arn
    assert "rolled the endpoint back past it" in shown(pipeline, 2)
    assert shown(pipeline, 2).splitlines()[-1].strip() == "greenlight approve churn-models 2"


def test_a_rollout_is_what_is_left_while_it_is_under_way() -> None:
    pipeline, _ = serving_versions(1, **GUARDED)
    pipeline.approve(pipeline.register())
    pipeline.deliver()

    found = way(pipeline)

    assert (found.leaving, found.to, found.is_under_way) == (2, 1, True)
    assert found.lines[1] == (
        "  v2 is being rolled out. SageMaker goes back, or it gives way right after that."
    )
    assert "v2 is being rolled out." in refusal(pipeline, 2)


def test_what_it_cannot_do_it_explains() -> None:
    pipeline, [first, _] = serving_versions(2)
    pipeline.register()

    assert refusal(pipeline, 2).startswith("churn cannot go back to v2. v2 serves already.")
    assert "v3 is not approved here. To bring it out, approve it again" in refusal(pipeline, 3)
    assert "v9 is not approved here." in refusal(pipeline, 9)

    pipeline.reject(first)
    pipeline.run()
    assert "v1 is not approved here." in refusal(pipeline, 1)
    assert refusal(pipeline).startswith(
        "churn has nothing to go back to. No approved version before v2 has served well here."
    )


def test_where_nothing_serves_there_is_nothing_to_go_back_from() -> None:
    pipeline = Pipeline()
    pipeline.manage()

    assert refusal(pipeline).startswith("churn has nothing to go back from.")


def test_forward_is_no_way_back() -> None:
    pipeline, [first, second] = serving_versions(2)
    roll_back(pipeline, first)

    assert "v2 is held back itself, as ada rolled it back to v1" in refusal(pipeline, 2)
    pipeline.pass_time(2)
    pipeline.approve(first)
    pipeline.run()
    assert f"greenlight approve churn-models {second.rpartition('/')[2]}" in refusal(pipeline, 2)


def test_what_cannot_serve_any_more_says_so_before_anybody_is_asked() -> None:
    pipeline, [first, _] = serving_versions(2)
    url = "s3://models/other/model.tar.gz"
    pipeline.artifacts.s3_urls.add(url)
    found = pipeline.sagemaker.describe_model_package(ModelPackageName=first)["InferenceSpecification"]
    [container] = found["Containers"]
    changed = {**found, "Containers": [{"Image": container["Image"], "ModelDataUrl": url}]}
    pipeline.sagemaker.update_model_package(ModelPackageArn=first, InferenceSpecification=changed)

    assert "changed after it was approved" in refusal(pipeline, 1)


def test_history_names_who_rolled_back_and_why() -> None:
    pipeline, [first, _] = serving_versions(2)
    roll_back(pipeline, first)

    [entry, *_] = timeline(pipeline.attempts)

    assert (entry.kind, entry.version) == (Kind.BACK, 1)
    assert entry.asked is not None
    assert (entry.asked.verb, entry.asked.by, entry.asked.reason) == ("rollback", "ada", "wrong in Spain")
    assert entry.detail.startswith("ada rolled it back to v1 at ")


class Denied(Fake):
    """An account in which the caller may put no events."""

    def put_events(self, **_: Any) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutEvents")


class Taking(Fake):
    """An account whose bus takes events, or refuses them."""

    refused = 0

    def put_events(self, **request: Any) -> dict[str, Any]:
        self.entries = request["Entries"]
        return {"FailedEntryCount": self.refused}


def test_the_event_names_the_stack_alone_and_a_refused_one_leaves_it_to_the_sweep() -> None:
    taking = Taking()

    assert tell_deployer(taking.connection)
    [entry] = taking.entries
    assert (entry["Source"], entry["DetailType"]) == ("greenlight", REQUEST_DETAIL_TYPE)
    assert json.loads(entry["Detail"]) == {"StackName": "Greenlight"}
    taking.refused = 1
    assert not tell_deployer(taking.connection)
    assert not tell_deployer(Denied().connection)


def test_the_deployer_reads_a_request_as_it_was_meant() -> None:
    pipeline, _ = serving_versions(2)
    asked, fake = way(pipeline).request, Fake()

    write_request(fake.connection, asked)

    assert fake.journal.requests.all() == [asked]


@pytest.mark.parametrize(
    ("headers", "time"),
    [
        ({"date": "Mon, 04 May 2026 12:00:00 GMT"}, NOW),
        ({"date": "yesterday"}, None),
        ({}, None),
    ],
)
def test_the_time_is_awss_own_where_it_says_so(headers: dict[str, str], time: datetime | None) -> None:
    found = aws_time({"ResponseMetadata": {"HTTPHeaders": headers}})

    assert found.microsecond == 0
    assert found == time or (time is None and abs((datetime.now(UTC) - found).total_seconds()) < 5)


def test_status_names_the_rollback_and_does_not_say_that_the_version_is_next() -> None:
    held = Rollback(NOW, "ada", "slow", 1)
    approvals = [approval(2, minutes(-5), rollback=held), approval(1, SERVES.approved_at)]
    words = "ada rolled it back to v1 at 2026-05-04 12:00 UTC: slow"

    found = standing(history=history_of([SERVES], approvals))
    of_fleet = standing(history=history_of([replace(SERVES, rollback=held)]))

    assert (found.state, found.why) == (State.IN_SYNC, f"v2 stays away: {words}")
    assert (of_fleet.state, of_fleet.why) == (State.IN_SYNC, words)
