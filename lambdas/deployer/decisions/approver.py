"""Decides who approved a version, also if a deployer wrote to its metadata since. Pure.

SageMaker shows only who changed a version last. The deployer journals an approval before it writes to the
version. So if a deployer changed it last, the other endpoints that follow its group may know the approver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from deployer.model.names import same_arn

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from deployer.model.approval import Approval, HeardApproval
    from deployer.model.identity import Identity
    from deployer.model.model_version import ModelVersion


class Given(NamedTuple):
    """An approval, as far as it is known who gave it and when.

    Attributes:
        by: Who gave it; None if nobody can tell any more.
        at: When.
    """

    by: Identity | None
    at: datetime


def given(version: ModelVersion, heard: HeardApproval | None) -> Given:
    """Return who approved a version that a person changed last.

    If somebody changed the version after the approval, that is not the approver. Both times are SageMaker's,
    in whole seconds.

    Args:
        version: The version, as the registry shows it.
        heard: What its event says; None if it was found in a list.
    """
    made = heard.changed_at if heard is not None else None
    overwritten = made is not None and version.last_modified_time > made
    at = heard.approved_at if heard is not None else version.last_modified_time
    return Given(None if overwritten else version.last_modified_by, at)


def given_before(
    version: ModelVersion, heard: HeardApproval | None, digest: str | None, known: Iterable[Approval]
) -> Given:
    """Return who approved a version that a deployer changed last.

    Args:
        version: The version, as the registry shows it.
        heard: What its event says; None if it was found in a list.
        digest: Of its containers.
        known: What other endpoints that follow its group have journalled. An approval counts if it is of the
            same content and, where the event says when it was given, of that second.
    """
    made = heard.changed_at if heard is not None else None
    found = [
        each
        for each in known
        if same_arn(each.version_arn, version.arn)
        and version.is_of(each.approved_at)
        and each.approver is not None
        and each.artifact_digest is not None
        and each.artifact_digest == digest
        and made in {None, each.approved_at}
    ]
    at = heard.approved_at if heard is not None else version.last_modified_time
    if not found:
        return Given(None, at)
    newest = max(found, key=lambda each: each.order)
    return Given(newest.approver, at if heard is not None else newest.approved_at)
