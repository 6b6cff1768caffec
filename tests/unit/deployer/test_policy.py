import pytest

from deployer.policy import ApprovalPolicy

ADA = "arn:aws:iam::111122223333:user/ada"
BOB = "arn:aws:sagemaker:eu-central-1:111122223333:user-profile/d-1/bob"


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        (ADA, True),
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


def test_anybody_may_approve_unless_somebody_is_named() -> None:
    assert ApprovalPolicy().objection(approved_by="unknown", registered_by="unknown") is None


def test_one_of_several_patterns_is_enough() -> None:
    policy = ApprovalPolicy((BOB, ADA))

    assert policy.objection(approved_by=ADA, registered_by=BOB) is None


def test_an_objection_names_who_approved_and_who_may() -> None:
    objection = ApprovalPolicy((BOB,)).objection(approved_by=ADA, registered_by=BOB)

    assert objection is not None
    assert ADA in objection
    assert BOB in objection


def test_four_eyes_object_to_ones_own_version() -> None:
    policy = ApprovalPolicy(four_eyes=True)

    assert policy.objection(approved_by=ADA, registered_by=ADA) is not None
    assert policy.objection(approved_by=ADA, registered_by=BOB) is None


def test_four_eyes_that_see_nobody_object() -> None:
    """Identities that SageMaker does not tell are equal, and may be the same person's."""
    assert ApprovalPolicy(four_eyes=True).objection(approved_by="unknown", registered_by="unknown")
