"""Laws of the evaluation for all policies: Hypothesis draws a small version of IAM's whole language."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iam_evaluator.decision import AccessRequest, Outcome
from iam_evaluator.evaluation import evaluate
from iam_evaluator.policies import EVERYTHING, Policy, Statement, parse_policy
from iam_evaluator.principals import Principal, PrincipalKind, account_root, role_session, service

if TYPE_CHECKING:
    from iam_evaluator.request_context import Values

HERE, THERE = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{HERE}:role/deployer"
USER = f"arn:aws:iam::{HERE}:user/ann"
BUCKET = "arn:aws:s3:::models/a"
KEYS = ("k:one", "k:two", "k:many")
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Drawing policies takes long where other tests run beside."""

OPERATORS = [
    f"{quantifier}{name}{if_exists}"
    for name in (
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "ArnLike",
        "NumericLessThan",
    )
    for quantifier in ("", "ForAllValues:", "ForAnyValue:")
    for if_exists in ("", "IfExists")
]

texts = st.sampled_from(["a", "a", "b", "?", "5", "${k:one}", "${k:two, 'a'}", "${k:many}", "${*}"])
values: st.SearchStrategy[Values] = st.one_of(
    st.sampled_from(["a", "a", "b", "2", ""]), st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple)
)
compared = st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, st.lists(texts, min_size=1, max_size=2)))
conditions = st.one_of(
    # Mostly one condition: if one of several fails, it hides the others.
    st.tuples(st.sampled_from(OPERATORS), st.sampled_from(KEYS), texts).map(
        lambda of: {of[0]: {of[1]: of[2]}}
    ),
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["true", "false"])).map(lambda of: {"Null": dict([of])}),
    st.dictionaries(st.sampled_from(OPERATORS), compared, max_size=2),
)
resources = st.one_of(
    st.just(["*"]),
    st.just(["arn:aws:s3:::models/${k:one}"]),
    st.lists(
        st.sampled_from([BUCKET, "arn:aws:s3:::logs/*", "arn:aws:s3:::${k:two}/a", "arn:aws:s3"]),
        min_size=1,
        max_size=2,
    ),
)
names = st.sampled_from(
    [
        "*",
        {"AWS": "*"},
        {"AWS": HERE},
        {"AWS": THERE},
        {"AWS": ROLE},
        {"AWS": USER},
        {"AWS": f"arn:aws:sts::{HERE}:assumed-role/deployer/one"},
        {"Service": "events.amazonaws.com"},
    ]
)


@st.composite
def statements(draw: st.DrawFn, *, of_resource: bool) -> dict[str, Any]:
    negates = st.sampled_from(["", "", "", "", "", "Not"])
    drawn: dict[str, Any] = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        f"{draw(negates)}Action": draw(st.sampled_from(["*", "*", "s3:Get*", "s3:Get*", "s3:Put*"])),
        f"{draw(negates)}Resource": draw(resources),
        "Condition": draw(conditions),
    }
    if of_resource:
        drawn[f"{draw(negates)}Principal"] = draw(names)
    return drawn


def policies(*, of_resource: bool = False) -> st.SearchStrategy[Policy]:
    documents = st.fixed_dictionaries(
        {
            "Version": st.sampled_from(["2012-10-17", "2012-10-17", "2008-10-17"]),
            "Statement": st.lists(statements(of_resource=of_resource), min_size=1, max_size=3),
        }
    )
    return documents.map(parse_policy)


@st.composite
def principals(draw: st.DrawFn) -> Principal:
    identity = (*draw(st.lists(policies(), max_size=2)), *draw(st.sampled_from([(), (EVERYTHING,)])))
    boundary = draw(st.none() | st.just(EVERYTHING) | policies())
    passed = draw(st.none() | st.just((EVERYTHING,)) | st.lists(policies(), max_size=1).map(tuple))
    return draw(
        st.sampled_from(
            [
                replace(role_session(ROLE, "one", identity, boundary), session_policies=passed),
                Principal(PrincipalKind.USER, USER, HERE, USER, identity),
                Principal(PrincipalKind.USER, USER, HERE, USER, identity, boundary),
                account_root(HERE),
                service("events.amazonaws.com", source_account=HERE, source_arn=None),
            ]
        )
    )


resource_policies = st.none() | policies(of_resource=True)
contexts = st.fixed_dictionaries(dict.fromkeys(KEYS, values))


def decided(
    principal: Principal,
    resource_policy: Policy | None,
    owner: str,
    context: dict[str, Values],
    *,
    is_complete: bool = True,
    is_required: bool = False,
) -> Outcome:
    request = AccessRequest("s3:GetObject", BUCKET, owner, context, is_context_complete=is_complete)
    return evaluate(
        principal, request, resource_policy=resource_policy, is_resource_policy_required=is_required
    ).outcome


owners = st.sampled_from([HERE, THERE])


