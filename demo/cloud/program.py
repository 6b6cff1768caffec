"""Keeps a local cloud with Greenlight in it, and tells what happens there."""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.cdk import ROOT, CdkError, bootstrap, deploy
from demo.cloud import variables
from demo.cloud.raw import RawLog
from demo.follower import Follower, outcome_line
from demo.outcomes import OutcomeQueue
from demo.scene import ACCOUNT, REGION
from demo.timeline import Timeline
from local_cloud.child_process import LocalCloudError, start_local_cloud
from local_cloud.sagemaker.timings import MOST_SPEED, Timings

if TYPE_CHECKING:
    from demo.cloud.interruption import Interruption
    from demo.follower import Line
    from local_cloud.child_process import LocalCloud

_SECONDS_BETWEEN_LOOKS: Final = 0.2
_SECONDS_TO_SETTLE: Final = 1.5
"""How late an outcome comes at most, after the calls that follow it."""

_SECONDS_TO_BOOTSTRAP: Final = 3
_SECONDS_TO_DEPLOY: Final = 15
_EXAMPLE: Final = "diabetes-progression"
"""The endpoint of `endpoints/`, and its group, that docs/examples/register.py registers versions for."""


def main(interruption: Interruption) -> int:
    """Run until Ctrl-C; return the exit code."""
    options = _options()
    errors = Console(stderr=True, highlight=False)
    try:
        _run(options, interruption)
    except KeyboardInterrupt:
        pass
    except (CdkError, LocalCloudError) as error:
        # The terminal's Ctrl-C also reaches a child process that is not yet in a group of its own.
        if not interruption.is_wanted:
            said = error.said if isinstance(error, LocalCloudError) else ""
            errors.print("[bold red]It cannot go on.[/]", Text(said or str(error)))
            return 1
    errors.print("\nStopped. Nothing is left running.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m demo.cloud", description="Keep a local cloud with Greenlight and endpoints/ deployed."
    )
    parser.add_argument(
        "--port", type=int, default=4566, help="loopback port; 0 takes a free one (default 4566)"
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=1,
        metavar="N",
        help=f"how many times as fast AWS's waits and periods pass (1 to {MOST_SPEED}, default 1)",
    )
    parser.add_argument("--raw", action="store_true", help="show the cloud's own log instead of a timeline")
    parser.add_argument(
        "--variables", type=Path, default=variables.FILE, help="the file to source in another terminal"
    )
    options = parser.parse_args()
    try:
        Timings().faster(options.speed)
    except ValueError as error:
        parser.error(str(error))
    return options


def _run(options: argparse.Namespace, interruption: Interruption) -> None:
    timeline = Timeline(in_local_time=True)
    with ExitStack() as ending:
        directory = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="greenlight-cloud-")))
        cloud = ending.enter_context(
            start_local_cloud(port=options.port, speed=options.speed, log_path=directory / "log")
        )
        file = ending.enter_context(
            variables.written(cloud.variables(ACCOUNT, REGION), options.variables.resolve())
        )
        with interruption.allowed():
            outputs = _deploy(cloud, timeline, directory)
            _explain(timeline.console, cloud, file, options.speed)
            if options.raw:
                with RawLog(cloud.log_path):
                    _wait(cloud)
            else:
                news = _News(cloud, outputs["OutcomeTopicArn"])
                with Follower(cloud, timeline, others=news.lines, settle_seconds=_SECONDS_TO_SETTLE):
                    _wait(cloud)


def _deploy(cloud: LocalCloud, timeline: Timeline, directory: Path) -> dict[str, str]:
    timeline.say(f"The local cloud answers at {cloud.endpoint_url}", who="cloud")
    # An interrupted CDK leaves its temporary files, which go with this directory.
    environ = cloud.environ(ACCOUNT, REGION) | {"TMPDIR": str(directory)}
    with timeline.waiting("cdk bootstrap", about_seconds=_SECONDS_TO_BOOTSTRAP):
        bootstrap(ACCOUNT, REGION, environ=environ, directory=directory)
    with timeline.waiting("cdk deploy", about_seconds=_SECONDS_TO_DEPLOY):
        outputs = deploy(environ=environ, directory=directory)
    timeline.say("cdk deploy: Greenlight is in it, with the endpoints of endpoints/", who="cloud")
    return outputs


def _explain(console: Console, cloud: LocalCloud, file: Path, speed: float) -> None:
    """Print what to do next."""
    shown = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
    names = sorted(path.stem for path in (ROOT / "endpoints").glob("*.yaml") if path.stem != "defaults")
    group = _EXAMPLE if _EXAMPLE in names else "GROUP"
    endpoint = _EXAMPLE if _EXAMPLE in names else "ENDPOINT"
    steps = Table.grid(padding=(0, 2))
    steps.add_column(overflow="fold")
    steps.add_column()
    for command, what in (
        (f"source {shown}", f"points AWS clients and greenlight at {cloud.endpoint_url}"),
        ("python docs/examples/register.py", f"trains a model and registers it in {_EXAMPLE}"),
        (f"greenlight approve {group} 1", "approves version 1, as Studio does"),
        (f"greenlight watch {endpoint}", "shows it go live"),
        ("greenlight status", "what serves, since when, approved by whom"),
    ):
        steps.add_row(Text(f"  {command}", style="bold"), what)
    console.print()
    console.print(
        f"Endpoints: {', '.join(names) or 'none'}. Each serves the next approved version of its group."
    )
    if speed != 1:
        console.print(
            f"AWS's waits, alarm periods and schedules pass {speed:g} times as fast. "
            "Containers, functions and calls take as long as ever."
        )
    console.print("\nIn another terminal, in this directory:\n")
    console.print(steps)
    console.print("\ndocs/tutorial.md goes on from there.")
    console.print("The lines below say what happens. Ctrl-C ends it.\n")


class _News:
    """The outcomes in the account, as lines."""

    def __init__(self, cloud: LocalCloud, topic_arn: str) -> None:
        given = cloud.variables(ACCOUNT, REGION)
        session = boto3.Session(
            aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )
        self._queue = OutcomeQueue(
            session.client("sqs", endpoint_url=cloud.endpoint_url),
            session.client("sns", endpoint_url=cloud.endpoint_url),
            topic_arn=topic_arn,
            name="greenlight-make-cloud",
        )

    def lines(self) -> list[Line]:
        """Return what came since."""
        return [outcome_line(outcome) for outcome in self._queue.receive()]


def _wait(cloud: LocalCloud) -> None:
    while cloud.process.poll() is None:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    raise LocalCloudError(f"The local cloud ended with exit code {cloud.process.returncode}.")
