from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from greenlight.doctor.checks.diagnosis import diagnose
from greenlight.doctor.facts import Absent, Found, Grant, KmsKey, Quota, Role, Rule, Unreadable
from greenlight.doctor.findings import Finding, Status
from infra.stages.policy_statements import signed, statements_of
from infra.stages.stage_names import owner_of
from tests.infra.stages.example import (
    KEY,
    OTHER_KEY,
    PRODUCTION,
    REGION,
    REGISTRY,
    STAGING,
    example_context,
)
from tests.infra.stages.test_access import DEPLOYER, MODELS, stages
from tests.unit.greenlight.doctor.builders import (
    BUS,
    FUNCTION,
    GROUP,
    SENDER,
    VERSION,
    access,
    allowing,
    deployers_role,
    endpoint,
    facts,
    forwarding,
    granted,
    models_role,
    receiving,
    trust,
    with_owned_key,
)

if TYPE_CHECKING:
    from infra.settings.endpoint_spec import EndpointSpec

REFUSED = Unreadable("AccessDenied", "Ask for it.")
OWNER = owner_of("Greenlight", access().registry)
ENOUGH = Found(Quota(5.0, "L-1"))
ENDPOINTS = [endpoint("churn", count=2), endpoint("churn-b"), endpoint("cheap", instance_type=None)]


def findings(**changes: Any) -> list[Finding]:
    return diagnose(access(), GROUP, ENDPOINTS, facts(**{"quotas": {"ml.m5.large": ENOUGH}, **changes}))


def wrong(**changes: Any) -> list[Finding]:
    return [each for each in findings(**changes) if each.status is not Status.OK]


def test_where_everything_is_in_order_every_check_says_so() -> None:
    found = findings()

    assert [each for each in found if each.status is not Status.OK] == []
    assert {each.check for each in found} == {
        "account",
        "artifact",
        "context",
        "encryption",
        "event path",
        "grant",
        "permission",
        "image",
        "policy",
        "quota",
        "role",
        "trust",
        "version",
    } - {"role"}


def test_every_gap_says_what_is_missing_why_it_matters_and_where_to_mend_it() -> None:
    nothing = {
        name: Absent() for name in ("deployer_role", "bus_policy", "receiving_rules", "forwarding_rules")
    }
    unreadable = {"execution_role": REFUSED, "version": REFUSED}
    empty: dict[str, Any] = {"policies": {}, "grants": {}, "quotas": {}}

    found = wrong(**nothing, **unreadable, **empty)

    assert len(found) > 13
    for each in found:
        assert each.subject
        assert each.found
        assert each.why.endswith(".")
        assert each.where.endswith((".", ")"))


def test_the_statements_that_the_doctor_proposes_close_every_gap_in_the_registrys_policies() -> None:
    """From nothing: the doctor, obeyed to the letter, is content."""
    policies: dict[tuple[str, str], dict[str, Any]] = {target: {"Statement": []} for target in granted()}
    gaps = wrong(policies={target: Absent() for target in policies})

    for gap in gaps:
        [target] = [key for key in policies if f" {key[1]} in account" in gap.subject]
        assert gap.statement is not None
        policies[target]["Statement"].append(json.loads(json.dumps(gap.statement)))

    assert gaps
    assert {gap.check for gap in gaps} == {"policy"}
    assert wrong(policies={target: Found(policy) for target, policy in policies.items()}) == []


def test_what_the_doctor_proposes_is_what_the_registrys_stack_writes() -> None:
    proposed = [each.statement for each in wrong(policies={})]

    stacks = [signed(each, OWNER) for _, each in statements_of(access()) if "Condition" in each]
    assert proposed == stacks


def test_what_the_doctor_proposes_is_the_stacks_as_soon_as_that_is_deployed() -> None:
    """Under a Sid of nobody's it would stay when the stage is taken out, or the stack."""
    proposed = [each.statement for each in wrong(policies={}, grants={})]

    for each in proposed:
        assert each is not None
        assert str(each.get("Sid") or each["Name"]).startswith(OWNER)


def test_a_bucket_that_no_stack_edits_is_proposed_for_its_owner_and_stays_the_owners() -> None:
    groups = example_context()["registry"]["groups"]
    groups[GROUP]["artifacts"] = [{"prefix": "s3://models/churn/", "by": "owner"}]
    owned = replace(stages(groups=groups)["staging"], groups=(GROUP,))

    found = diagnose(owned, GROUP, ENDPOINTS, facts(policies={}))

    gaps = [each for each in found if each.subject == "the bucket models"]
    assert [gap.statement["Sid"] for gap in gaps if gap.statement] == [
        "GreenlightStagingGet",
        "GreenlightStagingList",
    ]
    assert {gap.where for gap in gaps} == {
        "In its owner's account: let the owner add it to the policy of the bucket models."
    }


@pytest.mark.parametrize(
    "index", range(len([key for key, policy in granted().items() for _ in policy["Statement"]]))
)
def test_a_statement_that_is_missing_is_found_and_no_other(index: int) -> None:
    places = [(key, each) for key, policy in granted().items() for each in policy["Statement"]]
    key, statement = places[index]
    policies = granted()
    policies[key] = {"Statement": [each for each in policies[key]["Statement"] if each != statement]}

    [gap] = wrong(policies={target: Found(policy) for target, policy in policies.items()})

    assert (gap.check, gap.status) == ("policy", Status.GAP)
    assert gap.statement == signed(statement, OWNER)


