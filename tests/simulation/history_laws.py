"""What must hold where the journal knows less than what happened: one class a law, its docstring the rule.

A journal is new, lost, or restored to what it was. An endpoint is new, or handed over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import REQUESTS
from tests.simulation.laws import CHANGES, Law, journals_read, order_of
from tests.simulation.people import TEST_SECONDS
from tests.simulation.schedule import TELLING, Stages
from tests.simulation.sites import admits
from tests.simulation.world import ASIDE, CLEAN_UP, DENIED, GAP

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from tests.simulation.laws import Facts
    from tests.simulation.people import Recovery
    from tests.simulation.world import Call, Invocation, World


COMPLETION: Final = timedelta(seconds=5)
"""Longer than a registration takes, and than clocks differ."""


def _number(version_arn: str) -> int:
    return int(version_arn.rpartition("/")[2])


def _last_act(world: World, version_arn: str) -> datetime:
    """Return when somebody changed a version for the last time."""
    return max(each.time for each in world.people.acts if each.version_arn.lower() == version_arn)


def _stands(world: World, endpoint_name: str, version_arn: str) -> bool:
    package = world.people.look("DescribeModelPackage", ModelPackageName=version_arn)
    return package is not None and admits(world.people.gate(endpoint_name), package)


@dataclass(frozen=True, slots=True)
class FirstLook:
    """The first look of the deployer at an endpoint.

    Attributes:
        began: When its invocation began.
        serving: The version that the endpoint served, if it stood.
        standing: Every version that stood.
        shown: Those that a list with a gap showed; None if no list had one.
        noted: When the journal had it.
    """

    began: datetime
    serving: str | None
    standing: frozenset[str]
    shown: frozenset[str] | None
    noted: datetime

    def may_begin_with(self, version_arn: str) -> bool:
        """Tell whether a version that nobody approved since may go out."""
        if self.serving is not None:
            return version_arn == self.serving
        highest = max(map(_number, self.standing), default=0)
        shown = max(map(_number, self.shown or ()), default=0)
        return _number(version_arn) in {highest, shown}


class Law24BeginsWithWhatServes(Law):
    """An endpoint whose journal is empty begins with the version that it serves, or with the highest one.

    The deployer journals its first look. Of the versions that stood then, and that nobody changed since, only
    that one goes out, unless an event reports another one's approval. If the endpoint serves none of the
    group's versions, that is the highest version of those whose approvals no event had reported by then: an
    invocation may report one to a journal that was lost while it ran. After a list that lacked some versions,
    it may also be the highest one that the list showed. What serves may not be recognised if somebody deleted
    its config or model: then it may be the highest one as well. A look that SageMaker answers with an earlier
    state of the endpoint may take what served then. Two invocations may make the first look at the same time,
    and somebody may change a version in between. Then what either of them found may go out.

    The law covers worlds in which everybody may approve, without stages and companions.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._looks: dict[str, FirstLook] = {}
        self._besides: dict[str, list[FirstLook]] = {}
        """Those that other invocations made before the first one was noted."""
        self._noted: dict[tuple[str, str], FirstLook] = {}
        """Every first look, by its endpoint and its note in the journal."""
        schedule = world.schedule
        self._applies = schedule.policy == 0 and schedule.stages is Stages.NONE

    def check_recovery(self, recovery: Recovery) -> None:
        name = recovery.endpoint_name
        self._besides.pop(name, None)
        noted = self.world.journalled(name, "fact#endpoint").get("first_look")
        if not isinstance(noted, str):
            # There is another first look.
            self._looks.pop(name, None)
        else:
            # It was lost, perhaps looked at again, and then restored to a time after its first look.
            unknown = FirstLook(recovery.time, None, frozenset(), None, recovery.time)
            self._looks[name] = self._noted.get((name, noted), unknown)

    def check_call(self, call: Call) -> None:
        if not self._applies or not call.accepted:
            return
        key = call.request.get("Key") or call.request.get("Item") or {}
        if call.service == "dynamodb" and key.get("item", {}).get("S") == "fact#endpoint":
            self._note(call, key["endpoint"]["S"])
        if call.is_write and call.operation in CHANGES:
            self._check_change(call, call.request["EndpointName"])

    def _note(self, call: Call, name: str) -> None:
        noted = self.world.journalled(name, "fact#endpoint").get("first_look")
        first = self._looks.get(name)
        if not isinstance(noted, str) or (first is not None and call.invocation.started > first.noted):
            return
        look = self._look_of(call, name)
        if first is None:
            self._looks[name] = self._noted[name, noted] = look
        else:
            self._besides.setdefault(name, []).append(look)
        if _finds_deleted(call.invocation):
            self._besides.setdefault(name, []).append(replace(look, serving=None))
        for config_name in _shown_late(call.invocation, name):
            content = self.world.people.config_content(config_name)
            if content is not None:
                self._besides.setdefault(name, []).append(replace(look, serving=content[0]))

    def _look_of(self, call: Call, name: str) -> FirstLook:
        people = self.world.people
        told = people.namesakes.named(call.invocation.event.get("detail", {}), call.time)
        news = told.get("ModelPackageArn", "").lower()
        known = call.invocation.started - COMPLETION
        standing = frozenset(
            each.arn.lower()
            for each in people.versions
            if _stands(self.world, name, each.arn) and _last_act(self.world, each.arn.lower()) < known
        ) - {news, *self._reported(name)}
        serving = people.served_version(name)
        lists = [each for each in call.invocation.calls if each.operation == "ListModelPackages"]
        shown = frozenset(
            each["ModelPackageArn"].lower()
            for listed in lists
            for each in listed.response.get("ModelPackageSummaryList", ())
        )
        return FirstLook(
            call.invocation.started,
            serving.lower() if serving is not None and serving.lower() in standing else None,
            standing,
            shown if any(each.fault == GAP or each.stale for each in lists) else None,
            call.time,
        )

    def _reported(self, name: str) -> Iterator[str]:
        """Yield the versions whose approvals the journal has from events, beside those of looks."""
        for each in self.world.journal(name, "approval#"):
            if not each["correlation_id"].startswith("adopted-"):
                yield each["version_arn"].lower()

    def _check_change(self, call: Call, name: str) -> None:
        look, content = (
            self._looks.get(name),
            self.world.people.config_content(call.request["EndpointConfigName"]),
        )
        if look is None or content is None or call.invocation.started < look.began:
            return
        version_arn = content[0]
        approvals = [
            each
            for each in self.world.journal(name, "approval#")
            if each["version_arn"].lower() == version_arn and not each.get("withdrawn")
        ]
        if (
            version_arn in look.standing
            and not look.may_begin_with(version_arn)
            and not any(
                version_arn in other.standing and other.may_begin_with(version_arn)
                for other in self._besides.get(name, ())
            )
            and _last_act(self.world, version_arn) < look.began
            and all(each["correlation_id"].startswith("adopted-") for each in approvals)
        ):
            raise self.broken(
                f"{name} begins with {version_arn}, not with {look.serving or 'the highest one'}"
            )


