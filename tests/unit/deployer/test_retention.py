from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deployer.decisions.retention import disposable
from deployer.model.attempt import Action, Attempt, AttemptStatus, Deletion
from tests.unit.deployer.builders import attempt


def made(
    number: int,
    config: str,
    model: str | None = None,
    status: AttemptStatus = AttemptStatus.SUCCEEDED,
    **changes: Any,
) -> Attempt:
    return attempt(
        number,
        number=number,
        endpoint_config_name=config,
        model_name=model or f"m-{config}",
        status=status,
        **changes,
    )


def cleaned(number: int, *configs: str, status: AttemptStatus = AttemptStatus.SUCCEEDED) -> Attempt:
    deletion = Deletion(configs, tuple(f"m-{each}" for each in configs))
    return made(number, "live", status=status, action=Action.CLEAN_UP, deletion=deletion)


def test_the_last_former_releases_stay() -> None:
    attempts = [made(number, f"c{number}") for number in (6, 5, 4, 3, 2, 1)]

    assert disposable(attempts, keep=3, needed=["c6"]) == Deletion(("c2", "c1"), ("m-c2", "m-c1"))


def test_with_nothing_to_keep_only_what_is_needed_stays() -> None:
    attempts = [made(number, f"c{number}") for number in (3, 2, 1)]

    assert disposable(attempts, keep=0, needed=["c3", "c1"]) == Deletion(("c2",), ("m-c2",))


def test_what_failed_or_was_withdrawn_does_not_stay() -> None:
    attempts = [
        made(4, "c4"),
        made(3, "c3", status=AttemptStatus.FAILED),
        made(2, "c2", status=AttemptStatus.WITHDRAWN),
        made(1, "c1"),
    ]

    assert disposable(attempts, keep=3, needed=["c4"]) == Deletion(("c3", "c2"), ("m-c3", "m-c2"))


def test_a_model_stays_as_long_as_a_config_that_stays_uses_it() -> None:
    attempts = [made(2, "c2", "shared"), made(1, "c1", "shared")]

    assert disposable(attempts, keep=0, needed=["c2"]) == Deletion(("c1",), ())


def test_what_is_gone_is_not_deleted_again() -> None:
    attempts = [cleaned(4, "c1"), made(3, "c3"), made(2, "c2"), made(1, "c1")]

    assert disposable(attempts, keep=0, needed=["c3"]) == Deletion(("c2",), ("m-c2",))


def test_what_was_made_again_is_there_again() -> None:
    attempts = [made(5, "c5"), made(4, "c1"), cleaned(3, "c1"), made(2, "c2"), made(1, "c1")]

    assert disposable(attempts, keep=0, needed=["c5"]) == Deletion(("c1", "c2"), ("m-c1", "m-c2"))


def test_a_clean_up_that_was_cut_short_deleted_nothing_for_certain() -> None:
    attempts = [cleaned(3, "c1", status=AttemptStatus.WITHDRAWN), made(2, "c2"), made(1, "c1")]

    assert disposable(attempts, keep=0, needed=["c2"]) == Deletion(("c1",), ("m-c1",))


HISTORIES = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(list(AttemptStatus))), max_size=20)


@given(HISTORIES, st.integers(0, 4), st.sets(st.sampled_from("abcdef")))
def test_nothing_that_is_needed_is_ever_disposable(
    history: list[tuple[str, AttemptStatus]], keep: int, needed: set[str]
) -> None:
    attempts = [made(number, name, status=status) for number, (name, status) in enumerate(history, 1)][::-1]

    deletion = disposable(attempts, keep=keep, needed=needed)

    left = {each.endpoint_config_name for each in attempts} - set(deletion.endpoint_config_names)
    assert not needed & set(deletion.endpoint_config_names)
    assert not {f"m-{each}" for each in left} & set(deletion.model_names)
    assert len(left - needed) <= keep