def test_a_denial_is_told_as_one() -> None:
    policies = granted()
    denial = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    policies["bucket", "models"] = {"Statement": [*policies["bucket", "models"]["Statement"], denial]}

    [gap] = wrong(policies={target: Found(policy) for target, policy in policies.items()})

    assert "denied by a statement without a Sid: no other can allow it" in gap.found
    assert gap.statement is None, "none that is added can help"
    assert gap.where.startswith(f"In account {REGISTRY}: change a statement without a Sid")


def test_a_denial_in_a_roles_policy_is_named() -> None:
    denial = {"Statement": {"Sid": "NoKeys", "Effect": "Deny", "Action": "kms:*", "Resource": "*"}}
    denied = replace(models_role(), policies=(*models_role().policies, denial))

    gaps = wrong(execution_role=Found(denied))

    assert {gap.found for gap in gaps} == {
        "kms:Decrypt is denied by the statement NoKeys: no other can allow it"
    }
    assert all(gap.statement is None and "change the statement NoKeys" in gap.where for gap in gaps)


def test_a_denial_that_cannot_be_judged_is_told_as_unknown() -> None:
    policies = granted()
    denial = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
    }
    policies["bucket", "models"] = {"Statement": [*policies["bucket", "models"]["Statement"], denial]}

    [gap] = wrong(policies={target: Found(policy) for target, policy in policies.items()})

    assert gap.status is Status.UNKNOWN
    assert "cannot be judged from here, because that depends on aws:SourceVpce" in gap.found
    assert gap.statement is None


def test_a_policy_that_cannot_be_understood_is_told_as_unknown() -> None:
    policies = granted()
    strange = {"Effect": "Deny", "Principal": "*", "Action": "*", "Condition": {"StringIs": {"aws:a": "1"}}}
    policies["bucket", "models"] = {"Statement": [*policies["bucket", "models"]["Statement"], strange]}

    gaps = wrong(policies={target: Found(policy) for target, policy in policies.items()})
    own = wrong(execution_role=Found(replace(models_role(), boundary={"Statement": [strange]})))

    assert {(gap.check, gap.status) for gap in gaps} == {("policy", Status.UNKNOWN)}
    assert {(gap.check, gap.status) for gap in own} == {("permission", Status.UNKNOWN)}
    assert all("'StringIs' is no condition operator" in gap.found for gap in (*gaps, *own))


def test_a_keys_policy_may_name_the_callers_account() -> None:
    """As the policies of AWS's own keys do, whose principal is everybody."""
    policies = {target: Found(policy) for target, policy in granted().items()}
    callers = {"StringEquals": {"kms:CallerAccount": STAGING}}
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Condition": callers}
    policies["key", KEY] = Found({"Statement": [{**everybody, "Resource": "*"}]})

    assert wrong(policies=policies) == []


@pytest.mark.parametrize("lacking", ["Resource", "Action"])
def test_a_statement_of_a_keys_policy_that_kms_ignores_is_told(lacking: str) -> None:
    """KMS keeps it, and it has no effect: a key with it looks to be in order, and is not."""
    policies = {target: Found(policy) for target, policy in granted().items()}
    statements = policies["key", KEY].value["Statement"]
    without = [{name: each for name, each in one.items() if name != lacking} for one in statements]
    policies["key", KEY] = Found({"Version": "2012-10-17", "Statement": without})

    found = wrong(policies=policies)

    assert {(each.check, each.status) for each in found} == {("policy", Status.GAP)}
    assert all(f"the statement {one['Sid']}" in found[0].found for one in statements)
    assert all("has no effect: KMS wants Resource and Action in it" in each.found for each in found)
    assert {each.statement["Sid"].removeprefix(OWNER) for each in found if each.statement} == {
        one["Sid"] for one in statements
    }


def test_an_allowance_that_cannot_be_judged_is_told_with_a_statement_that_can() -> None:
    text = json.dumps(granted()["bucket", "models"]).replace('"aws:PrincipalArn"', '"aws:SourceVpcArn"')
    policies = {**granted(), ("bucket", "models"): json.loads(text)}

    gaps = wrong(policies={target: Found(policy) for target, policy in policies.items()})

    assert {(gap.status, gap.statement is None) for gap in gaps} == {(Status.UNKNOWN, False)}


@pytest.mark.parametrize("spelling", ["churn-models", "Churn-Models"])
def test_one_spelling_of_a_groups_name_is_enough_if_it_is_the_versions(spelling: str) -> None:
    text = json.dumps(granted()["group", GROUP]).replace(
        "model-package/Churn-Models", "model-package/churn-models"
    )
    policies = {target: Found(policy) for target, policy in granted().items()}
    policies["group", GROUP] = Found(
        json.loads(text.replace("model-package/churn-models", f"model-package/{spelling}"))
    )

    found = wrong(policies=policies)

    assert bool(found) is (spelling != "churn-models")


def test_policies_that_nobody_could_read_are_unknown_with_the_statement_to_ask_for() -> None:
    found = wrong(
        policies=dict.fromkeys(granted(), REFUSED), grants={OTHER_KEY: REFUSED}, registry_account=None
    )

    assert {each.status for each in found} == {Status.UNKNOWN}
    assert all(each.statement for each in found if each.check == "policy")
    assert {each.check for each in found} == {"policy", "grant"}


