"""Reads what is left of an endpoint that nobody manages any more. It changes nothing.

The deployer's own tags prove what is the stack's. The journal and the names only say where to look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from deployer.contract import ENDPOINT_TAG, JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY, STACK_TAG
from deployer.gateways.endpoints import Endpoints
from deployer.gateways.model_registry import ModelRegistry
from deployer.gateways.models_and_configs import ModelsAndConfigs
from deployer.gateways.tags import Tags
from greenlight.errors import CommandError
from greenlight.journal import journal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from deployer.gateways.settings_files import SettingsFiles
    from deployer.model.adopted import ShownConfig
    from deployer.model.endpoint import Endpoint
    from greenlight.connection import Connection

_GONE: Final = frozenset({"ValidationException", "ResourceNotFound", "ResourceNotFoundException"})
_DAY: Final = timedelta(days=1)

_SHORTEST_NAME: Final = 40
"""How many characters of an endpoint's name are in every name that the deployer makes for it."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something with the stack's tag and the endpoint's.

    Attributes:
        name: Its name.
        arn: Its ARN.
        serves: Whether the endpoint needs it.
    """

    name: str
    arn: str
    serves: bool = False


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left of an endpoint.

    Attributes:
        name: The endpoint.
        endpoint: The endpoint itself; None if it is gone, or belongs to somebody else.
        is_foreign: Whether an endpoint of the name belongs to somebody else.
        runs: What it runs on, in words, by variant.
        calls: How many calls it had in the last day.
        tests: Test endpoints of its rollouts.
        configs: Its configs.
        models: Its models.
        targets: Its variants that are registered for scaling, each with the dimension.
        alarms: Alarms of its rollouts.
        records: How many records the journal has of it.
    """

    name: str
    endpoint: Endpoint | None
    is_foreign: bool
    runs: Mapping[str, str]
    calls: int
    tests: tuple[Resource, ...]
    configs: tuple[Resource, ...]
    models: tuple[Resource, ...]
    targets: Mapping[str, str]
    alarms: tuple[str, ...]
    records: int

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is left that the command deletes."""
        return self.endpoint is None and not (
            self.tests or self.configs or self.models or self.targets or self.records
        )


def read_remains(
    connection: Connection,
    name: str,
    now: datetime,
    settings_of: Callable[[Connection], SettingsFiles],
) -> Remains:
    """Read what is left of an endpoint.

    Raises:
        CommandError: It is managed, or the deployer has not let go of it yet.
    """
    demand_unmanaged(connection, name, settings_of)
    sagemaker, stack_name = connection.client("sagemaker"), connection.stack.name
    tags = Tags(sagemaker)
    found = Endpoints(sagemaker).describe(name)
    is_ours = found is not None and tags.read(found.arn).get(STACK_TAG) == stack_name
    endpoint = found if is_ours else None
    resources = ModelsAndConfigs(sagemaker, ModelRegistry(sagemaker), tags)
    config_name = found.endpoint_config_name if found is not None else None
    shown = resources.shown(config_name) if config_name is not None else None
    needed = {config_name, *(shown.models if shown is not None else ())}
    owned = _Owned(tags, stack_name, name)
    # A long name is cut in the names of what was made for it.
    begin = name[:_SHORTEST_NAME].rstrip("-")
    return Remains(
        name=name,
        endpoint=endpoint,
        is_foreign=found is not None and not is_ours,
        runs=_runs(shown) if endpoint is not None else {},
        calls=_calls(connection.client("cloudwatch"), name, shown, now) if endpoint is not None else 0,
        tests=tuple(owned.of(_listed(sagemaker, "endpoint", begin), but=name)),
        configs=tuple(owned.of(_listed(sagemaker, "endpoint_config", begin), needed)),
        models=tuple(owned.of(_listed(sagemaker, "model", begin), needed)),
        targets=_targets(connection.client("application-autoscaling"), name)
        if not (found and not is_ours)
        else {},
        alarms=_alarms(connection.client("cloudwatch"), f"{stack_name}.{name}."),
        records=sum(1 for _ in record_keys(connection, name)),
    )


def demand_unmanaged(
    connection: Connection, name: str, settings_of: Callable[[Connection], SettingsFiles]
) -> None:
    """Do nothing if nobody manages an endpoint any more.

    Raises:
        CommandError: The deployed settings have it, or the deployer has not let go of it yet.
    """
    if name in settings_of(connection).digests:
        raise CommandError(
            f"{name} is managed.",
            "The deployed settings have it, so the deployer would make again what you delete.",
            f"Remove its YAML and deploy: npx cdk deploy --all. Then: greenlight remove {name}",
        )
    journal = journal_of(connection.client("dynamodb"), connection.stack.table_name)
    if name in journal.fleet.records([name]):
        raise CommandError(
            f"The deployer has not let go of {name} yet.",
            "It settles what was under way and deletes the alarms, once older invocations must have ended.",
            f"Try again after two more sweeps, in half an hour: greenlight remove {name}",
        )


def record_keys(connection: Connection, name: str) -> Iterator[dict[str, Any]]:
    """Yield the keys of an endpoint's records in the journal."""
    pages = (
        connection.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=connection.stack.table_name,
            ConsistentRead=True,
            KeyConditionExpression="#endpoint = :endpoint",
            ProjectionExpression="#endpoint, #item",
            ExpressionAttributeNames={"#endpoint": JOURNAL_PARTITION_KEY, "#item": JOURNAL_SORT_KEY},
            ExpressionAttributeValues={":endpoint": {"S": name}},
        )
    )
    for page in pages:
        yield from page["Items"]


