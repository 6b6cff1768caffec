"""Holds the function's environment: the mark of its statements, and the accounts that they admit.

Anyone who may invoke the function writes its requests, but only the stack writes its environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


_OWNER: Final = "OWNER"
_STAGE_ACCOUNTS: Final = "STAGE_ACCOUNTS"


@dataclass(frozen=True, slots=True)
class Environment:
    """Limits for every request.

    Attributes:
        owner: The beginning of the Sids of all statements that the function adds and removes.
        stage_accounts: The accounts that it may admit.
    """

    owner: str
    stage_accounts: frozenset[str]

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Environment:
        """Read the function's variables.

        Raises:
            ValueError: One is missing.
        """
        missing = [name for name in (_OWNER, _STAGE_ACCOUNTS) if not variables.get(name)]
        if missing:
            raise ValueError(f"The environment has no {' and no '.join(missing)}: deploy the stack again.")
        return cls(variables[_OWNER], frozenset(variables[_STAGE_ACCOUNTS].split(",")))

    def variables(self) -> dict[str, str]:
        """Return the variables that `read` reads, for the stack that sets them."""
        return {_OWNER: self.owner, _STAGE_ACCOUNTS: ",".join(sorted(self.stage_accounts))}
