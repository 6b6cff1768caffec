"""Approves and rejects: the registry's own call, as Studio makes it, with a description.

It says beforehand which endpoints follow the group, and how each stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.exceptions import ClientError

from deployer.model.names import same_arn
from greenlight.errors import CommandError
from greenlight.fleet.state import State
from greenlight.words import person, version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from greenlight.connection import Connection
    from greenlight.fleet.state import Standing

LONGEST: Final = 1024
"""Characters of a description (botocore: `ApprovalDescription`)."""

Status = Literal["Approved", "Rejected"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that somebody decides about.

    Attributes:
        arn: Its ARN.
        group: Its group's name.
        number: Its number.
        status: Its approval status now.
        registered_by: Who registered it; None if the registry does not say.
    """

    arn: str
    group: str
    number: int
    status: str
    registered_by: str | None


def read_candidate(connection: Connection, group: str, number: int) -> Candidate:
    """Read a version.

    Raises:
        CommandError: There is none.
    """
    name = group.rpartition("/")[2]
    package = f"{group.replace(':model-package-group/', ':model-package/')}/{number}"
    try:
        answer: dict[str, Any] = connection.client("sagemaker").describe_model_package(
            ModelPackageName=package
        )
    except ClientError as error:
        code, said = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code != "ValidationException":
            raise
        raise CommandError(
            f"The registry has no {version(number)} of {group}.",
            f"SageMaker answers: {said}",
            f"See which there are: aws sagemaker list-model-packages --model-package-group-name {name}",
        ) from error
    by = answer.get("CreatedBy", {})
    return Candidate(
        arn=answer["ModelPackageArn"],
        group=answer["ModelPackageGroupName"],
        number=answer["ModelPackageVersion"],
        status=answer.get("ModelApprovalStatus", "PendingManualApproval"),
        registered_by=by.get("UserProfileName") or person(by.get("IamIdentity", {}).get("Arn")),
    )


def decide(connection: Connection, candidate: Candidate, status: Status, description: str | None) -> None:
    """Make the registry's own call."""
    request: dict[str, Any] = {"ModelPackageArn": candidate.arn, "ModelApprovalStatus": status}
    if description is not None:
        request["ApprovalDescription"] = description
    connection.client("sagemaker").update_model_package(**request)


def demand_short(description: str | None) -> None:
    """Do nothing if the registry takes a description.

    Raises:
        CommandError: It is too long.
    """
    if description is not None and len(description) > LONGEST:
        raise CommandError(
            "The description is too long.",
            f"It has {len(description)} characters, and the registry takes {LONGEST}.",
            "Shorten it.",
        )


def about_approving(candidate: Candidate, standings: Sequence[Standing]) -> list[str]:
    """Return what there is to know before a version is approved."""
    wanted = version(candidate.number)
    by = candidate.registered_by or "somebody"
    lines = [f"{wanted} of {candidate.group}: {candidate.status}, registered by {by}"]
    if not standings:
        return [*lines, "  No endpoint of this stack follows the group: nothing goes out."]
    for each in standings:
        here = f"{version(each.serves.version)} serves" if each.serves is not None else "nothing serves"
        if each.serves is not None and same_arn(each.serves.version_arn, candidate.arn):
            lines.append(f"  {each.name}: it serves there already.")
        elif each.state is State.HELD:
            lines.append(f"  {each.name}: {here}; it waits there: {each.why}.")
        else:
            lines.append(f"  {each.name}: {here}; {wanted} goes out there, if the approval counts.")
    return lines


def about_rejecting(candidate: Candidate, standings: Sequence[Standing]) -> list[str]:
    """Return what there is to know before a version is rejected."""
    wanted = version(candidate.number)
    lines = [f"{wanted} of {candidate.group}: {candidate.status}"]
    for each in standings:
        if each.serves is not None and same_arn(each.serves.version_arn, candidate.arn):
            lines.append(
                f"  {each.name}: it serves there. The newest approved version that served well comes back."
            )
        elif (
            each.state is State.ROLLOUT
            and each.coming is not None
            and same_arn(each.coming.version_arn, candidate.arn)
        ):
            lines.append(f"  {each.name}: it is on its way there. SageMaker goes back.")
        else:
            lines.append(f"  {each.name}: it does not serve there.")
    return lines
