"""Prove all policies and write the page; whatever has neither use nor reason is a failure."""
# ruff: noqa: T201 - a command speaks to its terminal

from __future__ import annotations

import os
import sys
import time
from collections import Counter

from tests.iam_proof.page import PAGE, written
from tests.iam_proof.proof import prove
from tests.iam_proof.reasons import REASONS, reason_for


def main() -> int:
    """Return the process's exit status: 1 if something in a policy is for nothing, or a reason is."""
    began = time.monotonic()
    proof = prove(jobs=os.cpu_count() or 1)
    if proof.broken or not proof.findings:
        print("Nothing is proven: these fail with every policy in place:", *proof.broken, sep="\n  ")
        return 1
    unneeded = [each for each in proof.findings if not each.scenario]
    for each in proof.findings:
        if each.scenario:
            print(f"{each.subject}: {each.taken}\n    {each.scenario}\n    {each.how}")
    reasons = {(each.subject, each.taken): reason_for(each.subject, each.taken) for each in unneeded}
    for each in unneeded:
        reason = reasons[each.subject, each.taken]
        why = reason.why if reason else "NO REASON: change it in infra/, or write the reason into reasons.py."
        print(f"SURVIVED {each.subject}: {each.taken} ({each.candidates} scenarios)\n    {why}")
    stale = [reason for reason in REASONS if reason not in reasons.values()]
    for reason in stale:
        print(f"OUT OF DATE {reason}\n    Scenarios miss what it explains, or it is gone: remove it.")
    PAGE.write_text(written(proof.findings), encoding="utf-8")
    without = [each for each in unneeded if not reasons[each.subject, each.taken]]
    for subject, count in Counter(each.subject for each in proof.findings).items():
        stays = sum(each.subject == subject for each in unneeded)
        print(f"{count:4} {count - stays:4} fail {stays:4} stay  {subject}")
    print(
        f"{len(proof.findings)} things changed: {len(proof.findings) - len(unneeded)} fail a scenario, "
        f"{len(unneeded) - len(without)} stay for a reason, {len(without)} for none. "
        f"{len(stale)} reasons are out of date. {time.monotonic() - began:.0f} s"
    )
    return 1 if without or stale else 0


if __name__ == "__main__":
    sys.exit(main())