@UNHURRIED
@given(
    principal=principals(),
    resource_policy=resource_policies,
    owner=owners,
    context=contexts,
    required=st.booleans(),
)
def test_who_knows_every_key_gets_an_answer_and_the_one_that_is_enforced(
    principal: Principal,
    resource_policy: Policy | None,
    owner: str,
    context: dict[str, Values],
    *,
    required: bool,
) -> None:
    """An outside observer knows that an absent key has no values; for the enforcement it is simply absent."""
    outside: dict[str, Values] = {"aws:username": (), **principal.keys(), **context}
    inside = {key: value for key, value in context.items() if value != ()}

    enforced = decided(principal, resource_policy, owner, inside, is_required=required)
    told = decided(principal, resource_policy, owner, outside, is_complete=False, is_required=required)

    assert enforced is not Outcome.UNKNOWN
    assert told is enforced


@UNHURRIED
@given(
    principal=principals(),
    resource_policy=resource_policies,
    owner=owners,
    context=contexts,
    hidden=st.sets(st.sampled_from(KEYS), min_size=1),
    required=st.booleans(),
)
def test_an_answer_without_knowing_every_key_is_right_whatever_the_others_are(
    principal: Principal,
    resource_policy: Policy | None,
    owner: str,
    context: dict[str, Values],
    hidden: set[str],
    *,
    required: bool,
) -> None:
    known = {key: value for key, value in context.items() if key not in hidden}
    told = decided(principal, resource_policy, owner, known, is_complete=False, is_required=required)
    whatever: tuple[Values, ...] = ((), "a", "b", "2", ("a", "b"))

    for others in itertools.product(whatever, repeat=len(hidden)):
        whole = known | dict(zip(sorted(hidden), others, strict=True))
        enforced = decided(principal, resource_policy, owner, whole, is_required=required)
        if told in {Outcome.ALLOWED, Outcome.EXPLICIT_DENY}:
            assert enforced is told
        if told is Outcome.IMPLICIT_DENY:
            assert enforced is not Outcome.ALLOWED


@UNHURRIED
@given(principals(), resource_policies, owners, contexts)
def test_a_denial_that_is_about_the_request_decides(
    principal: Principal, resource_policy: Policy | None, owner: str, context: dict[str, Values]
) -> None:
    denial = Policy(
        (Statement("", allows=False, actions=("*",), resources=("*",), principals=(("*", "*"),)),)
    )
    everywhere = Policy((*(resource_policy.statements if resource_policy else ()), *denial.statements))
    denied = replace(principal, identity_policies=(*principal.identity_policies, denial))

    assert decided(denied, resource_policy, owner, context) is Outcome.EXPLICIT_DENY
    assert decided(principal, everywhere, owner, context) is Outcome.EXPLICIT_DENY


@UNHURRIED
@given(principals(), resource_policies, owners, contexts, policies())
def test_a_boundary_and_session_policies_only_narrow(
    principal: Principal,
    resource_policy: Policy | None,
    owner: str,
    context: dict[str, Values],
    limit: Policy,
) -> None:
    for narrowed in (replace(principal, boundary=limit), replace(principal, session_policies=(limit,))):
        free = replace(narrowed, boundary=None, session_policies=None)
        if decided(narrowed, resource_policy, owner, context) is Outcome.ALLOWED:
            assert decided(free, resource_policy, owner, context) is Outcome.ALLOWED


@UNHURRIED
@given(principals(), resource_policies, contexts)
def test_what_another_account_has_needs_both_sides(
    principal: Principal, resource_policy: Policy | None, context: dict[str, Values]
) -> None:
    if decided(principal, resource_policy, THERE, context) is Outcome.ALLOWED:
        everywhere = replace(principal, identity_policies=(EVERYTHING,))
        assert decided(principal, None, THERE, context) is not Outcome.ALLOWED
        assert decided(everywhere, resource_policy, THERE, context) is Outcome.ALLOWED
        if principal.kind is not PrincipalKind.SERVICE:
            assert decided(principal, None, HERE, context) is Outcome.ALLOWED


@pytest.mark.parametrize(
    "operator",
    ["NumericLessThan", "DateGreaterThan", "BinaryEquals", "IpAddress", "Bool", "ArnLike", "StringLike"],
)
@UNHURRIED
@given(
    wanted=st.one_of(st.text(), st.sampled_from(["NaN", "1e999", "-inf", "9" * 14, "${", "${}", "::/0"])),
    value=st.one_of(st.text(), st.sampled_from(["sNaN", "1e30", "2026-01", "é", "10.0.0.1", "${k:one}"])),
)
def test_any_text_compares_with_any_other(operator: str, wanted: str, value: str) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "*",
        "Resource": "*",
        "Condition": {operator: {"k:one": wanted}},
    }
    policy = parse_policy({"Version": "2012-10-17", "Statement": statement})
    user = Principal(PrincipalKind.USER, USER, HERE, USER, (policy,))

    assert decided(user, None, HERE, {"k:one": value}) in {Outcome.ALLOWED, Outcome.IMPLICIT_DENY}
