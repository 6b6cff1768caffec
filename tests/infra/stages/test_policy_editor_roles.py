from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.stages.policy_editor_roles import MOST_OF_ROLE, MOST_POLICIES, spread
from infra.stages.policy_statements import PolicyTarget

TARGETS = st.lists(st.builds(PolicyTarget, st.just("group"), st.text(min_size=1)), unique=True, max_size=200)


@given(TARGETS)
def test_every_policy_has_one_role_and_no_role_too_many(targets: list[PolicyTarget]) -> None:
    held = spread(targets)

    assert sorted(target for each in held for target in each) == sorted(targets)
    assert all(len(each) <= MOST_OF_ROLE for each in held)


def test_few_policies_have_one_role() -> None:
    assert len(spread([PolicyTarget("group", str(number)) for number in range(MOST_OF_ROLE)])) == 1


def test_another_policy_leaves_the_others_where_they_are_unless_a_role_is_added() -> None:
    targets = [PolicyTarget("group", str(number)) for number in range(MOST_POLICIES)]

    for count in range(1, MOST_POLICIES, 7):
        before, after = spread(targets[:count]), spread(targets[: count + 1])
        if len(before) == len(after):
            assert all(set(old) <= set(new) for old, new in zip(before, after, strict=True))
        else:
            assert all(
                set(new) <= set(old) | {targets[count]} for old, new in zip(before, after, strict=False)
            )
