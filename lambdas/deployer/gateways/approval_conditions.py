"""Holds the conditions under which the journal takes an approval. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.gateways.approval_items import MARKS, approval_item
from deployer.gateways.fact_items import standing_key
from deployer.gateways.journal_items import without_keys
from deployer.gateways.journal_table import NEW, Write, stored_time
from deployer.model.approval import Weight, makes_needless

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deployer.model.approval import Approval, HeardApproval


def in_place_of(before: Approval | HeardApproval | None, approval: Approval | HeardApproval) -> Write:
    """Return the write of an approval's record, refused if not the one before is there, as it was read."""
    name, item = approval.endpoint_name, without_keys(approval_item(approval))
    write = Write("Put", name, standing_key(approval), item, condition=NEW)
    if before is None:
        return write
    marks = {name: value for name, value in approval_item(before).items() if name in MARKS}
    return replace(
        write,
        equal={"approved_at": {"S": stored_time(before.approved_at)}, **marks},
        absent=MARKS - marks.keys(),
        condition="#approved_at < :if_approved_at",
        values={"approved_at": {"S": stored_time(approval.approved_at)}},
    )


def not_with_another_weight(
    approval: Approval | HeardApproval,
    standing: Iterable[Approval],
    replaced: Iterable[Approval | HeardApproval],
) -> list[Write]:
    """Return writes that change nothing, and are refused if one of another weight makes an approval needless.

    A copy of an event may find another approver in the registry, and so another weight. They are also refused
    if somebody heard of the version meanwhile: the end of that news would end the approval's history with it.
    """
    known = {each.weight: each for each in standing}
    ended = {approval.weight, *(each.weight for each in replaced)}
    writes: list[Write] = []
    for weight in Weight:
        if weight in ended:
            continue
        key, other = standing_key(approval, weight), known.get(weight)
        if other is None or makes_needless(other, approval):
            writes.append(Write("Delete", approval.endpoint_name, key, condition=NEW))
        else:
            same = {"approved_at": {"S": stored_time(other.approved_at)}}
            writes.append(Write("Update", approval.endpoint_name, key, same, equal=same))
    return writes
