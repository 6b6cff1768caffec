"""Draw endpoints of every shape, as hundreds of teams would write them, each with its own resources."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT: Final = "111122223333"
STAGING: Final = "222233334444"
PRODUCTION: Final = "333344445555"
REGION: Final = "ap-southeast-1"
SHAPES: Final = (
    "captures",
    "asynchronous",
    "vpc",
    "keys",
    "stored",
    "role",
    "guarded",
    "scaled",
    "serverless",
    "tested",
    "explained",
    "overridden",
    "variants",
    "inputs",
    "long",
    "foreign",
)
"""The options of endpoints. `long` has names of AWS's maximal length, `foreign` other accounts' registry,
keys and topics."""


def write_fleet(directory: Path, count: int, *, seed: int, shapes: tuple[str, ...] = ()) -> None:
    """Write so many endpoints, of these shapes alone or of all that go together."""
    random = Random(seed)  # noqa: S311 - drawn to be drawn again
    for number in range(count):
        name = f"team-{random.randrange(16**6):06x}-model-{number}"
        drawn = shapes or random.sample(SHAPES, random.randint(1, 8))
        path = directory / f"{name}.yaml"
        path.write_text(json.dumps(settings(name, random, frozenset(drawn))))


def write_teams_fleet(directory: Path, count: int) -> None:
    """Write so many guarded endpoints of one team, which share its bucket, key, role and subnets."""
    bucket, key = "ranking-team", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-12ab-34cd-56ef-123456789012"
    for number in range(count):
        name = f"ranking-{number:04d}"
        (directory / f"{name}.yaml").write_text(
            json.dumps(
                {
                    "model_package_group": name,
                    "instance_type": "ml.m5.large",
                    "instance_count": 4,
                    "kms_key_id": key,
                    "execution_role_arn": f"arn:aws:iam::{ACCOUNT}:role/ranking-models",
                    "vpc": {
                        "subnets": ["subnet-0123456789abcdef0"],
                        "security_groups": ["sg-0123456789abcdef0"],
                    },
                    "data_capture": {"destination": f"s3://{bucket}/captures/{name}"},
                    "rollout": {"kind": "all_at_once", "alarms": {"error_ratio_percent": 5}},
                    "autoscaling": {
                        "min": 4,
                        "max": 8,
                        "target_tracking": [{"metric": "invocations_per_instance", "target": 100}],
                    },
                }
            )
        )


def write_staged_fleet(
    directory: Path, count: int, *, seed: int, groups: int, at_home: bool, **registry: object
) -> dict[str, Any]:
    """Write a number of endpoints for stages, and return the context keys of registry and stages.

    Each group has its own bucket, repository and key. In other accounts their owners admit the stages: a
    registry's stack edits at most some two hundred policies.

    Args:
        directory: Where the endpoints' files go.
        count: How many endpoints.
        seed: The seed of the draw.
        groups: How many groups the endpoints share.
        at_home: Whether the only stage is in the registry's account; else two stages have their own accounts.
        registry: More of the registry's context key.
    """
    random = Random(seed)  # noqa: S311 - drawn to be drawn again
    names = [f"team-{random.randrange(16**6):06x}-model-{number}".ljust(60, "0") for number in range(groups)]
    for number in range(count):
        settings = {"model_package_group": names[number % groups], "instance_type": "ml.m5.large"}
        file = directory / "all" / f"{names[number % groups][:20]}-{number}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(settings))
    stages: dict[str, Any] = {
        "staging": {
            "account": STAGING,
            "promotion": {"stage": "Production", "stage_status": "PendingApproval"},
        },
        "production": {
            "account": PRODUCTION,
            "gate": {"stage": "Production", "stage_status": "Approved"},
        },
    }
    if at_home:
        stages = {"lab": {"account": ACCOUNT}}
    return {
        "registry": {
            "account": ACCOUNT,
            "region": REGION,
            "groups": {name: _made_of(name, random) for name in names},
            **registry,
        },
        "stages": {name: {**stage, "endpoints": "all"} for name, stage in stages.items()},
    }


def _made_of(name: str, random: Random) -> dict[str, Any]:
    """Draw the artifacts and images of a group's versions."""
    key = f"{random.randrange(16**8):08x}-12ab-34cd-56ef-{random.randrange(16**12):012x}"
    return {
        "artifacts": [{"prefix": f"s3://{name[:40]}-data/versions/of/{name}/", "by": "owner"}],
        "images": [f"{_account(random)}.dkr.ecr.{REGION}.amazonaws.com/{name}/{name}"],
        "keys": [{"arn": f"arn:aws:kms:{REGION}:{_account(random)}:key/{key}", "by": "owner"}],
    }