def test_a_grant_to_each_role_is_looked_for() -> None:
    [gap] = wrong(grants={OTHER_KEY: Found([Grant(DEPLOYER, ("Decrypt",)), Grant(MODELS, ("Encrypt",))])})

    assert gap.check == "grant"
    assert gap.command == (
        f"aws kms create-grant --key-id {OTHER_KEY} --grantee-principal {MODELS} --operations Decrypt "
        f"--name {OWNER}StagingModels"
    )
    assert gap.statement == {
        "GranteePrincipal": MODELS,
        "Operations": ["Decrypt"],
        "Name": f"{OWNER}StagingModels",
    }


def test_credentials_of_another_account_stop_the_examination() -> None:
    [found] = diagnose(access(), GROUP, ENDPOINTS, facts(caller_account=PRODUCTION))

    assert found.status is Status.GAP
    assert f"they are of account {PRODUCTION}" in found.found


def test_registry_credentials_of_another_account_are_told() -> None:
    [found] = wrong(registry_account=PRODUCTION)

    assert found.subject == "the registry's credentials"


@pytest.mark.parametrize(
    ("name", "role", "service"),
    [
        ("deployer_role", DEPLOYER, "lambda.amazonaws.com"),
        ("execution_role", MODELS, "sagemaker.amazonaws.com"),
    ],
)
def test_roles_must_be_there_and_trust_their_service(name: str, role: str, service: str) -> None:
    whole = deployers_role() if name == "deployer_role" else models_role()
    other = replace(whole, trust=trust("ec2.amazonaws.com"))
    elsewhere = replace(whole, trust=trust(service, StringEquals={"aws:SourceAccount": PRODUCTION}))

    [absent] = wrong(**{name: Absent()})
    [unread] = wrong(**{name: REFUSED})
    [distrusting] = wrong(**{name: Found(other)})
    [confined] = wrong(**{name: Found(elsewhere)})

    assert (absent.check, absent.subject, absent.status) == ("role", f"the role {role}", Status.GAP)
    assert (unread.status, unread.found) == (Status.UNKNOWN, "AccessDenied")
    assert distrusting == confined
    assert distrusting.statement is not None
    assert distrusting.statement["Principal"] == {"Service": service}


IDENTITY: dict[str, tuple[str, str, str]] = {
    action: (name, action, statement)
    for name, statement, actions in (
        (
            "deployer_role",
            DEPLOYER,
            [
                "sagemaker:DescribeModelPackage",
                "sagemaker:ListModelPackages",
                "sagemaker:CreateModel",
                "sagemaker:UpdateModelPackage",
                "iam:PassRole",
                "s3:ListBucket",
            ],
        ),
        (
            "execution_role",
            MODELS,
            [
                "s3:GetObject",
                "ecr:GetAuthorizationToken",
                "ecr:BatchGetImage",
                "ecr:BatchCheckLayerAvailability",
                "ecr:GetDownloadUrlForLayer",
                "kms:Decrypt",
            ],
        ),
    )
    for action in actions
}


def less(role: Role, action: str) -> Role:
    text = json.dumps(list(role.policies)).replace(f'"{action}"', '"none:None"')
    return replace(role, policies=tuple(json.loads(text)))


@pytest.mark.parametrize(("name", "action", "role_arn"), IDENTITY.values(), ids=IDENTITY)
def test_what_a_role_may_not_do_is_found_and_the_proposed_statement_closes_it(
    name: str, action: str, role_arn: str
) -> None:
    role = less(deployers_role() if name == "deployer_role" else models_role(), action)

    gaps = wrong(**{name: Found(role)})

    assert gaps
    for gap in gaps:
        assert (gap.check, gap.subject) == ("permission", f"the role {role_arn}")
        assert gap.statement is not None
        assert gap.statement["Action"] == [action]
    sids = [gap.statement["Sid"] for gap in gaps if gap.statement]
    assert len(sids) == len(set(sids)), "IAM takes no Sid twice in a policy"
    mended = replace(role, policies=(*role.policies, {"Statement": [gap.statement for gap in gaps]}))
    assert wrong(**{name: Found(mended)}) == []


def test_passing_the_role_to_another_service_is_not_what_is_needed() -> None:
    role = less(deployers_role(), "iam:PassRole")
    elsewhere = allowing("iam:PassRole", resource=MODELS)
    elsewhere["Statement"][0]["Condition"] = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}

    [gap] = wrong(deployer_role=Found(replace(role, policies=(*role.policies, elsewhere))))

    assert gap.statement is not None
    assert gap.statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_roles_that_endpoints_bring_are_examined_as_the_stages_is() -> None:
    own = f"arn:aws:iam::{STAGING}:role/churn-models"
    bringing = replace(access(), model_roles=(own,))
    policies = {
        (target.kind, target.name): Found(
            {"Statement": [each for other, each in statements_of(bringing) if other == target]}
        )
        for target, _ in statements_of(bringing)
    }
    grants = {OTHER_KEY: Found([Grant(role, ("Decrypt",)) for role in (MODELS, own)])}
    passing = replace(deployers_role(), policies=(allowing("sagemaker:*", "iam:PassRole", "s3:ListBucket"),))

    def wrong_with(role: Any) -> list[Finding]:
        read = facts(
            policies=policies, grants=grants, model_roles={own: role}, deployer_role=Found(passing), quotas={}
        )
        return [each for each in diagnose(bringing, GROUP, [], read) if each.status is not Status.OK]

    assert wrong_with(Found(models_role())) == []
    assert [each.subject for each in wrong_with(Absent())] == [f"the role {own}"]
    [gap, *_] = wrong_with(Found(less(models_role(), "s3:GetObject")))
    assert (gap.check, gap.subject) == ("permission", f"the role {own}")
    assert gap.where.endswith("which is its owner's.")


