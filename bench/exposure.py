"""`python -m bench.exposure`: measure how long a bad version keeps calls until the version before has all.

The deployer's real code runs on the local cloud in virtual time, with AWS's timings as far as they are known.
A bad version is found out in six ways. It is rejected while it serves, or in its canary. It fails its smoke
test in service, in the bake or before its rollout, or it raises an alarm in its canary. A seventh one answers
well at first, and badly later: the repeated smoke test finds it out, or a person does. Each happens with the
way back at once, and with the way back as forward. It also happens on an endpoint without guardrails, where
all calls move at once and no alarm stops an update.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

from infra.settings.compiling.alarm_definitions import Watched, abort_alarm
from local_cloud.hosting.variant_fleet import Answer
from local_cloud.sagemaker.switch_settings import PendingVariantStatus
from local_cloud.sagemaker.switches import Switches
from tests.unit.deployer.builders import ENDPOINT
from tests.unit.deployer.pipeline import REGION, Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

CALLS_PER_SECOND: Final = 20
FOUND_AFTER_SECONDS: Final = 60
"""How long a canary, or an unguarded version, serves before somebody rejects it or an alarm goes off."""

FADES_AFTER_SECONDS: Final = 100
"""How long after it got all calls a version begins to answer badly that answered well before."""

EVERY_SECONDS: Final = 30
"""How long after a test that passed in the bake the next one follows, where it is repeated."""

NOTICED_AFTER_SECONDS: Final = 600
"""How long a version answers badly until a person notices and rejects it, if no test and no alarm does."""

PLOT: Final = Path(__file__).parents[1] / "docs" / "exposure.svg"
"""Where `--plot` draws the share of the calls that a rejected version gets."""

_ABORT: Final = abort_alarm(Watched("Greenlight", ENDPOINT, "AllTraffic")).request()
_ERRORS: Final = "errors"
_VARIANT: Final = {
    "VariantName": "AllTraffic",
    "InstanceType": "ml.m5.large",
    "InitialInstanceCount": 4,
    "InitialVariantWeight": 1.0,
}
_UNGUARDED: Final[dict[str, Any]] = {"CreateEndpointConfig": {"ProductionVariants": [_VARIANT]}}
_GUARDED: Final[dict[str, Any]] = {
    **_UNGUARDED,
    "AbortAlarmName": _ABORT["AlarmName"],
    "RollbackAlarms": [_ABORT],
    "DeploymentConfig": {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
                "WaitIntervalInSeconds": 600,
            },
            "TerminationWaitInSeconds": 300,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": _ABORT["AlarmName"]}, {"AlarmName": _ERRORS}]},
    },
}
_TEST: Final = {
    "SmokeTest": {
        "TimeLimitSeconds": 60,
        "Requests": [
            {"Name": "one", "Body": "1,2", "ContentType": "text/csv", "Status": 200, "Calls": 1},
        ],
    }
}


class Mode(Enum):
    """How an endpoint is updated."""

    AT_ONCE = "canary, back at once"
    AS_FORWARD = "canary, back as forward"
    UNGUARDED = "all at once, no guards"

    @property
    def settings(self) -> dict[str, Any]:
        """The endpoint's settings."""
        match self:
            case Mode.AT_ONCE:
                return _GUARDED
            case Mode.AS_FORWARD:
                return {**_GUARDED, "Back": "as_forward"}
            case Mode.UNGUARDED:
                return _UNGUARDED


class Scenario(Enum):
    """How a bad version is found out."""

    REJECTED_LIVE = "rejected while it serves"
    REJECTED_IN_CANARY = "rejected a minute after its first call"
    FAILED_TEST = "smoke test fails once it is in service"
    """SageMaker does not show the bake."""

    FAILED_IN_BAKE = "smoke test fails in the bake"
    """Without guards there is no bake, so the test waits for service."""

    FAILED_BEFORE = "smoke test fails, before its rollout"
    """It fails on a test endpoint, which has no callers."""

    ALARM = "alarm a minute after its first call"

    FADED_REPEATED = f"bad only later, test every {EVERY_SECONDS} s"
    """Every one answers well until it had all calls for a while."""

    FADED_ONCE = "bad only later, one test"


_FADED: Final = frozenset({Scenario.FADED_REPEATED, Scenario.FADED_ONCE})
_TESTED: Final = frozenset({Scenario.FAILED_TEST, Scenario.FAILED_IN_BAKE, Scenario.FAILED_BEFORE})


@dataclass(frozen=True, slots=True)
class Exposure:
    """What share of the calls a bad version got.

    Attributes:
        shares: Since when it got which share, in seconds from the moment when it was found out. The first
            time is that of its first call, of its first bad answer if it answered well before, or 0 if it
            had served for long. The last share is 0. Empty if it got no call.
    """

    shares: tuple[tuple[float, float], ...]

    @property
    def seconds(self) -> float:
        """How long it got calls."""
        return self.shares[-1][0] - self.shares[0][0] if self.shares else 0.0

    @property
    def seconds_back(self) -> float:
        """How long it got calls after it was found out."""
        return self.shares[-1][0] if self.shares else 0.0

    @property
    def calls(self) -> float:
        """How many calls it got."""
        spans = zip(self.shares, self.shares[1:], strict=False)
        return CALLS_PER_SECOND * sum(share * (end - begin) for (begin, share), (end, _) in spans)


