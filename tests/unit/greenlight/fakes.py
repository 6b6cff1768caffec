"""AWS for the command's readers: a journal in memory, and endpoints. Every call is counted."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from deployer.contract import FLEET
from deployer.gateways.approval_items import approval_item
from deployer.gateways.journal import Journal
from deployer.gateways.journal_items import attempt_item
from deployer.gateways.settings_files import SettingsFiles
from deployer.model.attempt import Action, AttemptStatus
from deployer.model.fleet import FleetRecord
from deployer.model.history import LastObserved, with_deployment
from greenlight.connection import Connection
from greenlight.errors import Addressee
from infra.settings.compiling.settings_files import settings_files
from tests.simulation.memory import Table
from tests.unit.deployer.builders import NOW, approval, deployment, release, settings_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from deployer.model.attempt import Deployment

TABLE = "journal"


def missing(operation: str, name: str) -> ClientError:
    message = f'Could not find endpoint "arn:aws:sagemaker:eu-central-1:111122223333:endpoint/{name}".'
    return ClientError({"Error": {"Code": "ValidationException", "Message": message}}, operation)


@dataclass
class Fake:
    """One account.

    Attributes:
        table: The journal.
        endpoints: What DescribeEndpoint answers, by name.
        settings: Endpoints' settings, by name.
        calls: How often each operation was called.
        most_items: How many items DynamoDB reads of a batch.
    """

    table: Table = field(default_factory=Table)
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    most_items: int = 100
    now: datetime = NOW
    _files: SettingsFiles | None = None
    _tokens: Iterator[int] = field(default_factory=count)

    # What stands in for clients --------------------------------------------------------------------------

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        self.calls["DescribeStacks"] += 1
        outputs = {
            "JournalTableName": TABLE,
            "DeployerFunctionName": "deployer",
            "OutcomeTopicArn": "arn:aws:sns:eu-central-1:111122223333:outcomes",
            "DeployerLogGroupName": "logs",
            "GreenlightVersion": "0.1.0",
        }
        stack = {
            "StackId": "arn:aws:cloudformation:eu-central-1:111122223333:stack/Greenlight/1",
            "StackStatus": "CREATE_COMPLETE",
            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
        }
        return {"Stacks": [stack]}

    def list_endpoints(self, *, MaxResults: int, NextToken: str = "0") -> dict[str, Any]:  # noqa: N803 - botocore's
        self.calls["ListEndpoints"] += 1
        first = int(NextToken)
        shown = list(self.endpoints.values())[first : first + MaxResults]
        more = first + MaxResults < len(self.endpoints)
        return {"Endpoints": shown, **({"NextToken": str(first + MaxResults)} if more else {})}

    def describe_endpoint(self, *, EndpointName: str) -> dict[str, Any]:  # noqa: N803 - botocore's
        self.calls["DescribeEndpoint"] += 1
        if EndpointName not in self.endpoints:
            raise missing("DescribeEndpoint", EndpointName)
        return self.endpoints[EndpointName]

    def query(self, **request: Any) -> dict[str, Any]:
        self.calls["Query"] += 1
        return self._answer("Query", self.table.query(request))

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        self.calls["TransactWriteItems"] += 1
        written = {**request, "ClientRequestToken": str(next(self._tokens))}
        return self._answer("TransactWriteItems", self.table.transact_write_items(written))

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803 - botocore's
        self.calls["BatchGetItem"] += 1
        keys = RequestItems[TABLE]["Keys"]
        assert len(keys) <= 100
        assert len({json.dumps(key) for key in keys}) == len(keys)
        found = [
            self.table.get_item({"TableName": TABLE, "Key": key, "ConsistentRead": True}) for key in keys
        ]
        items = [answer["Item"] for _, answer in found[: self.most_items] if "Item" in answer]
        left = keys[self.most_items :]
        return {"Responses": {TABLE: items}, "UnprocessedKeys": {TABLE: {"Keys": left}} if left else {}}

    def put_item(self, **request: Any) -> dict[str, Any]:
        self.calls["PutItem"] += 1
        return self._answer("PutItem", self.table.put_item(request))

    def delete_item(self, **request: Any) -> dict[str, Any]:
        self.calls["DeleteItem"] += 1
        return self._answer("DeleteItem", self.table.delete_item(request))

    def _answer(self, operation: str, answered: tuple[int, dict[str, Any]]) -> dict[str, Any]:
        status, answer = answered
        if status != 200:
            error = {"Code": answer["__type"].rpartition("#")[2], "Message": answer["message"]}
            response: Any = {"Error": error, **answer}
            raise ClientError(response, operation)
        return answer

    # What a test sets up ---------------------------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        return Connection(Addressee(None, "eu-central-1", "Greenlight"), lambda _service: self)

    @property
    def journal(self) -> Journal:
        client: Any = self
        return Journal(client, table_name=TABLE, now=lambda: self.now)

    def files(self) -> SettingsFiles:
        if self._files is None:
            self._files = SettingsFiles(settings_files(self.settings.values()).__getitem__)
        return self._files

    def manage(self, name: str, **changes: Any) -> None:
        """Deploy settings of an endpoint."""
        self.settings[name] = settings_document(EndpointName=name, **changes)
        self._files = None

    def serve(self, name: str, *, status: str = "InService", config: str, **members: Any) -> None:
        """Let SageMaker have an endpoint."""
        self.endpoints[name] = {
            "EndpointName": name,
            "EndpointArn": f"arn:aws:sagemaker:eu-central-1:111122223333:endpoint/{name}",
            "EndpointStatus": status,
            "EndpointConfigName": config,
            "CreationTime": self.now,
            "LastModifiedTime": self.now,
            "ProductionVariants": [],
            **members,
        }

    def record(self, name: str, ended: Deployment) -> Deployment:
        """Journal an approval and the deployment that it led to."""
        given = approval(ended.version, ended.approved_at, endpoint_name=name, approved_by=ended.approved_by)
        journal = self.journal
        journal.record_approval(given)
        latest = journal.read(name).latest_attempt
        number = (latest.number if latest else 0) + 1
        begun = replace(
            ended, endpoint_name=name, number=number, status=AttemptStatus.OPEN, settled_at=None, reason=None
        )
        assert journal.begin(replace(begun, cause=None), latest, unannounced=False)
        if ended.unsettled:
            return begun
        done = replace(ended, endpoint_name=name, number=number)
        record = with_deployment(journal.read(name).releases.get(done.endpoint_config_name), done)
        assert journal.move(replace(begun, cause=None), done, is_latest=True, records=[record])
        return done

    def rest(self, name: str, config: str, **observed: Any) -> None:
        """Let the deployer's last look have found an endpoint in sync."""
        journal = self.journal
        journal.record_last_observed(
            name,
            LastObserved(),
            LastObserved(endpoint_config_name=config, last_modified_time=self.now, **observed),
        )
        mark = journal.fleet.records([name])[name].mark
        journal.fleet.note_rests(
            {
                name: FleetRecord(
                    settings_digest=self.files().digests.get(name),
                    noted_at=self.now,
                    rests=True,
                    rests_at=self.now,
                    mark=mark,
                )
            }
        )

    def fill(self, names: Sequence[str]) -> None:
        """Manage endpoints that rest: each of them has served the first version for half an hour."""
        for name in names:
            self.manage(name)
        first, *others = names
        self.record(first, served(1, minutes_ago=30))
        self.rest(first, config_of(1))
        for name in others:
            self.copy(first, name)

    def copy(self, name: str, other: str) -> None:
        """Let another endpoint have the same records: quicker than journalling them again."""
        items = self.table.items(name)
        self.table.restore(other, {each["item"]["S"]: {**each, "endpoint": {"S": other}} for each in items})
        fleet = {each["item"]["S"]: each for each in self.table.items(FLEET)}
        digest = {"settings_digest": {"S": self.files().digests[other]}}
        fleet[other] = {**fleet[name], **digest, "item": {"S": other}}
        self.table.restore(FLEET, fleet)

    def remember(self, name: str, ended: Deployment) -> None:
        """Put a deployment and its approval into the history alone."""
        given = approval(ended.version, ended.approved_at, endpoint_name=name, approved_by=ended.approved_by)
        for item in (approval_item(given), attempt_item(replace(ended, endpoint_name=name))):
            self.table.put_item({"TableName": TABLE, "Item": item})


def served(version: int, *, minutes_ago: float, seconds: float = 60, **changes: Any) -> Deployment:
    """Build a deployment that succeeded so long ago."""
    ended = NOW - timedelta(minutes=minutes_ago)
    return deployment(
        version,
        **{
            "action": Action.UPDATE_ENDPOINT,
            "status": AttemptStatus.SUCCEEDED,
            "started_at": ended - timedelta(seconds=seconds),
            "accepted_at": ended - timedelta(seconds=seconds),
            "approved_at": ended - timedelta(seconds=seconds + 5),
            "settled_at": ended,
            **changes,
        },
    )


def config_of(version: int) -> str:
    """Return the config that `deployment(version)` deploys."""
    return release(version).endpoint_config_name
