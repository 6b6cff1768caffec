"""Decide what a stage writes to the registry about a version, and when it promotes the version."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from deployer.decisions import version_metadata
from deployer.decisions.choice import Choice
from deployer.decisions.facts import UnreadPromotion
from deployer.decisions.promotion import (
    APPROVED,
    PromotionPlan,
    broken_elsewhere,
    due_for_promotion,
    held_back,
    is_promoted,
    metadata_changes,
    plan_promotion,
    serves_as_chosen,
    unwritten,
)
from deployer.model.attempt import AttemptStatus
from deployer.model.cause import Cause
from deployer.model.companion import Companion
from deployer.model.history import LastObserved
from deployer.model.life_cycle import LifeCycle
from deployer.model.smoke_test import Failure
from deployer.model.steps import Promote, WriteMetadata
from tests.unit.deployer.builders import (
    DIGEST,
    NOW,
    approval,
    clean_up,
    deployment,
    endpoint,
    facts,
    minutes,
    model_version,
    promotion,
    release,
    settings,
    version_arn,
)

if TYPE_CHECKING:
    from deployer.model.attempt import Deployment
    from deployer.model.settings import EndpointSettings

GOAL = LifeCycle("Production", "PendingApproval")
KEY = "greenlight:staging:endpoint:churn"
DIGEST_KEY = "greenlight:staging:digest"


def staged(**changes: Any) -> EndpointSettings:
    rule = {"Stage": "Production", "StageStatus": "PendingApproval", "SoakSeconds": 600}
    return settings(StageName="staging", Promotion=rule, **changes)


def succeeded(version: int, number: int, **changes: Any) -> Deployment:
    changes = {"status": AttemptStatus.SUCCEEDED, "settled_at": minutes(number), **changes}
    return deployment(version, number=number, **changes)


def failed(version: int, number: int, **changes: Any) -> Deployment:
    changes = {"reason": "No capacity", "settled_at": minutes(number), **changes}
    return deployment(version, number=number, status=AttemptStatus.FAILED, **changes)


def written(*ended: Deployment) -> dict[int, dict[str, str]]:
    """Return each version's metadata, by number, after these ends, oldest first.

    All but the last have been written before.
    """
    before = metadata_changes(facts(under=staged()), ended[:-1])
    known = facts(under=staged(), last_observed=LastObserved(metadata_live=before.live))
    steps = metadata_changes(known, ended[-1:]).steps
    return {int(each.version_arn.rpartition("/")[2]): dict(each.properties) for each in steps}


class TestUnwritten:
    def test_ends_that_people_hear_of_are_written_oldest_first(self) -> None:
        unannounced = (
            failed(3, 5),
            deployment(3, number=4, status=AttemptStatus.WITHDRAWN, settled_at=NOW),
            succeeded(2, 2),
            succeeded(1, 1),
        )
        latest = clean_up(number=6, status=AttemptStatus.SUCCEEDED, settled_at=NOW)
        known = facts(
            under=staged(),
            latest_attempt=latest,
            unannounced=unannounced,
            last_observed=LastObserved(metadata_written=1),
        )

        assert unwritten(known) == [succeeded(2, 2), failed(3, 5)]

    def test_outside_of_stages_nothing_is_written(self) -> None:
        assert unwritten(facts(attempts=[succeeded(1, 1)])) == []


class TestMetadata:
    def test_a_version_that_serves_shows_its_digest_and_the_former_one_until_when(self) -> None:
        assert written(succeeded(1, 1), succeeded(2, 2)) == {
            1: {KEY: "served until 2026-05-04T12:02:00+00:00"},
            2: {DIGEST_KEY: DIGEST, KEY: "serving since 2026-05-04T12:02:00+00:00"},
        }

    def test_a_version_that_failed_says_why_and_the_former_one_serves_on(self) -> None:
        assert written(succeeded(1, 1), failed(2, 2)) == {
            2: {KEY: "failed 2026-05-04T12:02:00+00:00: No capacity"}
        }

    @pytest.mark.parametrize(
        ("cause", "told"),
        [(Cause.VERSION, "failed"), (Cause.PASSING, "failed"), (Cause.SURROUNDINGS, "untested")],
    )
    def test_a_version_whose_test_could_not_be_made_did_not_fail(self, cause: Cause, told: str) -> None:
        test = Failure("0a1b", {"Name": "typical"}, {"Error": "denied"}, "status 200")

        stamps = written(failed(2, 2, failed_test=test, cause=cause))
        assert stamps == {2: {KEY: f"{told} 2026-05-04T12:02:00+00:00: No capacity"}}
        stamped = {KEY.replace("churn", "other"): stamps[2][KEY]}
        is_broken = bool(version_metadata.broken_on(stamped, "staging", besides="churn"))
        assert is_broken is (told == "failed")

    def test_the_last_end_of_a_version_counts(self) -> None:
        changes = metadata_changes(facts(under=staged()), [failed(2, 2), succeeded(2, 3)])

        [step] = changes.steps
        assert step.properties[KEY] == "serving since 2026-05-04T12:03:00+00:00"

    def test_a_version_that_serves_again_under_other_settings_is_not_said_to_have_ended(self) -> None:
        assert set(written(succeeded(1, 1), succeeded(1, 2, endpoint_config_name="churn-v1-other"))) == {1}

    def test_a_digest_that_is_not_known_is_not_written(self) -> None:
        assert set(written(succeeded(1, 1, artifact_digest=None))[1]) == {KEY}

    def test_what_failed_since_did_not_serve_in_between(self) -> None:
        assert set(written(succeeded(1, 1), failed(2, 2), succeeded(3, 3))) == {1, 3}

    def test_what_served_until_now_is_the_version_that_was_brought_into_service(self) -> None:
        """A later deployment that failed may have been of another version with its ARN."""
        served = succeeded(1, 1, started_at=minutes(1))
        attempts = [succeeded(2, 3, started_at=minutes(3)), failed(1, 2, started_at=minutes(2)), served]
        live = LastObserved(metadata_live={version_arn(1): APPROVED})
        known = facts(under=staged(), attempts=attempts, last_observed=live)

        assert metadata_changes(known, attempts[:1]).deployed_at[version_arn(1)] == minutes(1)

    def test_what_served_is_known_however_many_failed_since(self) -> None:
        """An endpoint that somebody deleted replaces nothing when it is created again."""
        failures = [failed(2, number) for number in range(2, 200)]
        again = succeeded(3, 200, replaces_endpoint_config_name=None)

        assert written(succeeded(1, 1), *failures, again)[1] == {
            KEY: "served until 2026-05-04T15:20:00+00:00"
        }

    def test_companions_serve_beside_and_are_told_once(self) -> None:
        beside = Companion("B", version_arn(8), 8, "churn-v8-m")
        shadow = Companion("S", version_arn(9), 9, "churn-v9-m", is_shadow=True)
        ended = succeeded(2, 2, companions=(beside, shadow))
        before = succeeded(1, 1, companions=(beside,))

        told = written(before, ended)

        assert set(told) == {1, 2, 9}
        assert told[9] == {KEY: "shadowing since 2026-05-04T12:02:00+00:00"}
        assert written(ended)[8] == {KEY: "serving as B since 2026-05-04T12:02:00+00:00"}

    def test_a_companion_keeps_what_was_written_of_it_before(self) -> None:
        before = succeeded(8, 1)
        ended = succeeded(2, 2, companions=(Companion("B", version_arn(8), 8, "churn-v8-m"),))

        assert written(before, ended)[8] == {KEY: "serving as B since 2026-05-04T12:02:00+00:00"}

    def test_a_companion_that_is_left_out_served_until_then(self) -> None:
        beside = Companion("B", version_arn(8), 8, "churn-v8-m")

        told = written(succeeded(1, 1, companions=(beside,)), succeeded(2, 2))

        assert told[8] == {KEY: "served until 2026-05-04T12:02:00+00:00"}

    def test_a_shadow_that_is_left_out_shadowed_until_then_and_never_served(self) -> None:
        shadow = Companion("S", version_arn(9), 9, "churn-v9-m", is_shadow=True)

        told = written(succeeded(1, 1, companions=(shadow,)), succeeded(2, 2))

        assert told[9] == {KEY: "shadowed until 2026-05-04T12:02:00+00:00"}

    def test_the_version_that_was_approved_is_told_as_such_also_if_a_companion_is_of_it(self) -> None:
        ended = succeeded(2, 2, companions=(Companion("B", version_arn(2), 2, "churn-v2-m"),))

        assert written(ended)[2][KEY] == "serving since 2026-05-04T12:02:00+00:00"


CONFIG = {version: release(version).endpoint_config_name for version in (1, 2, 3)}


class TestDue:
    @staticmethod
    def due(*attempts: Any, at: float = 11, under: EndpointSettings | None = None, **known: Any) -> object:
        known.setdefault("promotions_read", frozenset({version_arn(1)}))
        read = facts(attempts=attempts, under=under or staged(), **known)
        return due_for_promotion(read, CONFIG[1], now=minutes(at))

    def test_a_version_is_due_as_soon_as_its_soak_is_over(self) -> None:
        assert self.due(succeeded(1, 1), at=11) == succeeded(1, 1)
        assert self.due(succeeded(1, 1), at=10.9) is None

    @pytest.mark.parametrize(
        "attempt", [failed(1, 1), deployment(1, number=1), succeeded(1, 1, settled_at=None), succeeded(2, 1)]
    )
    def test_only_what_succeeded_with_this_config_is(self, attempt: Deployment) -> None:
        assert self.due(attempt) is None

    def test_without_a_rule_nothing_is(self) -> None:
        assert self.due(succeeded(1, 1), under=settings(StageName="staging")) is None

    @pytest.mark.parametrize("status", [AttemptStatus.SUCCEEDED, AttemptStatus.OPEN])
    def test_a_version_is_promoted_once(self, status: AttemptStatus) -> None:
        assert self.due(promotion(1, number=2, status=status), succeeded(1, 1)) is None
        assert self.due(promotion(2, number=2, status=status), succeeded(1, 1)) == succeeded(1, 1)

    def test_a_promotion_that_was_withdrawn_is_made_up_for(self) -> None:
        withdrawn = promotion(1, number=2, status=AttemptStatus.WITHDRAWN, settled_at=minutes(5))

        assert self.due(withdrawn, succeeded(1, 1)) == succeeded(1, 1)

    def test_a_refused_promotion_waits_for_a_later_approval_of_that_version(self) -> None:
        refused = promotion(1, number=2, status=AttemptStatus.FAILED, settled_at=minutes(5))
        attempts = (refused, succeeded(1, 1))

        assert self.due(*attempts) is None
        assert self.due(*attempts, approvals=[approval(1, minutes(5))]) is None
        assert self.due(*attempts, approvals=[approval(2, minutes(6))]) is None
        assert self.due(*attempts, approvals=[approval(1, minutes(6))]) == succeeded(1, 1)
        unsettled = replace(refused, settled_at=None)
        assert self.due(unsettled, succeeded(1, 1), approvals=[approval(1, minutes(6))]) is None

    def test_the_last_promotion_is_asked_for_unless_it_is_known(self) -> None:
        unread: dict[str, Any] = {"promotions_read": frozenset()}
        old = promotion(1, number=0, status=AttemptStatus.SUCCEEDED)

        assert self.due(succeeded(1, 1), **unread) == UnreadPromotion(version_arn(1))
        assert self.due(succeeded(1, 1), promotions=(old,), **unread) is None


class TestPlan:
    @staticmethod
    def plan(under: EndpointSettings | None = None, digest: str = DIGEST, **version: Any) -> PromotionPlan:
        under = under or staged()
        assert under.promotion is not None
        attempt = succeeded(1, 1)
        known = model_version(1, **version)
        return plan_promotion(under, under.promotion, attempt, known, digest, now=minutes(20))

    def test_a_version_that_served_well_is_passed_on_with_where_since_when_and_its_digest(self) -> None:
        properties = {
            "greenlight:staging:promoted": "to Production/PendingApproval 2026-05-04T12:20:00+00:00",
            DIGEST_KEY: DIGEST,
        }
        served = "Served on churn in staging since 2026-05-04 12:01 UTC."

        step = Promote(version_arn(1), GOAL, served, properties)
        assert self.plan() == PromotionPlan(GOAL, (step,), reason=None)

    def test_a_version_that_stands_there_or_was_passed_on_before_is_not_written_again(self) -> None:
        there = LifeCycle("Production", "Approved")
        before = {"greenlight:staging:promoted": "to Production/PendingApproval"}

        reason = "It is Production/Approved or was promoted before: nothing was written."
        assert self.plan(life_cycle=there) == PromotionPlan(there, reason=reason)
        reason = "It is Production/PendingApproval or was promoted before: nothing was written."
        assert self.plan(metadata=before) == PromotionPlan(GOAL, reason=reason)
        assert self.plan(metadata={"greenlight:other:promoted": "x"}).steps

    def test_what_is_not_what_served_here_is_refused(self) -> None:
        reason = "Its image, artifact or environment is not what served here any more."

        assert self.plan(digest="other") == PromotionPlan(GOAL, reason=reason, cause=Cause.VERSION)

    def test_what_somebody_else_said_is_not_overruled(self) -> None:
        refused = self.plan(life_cycle=LifeCycle("Staging", "Rejected"))

        reason = "Somebody set its life cycle to Staging/Rejected meanwhile."
        assert refused == PromotionPlan(GOAL, reason=reason, cause=Cause.VERSION)
        assert self.plan(life_cycle=LifeCycle("Staging", "Approved")).steps

    def test_a_gate_says_where_a_version_may_come_from(self) -> None:
        gated = staged(Gate={"Stage": "Staging", "StageStatus": "PendingApproval"})

        assert self.plan(gated, life_cycle=LifeCycle("Staging", "PendingApproval")).steps
        assert self.plan(gated, life_cycle=LifeCycle("Staging", "Approved")).cause

    def test_without_a_rule_only_what_this_stage_wrote_tells(self) -> None:
        outside = settings(StageName="staging")
        there = model_version(1, life_cycle=GOAL)

        assert is_promoted(staged(), there)
        assert not is_promoted(outside, there)
        assert is_promoted(outside, model_version(1, metadata={"greenlight:staging:promoted": "x"}))


class TestServesAsChosen:
    chosen = Choice(approval(1), release(1))
    serving = endpoint(endpoint_config_name=CONFIG[1])

    def test_what_was_chosen_serves(self) -> None:
        assert serves_as_chosen(self.chosen, self.serving)

    def test_nothing_else_does(self) -> None:
        assert not serves_as_chosen(replace(self.chosen, keeps_serving=True), self.serving)
        assert not serves_as_chosen(self.chosen, replace(self.serving, endpoint_config_name=CONFIG[2]))
        assert not serves_as_chosen(self.chosen, replace(self.serving, status="Updating"))


class TestVersionMetadata:
    def test_only_this_stage_s_other_endpoints_that_failed_count(self) -> None:
        metadata = {
            KEY: "failed 2026-05-04: here itself",
            "greenlight:staging:endpoint:b": "failed 2026-05-04: b",
            "greenlight:staging:endpoint:a": "failed 2026-05-04: a",
            "greenlight:staging:endpoint:well": "serving since 2026-05-04",
            "greenlight:other:endpoint:c": "failed 2026-05-04: another stage",
            "theirs": "failed too",
        }

        assert broken_elsewhere(staged(), model_version(1, metadata=metadata)) == ["a", "b"]

    def test_another_digest_of_another_stage_is_found(self) -> None:
        def found(key: str, value: str = "other", specification: str | None = None) -> str | None:
            return version_metadata.stage_with_another_digest({key: value}, "staging", specification, DIGEST)

        assert found("greenlight:test:digest") == "test"
        assert found("greenlight:test:digest", DIGEST) is None
        assert found("greenlight:staging:digest") is None
        assert found("greenlight:test:digest:small") is None
        assert found("greenlight:test:digest:small", specification="small") == "test"
        assert found("greenlight:test:promoted") is None
        assert found("theirs:test:digest") is None

    def test_a_value_has_only_marks_that_the_registry_takes_and_says_the_same(self) -> None:
        told = "x >= 1 && y != 2 || !z; 5 % <b>\n(so)"
        [value] = version_metadata.of_attempt(failed(1, 1, reason=told), "staging").values()

        expected = "x at least 1 and y is not 2 or not z - 5 percent below b above so"
        assert value == f"failed 2026-05-04T12:01:00+00:00: {expected}"
        [long] = version_metadata.of_attempt(failed(1, 1, reason="x" * 300), "staging").values()
        assert len(long) == 256

    def test_each_inference_specification_has_its_digest(self) -> None:
        small = staged(CreateModel={"Containers": [{"InferenceSpecificationName": "small"}]})
        ended = succeeded(1, 1)
        told = version_metadata.of_attempt(ended, "staging")

        changes = metadata_changes(facts(under=small), [ended])

        assert changes.steps == (WriteMetadata(version_arn(1), {f"{DIGEST_KEY}:small": DIGEST, **told}),)
        assert changes.live == {version_arn(1): "approved"}


class TestRoom:
    """A version has at most fifty properties, and a stage may have any number of endpoints."""

    STAMP: Final = {"greenlight:staging:endpoint:b": "serving since 2026"}
    FAILED: Final = {"greenlight:staging:endpoint:b": "failed 2026: no"}
    PROMOTED: Final = {"greenlight:staging:promoted": "to Production", "greenlight:staging:digest": "0a1b"}

    @staticmethod
    def metadata(count: int) -> dict[str, str]:
        return {f"key-{number}": "" for number in range(count)}

    def test_an_endpoints_stamp_leaves_room_for_what_stages_need(self) -> None:
        assert version_metadata.that_fit(self.STAMP, self.metadata(41)) == self.STAMP
        assert version_metadata.that_fit(self.STAMP, self.metadata(42)) == {}

    def test_a_failure_may_take_more_of_it(self) -> None:
        """By it the stage's other endpoints know that a version is broken."""
        assert version_metadata.that_fit(self.FAILED, self.metadata(45)) == self.FAILED
        assert version_metadata.that_fit(self.FAILED, self.metadata(46)) == {}

    def test_digests_and_promotions_come_first_and_take_all(self) -> None:
        assert version_metadata.that_fit(self.PROMOTED | self.STAMP, self.metadata(48)) == self.PROMOTED
        assert len(version_metadata.that_fit(self.PROMOTED, self.metadata(49))) == 1

    def test_a_stamp_that_is_there_is_changed_however_many_there_are(self) -> None:
        there = self.metadata(49) | {"greenlight:staging:endpoint:b": "serving since 2025"}

        assert version_metadata.that_fit(self.STAMP, there) == self.STAMP


def test_a_version_that_is_held_back_says_which_alarms_and_what_to_do() -> None:
    rule = staged().promotion
    assert rule is not None

    assert held_back(rule, succeeded(1, 1), ["errors", "latency"]) == (
        "Version 1 of churn-models serves on churn and is not promoted to Production/PendingApproval, as "
        "each of these rollback alarms is on, changed in the last 600 seconds, or cannot be seen (a deleted "
        "one cannot): errors, latency. It is promoted once all of them were quiet for that long. If the "
        "version is well, see to the alarms, or set its life cycle by hand."
    )
