"""Synthesises the app once a run: starting CDK takes seconds, and every template test can share it."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from aws_cdk import App

from app import synthesise
from deployer.contract import SETTINGS_DIRECTORY, settings_file
from deployer.gateways.settings_files import SettingsFiles
from tests.infra.estate import ENDPOINTS, NAMES, Estate, context
from tests.infra.fleet import write_fleet
from tests.infra.once import once_a_run
from tests.infra.roles import Deployed

# The policy editor's module reads its environment when it is imported, as Lambda wants it.
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
os.environ.setdefault("OWNER", "Greenlight0123456789")
os.environ.setdefault("STAGE_ACCOUNTS", "444455556666")

REPOSITORY = Path(__file__).parents[2]
_SET_BY_THE_CLI = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}


@dataclass(frozen=True)
class Synthesised:
    """The app's output: its templates, and cdk-nag's report on them."""

    directory: Path
    template: dict[str, Any]
    nag: dict[str, Any]

    @classmethod
    def read(cls, directory: Path) -> Synthesised:
        """Read what the app wrote for its only stack."""
        [template] = directory.glob("*.template.json")
        [nag] = json.loads((directory / "validation-report.json").read_text())["pluginReports"]
        return cls(directory, json.loads(template.read_text()), nag)

    @property
    def resources(self) -> dict[str, Any]:
        """The template's resources by logical id."""
        found: dict[str, Any] = self.template["Resources"]
        return found

    @property
    def bundle(self) -> Path:
        """The directory that becomes the deployer's function."""
        key: str = self.one("AWS::Lambda::Function", "DeployerFunction")["Code"]["S3Key"]
        return self.directory / f"asset.{key.removesuffix('.zip')}"

    @property
    def settings(self) -> dict[str, dict[str, Any]]:
        """The settings that are deployed with the function, by endpoint."""
        files = SettingsFiles.below(self.bundle / SETTINGS_DIRECTORY)
        documents = [
            json.loads((self.bundle / SETTINGS_DIRECTORY / settings_file(name)).read_bytes())
            for name in files.digests
            if files.read(name) is not None
        ]
        return {each["EndpointName"]: each for each in documents}

    def of_type(self, resource_type: str) -> dict[str, Any]:
        """The properties of every resource of a type, by logical id."""
        return {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    def one(self, resource_type: str, prefix: str = "") -> dict[str, Any]:
        """The properties of the only resource of a type whose logical id begins with a prefix."""
        found = [each for name, each in self.of_type(resource_type).items() if name.startswith(prefix)]
        assert len(found) == 1, f"{len(found)} resources of type {resource_type} begin with {prefix!r}"
        properties: dict[str, Any] = found[0]
        return properties


Synthesise: TypeAlias = Callable[..., Synthesised]
SynthesiseOnce: TypeAlias = Callable[..., Synthesised]

EXAMPLE = {
    "diabetes-progression.yaml": "model_package_group: diabetes-progression\ninstance_type: ml.m5.large\n"
}


def write_files(directory: Path, files: Mapping[str, str]) -> None:
    directory.mkdir()
    for name, content in files.items():
        (directory / name).write_text(content)


def synthesise_into(directory: Path, **context: object) -> Synthesised:
    """Synthesise into a directory with context keys of choice on top of what `cdk.json` has."""
    flags = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    synthesise(App(context={**flags, **_SET_BY_THE_CLI, **context}, outdir=str(directory)))
    return Synthesised.read(directory)


@pytest.fixture(scope="session")
def example_endpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One endpoint's settings; not the repository's own, which are their owner's to change."""
    endpoints = tmp_path_factory.mktemp("example") / "endpoints"
    write_files(endpoints, EXAMPLE)
    return endpoints


@pytest.fixture(scope="session")
def synthesise_with(tmp_path_factory: pytest.TempPathFactory, example_endpoints: Path) -> Synthesise:
    """Synthesise with context keys of choice on top of what `cdk.json` has."""
    defaults = {"endpoints_dir": str(example_endpoints)}

    def run(**context: object) -> Synthesised:
        return synthesise_into(tmp_path_factory.mktemp("assembly"), **{**defaults, **context})

    return run


@pytest.fixture(scope="session")
def synthesise_once(tmp_path_factory: pytest.TempPathFactory) -> SynthesiseOnce:
    """Synthesise settings, by file, and a context under a name: once a run, whichever worker comes first."""

    def run(name: str, files: Mapping[str, str], **context: object) -> Synthesised:
        def make(directory: Path) -> None:
            write_files(directory / "endpoints", files)
            synthesise_into(directory / "out", endpoints_dir=str(directory / "endpoints"), **context)

        return Synthesised.read(once_a_run(tmp_path_factory, name, make) / "out")

    return run


@pytest.fixture(scope="session")
def synthesised(synthesise_once: SynthesiseOnce) -> Synthesised:
    """The app as it is without any configuration."""
    return synthesise_once("synthesised", EXAMPLE)


@pytest.fixture(scope="session")
def configured(synthesise_once: SynthesiseOnce) -> Synthesised:
    """The app with every context key set, and an endpoint whose registry is in another account."""
    group = "arn:aws:sagemaker:eu-central-1:444455556666:model-package-group/churn"
    return synthesise_once(
        "configured",
        {"churn.yaml": f"model_package_group: {group}\ninstance_type: ml.m5.large\n"},
        chat_channels=["slack:T0123ABCD/C0123ABCD", TEAMS],
        history_days="400",
        log_retention_days="30",
        model_buckets="models-a,models-b",
        outcome_emails="oncall@example.com",
        runbook_url="https://wiki.example.com/greenlight",
        stack_name="Greenlight-Test",
        studio_url="https://studio-d-0a1b.studio.eu-central-1.sagemaker.aws",
        sweep_minutes="1",
    )


TEAMS = f"teams:{uuid.UUID(int=1)}/{uuid.UUID(int=2)}/19%3aabcdef%40thread.tacv2"
FEATURED = """\
model_package_group: churn-models
instance_type: ml.m5.large
instance_count: 4
kms_key_id: alias/storage
smoke_test:
  requests:
  - {sample_payload: true}
  - {body_from: s3://checks/one.csv, content_type: text/csv}
autoscaling:
  min: 4
  max: 8
  target_tracking: [{metric: invocations_per_instance, target: 100}]
rollout:
  kind: canary
  size_percent: 25
  alarms:
    error_ratio_percent: 5
    model_latency_p90_ms: 200
    invocations_floor: 10
    existing: [theirs]
"""


FEATURES = {
    "churn.yaml": FEATURED,
    "credit.yaml": "model_package_group: credit\ninstance_type: ml.m5.large\n"
    "vpc: {subnets: [subnet-1], security_groups: [sg-1]}\n"
    "data_capture: {destination: 's3://calls/credit', kms_key_id: alias/calls}\n"
    "explainer: {shap: {baseline_uri: 's3://baselines/credit.csv'}}\n",
    "queue.yaml": "model_package_group: queue\ninstance_type: ml.m5.large\n"
    "asynchronous:\n  output_path: s3://answers/\n"
    "  error_topic_arn: arn:aws:sns:eu-central-1:111122223333:failed\n",
    "fraud.yaml": "model_package_group: fraud\ninstance_type: ml.m5.large\n"
    "execution_role_arn: arn:aws:iam::111122223333:role/fraud-models\n"
    "kms_key_id: 1234abcd-12ab-34cd-56ef-1234567890ab\nrollout: {kind: all_at_once}\n",
    "pricing.yaml": "model_package_group: pricing\n"
    "variants:\n"
    "- {name: Champion, weight: 9, version: 12, instance_type: ml.m5.large}\n"
    "- {name: Challenger, weight: 1, instance_type: ml.m5.large}\n"
    "rollout: {kind: all_at_once, alarms: {error_ratio_percent: 5}}\n",
}


@pytest.fixture(scope="session")
def featured(synthesise_once: SynthesiseOnce) -> Synthesised:
    """The app with endpoints whose settings need something of the stack."""
    return synthesise_once("featured", FEATURES)


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """The app in several accounts."""
    # Here, because it builds on this module.
    from tests.infra.stages.conftest import Accounts, synthesise_accounts  # noqa: PLC0415

    def make(directory: Path) -> None:
        for file, content in ENDPOINTS.items():
            path = directory / "endpoints" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        synthesise_accounts(directory, context(), lambda endpoints: endpoints)

    found = Accounts.read(once_a_run(tmp_path_factory, "estate", make) / "out")
    return Estate(
        {
            name.removeprefix("Greenlight-").lower(): Synthesised(found.directory, template, {})
            for name, template in found.templates.items()
        }
    )


@pytest.fixture(scope="session")
def every_stack(
    synthesised: Synthesised,
    configured: Synthesised,
    featured: Synthesised,
    estate: Estate,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Deployed]:
    """Every stack that policies are read from: of one account, of several, and with each switch turned."""
    # Here, because it builds on this module.
    from tests.infra.stages.conftest import accounts_otherwise  # noqa: PLC0415

    otherwise = accounts_otherwise(tmp_path_factory)
    account, region = "111122223333", "eu-central-1"
    return [
        Deployed(synthesised, account, region, stack="without settings"),
        Deployed(configured, account, region, stack="every context key"),
        Deployed(featured, account, region, NAMES),
        *(estate.deployed(stage) for stage in ("staging", "lab", "production", "registry")),
        *(
            Deployed(
                Synthesised(otherwise.directory, template, {}),
                otherwise.places[name][0],
                otherwise.places[name][1],
                stack=f"{name.removeprefix('Greenlight-').lower()} otherwise",
            )
            for name, template in otherwise.templates.items()
        ),
    ]


@pytest.fixture(scope="session")
def fleets(
    synthesise_with: Synthesise, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Synthesised, Synthesised]:
    """The app with many endpoints, whose grants need several policies; and with some more."""
    directory = tmp_path_factory.mktemp("fleet")
    write_fleet(directory, 201, seed=6, shapes=("captures",))
    more = synthesise_with(endpoints_dir=str(directory))
    for path in sorted(directory.iterdir())[-20:]:
        path.unlink()
    return synthesise_with(endpoints_dir=str(directory)), more
