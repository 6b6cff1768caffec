"""Decides which models and endpoint configs nothing needs any more. Pure.

Names come from the journal alone, each exactly as it was made: nothing is ever found by a search.
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
"""When every passing reason for which a release may not be tried has passed."""


@reads_first
def plan_clean_up(facts: Facts, decision: Decision, serving_config_name: str | None) -> Deletion:
    """Return what nothing needs any more, on an endpoint at rest.

    Args:
        facts: What was read.
        decision: What the endpoint should serve.
        serving_config_name: The config that it serves; None if it serves nothing.
    """
    history, keep, choice = facts.history, facts.settings.keep, decision.choice
    if any(each.is_hidden for each in decision.ineligible):
        # A version that S3 hides now may go out once S3 shows it, or may be what a reject would bring back.
        return NOTHING
    needed = set() if serving_config_name is None else {serving_config_name}
    if choice is not None and not choice.keeps_serving:
        # A release that may not go out is not needed. Its version may have been changed while its models were
        # made: they would pass for what was approved once the version is changed back.
        needed.add(choice.release.endpoint_config_name)
    for name in sorted(needed):
        facts.latest_on(name)
    deletion = disposable(history.attempts, keep=keep, needed=needed, recalled=history.recalled)
    if not deletion or choice is None:
        return deletion
    # Only now, as it reads the registry: what a reject of this version would bring back, if not at once then
    # when every passing reason has passed.
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
    # Newest first: what was deleted after it was last made is gone, what was made again is not.
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
