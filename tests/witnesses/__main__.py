"""Write docs/witnesses.md, and the count in docs/fidelity.md: `python -m tests.witnesses`."""

from __future__ import annotations

import sys

from tests.witnesses.page import FIDELITY_PAGE, WITNESSES_PAGE, counted, gathered, rendered, with_count

found = gathered()
WITNESSES_PAGE.write_text(rendered(found), encoding="utf-8")
FIDELITY_PAGE.write_text(with_count(FIDELITY_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
sys.stdout.write(
    f"{sum(map(len, found.values()))} witnesses of {len(found)} subjects are on {WITNESSES_PAGE.name}. "
    f"{counted(FIDELITY_PAGE.read_text(encoding='utf-8'))}\n"
)
