"""Draws endpoints of every shape, as hundreds of teams would write them: each with what is its own."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT: Final = "111122223333"
REGION: Final = "ap-southeast-1"
_SHAPES: Final = (
    "captures",
    "asynchronous",
    "vpc",
    "keys",
    "role",
    "guarded",
    "scaled",
    "serverless",
    "tested",
    "explained",
    "overridden",
    "variants",
)


def write_fleet(directory: Path, count: int, *, seed: int, shapes: tuple[str, ...] = ()) -> None:
    """Write so many endpoints, of these shapes alone or of all that go together."""
    random = Random(seed)  # noqa: S311 - drawn to be drawn again
    for number in range(count):
        name = f"team-{random.randrange(16**6):06x}-model-{number}"
        drawn = shapes or random.sample(_SHAPES, random.randint(1, 5))
        path = directory / f"{name}.yaml"
        path.write_text(json.dumps(settings(name, random, frozenset(drawn))))


def settings(name: str, random: Random, shapes: frozenset[str]) -> dict[str, Any]:
    """Draw one endpoint's settings."""
    drawn: dict[str, Any] = {"model_package_group": name}
    instances = {"instance_type": "ml.m5.large", "instance_count": 4}
    if "serverless" in shapes:
        return drawn | {"serverless": {"memory_size_in_mb": 2048, "max_concurrency": 5}} | _own(name, shapes)
    if "variants" in shapes and "asynchronous" not in shapes:
        pair = [
            {"name": "A", "weight": 1, "version": 1, **instances},
            {"name": "B", "weight": 1, **instances},
        ]
        drawn |= {"variants": pair}
    else:
        drawn |= instances
    if "captures" in shapes:
        drawn["data_capture"] = {"destination": f"s3://{_bucket(name, random)}/captures/{name}"}
        if "keys" in shapes:
            drawn["data_capture"]["kms_key_id"] = _key(random)
    if "vpc" in shapes:
        ids = [f"{random.randrange(16**17):017x}" for _ in range(5)]
        drawn["vpc"] = {
            "subnets": [f"subnet-{each}" for each in ids[:3]],
            "security_groups": [f"sg-{each}" for each in ids[3:]],
        }
    if "guarded" in shapes and "asynchronous" not in shapes:
        alarms = {"existing": [f"{name}-errors", f"{name}-latency"]}
        drawn["rollout"] = {"kind": "all_at_once", "alarms": alarms}
    if "scaled" in shapes and "variants" not in drawn:
        metric = "backlog_per_instance" if "asynchronous" in shapes else "invocations_per_instance"
        target = {"metric": metric, "target": 100}
        drawn["autoscaling"] = {"min": 4, "max": 8, "target_tracking": [target]}
    if "overridden" in shapes and "variants" not in drawn:
        options = {"EnableSSMAccess": False}
        drawn["overrides"] = {"endpoint_config": {"ProductionVariants": [options]}}
    return drawn | _own(name, shapes) | _called(name, random, shapes)


def _called(name: str, random: Random, shapes: frozenset[str]) -> dict[str, Any]:
    if "asynchronous" in shapes:
        bucket = _bucket(name, random)
        topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"
        return {
            "asynchronous": {
                "output_path": f"s3://{bucket}/answers",
                "failure_path": f"s3://{bucket}/failures",
                "success_topic_arn": f"{topic}-done",
                "error_topic_arn": f"{topic}-failed",
                **({"kms_key_id": _key(random)} if "keys" in shapes else {}),
            }
        }
    called: dict[str, Any] = {}
    if "tested" in shapes:
        requests: list[dict[str, Any]] = [
            {"body_from": f"s3://{_bucket(name, random)}/checks/{name}.csv", "content_type": "text/csv"}
        ]
        if random.random() < 0.5:
            requests.append({"sample_payload": True})
        called["smoke_test"] = {"requests": requests}
    if "explained" in shapes:
        called["explainer"] = {"shap": {"baseline_uri": f"s3://{_bucket(name, random)}/{name}.csv"}}
    return called


def _own(name: str, shapes: frozenset[str]) -> dict[str, Any]:
    role = f"arn:aws:iam::{ACCOUNT}:role/service-role/{name}-execution"
    return {"execution_role_arn": role} if "role" in shapes else {}


def _bucket(name: str, random: Random) -> str:
    """Return a bucket that teams share, or the team's."""
    return random.choice(("company-model-data", f"company-{name}-data"))


def _key(random: Random) -> str:
    number = random.randrange(16**12)
    key = f"1234abcd-12ab-34cd-56ef-{number:012x}"
    return random.choice(
        (key, f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}", f"alias/team-{number:012x}", "alias/shared")
    )
