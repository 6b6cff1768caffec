"""Calls SageMaker's Model Registry: reads versions, and writes what a stage did with them."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from deployer.gateways.sagemaker_errors import (
    error_code,
    is_missing_from_registry,
    refusal_text,
    registry_refusals,
)
from deployer.model.identity import Identity
from deployer.model.life_cycle import LifeCycle
from deployer.model.model_version import ApprovedVersion, Hidden, ModelVersion, VersionChange

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mypy_boto3_sagemaker import SageMakerClient


_PARTS_OF_A_VERSION: Final = 3
"""Of the last part of a version's ARN."""

_DENIED: Final = "AccessDeniedException"
_REFUSALS: Final = frozenset({_DENIED, "ValidationException"})
"""Codes by which SageMaker refuses to describe a version, however often it is asked."""

_UNREADABLE: Final = (ResponseParserError, AttributeError, KeyError, TypeError, ValueError)
"""What botocore or the deployer raises at an answer that is not as SageMaker documents it."""


class ModelRegistry:
    """The registry, in this account or in another one that admits this account."""

    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def describe_version(self, version_arn: str) -> ModelVersion | Hidden | None:
        """Return the version; None if it was deleted or is no version of a group.

        It is `Hidden` if SageMaker refuses the read, as its account's policy or its model card's key may deny
        it, or if the answer is none that can be read. Another version is not held up by that.
        """
        try:
            # Leave out the card's content, which needs kms:Decrypt (botocore: IncludedData).
            answer = self._client.describe_model_package(
                ModelPackageName=version_arn, IncludedData="MetadataOnly"
            )
            return _version(answer)
        except ClientError as error:
            if is_missing_from_registry(error):
                return None
            if error_code(error) not in _REFUSALS:
                raise
            return Hidden(refusal_text(error), is_denied=error_code(error) == _DENIED)
        except _UNREADABLE as error:
            return Hidden(f"its description is none ({type(error).__name__}: {error})", is_denied=False)

    def approved_versions(self, model_package_group: str) -> list[ApprovedVersion]:
        """Return the group's approved, complete versions, newest registration first; none if it is missing.

        Args:
            model_package_group: The group's name or, in another account, its ARN.

        Raises:
            RefusedError: The registry refuses the request.
        """
        # A page may be short or empty and still have a next one. No paginator: loading botocore's data for it
        # would slow down every cold start.
        versions: list[ApprovedVersion] = []
        token: dict[str, Any] = {}
        while True:
            try:
                page = self._client.list_model_packages(
                    ModelPackageGroupName=model_package_group,
                    ModelApprovalStatus="Approved",
                    SortBy="CreationTime",
                    SortOrder="Descending",
                    MaxResults=100,
                    **token,
                )
            except ClientError as error:
                # The settings may be deployed before the first version is registered.
                if is_missing_from_registry(error):
                    return []
                with registry_refusals():
                    raise
            versions.extend(
                ApprovedVersion(
                    summary["ModelPackageArn"],
                    LifeCycle.parse(summary.get("ModelLifeCycle")),
                    summary["CreationTime"].astimezone(UTC).replace(microsecond=0),
                )
                for summary in page["ModelPackageSummaryList"]
                if summary["ModelPackageStatus"] == "Completed"
            )
            if "NextToken" not in page:
                return versions
            token = {"NextToken": page["NextToken"]}

    def changed_since(self, time: datetime) -> list[VersionChange]:
        """Return the versions of this account that changed since a time, as far as Search shows them.

        No filter on the time: no text says in which time zone SageMaker reads one. The order is documented.
        """
        changes: list[VersionChange] = []
        token: dict[str, Any] = {}
        while True:
            page = self._client.search(
                Resource="ModelPackage",
                SortBy="LastModifiedTime",
                SortOrder="Descending",
                MaxResults=100,
                **token,
            )
            for result in page["Results"]:
                package: Mapping[str, Any] = result["ModelPackage"]
                modified = package.get("LastModifiedTime", package["CreationTime"])
                if modified < time:
                    return changes
                # `model-package/<group>/<version>`; a package without a group has no third part.
                path = package["ModelPackageArn"].rpartition(":")[2].lower().split("/")
                if len(path) == _PARTS_OF_A_VERSION:
                    changes.append(
                        VersionChange(
                            group_name=path[1],
                            creation_time=package["CreationTime"].astimezone(UTC),
                            last_modified_time=modified.astimezone(UTC),
                            is_approved=package.get("ModelApprovalStatus") == "Approved",
                            is_completed=package.get("ModelPackageStatus") == "Completed",
                        )
                    )
            if "NextToken" not in page:
                return changes
            token = {"NextToken": page["NextToken"]}

    def put_metadata(self, version_arn: str, properties: Mapping[str, str]) -> None:
        """Add customer metadata properties to a version, overwriting those of the same keys.

        Raises:
            RefusedError: The registry's account denies it, or the version has too many properties.
        """
        with registry_refusals():
            self._client.update_model_package(
                ModelPackageArn=version_arn, CustomerMetadataProperties=dict(properties)
            )

    def put_life_cycle(
        self, version_arn: str, life_cycle: LifeCycle, description: str, properties: Mapping[str, str]
    ) -> None:
        """Set a version's ModelLifeCycle, with customer metadata properties.

        Raises:
            RefusedError: The registry's account denies it, the version is being changed, or it has too many
                properties.
        """
        with registry_refusals():
            self._client.update_model_package(
                ModelPackageArn=version_arn,
                CustomerMetadataProperties=dict(properties),
                ModelLifeCycle={
                    "Stage": life_cycle.stage,
                    "StageStatus": life_cycle.stage_status,
                    "StageDescription": description,
                },
            )


