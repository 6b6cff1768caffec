"""Prove all policies and write the page; what has no use and no reason, or no evidence, is a failure.

With `--evidence` only the evidence is checked, which takes seconds, and nothing is written.
"""
# ruff: noqa: T201 - a command speaks to its terminal

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from tests.iam_proof.page import PAGE, written
from tests.iam_proof.proof import prove, synthesised_stacks
from tests.iam_proof.reasons import REASONS, reason_for
from tests.iam_proof.verdicts import REFERENCE, judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.iam_proof.verdicts import Judgement


def main(arguments: Sequence[str]) -> int:
    """Return the process's exit status: 1 if something in a policy is for nothing, or a reason is."""
    if arguments == ["--evidence"]:
        return _tell(judge(synthesised_stacks()))
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
    judgement = judge(proof.stacks)
    page = written(proof.findings, judgement.column(), judgement.sources, judgement.questions)
    PAGE.write_text(page, encoding="utf-8")
    without = [each for each in unneeded if not reasons[each.subject, each.taken]]
    for subject, count in Counter(each.subject for each in proof.findings).items():
        stays = sum(each.subject == subject for each in unneeded)
        print(f"{count:4} {count - stays:4} fail {stays:4} stay  {subject}")
    print(
        f"{len(proof.findings)} things changed: {len(proof.findings) - len(unneeded)} fail a scenario, "
        f"{len(unneeded) - len(without)} stay for a reason, {len(without)} for none. "
        f"{len(stale)} reasons are out of date. {time.monotonic() - began:.0f} s"
    )
    return 1 if _tell(judgement) or without or stale else 0


def _tell(judgement: Judgement) -> int:
    """Tell the evidence; return 1 if a statement has none, or is narrower than it."""
    if not judgement.verdicts:
        print("Nothing is judged: the stacks could not be synthesised.")
        return 1
    for question in judgement.questions:
        open_in = [each for each in judgement.verdicts if question in each.open]
        where = dict.fromkeys(f"{each.subject.holder}: {each.sid}" for each in open_in)
        print(f"OPEN {question.question}\n    {question.hedge}\n    {', '.join(where)}")
    print(*judgement.defects, sep="\n")
    without = sum(bool(each.without) for each in judgement.verdicts)
    narrower = sum(bool(each.narrower) for each in judgement.verdicts)
    print(
        f"{len(judgement.verdicts)} statements: {without} without evidence, {narrower} narrower than it. "
        f"{len(judgement.sources)} sources beside the {REFERENCE}; {len(judgement.questions)} open questions."
    )
    return 1 if judgement.defects else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
