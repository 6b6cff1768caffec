"""What the registry says of an approved version that does not serve."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from deployer.decisions.waiting import has_words, unsaid, words_on
from deployer.endpoint_pass.ledger import Ledger
from deployer.model.history import LastObserved
from deployer.model.rollback import Rollback
from tests.unit.deployer.builders import ENDPOINT, NOW, approval, facts, settings, version_arn
from tests.unit.deployer.pipeline import Pipeline
from tests.unit.deployer.test_first_look import lose_journal

BACK = Rollback(NOW, "ada", "wrong in Spain", 1)
SECOND = version_arn(2)
WAITS = {SECOND: "waiting: a pause"}


def last(said: dict[str, str], **live: str) -> LastObserved:
    return LastObserved(metadata_said=said, metadata_live=live)


def test_only_what_counts_and_does_not_serve_has_words() -> None:
    skipped = approval(2, superseded_by=3)
    known = facts(approvals=[approval(1), skipped, approval(3, objection="not an approver")])

    assert words_on(known.history, (), "") == {SECOND: "skipped: v3 went out instead"}
    live = facts(approvals=[skipped], last_observed=LastObserved(metadata_live={SECOND.upper(): "approved"}))
    assert words_on(live.history, (), "") == {}


def test_a_rollback_says_more_than_a_hold_and_a_hold_names_its_version_alone() -> None:
    first, second = approval(1), approval(2)
    history = facts(approvals=[first, second]).history
    assert words_on(history, [second], "a pause") == WAITS

    history = facts(approvals=[first, replace(second, rollback=BACK)]).history
    assert words_on(history, [second], "a pause") == {SECOND: f"held back: {BACK.words}"}


def test_a_shadow_that_waits_says_so_beside_the_version_to_serve_or_without_it() -> None:
    first, shadow = approval(1), approval(2, objection="not an approver", shadows=True)
    history = facts(approvals=[shadow, first]).history
    live = replace(history, last_observed=LastObserved(metadata_live={first.version_arn: "approved"}))

    assert words_on(history, [first, shadow], "a pause") == {
        first.version_arn: "waiting: a pause",
        **WAITS,
    }
    assert words_on(live, [first, shadow], "a pause") == WAITS
    assert words_on(live, [first], "a pause") == {}
    assert unsaid(replace(history, last_observed=last(WAITS)), {}) == {SECOND: "not held back any more"}


def test_words_are_written_once() -> None:
    history = facts(approvals=[approval(2)], last_observed=last(WAITS)).history

    assert unsaid(history, WAITS) == {}
    assert unsaid(history, {SECOND: "waiting: another pause"}) == {SECOND: "waiting: another pause"}


def test_what_does_not_wait_any_more_says_so_and_what_was_skipped_stays_skipped() -> None:
    later = approval(2, at=NOW + timedelta(hours=1))

    assert unsaid(facts(last_observed=last(WAITS)).history, {}) == {SECOND: "not approved any more"}
    known = facts(approvals=[later], last_observed=last(WAITS))
    assert unsaid(known.history, {}) == {SECOND: "not held back any more"}
    known = facts(
        approvals=[later], last_observed=LastObserved(metadata_said=WAITS, metadata_live={SECOND: "x"})
    )
    assert unsaid(known.history, {}) == {}
    known = facts(last_observed=last({SECOND: "skipped: v3 went out instead"}))
    assert unsaid(known.history, {}) == {}


def test_an_endpoint_rests_only_once_all_is_said() -> None:
    skipped = [approval(2, superseded_by=3)]
    said = last({SECOND: "skipped: v3 went out instead"})
    on = settings(VersionMetadata=True)

    assert has_words(facts(under=on, approvals=skipped))
    assert not has_words(facts(under=on, approvals=skipped, last_observed=said))
    assert not has_words(facts(under=settings(), approvals=skipped))


def ledger_of(pipeline: Pipeline) -> Ledger:
    return Ledger(ENDPOINT, pipeline.journal, pipeline.logger, invocation_id="i")


def test_what_two_invocations_say_at_once_in_the_registry_is_known_by_both() -> None:
    """Otherwise nobody takes back what one of them said."""
    pipeline = Pipeline()
    one, other = ledger_of(pipeline), ledger_of(pipeline)
    one.note(endpoint_config_name="churn-v1")
    other.refresh()

    one.note(metadata_said={version_arn(2): "waiting: a pause"})
    other.note(metadata_said={version_arn(3): "waiting: a pause"})

    said = dict.fromkeys((version_arn(2), version_arn(3)), "waiting: a pause")
    assert pipeline.journal.read(ENDPOINT).last_observed.metadata_said == said
    assert other.history.last_observed.metadata_said == said


def test_what_was_said_in_the_registry_begins_no_journal_after_a_loss() -> None:
    pipeline = Pipeline()
    ledger = ledger_of(pipeline)
    ledger.note(endpoint_config_name="churn-v1")
    lose_journal(pipeline)

    ledger.note(metadata_said={version_arn(2): "waiting: a pause"})

    assert pipeline.journal.read(ENDPOINT).last_observed == LastObserved()