class _Owned:
    """Tells by tags what is the stack's, of one endpoint."""

    def __init__(self, tags: Tags, stack_name: str, endpoint_name: str) -> None:
        self._tags = tags
        self._wanted = {(STACK_TAG, stack_name), (ENDPOINT_TAG, endpoint_name)}

    def of(
        self, listed: Iterable[tuple[str, str]], needed: Iterable[str | None] = (), *, but: str = ""
    ) -> Iterator[Resource]:
        for name, arn in listed:
            if name != but and self._wanted <= self._read(arn).items():
                yield Resource(name, arn, name in needed)

    def _read(self, arn: str) -> Mapping[str, str]:
        try:
            return self._tags.read(arn)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            return {}


def _listed(sagemaker: Any, kind: str, begin: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - AWS's client
    """Yield the names and ARNs of resources whose names contain what the deployer's begin with."""
    word = "".join(each.capitalize() for each in kind.split("_"))
    for page in sagemaker.get_paginator(f"list_{kind}s").paginate(NameContains=begin):
        for each in page[f"{word}s"]:
            yield each[f"{word}Name"], each[f"{word}Arn"]


def _runs(shown: ShownConfig | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, variant in (shown.variants if shown is not None else {}).items():
        serverless = variant.get("ServerlessConfig")
        if serverless is not None:
            provisioned = serverless.get("ProvisionedConcurrency")
            found[name] = f"serverless, {provisioned} kept warm" if provisioned else "serverless"
        else:
            count = variant.get("InitialInstanceCount", 1)
            found[name] = f"{count} x {variant.get('InstanceType', 'instances of a pool')}"
    return found


def _calls(cloudwatch: Any, name: str, shown: ShownConfig | None, now: datetime) -> int:  # noqa: ANN401 - likewise
    total = 0.0
    for variant in shown.variants if shown is not None else ():
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[
                {"Name": "EndpointName", "Value": name},
                {"Name": "VariantName", "Value": variant},
            ],
            StartTime=now - _DAY,
            EndTime=now,
            Period=int(_DAY.total_seconds()),
            Statistics=["Sum"],
        )
        total += sum(each["Sum"] for each in answer["Datapoints"])
    return round(total)


def _targets(scaling: Any, name: str) -> dict[str, str]:  # noqa: ANN401 - likewise
    pages = scaling.get_paginator("describe_scalable_targets").paginate(ServiceNamespace="sagemaker")
    found = [each for page in pages for each in page["ScalableTargets"]]
    return {
        each["ResourceId"]: each["ScalableDimension"]
        for each in found
        if each["ResourceId"].startswith(f"endpoint/{name}/variant/")
    }


def _alarms(cloudwatch: Any, prefix: str) -> tuple[str, ...]:  # noqa: ANN401 - likewise
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    return tuple(each["AlarmName"] for page in pages for each in page.get("MetricAlarms", ()))
