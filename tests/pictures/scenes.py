"""The scenes that the docs show: invented endpoints, and the command's own views of them."""

from __future__ import annotations

import inspect
import io
import re
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from rich.console import Console, Group
from rich.text import Text

from deployer.decisions.choice import Decision, choose
from deployer.decisions.course import Preview
from deployer.decisions.plan import InSync
from deployer.model.attempt import AttemptStatus, Bake
from deployer.model.history import LastObserved
from greenlight.doctor.examination import Examination, Kind, Part
from greenlight.doctor.findings import Finding, Status
from greenlight.doctor.view import examination_view
from greenlight.endpoint.detail import detail_of
from greenlight.endpoint.measuring import Measured
from greenlight.endpoint.view import detail_view
from greenlight.fleet.progress import Progress, Stage
from greenlight.fleet.served import Served
from greenlight.fleet.state import Seen, Standing, State
from greenlight.fleet.view import FleetView, Scene
from greenlight.output import THEME, Symbols
from greenlight.planning.changes import Change
from greenlight.planning.checks import Check
from greenlight.planning.outlook import Effect, Outlook
from greenlight.planning.rollouts import RolloutPlan
from greenlight.planning.view import plan_view
from greenlight.timeline.entries import merged, timeline, with_given_up
from greenlight.timeline.view import timeline_view
from greenlight.why.account import account_of
from greenlight.why.view import WhyView
from tests.unit.deployer.builders import (
    NOW,
    approval,
    deployment,
    endpoint,
    facts,
    history_of,
    minutes,
    model_version,
    settings,
    version_arn,
)
from tests.unit.greenlight.fakes import served

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

_SCENE: Final = Scene(NOW, UTC, Symbols())
_WIDTH: Final = 104
_ROLE: Final = "arn:aws:sts::111122223333:assumed-role/{}/session"
_CANARY: Final = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "WaitIntervalInSeconds": 600,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
        },
        "TerminationWaitInSeconds": 300,
    }
}
_REQUEST: Final = {
    "ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.c5.xlarge"}]
}


def _version(number: int, minutes_ago: float | None, by: str) -> Served:
    since = minutes(-minutes_ago) if minutes_ago is not None else None
    return Served(number, version_arn(number), "", since, _ROLE.format(by), minutes(-9000))


def _status() -> RenderableType:
    baking = Progress(Stage.BAKING, "canary", 25, minutes(-250 / 60), 600)
    standings = [
        Standing("churn", State.IN_SYNC, _version(1, 12, "ds-lead")),
        Standing("fraud", State.ROLLOUT, _version(12, 9000, "ml-eng"), _version(13, None, "ml-eng"), baking),
        Standing(
            "legacy",
            State.FAILED,
            _version(1, 4400, "ds-lead"),
            _version(3, None, "ds-lead"),
            why="The container did not answer /ping.",
            at=minutes(-44),
        ),
        Standing(
            "risk",
            State.HELD,
            _version(7, 130, "risk-lead"),
            why="v8 waits for a freeze window of its settings, until 2026-05-05 06:00 UTC: weekend",
        ),
        Standing("search", State.IN_SYNC, _version(31, 20_000, "ml-eng")),
    ]
    return FleetView(standings, _SCENE)


def _watch() -> RenderableType:
    before = served(
        12, minutes_ago=9000, approved_by=_ROLE.format("ml-eng"), config_request=_REQUEST, bake=Bake.LAST
    )
    coming = deployment(
        13,
        number=2,
        status=AttemptStatus.ACCEPTED,
        started_at=minutes(-6),
        approved_at=minutes(-7),
        approved_by=_ROLE.format("ml-eng"),
        bake=Bake.LAST,
    )
    seen = Seen(
        name="fraud",
        settings=settings(EndpointName="fraud", DeploymentConfig=_CANARY),
        history=history_of([coming, before], last_observed=LastObserved()),
        status="Updating",
        serving_config=before.endpoint_config_name,
        progress=Progress(Stage.BAKING, "canary", 25, minutes(-250 / 60), 600),
    )
    described = {
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "CurrentWeight": 1.0,
                "CurrentInstanceCount": 4,
                "DesiredInstanceCount": 4,
            }
        ]
    }
    alarms = {"Greenlight.fraud.error-ratio": "OK", "Greenlight.fraud.abort": "OK"}
    measured = {"Greenlight.fraud.error-ratio": Measured(0.3, 2, "%")}
    lately = list(timeline([coming, before]))
    return detail_view(detail_of(seen, described, alarms, measured, lately, NOW), _SCENE)


def _history() -> RenderableType:
    lead, engineer = _ROLE.format("ds-lead"), _ROLE.format("ml-eng")
    attempts = [
        deployment(
            4,
            number=4,
            status=AttemptStatus.FAILED,
            approved_by=engineer,
            approved_at=minutes(-42),
            started_at=minutes(-41),
            settled_at=minutes(-41) + timedelta(seconds=6),
            reason="smoke test: one row: expected status 200; the answer was Status 500.",
        ),
        served(1, minutes_ago=50, seconds=4, number=3, rolls_back=True, at_once=True, approved_by=lead),
        served(2, minutes_ago=52, seconds=426, number=2, bake=Bake.LAST, approved_by=lead),
        served(1, minutes_ago=65, seconds=3, number=1, approved_by=lead),
    ]
    approvals = [
        approval(
            5, minutes(-10), objection="ml-eng registered the version (four eyes).", approved_by=engineer
        )
    ]
    entries = with_given_up(list(timeline(merged(attempts, approvals))))
    return timeline_view(entries, _SCENE, more=False, of_all=False)