def measure(scenario: Scenario, mode: Mode) -> Exposure:
    """Deploy a good version, then a bad one, and let it be found out."""
    if scenario in _FADED:
        return _measure_fading(scenario, mode)
    test: dict[str, Any] = _TEST if scenario in _TESTED else {}
    if scenario is Scenario.FAILED_BEFORE:
        test = {"SmokeTest": {**_TEST["SmokeTest"], "BeforeRollout": True}}
    is_hidden = scenario is Scenario.FAILED_TEST
    pipeline = Pipeline(Switches(pending_variant_status=PendingVariantStatus.ABSENT) if is_hidden else None)
    pipeline.make_alarm(_ERRORS)
    pipeline.manage(**mode.settings, **test)
    pipeline.approve(pipeline.register())
    pipeline.run()
    bad = pipeline.register()
    model_name = pipeline.release(bad, **mode.settings, **test).model_name
    pipeline.endpoints.script(model_name, Answer(500, "text/plain", b"no"))
    shares: list[tuple[datetime, float]] = []
    pipeline.approve(bad)
    for _ in _moments(pipeline):
        _note(shares, pipeline, _share(pipeline, model_name))
        if shares and scenario in {Scenario.REJECTED_IN_CANARY, Scenario.ALARM}:
            break
    match scenario:
        case Scenario.FAILED_TEST | Scenario.FAILED_IN_BAKE | Scenario.FAILED_BEFORE:
            [failed] = [each for each in pipeline.history.deployments if each.failed_test is not None]
            found = failed.abort_asked_at or failed.settled_at
            assert found is not None, "it failed"
            return _exposure(shares, found)
        case Scenario.REJECTED_LIVE:
            shares = [(pipeline.clock.now(), 1.0)]
        case Scenario.REJECTED_IN_CANARY | Scenario.ALARM:
            for _ in range(FOUND_AFTER_SECONDS):
                pipeline.pass_time(1)
                pipeline.deliver()
                _note(shares, pipeline, _share(pipeline, model_name))
    found = pipeline.clock.now()
    if scenario is Scenario.ALARM and mode is not Mode.UNGUARDED:
        pipeline.cloud.client("cloudwatch").set_alarm_state(
            AlarmName=_ERRORS, StateValue="ALARM", StateReason="5XX"
        )
    else:
        pipeline.reject(bad)
    for _ in _moments(pipeline):
        _note(shares, pipeline, _share(pipeline, model_name))
    return _exposure(shares, found)


class _Fading(Pipeline):
    """A version answers well until it had all calls for a while. The deployer's own events come at once."""

    def __init__(self) -> None:
        self.model_name = ""
        self.shares: list[tuple[datetime, float]] = []
        self.fails_since: datetime | None = None
        self._taken = 0
        super().__init__()

    def deliver(self) -> None:
        """Deliver all events, and the parts that an invocation hands over to the next one."""
        super().deliver()
        while self._taken < len(self.parts):
            part = self.parts[self._taken]
            self._taken += 1
            self.dispatch_event(part)

    def pass_time(self, seconds: float) -> None:
        """Let time pass by seconds; the deployer waits like that, too."""
        for _ in range(round(seconds)):
            super().pass_time(1)
            self.look()

    def look(self) -> None:
        """Note the share of the calls, and let the version begin to answer badly at its time."""
        if not self.model_name:
            return
        _note(self.shares, self, _share(self, self.model_name))
        since = next((time for time, share in self.shares if share == 1.0), None)
        seconds = (self.clock.now() - since).total_seconds() if since is not None else 0.0
        if self.fails_since is None and seconds >= FADES_AFTER_SECONDS:
            self.fails_since = self.clock.now()
            self.endpoints.script(self.model_name, Answer(500, "text/plain", b"no"))


def _measure_fading(scenario: Scenario, mode: Mode) -> Exposure:
    """Deploy a good version, then one that begins to answer badly, and count from then on."""
    repeated = {"EverySeconds": EVERY_SECONDS} if scenario is Scenario.FADED_REPEATED else {}
    test: dict[str, Any] = {"SmokeTest": {**_TEST["SmokeTest"], **repeated}}
    pipeline = _Fading()
    pipeline.make_alarm(_ERRORS)
    pipeline.manage(**mode.settings, **test)
    pipeline.approve(pipeline.register())
    pipeline.run()
    bad = pipeline.register()
    pipeline.model_name = pipeline.release(bad, **mode.settings, **test).model_name
    pipeline.approve(bad)
    for _ in _moments(pipeline):
        pipeline.look()
        if pipeline.shares and pipeline.shares[-1][1] == 1.0:
            break
    pipeline.deliver()
    while pipeline.fails_since is None:
        pipeline.pass_time(1)
        pipeline.deliver()
    began = pipeline.fails_since
    failed = [each for each in pipeline.history.deployments if each.failed_test is not None]
    found = failed[0].abort_asked_at if failed else None
    if found is None:
        for _ in range(NOTICED_AFTER_SECONDS):
            pipeline.pass_time(1)
            pipeline.deliver()
        found = pipeline.clock.now()
        pipeline.reject(bad)
    for _ in _moments(pipeline):
        pipeline.look()
    before = [share for time, share in pipeline.shares if time <= began]
    after = [(time, share) for time, share in pipeline.shares if time > began]
    return _exposure([(began, before[-1]), *after], found)


