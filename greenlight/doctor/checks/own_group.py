"""Check one group whose registry is in the stack's account: from its version to the models' role. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from greenlight.doctor.checks.role_permissions import check_role, deployers_calls
from greenlight.doctor.checks.statements import check_identity, need
from greenlight.doctor.checks.versions import Served, check_existing, check_images_region, check_version
from greenlight.doctor.facts import Absent, Found, Unreadable
from greenlight.doctor.findings import Finding, Status, judge, told
from infra.configuration.partitions import partition_of, url_suffix_of
from infra.permissions.s3_grants import Surroundings, on_model_objects
from infra.settings.endpoint_spec import EndpointSpec
from infra.settings.model_objects import ModelObjects
from infra.stages.access import PULL, Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployer.model.settings import EndpointSettings
    from greenlight.doctor.checks.statements import Need
    from greenlight.doctor.facts import Version
    from greenlight.doctor.own_group import OwnGroup
    from iam_evaluator.request_context import Values

_NEVER: Final = "No approval of it can serve."


def check_own_group(facts: OwnGroup) -> Iterator[Finding]:
    """Check everything of a group, in the order in which a version passes it."""
    yield from _group(facts)
    served = [
        Served(each.endpoint_name, each.inference_specification_name, f"the YAML of {each.endpoint_name}")
        for each in facts.endpoints
    ]
    account = facts.group_arn.split(":")[4]
    if isinstance(facts.version, Absent) and isinstance(facts.status, Found):
        yield _nothing_registered(facts)
    else:
        yield from check_version(facts.version, facts.name, account, served)
    yield from check_existing(account, facts.artifacts, facts.images)
    if isinstance(facts.version, Found):
        yield from check_images_region(facts.version.value, facts.region)
    yield from _regions(facts)
    yield from _encryption(facts)
    yield from _policies(facts)
    yield from _deployer(facts)
    yield from _models(facts)


def _group(facts: OwnGroup) -> Iterator[Finding]:
    subject = f"the model package group {facts.name}"
    where = f"In account {facts.group_arn.split(':')[4]}: create it, or correct model_package_group."
    yield from judge(facts.status, "group", subject, absent="there is none", why=_NEVER, where=where)
    if isinstance(facts.status, Found):
        found = f"its status is {facts.status.value}"
        yield told("group", subject, facts.status.value == "Completed", found, _NEVER, where)


def _nothing_registered(facts: OwnGroup) -> Finding:
    return Finding(
        "version",
        Status.NOTE,
        f"a version of {facts.name}",
        "none is registered yet",
        "What a version is made of, and who may read it, cannot be followed before there is one.",
        "Register one, and ask again.",
    )


def _regions(facts: OwnGroup) -> Iterator[Finding]:
    for bucket, reading in facts.regions.items():
        subject = f"the bucket {bucket}"
        why = "SageMaker reads artifacts of its own region only (botocore: ContainerDefinition)."
        where = f"Copy the artifacts to a bucket in {facts.region}, and register the version again."
        if isinstance(reading, Absent):
            continue  # S3 did not say; that an artifact is missing is a finding already
        yield from judge(reading, "region", subject, absent="", why=why, where=where)
        if isinstance(reading, Found):
            found = f"it is in {reading.value}, and the endpoints are in {facts.region}"
            yield told("region", subject, reading.value == facts.region, found, why, where)


def _encryption(facts: OwnGroup) -> Iterator[Finding]:
    """Report what keys cannot be seen; whether the models' role may use them is a matter of roles."""
    why = "SageMaker cannot decrypt the artifact as the models' role: no instance comes up."
    for uri, reading in facts.encryption.items():
        absent = "an object of it went while it was looked at"
        yield from judge(reading, "encryption", uri, absent=absent, why=why, where="Ask again.")
    for name, key in facts.keys.items():
        absent = "there is no such key any more: nothing can be decrypted that it encrypted"
        where = f"In account {facts.account}: upload the artifact again, or approve another version."
        yield from judge(key, "encryption", f"the key {name}", absent=absent, why=why, where=where)


def _policies(facts: OwnGroup) -> Iterator[Finding]:
    """Report the policies that nobody could read: one of their statements may deny."""
    for (kind, name), reading in facts.policies.items():
        if isinstance(reading, Unreadable):
            why = "A statement of it may keep the models' role out."
            yield from judge(reading, "policy", f"the {kind} {name}", absent="", why=why, where="")


def _deployer(facts: OwnGroup) -> Iterator[Finding]:
    why = "Lambda runs the deployer as this role."
    arn = facts.deployer_role_arn
    where = f"In account {facts.account}, {facts.region}: deploy the stack {facts.stack}."
    yield from check_role(facts.deployer_role, arn, "lambda", account=facts.account, where=where, why=why)
    version = facts.version.value.arn if isinstance(facts.version, Found) else _any_version(facts)
    calls = deployers_calls(facts.stack, facts.account, facts.region, version, facts.roles)
    yield from check_identity(facts.deployer_role, arn, [need(*each) for each in calls], _by_hand(where))


