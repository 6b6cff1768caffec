"""IAM's documented evaluation logic, a table for each question that it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iam_evaluator.decision import AccessRequest, Decision
from iam_evaluator.evaluation import evaluate
from iam_evaluator.grammar import PolicyType
from iam_evaluator.policies import parse_policy
from iam_evaluator.principals import Principal, PrincipalKind, account_root, service, unrestricted

HERE, THERE = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{HERE}:role/path/deployer"
SESSION = f"arn:aws:sts::{HERE}:assumed-role/deployer/function"
USER = f"arn:aws:iam::{HERE}:user/ann"
ROOT = f"arn:aws:iam::{HERE}:root"
BUCKET = "arn:aws:s3:::models/a"


def policy(*statements: dict[str, Any]) -> Any:
    filled = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **each} for each in statements]
    return parse_policy({"Version": "2012-10-17", "Statement": filled})


ALLOW = policy({})
DENY = policy({"Effect": "Deny"})
OTHER = policy({"Action": "s3:PutObject"})


def session(*identity: Any, boundary: Any = None, passed: Any = None) -> Principal:
    return Principal(PrincipalKind.SESSION, SESSION, HERE, ROLE, identity, boundary, passed)


def user(*identity: Any, boundary: Any = None) -> Principal:
    return Principal(PrincipalKind.USER, USER, HERE, USER, identity, boundary)


def decide(
    principal: Principal,
    *,
    action: str = "s3:GetObject",
    resource: str = BUCKET,
    owner: str | None = None,
    on_resource: Any = None,
    required: bool = False,
) -> Decision:
    request = AccessRequest(action, resource, owner)
    return evaluate(principal, request, resource_policy=on_resource, is_resource_policy_required=required)


@pytest.mark.parametrize(
    ("statement", "action", "resource", "truth"),
    [
        ({"Action": "s3:Get*"}, "s3:GetObject", BUCKET, True),
        ({"Action": "S3:getobject"}, "s3:GetObject", BUCKET, True),
        ({"Action": "s3:Get?bject"}, "s3:GetObject", BUCKET, True),
        ({"Action": "*"}, "s3:GetObject", BUCKET, True),
        ({"Action": "s3:Get*"}, "sagemaker:GetX", BUCKET, False),
        ({"Action": None, "NotAction": "s3:Put*"}, "s3:GetObject", BUCKET, True),
        ({"Action": None, "NotAction": ["s3:Put*", "s3:Get*"]}, "s3:GetObject", BUCKET, False),
        ({"Action": "s3:*Object"}, "s3:GetObject", BUCKET, True),
        ({"Effect": "Deny", "Action": None, "NotAction": "s3:Get*"}, "s3:GetObject", BUCKET, False),
        ({"Resource": "arn:aws:s3:::models/*"}, "s3:GetObject", BUCKET, True),
        ({"Resource": "arn:aws:s3:::Models/*"}, "s3:GetObject", BUCKET, False),
        ({"Resource": "arn:aws:s3:::models"}, "s3:GetObject", BUCKET, False),
        ({"Resource": "arn:aws:s3"}, "s3:GetObject", BUCKET, True),
        ({"Resource": "arn:aws:s*"}, "s3:GetObject", BUCKET, True),
        ({"Resource": None, "NotResource": "arn:aws:s3:::models/*"}, "s3:GetObject", BUCKET, False),
        ({"Resource": None, "NotResource": "arn:aws:s3:::logs/*"}, "s3:GetObject", BUCKET, True),
        # An action that knows no resource is not allowed on one kind of resource.
        ({"Resource": "arn:aws:s3:::*"}, "s3:GetObject", "*", False),
        ({"Resource": "*"}, "s3:GetObject", "*", True),
        # A wildcard stays within its field, and in the last one stands for colons and slashes.
        ({"Resource": "arn:aws:logs:*:log-group:*"}, "s3:GetObject", "arn:aws:logs:r:1:log-group:g", False),
        (
            {"Resource": "arn:aws:logs:*:*:log-group:*"},
            "s3:GetObject",
            "arn:aws:logs:r:1:log-group:g:s/t",
            True,
        ),
        (
            {"Resource": "arn:aws:s3:::${aws:PrincipalAccount}/*"},
            "s3:GetObject",
            f"arn:aws:s3:::{HERE}/a",
            True,
        ),
        ({"Resource": "arn:aws:s3:::${aws:username}/*"}, "s3:GetObject", "arn:aws:s3:::ann/a", True),
        ({"Resource": "arn:aws:s3:::${aws:username}/*"}, "s3:GetObject", "arn:aws:s3:::bob/a", False),
        # A variable without a value is no resource's, and takes nothing from those beside it.
        ({"Resource": "arn:aws:s3:::${aws:PrincipalTag/a}*"}, "s3:GetObject", BUCKET, False),
        ({"Resource": ["arn:aws:s3:::${aws:PrincipalTag/a}", "*"]}, "s3:GetObject", BUCKET, True),
        (
            {"Resource": None, "NotResource": "arn:aws:s3:::${aws:PrincipalTag/a}*"},
            "s3:GetObject",
            BUCKET,
            True,
        ),
        # One may stand after the fifth colon only.
        ({"Resource": "arn:aws:s3:${aws:PrincipalTag/a, ''}::models/a"}, "s3:GetObject", BUCKET, False),
        ({"Resource": "${aws:PrincipalTag/a, '*'}"}, "s3:GetObject", BUCKET, False),
    ],
)
def test_a_statement_is_about_actions_and_resources(
    statement: dict[str, Any], action: str, resource: str, *, truth: bool
) -> None:
    filled = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **statement}
    document = {
        "Version": "2012-10-17",
        "Statement": {name: value for name, value in filled.items() if value is not None},
    }

    assert decide(user(parse_policy(document)), action=action, resource=resource).is_allowed is truth


def test_variables_are_plain_text_in_the_old_version() -> None:
    document = {
        "Statement": {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "arn:aws:s3:::${aws:username}",
            "Condition": {"StringEquals": {"aws:username": "ann"}},
        }
    }
    literal = {**document["Statement"], "Condition": {"StringEquals": {"aws:username": "${aws:username}"}}}

    assert decide(user(parse_policy(document)), resource="arn:aws:s3:::${aws:username}").is_allowed
    assert not decide(user(parse_policy(document)), resource="arn:aws:s3:::ann").is_allowed
    assert not decide(
        user(parse_policy({"Statement": literal})), resource="arn:aws:s3:::${aws:username}"
    ).is_allowed


NO_IDENTITY = "because no identity-based policy allows the s3:GetObject action"
NO_BOUNDARY = "because no permissions boundary allows the s3:GetObject action"
NO_SESSION = "because no session policy allows the s3:GetObject action"
NO_RESOURCE = "because no resource-based policy allows the s3:GetObject action"


@pytest.mark.parametrize(
    ("principal", "why_not"),
    [
        (user(), NO_IDENTITY),
        (user(OTHER), NO_IDENTITY),
        (user(OTHER, ALLOW), ""),
        (user(ALLOW, DENY), "with an explicit deny in an identity-based policy"),
        (user(ALLOW, boundary=ALLOW), ""),
        (user(ALLOW, boundary=OTHER), NO_BOUNDARY),
        (user(ALLOW, boundary=DENY), "with an explicit deny in a permissions boundary"),
        (user(boundary=ALLOW), NO_IDENTITY),
        (session(ALLOW, passed=(ALLOW,)), ""),
        (session(ALLOW, passed=(OTHER,)), NO_SESSION),
        (session(ALLOW, passed=()), NO_SESSION),
        (session(ALLOW, passed=(OTHER, ALLOW)), ""),
        (session(ALLOW, passed=(ALLOW, DENY)), "with an explicit deny in a session policy"),
        (session(ALLOW, boundary=ALLOW, passed=(OTHER,)), NO_SESSION),
        (account_root(HERE), ""),
    ],
)
def test_identity_policies_allow_and_the_others_narrow(principal: Principal, why_not: str) -> None:
    decision = decide(principal)

    assert decision.why_not == why_not
    assert decision.is_allowed is (not why_not)


def grants(principal: Any, **more: Any) -> Any:
    return policy({"Principal": principal, **more})


@pytest.mark.parametrize(
    ("principal", "on_resource", "is_allowed"),
    [
        # In its own account a resource's policy that names the role, session, user or everybody is enough …
        (session(), grants({"AWS": ROLE}), True),
        (session(), grants({"AWS": [THERE, SESSION]}), True),
        (user(), grants({"AWS": USER}), True),
        (user(), grants("*"), True),
        (user(), grants({"AWS": "*"}), True),
        (
            user(),
            grants("*", Condition={"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{HERE}:user/*"}}),
            True,
        ),
        (user(), grants("*", Condition={"ArnLike": {"aws:PrincipalArn": ROLE}}), False),
        # … and one that names the account leaves it to the account's own policies.
        (session(), grants({"AWS": HERE}), False),
        (session(), grants({"AWS": f"arn:aws:iam::{HERE}:root"}), False),
        (session(ALLOW), grants({"AWS": HERE}), True),
        # Boundaries and session policies narrow a role's permissions, not those of the session or user
        # itself.
        (session(boundary=OTHER), grants({"AWS": ROLE}), False),
        (session(boundary=OTHER), grants({"AWS": SESSION}), True),
        (session(passed=(OTHER,)), grants({"AWS": ROLE}), False),
        (session(passed=(OTHER,)), grants({"AWS": SESSION}), True),
        (user(boundary=OTHER), grants({"AWS": USER}), True),
        (session(boundary=OTHER, passed=(OTHER,)), grants("*"), True),
        (
            session(boundary=OTHER),
            grants("*", Condition={"ArnEquals": {"aws:PrincipalArn": ROLE}}),
            True,
        ),
        # An explicit denial of theirs still denies.
        (session(boundary=DENY), grants({"AWS": SESSION}), False),
        (session(passed=(DENY,)), grants("*"), False),
        # Somebody else's grant is nobody's.
        (session(), grants({"AWS": f"arn:aws:iam::{HERE}:role/other"}), False),
        (session(), grants({"AWS": f"arn:aws:iam::{THERE}:role/path/deployer"}), False),
        (session(), grants({"Service": "events.amazonaws.com"}), False),
        (session(), grants({"Federated": ROLE}), False),
        # No wildcard stands for a part of a name, nor does case not matter.
        (session(), grants({"AWS": f"arn:aws:iam::{HERE}:role/*"}), False),
        (session(), grants({"AWS": f"arn:aws:sts::{HERE}:assumed-role/deployer/*"}), False),
        (user(), grants({"AWS": f"arn:aws:iam::{HERE}:user/Ann"}), False),
        # A denial denies, the root user too.
        (session(ALLOW), grants({"AWS": ROLE}, Effect="Deny"), False),
        (account_root(HERE), grants("*", Effect="Deny"), False),
        # NotPrincipal has to name the account, and then the role or the user; a role's sessions with it.
        (session(ALLOW), policy({"Effect": "Deny", "NotPrincipal": {"AWS": [ROOT, ROLE]}}), True),
        (session(ALLOW), policy({"Effect": "Deny", "NotPrincipal": {"AWS": [HERE, ROLE, SESSION]}}), True),
        (session(ALLOW), policy({"Effect": "Deny", "NotPrincipal": {"AWS": ROOT}}), False),
        (session(ALLOW), policy({"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}}), False),
        (session(ALLOW), policy({"Effect": "Deny", "NotPrincipal": {"AWS": [ROOT, SESSION]}}), False),
        (session(ALLOW), policy({"Effect": "Deny", "NotPrincipal": {"AWS": [THERE, ROLE]}}), False),
        (account_root(HERE), policy({"Effect": "Deny", "NotPrincipal": {"AWS": ROOT}}), True),
        (account_root(HERE), policy({"Effect": "Deny", "NotPrincipal": {"AWS": USER}}), False),
        # NotPrincipal denies every principal with a boundary, named or not.
        (
            user(ALLOW, boundary=ALLOW),
            policy({"Effect": "Deny", "NotPrincipal": {"AWS": [ROOT, USER]}}),
            False,
        ),
        (user(ALLOW), policy({"Effect": "Deny", "NotPrincipal": {"AWS": [ROOT, USER]}}), True),
        (user(ALLOW), policy({"Effect": "Deny", "NotPrincipal": {"AWS": [ROOT, ROLE]}}), False),
        (session(DENY), grants({"AWS": SESSION}), False),
    ],
)
def test_in_one_account_either_policy_is_enough(
    principal: Principal, on_resource: Any, *, is_allowed: bool
) -> None:
    assert decide(principal, on_resource=on_resource).is_allowed is is_allowed


@pytest.mark.parametrize(
    ("principal", "on_resource", "why_not"),
    [
        (session(ALLOW), None, NO_RESOURCE),
        (session(ALLOW), grants({"AWS": HERE}), ""),
        (session(ALLOW), grants({"AWS": ROLE}), ""),
        (session(ALLOW), grants("*"), ""),
        (session(), grants({"AWS": ROLE}), NO_IDENTITY),
        (session(), grants({"AWS": SESSION}), NO_IDENTITY),
        (session(ALLOW), grants({"AWS": THERE}), NO_RESOURCE),
        (session(ALLOW, boundary=OTHER), grants({"AWS": ROLE}), NO_BOUNDARY),
        # A grant to the session itself bypasses them in its own account, but not here.
        (session(ALLOW, boundary=OTHER), grants({"AWS": SESSION}), NO_BOUNDARY),
        (session(ALLOW, passed=(OTHER,)), grants("*"), NO_SESSION),
        (user(DENY), grants("*"), "with an explicit deny in an identity-based policy"),
        (session(ALLOW), grants({"AWS": ROLE}, Action="s3:PutObject"), NO_RESOURCE),
        (
            session(ALLOW),
            grants({"AWS": ROLE}, Effect="Deny"),
            "with an explicit deny in a resource-based policy",
        ),
        (account_root(HERE), grants({"AWS": HERE}), ""),
        (account_root(HERE), None, NO_RESOURCE),
    ],
)
def test_between_accounts_both_policies_have_to_allow(
    principal: Principal, on_resource: Any, why_not: str
) -> None:
    assert decide(principal, owner=THERE, on_resource=on_resource).why_not == why_not


@pytest.mark.parametrize(
    ("principal", "on_resource", "is_allowed"),
    [
        (session(ALLOW), grants({"AWS": f"arn:aws:iam::{THERE}:root"}), False),
        (session(ALLOW), grants({"AWS": f"arn:aws:iam::{HERE}:root"}), True),
        (session(), grants({"AWS": f"arn:aws:iam::{HERE}:root"}), False),
        (session(), grants({"AWS": ROLE}), True),
        (account_root(HERE), None, False),
        (account_root(HERE), grants({"AWS": HERE}), True),
    ],
)
def test_a_policy_that_is_required_has_to_allow_in_its_own_account_too(
    principal: Principal, on_resource: Any, *, is_allowed: bool
) -> None:
    """As a key's policy and a role's trust policy."""
    assert decide(principal, on_resource=on_resource, required=True).is_allowed is is_allowed


RULE = f"arn:aws:events:eu-west-1:{HERE}:rule/approvals"


@pytest.mark.parametrize(
    ("statement", "is_allowed"),
    [
        ({"Principal": {"Service": "events.amazonaws.com"}}, True),
        ({"Principal": "*"}, True),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, False),
        ({"Principal": {"AWS": HERE}}, False),
        (
            {
                "Principal": {"Service": "events.amazonaws.com"},
                "Condition": {
                    "ArnLike": {"aws:SourceArn": RULE},
                    "StringEquals": {"aws:SourceAccount": HERE},
                },
            },
            True,
        ),
        (
            {
                "Principal": {"Service": "events.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": THERE}},
            },
            False,
        ),
        (
            {
                "Principal": {"Service": "events.amazonaws.com"},
                "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:events:*:{THERE}:rule/*"}},
            },
            False,
        ),
        ({"Principal": "*", "Condition": {"Bool": {"aws:PrincipalIsAWSService": "true"}}}, True),
        ({"Principal": "*", "Condition": {"Bool": {"aws:PrincipalIsAWSService": "false"}}}, False),
        (
            {
                "Principal": "*",
                "Condition": {"StringEquals": {"aws:PrincipalServiceName": "events.amazonaws.com"}},
            },
            True,
        ),
        # It is in no organisation, and is no role.
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, False),
        ({"Principal": "*", "Condition": {"Null": {"aws:PrincipalArn": "true"}}}, True),
    ],
)
def test_a_service_needs_the_resources_policy(statement: dict[str, Any], *, is_allowed: bool) -> None:
    rule = service("events.amazonaws.com", source_account=HERE, source_arn=RULE)

    assert decide(rule, on_resource=policy(statement)).is_allowed is is_allowed
    assert not decide(rule).is_allowed


def test_a_sessions_role_is_its_principal_arn() -> None:
    """`aws:PrincipalArn` is the role, with its path, and not the session."""
    by_role = policy({"Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}}})
    by_session = policy({"Condition": {"ArnEquals": {"aws:PrincipalArn": SESSION}}})

    assert decide(session(by_role)).is_allowed
    assert not decide(session(by_session)).is_allowed


ORGANISATION = {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}


@pytest.mark.parametrize(
    ("statement", "context", "is_allowed"),
    [
        # Without an organisation the key is absent; a denial of all others then denies.
        (ORGANISATION, {"aws:principalorgid": "o-1"}, True),
        (ORGANISATION, {"aws:principalorgid": "o-2"}, False),
        (ORGANISATION, {}, False),
        # Only services bring a source, and only users have a user's name.
        ({"Condition": {"StringEquals": {"aws:SourceAccount": HERE}}}, {}, False),
        ({"Condition": {"StringEqualsIfExists": {"aws:SourceAccount": THERE}}}, {}, True),
        ({"Condition": {"Bool": {"aws:PrincipalIsAWSService": "false"}}}, {}, True),
        ({"Condition": {"StringEquals": {"aws:PrincipalType": "AssumedRole"}}}, {}, True),
        ({"Condition": {"StringEquals": {"aws:PrincipalAccount": HERE}}}, {}, True),
        ({"Condition": {"Null": {"aws:username": "true"}}}, {}, True),
        ({"Resource": "arn:aws:s3:::${aws:username}*"}, {}, False),
    ],
)
def test_keys_of_a_role_session(
    statement: dict[str, Any], context: dict[str, Any], *, is_allowed: bool
) -> None:
    principal = replace(session(policy(statement)), context=context)

    assert decide(principal).is_allowed is is_allowed


def test_a_refusal_is_worded_as_aws_words_it() -> None:
    principal = session()
    request = AccessRequest("sagemaker:CreateModel", "arn:aws:sagemaker:eu-west-1:111122223333:model/m")

    assert evaluate(principal, request).message(principal, request) == (
        f"User: {SESSION} is not authorized to perform: sagemaker:CreateModel on resource: "
        "arn:aws:sagemaker:eu-west-1:111122223333:model/m because no identity-based policy allows the "
        "sagemaker:CreateModel action"
    )


@pytest.mark.parametrize(
    ("arn", "named"),
    [(SESSION, f"arn:aws:iam::{HERE}:role/deployer"), (USER, USER), (f"arn:aws:iam::{HERE}:root", HERE)],
)
def test_an_unrestricted_principal_is_bound_by_other_accounts_only(arn: str, named: str) -> None:
    principal = unrestricted(arn, HERE)

    assert decide(principal).is_allowed
    assert not decide(principal, owner=THERE).is_allowed
    assert decide(principal, owner=THERE, on_resource=grants({"AWS": named})).is_allowed


KEY = f"arn:aws:kms:eu-west-1:{HERE}:key/1234"


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize("lacking", ["Resource", "Action"])
def test_a_statement_of_a_keys_policy_without_resource_or_action_has_no_effect(
    effect: str, lacking: str
) -> None:
    enough = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:Decrypt", "Resource": "*"}
    short = {name: each for name, each in (enough | {"Effect": effect}).items() if name != lacking}

    def decrypts(*statements: dict[str, Any]) -> bool:
        of_key = parse_policy({"Version": "2012-10-17", "Statement": [*statements]}, PolicyType.KEY)
        return decide(
            session(), action="kms:Decrypt", resource=KEY, on_resource=of_key, required=True
        ).is_allowed

    assert decrypts(enough)
    assert not decrypts(short)
    assert decrypts(enough, short)


def test_a_statement_of_another_resources_policy_may_leave_the_resource_out() -> None:
    of_repository = parse_policy(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "ecr:BatchGetImage"},
        }
    )

    assert decide(session(), action="ecr:BatchGetImage", on_resource=of_repository).is_allowed


def test_only_users_of_iam_have_a_name() -> None:
    federated = "arn:aws:sts::111122223333:federated-user/ann"

    assert unrestricted("arn:aws:iam::111122223333:user/ann", "111122223333").keys()["aws:username"] == "ann"
    assert unrestricted(federated, "111122223333").keys()["aws:username"] == ()
