"""Prove all policies and write the record; fail for elements without use and reason, or without evidence."""
# ruff: noqa: T201 - a command speaks to its terminal

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console

from tests.iam_proof.page import DETAILS, PAGE, RECORD, Tally, scenarios_on, with_verdict, written
from tests.iam_proof.proof import Proof, run, synthesised_stacks
from tests.iam_proof.reasons import REASONS, reason_for
from tests.iam_proof.verdicts import REFERENCE, judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.iam_proof.proof import Finding
    from tests.iam_proof.verdicts import Judgement


def main(arguments: Sequence[str]) -> int:
    """Return the process's exit status: 1 if something in a policy is for nothing, or a reason is."""
    asked = _parser().parse_args(arguments)
    console = Console(file=sys.stderr)
    if asked.evidence:
        with console.status("Synthesising every stack"):
            judgement = judge(synthesised_stacks())
        print(*judgement.defects, _in_short(judgement), sep="\n")
        return 1 if judgement.defects else 0
    began = time.monotonic()
    filters = ["-k", asked.scenarios] if asked.scenarios else []
    recorded = scenarios_on(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    proof = Proof(console, asked.jobs, asked.only, recorded)
    run(proof, filters)
    DETAILS.parent.mkdir(exist_ok=True)
    DETAILS.write_text("\n".join(map(_told, proof.findings)) + "\n", encoding="utf-8")
    if proof.broken:
        print(*proof.broken, sep="\n")
        print(f"Nothing is proven: {len(proof.broken)} scenarios fail with every policy in place.")
        return 1
    if asked.only or asked.scenarios:
        print(*map(_told, proof.findings), sep="\n")
        print(f"{Tally.of(proof.findings)} This is a part: nothing is written, and nothing is proven.")
        return 1
    return _conclude(proof, time.monotonic() - began)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.iam_proof", description=__doc__)
    parser.add_argument(
        "--evidence", action="store_true", help="check only the evidence, which takes seconds"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="how many processes run scenarios"
    )
    parser.add_argument("--only", metavar="TEXT", default="", help="change only what has this in its words")
    parser.add_argument(
        "--scenarios", metavar="EXPRESSION", default="", help="run only these, named as for pytest's -k"
    )
    return parser


def _conclude(proof: Proof, seconds: float) -> int:
    """Write the record, report failures, and end with the verdict."""
    judgement = judge(proof.stacks)
    record = written(proof.findings, judgement.column(), judgement.sources, judgement.questions)
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(record, encoding="utf-8")
    tally = Tally.of(proof.findings)
    PAGE.write_text(with_verdict(PAGE.read_text(encoding="utf-8"), tally), encoding="utf-8")
    used = {reason_for(each.subject, each.taken) for each in proof.findings if not each.scenario}
    stale = [reason for reason in REASONS if reason not in used]
    for each in proof.findings:
        if not each.scenario and reason_for(each.subject, each.taken) is None:
            print(_told(each))
    for reason in stale:
        print(f"OUT OF DATE {reason}\n    Scenarios miss what it explains, or it is gone: remove it.")
    for defect in judgement.defects:
        print(defect)
    is_proven = not (tally.unexplained or stale or judgement.defects)
    print(
        f"{'Proven' if is_proven else 'NOT PROVEN'}: {tally} {len(stale)} reasons are out of date. "
        f"{_in_short(judgement)} {seconds:.0f} s. {DETAILS.parent.name}/{DETAILS.name} has each."
    )
    return 0 if is_proven else 1


def _told(finding: Finding) -> str:
    """Tell in two lines what became of a change."""
    changed = f"{finding.subject}: {finding.taken}"
    if finding.scenario:
        return f"{changed}\n    {finding.scenario}: {finding.how}"
    reason = reason_for(finding.subject, finding.taken)
    why = reason.why if reason else "NO REASON: change it in infra/, or write the reason into reasons.py."
    return f"SURVIVED {changed} ({finding.candidates} scenarios)\n    {why}"


def _in_short(judgement: Judgement) -> str:
    without = sum(bool(each.without) for each in judgement.verdicts)
    narrower = sum(bool(each.narrower) for each in judgement.verdicts)
    return (
        f"{len(judgement.verdicts)} statements: {without} without evidence, {narrower} narrower than it; "
        f"{len(judgement.sources)} sources beside the {REFERENCE}, {len(judgement.questions)} open questions."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
