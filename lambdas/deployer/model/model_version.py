"""Holds a version of a model package group as the registry shows it."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, NamedTuple

from deployer.value import value

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.model.identity import Identity
    from deployer.model.life_cycle import LifeCycle


@value
class VersionChange:
    """A version of this account that changed lately, as Search shows it.

    Attributes:
        group_name: Its group, in lower case, as the ARN has it.
        creation_time: When it was registered.
        last_modified_time: When it changed last, as far as SageMaker counts that.
        is_approved: Whether it is Approved.
        is_completed: Whether its registration is completed.
    """

    group_name: str
    creation_time: datetime
    last_modified_time: datetime
    is_approved: bool
    is_completed: bool


class ApprovedVersion(NamedTuple):
    """A version as the registry's list of approved ones shows it.

    Attributes:
        arn: Its ARN.
        life_cycle: Its place in the registry's life cycle; None if it has none.
        creation_time: When it was registered; UTC, whole seconds.
    """

    arn: str
    life_cycle: LifeCycle | None
    creation_time: datetime


@value
class ModelVersion:
    """A version of a model package group, as the registry has it now.

    Attributes:
        arn: Its ARN.
        group_name: Its group; never derived from the ARN, which is lower-cased.
        version: Its number.
        status: `Completed` once it can be used.
        approval_status: `Approved`, `Rejected` or `PendingManualApproval`.
        registered_by: Who registered it.
        last_modified_by: Who changed it last.
        last_modified_time: When; UTC, whole seconds.
        creation_time: When it was registered, likewise. If its group was deleted and made again, another
            version may have its ARN.
        content_types: The content types that its containers accept, the usual one first.
        sample_payload_url: An archive of payloads for a test; None if it has none.
        instance_types: By inference specification, the instance types that it lists as supported for
            endpoints. The key None is the version's own specification. Empty lists are left out.
        life_cycle: Its place in the registry's life cycle; None if it has none.
        metadata: Its customer metadata properties.
        containers: By inference specification, as above, its containers.
    """

    arn: str
    group_name: str
    version: int
    status: str
    approval_status: str
    registered_by: Identity
    last_modified_by: Identity
    last_modified_time: datetime
    creation_time: datetime | None = None
    content_types: tuple[str, ...] = ()
    sample_payload_url: str | None = None
    instance_types: dict[str | None, tuple[str, ...]] = field(default_factory=dict)
    life_cycle: LifeCycle | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    containers: dict[str | None, list[dict[str, Any]]] = field(default_factory=dict)

    def is_of(self, approved_at: datetime) -> bool:
        """Tell whether an approval of this ARN at that time can be this version's."""
        return self.creation_time is None or self.creation_time <= approved_at

    @property
    def deployable(self) -> bool:
        """Whether it may be deployed now: approved, and past its own creation."""
        return self.approval_status == "Approved" and self.status == "Completed"


@value
class Hidden:
    """A version that the deployer cannot read, or artifacts that S3 does not show.

    Attributes:
        reason: AWS's refusal, or what is wrong with its answer.
        is_denied: Whether a permission is missing.
    """

    reason: str
    is_denied: bool = True
