"""Writes attempts and last observations as DynamoDB items, and reads them back. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY
from deployer.gateways.journal_table import stored_time
from deployer.model.asked import Asked
from deployer.model.attempt import (
    Action,
    Attempt,
    AttemptStatus,
    Bake,
    CleanUp,
    Deletion,
    Deployment,
    Promotion,
)
from deployer.model.cause import Cause
from deployer.model.companion import Companion
from deployer.model.first_look import FirstLook
from deployer.model.history import LastObserved
from deployer.model.life_cycle import LifeCycle
from deployer.model.put_off import PutOff
from deployer.model.rollback import Rollback
from deployer.model.smoke_test import Failure
from deployer.model.variant_properties import PropertyToSet

if TYPE_CHECKING:
    from collections.abc import Mapping

ATTEMPT: Final = "attempt#"


def unreadable_key(version_arn: str) -> str:
    """Return the key of the item that marks a version as reported unreadable."""
    return f"unreadable#{version_arn.lower()}"


def without_keys(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item's attributes without its keys."""
    keys = {JOURNAL_PARTITION_KEY, JOURNAL_SORT_KEY}
    return {name: each for name, each in item.items() if name not in keys}


def last_observed_item(last: LastObserved) -> dict[str, Any]:
    """Return the attributes of an endpoint's last observation, each of them written or set to NULL."""

    def optional(value: str | None) -> dict[str, Any]:
        return {"S": value} if value else {"NULL": True}

    created, seen = last.created_at, last.last_modified_time
    return {
        "created_at": optional(stored_time(created) if created else None),
        "endpoint_config_name": optional(last.endpoint_config_name),
        "last_modified_time": optional(stored_time(seen) if seen else None),
        "tags": {"S": json.dumps(last.tags, sort_keys=True)},
        "scaling": {"S": json.dumps(last.scaling, sort_keys=True)},
        "metadata_written": {"N": str(last.metadata_written)},
        "metadata_live": {"S": json.dumps(last.metadata_live, sort_keys=True)},
        "metadata_said": {"S": json.dumps(last.metadata_said, sort_keys=True)},
        "reported": optional(json.dumps(last.reported) if last.reported else None),
        "refused_change": optional(json.dumps(last.refused_change) if last.refused_change else None),
        "abort_alarm_set": {"BOOL": last.abort_alarm_set},
        "abort_ended_at": optional(stored_time(last.abort_ended_at) if last.abort_ended_at else None),
        "first_look": optional(_first_look(last.first_look)),
        "alarms": {"S": json.dumps(last.alarms, sort_keys=True)},
        "alarms_seen_at": optional(stored_time(last.alarms_seen_at) if last.alarms_seen_at else None),
        "properties_set": {"S": json.dumps(last.properties_set, sort_keys=True)},
        "put_off": optional(_put_off(last.put_off)),
    }


def _put_off(writes: Mapping[str, PutOff]) -> str | None:
    stored = {key: [each.tries, stored_time(each.tried_at), each.message] for key, each in writes.items()}
    return json.dumps(stored, sort_keys=True) if stored else None


def _first_look(look: FirstLook | None) -> str | None:
    if look is None:
        return None
    return json.dumps([look.group, sorted(look.versions), stored_time(look.at), look.served])


def _read_first_look(item: Mapping[str, Any]) -> FirstLook | None:
    text = read_text(item, "first_look")
    if text is None:
        return None
    # Earlier notes do not say what was served.
    group, versions, at, *served = json.loads(text)
    return FirstLook(group, datetime.fromisoformat(at), frozenset(versions), served=served == [True])


def read_last_observed(item: Mapping[str, Any]) -> LastObserved:
    """Return the last observation that an item holds."""
    refused = json.loads(read_text(item, "refused_change") or "[]")
    return LastObserved(
        created_at=read_time(item, "created_at"),
        endpoint_config_name=read_text(item, "endpoint_config_name"),
        last_modified_time=read_time(item, "last_modified_time"),
        tags=json.loads(read_text(item, "tags") or "{}"),
        scaling=json.loads(read_text(item, "scaling") or "{}"),
        metadata_written=int(item["metadata_written"]["N"]) if "metadata_written" in item else 0,
        metadata_live=json.loads(read_text(item, "metadata_live") or "{}"),
        metadata_said=json.loads(read_text(item, "metadata_said") or "{}"),
        reported=tuple(json.loads(read_text(item, "reported") or "[]")),
        refused_change=(refused[0], refused[1]) if refused else None,
        abort_alarm_set=item.get("abort_alarm_set", {}).get("BOOL", False),
        abort_ended_at=read_time(item, "abort_ended_at"),
        first_look=_read_first_look(item),
        alarms=json.loads(read_text(item, "alarms") or "{}"),
        alarms_seen_at=read_time(item, "alarms_seen_at"),
        properties_set=json.loads(read_text(item, "properties_set") or "{}"),
        put_off={
            key: PutOff(tries, datetime.fromisoformat(tried_at), message)
            for key, (tries, tried_at, message) in json.loads(read_text(item, "put_off") or "{}").items()
        },
    )