def test_a_boundary_bounds() -> None:
    bounded = replace(models_role(), boundary=allowing("s3:*", "ecr:*"))

    gaps = wrong(execution_role=Found(bounded))

    assert {tuple(gap.statement["Action"]) for gap in gaps if gap.statement} == {("kms:Decrypt",)}
    assert all(gap.subject.startswith("the permissions boundary of the role ") for gap in gaps)
    wider = {"Statement": [*allowing("s3:*", "ecr:*")["Statement"], *(gap.statement for gap in gaps)]}
    assert wrong(execution_role=Found(replace(bounded, boundary=wider))) == []


def test_a_boundary_that_denies_is_told_as_the_boundarys() -> None:
    denial = {"Sid": "NoKeys", "Effect": "Deny", "Action": "kms:*", "Resource": "*"}
    bounded = replace(models_role(), boundary={"Statement": [*allowing("*")["Statement"], denial]})

    gaps = wrong(execution_role=Found(bounded))

    assert gaps
    assert all("denied by the statement NoKeys" in gap.found for gap in gaps)
    assert all(gap.statement is None for gap in gaps)


VERSIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "an artifact elsewhere": (
        {"artifacts": ("s3://other/model.tar.gz",)},
        "context",
        "artifacts does not have s3://other/",
    ),
    "an artifact in a namesake's prefix": (
        {"artifacts": ("s3://models/churn-b/model.tar.gz",)},
        "context",
        "artifacts does not have s3://models/churn-b/",
    ),
    "another image": (
        {"images": (f"{REGISTRY}.dkr.ecr.{REGION}.amazonaws.com/team/other@sha256:{'0' * 64}",)},
        "context",
        f"images does not have {REGISTRY}.dkr.ecr.{REGION}.amazonaws.com/team/other",
    ),
    "not complete": ({"status": "InProgress"}, "version", "its ModelPackageStatus is InProgress"),
}


@pytest.mark.parametrize(("changes", "check", "found"), VERSIONS.values(), ids=VERSIONS)
def test_a_version_that_is_made_of_something_else_is_found(
    changes: dict[str, Any], check: str, found: str
) -> None:
    gaps = wrong(version=Found(replace(VERSION, **changes)))

    assert (check, found) in [(gap.check, gap.found) for gap in gaps]


def test_an_image_of_another_region_is_found() -> None:
    image = f"{REGISTRY}.dkr.ecr.eu-west-1.amazonaws.com/team/churn:3"

    found = wrong(version=Found(replace(VERSION, images=(image,))))

    assert f"it is not in {REGION}" in [each.found for each in found]


def test_a_version_must_have_the_inference_specification_that_an_endpoint_serves() -> None:
    serving = [endpoint("churn"), endpoint("churn-small", specification="small")]

    def gaps(*names: str) -> list[Finding]:
        read = facts(version=Found(replace(VERSION, specifications=names)), quotas={"ml.m5.large": ENOUGH})
        return [each for each in diagnose(access(), GROUP, serving, read) if each.status is not Status.OK]

    [gap] = gaps("large")

    assert (gap.check, gap.status, gap.subject) == ("version", Status.GAP, VERSION.arn)
    assert gap.found == "it has no inference specification small, which endpoint churn-small serves"
    assert gap.where.endswith("or correct inference_specification in churn-small.yaml.")
    assert gaps("large", "small") == []


def test_without_a_version_the_rest_is_still_checked() -> None:
    [gap] = wrong(version=Absent(), artifacts={}, encryption={}, images={})

    assert (gap.check, gap.found) == ("version", "there is no version, or no such group")


@pytest.mark.parametrize(
    ("name", "thing"), [("artifacts", VERSION.artifacts[0]), ("images", VERSION.images[0])]
)
def test_what_a_version_needs_must_be_there(name: str, thing: str) -> None:
    [gone] = wrong(encryption={}, **{name: {thing: Found(())}})
    [absent] = wrong(encryption={}, **{name: {thing: Absent()}})
    [unread] = wrong(encryption={}, **{name: {thing: REFUSED}})

    assert gone == absent
    assert (gone.status, gone.subject) == (Status.GAP, thing)
    assert unread.status is Status.UNKNOWN


URI = VERSION.artifacts[0]
THEIRS = f"arn:aws:kms:{REGION}:999999999999:key/theirs"
ANOTHER = f"arn:aws:kms:{REGION}:{REGISTRY}:key/another"


def encrypted(*names: str, **keys: Any) -> dict[str, Any]:
    """An artifact with its encryption keys, by S3's names, and those keys' facts."""
    return {"encryption": {URI: Found(list(names))}, "keys": keys}


def customers(arn: str) -> Any:
    return Found(KmsKey(arn, is_managed_by_aws=False))


