"""Lists the mutants that no test can tell from the original, with the reason. They are never drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.mutants.mutation import Mutant

_DECISIONS: Final = "lambdas/deployer/decisions"


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A change that makes no difference.

    Attributes:
        path: The file, below the repository.
        before: The replaced lines, joined by spaces.
        after: The lines that replace them.
        why: Why nobody can notice.
    """

    path: str
    before: str
    after: str
    why: str

    def is_of(self, mutant: Mutant) -> bool:
        """Return whether a mutant is this one."""
        return (self.path, self.before, self.after) == (mutant.path, mutant.before, mutant.after)


EQUIVALENTS: Final = (
    Equivalent(
        f"{_DECISIONS}/endpoint_changes.py",
        'UNGUARDED = "made if the update has no DeploymentConfig"',
        "UNGUARDED = None",
        "An answer's value is for readers: the code compares members, which stay different.",
    ),
)
