"""Decides whether an endpoint that has not changed since it was last seen needs anything. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.decisions.alarms import SEARCH, are_current, wanted_alarms
from deployer.decisions.variant_properties import unset_properties
from deployer.model.release import all_tags
from deployer.model.steps import ChangeTags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.decisions.choice import Decision
    from deployer.model.endpoint import EndpointSummary
    from deployer.model.history import History, LastObserved
    from deployer.model.settings import EndpointSettings

_UNSURE: Final = "?"
"""A value that no tag can have (botocore: `TagValue`)."""


def is_up_to_date(settings: EndpointSettings, last: LastObserved, *, stack_name: str) -> bool:
    """Tell whether tags, scaling and alarms are as they should be, and nobody has to act."""
    # An endpoint without alarms has one look for those that a lost journal forgot, which is no change of it.
    has_none = not settings.alarms and not last.alarms
    return _is_kept_up(settings, last, stack_name=stack_name) and (has_none or are_current(settings, last))


def _is_kept_up(settings: EndpointSettings, last: LastObserved, *, stack_name: str) -> bool:
    return (
        last.tags == all_tags(settings, stack_name)
        and last.scaling == settings.scaling
        and last.alarms == wanted_alarms(settings)
        and not last.abort_alarm_set
        and not last.reported
        # The endpoint rests until the next try of a search that most probably finds nothing.
        and not last.put_off.keys() - {SEARCH}
    )


def is_unchanged(
    settings: EndpointSettings, history: History, summary: EndpointSummary, *, stack_name: str
) -> bool:
    """Tell from the journal and `ListEndpoints` whether an endpoint is as the deployer left it.

    Alarms are not listed: a sweep's daily check reads them.
    """
    last = history.last_observed
    return (
        summary.status == "InService"
        and summary.last_modified_time == last.last_modified_time
        and history.unsettled is None
        and not unset_properties(history, last.endpoint_config_name)
        and (last.alarms_seen_at is not None or SEARCH in last.put_off)
        and _is_kept_up(settings, last, stack_name=stack_name)
    )


def is_chosen(decision: Decision, serving_config_name: str | None) -> bool:
    """Tell whether the endpoint serves the chosen config, and there is nothing new to report."""
    choice = decision.choice
    return (
        choice is not None
        and not any(each.is_unreported for each in decision.ineligible)
        and not choice.keeps_serving
        and choice.release.endpoint_config_name == serving_config_name
    )


def tag_steps(
    settings: EndpointSettings, last: LastObserved, resource_arn: str, *, stack_name: str
) -> list[ChangeTags]:
    """Return the step that changes the endpoint's own tags to the settings' tags; none if they match."""
    wanted, applied = all_tags(settings, stack_name), last.tags
    if wanted == applied:
        return []
    add = {key: value for key, value in wanted.items() if applied.get(key) != value}
    return [ChangeTags(resource_arn, add, frozenset(applied) - frozenset(wanted), wanted)]


def half_tagged(applied: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Return which tags an endpoint may have while they change: no settings ask for these.

    Args:
        applied: Its tags, as they were put on before.
        wanted: What they are to be.
    """
    same = dict(applied.items() & wanted.items())
    return {**dict.fromkeys((*applied, *wanted), _UNSURE), **same}
