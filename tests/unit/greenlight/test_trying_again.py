"""`greenlight retry` says what the deployer would do, asks it for that, and explains why it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.decisions.reasons import Reason
from deployer.model.asked import Asked
from greenlight.errors import CommandError
from greenlight.fleet.state import State
from greenlight.steering.operator import Operator
from greenlight.steering.requesting import write_request
from greenlight.steering.trying_again import SecondTry, second_try, second_try_document
from tests.infra.sufficiency.test_aborting import GUARDED
from tests.infra.sufficiency.test_holds import approved, pause, sweep_after
from tests.infra.sufficiency.test_retries import ask, failed_version, mend, retry
from tests.infra.sufficiency.test_rollbacks import ASKED, roll_back, serving_versions
from tests.unit.deployer.builders import approval, history_of, minutes
from tests.unit.greenlight.fakes import Fake
from tests.unit.greenlight.schemas import mistakes
from tests.unit.greenlight.test_fleet_state import SERVES, failed, standing
from tests.unit.greenlight.test_why import account, previews_of, settings_of

if TYPE_CHECKING:
    from tests.unit.deployer.pipeline import Pipeline


def found(pipeline: Pipeline, number: int | None = None) -> SecondTry:
    """Return the retry, as somebody asks for it in a second."""
    pipeline.pass_time(1)
    at = pipeline.clock.now().replace(microsecond=0)
    operator = Operator(settings_of(pipeline), previews_of(pipeline), by="ada", at=at)
    return second_try(operator, number)


def refusal(pipeline: Pipeline, number: int | None = None) -> str:
    with pytest.raises(CommandError) as raised:
        found(pipeline, number)
    return f"{raised.value.fact} {raised.value.cause} {raised.value.next_step}"


def test_it_says_why_the_version_failed_and_what_happens_now() -> None:
    pipeline, _ = failed_version(**GUARDED)

    told = found(pipeline, 2)

    first, second, third = told.lines
    assert first == "v2 is tried again on churn."
    assert second.startswith("  It failed at 2026-01-01 ")
    assert "did not pass the ping health check" in second
    assert third.startswith("  v1 gives way to v2; ")
    document = second_try_document(told, told=True)
    assert mistakes(document, "retry") == []
    assert (document["version"], document["waits"]) == (2, None)


def test_by_default_it_is_the_newest_version_that_failed() -> None:
    pipeline, _ = failed_version()

    assert found(pipeline).number == 2


def test_what_it_says_is_what_happens() -> None:
    pipeline, second = failed_version()
    mend(pipeline, second)
    assert found(pipeline).request.version_arn == second

    retry(pipeline, second)

    assert pipeline.serving() == "v2"


def test_in_a_pause_it_says_that_it_waits() -> None:
    pipeline, _ = failed_version()
    pause(pipeline, reason="incident 7", by="ada")

    told = found(pipeline)

    assert told.waits is not None
    assert "incident 7" in told.waits
    assert told.lines[-1] == f"  It waits: {told.waits}"
    assert mistakes(second_try_document(told, told=False), "retry") == []


def test_what_it_cannot_do_it_explains() -> None:
    pipeline, _ = failed_version()
    pipeline.register()

    assert refusal(pipeline, 1).startswith("v1 is not tried again on churn. v1 has not failed here since its")
    unapproved, unknown = refusal(pipeline, 3), refusal(pipeline, 9)
    assert "v3 is not approved here. To bring it out, approve it: greenlight approve" in unapproved
    assert "v9 is not approved here. See why it does not serve: greenlight why churn 9" in unknown


def test_where_nothing_failed_there_is_nothing_to_try_again() -> None:
    pipeline, _ = serving_versions(1)

    assert refusal(pipeline).startswith(
        "churn has nothing to try again. No approved version has failed here since its approval."
    )


def test_a_version_that_is_being_rolled_out_is_not_tried_again() -> None:
    pipeline, second = failed_version(**GUARDED)
    mend(pipeline, second)
    ask(pipeline, second)
    pipeline.dispatch_event(ASKED)
    pipeline.deliver()

    assert "It is going out now. Follow it: greenlight watch churn --version 2" in refusal(pipeline, 2)


def test_a_version_that_was_rolled_back_needs_another_approval() -> None:
    pipeline, [first, second] = serving_versions(2)
    roll_back(pipeline, first)

    assert "v2 is held back, as ada rolled it back to v1" in refusal(pipeline, 2)
    assert second.endswith("/2")


def test_a_version_behind_a_later_one_is_not_tried_again_before_it() -> None:
    pipeline, _ = failed_version()
    approved(pipeline)

    told = refusal(pipeline, 2)

    assert told.startswith("v2 is not tried again on churn. ")
    assert "Approve it again" in told


def test_settings_that_failed_with_the_version_that_serves_are_tried_again() -> None:
    pipeline, [first] = serving_versions(1)
    pipeline.break_model_of(first, Restart="again")
    pipeline.manage(Restart="again")
    sweep_after(pipeline)
    assert account(pipeline, 1).versions[0].explanation.reason is Reason.SERVES_AS_IT_IS
    mend(pipeline, first)

    assert found(pipeline).lines[-1].startswith("  v1 stays; ")
    retry(pipeline, first)

    assert pipeline.told(first)[-2:] == ["started", "succeeded"]
    assert account(pipeline, 1).versions[0].explanation.reason is Reason.SERVES


def test_the_request_is_read_as_it_was_meant() -> None:
    pipeline, _ = failed_version()
    asked, fake = found(pipeline).request, Fake()

    write_request(fake.connection, asked)

    assert fake.journal.requests.all() == [asked]


def test_why_names_the_command_that_tries_it_again() -> None:
    pipeline, _ = failed_version()

    [told] = account(pipeline, 2).versions

    assert told.explanation.reason is Reason.FAILED
    assert told.command("churn", "churn-models") == "greenlight retry churn 2"


def test_status_calls_no_version_failed_that_is_to_be_tried_again() -> None:
    attempts, renewed = (failed(), SERVES), Asked(minutes(-1), "ada", 3)
    approvals = [approval(3, minutes(-5)), approval(1, SERVES.approved_at)]
    again = [replace(approvals[0], retry=renewed), approvals[1]]

    assert standing(history=history_of(attempts, approvals)).state is State.FAILED
    told = standing(history=history_of(attempts, again))
    assert (told.state, told.coming.version if told.coming is not None else None) == (State.WAITING, 3)
