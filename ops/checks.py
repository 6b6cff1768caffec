"""Compare what the doctor read with what a stage needs; for every gap say what to add, why, and where.

Pure. The needs come from the same `StageAccess` as the registry's stack, so the doctor and the stacks cannot
disagree.
"""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from deployer.contract import STACK_TAG
from iam_evaluator.decision import AccessRequest, Decision, Outcome, PolicyKind
from iam_evaluator.principals import Principal, role_session
from infra.configuration.partitions import partition_of, url_suffix_of
from infra.permissions.s3_grants import Surroundings, on_model_objects
from infra.settings.model_objects import ModelObjects
from infra.stages.access import PULL, Artifacts, Repository, group_arns, version_arns
from infra.stages.policy_statements import signed, statements_for_owners, statements_of
from infra.stages.stage_names import owner_of, registry_stack_name
from ops.encryption import check_encryption
from ops.event_path import check_event_path
from ops.facts import Absent, Found, Unreadable
from ops.findings import Finding, Status, judge, told
from ops.judging import by_its_own, call, decided, objections, trusts, without_effect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from iam_evaluator.request_context import Values
    from infra.settings.endpoint_spec import EndpointSpec
    from infra.stages.access import StageAccess
    from infra.stages.policy_statements import PolicyTarget, Statement
    from ops.facts import Facts, Reading, Role, Version

OWNER: Final = "Greenlight"
"""The prefix of Sids that the doctor proposes for policies outside the stacks; no stack removes them."""


@dataclass(frozen=True, slots=True)
class Need:
    """One call that a role must be allowed to make, and the statement that allows it."""

    request: AccessRequest
    statement: Statement


def diagnose(
    access: StageAccess, group: str, endpoints: Sequence[EndpointSpec], facts: Facts
) -> list[Finding]:
    """Check the whole chain for one group of a stage, in the order in which a version passes it."""
    access = replace(access, groups=(group,))
    if facts.caller_account != access.names.account:
        return [
            Finding(
                "account",
                Status.MISSING,
                "the credentials",
                f"they are of account {facts.caller_account}, and the stage is in {access.names.account}",
                "The stage's roles, bus and quotas can only be read in its own account.",
                "Give credentials of the stage's account, by --profile, say.",
            )
        ]
    version = facts.version.value if isinstance(facts.version, Found) else None
    return [
        Finding("account", Status.OK, f"account {facts.caller_account}"),
        *_registry_credentials(access, facts),
        *_roles(access, facts),
        *_version(access, group, endpoints, facts),
        *_configured(access, group, version),
        *_registry_side(access, version, facts),
        *_deployer(access, version, facts),
        *_models(access, version, facts),
        *_model_objects(access, endpoints, facts),
        *_existing(access, version, facts),
        *check_encryption(access, group, facts),
        *check_event_path(access, group, facts),
        *_quotas(access, endpoints, facts),
    ]


def _registry_credentials(access: StageAccess, facts: Facts) -> Iterator[Finding]:
    if facts.registry_account not in (None, access.registry.account):
        yield Finding(
            "account",
            Status.MISSING,
            "the registry's credentials",
            f"they are of account {facts.registry_account}, and the registry is {access.registry.account}",
            "The registry's policies can only be read in its own account.",
            "Give credentials of the registry's account by --registry-profile.",
        )


def _roles(access: StageAccess, facts: Facts) -> Iterator[Finding]:
    names = access.names
    runs_models = "SageMaker runs models as this role."
    for reading, arn, by, why in (
        (facts.deployer_role, names.deployer_role_arn, "lambda", "Lambda runs the deployer as this role."),
        *((reading, arn, "sagemaker", runs_models) for arn, reading in _running(access, facts).items()),
    ):
        subject = f"the role {arn}"
        made_here = by == "lambda" or _is_made(access, arn)
        where = (
            f"In account {names.account}, {names.region}: deploy the stack {names.stack}."
            if made_here
            else f"In account {names.account}: create the role, or correct the context."
        )
        yield from judge(reading, "role", subject, absent="there is no such role", why=why, where=where)
        if isinstance(reading, Found):
            statement = {
                "Effect": "Allow",
                "Principal": {"Service": f"{by}.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": names.account}},
            }
            if trusts(reading.value.trust, f"{by}.amazonaws.com", names.account):
                yield Finding("trust", Status.OK, subject)
            else:
                yield Finding(
                    "trust",
                    Status.MISSING,
                    subject,
                    f"it does not trust {by}.amazonaws.com",
                    why,
                    f"In account {names.account}: add it to the role's trust policy.",
                    statement,
                )


