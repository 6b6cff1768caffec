"""Notes in the fleet's partition how a sweep's looks ended, as far as the next sweep has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.decisions.sweep import after_failed_look, after_look
from deployer.gateways.sagemaker_errors import NotVisibleYetError

if TYPE_CHECKING:
    from datetime import datetime

    from deployer.endpoint_pass.round import Round
    from deployer.gateways.gateways import Gateways
    from deployer.gateways.settings_files import SettingsFiles
    from deployer.model.fleet import FleetRecord, Look


class LookNotes:
    """The notes of one invocation.

    Args:
        gateways: The journal and the time.
        settings: The deployed settings. Their index is read only when there is a look to note.
        began: When the invocation began.
    """

    def __init__(self, gateways: Gateways, settings: SettingsFiles, *, began: datetime) -> None:
        self._gateways = gateways
        self._settings = settings
        self._began = began
        self._resting: dict[str, FleetRecord] = {}

    def note(self, look: Look, first: Round, *, ended: bool) -> None:
        """Note how a look ended, or keep for later that its endpoint rests."""
        if look.record.left_at is not None:
            # This invocation may have the settings that the endpoint has left.
            return
        record = after_look(
            look,
            self._settings.digests[look.endpoint_name],
            ended=ended,
            rests=first.rests,
            began=self._began,
            now=self._gateways.now(),
            approved_digest=first.approved_digest,
            retry_at=first.retry_at,
        )
        if record == look.record:
            return
        if record.rests:
            # Together with others: if this invocation ends before, another look does no harm.
            self._resting[look.endpoint_name] = record
        else:
            self._gateways.journal.fleet.note_look(look.endpoint_name, record)

    def note_failed(self, look: Look, error: Exception) -> None:
        """Note that a look failed."""
        passes = isinstance(error, NotVisibleYetError)
        digest = self._settings.digests[look.endpoint_name]
        record = after_failed_look(look, digest, began=self._began, passes=passes)
        self._gateways.journal.fleet.note_look(look.endpoint_name, record)

    def note_rests(self) -> None:
        """Note which endpoints rest. If this fails, the next sweep looks again."""
        resting, self._resting = self._resting, {}
        self._gateways.journal.fleet.note_rests(resting)