def _noted_first_look(call: Call) -> str | None:
    """Return the endpoint whose first look a call notes; None if it notes none."""
    key = call.request.get("Key") or call.request.get("Item") or {}
    if call.service != "dynamodb" or key.get("item", {}).get("S") != "fact#endpoint":
        return None
    noted = {*call.request.get("Item", ()), *call.request.get("ExpressionAttributeValues", ())}
    return str(key["endpoint"]["S"]) if not noted.isdisjoint({"first_look", ":first_look"}) else None


def _shown_late(invocation: Invocation, name: str) -> set[str]:
    """Return the configs on which an invocation read an endpoint from before its last change."""
    return {
        each.response["EndpointConfigName"]
        for each in invocation.calls
        if each.operation == "DescribeEndpoint"
        and each.request["EndpointName"] == name
        and each.stale
        and each.accepted
    }


def _finds_deleted(invocation: Invocation) -> bool:
    """Tell whether an invocation found the config that serves, or its model, deleted."""
    return any(
        each.operation in {"DescribeEndpointConfig", "DescribeModel"}
        and not each.accepted
        and each.fault is None
        for each in invocation.calls
    )


class Law25RecoveryTakesNothingAway(Law):
    """A journal that is lost or restored takes no version from its callers.

    The version that an endpoint in service serves at that time stays while it stands, until somebody approves
    or changes another version after it. It gives way if it fails its smoke test, or if a person rolls it back
    (law 39). After a rollback that failed, the endpoint serves a mix of old and new, which is nobody's
    decision. If the restored journal has approvals of both versions, these decide which one is newer: nothing
    shows that the one that serves was approved again. The law excludes a version whose config or model the
    deployer finds deleted, unless the journal knows that config: nothing else tells which version it serves.
    It excludes an endpoint whose first look after that SageMaker answered with an earlier state.

    The law covers worlds in which everybody may approve, without stages and companions.
    """

    def __init__(self, world: World, facts: Facts) -> None:
        super().__init__(world, facts)
        self._served: dict[str, tuple[str, datetime]] = {}
        self._restored: dict[str, list[dict[str, Any]]] = {}
        """The approvals that stood by the journal, when it was lost or restored."""
        self._unknown: set[tuple[str, str]] = set()
        """The configs that served, by endpoint, that an invocation found deleted, or whose model it did."""
        schedule = world.schedule
        self._applies = schedule.policy == 0 and schedule.stages is Stages.NONE

    def check_recovery(self, recovery: Recovery) -> None:
        name = recovery.endpoint_name
        endpoint, served = self.world.describe(name), self.world.people.served_version(name)
        self._served.pop(name, None)
        self._restored[name] = [
            each for each in self.world.journal(name, "approval#") if not each.get("withdrawn")
        ]
        if endpoint is not None and endpoint["EndpointStatus"] == "InService" and served is not None:
            self._served[name] = served.lower(), recovery.time

    def check_call(self, call: Call) -> None:
        if self._applies and call.operation in {"DescribeEndpointConfig", "DescribeModel"}:
            self._note_deleted(call)
        if (
            call.accepted
            and (name := _noted_first_look(call)) is not None
            and _shown_late(call.invocation, name)
        ):
            # It took what the endpoint served before its last change: nobody can tell.
            self._served.pop(name, None)
        if not (self._applies and call.is_write and call.operation == "UpdateEndpoint"):
            return
        name, people = call.request["EndpointName"], self.world.people
        served, recovered_at = self._served.get(name, ("", self.world.start))
        endpoint, content = (
            self.world.describe(name),
            people.config_content(call.request["EndpointConfigName"]),
        )
        if not served or endpoint is None or content is None or call.invocation.started <= recovered_at:
            return
        live = people.config_content(endpoint["EndpointConfigName"])
        if live is None or live[0] != served or endpoint["EndpointStatus"] != "InService":
            del self._served[name]
            return
        if (
            content[0] != served
            and self._is_recognisable(name, endpoint["EndpointConfigName"])
            and _stands(self.world, name, served)
            and not self._failed(name, endpoint["EndpointConfigName"])
            and not self._is_newer_by_journal(name, content[0], served)
            and not self._is_rolled_back(name, served)
            # What somebody does meanwhile, the next pass sees.
            and _last_act(self.world, served) < call.invocation.started
            # Of two approvals in one second, the higher version counts as newer. What was approved since
            # goes by law 3, as the journal knows it.
            and _last_act(self.world, content[0])
            < min(_last_act(self.world, served), recovered_at).replace(microsecond=0)
        ):
            raise self.broken(f"{name} gives up {served} for {content[0]} since its journal knows less")

    def _note_deleted(self, call: Call) -> None:
        """Remember the configs whose version nobody can tell, as they or their models were deleted."""
        if call.accepted or call.fault is not None:
            return
        asked = call.request["ModelName" if call.operation == "DescribeModel" else "EndpointConfigName"]
        for name in self._served:
            endpoint = self.world.describe(name)
            if endpoint is not None and asked in self._deleted(endpoint["EndpointConfigName"]):
                self._unknown.add((name, endpoint["EndpointConfigName"]))

    def _deleted(self, config_name: str) -> set[str]:
        """Return the name of a config, if somebody deleted it, or of its models that somebody deleted."""
        look = self.world.people.look
        config = look("DescribeEndpointConfig", EndpointConfigName=config_name)
        if config is None:
            return {config_name}
        models = {each["ModelName"] for each in config["ProductionVariants"]}
        return {each for each in models if look("DescribeModel", ModelName=each) is None}

    def _is_recognisable(self, name: str, config_name: str) -> bool:
        """Tell whether the journal knows the config that serves, or nobody found it deleted."""
        return (name, config_name) not in self._unknown or any(
            each.get("endpoint_config_name") == config_name for each in self.facts.attempts(name)
        )

    def _is_rolled_back(self, name: str, served: str) -> bool:
        """Tell whether the journal has it that a person rolled the version back that serves."""
        approvals = [
            each
            for each in self.world.journal(name, "approval#")
            if each["version_arn"].lower() == served and "objection" not in each
        ]
        newest = max(approvals, key=order_of, default=None)
        return newest is not None and "rollback" in newest

    def _is_newer_by_journal(self, name: str, version_arn: str, served: str) -> bool:
        """Tell whether the journal had a version as approved after the one that serves."""
        orders = {
            arn: [order_of(each) for each in self._restored[name] if each["version_arn"].lower() == arn]
            for arn in (version_arn, served)
        }
        return all(orders.values()) and max(orders[version_arn]) > max(orders[served])

    def _failed(self, name: str, config_name: str) -> bool:
        return any(
            each["action"] not in ASIDE
            and each["status"] in {"failed", "aborted"}
            and each["endpoint_config_name"] == config_name
            for each in self.facts.attempts(name)
        )


