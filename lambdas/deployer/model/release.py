"""Builds releases: one model version under given settings, as SageMaker's requests with their names. Pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from deployer.contract import (
    APPROVED_AT_TAG,
    APPROVED_BY_TAG,
    ENDPOINT_TAG,
    STACK_TAG,
    VERSION_TAG,
)
from deployer.model.companion import Companion
from deployer.model.names import versioned_name
from deployer.value import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from deployer.model.attempt import Deployment
    from deployer.model.settings import EndpointSettings


LONGEST_TAG: Final = 256
"""Characters (botocore: `TagValue`)."""

_NO_TAG: Final = re.compile(r"[^\w \-.:/=+@]+", re.ASCII)


class Version(NamedTuple):
    """A version of a model package group.

    Attributes:
        arn: Its ARN.
        number: Its number in the group.
        artifact_digest: Of its images and artifacts as approved; None if unknown.
        approved_by: The approver; None for a version that is pinned.
        approved_at: When it was approved.
    """

    arn: str
    number: int
    artifact_digest: str | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None


@value
class Release:
    """One model version under given settings: every request to SageMaker, names included.

    It is built from content alone, so that the same inputs give the same names.

    Attributes:
        artifact_digest: Of the version's images and artifacts as approved; None if unknown.
        companions: The versions that serve beside it: pinned ones, and a shadow.
        create_models: Empty for a former release, whose models and config exist.
        create_endpoint_config: Also empty then.
        smoke_test: Fingerprint of the test that a version must pass with it; None without one.
    """

    version_arn: str
    version: int
    endpoint_name: str
    model_name: str
    endpoint_config_name: str
    companions: tuple[Companion, ...]
    create_models: tuple[dict[str, Any], ...]
    create_endpoint_config: dict[str, Any]
    create_endpoint: dict[str, Any]
    update_endpoint: dict[str, Any]
    smoke_test: str | None
    artifact_digest: str | None = None

    @classmethod
    def build(
        cls,
        settings: EndpointSettings,
        version: Version,
        *,
        pinned: Mapping[str, Version],
        shadow: Version | None = None,
        restart: str | None = None,
        execution_role_arn: str,
        stack_name: str,
    ) -> Release:
        """Build the requests that put a version on the settings' endpoint.

        Tags stay out of the names: a changed tag is no reason to launch instances.

        Args:
            settings: The endpoint's.
            version: The version for the variants that follow the approvals.
            pinned: The versions of the other variants. A variant that is missing here is left out.
            shadow: The version that gets copies of the calls, if any.
            restart: Gives the config another name beside the settings' own `restart`; None: it does not.
            execution_role_arn: The models' role, unless the settings name another.
            stack_name: The tag's value on all of the deployer's resources.
        """
        tags = [{"Key": key, "Value": value} for key, value in all_tags(settings, stack_name).items()]
        models: dict[str, dict[str, Any]] = {}

        def model_of(served: Version) -> str:
            container = {**settings.create_model["Containers"][0], "ModelPackageName": served.arn}
            model = {
                "ExecutionRoleArn": execution_role_arn,
                **settings.create_model,
                "Containers": [container],
            }
            # The request names the version, whose content may be changed and approved again. The digest makes
            # that another name.
            content = model if served.artifact_digest is None else [model, served.artifact_digest]
            name = versioned_name(settings.endpoint_name, served.number, content)
            models[name] = {**model, "ModelName": name, "Tags": tags}
            return name

        model_name = model_of(version)
        served_by = {
            **dict.fromkeys(settings.following_variants, version),
            **{name: each for name, each in pinned.items() if name in settings.pins},
        }
        template = settings.create_endpoint_config
        config = {
            **template,
            "ProductionVariants": [
                {**variant, "ModelName": model_of(served_by[variant["VariantName"]])}
                for variant in template["ProductionVariants"]
                if variant["VariantName"] in served_by
            ],
        }
        companions = [
            Companion(name, each.arn, each.number, model_of(each))
            for name, each in served_by.items()
            if name in settings.pins
        ]
        shadows = config.pop("ShadowProductionVariants", [])
        if shadow is not None:
            shadowing = [{**variant, "ModelName": model_of(shadow)} for variant in shadows]
            config["ShadowProductionVariants"] = shadowing
            companions += [
                Companion(each["VariantName"], shadow.arn, shadow.number, each["ModelName"], is_shadow=True)
                for each in shadowing
            ]
        restarts = [each for each in (settings.restart, restart) if each is not None]
        content = [config, *restarts] if restarts else config
        config_name = versioned_name(settings.endpoint_name, version.number, content)
        endpoint = {"EndpointName": settings.endpoint_name, "EndpointConfigName": config_name}
        return cls(
            version_arn=version.arn,
            version=version.number,
            endpoint_name=settings.endpoint_name,
            model_name=model_name,
            endpoint_config_name=config_name,
            companions=tuple(companions),
            create_models=tuple(models.values()),
            create_endpoint_config={
                **config,
                "EndpointConfigName": config_name,
                "Tags": [*tags, *_of_approval(version)],
            },
            create_endpoint={**endpoint, "Tags": tags},
            update_endpoint={**endpoint, **_guards(settings)},
            smoke_test=settings.smoke_test.fingerprint if settings.smoke_test is not None else None,
            artifact_digest=version.artifact_digest,
        )

    @classmethod
    def former(cls, settings: EndpointSettings, attempt: Deployment, *, stack_name: str) -> Release:
        """Build the release that restores a successful attempt: its models and config exist.

        The endpoint may not exist any more. One that is created carries the tags like any other.
        """
        tags = [{"Key": key, "Value": value} for key, value in all_tags(settings, stack_name).items()]
        endpoint = {
            "EndpointName": settings.endpoint_name,
            "EndpointConfigName": attempt.endpoint_config_name,
        }
        return cls(
            version_arn=attempt.version_arn,
            version=attempt.version,
            endpoint_name=settings.endpoint_name,
            model_name=attempt.model_name,
            endpoint_config_name=attempt.endpoint_config_name,
            companions=attempt.companions,
            create_models=(),
            create_endpoint_config={},
            create_endpoint={**endpoint, "Tags": tags},
            update_endpoint={**endpoint, **_guards(settings)},
            smoke_test=None,
            artifact_digest=attempt.artifact_digest,
        )

    def under(self, endpoint_config_name: str) -> Release:
        """Return the same release with another config, which exists and serves the same."""
        name = {"EndpointConfigName": endpoint_config_name}
        return replace(
            self,
            endpoint_config_name=endpoint_config_name,
            create_endpoint_config={**self.create_endpoint_config, **name},
            create_endpoint={**self.create_endpoint, **name},
            update_endpoint={**self.update_endpoint, **name},
        )

    @property
    def is_former(self) -> bool:
        """Whether it was made before, perhaps under other settings."""
        return not self.create_models

    @property
    def version_arns(self) -> tuple[str, ...]:
        """Every version that it puts on the endpoint, the approved one first."""
        return (self.version_arn, *(each.version_arn for each in self.companions))

    @property
    def model_names(self) -> tuple[str, ...]:
        """Every model that it needs, without repetition."""
        return tuple(dict.fromkeys([self.model_name, *(each.model_name for each in self.companions)]))


def _guards(settings: EndpointSettings) -> dict[str, Any]:
    return {"DeploymentConfig": settings.deployment_config} if settings.deployment_config else {}


def _of_approval(version: Version) -> list[dict[str, str]]:
    """Return the tags that say which version a config serves, and who approved it when.

    The endpoint itself has none of them: an update of it takes no tags.
    """
    told = {VERSION_TAG: str(version.number)}
    if version.approved_by is not None and version.approved_at is not None:
        # The value's shape refuses other characters (botocore: `TagValue`).
        approver = _NO_TAG.sub(" ", version.approved_by)[:LONGEST_TAG]
        told |= {APPROVED_BY_TAG: approver, APPROVED_AT_TAG: version.approved_at.isoformat()}
    return [{"Key": key, "Value": value} for key, value in told.items()]


def all_tags(settings: EndpointSettings, stack_name: str) -> dict[str, str]:
    """Return the user's tags, and the two by which the deployer's role and clean-up know their resources."""
    return {**settings.tags, STACK_TAG: stack_name, ENDPOINT_TAG: settings.endpoint_name}