def attempt_item(attempt: Attempt) -> dict[str, Any]:
    """Return the item of an attempt of any kind."""
    assert isinstance(attempt, Deployment | Promotion | CleanUp)
    match attempt:
        case Deployment():
            of_kind = {**_of_version(attempt), **_of_deployment(attempt)}
        case Promotion():
            of_kind = {**_of_version(attempt), "goal": {"S": json.dumps(attempt.goal)}}
        case CleanUp(deletion=deletion):
            names = [deletion.endpoint_config_names, deletion.model_names]
            of_kind = {"deletion": {"S": json.dumps(names)}}
    optional = {
        "settled_at": attempt.settled_at and stored_time(attempt.settled_at),
        "reason": attempt.reason,
        "cause": attempt.cause and attempt.cause.value,
    }
    return {
        JOURNAL_PARTITION_KEY: {"S": attempt.endpoint_name},
        JOURNAL_SORT_KEY: {"S": f"{ATTEMPT}{attempt.number:09d}"},
        "number": {"N": str(attempt.number)},
        "action": {"S": attempt.action.value},
        "correlation_id": {"S": attempt.correlation_id},
        "started_at": {"S": stored_time(attempt.started_at)},
        "invocation_id": {"S": attempt.invocation_id},
        "lease_until": {"S": stored_time(attempt.lease_until)},
        "status": {"S": attempt.status.value},
        **{key: {"S": value} for key, value in optional.items() if value},
        **of_kind,
    }


def _of_version(attempt: Deployment | Promotion) -> dict[str, Any]:
    companions = json.dumps([asdict(each) for each in attempt.companions], sort_keys=True)
    return {
        "version_arn": {"S": attempt.version_arn},
        "version": {"N": str(attempt.version)},
        "group_name": {"S": attempt.group_name},
        "model_name": {"S": attempt.model_name},
        "endpoint_config_name": {"S": attempt.endpoint_config_name},
        "approved_at": {"S": stored_time(attempt.approved_at)},
        "approved_by": {"S": attempt.approved_by},
        "end_reported": {"BOOL": attempt.end_reported},
        **({"companions": {"S": companions}} if attempt.companions else {}),
        **({"artifact_digest": {"S": attempt.artifact_digest}} if attempt.artifact_digest else {}),
    }


def _of_deployment(attempt: Deployment) -> dict[str, Any]:
    modified, failed_test = attempt.endpoint_last_modified_time, attempt.failed_test
    optional = {
        "replaces_endpoint_config_name": attempt.replaces_endpoint_config_name,
        "endpoint_last_modified_time": modified and stored_time(modified),
        "accepted_at": attempt.accepted_at and stored_time(attempt.accepted_at),
        "abort_asked_at": attempt.abort_asked_at and stored_time(attempt.abort_asked_at),
        "config_request": attempt.config_request and json.dumps(attempt.config_request, sort_keys=True),
        "failed_test": failed_test and json.dumps(asdict(failed_test), sort_keys=True),
        "unguarded": attempt.unguarded,
        "bake": attempt.bake and attempt.bake.value,
        "test_endpoint_name": attempt.test_endpoint_name,
        "test_passed_at": attempt.test_passed_at and stored_time(attempt.test_passed_at),
        "rollback": attempt.rollback and rollback_text(attempt.rollback),
        "retry": attempt.retry and asked_text(attempt.retry),
        "restart": attempt.restart and asked_text(attempt.restart),
        "to_set": attempt.to_set and json.dumps([asdict(each) for each in attempt.to_set]),
    }
    return {
        "rolls_back": {"BOOL": attempt.rolls_back},
        "deletes_endpoint": {"BOOL": attempt.deletes_endpoint},
        "tests_begun": {"N": str(attempt.tests_begun)},
        "alarms_left_out": {"S": json.dumps(attempt.alarms_left_out)},
        "alarms_unread": {"BOOL": attempt.alarms_unread},
        "doubles_instances": {"BOOL": attempt.doubles_instances},
        "at_once": {"BOOL": attempt.at_once},
        "start_reported": {"BOOL": attempt.start_reported},
        **{key: {"S": value} for key, value in optional.items() if value},
    }