MOST_CALLS: Final = 12
"""How many calls a pass makes at most that changes nothing, besides reads of the journal."""


MOST_REFUSED_REPORTS: Final = 3
"""How many attempts an invocation tries to report at most each time that it read a journal, while the topic
takes nothing: one that it began, one that ended, and one that was owed before."""

MOST_REFUSED_APPROVALS: Final = 6
"""How many approvals it tries to report besides those that it journals itself: three that it ignored before,
and three whose versions may not be deployed now."""

MOST_REFUSED_VERSIONS: Final = 3
"""How many versions it tries to report at most that the registry does not let it read."""


TEST_TIME: Final = timedelta(seconds=TEST_SECONDS + 1)
"""How long after its first call a smoke test makes its last one, which begins in time and takes a while."""


UNREADABLE: Final = " is approved and cannot be read: "
"""What the message about a version says that the deployer may not read."""

ATTEMPTS: Final = frozenset({"started", "succeeded", "failed", "aborted", "rolled_back"})
"""The outcomes of attempts."""


def _refused_reports(invocation: Invocation, outcomes: Collection[str], words: str = "") -> int:
    """Return how many reports of some outcomes, with some words in their message, the topic refused."""
    told = [
        json.loads(json.loads(call.request["Message"])["default"])["detail"]
        for call in invocation.calls
        if call.operation == TELLING and call.fault == DENIED
    ]
    return sum(each["Outcome"] in outcomes and words in each["Message"] for each in told)