def _version(answer: Mapping[str, Any]) -> ModelVersion | None:
    """Read SageMaker's answer; None if it describes no version of a group."""
    group, version = answer.get("ModelPackageGroupName"), answer.get("ModelPackageVersion")
    created: datetime = answer["CreationTime"]
    if group is None or version is None:
        return None
    modified: datetime = answer.get("LastModifiedTime", created)
    return ModelVersion(
        arn=answer["ModelPackageArn"],
        group_name=group,
        version=version,
        status=answer["ModelPackageStatus"],
        approval_status=answer.get("ModelApprovalStatus", "PendingManualApproval"),
        registered_by=_identity(answer.get("CreatedBy") or {}),
        last_modified_by=_identity(answer.get("LastModifiedBy") or answer.get("CreatedBy") or {}),
        last_modified_time=modified.astimezone(UTC).replace(microsecond=0),
        creation_time=created.astimezone(UTC).replace(microsecond=0),
        content_types=tuple((answer.get("InferenceSpecification") or {}).get("SupportedContentTypes") or ()),
        sample_payload_url=answer.get("SamplePayloadUrl"),
        life_cycle=LifeCycle.parse(answer.get("ModelLifeCycle")),
        metadata=dict(answer.get("CustomerMetadataProperties") or {}),
        containers={
            name: [*specification.get("Containers", ())]
            for name, specification in _specifications(answer).items()
        },
        instance_types=_instance_types(answer),
    )


def _specifications(package: Mapping[str, Any]) -> dict[str | None, Mapping[str, Any]]:
    return {
        None: package.get("InferenceSpecification") or {},
        **{each["Name"]: each for each in package.get("AdditionalInferenceSpecifications") or ()},
    }


def _instance_types(package: Mapping[str, Any]) -> dict[str | None, tuple[str, ...]]:
    return {
        name: tuple(listed)
        for name, specification in _specifications(package).items()
        if (listed := specification.get("SupportedRealtimeInferenceInstanceTypes"))
    }


def _identity(user: Mapping[str, Any]) -> Identity:
    return Identity(user.get("UserProfileArn"), (user.get("IamIdentity") or {}).get("Arn"))
