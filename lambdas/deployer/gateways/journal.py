"""The only caller of DynamoDB: the journal of approvals and attempts, one partition an endpoint.

Items of a partition, by sort key `item`:

- `approval#<approved_at>#<version>`: written once, by whoever sees the approval first;
- `attempt#<number>`: written before the call it stands for, then moved from status to status, each move under
  a condition, so that of several concurrent invocations exactly one makes it;
- `tried#<endpoint config>#<number>`: a copy of a settled attempt on that config, written before the attempt
  that pushes it out of the window, so that what was tried with a config is found whatever its age;
- `tried#<version ARN>#<number>`: the same of a promotion, as a version is promoted once, on whatever config;
- `version#<version ARN>`: that an approval of the version was ever written, also when it left the window;
- `unreadable#<version ARN>`: that people were told that the registry does not show that version;
- `rest`: what was last seen, done and said of the endpoint at rest; losing it costs a few calls, no more.

The newest `WINDOW` approvals decide, with as many deployments that were not withdrawn, and what came between.
Of older attempts, those on a config that serves or is about to are read by its name (`attempts_on`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.exceptions import ClientError

from deployer.decisions.choice import Approval, ApprovalSource
from deployer.model.attempt import Action, Attempt, AttemptStatus, Deletion
from deployer.model.life_cycle import LifeCycle
from deployer.model.names import same_arn
from deployer.model.release import Companion
from deployer.model.smoke_test import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

WINDOW: Final = 100
"""Approvals, and deployments that were not withdrawn, that every pass reads."""

MOST_WINDOWS: Final = 5
"""Attempts of all kinds that are read for a window of deployments, as windows."""

MOST_OF_A_CONFIG: Final = 10
"""Attempts on one config that are read by its name: more than a passing failure is tried again."""

_APPROVAL: Final = "approval#"
_ATTEMPT: Final = "attempt#"
_KNOWN: Final = "version#"
_UNREADABLE: Final = "unreadable#"
_TRIED: Final = "tried#"
_REST: Final = "rest"


@dataclass(frozen=True, slots=True)
class Rest:
    """What was last seen, done and said of an endpoint at rest.

    Attributes:
        endpoint_config_name: The config it was seen in service on, and in sync.
        last_modified_time: The endpoint's then; while it is the same, so is the endpoint.
        tags: The tags last put on the endpoint itself.
        scaling: Variant name to the automatic scaling that it is registered with. Before a variant is
            deregistered it is taken out here, so that it is never left without its scaling unknown.
        stamped: Number of the last attempt whose end the registry shows.
        told: What a person was told last, so that it is not said with every sweep.
        refused_change: What an endpoint served, and what SageMaker refused to change it to: two configs.
    """

    endpoint_config_name: str | None = None
    last_modified_time: datetime | None = None
    tags: dict[str, str] = field(default_factory=dict)
    scaling: dict[str, dict[str, Any]] = field(default_factory=dict)
    stamped: int = 0
    told: str | None = None
    refused_change: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class History:
    """What the journal holds of one endpoint, newest first.

    Attributes:
        approvals: The newest approvals.
        attempts: The newest attempts.
        rest: The endpoint's last rest.
        full: Whether older approvals may have left the window.
        forgets: Whether there are older attempts than these.
        recalled: Older attempts that were read by what they are about.
        recalled_subjects: The configs' names and versions' ARNs whose attempts were.
    """

    approvals: tuple[Approval, ...]
    attempts: tuple[Attempt, ...]
    rest: Rest = field(default_factory=Rest)
    full: bool = False
    forgets: bool = False
    recalled: tuple[Attempt, ...] = ()
    recalled_subjects: frozenset[str] = frozenset()

    @property
    def latest_attempt(self) -> Attempt | None:
        """The last attempt, settled or not."""
        return self.attempts[0] if self.attempts else None

    def with_attempt(self, attempt: Attempt) -> History:
        """Return this history with an attempt added, or replaced by its newer state."""
        others = [each for each in self.attempts if each.number != attempt.number]
        attempts = sorted([*others, attempt], key=lambda each: each.number, reverse=True)
        return replace(self, attempts=tuple(attempts))

    def with_approval(self, approval: Approval) -> History:
        """Return this history with an approval added, or replaced by its newer state."""
        others = [each for each in self.approvals if each.order != approval.order]
        approvals = sorted([*others, approval], key=lambda each: each.order, reverse=True)
        return replace(self, approvals=tuple(approvals))

    def with_recalled(self, subject: str, attempts: Iterable[Attempt]) -> History:
        """Return this history with the attempts on a config or version that are older than the window."""
        known = {each.number for each in (*self.attempts, *self.recalled)}
        recalled = [*self.recalled, *(each for each in attempts if each.number not in known)]
        return replace(
            self,
            recalled=tuple(sorted(recalled, key=lambda each: each.number, reverse=True)),
            recalled_subjects=self.recalled_subjects | {subject},
        )

    def reaches(self, time: datetime) -> bool:
        """Tell whether every attempt that ended at or after a time is among these: one follows another."""
        return not self.forgets or self.attempts[-1].started_at <= time

    @property
    def known(self) -> tuple[Attempt, ...]:
        """The window's attempts, and the older ones that were recalled, newest first."""
        return (*self.attempts, *self.recalled)

    @property
    def live_version_arns(self) -> tuple[str, ...]:
        """Every version that the deployment put on the endpoint that succeeded last."""
        live = (each for each in self._deployments if each.status is AttemptStatus.SUCCEEDED)
        return next((each.version_arns for each in live), ())

    def knows(self, version_arn: str) -> bool:
        """Tell whether the window has an approval of that version that was not withdrawn."""
        return any(same_arn(each.version_arn, version_arn) and not each.withdrawn for each in self.approvals)

    def version_served_by(self, endpoint_config_name: str | None) -> str | None:
        """Return the ARN of the version that a config serves, if an attempt made it."""
        attempt = self.latest_attempt_on(endpoint_config_name)
        return attempt.version_arn if attempt is not None else None

    def latest_attempt_on(self, endpoint_config_name: str | None) -> Attempt | None:
        """Return the last attempt to put a config on the endpoint."""
        return next(
            (each for each in self._deployments if each.endpoint_config_name == endpoint_config_name), None
        )

    def is_proven(self, endpoint_config_name: str) -> bool:
        """Tell whether a config ever served on the endpoint, and passed the smoke test if there was one."""
        return any(
            each.endpoint_config_name == endpoint_config_name and each.status is AttemptStatus.SUCCEEDED
            for each in self._deployments
        )

    def former_attempt(self, version_arn: str, *, besides: str) -> Attempt | None:
        """Return the last attempt that put a version on the endpoint with another config than that one."""
        return next(
            (
                each
                for each in self._deployments
                if same_arn(each.version_arn, version_arn)
                and each.status is AttemptStatus.SUCCEEDED
                and each.endpoint_config_name != besides
            ),
            None,
        )

    @property
    def _deployments(self) -> Iterator[Attempt]:
        return (each for each in self.known if each.is_deployment)


