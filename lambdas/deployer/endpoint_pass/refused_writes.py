"""Puts writes outside of deployments off that were refused: each is tried again after growing delays."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from deployer.decisions.retries import is_asked_for, write_retry_at
from deployer.model.names import fingerprint
from deployer.model.put_off import PutOff

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from deployer.endpoint_pass.ledger import Ledger
    from deployer.model.steps import Step


class RefusedWrites:
    """One endpoint's refused writes, which the journal remembers by what they are to write."""

    def __init__(self, ledger: Ledger, *, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._now = now
        self._wanted: set[str] = set()

    def put_off(self, key: str) -> str | None:
        """Return what people were told of a write that it is too early to try again; None if it is due."""
        self._wanted.add(key)
        history = self._ledger.history
        found = history.last_observed.put_off.get(key)
        if (
            found is None
            or self._now() >= write_retry_at(found)
            or is_asked_for(history.approvals, since=found.tried_at)
        ):
            return None
        return found.message

    def note_refused(self, key: str, message: str) -> None:
        """Note that a write was refused."""
        before = self._ledger.history.last_observed.put_off
        tries = before[key].tries + 1 if key in before else 1
        self._ledger.note(put_off={**before, key: PutOff(tries, self._now(), message)})

    def note_made(self, key: str) -> None:
        """Note that a write was made."""
        self._keep({name for name in self._ledger.history.last_observed.put_off if name != key})

    def remember(self, *kinds: type[Step]) -> None:
        """Keep what is known of writes of a kind: this round could not tell which of them are wanted."""
        names = {each.__name__ for each in kinds}
        known = self._ledger.history.last_observed.put_off
        self._wanted.update(key for key in known if key.partition("-")[0] in names)

    def forget_unwanted(self) -> None:
        """Forget the writes that no phase wanted to make: if one is wanted again, it is tried at once."""
        self._keep(self._wanted)

    def _keep(self, keys: set[str]) -> None:
        before = self._ledger.history.last_observed.put_off
        self._ledger.note(put_off={key: each for key, each in before.items() if key in keys})


def key_of(step: Step) -> str:
    """Return what a step is known by: its kind, and what it is to write."""
    # What is registered may be a part of the last try.
    content = {name: each for name, each in asdict(step).items() if name != "applied"}
    return f"{type(step).__name__}-{fingerprint(_sorted(content))}"


def _sorted(content: Any) -> Any:  # noqa: ANN401 - any JSON value, and sets of texts
    match content:
        case dict():
            return {key: _sorted(each) for key, each in content.items()}
        case list() | tuple():
            return [_sorted(each) for each in content]
        case frozenset():
            return sorted(content)
        case _:
            return content
