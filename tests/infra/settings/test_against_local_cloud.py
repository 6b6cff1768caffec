"""Compiler and local cloud agree: what compiles is accepted, and what AWS would refuse does not compile.

Each example is one endpoint's settings. They are compiled with `unchecked: true`, so that what breaks one of
AWS's rules is there to be sent. The deployer's code makes the requests, through boto3. The local cloud has to
refuse them exactly if the compiler warned. SETTINGS_EXAMPLES sets the number of examples.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings

from deployer.gateways.endpoints import Endpoints
from deployer.gateways.model_registry import ModelRegistry
from deployer.gateways.models_and_configs import ModelsAndConfigs
from deployer.gateways.newer_members import pass_on_newer_members
from deployer.gateways.refusals import UpkeepRefusedError
from deployer.gateways.sagemaker_errors import RefusedError
from deployer.gateways.scalable_targets import ScalableTargets
from deployer.gateways.tags import Tags
from deployer.model.release import Release, Version
from deployer.model.settings import EndpointSettings
from infra.settings.catalogue import load_catalogue
from infra.settings.compiling.settings_files import serialised
from local_cloud.testing.in_process import InProcessCloud
from local_cloud.testing.virtual_clock import settle
from tests.infra.settings import drawn
from tests.unit.local_cloud.sagemaker.virtual_cloud import ACCOUNT, REGION, VirtualCloud, specification

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.settings.endpoint_spec import EndpointSpec
    from infra.settings.problem import Problem

EXAMPLES = int(os.environ.get("SETTINGS_EXAMPLES", "300"))
UNVALIDATED = Config(parameter_validation=False)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/models"

NOT_REFUSED_BY_THE_API = {
    'endpoint-auto-scaling-add-console": at least 1': "registering accepts 0 (botocore)",
    "endpoint-auto-scaling-policy": "a metric that nobody publishes is accepted, and never scales anything",
    "a canonical name of the IANA time zones": "the local cloud has no list of Joda-Time's zones",
    "the unknown name": "what the API does not know, it ignores",
    "deployment guardrails, for a serverless": "where there are none, the traffic shifts at once, unwatched",
    "autoscaling of serverless": "Application Auto Scaling does not know the endpoint's MaxConcurrency",
}
"""Sources of rules on what AWS accepts and then never does, and why no call is refused."""


def compiled(
    content: dict[str, Any], directory: Path, **more: Any
) -> tuple[EndpointSpec | None, list[Problem]]:
    (directory / "churn.yaml").write_text(yaml.safe_dump({**content, **more}), encoding="utf-8")
    specs, problems = load_catalogue(directory, "endpoints", stack_name="Greenlight")[:2]
    return (specs[0] if specs else None), problems


class Account:
    """A local cloud with three approved versions, to which the deployer's code applies settings."""

    def __init__(self) -> None:
        self.cloud = VirtualCloud()
        self.cloud.call("CreateModelPackageGroup", ModelPackageGroupName="churn")
        self.arns = [
            self.cloud.call(
                "CreateModelPackage",
                ModelPackageGroupName="churn",
                ModelApprovalStatus="Approved",
                InferenceSpecification=specification(),
            )["ModelPackageArn"]
            for _ in range(3)
        ]
        self.cloud.settle()
        clients = InProcessCloud(self.cloud.control_plane, account_id=ACCOUNT, region=REGION)
        client = pass_on_newer_members(clients.client("sagemaker", UNVALIDATED))
        self.endpoints = Endpoints(client)
        self.models_and_configs = ModelsAndConfigs(client, ModelRegistry(client), Tags(client))
        self.scalable_targets = ScalableTargets(lambda: clients.client("application-autoscaling"))

    def apply(self, compiled: Mapping[str, Any]) -> str | None:
        """Deploy one version, then the next, and scale; return the first refusal, or None."""
        settings = EndpointSettings.parse(serialised(compiled))
        try:
            for number in (2, 3):
                self._deploy(settings, number)
            for variant_name, wanted in settings.scaling.items():
                self.scalable_targets.register("churn", variant_name, wanted, {})
        except (RefusedError, UpkeepRefusedError, ClientError) as error:
            return str(error)
        return None

    def _deploy(self, settings: EndpointSettings, number: int) -> None:
        release = Release.build(
            settings,
            Version(self.arns[number - 1], number),
            pinned={name: Version(self.arns[pin - 1], pin) for name, pin in settings.pins.items()},
            shadow=None if settings.shadow is None else Version(self.arns[0], 1),
            execution_role_arn=ROLE,
            stack_name="Greenlight",
        )
        for model in release.create_models:
            self.models_and_configs.create_model(model, may_exist=True)
        self.models_and_configs.create_endpoint_config(release.create_endpoint_config, may_exist=True)
        if self.endpoints.describe("churn") is None:
            self.endpoints.create(release.create_endpoint)
        else:
            self.endpoints.update(release.update_endpoint)
        settle(self.cloud.control_plane, self.cloud.clock)
        endpoint = self.endpoints.describe("churn")
        assert endpoint is not None
        assert (endpoint.status, endpoint.endpoint_config_name) == (
            "InService",
            release.endpoint_config_name,
        ), endpoint.failure_reason


def is_refused_by_the_api(warning: Problem) -> bool:
    place = f"{warning.field} {warning.got} {warning.source}"
    if "autoscaling" in warning.field and "ProductionVariantServerlessConfig" in warning.source:
        place += " autoscaling of serverless"
    return not any(source in place for source in NOT_REFUSED_BY_THE_API)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("endpoints")


def test_settings_of_every_kind_are_accepted_exactly_if_they_compile(directory: Path) -> None:
    seen: Counter[str] = Counter()

    @hypothesis_settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize="SETTINGS_EXAMPLES" not in os.environ,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
    )
    @given(drawn.settings())
    def holds(content: dict[str, Any]) -> None:
        _, problems = compiled(content, directory, unchecked=False)
        spec, own = compiled(content, directory, unchecked=True)
        if own:
            seen["refused by a rule of Greenlight's"] += 1
            assert {problem for problem in problems if not problem.source} == set(own)
            return
        assert spec is not None
        assert list(spec.warnings) == problems, "unchecked changes a refusal into a warning, and nothing else"
        refusal = Account().apply(spec.compiled)
        expected = [warning for warning in spec.warnings if is_refused_by_the_api(warning)]
        seen["refused by AWS's rules" if expected else "accepted"] += 1
        if expected:
            assert refusal is not None, f"the local cloud accepts what the compiler refuses: {expected}"
        else:
            assert refusal is None, f"the local cloud refuses what compiles: {refusal}"

    holds()

    # An agreement over nothing would be none.
    assert min(seen["accepted"], seen["refused by AWS's rules"]) > EXAMPLES // 20, seen