def settings(name: str, random: Random, shapes: frozenset[str]) -> dict[str, Any]:
    """Draw one endpoint's settings."""
    drawn: dict[str, Any] = {"model_package_group": name}
    if "foreign" in shapes:
        group = f"model-package-group/{name}"
        drawn["model_package_group"] = f"arn:aws:sagemaker:{REGION}:{_account(random)}:{group}"
    instances = {"instance_type": "ml.m5.large", "instance_count": 4}
    if "serverless" in shapes:
        return drawn | {"serverless": {"memory_size_in_mb": 2048, "max_concurrency": 5}} | _own(name, shapes)
    if "stored" in shapes:
        drawn["kms_key_id"] = _key(random, shapes)
    if "variants" in shapes and "asynchronous" not in shapes:
        pair = [
            {"name": "A", "weight": 1, "version": 1, **instances},
            {"name": "B", "weight": 1, **instances},
        ]
        drawn |= {"variants": pair}
    else:
        drawn |= instances
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
    return drawn | _placed(name, random, shapes) | _own(name, shapes) | _called(name, random, shapes)


def _placed(name: str, random: Random, shapes: frozenset[str]) -> dict[str, Any]:
    drawn: dict[str, Any] = {}
    if "captures" in shapes:
        drawn["data_capture"] = {"destination": f"s3://{_bucket(name, random, shapes)}/captures/{name}"}
        if "keys" in shapes:
            drawn["data_capture"]["kms_key_id"] = _key(random, shapes)
    if "vpc" in shapes:
        ids = [f"{random.randrange(16**17):017x}" for _ in range(5)]
        drawn["vpc"] = {
            "subnets": [f"subnet-{each}" for each in ids[:3]],
            "security_groups": [f"sg-{each}" for each in ids[3:]],
        }
    return drawn


def _called(name: str, random: Random, shapes: frozenset[str]) -> dict[str, Any]:
    if "asynchronous" in shapes:
        bucket = _bucket(name, random, shapes)
        account = _account(random) if "foreign" in shapes else ACCOUNT
        topic = f"arn:aws:sns:{REGION}:{account}:{_long(name, 240, shapes)}"
        inputs = [f"s3://{_bucket(name, random, shapes)}/{name}/calls-{number}" for number in range(2)]
        return {
            "asynchronous": {
                "output_path": f"s3://{bucket}/answers",
                "failure_path": f"s3://{bucket}/failures",
                "success_topic_arn": f"{topic}-done",
                "error_topic_arn": f"{topic}-failed",
                **({"kms_key_id": _key(random, shapes)} if "keys" in shapes else {}),
                **({"input_paths": sorted(set(inputs))} if "inputs" in shapes else {}),
            }
        }
    called: dict[str, Any] = {}
    if "tested" in shapes:
        requests: list[dict[str, Any]] = [
            {
                "body_from": f"s3://{_bucket(name, random, shapes)}/checks/{name}.csv",
                "content_type": "text/csv",
            }
        ]
        if random.random() < 0.5:
            requests.append({"sample_payload": True})
        called["smoke_test"] = {"requests": requests}
    if "explained" in shapes:
        called["explainer"] = {"shap": {"baseline_uri": f"s3://{_bucket(name, random, shapes)}/{name}.csv"}}
    return called


def _own(name: str, shapes: frozenset[str]) -> dict[str, Any]:
    role = f"arn:aws:iam::{ACCOUNT}:role/service-role/{_long(f'{name}-execution', 64, shapes)}"
    return {"execution_role_arn": role} if "role" in shapes else {}


def _bucket(name: str, random: Random, shapes: frozenset[str]) -> str:
    """Return a bucket that teams share, or the team's."""
    return random.choice(("company-model-data", _long(f"company-{name}-data", 63, shapes)))


def _key(random: Random, shapes: frozenset[str]) -> str:
    key = f"{random.randrange(16**8):08x}-12ab-34cd-56ef-{random.randrange(16**12):012x}"
    account = _account(random) if "foreign" in shapes else ACCOUNT
    alias = f"alias/team-{random.randrange(16**12):012x}"
    return random.choice(
        (key, f"arn:aws:kms:{REGION}:{account}:key/{key}", _long(alias, 200, shapes), "alias/shared")
    )


def _account(random: Random) -> str:
    return f"{random.randrange(222_000_000_000, 222_000_000_400)}"


def _long(name: str, characters: int, shapes: frozenset[str]) -> str:
    return name.ljust(characters, "0") if "long" in shapes else name
