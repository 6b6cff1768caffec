"""`greenlight restart` says what the deployer would do, asks it for that, and explains why it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.contract import STACK_TAG
from deployer.decisions.reasons import Reason
from deployer.model.asked import Asked
from deployer.model.attempt import AttemptStatus
from deployer.model.history import LastObserved
from greenlight.errors import CommandError, ExitCode
from greenlight.fleet.state import State
from greenlight.planning.outlook import Effect, outlook_of
from greenlight.planning.view import headline
from greenlight.steering.operator import Operator
from greenlight.steering.requesting import write_request
from greenlight.steering.restarting import OnceMore, once_more, once_more_document
from tests.infra.sufficiency.test_aborting import GUARDED
from tests.infra.sufficiency.test_holds import pause, sweep_after
from tests.infra.sufficiency.test_restarts import ask, fail_next, restart
from tests.infra.sufficiency.test_retries import failed_version
from tests.infra.sufficiency.test_rollbacks import ASKED, serving_versions
from tests.unit.deployer.builders import approval, deployment, history_of, minutes
from tests.unit.deployer.pipeline import Pipeline
from tests.unit.greenlight.fakes import Fake, served
from tests.unit.greenlight.schemas import mistakes
from tests.unit.greenlight.test_fleet_state import PAUSE, SERVES, seen, standing
from tests.unit.greenlight.test_watching import judged
from tests.unit.greenlight.test_why import account, previews_of, settings_of

if TYPE_CHECKING:
    from deployer.model.history import History

RESTART = Asked(minutes(-1), "ada", 2)
RESTARTED = approval(1, SERVES.approved_at, restart=RESTART)


def found(pipeline: Pipeline) -> OnceMore:
    """Return the restart, as somebody asks for it in a second."""
    pipeline.pass_time(1)
    at = pipeline.clock.now().replace(microsecond=0)
    operator = Operator(settings_of(pipeline), previews_of(pipeline), by="ada", at=at)
    return once_more(operator)


def refusal(pipeline: Pipeline) -> str:
    with pytest.raises(CommandError) as raised:
        found(pipeline)
    assert raised.value.code is ExitCode.USAGE
    return f"{raised.value.fact} {raised.value.cause} {raised.value.next_step}"


def test_it_says_what_happens_now() -> None:
    pipeline, _ = serving_versions(1, **GUARDED)

    told = found(pipeline)

    first, second = told.lines
    assert first == "churn is restarted, on new instances."
    assert second.startswith("  v1 goes out once more; ")
    document = once_more_document(told, told=True)
    assert mistakes(document, "restart") == []
    assert (document["version"], document["waits"]) == (1, None)


def test_what_it_says_is_what_happens() -> None:
    pipeline, [first] = serving_versions(1)
    assert found(pipeline).request.version_arn == first

    restart(pipeline, first)

    assert pipeline.told(first) == ["started", "succeeded"] * 2


def test_in_a_pause_it_says_that_it_waits_and_how_to_end_that() -> None:
    pipeline, [first] = serving_versions(1)
    pause(pipeline, reason="incident 7", by="ada")

    told = found(pipeline)

    assert told.waits is not None
    assert "incident 7" in told.waits
    assert told.lines[-1] == f"  It waits: {told.waits}"
    assert mistakes(once_more_document(told, told=False), "restart") == []
    restart(pipeline, first)
    [version] = account(pipeline, 1).versions
    assert version.explanation.reason is Reason.RESTARTS
    assert version.command("churn", "churn-models") == "greenlight resume --all"
    assert "a restart rolls it out once more" in refusal(pipeline)


def test_a_version_that_waits_to_be_tried_again_is_no_hindrance() -> None:
    pipeline, _ = failed_version()

    assert found(pipeline).number == 1


def test_where_nothing_serves_there_is_nothing_to_restart() -> None:
    pipeline = Pipeline()
    pipeline.manage()

    assert refusal(pipeline) == (
        "churn has nothing to restart. No version serves on it, as far as the journal and its config show. "
        "See how it stands: greenlight status churn"
    )


def test_what_is_changing_is_not_restarted() -> None:
    pipeline, [first] = serving_versions(1, **GUARDED)
    ask(pipeline, first)
    pipeline.dispatch_event(ASKED)
    pipeline.deliver()

    assert refusal(pipeline) == (
        "churn is not restarted. It is changing now. Follow it: greenlight watch churn"
    )
    assert account(pipeline, 1).versions[0].explanation.reason is Reason.RESTARTS


def test_what_another_version_replaces_or_other_settings_roll_out_is_not_restarted() -> None:
    pipeline, _ = serving_versions(1)
    pipeline.manage(Restart="again")
    of_settings = refusal(pipeline)
    pipeline.approve(pipeline.register())

    assert of_settings.startswith("churn is not restarted. v1 stays; ")
    assert "another version takes its place" in refusal(pipeline)


def test_an_endpoint_of_somebody_else_is_not_restarted() -> None:
    pipeline, _ = serving_versions(1)
    pipeline.sagemaker.delete_tags(ResourceArn=pipeline.endpoint["EndpointArn"], TagKeys=[STACK_TAG])

    assert "add-tags" in refusal(pipeline)


def test_an_unapproved_version_that_stays_is_not_restarted() -> None:
    pipeline, [first] = serving_versions(1)
    pipeline.reject(first)
    pipeline.run()

    assert "Its approval does not stand any more" in refusal(pipeline)


def test_what_failed_to_restart_is_tried_again_by_a_retry() -> None:
    pipeline, [first] = serving_versions(1)
    fail_next(pipeline, first)
    restart(pipeline, first)
    sweep_after(pipeline)

    [version] = account(pipeline, 1).versions

    assert version.explanation.reason is Reason.RESTART_FAILED
    assert version.command("churn", "churn-models") == "greenlight retry churn 1"
    assert refusal(pipeline).endswith("To try that again: greenlight retry churn 1")


def test_a_plan_says_that_it_goes_out_once_more() -> None:
    pipeline, [first] = serving_versions(1)
    ask(pipeline, first)

    outlook = outlook_of(previews_of(pipeline).of(settings_of(pipeline), ahead=True))

    assert (outlook.effect, outlook.restarts, outlook.in_turn) == (Effect.UPDATES, True, (1,))
    assert headline(outlook).startswith("v1 goes out once more; ")


def test_the_request_is_read_as_it_was_meant() -> None:
    pipeline, _ = serving_versions(1)
    asked, fake = found(pipeline).request, Fake()

    write_request(fake.connection, asked)

    assert fake.journal.requests.all() == [asked]


def of(*attempts: object) -> History:
    return history_of([*attempts, SERVES], [RESTARTED])  # type: ignore[list-item]


def test_status_and_watch_wait_for_a_restart_that_was_asked_for() -> None:
    found = standing(history=of())

    assert (found.state, found.why) == (State.WAITING, "its restart is next")
    assert judged(1, history=of()) is None


def test_status_says_who_asked_for_the_restart_under_way() -> None:
    going = deployment(1, number=2, status=AttemptStatus.ACCEPTED, restart=RESTART)

    found = standing(history=of(going), status="Updating")

    assert found.state is State.ROLLOUT
    assert found.why == "a restart: ada asked for that at 2026-05-04 11:59 UTC"


def test_status_says_that_a_restart_is_held_back() -> None:
    held = LastObserved(reported=("Held back on churn: its restart, with version 1.",))

    found = standing(history=replace(of(), last_observed=held), pauses=[PAUSE])

    assert found.state is State.HELD
    assert found.why.startswith("its restart waits for a pause of all endpoints by ada")


def test_what_was_restarted_is_in_sync() -> None:
    again = served(1, minutes_ago=0, number=2, restart=RESTART)

    assert standing(history=of(again)).state is State.IN_SYNC
    assert seen(history=of(again)).history.approvals == (RESTARTED,)
