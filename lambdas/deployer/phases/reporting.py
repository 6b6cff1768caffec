"""Reports, each once, the problems that a person must know about an endpoint at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.endpoint_pass.round import Next

if TYPE_CHECKING:
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.refused_writes import RefusedWrites
    from deployer.endpoint_pass.round import Round


class ReportingPhase:
    """Compares what the phases before found with what was reported."""

    def __init__(self, ledger: Ledger, notices: Notices, refused_writes: RefusedWrites) -> None:
        self._ledger = ledger
        self._notices = notices
        self._refused_writes = refused_writes

    def run(self, round_: Round) -> Next:
        """Report what was not reported yet, and forget the problems that are gone."""
        found = [*filter(None, [round_.report]), *round_.troubles]
        # While a deployment waits, earlier reports still hold.
        lasting = self._ledger.history.last_observed.reported if round_.waits else ()
        self._notices.report_all([*lasting, *found])
        endpoint = round_.endpoint
        is_complete = round_.discover and endpoint is not None and endpoint.status == "InService"
        if is_complete and not round_.is_another_kind:
            # Otherwise some phases did not look.
            self._refused_writes.forget_unwanted()
        return Next.GO_ON