def _running(access: StageAccess, facts: Facts) -> dict[str, Reading[Role]]:
    """Collect the models' roles, by ARN."""
    return {access.names.execution_role_arn: facts.execution_role, **facts.model_roles}


def _is_made(access: StageAccess, role_arn: str) -> bool:
    """Tell whether the stage's stack creates the role of a model."""
    return access.names.execution_role is None and role_arn == access.names.execution_role_arn


def _version(
    access: StageAccess, group: str, endpoints: Sequence[EndpointSpec], facts: Facts
) -> Iterator[Finding]:
    subject = f"a version of {group}"
    registry = access.registry.account
    yield from judge(
        facts.version,
        "version",
        subject,
        absent="there is no version, or no such group",
        why="Without one, images, artifacts and keys cannot be followed to what they need.",
        where=f"Register a version in account {registry}, or name one by --version.",
    )
    if isinstance(facts.version, Found):
        version = facts.version.value
        if version.status == "Completed":
            yield Finding("version", Status.OK, version.arn)
        else:
            yield Finding(
                "version",
                Status.MISSING,
                version.arn,
                f"its ModelPackageStatus is {version.status}",
                "SageMaker deploys only what is Completed.",
                f"In account {registry}: wait, or register it again.",
            )
        for spec in endpoints:
            name = spec.inference_specification_name
            if name is not None and name not in version.specifications:
                yield Finding(
                    "version",
                    Status.MISSING,
                    version.arn,
                    f"it has no inference specification {name}, which endpoint {spec.endpoint_name} serves",
                    "SageMaker refuses to make a model of what a version does not have.",
                    f"In account {registry}: add it by UpdateModelPackage, or register a version that has "
                    f"it; or correct inference_specification in {spec.file}.",
                )


def _configured(access: StageAccess, group: str, version: Version | None) -> Iterator[Finding]:
    """Check that the context lists the version's artifacts and images for its group."""
    if version is None:
        return
    where = f"In cdk.json, under registry.groups.{group}; then deploy the registry's stack and the stage's."
    region = access.registry.region
    for uri in version.artifacts:
        within = [each for each in access.artifacts if _below(uri, each)]
        why = "Neither the models' role nor the bucket's policy lets the artifact be read."
        folder = f"{uri.rpartition('/')[0]}/"
        yield told("context", uri, bool(within), f"artifacts does not have {folder}", why, where)
    for image in version.images:
        name = image.partition("@")[0].rpartition("/")
        bare = f"{name[0]}/{name[2].partition(':')[0]}"
        known = any(bare in wanted for wanted in _images(access))
        why = "Neither the models' role nor the repository's policy lets the image be pulled."
        yield told("context", image, known, f"images does not have {bare}", why, where)
        if f".ecr.{region}." not in image:
            found = f"it is not in {region}"
            why = "SageMaker pulls images of its own region only (botocore: ContainerDefinition)."
            yield Finding("image", Status.MISSING, image, found, why, f"Copy the image to {region}.")


def _images(access: StageAccess) -> list[str]:
    return list(access.registry.groups[access.groups[0]].images)


def _below(uri: str, artifacts: Artifacts) -> bool:
    return uri.startswith(f"s3://{artifacts.bucket}/{artifacts.prefix}")


