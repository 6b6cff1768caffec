"""Compares what was read with what a stage needs, and says of every gap what to add, why, and where.

Pure. What is needed is asked of the same `StageAccess` from which the registry's stack is made, so that the
doctor and the stacks cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from iam_policies.evaluation import AccessRequest, Decision, Outcome, PolicyKind, evaluate
from iam_policies.policies import NO_POLICY, MalformedPolicyError, parse_policy
from iam_policies.principals import Principal, role_session, service
from infra.stages.access import PULL, Artefacts, Repository, admission, group_arns, signed, version_arns
from infra.stages.accounts import partition_of, spellings, url_suffix_of
from ops.facts import Absent, Found, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from iam_policies.context import Values
    from iam_policies.policies import Policy
    from infra.settings.catalogue import EndpointSpec
    from infra.stages.access import PolicyTarget, StageAccess, Statement
    from ops.facts import Facts, Reading, Role, Rule, Version

T = TypeVar("T")

OWNER: Final = "Greenlight"
"""How the Sids begin that the doctor proposes: no stack's begin so, and so no stack removes them."""


class Status(Enum):
    """How a check ended."""

    OK = "ok"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        check: What kind of check, in one word.
        status: How it ended.
        subject: What was looked at.
        found: What is missing, or what could not be read and why.
        why: What goes wrong without it.
        where: Whose to mend it is, and where.
        statement: The very statement to add, where one is.
    """

    check: str
    status: Status
    subject: str
    found: str = ""
    why: str = ""
    where: str = ""
    statement: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """One call that a role must be allowed, and the statement that allows it."""

    request: AccessRequest
    statement: Statement


def diagnose(
    access: StageAccess, group: str, endpoints: Sequence[EndpointSpec], facts: Facts
) -> list[Finding]:
    """Check the whole chain for one group of a stage, in the order in which a version goes along it."""
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
        *_version(access, group, facts),
        *_configured(access, group, version),
        *_registry_side(access, version, facts),
        *_deployer(access, version, facts),
        *_models(access, version, facts),
        *_existing(access, version, facts),
        *_events(access, group, facts),
        *_quotas(endpoints, facts),
    ]


def _judge(
    reading: Reading[T], check: str, subject: str, *, absent: str, why: str, where: str
) -> Iterator[Finding]:
    """Say of something that could not be found or read what that means; nothing of what was found."""
    match reading:
        case Absent():
            yield Finding(check, Status.MISSING, subject, absent, why, where)
        case Unreadable(reason):
            yield Finding(check, Status.UNKNOWN, subject, reason, why, where)
        case Found():
            return


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
            f"Deploy the stack {names.stack}." if made_here else "Create the role, or correct the context."
        )
        yield from _judge(reading, "role", subject, absent="there is no such role", why=why, where=where)
        if isinstance(reading, Found):
            statement = {
                "Effect": "Allow",
                "Principal": {"Service": f"{by}.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": names.account}},
            }
            if _trusts(reading.value, f"{by}.amazonaws.com", names.account):
                yield Finding("trust", Status.OK, subject)
            else:
                yield Finding(
                    "trust",
                    Status.MISSING,
                    subject,
                    f"it does not trust {by}.amazonaws.com",
                    why,
                    f"In account {names.account}, in the role's trust policy.",
                    statement,
                )


def _running(access: StageAccess, facts: Facts) -> dict[str, Reading[Role]]:
    """Collect the roles that models run with, by their ARN."""
    return {access.names.execution_role_arn: facts.execution_role, **facts.model_roles}


def _is_made(access: StageAccess, role_arn: str) -> bool:
    """Tell whether the stage's stack makes a role that models run with."""
    return access.names.execution_role is None and role_arn == access.names.execution_role_arn


def _trusts(role: Role, service_name: str, account: str) -> bool:
    """Tell whether a service may assume a role, as far as the trust policy's conditions can be judged."""
    by = service(service_name, source_account=account, source_arn=None)
    decision = _decided(by, _request("sts:AssumeRole", "*"), role.trust)
    return decision.outcome in {Outcome.ALLOWED, Outcome.UNKNOWN}


