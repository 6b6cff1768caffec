"""Prove the deployer's role and write the page; whatever has neither use nor reason is a failure."""
# ruff: noqa: T201 - a command speaks to its terminal

from __future__ import annotations

import sys
import time

from tests.iam_proof.page import PAGE, written
from tests.iam_proof.proof import prove
from tests.iam_proof.reasons import REASONS


def main() -> int:
    """Return the process's exit status: 1 if something in the role is for nothing, or a reason is."""
    began = time.monotonic()
    proof = prove()
    if proof.broken or not proof.findings:
        print("Nothing is proven: these fail with every policy in place:", *proof.broken, sep="\n  ")
        return 1
    for each in proof.findings:
        if each.scenario:
            print(f"{each.taken}\n    {each.scenario}\n    {each.how}")
    unneeded = {each.taken: each for each in proof.findings if not each.scenario}
    for taken, finding in unneeded.items():
        why = REASONS.get(taken, "NO REASON: remove it from infra/, or write the reason into reasons.py.")
        print(f"SURVIVED {taken} ({finding.candidates} scenarios use it)\n    {why}")
    stale = [taken for taken in REASONS if taken not in unneeded]
    for taken in stale:
        print(
            f"OUT OF DATE {taken}\n    reasons.py explains what a scenario needs, or what is gone: remove it."
        )
    PAGE.write_text(written(proof.findings, REASONS))
    without = [taken for taken in unneeded if taken not in REASONS]
    print(
        f"{len(proof.findings)} things taken: {len(proof.findings) - len(unneeded)} fail a scenario, "
        f"{len(unneeded) - len(without)} stay for a reason, {len(without)} are for nothing. "
        f"{len(stale)} reasons are out of date. {time.monotonic() - began:.0f} s"
    )
    return 1 if without or stale else 0


if __name__ == "__main__":
    sys.exit(main())