@pytest.mark.parametrize(
    "changes",
    [
        encrypted(),
        encrypted(KEY, OTHER_KEY, **{KEY: customers(KEY), OTHER_KEY: customers(OTHER_KEY)}),
        encrypted("alias/models", **{"alias/models": customers(KEY)}),
    ],
    ids=["no key of KMS's", "keys of the context", "one of them by its alias"],
)
def test_artifacts_are_encrypted_with_keys_of_the_context_or_with_none(changes: dict[str, Any]) -> None:
    [found] = [each for each in findings(**changes) if each.check == "encryption"]

    assert found == Finding("encryption", Status.OK, URI)
    assert wrong(**changes) == []


def test_of_many_objects_it_is_said_how_many_were_looked_at() -> None:
    many = {URI: Found(["churn/3/1", "churn/3/2"])}

    [found] = [each for each in findings(artifacts=many) if each.check == "encryption"]

    assert found.subject == f"the first 2 objects of {URI}"


@pytest.mark.parametrize(
    ("changes", "entry"),
    [
        (encrypted(KEY, ANOTHER, **{KEY: customers(KEY), ANOTHER: customers(ANOTHER)}), {"arn": ANOTHER}),
        (encrypted("another", another=customers(ANOTHER)), {"arn": ANOTHER}),
        (encrypted(THEIRS), {"arn": THEIRS, "by": "owner"}),
    ],
    ids=["a second key", "by its ID", "another account's"],
)
def test_a_key_that_the_context_does_not_have_is_told_with_the_entry_to_write(
    changes: dict[str, Any], entry: dict[str, str]
) -> None:
    [gap] = wrong(**changes)

    assert (gap.check, gap.status, gap.subject) == ("encryption", Status.GAP, URI)
    assert gap.found == f"it is encrypted with {entry['arn']}, and keys does not have it"
    assert gap.statement == entry
    assert f"registry.groups.{GROUP}.keys" in gap.where
    assert ("If it is 999999999999's aws/s3" in gap.where) is ("by" in entry)


def test_the_entry_that_is_proposed_closes_the_gap_and_opens_what_the_key_takes() -> None:
    """Then deploy the stacks, or add their statements by hand."""
    changes = encrypted(ANOTHER, **{ANOTHER: customers(ANOTHER)})
    [gap] = wrong(**changes)
    context = example_context()["registry"]["groups"]
    context[GROUP]["keys"].append(gap.statement)
    written = replace(stages(groups=context)["staging"], groups=(GROUP,))

    left = [
        each
        for each in diagnose(written, GROUP, ENDPOINTS, facts(quotas={"ml.m5.large": ENOUGH}, **changes))
        if each.status is not Status.OK
    ]

    assert {(each.check, each.subject) for each in left} == {
        ("policy", f"the key {ANOTHER} in account {REGISTRY}")
    }


def test_a_key_that_aws_manages_serves_no_other_account_whatever_the_context_says() -> None:
    managed = Found(KmsKey(KEY, is_managed_by_aws=True))

    [gap] = wrong(**encrypted(KEY, **{KEY: managed}))

    assert (gap.check, gap.status) == ("encryption", Status.GAP)
    assert "which AWS manages" in gap.found
    assert gap.command == f"aws s3 cp {URI} {URI} --sse aws:kms --sse-kms-key-id {KEY}"
    assert gap.where.startswith(f"In account {REGISTRY}: ")
    assert "approve the version again" in gap.where


def test_without_a_key_of_ones_own_an_artifact_takes_s3s() -> None:
    context = example_context()["registry"]["groups"]
    context[GROUP]["keys"] = [{"arn": THEIRS, "by": "owner"}]
    keyless = replace(stages(groups=context)["staging"], groups=(GROUP,))
    prefix = "s3://models/churn/3/"
    read = facts(
        artifacts={prefix: Found(["churn/3/1"])},
        encryption={prefix: Found([KEY])},
        keys={KEY: Found(KmsKey(KEY, is_managed_by_aws=True))},
    )

    [gap] = [each for each in diagnose(keyless, GROUP, [], read) if each.check == "encryption"]

    assert gap.command == f"aws s3 cp {prefix} {prefix} --recursive --sse AES256"


def test_in_the_registrys_own_account_a_key_that_aws_manages_serves() -> None:
    lab = stages()["lab"]
    read = facts(
        caller_account=REGISTRY, **encrypted(KEY, **{KEY: Found(KmsKey(KEY, is_managed_by_aws=True))})
    )

    [found] = [each for each in diagnose(lab, "fraud", [], read) if each.check == "encryption"]

    assert found.status is Status.OK


def test_a_key_that_is_gone_is_told_and_one_that_is_not_shown_is_unknown() -> None:
    [gone] = wrong(**encrypted(KEY, **{KEY: Absent()}))
    [unread] = wrong(**encrypted(KEY, **{KEY: REFUSED}))
    [unseen] = wrong(encryption={URI: REFUSED})

    assert (gone.status, gone.subject) == (Status.GAP, f"the key {KEY} of {URI}")
    assert (unread.status, unread.where) == (Status.UNKNOWN, REFUSED.remedy)
    assert (unseen.status, unseen.where) == (Status.UNKNOWN, REFUSED.remedy)


