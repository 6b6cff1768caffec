"""Decides which models and endpoint configs nothing needs any more. Pure.

Names come only from the journal, exactly as they were created. Nothing is found by a search.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deployer.decisions.choice import decide_choice
from deployer.decisions.facts import reads_first
from deployer.decisions.retries import deployments
from deployer.model.attempt import NOTHING, AttemptStatus, CleanUp, Deletion, Deployment
from deployer.model.steps import DeleteEndpointConfig, DeleteModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deployer.decisions.choice import Decision
    from deployer.decisions.facts import Facts
    from deployer.model.attempt import Attempt


_EVER = datetime.max.replace(tzinfo=UTC)
"""A time at which no failed release waits for its retry any more."""


@reads_first
def plan_clean_up(facts: Facts, decision: Decision, serving_config_name: str | None) -> Deletion:
    """Return the models and configs that nothing needs any more, on an endpoint at rest.

    Args:
        facts: What was read.
        decision: What the endpoint should serve.
        serving_config_name: The config that it serves; None if it serves nothing.
    """
    history, keep, choice = facts.history, facts.settings.keep, decision.choice
    if any(each.is_hidden for each in decision.ineligible):
        # A version that S3 hides may go out once S3 shows it, or a reject may bring it back.
        return NOTHING
    needed = set() if serving_config_name is None else {serving_config_name}
    if choice is not None and not choice.keeps_serving:
        # A release that may not go out is not needed. Its version may have been changed while its models were
        # created. If the version is changed back, those models would pass for the approved ones.
        needed.add(choice.release.endpoint_config_name)
    for name in sorted(needed):
        facts.latest_on(name)
    deletion = disposable(history.attempts, keep=keep, needed=needed, recalled=history.recalled)
    if not deletion or choice is None:
        return deletion
    # This reads the registry, so it comes last. It finds the release that a reject of this version would
    # bring back, now or once no retry waits.
    others = decide_choice(facts, None, now=_EVER, besides=choice.approval)
    if any(each.is_hidden for each in others.ineligible):
        return NOTHING
    former = others.choice
    fallback = former.release.endpoint_config_name if former is not None else None
    facts.latest_on(fallback)
    return disposable(
        history.attempts, keep=keep, needed=needed, fallback=fallback, recalled=history.recalled
    )


def deletion_steps(deletion: Deletion) -> list[DeleteEndpointConfig | DeleteModel]:
    """Return the steps of a deletion: configs first, as they name models."""
    return [
        *(DeleteEndpointConfig(name) for name in deletion.endpoint_config_names),
        *(DeleteModel(name) for name in deletion.model_names),
    ]


def disposable(
    attempts: Sequence[Attempt],
    *,
    keep: int,
    needed: Iterable[str],
    fallback: str | None = None,
    recalled: Iterable[Attempt] = (),
) -> Deletion:
    """Return what may be deleted while the endpoint rests and nothing is under way.

    It keeps the needed configs, those of `keep` former releases, and the models of all these. Of the former
    releases the fallback comes first, and stays even if `keep` is 0. Then come those that served last.

    Args:
        attempts: The endpoint's, newest first.
        keep: How many former releases stay.
        needed: Names of the configs that serve or are wanted.
        fallback: Name of the config that a reject of the serving version would bring back.
        recalled: Older attempts on configs that are kept. They show what these configs need, and are not
            deleted.
    """
    kept = set(needed)
    former = [] if fallback is None or fallback in kept else [fallback]
    limit = max(keep, len(former))
    former += [
        attempt.endpoint_config_name
        for attempt in deployments(attempts)
        if attempt.status is AttemptStatus.SUCCEEDED and attempt.endpoint_config_name not in kept
    ]
    kept.update(list(dict.fromkeys(former))[:limit])
    models_kept = {
        name
        for attempt in deployments((*attempts, *recalled))
        if attempt.endpoint_config_name in kept
        for name in attempt.model_names
    }
    configs: dict[str, None] = {}
    models: dict[str, None] = {}
    gone: set[str] = set()
    # Newest first: a name is gone if its deletion is newer than its last creation.
    for attempt in attempts:
        if isinstance(attempt, CleanUp):
            if attempt.status is AttemptStatus.SUCCEEDED:
                gone.update(attempt.deletion.endpoint_config_names, attempt.deletion.model_names)
            continue
        if not isinstance(attempt, Deployment):
            continue
        if attempt.endpoint_config_name not in kept | gone:
            configs[attempt.endpoint_config_name] = None
        models.update(dict.fromkeys(name for name in attempt.model_names if name not in models_kept | gone))
    return Deletion(tuple(configs), tuple(models))
