"""Say what one statement's calls come to: allowed, not allowed, denied, or impossible to judge. Pure.

Whatever the statement is missing from, a person reads why it matters and gets it to add.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from greenlight.doctor.checks.judging import by_both, by_its_own, call, objections
from greenlight.doctor.facts import Found
from greenlight.doctor.findings import Finding, Status
from iam_evaluator.decision import AccessRequest, Decision, Outcome, PolicyKind
from iam_evaluator.principals import role_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from greenlight.doctor.facts import Reading, Role
    from iam_evaluator.request_context import Values
    from infra.stages.policy_statements import Statement

OWNER: Final = "Greenlight"
"""The prefix of Sids that the doctor proposes for policies outside the stacks; no stack removes them."""

WHY: Final = {
    "sagemaker:DescribeModelPackageGroup": "Who looks into the stage cannot see the group.",
    "sagemaker:DescribeModelPackage": "The deployer cannot read whether a version is approved.",
    "sagemaker:ListModelPackages": "The sweep cannot find approvals whose events were lost.",
    "sagemaker:CreateModel": "SageMaker refuses to make a model of the version.",
    "sagemaker:UpdateModelPackage": "The stage cannot promote, nor write where a version serves.",
    "s3:GetObject": "SageMaker cannot fetch the artifact: CreateModel fails.",
    "s3:ListBucket": "The deployer cannot see whether an artifact was overwritten: it deploys none.",
    "ecr:BatchCheckLayerAvailability": "SageMaker cannot pull the image: the endpoint fails.",
    "ecr:BatchGetImage": "SageMaker cannot pull the image: the endpoint fails.",
    "ecr:GetAuthorizationToken": "SageMaker cannot pull the image: the endpoint fails.",
    "ecr:GetDownloadUrlForLayer": "SageMaker cannot pull the image: the endpoint fails.",
    "kms:Decrypt": "What is encrypted with the key cannot be read: CreateModel fails.",
    "iam:PassRole": "The deployer cannot give models their role: CreateModel fails.",
}
"""What a missing action prevents."""

_WHY_OF_OBJECTS: Final = {
    "ReadRequests": "SageMaker cannot read asynchronous requests: each of them fails.",
    "ListRequests": "A request that is missing looks like one that may not be read.",
    "WriteCallsAndAnswers": "Answers or captured calls are lost, and callers do not learn it.",
    "ReadBaselines": "Clarify cannot read what explanations are measured against.",
}
"""Why models need the objects of `ModelObjects`, by Sid."""


@dataclass(frozen=True, slots=True)
class Need:
    """One call that a role must be allowed to make, and the statement that allows it."""

    request: AccessRequest
    statement: Statement
    resource_policy: Mapping[str, Any] | None = None
    """The resource's own policy, if it is in the role's account and was read."""


def need(
    sid: str,
    action: str,
    resource: str,
    context: Mapping[str, Values],
    condition: Mapping[str, Any],
    resource_policy: Mapping[str, Any] | None = None,
) -> Need:
    """Return a call's need, with a statement under the doctor's own Sid."""
    statement: Statement = {
        "Sid": f"{OWNER}{sid}",
        "Effect": "Allow",
        "Action": [action],
        "Resource": [resource],
        **({"Condition": condition} if condition else {}),
    }
    concrete = resource.replace("/*", "/1") if resource != "*" else resource
    return Need(call(action, concrete, context), statement, resource_policy)


def decided_about(
    check: str,
    subject: str,
    decisions: Sequence[Decision],
    objecting: Sequence[str],
    proposed: Statement,
    where: str,
    idle: Sequence[str] = (),
) -> Finding:
    """Report the worst decision about the calls of one statement.

    If a statement denies them, or may deny them, no added statement can help: the report names that one. It
    also names `idle` statements, which the service stores and ignores.
    """
    actions = proposed["Action"] if isinstance(proposed["Action"], list) else [proposed["Action"]]
    sid = str(proposed["Sid"]).removeprefix(OWNER).rstrip("0123456789")
    why = _WHY_OF_OBJECTS.get(sid) or WHY[actions[0]]
    what = ", ".join(actions)
    who = " and ".join(dict.fromkeys(objecting))
    changed = f"{where.partition(':')[0]}: change {who} so that it lets the role pass."
    is_bounded = any(each.refused_by is PolicyKind.BOUNDARY for each in decisions)
    by = " by the role's permissions boundary, which has to allow it too" if is_bounded else ""
    if idle:
        by += f"; {', '.join(dict.fromkeys(idle))} has no effect: KMS wants Resource and Action in it"
    outcomes = {each.outcome: each.why_not for each in decisions}
    unclear = outcomes.get(Outcome.UNKNOWN)
    of_whom = f" of {who}" if who else ""
    for outcome, status, found in (
        (Outcome.EXPLICIT_DENY, Status.GAP, f"{what} is denied by {who}: no other can allow it"),
        (Outcome.IMPLICIT_DENY, Status.GAP, f"{what} is not allowed{by}"),
        (Outcome.UNKNOWN, Status.UNKNOWN, f"{what} cannot be judged from here, {unclear}{of_whom}"),
    ):
        if outcome in outcomes:
            if who and outcome is not Outcome.IMPLICIT_DENY:
                return Finding(check, status, subject, found, why, changed)
            return Finding(check, status, subject, found, why, where, proposed)
    return Finding(check, Status.OK, f"{subject}: {what}")


def check_identity(
    role: Reading[Role], role_arn: str, needs: Sequence[Need], where: str
) -> Iterator[Finding]:
    """Check that a role's own policies, and its boundary, allow calls."""
    if not isinstance(role, Found):
        return  # which is already a finding
    policies, boundary = role.value.policies, role.value.boundary
    of_boundary = f"In account {role_arn.split(':')[4]}: add it to the policy that is the role's boundary."
    used: Counter[str] = Counter()
    for need in needs:
        # IAM refuses a Sid that occurs twice in a policy, and the doctor may propose several statements.
        sid = need.statement["Sid"]
        used[sid] += 1
        if need.resource_policy is None:
            decision = by_its_own(role.value, role_arn, need.request)
        else:
            decision = by_both(role.value, role_arn, need.request, need.resource_policy)
        is_bounded = decision.refused_by is PolicyKind.BOUNDARY
        bounds = [boundary] if boundary is not None else []
        caller = role_session(role_arn, "doctor")
        objecting = [
            each
            for policy in (*policies, *bounds, need.resource_policy or {})
            for each in objections(policy, caller, need.request)
        ]
        yield decided_about(
            "permission",
            f"the permissions boundary of the role {role_arn}" if is_bounded else f"the role {role_arn}",
            [decision],
            objecting,
            {**need.statement, "Sid": f"{sid}{used[sid]}" if used[sid] > 1 else sid},
            of_boundary if is_bounded else where,
        )