class Journal:
    """The journal table.

    Args:
        client: DynamoDB's.
        table_name: The table.
        window: How many deployments every pass reads.
    """

    def __init__(self, client: DynamoDBClient, *, table_name: str, window: int = WINDOW) -> None:
        self._client = client
        self._table_name = table_name
        self._window = window

    def read(self, endpoint_name: str) -> History:
        """Return an endpoint's history, strongly consistent."""
        # Backwards come the rest, then the attempts, then the approvals: for years one query is all it takes.
        window = self._window
        newest = self._query(endpoint_name, limit=window + WINDOW + 1)
        rests = [item for item in newest.items if _is(item, _REST)]
        attempts = [_attempt(item) for item in newest.items if _is(item, _ATTEMPT)]
        approvals = [item for item in newest.items if _is(item, _APPROVAL)]
        all_read = bool(approvals) or not newest.truncated
        if newest.truncated:
            approvals = self._query(endpoint_name, limit=WINDOW, prefix=_APPROVAL).items
        while not all_read and sum(map(_counts, attempts)) < window and len(attempts) < MOST_WINDOWS * window:
            older = self._query(endpoint_name, limit=window, prefix=_ATTEMPT, before=attempts[-1].number)
            attempts += [_attempt(item) for item in older.items]
            all_read = not older.truncated
        kept = _newest(attempts, window, most=MOST_WINDOWS * window)
        return History(
            approvals=tuple(_approval(item) for item in approvals[:WINDOW]),
            attempts=tuple(kept),
            rest=_rest(rests[0]) if rests else Rest(),
            full=len(approvals) >= WINDOW,
            forgets=not all_read or len(kept) < len(attempts),
        )

    def attempts_on(self, endpoint_name: str, subject: str) -> list[Attempt]:
        """Return the newest attempts that have left the window, newest first, without clean-ups.

        Args:
            endpoint_name: The endpoint.
            subject: The config that they put on it, or the ARN of the version that they promoted.
        """
        prefix = f"{_TRIED}{subject}#"
        filed = self._query(endpoint_name, limit=MOST_OF_A_CONFIG, prefix=prefix).items
        return [_attempt(item) for item in filed]

    def attempts_before(self, endpoint_name: str, number: int, *, limit: int) -> list[Attempt]:
        """Return the newest attempts before a number, newest first, whatever they are about."""
        older = self._query(endpoint_name, limit=limit, prefix=_ATTEMPT, before=number).items
        return [_attempt(item) for item in older]

    def file_leaving(self, history: History) -> None:
        """Write, under what they are about, the attempts that one more attempt would push out of the window.

        They are settled, as only the latest may not be; so their copies stay true.
        """
        staying = len(_newest(history.attempts, self._window - 1, most=MOST_WINDOWS * self._window - 1))
        for attempt in history.attempts[staying:]:
            if attempt.action is not Action.CLEAN_UP:
                promotes = attempt.action is Action.PROMOTE
                subject = attempt.version_arn if promotes else attempt.endpoint_config_name
                key = f"{_TRIED}{subject}#{attempt.number:09d}"
                self._client.put_item(
                    TableName=self._table_name, Item={**_attempt_item(attempt), "item": {"S": key}}
                )

    def record_approval(self, approval: Approval) -> bool:
        """Write an approval; return False if it is there already, and was not withdrawn."""
        written = self._put_new(_approval_item(approval), unless_withdrawn=True)
        self._client.put_item(
            TableName=self._table_name,
            Item={
                "endpoint": {"S": approval.endpoint_name},
                "item": {"S": _known_key(approval.version_arn)},
            },
        )
        return written

    def knows(self, endpoint_name: str, version_arn: str) -> bool:
        """Tell whether an approval of that version was ever written, however long ago."""
        return self._has(endpoint_name, _known_key(version_arn))

    def was_told_unreadable(self, endpoint_name: str, version_arn: str) -> bool:
        """Tell whether people know that a version cannot be read."""
        return self._has(endpoint_name, _unreadable_key(version_arn))

    def record_unreadable_told(self, endpoint_name: str, version_arn: str) -> None:
        """Note that people were told that a version cannot be read."""
        key = _unreadable_key(version_arn)
        self._client.put_item(
            TableName=self._table_name, Item={"endpoint": {"S": endpoint_name}, "item": {"S": key}}
        )

    def _has(self, endpoint_name: str, key: str) -> bool:
        page = self._client.query(
            TableName=self._table_name,
            ConsistentRead=True,
            KeyConditionExpression="#endpoint = :endpoint AND #item = :item",
            ExpressionAttributeNames={"#endpoint": "endpoint", "#item": "item"},
            ExpressionAttributeValues={":endpoint": {"S": endpoint_name}, ":item": {"S": key}},
        )
        return bool(page["Items"])

    def record_withdrawn(self, approval: Approval) -> None:
        """Note that an approval was seen not to stand: the version's next approval is another one."""
        self._set(_approval_item(approval), "withdrawn", {"BOOL": True})

    def begin(self, attempt: Attempt) -> bool:
        """Claim the attempt's number by writing it; return False if another invocation did."""
        return self._put_new(_attempt_item(attempt))

    def move(self, old: Attempt, new: Attempt) -> bool:
        """Change an attempt's state, if nobody else did since it was read; return False if somebody did.

        Only what differs is written: what others note beside it (that an outcome was reported) stays.
        """
        before, after = _attempt_item(old), _attempt_item(new)
        written = {key: value for key, value in after.items() if before.get(key) != value}
        written["invocation_id"] = after["invocation_id"]
        try:
            self._client.update_item(
                TableName=self._table_name,
                Key={key: before[key] for key in ("endpoint", "item")},
                UpdateExpression="SET " + ", ".join(f"#{key} = :{key}" for key in written),
                ConditionExpression="#status = :old_status AND #lease_until = :old_lease_until",
                ExpressionAttributeNames={f"#{key}": key for key in {*written, "status", "lease_until"}},
                ExpressionAttributeValues={
                    **{f":{key}": value for key, value in written.items()},
                    ":old_status": before["status"],
                    ":old_lease_until": before["lease_until"],
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if _condition_failed(error):
                return _is_own_work(error, written)
            raise
        return True

    def note_reported(self, attempt: Attempt, flag: Literal["started_reported", "settled_reported"]) -> None:
        """Note that an outcome of an attempt was put on the bus, whatever the attempt's state is by now."""
        self._set(_attempt_item(attempt), flag, {"BOOL": True})

    def record_superseded(self, approval: Approval, *, by: int) -> None:
        """Note that another version, approved later, goes out instead of an approval that had no turn."""
        self._set(_approval_item(approval), "superseded_by", {"N": str(by)})

    def record_artefact_digest(self, approval: Approval, artefact_digest: str) -> bool:
        """Note what was approved, where it could not be seen when the approval was journalled.

        Returns:
            False if another invocation had found something else there, which counts.
        """
        try:
            self._set(
                _approval_item(approval),
                "artefact_digest",
                {"S": artefact_digest},
                condition="attribute_not_exists(#name) OR #name = :value",
            )
        except ClientError as error:
            if _condition_failed(error):
                return False
            raise
        return True

    def record_misfit_told(self, approval: Approval, reason: str) -> None:
        """Note what people were told of a version that counts and may not be deployed as it is."""
        self._set(_approval_item(approval), "misfit_told", {"S": reason})

    def record_rest(self, endpoint_name: str, before: Rest, after: Rest) -> None:
        """Remember what changed of the endpoint's rest, which is something; the rest of it stays as it is."""
        old, new = _rest_item(before), _rest_item(after)
        changed = {name: value for name, value in new.items() if old[name] != value}
        self._client.update_item(
            TableName=self._table_name,
            Key={"endpoint": {"S": endpoint_name}, "item": {"S": _REST}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in changed),
            ExpressionAttributeNames={f"#{name}": name for name in changed},
            ExpressionAttributeValues={f":{name}": value for name, value in changed.items()},
        )

    def _set(
        self, item: Mapping[str, Any], name: str, value: Mapping[str, Any], *, condition: str | None = None
    ) -> None:
        """Set one attribute of an item, and leave the others as they are, whoever changed them."""
        conditional: dict[str, Any] = {"ConditionExpression": condition} if condition is not None else {}
        self._client.update_item(
            TableName=self._table_name,
            Key={key: item[key] for key in ("endpoint", "item")},
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": value},
            **conditional,
        )

    def _put_new(self, item: dict[str, Any], *, unless_withdrawn: bool = False) -> bool:
        condition = "attribute_not_exists(endpoint)"
        withdrawn: dict[str, Any] = {}
        if unless_withdrawn:
            condition += " OR withdrawn = :true"
            withdrawn = {"ExpressionAttributeValues": {":true": {"BOOL": True}}}
        try:
            self._client.put_item(
                TableName=self._table_name,
                Item=item,
                ConditionExpression=condition,
                **withdrawn,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if _condition_failed(error):
                return _is_own_work(error, item)
            raise
        return True

    def _query(
        self, endpoint_name: str, *, limit: int, prefix: str = "", before: int | None = None
    ) -> _Items:
        """Return the newest items whose sort key begins so, and whether there are more.

        Args:
            endpoint_name: The endpoint.
            limit: How many at most.
            prefix: How keys begin; empty for the rest, the attempts and the approvals.
            before: The number that comes after those of the items that are wanted.
        """
        last = f"{prefix or _REST}~" if before is None else f"{prefix}{before - 1:09d}"
        items: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while True:
            page = self._client.query(
                TableName=self._table_name,
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=limit - len(items),
                KeyConditionExpression="#endpoint = :endpoint AND #item BETWEEN :first AND :last",
                ExpressionAttributeNames={"#endpoint": "endpoint", "#item": "item"},
                ExpressionAttributeValues={
                    ":endpoint": {"S": endpoint_name},
                    ":first": {"S": prefix or _APPROVAL},
                    ":last": {"S": last},
                },
                **start,
            )
            items.extend(page["Items"])
            if "LastEvaluatedKey" not in page:
                return _Items(items, truncated=False)
            if len(items) >= limit:
                return _Items(items, truncated=True)
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


@dataclass(frozen=True, slots=True)
class _Items:
    items: list[dict[str, Any]]
    truncated: bool


def _counts(attempt: Attempt) -> bool:
    """Tell whether an attempt takes a place in the window: what changed nothing pushes nothing out of it."""
    return attempt.is_deployment and attempt.status is not AttemptStatus.WITHDRAWN


def _newest(attempts: Sequence[Attempt], window: int, *, most: int) -> list[Attempt]:
    """Return the newest attempts, as far back as the window's last deployment, and so many at most."""
    places = [place for place, each in enumerate(attempts, 1) if _counts(each)]
    return list(attempts[: min(most, places[window - 1])] if len(places) >= window else attempts[:most])


def _is(item: Mapping[str, Any], prefix: str) -> bool:
    return bool(item["item"]["S"].startswith(prefix))


def _condition_failed(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == "ConditionalCheckFailedException"


def _is_own_work(error: ClientError, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a write was refused because its first try, answered by a time-out, took effect.

    What is wanted names the invocation, so that no other one's work passes for one's own.
    """
    item: Mapping[str, Any] = error.response.get("Item", {})  # type: ignore[assignment] # DynamoDB's own
    return "invocation_id" in wanted and all(item.get(key) == value for key, value in wanted.items())


def _time(time: datetime) -> str:
    """Return a time that sorts as text."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _approval_item(approval: Approval) -> dict[str, Any]:
    return {
        "endpoint": {"S": approval.endpoint_name},
        "item": {"S": f"{_APPROVAL}{_time(approval.approved_at)}#{approval.version:09d}"},
        "version_arn": {"S": approval.version_arn},
        "version": {"N": str(approval.version)},
        "group_name": {"S": approval.group_name},
        "approved_at": {"S": _time(approval.approved_at)},
        "approved_by": {"S": approval.approved_by},
        "source": {"S": approval.source.value},
        "correlation_id": {"S": approval.correlation_id},
        **({"artefact_digest": {"S": approval.artefact_digest}} if approval.artefact_digest else {}),
        **({"objection": {"S": approval.objection}} if approval.objection else {}),
        **({"superseded_by": {"N": str(approval.superseded_by)}} if approval.superseded_by else {}),
        **({"shadows": {"BOOL": True}} if approval.shadows else {}),
        **({"withdrawn": {"BOOL": True}} if approval.withdrawn else {}),
        **({"misfit_told": {"S": approval.misfit_told}} if approval.misfit_told else {}),
    }


def _approval(item: Mapping[str, Any]) -> Approval:
    return Approval(
        endpoint_name=item["endpoint"]["S"],
        version_arn=item["version_arn"]["S"],
        version=int(item["version"]["N"]),
        group_name=item["group_name"]["S"],
        approved_at=datetime.fromisoformat(item["approved_at"]["S"]),
        approved_by=item["approved_by"]["S"],
        source=ApprovalSource(item["source"]["S"]),
        correlation_id=item["correlation_id"]["S"],
        artefact_digest=item["artefact_digest"]["S"] if "artefact_digest" in item else None,
        objection=item["objection"]["S"] if "objection" in item else None,
        superseded_by=int(item["superseded_by"]["N"]) if "superseded_by" in item else None,
        shadows="shadows" in item,
        withdrawn=item["withdrawn"]["BOOL"] if "withdrawn" in item else False,
        misfit_told=item["misfit_told"]["S"] if "misfit_told" in item else None,
    )


def _known_key(version_arn: str) -> str:
    return f"{_KNOWN}{version_arn.lower()}"


def _unreadable_key(version_arn: str) -> str:
    return f"{_UNREADABLE}{version_arn.lower()}"


def _rest_item(rest: Rest) -> dict[str, Any]:
    def optional(value: str | None) -> dict[str, Any]:
        return {"S": value} if value else {"NULL": True}

    seen = rest.last_modified_time
    return {
        "endpoint_config_name": optional(rest.endpoint_config_name),
        "last_modified_time": optional(_time(seen) if seen else None),
        "tags": {"S": json.dumps(rest.tags, sort_keys=True)},
        "scaling": {"S": json.dumps(rest.scaling, sort_keys=True)},
        "stamped": {"N": str(rest.stamped)},
        "told": optional(rest.told),
        "refused_change": optional(json.dumps(rest.refused_change) if rest.refused_change else None),
    }


def _rest(item: Mapping[str, Any]) -> Rest:
    def text(key: str) -> str | None:
        value: str | None = item.get(key, {}).get("S")
        return value

    seen, refused = text("last_modified_time"), json.loads(text("refused_change") or "[]")
    return Rest(
        endpoint_config_name=text("endpoint_config_name"),
        last_modified_time=datetime.fromisoformat(seen) if seen else None,
        tags=json.loads(text("tags") or "{}"),
        scaling=json.loads(text("scaling") or "{}"),
        stamped=int(item["stamped"]["N"]) if "stamped" in item else 0,
        told=text("told"),
        refused_change=(refused[0], refused[1]) if refused else None,
    )


def _attempt_item(attempt: Attempt) -> dict[str, Any]:
    optional = {
        "replaces_endpoint_config_name": attempt.replaces_endpoint_config_name,
        "endpoint_last_modified_time": attempt.endpoint_last_modified_time
        and _time(attempt.endpoint_last_modified_time),
        "accepted_at": attempt.accepted_at and _time(attempt.accepted_at),
        "settled_at": attempt.settled_at and _time(attempt.settled_at),
        "abort_asked_at": attempt.abort_asked_at and _time(attempt.abort_asked_at),
        "companions": attempt.companions
        and json.dumps([asdict(each) for each in attempt.companions], sort_keys=True),
        "goal": attempt.goal and json.dumps(attempt.goal),
        "reason": attempt.reason,
        "unguarded": attempt.unguarded,
        "artefact_digest": attempt.artefact_digest,
        "failed_test": attempt.failed_test and json.dumps(asdict(attempt.failed_test), sort_keys=True),
    }
    return {
        "endpoint": {"S": attempt.endpoint_name},
        "item": {"S": f"{_ATTEMPT}{attempt.number:09d}"},
        "number": {"N": str(attempt.number)},
        "action": {"S": attempt.action.value},
        "version_arn": {"S": attempt.version_arn},
        "version": {"N": str(attempt.version)},
        "group_name": {"S": attempt.group_name},
        "model_name": {"S": attempt.model_name},
        "endpoint_config_name": {"S": attempt.endpoint_config_name},
        "rolls_back": {"BOOL": attempt.rolls_back},
        "deletes_endpoint": {"BOOL": attempt.deletes_endpoint},
        "deletion": {"S": json.dumps([attempt.deletion.endpoint_config_names, attempt.deletion.model_names])},
        "alarms_left_out": {"S": json.dumps(attempt.alarms_left_out)},
        "alarms_unread": {"BOOL": attempt.alarms_unread},
        "doubles_instances": {"BOOL": attempt.doubles_instances},
        "trials": {"N": str(attempt.trials)},
        "approved_at": {"S": _time(attempt.approved_at)},
        "approved_by": {"S": attempt.approved_by},
        "correlation_id": {"S": attempt.correlation_id},
        "started_at": {"S": _time(attempt.started_at)},
        "invocation_id": {"S": attempt.invocation_id},
        "lease_until": {"S": _time(attempt.lease_until)},
        "status": {"S": attempt.status.value},
        "started_reported": {"BOOL": attempt.started_reported},
        "settled_reported": {"BOOL": attempt.settled_reported},
        **{key: {"S": value} for key, value in optional.items() if value},
    }


def _attempt(item: Mapping[str, Any]) -> Attempt:
    def text(key: str) -> str | None:
        return item[key]["S"] if key in item else None

    def time(key: str) -> datetime | None:
        value = text(key)
        return datetime.fromisoformat(value) if value else None

    failed_test, goal = text("failed_test"), text("goal")
    configs, models = json.loads(item["deletion"]["S"])
    return Attempt(
        endpoint_name=item["endpoint"]["S"],
        number=int(item["number"]["N"]),
        action=Action(item["action"]["S"]),
        version_arn=item["version_arn"]["S"],
        version=int(item["version"]["N"]),
        group_name=item["group_name"]["S"],
        model_name=item["model_name"]["S"],
        endpoint_config_name=item["endpoint_config_name"]["S"],
        replaces_endpoint_config_name=text("replaces_endpoint_config_name"),
        endpoint_last_modified_time=time("endpoint_last_modified_time"),
        rolls_back=item["rolls_back"]["BOOL"],
        approved_at=datetime.fromisoformat(item["approved_at"]["S"]),
        approved_by=item["approved_by"]["S"],
        correlation_id=item["correlation_id"]["S"],
        started_at=datetime.fromisoformat(item["started_at"]["S"]),
        invocation_id=item["invocation_id"]["S"],
        lease_until=datetime.fromisoformat(item["lease_until"]["S"]),
        status=AttemptStatus(item["status"]["S"]),
        accepted_at=time("accepted_at"),
        settled_at=time("settled_at"),
        abort_asked_at=time("abort_asked_at"),
        reason=text("reason"),
        deletes_endpoint=item["deletes_endpoint"]["BOOL"],
        deletion=Deletion(tuple(configs), tuple(models)),
        companions=tuple(Companion(**each) for each in json.loads(text("companions") or "[]")),
        goal=LifeCycle(*json.loads(goal)) if goal else None,
        failed_test=Failure(**json.loads(failed_test)) if failed_test else None,
        # None of these is in what an earlier release of the deployer wrote.
        alarms_left_out=tuple(json.loads(text("alarms_left_out") or "[]")),
        unguarded=text("unguarded"),
        alarms_unread=item.get("alarms_unread", {}).get("BOOL", False),
        doubles_instances=item.get("doubles_instances", {}).get("BOOL", False),
        trials=int(item.get("trials", {}).get("N", "0")),
        artefact_digest=text("artefact_digest"),
        started_reported=item["started_reported"]["BOOL"],
        settled_reported=item["settled_reported"]["BOOL"],
    )
