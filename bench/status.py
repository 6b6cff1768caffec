"""How long `greenlight status` takes over a fleet at rest: the command itself, against the local cloud.

The endpoints are SageMaker's, as the local cloud models it, without containers. What the deployer would have
journalled of each is written to the table: an approval, a deployment that succeeded, and a look that found
nothing to do.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from deployer.contract import FLEET, JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY, SETTINGS_DIRECTORY, VERSION
from deployer.gateways.journal_table import stored_time
from infra.settings.compiling.settings_files import settings_files
from local_cloud.child_process import start_local_cloud
from tests.e2e.clients.account import SCALING_MODEL, Account, archive
from tests.progress import progress
from tests.unit.greenlight.fakes import Fake, config_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

ACCOUNT: Final = "111122223333"
REPOSITORY: Final = Path(__file__).parents[1]
MOST_SECONDS: Final = 5.0
_AT_ONCE: Final = 8
_ITEMS_OF_A_WRITE: Final = 25
_MOST_SECONDS_TO_SERVE: Final = 600
_TABLE, _FUNCTION, _TOPIC = "journal", "deployer", "outcomes"


def main() -> int:
    """Measure; return 1 if the median is above the bar."""
    parser = argparse.ArgumentParser(prog="python -m bench.status", description="Time greenlight status.")
    parser.add_argument("--endpoints", type=int, default=400)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    names = [f"endpoint-{number:04d}" for number in range(options.endpoints)]
    with tempfile.TemporaryDirectory(prefix="greenlight-bench-") as directory, _account() as account:
        modified = _serve(account, names)
        fake = Fake()
        fake.fill(names)
        _write_stack(account, fake, modified)
        environ = account.environ() | {"XDG_CACHE_HOME": directory, "PYTHONUTF8": "1"}
        shown = json.loads(_status(environ, "--json"))
        states = Counter(each["state"] for each in shown["endpoints"])
        assert states == {"in_sync": len(names)}, states
        runs = sorted(_timed(environ) for _ in range(options.runs))
        before = account.cloud.calls()[-1]["seq"]
        _status(environ)
        calls = Counter(each["operation"] for each in account.cloud.calls(after=before))
    seconds, cpu = (statistics.median(each) for each in zip(*runs, strict=True))
    Console(highlight=False, soft_wrap=True).print(
        f"greenlight status, {len(names)} endpoints at rest: median {seconds:.2f} s of {len(runs)} runs "
        f"({runs[0][0]:.2f} to {runs[-1][0]:.2f}), {cpu:.2f} s of CPU; SageMaker: {dict(calls)}"
    )
    return int(seconds > MOST_SECONDS)


@contextmanager
def _account() -> Iterator[Account]:
    """Run a local cloud with one account that has a bucket, a role and an approved version."""
    with start_local_cloud(containers=False) as cloud:
        yield Account(cloud, ACCOUNT).with_bucket_and_role()


def _serve(account: Account, names: list[str]) -> Mapping[str, datetime]:
    """Let SageMaker have the endpoints, all of one config; return when each was last modified."""
    sagemaker = account.sagemaker
    version = account.register(archive(SCALING_MODEL))
    sagemaker.update_model_package(ModelPackageArn=version, ModelApprovalStatus="Approved")
    config = account.endpoint_config(config_of(1), version)
    console = Console(stderr=True)
    with ThreadPoolExecutor(_AT_ONCE) as pool, progress("endpoints", len(names), console) as made:
        for _ in pool.map(
            lambda name: sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config), names
        ):
            made()
    deadline = time.monotonic() + _MOST_SECONDS_TO_SERVE
    while True:
        pages = sagemaker.get_paginator("list_endpoints").paginate()
        shown = [each for page in pages for each in page["Endpoints"]]
        if all(each["EndpointStatus"] == "InService" for each in shown):
            return {each["EndpointName"]: each["LastModifiedTime"] for each in shown}
        assert time.monotonic() < deadline, Counter(each["EndpointStatus"] for each in shown)
        time.sleep(1)


def _write_stack(account: Account, fake: Fake, modified: Mapping[str, datetime]) -> None:
    """Write the journal, the function whose bundle has the settings, and a stack that names both."""
    dynamodb = account.client("dynamodb")
    keys = {JOURNAL_PARTITION_KEY: "HASH", JOURNAL_SORT_KEY: "RANGE"}
    dynamodb.create_table(
        TableName=_TABLE,
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    fleet = fake.table.items(FLEET)
    items = [item for name in modified for item in fake.table.items(name)]
    items += [{**item, "rests_at": {"S": stored_time(modified[item["item"]["S"]])}} for item in fleet]
    for first in range(0, len(items), _ITEMS_OF_A_WRITE):
        some = items[first : first + _ITEMS_OF_A_WRITE]
        dynamodb.batch_write_item(RequestItems={_TABLE: [{"PutRequest": {"Item": item}} for item in some]})
    account.client("lambda").create_function(
        FunctionName=_FUNCTION,
        Runtime="python3.13",
        Role=account.role("deployer", "lambda.amazonaws.com"),
        Handler="app.handler",
        Code={"ZipFile": _bundle(fake)},
    )
    outputs = {
        "JournalTableName": _TABLE,
        "DeployerFunctionName": _FUNCTION,
        "OutcomeTopicArn": _TOPIC,
        "DeployerLogGroupName": "logs",
        "GreenlightVersion": VERSION,
    }
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(StackName="Greenlight", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="Greenlight")


def _bundle(fake: Fake) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, file in settings_files(fake.settings.values()).items():
            packed.writestr(f"{SETTINGS_DIRECTORY}/{path}", file)
    return content.getvalue()


def _status(environ: Mapping[str, str], *options: str) -> str:
    command = [sys.executable, "-m", "greenlight", "status", *options]
    return subprocess.run(  # noqa: S603 - our own command
        command, cwd=REPOSITORY, env=dict(environ), stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def _timed(environ: Mapping[str, str]) -> tuple[float, float]:
    """Return the seconds of one run, and those of this machine's cores that the command itself took."""
    began, used = time.monotonic(), _of_child_processes()
    _status(environ)
    return time.monotonic() - began, _of_child_processes() - used


def _of_child_processes() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