_WHY: Final = {
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

_WHY_OF_OBJECTS: Final = {
    "ReadRequests": "SageMaker cannot read asynchronous requests: each of them fails.",
    "ListRequests": "A request that is missing looks like one that may not be read.",
    "WriteCallsAndAnswers": "Answers or captured calls are lost, and no caller is told.",
    "ReadBaselines": "Clarify cannot read what explanations are measured against.",
}
"""Why models need the objects of `ModelObjects`, by Sid."""


def _registry_side(access: StageAccess, version: Version | None, facts: Facts) -> Iterator[Finding]:
    """Check every policy that admits the stage, statement by statement."""
    if access.at_home:
        return
    stack = registry_stack_name(access.names.stack_name)
    # Propose the stack's own Sids: once the stack is deployed, it owns a statement added by hand, and removes
    # it in the end.
    owner = owner_of(access.names.stack_name, access.registry)
    for target, statement in statements_of(access):
        account = _account_of(target, access)
        subject = f"{_named(target)} in account {account}"
        where = (
            f"In account {account}: deploy the stack {stack}. If it is deployed, the statement was taken out "
            f"by hand: deploy it with another registry.revision, or add it to the policy of {_named(target)}."
        )
        if target.kind == "key-grants":
            yield _grant(facts, target, signed(statement, owner), subject, account)
        else:
            yield _admitting(target, signed(statement, owner), access, version, facts, subject, where)
    for target, statement in statements_for_owners(access):
        account = _account_of(target, access)
        if target.kind == "key":
            subject = f"{_named(target)} in account {account}"
            where = f"In account {account}: let the key's owner add it to the key's policy."
        else:
            # A bucket's name does not tell whose bucket it is.
            subject = _named(target)
            where = f"In its owner's account: let the owner add it to the policy of {_named(target)}."
        yield _admitting(target, signed(statement, OWNER), access, version, facts, subject, where)


def _account_of(target: PolicyTarget, access: StageAccess) -> str:
    """Tell whose a policy is: a key may belong to any account."""
    return target.name.split(":")[4] if target.name.startswith("arn:") else access.registry.account


def _admitting(
    target: PolicyTarget,
    proposed: Statement,
    access: StageAccess,
    version: Version | None,
    facts: Facts,
    subject: str,
    where: str,
) -> Finding:
    """Check that a policy on the registry's side allows what a statement is for."""
    reading = facts.policies.get((target.kind, target.name), Absent())
    if isinstance(reading, Unreadable):
        why = _WHY[proposed["Action"][0]]
        where = f"{reading.remedy} The policy of {_named(target)} must have the statement."
        return Finding("policy", Status.UNKNOWN, subject, reading.reason, why, where, proposed)
    policy: Mapping[str, Any] = reading.value if isinstance(reading, Found) else {}
    owner = _account_of(target, access)
    calls = [
        (role, [request] if target.kind != "group" else _spelled(request, access, version))
        for role, request in _calls(proposed, _arn_of(target, access), version)
    ]
    decisions = [
        _best([decided(role, replace(each, owner_account=owner), policy) for each in spelled])
        for role, spelled in calls
    ]
    objecting = [
        each for role, spelled in calls for request in spelled for each in objections(policy, role, request)
    ]
    idle = [each for _, spelled in calls for request in spelled for each in without_effect(policy, request)]
    return _allowed("policy", subject, decisions, objecting, proposed, where, idle)


def _named(target: PolicyTarget) -> str:
    kinds = {"group": "the model package group", "key-grants": "the grants of the key"}
    return f"{kinds.get(target.kind, f'the {target.kind}')} {target.name}"


def _grant(facts: Facts, target: PolicyTarget, proposed: Statement, subject: str, account: str) -> Finding:
    reading = facts.grants.get(target.name, Absent())
    role = proposed["Principal"]["AWS"]
    why = _WHY["kms:Decrypt"]
    where = (
        f"In account {account}: deploy the registry's stack. If it is deployed, the grant was revoked by "
        "hand: deploy it with another registry.revision, or make it again."
    )
    if isinstance(reading, Unreadable):
        return Finding("grant", Status.UNKNOWN, subject, reading.reason, why, reading.remedy)
    grants = reading.value if isinstance(reading, Found) else ()
    if any(grant.grantee == role and "Decrypt" in grant.operations for grant in grants):
        return Finding("grant", Status.OK, f"{subject}, to {role}")
    wanted = {"GranteePrincipal": role, "Operations": ["Decrypt"], "Name": proposed["Sid"]}
    found = f"no grant of Decrypt to {role}"
    to_role = ["--grantee-principal", role, "--operations", "Decrypt", "--name", proposed["Sid"]]
    command = shlex.join(["aws", "kms", "create-grant", "--key-id", target.name, *to_role])
    return Finding("grant", Status.MISSING, subject, found, why, where, wanted, command)


def _arn_of(target: PolicyTarget, access: StageAccess) -> str:
    """Return the policy's own resource, for statements that omit it or name `*`."""
    registry = access.registry
    if target.kind == "repository":
        return Repository(registry.account, registry.region, target.name).arn
    return target.name


def _calls(
    statement: Statement, target_arn: str, version: Version | None
) -> Iterator[tuple[Principal, AccessRequest]]:
    """Make the calls that a statement is for: by its roles, on its resources, meeting its conditions.

    The roles may do everything here: another check looks at their own policies.
    """
    conditions = statement["Condition"]
    context = _context(conditions)
    for role in conditions["ArnLike"]["aws:PrincipalArn"]:
        if "*" in role or "?" in role:
            continue  # operators: the same statement admits all of them
        principal = role_session(role, "doctor")
        for action in statement["Action"]:
            for resource in statement.get("Resource", ["*"]):
                concrete = target_arn if resource == "*" else _concrete(resource, version)
                keys = {**context, "kms:calleraccount": principal.account_id}
                yield principal, call(action, concrete, keys)


def _context(conditions: Mapping[str, Mapping[str, Any]]) -> dict[str, Values]:
    """Build a call's context so that the conditions apply to it."""
    said: dict[str, Values] = {
        key.lower(): _sample(value)
        for operator in ("StringEquals", "StringEqualsIfExists", "StringLike")
        for key, value in conditions.get(operator, {}).items()
    }
    return said | {key.lower(): () for key in conditions.get("Null", {})}


def _sample(value: object) -> str:
    first = value[0] if isinstance(value, list) else value
    return str(first).replace("*", "x")


def _concrete(resource: str, version: Version | None) -> str:
    if "*" not in resource:
        return resource
    for uri in version.artifacts if version else ():
        arn = f"{resource.split(':::', maxsplit=1)[0]}:::{uri.removeprefix('s3://')}"
        if ":s3:::" in resource and arn.startswith(resource.removesuffix("*")):
            return arn
    return resource.replace("*", "1")


def _spelled(request: AccessRequest, access: StageAccess, version: Version | None) -> list[AccessRequest]:
    """List a call for each spelling of the group's name; for a version that was read, its own spelling."""
    if ":model-package/" in request.resource_arn:
        arns = [arn.replace("*", "1") for arn in version_arns(access.registry, access.groups[0])]
        return [replace(request, resource_arn=arn) for arn in ([version.arn] if version else arns)]
    return [replace(request, resource_arn=arn) for arn in group_arns(access.registry, access.groups[0])]


def _best(decisions: Sequence[Decision]) -> Decision:
    return next((each for each in decisions if each.is_allowed), decisions[0])


def _allowed(
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
    why = _WHY_OF_OBJECTS.get(sid) or _WHY[actions[0]]
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
        (Outcome.EXPLICIT_DENY, Status.MISSING, f"{what} is denied by {who}: no other can allow it"),
        (Outcome.IMPLICIT_DENY, Status.MISSING, f"{what} is not allowed{by}"),
        (Outcome.UNKNOWN, Status.UNKNOWN, f"{what} cannot be judged from here, {unclear}{of_whom}"),
    ):
        if outcome in outcomes:
            if who and outcome is not Outcome.IMPLICIT_DENY:
                return Finding(check, status, subject, found, why, changed)
            return Finding(check, status, subject, found, why, where, proposed)
    return Finding(check, Status.OK, f"{subject}: {what}")


def _identity(role: Reading[Role], role_arn: str, needs: Sequence[Need], where: str) -> Iterator[Finding]:
    if not isinstance(role, Found):
        return  # which is already a finding
    policies, boundary = role.value.policies, role.value.boundary
    of_boundary = f"In account {role_arn.split(':')[4]}: add it to the policy that is the role's boundary."
    used: Counter[str] = Counter()
    for need in needs:
        # IAM refuses a Sid that occurs twice in a policy, and the doctor may propose several statements.
        sid = need.statement["Sid"]
        used[sid] += 1
        decision = by_its_own(role.value, role_arn, need.request)
        is_bounded = decision.refused_by is PolicyKind.BOUNDARY
        bounds = [boundary] if boundary is not None else []
        caller = role_session(role_arn, "doctor")
        objecting = [
            each for policy in (*policies, *bounds) for each in objections(policy, caller, need.request)
        ]
        yield _allowed(
            "identity",
            f"the permissions boundary of the role {role_arn}" if is_bounded else f"the role {role_arn}",
            [decision],
            objecting,
            {**need.statement, "Sid": f"{sid}{used[sid]}" if used[sid] > 1 else sid},
            of_boundary if is_bounded else where,
        )


def _deployer(access: StageAccess, version: Version | None, facts: Facts) -> Iterator[Finding]:
    """Check the permissions of the deployer's own role."""
    names = access.names
    partition = partition_of(names.region)
    packages = [version.arn] if version else [arn.replace("*", "1") for arn in _all_versions(access)]
    model = f"arn:{partition}:sagemaker:{names.region}:{names.account}:model/any"
    writing = access.role_write_conditions()
    tag: dict[str, Values] = {
        f"aws:requesttag/{STACK_TAG}": names.stack,
        "aws:tagkeys": (STACK_TAG,),
    }
    calls: list[tuple[str, str, str, Mapping[str, Values], Mapping[str, Any]]] = [
        ("Describe", "sagemaker:DescribeModelPackage", packages[0], {}, {}),
        ("List", "sagemaker:ListModelPackages", packages[0], {}, {}),
        ("CreateFrom", "sagemaker:CreateModel", packages[0], tag, {}),
        ("Create", "sagemaker:CreateModel", model, tag, {}),
        *(
            (
                "Pass",
                "iam:PassRole",
                role,
                {"iam:passedtoservice": "sagemaker.amazonaws.com"},
                {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            )
            for role in _running(access, facts)
        ),
        *(
            (
                "ListArtifacts",
                "s3:ListBucket",
                f"arn:{partition}:s3:::{each.bucket}",
                {"s3:prefix": each.prefix},
                {"StringLike": {"s3:prefix": [f"{each.prefix}*"]}},
            )
            for each in access.artifacts
        ),
        ("Write", "sagemaker:UpdateModelPackage", packages[0], _context(writing), writing),
    ]
    yield from _identity(
        facts.deployer_role,
        names.deployer_role_arn,
        [_need(*call) for call in calls],
        _of_stacks_role(access),
    )


def _of_stacks_role(access: StageAccess) -> str:
    names = access.names
    return (
        f"In account {names.account}, {names.region}: deploy the stack {names.stack}. If it is deployed, "
        "the role was changed by hand: add it to the role's policies."
    )


def _all_versions(access: StageAccess) -> list[str]:
    return version_arns(access.registry, access.groups[0])


def _models(access: StageAccess, version: Version | None, facts: Facts) -> Iterator[Finding]:
    """Check the permissions of the models' role."""
    names = access.names
    partition, suffix = partition_of(names.region), url_suffix_of(names.region)
    via: dict[str, Values] = {"kms:viaservice": f"s3.{names.region}.{suffix}"}
    through = {"StringEquals": {"kms:ViaService": via["kms:viaservice"]}}
    s3 = f"arn:{partition}:s3:::"
    prefixes = [
        each
        for each in access.artifacts
        if version is None or any(_below(uri, each) for uri in version.artifacts)
    ]
    calls: list[tuple[str, str, str, dict[str, Values], dict[str, Any]]] = []
    for each in prefixes:
        objects = f"{s3}{each.bucket}/{each.prefix}*"
        calls.append(("Get", "s3:GetObject", objects, {}, {}))
    for repository in access.repositories:
        calls += [("Pull", action, repository.arn, {}, {}) for action in PULL]
    calls.append(("LogIn", "ecr:GetAuthorizationToken", "*", {}, {}))
    calls += [("Decrypt", "kms:Decrypt", key, via, through) for key in access.keys]
    for arn, role in _running(access, facts).items():
        yield from _identity(role, arn, [_need(*call) for call in calls], _where(access, arn))


def _model_objects(access: StageAccess, endpoints: Sequence[EndpointSpec], facts: Facts) -> Iterator[Finding]:
    """Check that each role may read and write the S3 objects in the settings of its endpoints.

    Keys are not checked: the bucket's owner decides whether, and with which key, the bucket encrypts.
    """
    names = access.names
    around = Surroundings(partition_of(names.region), names.region, url_suffix_of(names.region))
    for arn, role in _running(access, facts).items():
        its_own = [
            spec
            for spec in endpoints
            if spec.compiled["CreateModel"].get("ExecutionRoleArn", names.execution_role_arn) == arn
        ]
        needs = [
            _need(each.sid, action, resource, {}, {})
            for each in on_model_objects(ModelObjects.of(its_own), around)
            for action in each.actions
            if action.startswith("s3:")
            for resource in each.resources
        ]
        yield from _identity(role, arn, needs, _where(access, arn))


def _where(access: StageAccess, role_arn: str) -> str:
    """Say where to add a statement to a models' role."""
    if _is_made(access, role_arn):
        return _of_stacks_role(access)
    return f"In account {access.names.account}, in a policy of the role, which is its owner's."


def _need(
    sid: str,
    action: str,
    resource: str,
    context: Mapping[str, Values],
    condition: Mapping[str, Any],
) -> Need:
    statement: Statement = {
        "Sid": f"{OWNER}{sid}",
        "Effect": "Allow",
        "Action": [action],
        "Resource": [resource],
        **({"Condition": condition} if condition else {}),
    }
    concrete = resource.replace("/*", "/1") if resource != "*" else resource
    return Need(call(action, concrete, context), statement)


def _existing(access: StageAccess, version: Version | None, facts: Facts) -> Iterator[Finding]:
    """Check that artifacts and images exist."""
    if version is None:
        return
    account = access.registry.account
    for things, check, what in ((facts.artifacts, "artifact", "object"), (facts.images, "image", "image")):
        for name, reading in things.items():
            if isinstance(reading, Found) and reading.value:
                yield Finding(check, Status.OK, name)
                continue
            yield from judge(
                reading if isinstance(reading, Unreadable) else Absent(),
                check,
                name,
                absent=f"there is no such {what}",
                why="SageMaker fetches it when it makes the model and launches instances.",
                where=f"In account {account}: put it back, or approve another version.",
            )


def _quotas(access: StageAccess, endpoints: Sequence[EndpointSpec], facts: Facts) -> Iterator[Finding]:
    """Check quotas for the endpoints' instances, and for as many again during an update."""
    counts: dict[str, list[int]] = {}
    for spec in endpoints:
        for variant in spec.compiled["CreateEndpointConfig"].get("ProductionVariants", ()):
            if variant.get("InstanceType"):
                count = int(variant.get("InitialInstanceCount", 1))
                counts.setdefault(variant["InstanceType"], []).append(count)
    for instance_type, each in sorted(counts.items()):
        subject = f"the quota of {instance_type} for endpoint usage"
        needed = sum(each) + max(each)
        why = "SageMaker answers ResourceLimitExceeded, and the rollout fails."
        names = access.names
        where = (
            f"In account {names.account}, {names.region}: ask for more; AWS takes hours to days to grant it."
        )
        reading = facts.quotas.get(instance_type, Absent())
        absent = "there is no such quota: is it a type that endpoints may have?"
        yield from judge(reading, "quota", subject, absent=absent, why=why, where=where)
        if isinstance(reading, Found):
            quota = reading.value
            found = f"it is {quota.value:g}; {needed} are needed, with the group's largest endpoint twice"
            request = ["aws", "service-quotas", "request-service-quota-increase", "--region", names.region]
            request += ["--service-code", "sagemaker", "--quota-code", quota.code]
            command = shlex.join([*request, "--desired-value", str(needed)])
            yield told("quota", subject, quota.value >= needed, found, why, where, command)
