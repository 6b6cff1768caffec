"""A model package: a version of a group, or an unversioned one.

Owns its members, its description, and the end of its registration.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local_cloud.sagemaker import events
from local_cloud.sagemaker.registry import search

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from local_cloud.sagemaker.state import Scope, State


@dataclass(slots=True, eq=False)
class ModelPackage:
    """A model package; `name` is the group's for a version, and `version` is None for an unversioned one."""

    name: str
    version: int | None
    arn: str
    creation_time: datetime
    created_by: dict[str, Any]
    sequence: int
    scope: Scope
    last_modified_time: datetime
    last_modified_by: dict[str, Any] | None = None
    status: str = "InProgress"
    members: dict[str, Any] = field(default_factory=dict)
    """Members of the API's shape that are described as sent."""
    due: datetime | None = None

    @property
    def approval_status(self) -> str | None:
        """Its ModelApprovalStatus; None for an unversioned package."""
        approval_status: str | None = self.members.get("ModelApprovalStatus")
        return approval_status

    @property
    def key(self) -> str:
        """Its key among the account's packages."""
        return _key(self.name, self.version)

    def advance(self, state: State) -> None:
        """Complete the registration: without a validation it cannot fail."""
        self.due = None
        self.status = "Completed"
        search.index(state, self)
        events.emit_model_package_state_change(state, self.scope, self, None)

    def describe(self) -> dict[str, Any]:
        """Return the description for DescribeModelPackage."""
        return {
            **self.summary(),
            **self.members,
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CertifyForMarketplace": False,
            "CreatedBy": self.created_by,
            "LastModifiedTime": self.last_modified_time,
            **({} if self.last_modified_by is None else {"LastModifiedBy": self.last_modified_by}),
        }

    def summary(self) -> dict[str, Any]:
        """Return the summary for ListModelPackages."""
        shown: dict[str, Any] = (
            {"ModelPackageName": self.name}
            if self.version is None
            else {"ModelPackageGroupName": self.name, "ModelPackageVersion": self.version}
        )
        shown["ModelPackageArn"] = self.arn
        shown["CreationTime"] = self.creation_time
        shown["ModelPackageStatus"] = self.status
        for name in (
            "ModelPackageDescription",
            "ModelApprovalStatus",
            "ModelLifeCycle",
            "ModelPackageRegistrationType",
        ):
            if name in self.members:
                shown[name] = self.members[name]
        return shown

    def inference_specification(self, name: str | None) -> Mapping[str, Any] | None:
        """Return the package's specification, or the additional one of this name; None if there is none."""
        specification: Mapping[str, Any] | None
        if name is None:
            specification = self.members.get("InferenceSpecification")
        else:
            additional = self.members.get("AdditionalInferenceSpecifications", ())
            specification = next((item for item in additional if item["Name"] == name), None)
        return specification


def image_digest(image: str) -> str:
    """Return an image's digest.

    Here it depends on the image's name, because there is no image registry.
    """
    _, at, digest = image.partition("@")
    return digest if at else f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def _key(name: str, version: int | None) -> str:
    return name.lower() if version is None else f"{name.lower()}/{version}"
