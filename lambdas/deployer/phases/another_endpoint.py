"""Forgets what was noted of an endpoint that is gone, or that was created again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.autoscaling import half_changed, is_scaling_unsure
from deployer.endpoint_pass.round import Next

if TYPE_CHECKING:
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.round import Round


class AnotherEndpointPhase:
    """Compares when the endpoint was created with the journal's note of that.

    A deleted endpoint took its tags and its scaling with it. The journal may not show that it was deleted: it
    may have been restored to an earlier time. Nor may it then show that variants were deregistered for an
    update that came after that time.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def run(self, round_: Round) -> Next:
        """Note the endpoint, and forget what the one before it had, or an unknown update may have ended."""
        endpoint, history = round_.endpoint, self._ledger.history
        created_at = endpoint.created_at if endpoint is not None else None
        noted, scaling = history.last_observed.created_at, history.last_observed.scaling
        if noted is None:
            # What was noted meanwhile is what the endpoint was created with.
            self._ledger.note(created_at=created_at)
        elif noted != created_at:
            self._ledger.note(
                created_at=created_at,
                endpoint_config_name=None,
                last_modified_time=None,
                tags={},
                scaling={},
                alarms_seen_at=None,
            )
        elif (
            scaling
            and endpoint is not None
            and endpoint.status == "InService"
            and history.unsettled is None
            and is_scaling_unsure(history, endpoint.endpoint_config_name)
        ):
            self._ledger.note(
                # Once for this config.
                endpoint_config_name=endpoint.endpoint_config_name,
                last_modified_time=None,
                scaling={name: half_changed(each, {}) for name, each in scaling.items()},
            )
        return Next.GO_ON