SENDING = Role(trust("events.amazonaws.com"), (allowing("events:PutEvents", resource=BUS),))
EVENTS: dict[str, tuple[dict[str, Any], str]] = {
    "no bus": ({"bus_policy": Absent()}, "there is no such bus"),
    "a bus that admits nobody": ({"bus_policy": Found({})}, "does not admit events"),
    "a bus that admits somebody else": (
        {
            "bus_policy": Found(
                {"Statement": [{"Effect": "Allow", "Action": "*", "Principal": {"AWS": PRODUCTION}}]}
            )
        },
        "does not admit events",
    ),
    "no receiving rule": ({"receiving_rules": Found([])}, "no rule takes"),
    "one that is off": ({"receiving_rules": Found([receiving(enabled=False)])}, "it is disabled"),
    "one without a target": ({"receiving_rules": Found([receiving(targets=())])}, "it has no target"),
    "one to another function": (
        {"receiving_rules": Found([receiving(targets=((f"{FUNCTION}-former", None),))])},
        f"it leads to {FUNCTION}-former, and not to {FUNCTION}, the deployer",
    ),
    "one to a version of the function": (
        {"receiving_rules": Found([receiving(targets=((f"{FUNCTION}:3", None),))])},
        f"it leads to {FUNCTION}:3, and not to",
    ),
    "a rule of somebody else's beside ours, which is off": (
        {
            "receiving_rules": Found(
                [receiving(name="theirs", targets=(("queue", None),)), receiving(enabled=False)]
            )
        },
        "it is disabled",
    ),
    "a stack without the deployer's name": (
        {"stack_outputs": Found({})},
        "the stack Greenlight-staging has no output DeployerFunctionName",
    ),
    "no stack": ({"stack_outputs": Absent()}, "has no output DeployerFunctionName"),
    "one for another account": (
        {"receiving_rules": Found([receiving(pattern={"account": [STAGING]})])},
        'it takes other events: its pattern is {"account": ["222233334444"]}',
    ),
    "a rule of somebody else's": (
        {"receiving_rules": Found([receiving(name="theirs", pattern={"source": ["theirs"]})])},
        "no rule takes",
    ),
    "a function that may not be invoked": (
        {"function_policies": {FUNCTION: Found({})}},
        "its policy does not let EventBridge invoke it",
    ),
    "a function without a policy": (
        {"function_policies": {FUNCTION: Absent()}},
        "its policy does not let EventBridge invoke it",
    ),
    "no forwarding rule": ({"forwarding_rules": Found([])}, "no rule sends"),
    "a forwarding rule that is off": (
        {"forwarding_rules": Found([forwarding(enabled=False)])},
        "it is disabled",
    ),
    "one of other groups": (
        {"forwarding_rules": Found([forwarding(pattern={"detail": {"ModelPackageGroupName": ["fraud"]}})])},
        "it takes other events",
    ),
    "one to elsewhere": (
        {"forwarding_rules": Found([forwarding(targets=(("x", SENDER),))])},
        "no rule sends",
    ),
    "one without a role": (
        {"forwarding_rules": Found([forwarding(targets=((BUS, None),))])},
        "its target has no role",
    ),
    "a role that is gone": ({"forwarding_roles": {}}, "there is no such role"),
    "a role that may not": (
        {"forwarding_roles": {SENDER: Found(replace(SENDING, policies=()))}},
        "may not put",
    ),
    "a role of another's": (
        {"forwarding_roles": {SENDER: Found(replace(SENDING, trust=trust("ec2.amazonaws.com")))}},
        "EventBridge cannot take it",
    ),
    "a bus that denies": (
        {
            "bus_policy": Found(
                {
                    "Statement": [
                        {"Effect": "Allow", "Action": "*", "Principal": "*"},
                        {"Sid": "Nobody", "Effect": "Deny", "Action": "*", "Principal": "*"},
                    ]
                }
            )
        },
        "the statement Nobody denies them",
    ),
}


@pytest.mark.parametrize(("changes", "found"), EVENTS.values(), ids=EVENTS)
def test_every_link_of_the_events_way_is_looked_at(changes: dict[str, Any], found: str) -> None:
    [gap] = wrong(**changes)

    assert (gap.check, gap.status) == ("event path", Status.GAP)
    assert found in gap.found
    assert gap.where.startswith("In account ")


def obeyed(command: str, rule: Rule) -> Rule:
    """The rule after the doctor's command was run."""
    _, _, operation, *options = shlex.split(command)
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert rule.name in {given.get("--name"), given.get("--rule")}
    if operation == "enable-rule":
        return replace(rule, enabled=True)
    if operation == "put-targets":
        # PutTargets adds targets, and puts one in the place of another of its Id.
        return replace(rule, targets=tuple((each["Arn"], None) for each in json.loads(given["--targets"])))
    assert operation == "put-rule"
    # PutRule replaces the pattern, and enables a rule by default.
    return replace(rule, enabled=True, pattern=json.loads(given["--event-pattern"]))


RULES = {
    "receiving, off": ("receiving_rules", receiving(enabled=False)),
    "receiving, no target": ("receiving_rules", receiving(targets=())),
    "receiving, another function": ("receiving_rules", receiving(targets=(("arn:aws:lambda:x", None),))),
    "receiving, another account's": ("receiving_rules", receiving(pattern={"account": [STAGING]})),
    "receiving, another's and off": (
        "receiving_rules",
        receiving(pattern={"account": [STAGING]}, enabled=False),
    ),
    "forwarding, off": ("forwarding_rules", forwarding(enabled=False)),
    "forwarding, other groups": (
        "forwarding_rules",
        forwarding(pattern={"detail": {"ModelPackageGroupName": ["fraud"]}}),
    ),
}


