"""Reports once, in one message, what a person must know about an endpoint at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.endpoint_pass.round import Next

if TYPE_CHECKING:
    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.round import Round


class ReportingPhase:
    """Joins what the phases before found."""

    def __init__(self, ledger: Ledger, notices: Notices) -> None:
        self._ledger = ledger
        self._notices = notices

    def run(self, round_: Round) -> Next:
        """Report the round's findings. Without any, forget the last report."""
        report = round_.report
        if round_.waits and not round_.troubles:
            # While a deployment waits, the last report still holds.
            report = self._ledger.history.last_observed.reported
        self._notices.report(" ".join(filter(None, [report, *round_.troubles])) or None)
        return Next.GO_ON