def _exposure(shares: Sequence[tuple[datetime, float]], found: datetime) -> Exposure:
    return Exposure(tuple(((time - found).total_seconds(), share) for time, share in shares))


def _moments(pipeline: Pipeline) -> Iterator[None]:
    """Deliver what happens, and yield after each change of the cloud, until nothing happens any more."""
    pipeline.deliver()
    while (due := pipeline.control_plane.next_due()) is not None:
        pipeline.clock.set(max(due, pipeline.clock.now()))
        pipeline.control_plane.advance()
        yield
        pipeline.deliver()


def _share(pipeline: Pipeline, model_name: str) -> float:
    answering = pipeline.hosting.serving_models(pipeline.account_id, REGION, ENDPOINT)
    return answering.get(model_name, 0.0)


def _note(shares: list[tuple[datetime, float]], pipeline: Pipeline, share: float) -> None:
    if share != (shares[-1][1] if shares else 0.0):
        shares.append((pipeline.clock.now(), share))


def plot(exposures: dict[Mode, Exposure]) -> str:
    """Draw the share of the calls over the seconds since a reject, one line a mode, as an SVG."""
    width, height, left, top = 640, 240, 50, 20
    longest = max(each.seconds_back for each in exposures.values())
    colours = {Mode.AT_ONCE: "#1a7f37", Mode.AS_FORWARD: "#cf222e", Mode.UNGUARDED: "#57606a"}

    def at(seconds: float, share: float) -> str:
        x = left + seconds / longest * (width - left - 20)
        return f"{x:.1f},{top + (1 - share) * (height - 2 * top - 20):.1f}"

    lines = []
    for number, (mode, exposure) in enumerate(exposures.items()):
        points, before = [], exposure.shares[0][1]
        for seconds, share in exposure.shares:
            points += [at(seconds, before), at(seconds, share)]
            before = share
        points.append(at(longest, before))
        colour, dashes = colours[mode], ' stroke-dasharray="6 4"' if mode is Mode.UNGUARDED else ""
        style = f'fill="none" stroke="{colour}" stroke-width="2"{dashes}'
        label = f"{mode.value}: {exposure.seconds_back:.0f} s"
        lines.append(f'<polyline {style} points="{" ".join(points)}"/>')
        lines.append(_text(width - 230, top + 90 + 18 * number, label, colour))
    bottom = height - top - 20
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-size="12">
<rect width="{width}" height="{height}" fill="#ffffff"/>
<path d="M{left},{top} V{bottom} H{width - 20}" fill="none" stroke="#8c959f"/>
{_text(8, top + 4, "100 %")}
{_text(22, bottom, "0 %")}
{_text(left, height - 8, "share of the calls, by seconds since the reject")}
{_text(width - 50, height - 8, f"{longest:.0f} s")}
{chr(10).join(lines)}
</svg>
"""


def _text(x: float, y: float, text: str, colour: str = "#24292f") -> str:
    return f'<text x="{x}" y="{y}" fill="{colour}" font-family="sans-serif">{text}</text>'


def main(
    arguments: Sequence[str] | None = None,
    *,
    measuring: Callable[[Scenario, Mode], Exposure] = measure,
) -> int:
    """Measure and print; draw the plot if asked."""
    parser = argparse.ArgumentParser(prog="python -m bench.exposure", description=__doc__)
    parser.add_argument("--plot", action="store_true", help=f"also draw docs/{PLOT.name}")
    wants_plot: bool = parser.parse_args(arguments).plot
    console = Console(width=110)
    table = Table(title=f"A bad version, at {CALLS_PER_SECOND} calls a second")
    for title in ("found out", "updates", "seconds with calls", "calls", "seconds until all are back"):
        table.add_column(title, justify="left" if title in {"found out", "updates"} else "right")
    ratios = []
    for scenario in Scenario:
        with contextlib.redirect_stdout(io.StringIO()):
            # The deployer prints its metrics.
            exposures = {mode: measuring(scenario, mode) for mode in Mode}
        for mode, each in exposures.items():
            numbers = (f"{each.seconds:.0f}", f"{each.calls:,.0f}", f"{each.seconds_back:.0f}")
            table.add_row(scenario.value, mode.value, *numbers)
        table.add_section()
        if exposures[Mode.UNGUARDED].shares:
            ratios.append(exposures[Mode.AT_ONCE].seconds_back / exposures[Mode.UNGUARDED].seconds_back)
        if wants_plot and scenario is Scenario.REJECTED_LIVE:
            PLOT.write_text(plot(exposures), encoding="utf-8")
    console.print(table)
    console.print(f"worst back-at-once ratio {max(ratios):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