@pytest.mark.parametrize(("name", "rule"), RULES.values(), ids=RULES)
def test_the_command_that_the_doctor_prints_mends_the_rule(name: str, rule: Rule) -> None:
    [gap] = wrong(**{name: Found([rule])})

    mended = obeyed(gap.command, rule)

    assert wrong(**{name: Found([mended])}) == []
    if "detail" in mended.pattern and rule.pattern.get("detail"):
        kept = rule.pattern["detail"]["ModelPackageGroupName"]
        assert set(kept) <= set(mended.pattern["detail"]["ModelPackageGroupName"])


def test_the_target_is_put_back_as_the_stack_has_it() -> None:
    [gap] = wrong(receiving_rules=Found([receiving(targets=())]))
    [without_queue] = wrong(
        receiving_rules=Found([receiving(targets=())]),
        stack_outputs=Found({"DeployerFunctionName": "deployer"}),
    )

    options = shlex.split(gap.command)
    assert options[:-1] == [
        *("aws", "events", "put-targets", "--rule", "Greenlight-staging-receiving"),
        *("--event-bus-name", "Greenlight-staging", "--targets"),
    ]
    queue = f"arn:aws:sqs:{REGION}:{STAGING}:undelivered"
    target = {"Id": "Target0", "Arn": FUNCTION, "DeadLetterConfig": {"Arn": queue}}
    assert json.loads(options[-1]) == [target]
    assert json.loads(shlex.split(without_queue.command)[-1]) == [{"Id": "Target0", "Arn": FUNCTION}]


def test_whether_a_target_is_the_deployer_is_unknown_without_the_stacks_outputs() -> None:
    elsewhere = receiving(targets=(("arn:aws:lambda:x", None),))

    [gap] = wrong(stack_outputs=REFUSED)
    _, function = wrong(stack_outputs=REFUSED, receiving_rules=Found([elsewhere]))
    [no_target] = wrong(stack_outputs=REFUSED, receiving_rules=Found([receiving(targets=())]))

    assert (gap.check, gap.status, gap.where) == ("event path", Status.UNKNOWN, REFUSED.remedy)
    assert gap.subject == "the target of the rule Greenlight-staging-receiving"
    assert function.subject == "the function arn:aws:lambda:x", "what is known is still looked at"
    assert no_target.found == "it has no target"
    assert "the output DeployerFunctionName" in no_target.where
    assert no_target.command == ""


def test_the_nearest_of_several_rules_is_told() -> None:
    other = forwarding(name="other", pattern={"detail": {"ModelPackageGroupName": ["fraud"]}})

    [gap] = wrong(forwarding_rules=Found([other, forwarding(enabled=False)]))

    assert gap.subject == "the rule forwarding"
    assert gap.found == "it is disabled"


def test_the_policy_that_the_doctor_proposes_for_the_bus_admits_the_registry_and_keeps_what_is_there() -> (
    None
):
    theirs = {"Sid": "Theirs", "Effect": "Allow", "Action": "*", "Principal": {"AWS": PRODUCTION}}

    [gap] = wrong(bus_policy=Found({"Statement": theirs}))

    policy = json.loads(shlex.split(gap.command)[-1])
    assert theirs in policy["Statement"]
    assert gap.statement in policy["Statement"]
    assert wrong(bus_policy=Found(policy)) == []


def test_the_statements_for_the_sending_role_close_its_gaps() -> None:
    broken = Role(trust("ec2.amazonaws.com"), ())

    trusting, putting = wrong(forwarding_roles={SENDER: Found(broken)})

    assert trusting.where.endswith("trust policy.")
    mended = Role({"Statement": [trusting.statement]}, ({"Statement": [putting.statement]},))
    assert wrong(forwarding_roles={SENDER: Found(mended)}) == []


def test_the_permission_for_the_function_closes_its_gap() -> None:
    [gap] = wrong(function_policies={FUNCTION: Found({})})

    assert shlex.split(gap.command)[:3] == ["aws", "lambda", "add-permission"]
    assert wrong(function_policies={FUNCTION: Found({"Statement": [gap.statement]})}) == []


def test_a_functions_policy_that_nobody_could_read_is_unknown() -> None:
    [gap] = wrong(function_policies={FUNCTION: REFUSED})

    assert (gap.status, gap.where) == (Status.UNKNOWN, REFUSED.remedy)


def test_what_else_a_rule_leads_to_is_its_owners_affair() -> None:
    queue = f"arn:aws:sqs:{REGION}:{STAGING}:copies"
    function = f"arn:aws:lambda:{REGION}:{STAGING}:function:copies"
    targets = ((queue, None), (function, None), (FUNCTION, None))

    assert wrong(receiving_rules=Found([receiving(targets=targets)])) == []


def test_a_bus_that_admits_an_organisation_is_unclear_without_knowing_it() -> None:
    policy = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "events:PutEvents",
                "Resource": BUS,
                "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
            }
        ]
    }

    [gap] = wrong(bus_policy=Found(policy))

    assert gap.status is Status.UNKNOWN


