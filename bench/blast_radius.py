"""`python -m bench.blast_radius`: compare a bad version's damage with a canary and an alarm, and all at once.

Two endpoints of one stack follow one group, so one approval sends the same bad version to both. Both get
calls at the same rate, at the same times. The result is the share of failed calls, in windows of the same
length from the bad version's first call. Then a person rejects the version: nothing else helps the second
endpoint.

CloudWatch's minute is shortened, so that a run takes less than a quarter of an hour. The window is measured
in those minutes.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
from botocore.exceptions import ClientError
from rich.console import Console
from rich.table import Table

from demo import training
from demo.caller import predict
from demo.cdk import bootstrap, deploy
from demo.outcomes import OutcomeQueue
from demo.registry import Registry
from demo.rollouts import CANARY_PERCENT, ROLLOUT
from local_cloud.child_process import start_local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

    from local_cloud.child_process import LocalCloud

ACCOUNT: Final = "111122223333"
REGION: Final = "eu-central-1"
GROUP: Final = "models"
CANARY: Final = "canary"
ALL_AT_ONCE: Final = "all-at-once"
SETTINGS: Final = f"model_package_group: {GROUP}\ninstance_type: ml.m5.large\ninstance_count: 4\n"

SECONDS_BETWEEN_CALLS: Final = 0.05
WINDOW_MINUTES: Final = 10
MINUTE_SECONDS: Final = 6.0
TIMEOUT_SECONDS: Final = 90.0


class Answer(Enum):
    """The result of a call."""

    FORMER = "the former version answered"
    BAD = "the bad version answered"
    FAILED = "it failed"


@dataclass(slots=True)
class Caller:
    """Calls an endpoint at a steady rate while the context lasts, however slow the answers are.

    Attributes:
        answers: For each call in order, when it began on the monotonic clock, and its result.
    """

    endpoint_name: str
    call: Callable[[], Answer]
    answers: list[tuple[float, Answer]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._call_until_stopped, name=self.endpoint_name, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    @property
    def exposed_at(self) -> float | None:
        """When the bad version's first call began."""
        return next((at for at, answer in self.answers if answer is not Answer.FORMER), None)

    def _call_until_stopped(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            began = time.monotonic()
            self.answers.append((began, self.call()))
            due = max(due + SECONDS_BETWEEN_CALLS, began)


@dataclass(frozen=True, slots=True)
class Measured:
    """The bad version as the endpoint's callers saw it.

    Attributes:
        calls: Calls in the window.
        failed: Failed calls among them.
        exposed_seconds: From the bad version's first call in the window to its last.
        exposed_calls: Calls within these seconds.
    """

    calls: int
    failed: int
    exposed_seconds: float
    exposed_calls: int

    @classmethod
    def of(cls, answers: Sequence[tuple[float, Answer]], begins_at: float, seconds: float) -> Measured:
        """Measure a window with this start and length."""
        window = [(at, answer) for at, answer in answers if begins_at <= at < begins_at + seconds]
        last = max(at for at, answer in window if answer is not Answer.FORMER)
        return cls(
            calls=len(window),
            failed=sum(answer is Answer.FAILED for _, answer in window),
            exposed_seconds=last - begins_at,
            exposed_calls=sum(at <= last for at, _ in window),
        )

    @property
    def percent(self) -> float:
        """The share of the window's calls that failed."""
        return 100 * self.failed / self.calls

    @property
    def exposed_percent(self) -> float:
        """The share of failed calls while the bad version got any."""
        return 100 * self.failed / self.exposed_calls


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 if the canary did not limit the bad version to its share."""
    parser = argparse.ArgumentParser(prog="python -m bench.blast_radius", description=__doc__)
    parser.add_argument("--minute-seconds", type=float, default=MINUTE_SECONDS, metavar="SECONDS")
    minute_seconds: float = parser.parse_args(arguments).minute_seconds
    with tempfile.TemporaryDirectory(prefix="greenlight-bench-") as directory, start_local_cloud() as cloud:
        cloud.switch({"timings": {"alarm_period_scale": minute_seconds / 60}})
        measured, until_back = _measure(cloud, Path(directory), minute_seconds)
    _print(measured, until_back, minute_seconds)
    return 0 if measured[CANARY].exposed_percent <= CANARY_PERCENT else 1


def _measure(cloud: LocalCloud, directory: Path, minute_seconds: float) -> tuple[dict[str, Measured], float]:
    """Return the measurement of each endpoint, and the seconds from the reject to the last failed call."""
    seconds = WINDOW_MINUTES * minute_seconds
    environ = cloud.environ(ACCOUNT, REGION)
    endpoints = directory / "endpoints"
    endpoints.mkdir()
    (endpoints / f"{CANARY}.yaml").write_text(SETTINGS + ROLLOUT)
    (endpoints / f"{ALL_AT_ONCE}.yaml").write_text(SETTINGS)
    bootstrap(ACCOUNT, REGION, environ=environ, directory=directory)
    outputs = deploy(environ=environ, directory=directory, context={"endpoints_dir": str(endpoints)})
    variables = cloud.variables(ACCOUNT, REGION)
    session = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )

    def client(service: str) -> Any:  # noqa: ANN401 - one factory for several typed clients
        return session.client(service, endpoint_url=cloud.endpoint_url)  # type: ignore[call-overload] # likewise

    registry = Registry(
        client("sagemaker"), client("s3"), group_name=GROUP, bucket=f"sagemaker-{REGION}-{ACCOUNT}"
    )
    outcomes = OutcomeQueue(
        client("sqs"), client("sns"), topic_arn=outputs["OutcomeTopicArn"], name="blast-radius"
    )
    registry.create(REGION)
    good, bad = training.gradient_boosting(), training.flaky(training.linear_regression())
    former_arn = registry.register(good, 1)
    registry.approve(former_arn)
    for name in (CANARY, ALL_AT_ONCE):
        outcomes.wait_for(former_arn, endpoint_name=name, timeout_seconds=TIMEOUT_SECONDS)
    outcomes.received.clear()

    bad_arn = registry.register(bad, 2)
    row, former_prediction = good.rows[0], good.predictions[0]
    guarded, unguarded = (
        Caller(name, partial(_call, client("sagemaker-runtime"), name, row, former_prediction))
        for name in (CANARY, ALL_AT_ONCE)
    )
    with guarded, unguarded:
        # The alarm covers a whole minute, in which the canary's first failures are few among good answers.
        time.sleep(minute_seconds)
        registry.approve(bad_arn)
        begins = {each.endpoint_name: _wait_for_exposure(each) for each in (guarded, unguarded)}
        time.sleep(max(0.0, max(begins.values()) + seconds - time.monotonic()))
        rejected_at = time.monotonic()
        registry.reject(bad_arn)
        outcomes.wait_for(former_arn, endpoint_name=ALL_AT_ONCE, timeout_seconds=TIMEOUT_SECONDS)
    last_failed_at = max(at for at, answer in unguarded.answers if answer is Answer.FAILED)
    measured = {
        each.endpoint_name: Measured.of(each.answers, begins[each.endpoint_name], seconds)
        for each in (guarded, unguarded)
    }
    return measured, last_failed_at - rejected_at


def _call(
    runtime: SageMakerRuntimeClient, endpoint_name: str, row: list[float], former_prediction: float
) -> Answer:
    try:
        [prediction] = predict(runtime, endpoint_name, [row])
    except ClientError:
        return Answer.FAILED
    return Answer.FORMER if math.isclose(prediction, former_prediction, rel_tol=1e-9) else Answer.BAD


def _wait_for_exposure(caller: Caller) -> float:
    """Wait for the bad version's first call; return when it began."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (exposed_at := caller.exposed_at) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{caller.endpoint_name} never served the bad version: nothing was measured")
        time.sleep(SECONDS_BETWEEN_CALLS)
    return exposed_at


def _print(measured: dict[str, Measured], until_back: float, minute_seconds: float) -> None:
    canary, at_once = measured[CANARY], measured[ALL_AT_ONCE]
    console = Console(highlight=False, soft_wrap=True)
    table = Table(
        title=f"A version that fails every second call, {WINDOW_MINUTES} minutes of {minute_seconds:g} s",
        title_justify="left",
    )
    table.add_column("from the first call that it got")
    table.add_column(f"canary of {CANARY_PERCENT} %, alarm", justify="right")
    table.add_column("all at once", justify="right")
    for what, show in _ROWS:
        table.add_row(what, show(canary), show(at_once))
    console.print(table)
    console.print(f"failed calls, all at once : canary = {at_once.failed / max(canary.failed, 1):.0f}")
    ratio = at_once.exposed_percent / canary.exposed_percent if canary.failed else math.inf
    console.print(f"their share while it got calls, all at once : canary = {ratio:.1f}")
    console.print(f"all at once, from the reject to the last failed call: {until_back:.1f} s")


_ROWS: Final[tuple[tuple[str, Callable[[Measured], str]], ...]] = (
    ("calls in these minutes", lambda each: f"{each.calls}"),
    ("of these failed", lambda each: f"{each.failed}"),
    ("a share of", lambda each: f"{each.percent:.2f} %"),
    ("it got calls for", lambda each: f"{each.exposed_seconds:.1f} s"),
    ("of the calls meanwhile failed", lambda each: f"{each.exposed_percent:.2f} %"),
)


if __name__ == "__main__":
    sys.exit(main())
