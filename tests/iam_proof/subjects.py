"""Owns the holders of policies to prove: everything that the app synthesises, in one account and in several.

A stage's stack equals a single account's stack with additions, so only the additions are proven for it.
Likewise the statements for one group are enough: the same code makes those for another, which exists to be
refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.iam_proof.mutants import Mutant, Part, Taken, mutants_of
from tests.infra.estate import NAMES, OTHER_BUCKET, OTHER_GROUP, OTHER_REPOSITORY
from tests.infra.roles import Deployed, Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.conftest import Synthesised
    from tests.infra.estate import Estate


_GRANTS: Final = "statements in key-grants "
_ANOTHER: Final = (OTHER_BUCKET, OTHER_GROUP, OTHER_REPOSITORY)


@dataclass(frozen=True, slots=True)
class Case:
    """Something in somebody's policies to be changed.

    Attributes:
        subject: Whose policies they are.
        mutant: The change.
        taken: The same in words, with account and region left open.
    """

    subject: Subject
    mutant: Mutant
    taken: Taken


def cases(featured: Synthesised, estate: Estate) -> Iterator[Case]:
    """Yield everything that can be changed, each thing once."""

    def left_open(stack: str, staging: str, registry: str = "{registry}") -> Deployed:
        return estate.deployed(
            stack, registry=registry, staging=staging, production="{production}", region="{region}"
        )

    stacks = [
        Deployed(featured, "{account}", "{region}", NAMES),
        left_open("staging", "{account}"),
        left_open("lab", "{staging}", "{account}"),
        left_open("registry", "{staging}"),
    ]
    seen: set[tuple[str, Taken]] = set()
    for deployed in stacks:
        for subject, policies in deployed.subjects().items():
            if subject.holder.startswith("statements in ") and subject.holder.endswith(_ANOTHER):
                continue
            found = {
                mutant: mutant.taken_from(policies)
                for mutant in mutants_of(policies)
                # A grant is one role's: KMS makes none for everybody.
                if not (subject.holder.startswith(_GRANTS) and mutant.part is Part.ANYBODY)
            }
            for mutant, taken in found.items():
                if (subject.holder, taken) not in seen:
                    yield Case(subject, mutant, taken)
            seen |= {(subject.holder, taken) for taken in found.values()}
