"""Takes in what operators ask for, as facts of the journal. The decisions see only these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.decisions.restarting import as_restart, restarted_by
from deployer.decisions.rollbacks import as_rollback, held_by
from deployer.decisions.trying_again import as_retry, retried_by
from deployer.endpoint_pass.round import Next
from deployer.gateways.requests import RESTART, RETRY
from deployer.model.excerpts import sentence

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from deployer.endpoint_pass.ledger import Ledger
    from deployer.endpoint_pass.notices import Notices
    from deployer.endpoint_pass.round import Round
    from deployer.gateways.requests import Requests
    from deployer.model.request import Request

_MARKED: Final = {RETRY: (retried_by, as_retry), RESTART: (restarted_by, as_restart)}
"""What a request marks, and with what, by its verb: that is the name of the approval's field, too."""


class RequestsPhase:
    """Journals requests, and deletes their records after that: a crash in between repeats them."""

    def __init__(self, ledger: Ledger, requests: Requests, notices: Notices, logger: Logger) -> None:
        self._ledger = ledger
        self._requests = requests
        self._notices = notices
        self._logger = logger

    def run(self, round_: Round) -> Next:
        """Take in the requests that were read for this pass."""
        for request in round_.requests:
            self._take(request)
        return Next.GO_ON

    def _take(self, request: Request) -> None:
        refusal = self._mark(request) if request.verb in _MARKED else self._roll_back(request)
        if refusal is not None:
            name, asked_by = self._ledger.endpoint_name, request.by or "somebody"
            self._notices.report(
                f"The {request.verb or 'request'} of {name} that {asked_by} asked for is not done: "
                f"{sentence(refusal)} `greenlight why {name}` says which versions may serve."
            )
        self._requests.end(request)

    def _roll_back(self, request: Request) -> str | None:
        """Hold what a rollback holds back, or return why it cannot be done."""
        held = held_by(self._ledger.history, request)
        if isinstance(held, str):
            return held
        for approval in held:
            if not self._ledger.change_approval(approval, rollback=as_rollback(request)):
                # The journal heard of another approval meanwhile, perhaps of one that was given before.
                return self._roll_back(request)
        self._logger.warning(
            "Rolled back by a person",
            held=[each.version_arn for each in held],
            by=request.by,
            reason=request.reason,
        )
        return None

    def _mark(self, request: Request) -> str | None:
        """Note on a version's approvals that it is to be tried again or restarted, or return why not."""
        meant, note = _MARKED[request.verb]
        found = meant(self._ledger.history, request)
        if isinstance(found, str):
            return found
        for approval in found:
            asked = {request.verb: note(self._ledger.history, request)}
            if not self._ledger.change_approval(approval, **asked):
                # As with a rollback. The other approval may need no retry, or have the restart already.
                return self._mark(request)
        self._logger.warning(
            f"A person asked for a {request.verb}", model_package_arn=request.version_arn, by=request.by
        )
        return None
