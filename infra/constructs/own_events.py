"""Owns the events that the deployer and its operators put on a bus: their names, and who they are for.

The deployer's role may put events of this source and no others, and operators one kind of them. The rule
matches one stack's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_events as events

from deployer.contract import SOURCE, STACK_NAME

if TYPE_CHECKING:
    from constructs import IConstruct


def own_events(scope: IConstruct, detail_type: str) -> events.EventPattern:
    """Match the events of one kind that are for the deployer of this very stack.

    Stacks in other accounts and regions mostly have the same name, and their events may be forwarded to this
    bus; a second stack beside this one has another name.
    """
    stack = Stack.of(scope)
    return events.EventPattern(
        source=[SOURCE],
        detail_type=[detail_type],
        account=[stack.account],
        region=[stack.region],
        detail={STACK_NAME: [stack.stack_name]},
    )