def _version(access: StageAccess, group: str, facts: Facts) -> Iterator[Finding]:
    subject = f"a version of {group}"
    registry = access.registry.account
    yield from _judge(
        facts.version,
        "version",
        subject,
        absent="there is no version, or no such group",
        why="Without one, images, artefacts and keys cannot be followed to what they need.",
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


def _configured(access: StageAccess, group: str, version: Version | None) -> Iterator[Finding]:
    """Check that what the version is made of is among what the context says of its group."""
    if version is None:
        return
    where = f"In cdk.json, under registry.groups.{group}; then deploy the registry's stack and the stage's."
    region = access.registry.region
    for uri in version.artefacts:
        within = [each for each in access.artefacts if _below(uri, each)]
        why = "Neither the models' role nor the bucket's policy lets the artefact be read."
        folder = f"{uri.rpartition('/')[0]}/"
        yield _told("context", uri, bool(within), f"artefacts does not have {folder}", why, where)
    for image in version.images:
        name = image.partition("@")[0].rpartition("/")
        bare = f"{name[0]}/{name[2].partition(':')[0]}"
        known = any(bare in wanted for wanted in _images(access))
        why = "Neither the models' role nor the repository's policy lets the image be pulled."
        yield _told("context", image, known, f"images does not have {bare}", why, where)
        if f".ecr.{region}." not in image:
            found = f"it is not in {region}"
            why = "SageMaker pulls images of its own region only (botocore: ContainerDefinition)."
            yield Finding("image", Status.MISSING, image, found, why, f"Copy the image to {region}.")
    if version.key is not None and version.key.startswith("arn:"):
        why = "SageMaker decrypts a version's details as whoever asks for them."
        known = version.key in access.keys
        yield _told("context", version.key, known, "keys does not have it", why, where)


def _images(access: StageAccess) -> list[str]:
    return list(access.registry.groups[access.groups[0]].images)


def _below(uri: str, artefacts: Artefacts) -> bool:
    return uri.startswith(f"s3://{artefacts.bucket}/{artefacts.prefix}")


def _told(check: str, subject: str, right: bool, found: str, why: str, where: str) -> Finding:  # noqa: FBT001 - the outcome itself
    if right:
        return Finding(check, Status.OK, subject)
    return Finding(check, Status.MISSING, subject, found, why, where)


_WHY: Final = {
    "sagemaker:DescribeModelPackageGroup": "Who looks into the stage cannot see the group.",
    "sagemaker:DescribeModelPackage": "The deployer cannot read whether a version is approved.",
    "sagemaker:ListModelPackages": "The sweep cannot find approvals whose events were lost.",
    "sagemaker:CreateModel": "SageMaker refuses to make a model of the version.",
    "sagemaker:UpdateModelPackage": "The stage cannot promote, nor write where a version serves.",
    "s3:GetObject": "SageMaker cannot fetch the artefact: CreateModel fails.",
    "s3:ListBucket": "S3 reports an artefact that is missing as one that is forbidden.",
    "ecr:BatchCheckLayerAvailability": "SageMaker cannot pull the image: the endpoint fails.",
    "ecr:BatchGetImage": "SageMaker cannot pull the image: the endpoint fails.",
    "ecr:GetAuthorizationToken": "SageMaker cannot pull the image: the endpoint fails.",
    "ecr:GetDownloadUrlForLayer": "SageMaker cannot pull the image: the endpoint fails.",
    "kms:Decrypt": "What is encrypted with the key cannot be read: CreateModel fails.",
    "iam:PassRole": "The deployer cannot give models their role: CreateModel fails.",
}


def _registry_side(access: StageAccess, version: Version | None, facts: Facts) -> Iterator[Finding]:
    """Check every policy that lets the stage in, statement by statement."""
    if access.at_home:
        return
    account = access.registry.account
    for target, statement in access.statements():
        subject = f"{_named(target)} in account {account}"
        where = f"In account {account}: deploy the registry's stack, or add it to the policy of "
        proposed = signed(statement, OWNER)
        if target.kind == "key-grants":
            yield _grant(facts, target, proposed, subject, account)
            continue
        reading = facts.policies.get((target.kind, target.name), Absent())
        policy: Mapping[str, Any] = {}
        if isinstance(reading, Unreadable):
            why = _WHY[statement["Action"][0]]
            where += f"{_named(target)}."
            yield Finding("policy", Status.UNKNOWN, subject, reading.reason, why, where, proposed)
            continue
        if isinstance(reading, Found):
            policy = reading.value
        calls = [
            (role, [request] if target.kind != "group" else _spelled(request, access, version))
            for role, request in _calls(statement, _arn_of(target, access), version)
        ]
        yield _allowed(
            "policy",
            subject,
            [
                _best([_decided(role, replace(each, owner_account=account), policy) for each in spelled])
                for role, spelled in calls
            ],
            proposed,
            f"{where}{_named(target)}.",
        )


def _named(target: PolicyTarget) -> str:
    kinds = {"group": "the model package group", "key-grants": "the grants of the key"}
    return f"{kinds.get(target.kind, f'the {target.kind}')} {target.name}"


def _grant(facts: Facts, target: PolicyTarget, proposed: Statement, subject: str, account: str) -> Finding:
    reading = facts.grants.get(target.name, Absent())
    role = proposed["Principal"]["AWS"]
    why = _WHY["kms:Decrypt"]
    where = f"In account {account}: deploy the registry's stack, or run aws kms create-grant."
    if isinstance(reading, Unreadable):
        return Finding("grant", Status.UNKNOWN, subject, reading.reason, why, where)
    grants = reading.value if isinstance(reading, Found) else ()
    if any(grant.grantee == role and "Decrypt" in grant.operations for grant in grants):
        return Finding("grant", Status.OK, f"{subject}, to {role}")
    wanted = {"GranteePrincipal": role, "Operations": ["Decrypt"], "Name": proposed["Sid"]}
    return Finding("grant", Status.MISSING, subject, f"no grant of Decrypt to {role}", why, where, wanted)


def _arn_of(target: PolicyTarget, access: StageAccess) -> str:
    """Return whose policy it is, for statements that leave their resource out or call it `*`."""
    registry = access.registry
    if target.kind == "repository":
        return Repository(registry.account, registry.region, target.name).arn
    return target.name


def _decided(principal: Principal, request: AccessRequest, resource_policy: Mapping[str, Any]) -> Decision:
    """Decide about a request, with a policy as it was read: one that is none leaves it unknown."""
    try:
        policy = _policy(resource_policy)
    except MalformedPolicyError as error:
        return _not_understood(error)
    return evaluate(principal, request, resource_policy=policy)


def _not_understood(error: MalformedPolicyError) -> Decision:
    return Decision(Outcome.UNKNOWN, f"because a policy cannot be understood: {error}")


def _policy(document: Mapping[str, Any]) -> Policy:
    return parse_policy(document) if document.get("Statement") else NO_POLICY


def _request(action: str, resource: str, context: Mapping[str, Values] | None = None) -> AccessRequest:
    """Make a call as it is known from here: over TLS, and otherwise only what is said of it."""
    known = {"aws:securetransport": "true", **(context or {})}
    return AccessRequest(action, resource, context=known, is_context_complete=False)


def _calls(
    statement: Statement, target_arn: str, version: Version | None
) -> Iterator[tuple[Principal, AccessRequest]]:
    """Make the calls that a statement is for: of its roles, on its resources, as its conditions have them.

    What the roles may do by their own policies is another check's matter: here they may do everything.
    """
    conditions = statement["Condition"]
    context = _context(conditions)
    for role in conditions["ArnLike"]["aws:PrincipalArn"]:
        if "*" in role or "?" in role:
            continue  # operators: whoever they are, they are let in by the same statement
        principal = role_session(role, "doctor")
        for action in statement["Action"]:
            for resource in statement.get("Resource", ["*"]):
                concrete = target_arn if resource == "*" else _concrete(resource, version)
                keys = {**context, "kms:calleraccount": principal.account_id}
                yield principal, _request(action, concrete, keys)


def _context(conditions: Mapping[str, Mapping[str, Any]]) -> dict[str, Values]:
    """Make what a call says of itself so that it is one which the conditions are for."""
    said: dict[str, Values] = {
        key.lower(): _sample(value)
        for operator in ("StringEquals", "StringLike")
        for key, value in conditions.get(operator, {}).items()
    }
    return said | {key.lower(): () for key in conditions.get("Null", {})}


def _sample(value: object) -> str:
    first = value[0] if isinstance(value, list) else value
    return str(first).replace("*", "x")


def _concrete(resource: str, version: Version | None) -> str:
    if "*" not in resource:
        return resource
    for uri in version.artefacts if version else ():
        arn = f"{resource.split(':::', maxsplit=1)[0]}:::{uri.removeprefix('s3://')}"
        if ":s3:::" in resource and arn.startswith(resource.removesuffix("*")):
            return arn
    return resource.replace("*", "1")


def _spelled(request: AccessRequest, access: StageAccess, version: Version | None) -> list[AccessRequest]:
    """List a call for each spelling of the group's name; of a version that was read, its own."""
    if ":model-package/" in request.resource_arn:
        arns = [arn.replace("*", "1") for arn in version_arns(access.registry, access.groups[0])]
        return [replace(request, resource_arn=arn) for arn in ([version.arn] if version else arns)]
    return [replace(request, resource_arn=arn) for arn in group_arns(access.registry, access.groups[0])]


def _best(decisions: Sequence[Decision]) -> Decision:
    return next((each for each in decisions if each.is_allowed), decisions[0])


def _allowed(
    check: str, subject: str, decisions: Sequence[Decision], proposed: Statement, where: str
) -> Finding:
    """Say how the calls of one statement are decided: the worst of them counts."""
    actions = proposed["Action"] if isinstance(proposed["Action"], list) else [proposed["Action"]]
    why = _WHY[actions[0]]
    what = ", ".join(actions)
    is_bounded = any(each.refused_by is PolicyKind.BOUNDARY for each in decisions)
    by = " by the role's permissions boundary, which has to allow it too" if is_bounded else ""
    outcomes = {each.outcome: each.why_not for each in decisions}
    unclear = outcomes.get(Outcome.UNKNOWN)
    for outcome, status, found in (
        (Outcome.EXPLICIT_DENY, Status.MISSING, f"{what} is denied by a statement: no other can allow it"),
        (Outcome.IMPLICIT_DENY, Status.MISSING, f"{what} is not allowed{by}"),
        (Outcome.UNKNOWN, Status.UNKNOWN, f"{what} cannot be judged from here, {unclear}"),
    ):
        if outcome in outcomes:
            return Finding(check, status, subject, found, why, where, proposed)
    return Finding(check, Status.OK, f"{subject}: {what}")


def _identity(role: Reading[Role], role_arn: str, needs: Sequence[Need], where: str) -> Iterator[Finding]:
    if not isinstance(role, Found):
        return  # which is a finding already
    for need in needs:
        decision = _by_its_own(role.value, role_arn, need.request)
        yield _allowed("identity", f"the role {role_arn}", [decision], need.statement, where)


def _by_its_own(role: Role, role_arn: str, request: AccessRequest) -> Decision:
    """Decide what a role's own policies say of a call; whose resource it is, is another check's matter."""
    try:
        policies = tuple(_policy(each) for each in role.policies)
        boundary = None if role.boundary is None else _policy(role.boundary)
    except MalformedPolicyError as error:
        return _not_understood(error)
    return evaluate(role_session(role_arn, "doctor", policies, boundary), request)


def _deployer(access: StageAccess, version: Version | None, facts: Facts) -> Iterator[Finding]:
    """Check what the deployer's own role may do."""
    names = access.names
    partition = partition_of(names.region)
    packages = [version.arn] if version else [arn.replace("*", "1") for arn in _all_versions(access)]
    model = f"arn:{partition}:sagemaker:{names.region}:{names.account}:model/any"
    tag: dict[str, Values] = {
        f"aws:requesttag/{OWNER.lower()}:stack": names.stack,
        "aws:tagkeys": ("greenlight:stack",),
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
            (purpose, "sagemaker:UpdateModelPackage", packages[0], _context(conditions), conditions)
            for purpose, conditions in access.writes()
        ),
    ]
    yield from _identity(
        facts.deployer_role,
        names.deployer_role_arn,
        [_need(*call) for call in calls],
        f"Deploy the stack {names.stack}: its role is the stack's own.",
    )


