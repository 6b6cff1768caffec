"""Reports what a person has to hear of an endpoint at rest, in one message, once."""

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
        """Report the round's findings; nothing to report ends what was reported before."""
        report = round_.report
        if round_.waits and not round_.troubles:
            # What a person heard of a deployment that waits is still so.
            report = self._ledger.history.last_observed.reported
        self._notices.report(" ".join(filter(None, [report, *round_.troubles])) or None)
        return Next.GO_ON
