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
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.exceptions import ClientError
from rich.console import Console
from rich.table import Table

from bench.callers import SECONDS_BETWEEN_CALLS, Answer, Caller, Measured
from demo import training
from demo.caller import predict
from demo.cdk import bootstrap, deploy
from demo.outcomes import OutcomeQueue
from demo.registry import Registry
from demo.rollouts import CANARY_PERCENT, ROLLOUT
from local_cloud.child_process import start_local_cloud
from tests.progress import progress

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

WINDOW_MINUTES: Final = 10
MINUTE_SECONDS: Final = 6.0
TIMEOUT_SECONDS: Final = 90.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 if the canary did not limit the bad version to its share."""
    parser = argparse.ArgumentParser(prog="python -m bench.blast_radius", description=__doc__)
    parser.add_argument("--minute-seconds", type=float, default=MINUTE_SECONDS, metavar="SECONDS")
    minute_seconds: float = parser.parse_args(arguments).minute_seconds
    with tempfile.TemporaryDirectory(prefix="greenlight-bench-") as directory, start_local_cloud() as cloud:
        cloud.switch({"timings": {"alarm_period_scale": minute_seconds / 60}})
        measured, until_back = _measure(cloud, Path(directory), minute_seconds)
    _print(measured, until_back, minute_seconds)
    share = measured[CANARY].exposed_percent
    is_limited = share <= CANARY_PERCENT
    sys.stdout.write(
        f"Blast radius {'passed' if is_limited else 'failed'}: with the canary, {share:.2f} % of the calls "
        f"failed while the bad version got any; the bar is {CANARY_PERCENT} %.\n"
    )
    return 0 if is_limited else 1


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
        _wait_until(max(begins.values()) + seconds)
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


def _wait_until(end: float) -> None:
    """Wait until a time on the monotonic clock, and show how much of the window is over."""
    left = max(0.0, end - time.monotonic())
    with progress("Tenths of the window", 10, Console(stderr=True)) as one_more:
        for _ in range(10):
            time.sleep(left / 10)
            one_more()


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
