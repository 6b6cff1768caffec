"""Measure a cold start: in a fresh process, import the handler and handle one approval.

Run `make bench`. It starts a local cloud and compares two handlers in alternation: the deployer's bundle, and
SageMaker's documented three calls (`three_calls.py`) with boto3 from pip. Both call the same gateway. The
result is the ratio of medians, because machines are noisy.

Lambda runs a bundle from a read-only folder, so Python would compile it at every cold start. The runtime's
own boto3 is already compiled. Hence three comparisons.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from rich.console import Console
from rich.table import Table

from demo.registry import Registry
from demo.training import linear_regression
from deployer.contract import SETTINGS_DIRECTORY
from infra.bundling.assets import build_asset, installed_packages
from infra.settings.compiling.settings_files import settings_files
from local_cloud.child_process import start_local_cloud
from tests.progress import progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.child_process import LocalCloud

ROUNDS: Final = 15
LONGEST: Final = 1.30
"""How many times the three calls' cold start the deployer's may take, both with bytecode."""
ACCOUNT: Final = "111122223333"
REGION: Final = "eu-central-1"
GROUP: Final = "bench"

_CHILD: Final = """
import time
began = time.perf_counter()
import importlib, json, sys
sys.path[:0] = sys.argv[1].split("|")
event = json.loads(sys.argv[3])
class Context:
    function_name = "bench"; memory_limit_in_mb = 512; aws_request_id = sys.argv[4]
    invoked_function_arn = "arn:aws:lambda:eu-central-1:111122223333:function:bench"
    get_remaining_time_in_millis = lambda self: 300_000
