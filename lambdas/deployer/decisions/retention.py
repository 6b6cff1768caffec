"""Decides which models and endpoint configs nothing needs any more. Pure.

Names come only from the journal, exactly as they were created. Nothing is found by a search.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deployer.decisions.choice import decide_choice
from deployer.decisions.facts import reads_first
from deployer.decisions.served import ServedWell
from deployer.model.attempt import Deletion
from deployer.model.steps import DeleteEndpointConfig, DeleteModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deployer.decisions.choice import Choice, Decision
    from deployer.decisions.facts import Facts
    from deployer.model.history import ReleaseRecord


_EVER = datetime.max.replace(tzinfo=UTC)
"""A time at which no failed release waits for its retry any more."""


@reads_first
def plan_clean_up(facts: Facts, decision: Decision, serving_config_name: str | None) -> Deletion | None:
    """Return the models and configs that nothing needs any more, on an endpoint at rest.

    Returns None if nobody can tell: a version that is hidden may need some of them once it is shown.

    Args:
        facts: What was read.
        decision: What the endpoint should serve.
        serving_config_name: The config that it serves; None if it serves nothing.
    """
    made = [each for each in facts.history.releases.values() if each.made]
    keep, choice = facts.settings.keep, decision.choice
    if any(each.is_hidden for each in decision.ineligible):
        # A version that S3 hides may go out once S3 shows it, or a reject may bring it back.
        return None
    needed = set() if serving_config_name is None else {serving_config_name}
    if choice is not None and not choice.keeps_serving:
        # A release that may not go out is not needed. Its version may have been changed while its models were
        # created. If the version is changed back, those models would pass for the approved ones.
        needed.update(_fallbacks(facts, choice))
    deletion = disposable(made, keep=keep, needed=needed)
    if not deletion or choice is None:
        return deletion
    # This reads the registry, so it comes last. It finds the release that a reject of this version would
    # bring back, now or once no retry waits.
    others = decide_choice(facts, None, now=_EVER, besides=(choice.approval,))
    if any(each.is_hidden for each in others.ineligible):
        return None
    return disposable(made, keep=keep, needed=needed, fallbacks=_fallbacks(facts, others.choice))


def _fallbacks(facts: Facts, choice: Choice | None) -> tuple[str, ...]:
    """Return the configs of an approval that goes out: with the present settings, or else as it served."""
    if choice is None:
        return ()
    name = choice.release.endpoint_config_name
    former = ServedWell.on(facts.history).former(choice.approval, besides=name)
    if former is None or facts.history.is_proven(name):
        return (name,)
    return (name, former.endpoint_config_name)


def deletion_steps(deletion: Deletion) -> list[DeleteEndpointConfig | DeleteModel]:
    """Return the steps of a deletion: configs first, as they name models."""
    return [
        *(DeleteEndpointConfig(name) for name in deletion.endpoint_config_names),
        *(DeleteModel(name) for name in deletion.model_names),
    ]


def disposable(
    made: Sequence[ReleaseRecord], *, keep: int, needed: Iterable[str], fallbacks: Iterable[str] = ()
) -> Deletion:
    """Return what may be deleted while the endpoint rests and nothing is under way.

    It keeps the needed configs, those of `keep` former releases, and the models of all these. Of the former
    releases the fallbacks come first, and stay even if `keep` is 0. Then come those that served last.

    Args:
        made: The records of releases whose models and configs may exist.
        keep: How many former releases stay.
        needed: Names of the configs that serve or are wanted.
        fallbacks: Names of the configs that a reject of the serving version may bring back.
    """
    kept = set(needed)
    names = {each.endpoint_config_name for each in made}
    former = [each for each in fallbacks if each in names and each not in kept]
    # The second fallback takes no place of a former release: it is there in case the first one fails.
    limit = max(keep, 1 if former else 0) + max(len(former) - 1, 0)
    served = {each.served_last: each.endpoint_config_name for each in made if each.served_last is not None}
    former += [served[number] for number in sorted(served, reverse=True) if served[number] not in kept]
    kept.update(list(dict.fromkeys(former))[:limit])
    models_kept = {name for each in made if each.endpoint_config_name in kept for name in each.model_names}
    newest_first = sorted(made, key=lambda each: each.deployments[0].number, reverse=True)
    left = [each for each in newest_first if each.endpoint_config_name not in kept]
    models = (name for each in left for name in each.model_names if name not in models_kept)
    configs = (name for each in left for name in (each.endpoint_config_name, *tests_of(each)))
    return Deletion(tuple(dict.fromkeys(configs)), tuple(dict.fromkeys(models)))


def tests_of(record: ReleaseRecord) -> tuple[str, ...]:
    """Return the test endpoints of a release, which are the names of their configs, too."""
    return tuple(filter(None, (each.test_endpoint_name for each in record.deployments)))