def _all_versions(access: StageAccess) -> list[str]:
    return version_arns(access.registry, access.groups[0])


def _models(access: StageAccess, version: Version | None, facts: Facts) -> Iterator[Finding]:
    """Check what the role that models run with may do."""
    names = access.names
    partition, suffix = partition_of(names.region), url_suffix_of(names.region)
    via: dict[str, Values] = {"kms:viaservice": f"s3.{names.region}.{suffix}"}
    through = {"StringEquals": {"kms:ViaService": via["kms:viaservice"]}}
    s3 = f"arn:{partition}:s3:::"
    prefixes = [
        each
        for each in access.artefacts
        if version is None or any(_below(uri, each) for uri in version.artefacts)
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
        where = (
            f"Deploy the stack {names.stack}: its role is the stack's own."
            if _is_made(access, arn)
            else f"In account {names.account}, in a policy of the role, which is its owner's."
        )
        yield from _identity(role, arn, [_need(*call) for call in calls], where)


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
    return Need(_request(action, concrete, context), statement)


def _existing(access: StageAccess, version: Version | None, facts: Facts) -> Iterator[Finding]:
    """Check that artefacts and images are there."""
    if version is None:
        return
    account = access.registry.account
    for things, check, what in ((facts.artefacts, "artefact", "object"), (facts.images, "image", "image")):
        for name, reading in things.items():
            if isinstance(reading, Found) and reading.value:
                yield Finding(check, Status.OK, name)
                continue
            yield from _judge(
                reading if isinstance(reading, Unreadable) else Absent(),
                check,
                name,
                absent=f"there is no such {what}",
                why="SageMaker fetches it when it makes the model and launches instances.",
                where=f"In account {account}: put it back, or approve another version.",
            )


def _events(access: StageAccess, group: str, facts: Facts) -> Iterator[Finding]:
    """Check the way of an event: the registry's rule, its role, the stage's bus, the stage's rule."""
    if access.at_home:
        return
    names = access.names
    why = "Approvals reach the stage only with the next sweep."
    here = f"Deploy the stack {names.stack}."
    there = f"In account {access.registry.account}: deploy the registry's stack."
    subject = f"the bus {names.bus_arn}"
    yield from _judge(
        facts.bus_policy, "event-path", subject, absent="there is no such bus", why=why, where=here
    )
    if isinstance(facts.bus_policy, Found):
        organization = access.registry.organization
        context: dict[str, Values] = {"aws:principalorgid": organization} if organization else {}
        sender = f"arn:{partition_of(names.region)}:iam::{access.registry.account}:role/sender"
        request = replace(_request("events:PutEvents", names.bus_arn, context), owner_account=names.account)
        decision = _decided(role_session(sender, "doctor"), request, facts.bus_policy.value)
        if decision.is_allowed:
            yield Finding("event-path", Status.OK, subject)
        else:
            found = f"it does not admit events of account {access.registry.account}"
            status = Status.UNKNOWN if decision.outcome is Outcome.UNKNOWN else Status.MISSING
            yield Finding("event-path", status, subject, found, why, here, admission(access))
    yield from _rules(
        facts.receiving_rules,
        f"a rule on the bus {names.bus}",
        lambda rule: _matches(rule, access, group) and bool(rule.targets),
        f"no enabled rule takes the events of account {access.registry.account} to the deployer",
        why,
        here,
    )
    sending = [
        rule
        for rule in (facts.forwarding_rules.value if isinstance(facts.forwarding_rules, Found) else ())
        if _matches(rule, access, group) and any(arn == names.bus_arn for arn, _ in rule.targets)
    ]
    yield from _rules(
        facts.forwarding_rules,
        f"a rule in account {access.registry.account}",
        lambda rule: rule in sending,
        f"no enabled rule sends the events of {group} to {names.bus_arn}",
        why,
        there,
    )
    for role_arn in dict.fromkeys(role for rule in sending for arn, role in rule.targets if role):
        yield from _sender(facts.forwarding_roles.get(role_arn, Absent()), role_arn, access, why, there)
    if any(arn == names.bus_arn and role is None for rule in sending for arn, role in rule.targets):
        found = "it has no role, and EventBridge sends to another account's bus only as one"
        yield Finding("event-path", Status.MISSING, "the registry's rule", found, why, there)


def _rules(
    reading: Reading[Sequence[Rule]],
    subject: str,
    serves: Any,  # noqa: ANN401 - a predicate on rules
    found: str,
    why: str,
    where: str,
) -> Iterator[Finding]:
    yield from _judge(reading, "event-path", subject, absent=found, why=why, where=where)
    if isinstance(reading, Found):
        names = [rule.name for rule in reading.value if rule.enabled and serves(rule)]
        right = bool(names)
        yield _told("event-path", f"the rule {names[0]}" if right else subject, right, found, why, where)


def _matches(rule: Rule, access: StageAccess, group: str) -> bool:
    """Tell whether a rule's pattern takes an approval of the group; only what our patterns use is judged."""
    pattern = rule.pattern
    wanted = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "account": [access.registry.account],
        "region": [access.registry.region],
    }
    plain = all(name not in pattern or set(values) & set(pattern[name]) for name, values in wanted.items())
    groups = pattern.get("detail", {}).get("ModelPackageGroupName")
    return plain and (groups is None or bool(set(spellings(group, "both")) & {str(each) for each in groups}))