def _any_version(facts: OwnGroup) -> str:
    return f"{facts.group_arn.replace(':model-package-group/', ':model-package/')}/1"


def _by_hand(where: str) -> str:
    return f"{where} If it is deployed, the role was changed by hand: add it to the role's policies."


def _models(facts: OwnGroup) -> Iterator[Finding]:
    """Check each role that models run with: its trust, and what it has to read for the endpoints."""
    around = Surroundings(partition_of(facts.region), facts.region, url_suffix_of(facts.region))
    version = facts.version.value if isinstance(facts.version, Found) else None
    for arn, role in facts.roles.items():
        is_made = f":role/{facts.stack}-ModelExecutionRole" in arn
        deploy = f"In account {facts.account}, {facts.region}: deploy the stack {facts.stack}."
        create = f"In account {facts.account}: create the role, or correct the settings that name it."
        yield from check_role(
            role,
            arn,
            "sagemaker",
            account=facts.account,
            where=deploy if is_made else create,
            why="SageMaker runs models as this role.",
        )
        needs = [] if version is None else [*_artifacts(facts, version), *_images(facts, version)]
        needs += _keys(facts, around)
        its_own = [_spec(each) for each in facts.endpoints if facts.role_of(each) == arn]
        # Where asynchronous requests are, the settings that are deployed do not say.
        objects = replace(ModelObjects.of(its_own), requests=())
        needs += [
            need(each.sid, action, resource, {}, {})
            for each in on_model_objects(objects, around)
            for action in each.actions
            if action.startswith("s3:")
            for resource in each.resources
        ]
        where = (
            f"In cdk.json, list the version's bucket in model_buckets; then deploy the stack {facts.stack}. "
            f"Or in account {facts.account}, in a policy of the role."
            if is_made
            else f"In account {facts.account}, in a policy of the role, which is its owner's."
        )
        yield from check_identity(role, arn, needs, where)


def _spec(settings: EndpointSettings) -> EndpointSpec:
    compiled = {
        "CreateModel": settings.create_model,
        "CreateEndpointConfig": settings.create_endpoint_config,
    }
    return EndpointSpec("", settings.endpoint_name, settings.group_name, compiled)


def _artifacts(facts: OwnGroup, version: Version) -> Iterator[Need]:
    for uri in version.artifacts:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        objects = f"arn:{partition_of(facts.region)}:s3:::{bucket}/{key}"
        resource = f"{objects}*" if not key or key.endswith("/") else objects
        # The default bucket must be this account's, as its name can be guessed before it exists.
        context: dict[str, Values] = {"aws:resourceaccount": facts.account}
        yield need("Get", "s3:GetObject", resource, context, {}, _policy(facts, "bucket", bucket))


def _images(facts: OwnGroup, version: Version) -> Iterator[Need]:
    yield need("LogIn", "ecr:GetAuthorizationToken", "*", {}, {})
    for repository in dict.fromkeys(_repositories(version)):
        is_own = repository.account == facts.account
        policy = _policy(facts, "repository", repository.name) if is_own else None
        for action in PULL:
            yield need("Pull", action, repository.arn, {}, {}, policy)


def _repositories(version: Version) -> Iterator[Repository]:
    for image in version.images:
        stem, _, last = image.partition("@")[0].rpartition("/")
        if ".dkr.ecr." in stem:
            yield Repository.of(f"{stem}/{last.partition(':')[0]}")


def _keys(facts: OwnGroup, around: Surroundings) -> Iterator[Need]:
    """Yield the use of each key that encrypts an artifact, through S3."""
    service = f"s3.{around.region}.{around.url_suffix}"
    through = {"StringEquals": {"kms:ViaService": service}}
    for uri, names in facts.encryption.items():
        for name in names.value if isinstance(names, Found) else ():
            key = facts.keys.get(name)
            # Within its account, S3 uses AWS's own key for everybody who may read the object.
            if not isinstance(key, Found) or key.value.is_managed_by_aws:
                continue
            context: dict[str, Values] = {
                "kms:viaservice": service,
                "kms:encryptioncontext:aws:s3:arn": f"arn:{around.partition}:s3:::{uri.removeprefix('s3://')}",
                "kms:calleraccount": facts.account,
            }
            policy = _policy(facts, "key", key.value.arn)
            yield need("Decrypt", "kms:Decrypt", key.value.arn, context, through, policy)


def _policy(facts: OwnGroup, kind: str, name: str) -> Mapping[str, Any] | None:
    """Return a policy: an empty one if there is none, None if nobody knows."""
    reading = facts.policies.get((kind, name), Absent())
    if isinstance(reading, Found):
        return reading.value
    return {} if isinstance(reading, Absent) else None
