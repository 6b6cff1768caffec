from typing import Any

import pytest

from deployer.model.approval_policy import ApprovalPolicy
from deployer.model.identity import Identity

ADA_ARN = "arn:aws:iam::111122223333:user/ada"
BOB_ARN = "arn:aws:sagemaker:eu-central-1:111122223333:user-profile/d-1/bob"
ROLE_ARN = "arn:aws:sts::111122223333:assumed-role/studio/SageMaker"
ADA = Identity(iam_arn=ADA_ARN)
BOB = Identity(BOB_ARN, ROLE_ARN)
CARL = Identity("arn:aws:sagemaker:eu-central-1:111122223333:user-profile/d-1/carl", ROLE_ARN)


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        (ADA_ARN, True),
        ("arn:aws:iam::111122223333:user/*", True),
        ("arn:aws:iam::*:user/ad?", True),
        ("*/ada", True),
        ("ada", False),
        ("arn:aws:iam::111122223333:user/a[d]a", False),
        ("arn:aws:iam::111122223333:user", False),
        ("arn:aws:iam::11112222.333:user/ada", False),
    ],
)
def test_a_pattern_has_two_wildcards_and_matches_the_whole_arn(pattern: str, *, matches: bool) -> None:
    objection = ApprovalPolicy((pattern,)).objection(approved_by=ADA, registered_by=BOB)

    assert (objection is None) is matches


@pytest.mark.parametrize("pattern", [BOB_ARN, ROLE_ARN])
def test_a_pattern_may_name_the_studio_profile_or_the_role_behind_it(pattern: str) -> None:
    assert ApprovalPolicy((pattern,)).objection(approved_by=BOB, registered_by=ADA) is None


def test_anybody_may_approve_unless_somebody_is_named() -> None:
    assert ApprovalPolicy().objection(approved_by=None, registered_by=Identity()) is None


def test_one_of_several_patterns_is_enough() -> None:
    policy = ApprovalPolicy((BOB_ARN, ADA_ARN))

    assert policy.objection(approved_by=ADA, registered_by=BOB) is None


def test_an_objection_names_who_approved_and_who_may() -> None:
    objection = ApprovalPolicy((BOB_ARN,)).objection(approved_by=ADA, registered_by=BOB)

    assert objection is not None
    assert ADA_ARN in objection
    assert BOB_ARN in objection


def test_four_eyes_object_to_ones_own_version() -> None:
    policy = ApprovalPolicy(four_eyes=True)

    assert policy.objection(approved_by=ADA, registered_by=ADA) is not None
    assert policy.objection(approved_by=ADA, registered_by=BOB) is None


def test_four_eyes_tell_two_users_of_one_studio_role_apart() -> None:
    assert ApprovalPolicy(four_eyes=True).objection(approved_by=BOB, registered_by=CARL) is None


def test_four_eyes_know_a_studio_user_by_the_role_behind_the_profile() -> None:
    """Registering with the role's credentials in a notebook, approving in Studio: it may be one person."""
    policy = ApprovalPolicy(four_eyes=True)

    assert policy.objection(approved_by=BOB, registered_by=Identity(iam_arn=ROLE_ARN)) is not None


@pytest.mark.parametrize("other", [Identity(), ADA])
def test_four_eyes_that_see_nobody_object(other: Identity) -> None:
    """An identity that SageMaker does not tell may be anybody's."""
    assert ApprovalPolicy(four_eyes=True).objection(approved_by=Identity(), registered_by=other)


@pytest.mark.parametrize("policy", [ApprovalPolicy(("*",)), ApprovalPolicy(four_eyes=True)])
def test_an_approver_who_can_no_longer_be_told_satisfies_no_policy(policy: ApprovalPolicy) -> None:
    objection = policy.objection(approved_by=None, registered_by=ADA)

    assert objection is not None
    assert "Approve it again" in objection


@pytest.mark.parametrize("policy", [{"Approvers": ["arn:*"]}, {"FourEyes": True}])
def test_a_stages_deployer_is_nobodys_approver(policy: dict[str, Any]) -> None:
    """It writes to the registry, and has registered nothing: a pattern may match it by mistake."""
    deployer = "arn:aws:sts::444455556666:assumed-role/greenlight-staging-deployer/x"
    document = {
        **policy,
        "Deployers": ["arn:aws:sts::444455556666:assumed-role/greenlight-staging-deployer/*"],
    }
    objection = ApprovalPolicy.parse(document).objection(
        approved_by=Identity(iam_arn=deployer), registered_by=BOB
    )

    assert objection is not None
    assert deployer in objection
    assert "approve it again" in objection
    assert ApprovalPolicy.parse(document).objection(approved_by=ADA, registered_by=BOB) is None
