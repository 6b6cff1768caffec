"""Write docs/witnesses.md, and the count in docs/fidelity.md: `python -m tests.witnesses`."""

from __future__ import annotations

from tests.witnesses.page import FIDELITY_PAGE, WITNESSES_PAGE, gathered, rendered, with_count

WITNESSES_PAGE.write_text(rendered(gathered()), encoding="utf-8")
FIDELITY_PAGE.write_text(with_count(FIDELITY_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