importlib.import_module(sys.argv[2]).handler(event, Context())
print("seconds", time.perf_counter() - began)
"""


@dataclass(frozen=True, slots=True)
class Contender:
    """A handler to start cold.

    Attributes:
        name: Its name in the table.
        path: Where its packages are.
        module: Where its `handler` is.
        compiled: Whether Python finds bytecode; if not, it compiles from source, as on Lambda.
    """

    name: str
    path: tuple[Path, ...]
    module: str
    compiled: bool


def main() -> int:
    """Measure and print; return 1 if the deployer takes longer than it may."""
    packages, here = installed_packages(), Path(__file__).parent
    with tempfile.TemporaryDirectory(prefix="greenlight-bench-") as directory, start_local_cloud() as cloud:
        asset = Path(directory) / "asset"
        shutil.copytree(build_asset(), asset)
        contenders = [
            Contender("deployer, compiled", (asset,), "deployer.handler", compiled=True),
            Contender("deployer, from source", (asset,), "deployer.handler", compiled=False),
            Contender("three calls, compiled", (packages, here), "three_calls", compiled=True),
            Contender("three calls, from source", (packages, here), "three_calls", compiled=False),
        ]
        event, variables = _prepare(cloud)
        seconds: dict[str, list[float]] = {each.name: [] for each in contenders}
        turns = [(number, contender) for number in range(ROUNDS + 1) for contender in contenders]
        with progress("Cold starts", len(turns), Console(stderr=True)) as one_more:
            for number, contender in turns:
                measured = _start_cold(contender, number, event, variables, Path(directory), cloud)
                one_more()
                # The first round only fills the bytecode caches.
                if number:
                    seconds[contender.name].append(measured)
    ratio = _print(seconds)
    verdict = "passed" if ratio <= LONGEST else "failed"
    sys.stdout.write(f"Cold start {verdict}: {ratio:.2f} times the three calls; the bar is {LONGEST}.\n")
    return 0 if ratio <= LONGEST else 1


def _prepare(cloud: LocalCloud) -> tuple[dict[str, Any], dict[str, str]]:
    """Create what both handlers need; return the approval's event and the environment."""
    environment = cloud.variables(ACCOUNT, REGION)
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )

    def client(service: str) -> Any:  # noqa: ANN401 - one factory for several typed clients
        return session.client(service, endpoint_url=cloud.endpoint_url)  # type: ignore[call-overload] # likewise

    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    read = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
    role = client("iam").create_role(RoleName="models", AssumeRolePolicyDocument=_policy(trust))["Role"]
    client("iam").put_role_policy(RoleName="models", PolicyName="read", PolicyDocument=_policy(read))
    client("dynamodb").create_table(
        TableName="journal",
        KeySchema=[
            {"AttributeName": "endpoint", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "endpoint", "AttributeType": "S"},
            {"AttributeName": "item", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    registry = Registry(client("sagemaker"), client("s3"), group_name=GROUP, bucket="models")
    registry.create(REGION)
    registry.approve(registry.register(linear_regression(), 1))
    (event,) = [
        each["event"]
        for each in cloud.events()
        if each["event"]["detail"].get("UpdatedModelPackageFields")
        == ["ModelApprovalStatus", "ApprovalDescription"]
    ]
    return event, environment | {
        "EXECUTION_ROLE_ARN": role["Arn"],
        "DEPLOYER_ROLE_NAME": "deployer",
        "JOURNAL_TABLE_NAME": "journal",
        "EVENT_BUS_NAME": "default",
        "SWEEP_BUS_NAME": "Greenlight.sweep-parts",
        "OUTCOME_TOPIC_ARN": client("sns").create_topic(Name="outcomes")["TopicArn"],
        "STACK_NAME": "Greenlight",
        "POWERTOOLS_SERVICE_NAME": "greenlight",
    }


def _start_cold(
    contender: Contender,
    number: int,
    event: Mapping[str, Any],
    variables: Mapping[str, str],
    directory: Path,
    cloud: LocalCloud,
) -> float:
    """Run the handler in a fresh process on the base interpreter; return the seconds since its first line."""
    name = _endpoint_name(number, compiled=contender.compiled)
    _deploy_settings(Path(directory) / "asset", name)
    environment = dict(variables)
    if contender.compiled:
        environment["PYTHONPYCACHEPREFIX"] = str(directory / "bytecode")
    else:
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(directory / "nothing")}
    interpreter: str = sys._base_executable  # type: ignore[attr-defined] # noqa: SLF001 - no venv's packages
    path = "|".join(str(each) for each in contender.path)
    before = len(_creations(cloud))
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [interpreter, "-S", "-c", _CHILD, path, contender.module, json.dumps(event), f"request-{number}"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    if len(_creations(cloud)) != before + 1:
        raise RuntimeError(f"{contender.name} created no endpoint: it measured nothing.\n{done.stdout}")
    time.sleep(0.05)
    return float(done.stdout.split("seconds")[-1])


def _creations(cloud: LocalCloud) -> list[dict[str, Any]]:
    calls = cloud.calls()
    return [call for call in calls if call["operation"] == "CreateEndpoint" and not call["error_code"]]


def _endpoint_name(number: int, *, compiled: bool) -> str:
    return f"bench-{number}-{'compiled' if compiled else 'source'}"


def _deploy_settings(asset: Path, endpoint_name: str) -> None:
    """Put one endpoint's settings beside the deployer's code, among those of 999 that follow other groups."""
    directory = asset / SETTINGS_DIRECTORY
    shutil.rmtree(directory, ignore_errors=True)
    others = [_settings(f"other-{number}", f"group-{number}") for number in range(999)]
    for path, content in settings_files([_settings(endpoint_name, GROUP), *others]).items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)


def _settings(endpoint_name: str, group: str) -> dict[str, Any]:
    return {
        "EndpointName": endpoint_name,
        "ModelPackageGroupName": group,
        "CreateModel": {"Containers": [{}]},
        "CreateEndpointConfig": {
            "ProductionVariants": [
                {
                    "VariantName": "AllTraffic",
                    "InstanceType": "ml.m4.xlarge",
                    "InitialInstanceCount": 1,
                    "InitialVariantWeight": 1,
                }
            ]
        },
    }


def _policy(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _print(seconds: Mapping[str, list[float]]) -> float:
    """Print the table and the ratios; return that of the handlers with bytecode."""
    console = Console(highlight=False)
    table = Table(title=f"Cold start: import and first approval, {ROUNDS} fresh processes each")
    for column in ("handler", "median ms", "fastest ms", "slowest ms"):
        table.add_column(column, justify="left" if column == "handler" else "right")
    for name, measured in seconds.items():
        row = (statistics.median(measured), min(measured), max(measured))
        table.add_row(name, *(f"{1000 * value:.0f}" for value in row))
    console.print(table)
    medians = {name: statistics.median(measured) for name, measured in seconds.items()}
    pairs = (
        ("deployer, compiled", "three calls, compiled"),
        ("deployer, from source", "three calls, from source"),
        ("deployer, from source", "three calls, compiled"),
    )
    ratios = [medians[ours] / medians[theirs] for ours, theirs in pairs]
    for (ours, theirs), ratio in zip(pairs, ratios, strict=True):
        console.print(f"{ours} : {theirs} = {ratio:.2f}")
    return ratios[0]


if __name__ == "__main__":
    sys.exit(main())