def _why() -> RenderableType:
    lead = _ROLE.format("ds-lead")
    approvals = [approval(number, minutes(-at), approved_by=lead) for number, at in ((1, 4400), (3, 44))]
    live = served(1, minutes_ago=4390, approved_by=lead, endpoint_config_name="churn-v1")
    failure = deployment(
        3,
        number=2,
        status=AttemptStatus.FAILED,
        approved_at=minutes(-44),
        settled_at=minutes(-31),
        reason="The container did not answer /ping. Its last words: ModuleNotFoundError: "
        "No module named 'lightgbm' (code/inference.py:1)",
    )
    versions = [model_version(number) for number in (1, 3)]
    known = facts(approvals, [failure, live], versions=versions)
    decision = choose(known, "churn-v1", now=NOW)
    assert isinstance(decision, Decision), "all was read"
    there = endpoint(endpoint_config_name="churn-v1")
    seen = Preview(known, there, (version_arn(1),), decision, decision, InSync(), ())
    return WhyView(account_of("churn", seen, {version_arn(3): versions[1]}), Symbols(), NOW, UTC).one()


def _plan() -> RenderableType:
    canary = RolloutPlan("canary, 25 % first", 420)
    outlooks = [
        Outlook(
            "churn",
            "churn-models",
            Effect.UPDATES,
            (Change("instance_type", "ml.m5.large", "ml.c5.xlarge"),),
            serves=(1,),
            in_turn=(1, 3),
            failed_before=(3,),
            rollout=canary,
            instances={"ml.c5.xlarge": 4, "ml.m5.large": 4},
            checks=(Check("quota", passed=True),),
        ),
        Outlook("fraud", "fraud-models", Effect.WAITS_FOR_APPROVAL),
        Outlook(
            "legacy",
            "churn-models",
            Effect.FOREIGN,
            serves=(1,),
            message="It has no tag greenlight:stack: somebody made it by hand, or by another tool.",
        ),
        Outlook("risk", "risk-models", Effect.NOTHING, serves=(7,)),
        Outlook("search", "search-models", Effect.NOTHING, serves=(31,)),
    ]
    return plan_view(outlooks, Symbols())


def _approval() -> RenderableType:
    checks = (
        Check("artifact", passed=True),
        Check("image", passed=True),
        Check("instance type", passed=True),
        Check("approver", passed=False, message="ada also registered the version (four eyes)."),
        Check("quota", passed=True),
    )
    outlook = Outlook("churn", "churn-models", Effect.NOTHING, serves=(1,), checks=checks)
    return plan_view([outlook], Symbols())


def _doctor() -> RenderableType:
    in_order = ("stack", *["event path"] * 10, "function", "settings", *["dead letters"] * 2, "quota")
    pending = Finding(
        "topic",
        Status.NOTE,
        "arn:aws:sns:eu-central-1:111122223333:outcomes",
        "oncall@example.com (email) has not confirmed its subscription",
        "It hears of no outcome and no alarm.",
        "Let it confirm: SNS sent it a link, which holds for two days. Or subscribe it again.",
    )
    unreadable = Finding(
        "permission",
        Status.GAP,
        "the role arn:aws:iam::111122223333:role/churn-models",
        "s3:GetObject is not allowed",
        "SageMaker cannot fetch the artifact: CreateModel fails.",
        "In account 111122223333, in a policy of the role, which is its owner's.",
        {
            "Sid": "GreenlightGet",
            "Effect": "Allow",
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::churn-artifacts/7/model.tar.gz"],
        },
    )
    group = ("group", "version", "artifact", "image", "region", *["trust"] * 2, *["permission"] * 9)
    parts = (
        Part(Kind.INSTALLATION, "Greenlight", (*_checked(*in_order), pending)),
        Part(Kind.GROUP, "churn-models", (*_checked(*group), unreadable)),
        Part(Kind.ENDPOINT, "churn", tuple(_checked("tags", "approvers", "alarms", "alarms"))),
    )
    return examination_view(Examination("Greenlight", "111122223333", "eu-central-1", parts), Symbols())


def _checked(*checks: str) -> list[Finding]:
    return [Finding(check, Status.OK, check) for check in checks]


SCENES: Final[dict[str, tuple[str, Callable[[], RenderableType]]]] = {
    "status": ("greenlight status", _status),
    "doctor": ("greenlight doctor churn", _doctor),
    "watch": ("greenlight watch fraud", _watch),
    "history": ("greenlight history churn --since yesterday", _history),
    "why": ("greenlight why churn 3", _why),
    "plan": ("greenlight plan", _plan),
    "approval": ("greenlight plan --approve churn-models 7", _approval),
}
"""By name: what somebody typed, and what the command shows."""


def drawn(name: str) -> str:
    """Return a scene as SVG, which loads no fonts from anywhere."""
    typed, view = SCENES[name]
    console = Console(
        file=io.StringIO(),
        record=True,
        width=_WIDTH,
        theme=THEME,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=True,
        color_system="truecolor",
    )
    console.print(Group(Text(f"$ {typed}\n", style="bold"), view(), Text()))
    usual = inspect.signature(Console.export_svg).parameters["code_format"].default
    form = re.sub(r"@font-face \{\{.*?\}\}", "", usual, flags=re.DOTALL)
    drawing = console.export_svg(title="", code_format=form, unique_id=f"greenlight-{name}")
    return re.sub(r"[ \t]+$", "", drawing, flags=re.MULTILINE)
