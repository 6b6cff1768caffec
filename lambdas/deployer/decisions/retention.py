"""Decides which models and endpoint configs nothing needs any more. Pure.

Names come from the journal alone, each exactly as it was made: nothing is ever found by a search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.model.attempt import Action, AttemptStatus, Deletion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deployer.model.attempt import Attempt


def disposable(
    attempts: Sequence[Attempt],
    *,
    keep: int,
    needed: Iterable[str],
    fallback: str | None = None,
    recalled: Iterable[Attempt] = (),
) -> Deletion:
    """Return what may be deleted while the endpoint rests and nothing is under way.

    Kept are the configs that are needed, those of `keep` former releases, and the models of all these. Among
    the former ones the fallback comes first, and stays even if none is to be kept; then those that served
    last.

    Args:
        attempts: The endpoint's, newest first.
        keep: How many former releases stay.
        needed: Names of the configs that serve or are wanted.
        fallback: Name of the config that a reject of what serves would bring back.
        recalled: Older ones, on configs that are kept: they tell what these need, and are not deleted.
    """
    kept = set(needed)
    former = [] if fallback is None or fallback in kept else [fallback]
    limit = max(keep, len(former))
    former += [
        attempt.endpoint_config_name
        for attempt in attempts
        if attempt.is_deployment
        and attempt.status is AttemptStatus.SUCCEEDED
        and attempt.endpoint_config_name not in kept
    ]
    kept.update(list(dict.fromkeys(former))[:limit])
    models_kept = {
        name
        for attempt in (*attempts, *recalled)
        if attempt.endpoint_config_name in kept
        for name in attempt.model_names
    }
    configs: dict[str, None] = {}
    models: dict[str, None] = {}
    gone: set[str] = set()
    # Newest first: what was deleted after it was last made is gone, what was made again is not.
    for attempt in attempts:
        if attempt.action is Action.CLEAN_UP:
            if attempt.status is AttemptStatus.SUCCEEDED:
                gone.update(attempt.deletion.endpoint_config_names, attempt.deletion.model_names)
            continue
        if not attempt.is_deployment:
            continue
        if attempt.endpoint_config_name not in kept | gone:
            configs[attempt.endpoint_config_name] = None
        models.update(dict.fromkeys(name for name in attempt.model_names if name not in models_kept | gone))
    return Deletion(tuple(configs), tuple(models))