def read_attempt(item: Mapping[str, Any]) -> Attempt:
    """Return the attempt that an item holds."""
    cause = read_text(item, "cause")
    claim: dict[str, Any] = {
        "endpoint_name": item[JOURNAL_PARTITION_KEY]["S"],
        "number": int(item["number"]["N"]),
        "correlation_id": item["correlation_id"]["S"],
        "started_at": read_time(item, "started_at"),
        "invocation_id": item["invocation_id"]["S"],
        "lease_until": read_time(item, "lease_until"),
        "status": AttemptStatus(item["status"]["S"]),
        "settled_at": read_time(item, "settled_at"),
        "reason": read_text(item, "reason"),
        "cause": Cause(cause) if cause else None,
    }
    match Action(item["action"]["S"]):
        case Action.CLEAN_UP:
            configs, models = json.loads(item["deletion"]["S"])
            return CleanUp(**claim, deletion=Deletion(tuple(configs), tuple(models)))
        case Action.PROMOTE:
            return Promotion(**claim, **_version_of(item), goal=LifeCycle(*json.loads(item["goal"]["S"])))
        case action:
            return Deployment(**claim, **_version_of(item), action=action, **_deployment_of(item))


def _version_of(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version_arn": item["version_arn"]["S"],
        "version": int(item["version"]["N"]),
        "group_name": item["group_name"]["S"],
        "model_name": item["model_name"]["S"],
        "endpoint_config_name": item["endpoint_config_name"]["S"],
        "approved_at": read_time(item, "approved_at"),
        "approved_by": item["approved_by"]["S"],
        "companions": tuple(Companion(**each) for each in json.loads(read_text(item, "companions") or "[]")),
        "artifact_digest": read_text(item, "artifact_digest"),
        "end_reported": item["end_reported"]["BOOL"],
    }


def _deployment_of(item: Mapping[str, Any]) -> dict[str, Any]:
    failed_test, config_request = read_text(item, "failed_test"), read_text(item, "config_request")
    bake = read_text(item, "bake")
    return {
        "replaces_endpoint_config_name": read_text(item, "replaces_endpoint_config_name"),
        "endpoint_last_modified_time": read_time(item, "endpoint_last_modified_time"),
        "rolls_back": item["rolls_back"]["BOOL"],
        "accepted_at": read_time(item, "accepted_at"),
        "abort_asked_at": read_time(item, "abort_asked_at"),
        "deletes_endpoint": item["deletes_endpoint"]["BOOL"],
        "tests_begun": int(item["tests_begun"]["N"]),
        "failed_test": Failure(**json.loads(failed_test)) if failed_test else None,
        "alarms_left_out": tuple(json.loads(item["alarms_left_out"]["S"])),
        "alarms_unread": item["alarms_unread"]["BOOL"],
        "unguarded": read_text(item, "unguarded"),
        "to_set": tuple(PropertyToSet(**each) for each in json.loads(read_text(item, "to_set") or "[]")),
        "doubles_instances": item["doubles_instances"]["BOOL"],
        "config_request": json.loads(config_request) if config_request else None,
        "at_once": item["at_once"]["BOOL"],
        "start_reported": item["start_reported"]["BOOL"],
        "bake": Bake(bake) if bake else None,
        "test_endpoint_name": read_text(item, "test_endpoint_name"),
        "test_passed_at": read_time(item, "test_passed_at"),
        "rollback": read_rollback(item),
        "retry": read_asked(item, "retry"),
        "restart": read_asked(item, "restart"),
    }


def read_text(item: Mapping[str, Any], key: str) -> str | None:
    """Return a text that an item holds; None if it holds none."""
    value: str | None = item.get(key, {}).get("S")
    return value


def read_time(item: Mapping[str, Any], key: str) -> datetime | None:
    """Return a time that an item holds; None if it holds none."""
    value = read_text(item, key)
    return datetime.fromisoformat(value) if value else None


def rollback_text(rollback: Rollback) -> str:
    """Return a rollback as text."""
    return json.dumps([stored_time(rollback.at), rollback.by, rollback.reason, rollback.to])


def read_rollback(item: Mapping[str, Any]) -> Rollback | None:
    """Return the rollback that an item names; None if it names none."""
    text = read_text(item, "rollback")
    if text is None:
        return None
    at, by, reason, to = json.loads(text)
    return Rollback(datetime.fromisoformat(at), by, reason, to)


def asked_text(asked: Asked) -> str:
    """Return what a person asked for as text."""
    return json.dumps([stored_time(asked.at), asked.by, asked.first_attempt])


def read_asked(item: Mapping[str, Any], key: str) -> Asked | None:
    """Return what a person asked for, as an item says under a key; None if it says nothing."""
    text = read_text(item, key)
    if text is None:
        return None
    at, by, first_attempt = json.loads(text)
    return Asked(datetime.fromisoformat(at), by, first_attempt)