def test_the_policy_of_a_key_that_its_owner_sees_to_is_looked_at_and_its_owner_told_the_statements() -> None:
    key = f"arn:aws:kms:{REGION}:999999999999:key/owned"
    owned = with_owned_key(key)
    policies: dict[tuple[str, str], Any] = {target: Found(policy) for target, policy in granted().items()}
    role = models_role()
    identity = replace(role, policies=(allowing("s3:*", "ecr:*", "kms:*"),))

    def gaps() -> list[Finding]:
        read = facts(policies=policies, execution_role=Found(identity), quotas={})
        return [each for each in diagnose(owned, GROUP, [], read) if each.status is not Status.OK]

    found = gaps()
    policies["key", key] = Found({"Statement": [each.statement for each in found]})

    assert {(each.check, each.subject) for each in found} == {
        ("policy", f"the key {key} in account 999999999999")
    }
    assert all("let the key's owner add it" in each.where for each in found)
    assert gaps() == []


def test_what_could_not_be_read_says_what_to_do_about_that_and_not_what_to_deploy() -> None:
    names = (
        *("deployer_role", "bus_policy", "receiving_rules", "forwarding_rules", "version", "stack_outputs"),
    )

    found = wrong(**dict.fromkeys(names, REFUSED), function_policies={})

    assert {each.where for each in found} == {REFUSED.remedy}


@pytest.mark.parametrize(("quota", "enough"), [(5.0, True), (4.0, False), (0.0, False)])
def test_a_quota_must_hold_all_instances_and_the_largest_endpoint_twice(quota: float, enough: bool) -> None:  # noqa: FBT001 - parametrised
    found = wrong(quotas={"ml.m5.large": Found(Quota(quota, "L-1"))})

    assert (found == []) is enough
    assert all(f"it is {quota:g}; 5 are needed" in each.found for each in found)
    assert all(each.command.endswith("--quota-code L-1 --desired-value 5") for each in found)


def test_a_quota_that_cannot_be_read_is_unknown() -> None:
    [gap] = wrong(quotas={"ml.m5.large": REFUSED})

    assert (gap.check, gap.status) == ("quota", Status.UNKNOWN)


def test_a_stage_in_the_registrys_account_needs_no_policy_and_no_bus() -> None:
    lab = stages()["lab"]

    found = diagnose(lab, "fraud", [], facts(caller_account=REGISTRY, policies={}, bus_policy=Absent()))

    assert not {"policy", "grant", "event path"} & {each.check for each in found}


# Where models read and write as settings say -------------------------------------------------------------


def asynchronous(**more: Any) -> EndpointSpec:
    """An endpoint whose requests are below `s3://requests/churn`, and whose calls nobody captures."""
    usual = endpoint("queue")
    output = {"OutputConfig": {"S3OutputPath": "s3://answers/churn", "S3FailurePath": "s3://failures/churn"}}
    compiled = {
        "CreateModel": {**usual.compiled["CreateModel"], **more},
        "CreateEndpointConfig": {**usual.compiled["CreateEndpointConfig"], "AsyncInferenceConfig": output},
    }
    return replace(usual, compiled=compiled, input_paths=("s3://requests/churn",))


def objects_of(spec: EndpointSpec, **changes: Any) -> list[Finding]:
    found = diagnose(access(), GROUP, [spec], facts(**changes))
    return [each for each in found if each.check == "permission" and each.why in OF_OBJECTS]


OF_OBJECTS = {
    "SageMaker cannot read asynchronous requests: each of them fails.",
    "A request that is missing looks like one that may not be read.",
    "Answers or captured calls are lost, and callers do not learn it.",
}


def asked(found: Finding) -> tuple[str, str]:
    assert found.statement is not None
    [action], [resource] = found.statement["Action"], found.statement["Resource"]
    return action, resource.removeprefix("arn:aws:s3:::")


def test_a_role_that_may_not_read_requests_or_write_answers_is_told_what_to_add() -> None:
    bare = Found(less(models_role(), "s3:GetObject"))

    found = objects_of(asynchronous(), execution_role=bare)

    assert {each.why for each in found} == OF_OBJECTS
    assert [asked(each) for each in found] == [
        ("s3:GetObject", "requests/churn/*"),
        ("s3:ListBucket", "answers"),
        ("s3:ListBucket", "failures"),
        ("s3:ListBucket", "requests"),
        ("s3:AbortMultipartUpload", "answers/churn/*"),
        ("s3:AbortMultipartUpload", "failures/churn/*"),
        ("s3:PutObject", "answers/churn/*"),
        ("s3:PutObject", "failures/churn/*"),
    ]
    # AND the proposals close every gap.
    proposed = {"Statement": [each.statement for each in found]}
    role = replace(bare.value, policies=(*bare.value.policies, proposed))
    assert objects_of(asynchronous(), execution_role=Found(role)) == []


def test_a_role_that_an_endpoint_brings_is_asked_for_its_own_endpoints_only() -> None:
    own = f"arn:aws:iam::{STAGING}:role/own"
    spec = asynchronous(ExecutionRoleArn=own)

    found = objects_of(spec, model_roles={own: Found(less(models_role(), "s3:GetObject"))})

    assert {each.subject for each in found} == {f"the role {own}"}
    assert {each.where for each in found} == {
        f"In account {STAGING}, in a policy of the role, which is its owner's."
    }
    assert objects_of(endpoint("churn")) == []
