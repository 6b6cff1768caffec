"""Reports, each once, the problems that a person must know about an endpoint at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.endpoint_pass.round import Next

if TYPE_CHECKING:
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.round import Round


class ReportingPhase:
    """Compares what the phases before found with what was reported."""

    def __init__(self, ledger: Ledger, notices: Notices) -> None:
        self._ledger = ledger
        self._notices = notices

    def run(self, round_: Round) -> Next:
        """Report what was not reported yet, and forget the problems that are gone."""
        found = [*filter(None, [round_.report]), *round_.troubles]
        # While a deployment waits, earlier reports still hold.
        lasting = self._ledger.history.last_observed.reported if round_.waits else ()
        self._notices.report_all([*lasting, *found])
        return Next.GO_ON