def _asked_what_was_told(invocation: Invocation) -> int:
    """Return how often an invocation asked the journal whether one version was reported, and for no more."""
    return sum(operation == "Query" and b'"unreadable#' in body for operation, body in invocation.asked)


def _journalled_approvals(invocation: Invocation) -> int:
    return sum(
        call.operation == "PutItem"
        and call.accepted
        and call.request["Item"]["item"]["S"].startswith("approval#")
        for call in invocation.calls
    )


def _repetitions(calls: Sequence[Call]) -> int:
    """Return how many calls repeat one of a smoke test that got no answer, within the test's time limit."""
    repetitions, began = 0, None
    for before, each in pairwise(calls):
        if before.operation != "InvokeEndpoint" or before.accepted or each.operation != "InvokeEndpoint":
            began = None
            continue
        began = began or before.time
        repetitions += each.time <= began + TEST_TIME
    return repetitions


class Law26CostsDoNotGrow(Law):
    """A pass that changes nothing costs as much after a long history as at the beginning.

    An invocation in which nothing went wrong, and that changed nothing but what it noted in the journal,
    makes a bounded number of calls for each time that it read an endpoint's journal: once for an endpoint,
    and once more where an attempt ended. It does not matter how much was approved, failed or was deleted
    before. A call of a smoke test that gets no answer counts once, however often the test repeats it within
    its time limit. A look of a clean-up at what was deleted already counts for nothing: another invocation
    deleted that. The law covers worlds without stages.

    While an action is denied, an invocation tries to report few attempts, few approvals and few versions that
    it may not read each time that it read a journal, however many are owed.
    """

    def check_rest(self) -> None:
        for invocation in self.world.ended:
            journals = [each for each in journals_read(invocation) if each != REQUESTS]
            reads = len(journals) - _asked_what_was_told(invocation)
            refused = _refused_reports(invocation, ATTEMPTS)
            if refused > MOST_REFUSED_REPORTS * reads:
                raise self.broken(
                    f"{invocation.name} reports {refused} attempts, though its topic takes none"
                )
            refused = _refused_reports(invocation, {"ignored"}) - _journalled_approvals(invocation)
            if refused > MOST_REFUSED_APPROVALS * reads:
                raise self.broken(
                    f"{invocation.name} reports {refused} approvals of before, though its topic takes none"
                )
            refused = _refused_reports(invocation, {"needs_attention"}, UNREADABLE)
            if refused > MOST_REFUSED_VERSIONS * reads:
                raise self.broken(
                    f"{invocation.name} reports {refused} hidden versions, though its topic takes none"
                )
        if self.world.schedule.stages is not Stages.NONE:
            return
        for invocation in self.world.ended:
            calls = [each for each in invocation.calls if each.service != "dynamodb"]
            if invocation.faulty or any(each.changes_anything for each in calls):
                continue
            looked = [name for name in journals_read(invocation) if name in self.world.people.endpoints]
            pages = sum("NextToken" in each.request for each in calls)
            besides = pages + _repetitions(calls) + self._found_deleted(invocation)
            if len(calls) - besides > MOST_CALLS * (1 + len(looked)):
                what = ", ".join(each.operation for each in calls)
                raise self.broken(f"{invocation.name} changes nothing by {len(calls)} calls: {what}")

    def _found_deleted(self, invocation: Invocation) -> int:
        """Return how many models and configs a clean-up of an invocation found deleted already."""
        keys = [
            call.request["Key"]
            for call in invocation.calls
            if call.operation == "UpdateItem" and call.accepted
        ]
        cleaned_up = any(
            key["item"]["S"].startswith("attempt#")
            and self.world.journalled(key["endpoint"]["S"], key["item"]["S"]).get("action") == CLEAN_UP
            for key in keys
        )
        looks = [
            call
            for call in invocation.calls
            if call.operation in {"DescribeEndpointConfig", "DescribeModel"} and not call.accepted
        ]
        return len(looks) if cleaned_up else 0


HISTORY_LAWS: Final[tuple[type[Law], ...]] = (
    Law24BeginsWithWhatServes,
    Law25RecoveryTakesNothingAway,
    Law26CostsDoNotGrow,
)
