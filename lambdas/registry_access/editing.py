"""Edits a policy that others edit, too: read, merge, write, read back.

AWS offers no conditional write for these policies, so somebody's edit between a read and the write after it
can be lost. Three rules keep that moment short and rare. The editor writes only changes. It waits if the
policy changed within the settling time. And it reads right before it writes. It reads back after the settling
time: another editor of this kind that had read before the write has written by then, and its write is seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from registry_access.merging import (
    UnusablePolicyError,
    merge,
    naming_deleted,
    own_statements,
    parse,
    same,
    same_policy,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from registry_access.merging import Policy, Statement

ATTEMPTS: Final = 8
SETTLING_SECONDS: Final = 4.0
"""Far longer than a read and the write after it. S3's configurations are also eventually consistent."""


class PolicyHolder(Protocol):
    """A resource that has a policy. Each method is one call of its service."""

    @property
    def name(self) -> str:
        """The resource's name for people: `the bucket models`."""

    @property
    def largest_bytes(self) -> int:
        """The largest policy that its service takes."""

    def read(self) -> str | None:
        """Return the policy, or None if there is none; raise `MissingTargetError`."""

    def write(self, text: str) -> None:
        """Replace the policy; raise `InvalidPolicyError`."""

    def remove(self) -> None:
        """Delete the whole policy, as no statement is left."""


class MissingTargetError(Exception):
    """The resource whose policy is to be edited does not exist."""


class InvalidPolicyError(Exception):
    """The service refuses a policy as invalid."""


class RefusedEditError(Exception):
    """The policy was not changed. The message says why, and what to do."""


def bring_in(
    holder: PolicyHolder,
    statements: Sequence[Statement],
    owner: str,
    *,
    pause: Callable[[float], None],
    writing: Callable[[], object] = lambda: None,
) -> bool:
    """Make an owner's statements in a policy exactly these, and keep all others; tell whether it changed.

    Args:
        holder: The resource with the policy.
        statements: All statements that the owner wants; empty to remove the owner's.
        owner: The beginning of the owner's Sids.
        pause: Waits for some seconds.
        writing: Called right before each write. Before the first call, the policy has none of these
            statements.

    Raises:
        MissingTargetError: The resource does not exist.
        RefusedEditError: The policy cannot be merged, would be too large, is invalid, or keeps changing.
    """
    if not statements and owner not in (holder.read() or ""):
        # The policy has none of the owner's statements, so there is nothing to remove, in any spelling.
        return False
    wrote = False
    spelled: list[Statement] | None = None
    for _ in range(ATTEMPTS):
        standing = _read(holder)
        own = own_statements(standing, owner)
        # A service may rewrite a statement in its own spelling, after every write in the same way. That is
        # nobody's change.
        if same(own, statements) or (wrote and spelled is not None and _as_before(own, spelled, statements)):
            return wrote
        if wrote:
            spelled = own
        _check_size(holder, merge(standing, statements, owner), owner)
        pause(SETTLING_SECONDS)
        latest = _read(holder)
        if not same_policy(latest, standing):
            continue
        writing()
        _put(holder, latest, merge(latest, statements, owner))
        wrote = True
        pause(SETTLING_SECONDS)
    if same(own_statements(_read(holder), owner), statements):
        return wrote
    raise RefusedEditError(
        f"The policy of {holder.name} did not come to rest in {ATTEMPTS} attempts: somebody else edits it at "
        "the same time. Find out who (CloudTrail lists the writes), and deploy again after that."
    )


def _as_before(own: list[Statement], spelled: list[Statement], statements: Sequence[Statement]) -> bool:
    return same(own, spelled) and {each["Sid"] for each in own} == {each["Sid"] for each in statements}


def _read(holder: PolicyHolder) -> Policy | None:
    try:
        return parse(holder.read())
    except UnusablePolicyError as error:
        raise RefusedEditError(
            f"The policy of {holder.name} was left alone, as {error}: some of it would be lost. "
            "Mend it, and deploy again."
        ) from error


def _put(holder: PolicyHolder, standing: Policy | None, merged: Policy | None) -> None:
    if merged is None:
        holder.remove()
        return
    try:
        holder.write(text_of(merged))
    except InvalidPolicyError as error:
        orphaned = naming_deleted(standing)
        if not orphaned:
            raise RefusedEditError(
                f"The policy of {holder.name} was left as it was, as its service refused the new one: {error}"
            ) from error
        raise RefusedEditError(
            f"The policy of {holder.name} was left as it was. Its service refuses any policy that "
            f"names deleted principals, and others' statements in it do: {', '.join(orphaned)}. Their owner "
            f"must remove or rename those principals; then deploy again. ({error})"
        ) from error


def _check_size(holder: PolicyHolder, merged: Policy | None, owner: str) -> None:
    if merged is None:
        return
    size = len(text_of(merged).encode())
    if size > holder.largest_bytes:
        own = len(text_of({"Statement": own_statements(merged, owner)}).encode())
        raise RefusedEditError(
            f"The policy of {holder.name} would have {size:,} bytes, {own:,} of them Greenlight's, and its "
            f"service takes {holder.largest_bytes:,}; it was left as it is. Shorten what others wrote in it, "
            "or let fewer stages use it."
        )
