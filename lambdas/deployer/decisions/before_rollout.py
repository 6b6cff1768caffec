"""Decides whether a version is tested on a test endpoint before its rollout, and what that endpoint is. Pure.

A test endpoint serves the version on the smallest fleet that the settings permit. It has no callers, carries
the stack's tags, and names the endpoint that it is for in one of them. It has the name of its config.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import ENDPOINT_TAG
from deployer.decisions.alarms import AlarmPlan
from deployer.model.attempt import AttemptStatus, Deployment
from deployer.model.names import versioned_name
from deployer.model.steps import (
    CreateEndpoint,
    CreateEndpointConfig,
    CreateModel,
    CreateTestEndpoint,
    UpdateEndpoint,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from deployer.decisions.choice import Choice
    from deployer.decisions.plan import Deploy
    from deployer.model.attempt import Attempt
    from deployer.model.history import History
    from deployer.model.release import Release
    from deployer.model.settings import EndpointSettings
    from deployer.model.stack_identity import StackIdentity

_VERSIONED: Final = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9])*-v[1-9][0-9]*-[0-9a-f]{12}")
"""What `versioned_name` makes."""

_LEFT_OUT: Final = frozenset({"DataCaptureConfig", "ShadowProductionVariants", "EndpointConfigName", "Tags"})
"""Members of the release's config that its test endpoint has not: the answers to tests are nobody's data, and
a shadow answers nobody."""


def tested_first(deploy: Deploy, choice: Choice, settings: EndpointSettings, history: History) -> Deploy:
    """Return the steps that make a release's test endpoint, if its version must be tested there first.

    Otherwise return the deployment, which then knows whether its version has passed.

    Args:
        deploy: What would put the release on its endpoint now.
        choice: What it is for. It brings something new.
        settings: The endpoint's.
        history: The endpoint's.
    """
    test, release = settings.smoke_test, choice.release
    if (
        test is None
        or not test.before_rollout
        or deploy.refusal is not None
        or not isinstance(deploy.change, CreateEndpoint | UpdateEndpoint)
        or release.is_former
        or history.is_proven(release.endpoint_config_name)
    ):
        return deploy
    config = _smallest(release, settings)
    name = versioned_name(settings.endpoint_name, release.version, [config, test.fingerprint])
    passed_at = _passed_at(history, name, choice.decided_by.approved_at)
    if passed_at is not None:
        return replace(deploy, test_endpoint_name=name, test_passed_at=passed_at)
    tags = release.create_endpoint["Tags"]
    needed = {each["ModelName"] for each in config["ProductionVariants"]}
    models = (CreateModel(each) for each in release.create_models if each["ModelName"] in needed)
    return replace(
        deploy,
        preparation=(*models, CreateEndpointConfig({**config, "EndpointConfigName": name, "Tags": tags})),
        change=CreateTestEndpoint({"EndpointName": name, "EndpointConfigName": name, "Tags": tags}),
        alarms=AlarmPlan(),
        guards=(),
        clearing=(),
        test_endpoint_name=name,
    )


def _smallest(release: Release, settings: EndpointSettings) -> dict[str, Any]:
    """Return a release's config with the least that can be tested: one instance for each tested variant."""
    config = release.create_endpoint_config
    variants = [
        _alone(each)
        for each in config["ProductionVariants"]
        if each["VariantName"] in settings.following_variants
    ]
    kept = {name: each for name, each in config.items() if name not in _LEFT_OUT}
    return {**kept, "ProductionVariants": variants}


def _alone(variant: Mapping[str, Any]) -> dict[str, Any]:
    """Return a variant with one instance and without scaling, or without provisioned concurrency."""
    alone = {name: each for name, each in variant.items() if name != "ManagedInstanceScaling"}
    if "InitialInstanceCount" in alone:
        alone["InitialInstanceCount"] = 1
    if "InitialVariantWeight" in alone:
        alone["InitialVariantWeight"] = 1.0
    if "ServerlessConfig" in alone:
        serverless = alone["ServerlessConfig"].items()
        alone["ServerlessConfig"] = {
            name: each for name, each in serverless if name != "ProvisionedConcurrency"
        }
    return alone


def _passed_at(history: History, name: str, approved_at: datetime) -> datetime | None:
    """Return when a version passed the test of this name for this approval, or before it served well."""
    return next(
        (
            each.test_passed_at
            for each in history.deployments
            if each.test_endpoint_name == name
            and each.test_passed_at is not None
            and (each.approved_at == approved_at or each.status is AttemptStatus.SUCCEEDED)
        ),
        None,
    )


def may_be_for_a_test(endpoint_name: str) -> bool:
    """Tell whether an endpoint has a name as test endpoints have. Its tags decide."""
    return _VERSIONED.fullmatch(endpoint_name) is not None


def tested_for(endpoint_name: str, tags: Mapping[str, str], identity: StackIdentity) -> str | None:
    """Return the endpoint that a test endpoint of this stack is for; None if it is no test endpoint."""
    owner = tags.get(ENDPOINT_TAG)
    return owner if identity.has(tags) and owner != endpoint_name else None


def is_waited_for(history: History, endpoint_name: str) -> bool:
    """Tell whether a deployment waits for its smoke test on a test endpoint of this name."""
    waiting = history.unsettled
    return (
        isinstance(waiting, Deployment)
        and waiting.status is AttemptStatus.OPEN
        and waiting.test_endpoint_name == endpoint_name
        and waiting.test_passed_at is None
    )


def is_tested_first(attempt: Attempt) -> bool:
    """Tell whether the test of an attempt's version on a test endpoint has begun, and not ended yet."""
    return (
        isinstance(attempt, Deployment)
        and attempt.status is AttemptStatus.OPEN
        and attempt.tests_begun > 0
        and attempt.test_passed_at is None
    )