def _sender(
    role: Reading[Role], role_arn: str, access: StageAccess, why: str, where: str
) -> Iterator[Finding]:
    subject = f"the role {role_arn}"
    yield from _judge(role, "event-path", subject, absent="there is no such role", why=why, where=where)
    if isinstance(role, Found):
        bus = access.names.bus_arn
        statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}
        decision = _by_its_own(role.value, role_arn, _request("events:PutEvents", bus))
        trusted = _trusts(role.value, "events.amazonaws.com", access.registry.account)
        if decision.is_allowed and trusted:
            yield Finding("event-path", Status.OK, subject)
        else:
            found = "it may not put events on the stage's bus" if trusted else "EventBridge cannot take it"
            yield Finding("event-path", Status.MISSING, subject, found, why, where, statement)


def _quotas(endpoints: Sequence[EndpointSpec], facts: Facts) -> Iterator[Finding]:
    """Check that there may be as many instances as endpoints have, and as many again while one is updated."""
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
        where = "Ask for more in Service Quotas, in the stage's account and region."
        reading = facts.quotas.get(instance_type, Absent())
        yield from _judge(reading, "quota", subject, absent="there is no such quota", why=why, where=where)
        if isinstance(reading, Found):
            found = f"it is {reading.value:g}; {needed} are needed, with the group's largest endpoint twice"
            yield _told("quota", subject, reading.value >= needed, found, why, where)
