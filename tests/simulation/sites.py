"""The accounts of a world: a single one, or a registry's and one for each stage of a version's life.

Owns who is where, each stage's gate, and its promotion. It judges nothing, and runs nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deployer.gateways.settings_files import SettingsFiles
from infra.settings.compiling.settings_files import settings_files
from local_cloud.sagemaker.ports import Caller
from tests.simulation.clients import REGION
from tests.simulation.memory import Memory
from tests.simulation.schedule import SOAKS, Stages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulation.schedule import Schedule

ACCOUNT: Final = "123456789012"
"""Where people are, and the registry; without stages the deployer and its endpoints are there as well."""

STAGING_ACCOUNT: Final = "210987654321"
PRODUCTION_ACCOUNT: Final = "321098765432"

DEPLOYER_ROLE: Final = "deployer"
"""The role of each account's deployer."""

GROUP: Final = "churn-models"
GROUP_ARN: Final = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/{GROUP}"

ENDPOINTS: Final = ("churn", "churn-v2", "fraud")
"""The second name begins like the names of the first one's artifacts."""

PRODUCTION: Final = "Production"
PASSED: Final = {"Stage": PRODUCTION, "StageStatus": "Approved"}
"""Where the second stage wants a version."""

LATER: Final = ("Archive",)
"""The next stage."""

LIFE_CYCLES: Final = (
    PASSED,
    {"Stage": PRODUCTION, "StageStatus": "Rejected"},
    {"Stage": PRODUCTION, "StageStatus": "PendingApproval"},
    {"Stage": "Development", "StageStatus": "Approved"},
    {"Stage": "Archive", "StageStatus": "Approved"},
)
"""Where people say that a version stands."""

_PROMOTED: Final = {Stages.PENDING: "PendingApproval", Stages.APPROVED: "Approved"}


@dataclass(slots=True, eq=False)
class Site:
    """One account with a deployer in it.

    Attributes:
        account: Its id.
        endpoints: The endpoints that its deployer manages.
        skew: By how many seconds its deployer's clock is ahead of SageMaker's.
        memory: Its journal and its bus.
        documents: The settings of its stack, by endpoint.
        stacks: How many stacks there were before: a later one makes a role of its own.
        settings: The settings as its function has them.
    """

    account: str
    endpoints: tuple[str, ...]
    skew: int
    memory: Memory = field(default_factory=Memory)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    stacks: int = 0
    settings: SettingsFiles = field(init=False)

    def __post_init__(self) -> None:
        self.deploy()

    def deploy(self) -> bool:
        """Give the function of further invocations the documents; return whether any settings changed."""
        before = self.settings.digests if hasattr(self, "settings") else {}
        files = settings_files(self.documents.values())
        self.settings = SettingsFiles(files.__getitem__)
        return self.settings.digests != before

    @property
    def role_arn(self) -> str:
        """The role that its models run as."""
        return f"arn:aws:iam::{self.account}:role/models{self.stacks or ''}"

    @property
    def deployers(self) -> str:
        """A pattern of the ARNs that its deployer has."""
        return f"arn:aws:sts::{self.account}:assumed-role/{DEPLOYER_ROLE}/*"

    @property
    def caller(self) -> Caller:
        """Its deployer, as SageMaker sees it."""
        return Caller(self.account, REGION, f"arn:aws:sts::{self.account}:assumed-role/{DEPLOYER_ROLE}/x")


def sites_of(schedule: Schedule) -> tuple[Site, ...]:
    """Return the accounts that a schedule has deployers in."""
    if schedule.stages is Stages.NONE:
        return (Site(ACCOUNT, ENDPOINTS[: schedule.endpoints], schedule.skew),)
    first, second, *more = ENDPOINTS[: max(schedule.endpoints, 2)]
    return (
        Site(STAGING_ACCOUNT, (first, *more), schedule.skew),
        Site(PRODUCTION_ACCOUNT, (second,), -schedule.skew),
    )


def stage_settings(schedule: Schedule, endpoint_name: str) -> dict[str, Any]:
    """Return an endpoint's settings about its stage and the registry; empty where they are as usual."""
    if schedule.stages is Stages.NONE:
        return {} if schedule.metadata else {"VersionMetadata": False}
    if endpoint_name == ENDPOINTS[1]:
        return {
            "ModelPackageGroupName": GROUP_ARN,
            "StageName": "production",
            "Gate": {**PASSED, "LaterStages": list(LATER)},
        }
    return {
        "ModelPackageGroupName": GROUP_ARN,
        "StageName": "staging",
        "Promotion": {
            "Stage": PRODUCTION,
            "StageStatus": _PROMOTED[schedule.stages],
            "SoakSeconds": SOAKS[schedule.soak % len(SOAKS)],
            "LaterStages": list(LATER),
        },
    }


def model_buckets(schedule: Schedule) -> tuple[str, ...]:
    """Return the buckets that models may read: in half of all worlds, not that of their artifacts."""
    return ("others",) if schedule.seed % 2 else ("models",)


def stamp_of(schedule: Schedule, endpoint_name: str) -> str | None:
    """Return the property that says how a version fares on an endpoint; None if nothing is written."""
    stage = stage_settings(schedule, endpoint_name)
    if "StageName" in stage:
        return f"greenlight:{stage['StageName']}:endpoint:{endpoint_name}"
    return None if "VersionMetadata" in stage else f"greenlight:endpoint:{endpoint_name}"


def admits(gate: Mapping[str, Any] | None, package: Mapping[str, Any]) -> bool:
    """Tell whether a gate lets a version through that is complete, as DescribeModelPackage shows it.

    Args:
        gate: The settings' `Gate`, None if every version that is approved may pass.
        package: The version.
    """
    return package.get("ModelPackageStatus") == "Completed" and is_let_through(gate, package)


def is_let_through(gate: Mapping[str, Any] | None, package: Mapping[str, Any]) -> bool:
    """Tell whether a version is approved, and stands where a gate asks for or beyond, complete or not."""
    stands = package.get("ModelLifeCycle") or {}
    return package.get("ModelApprovalStatus") == "Approved" and (
        gate is None or stands.get("Stage") in gate["LaterStages"] or is_at(gate, stands)
    )


def is_at(goal: Mapping[str, Any], stands: Mapping[str, Any]) -> bool:
    """Tell whether a version stands just where a gate or a promotion says."""
    return all(stands.get(member) == goal[member] for member in ("Stage", "StageStatus"))


def group_policy(sites: tuple[Site, ...]) -> str:
    """Return the policy by which a registry lets other accounts' stages read, use and write versions."""
    versions = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/{GROUP}/*"
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Stages",
                    "Effect": "Allow",
                    "Principal": {"AWS": [site.account for site in sites]},
                    "Action": [
                        "sagemaker:CreateModel",
                        "sagemaker:DescribeModelPackage",
                        "sagemaker:DescribeModelPackageGroup",
                        "sagemaker:ListModelPackages",
                        "sagemaker:UpdateModelPackage",
                    ],
                    "Resource": [versions, GROUP_ARN],
                }
            ],
        }
    )
