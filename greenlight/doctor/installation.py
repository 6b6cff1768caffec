"""Holds what was read of one deployed stack, without any judgement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from greenlight.doctor.facts import Reading, Rule


@dataclass(frozen=True, slots=True)
class Function:
    """The deployer's function.

    Attributes:
        arn: Its ARN.
        role_arn: The role that it runs as.
        state: Lambda's State: `Active` if it can be invoked.
        update: Lambda's LastUpdateStatus: `Successful` if it runs what was deployed last.
        reason: Lambda's reason for either.
        reserved: How many invocations may run at once, if anybody reserved any; 0 stops it.
        sweep_bus: The bus on which it puts the parts of sweeps.
        execution_role_arn: The role that models run with.
        digest: The digest of the settings in its bundle.
    """

    arn: str
    role_arn: str
    state: str
    update: str
    reason: str
    reserved: int | None
    sweep_bus: str
    execution_role_arn: str
    digest: Reading[str]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription of the outcomes' topic: how, whose, and whether it was confirmed."""

    protocol: str
    endpoint: str
    is_confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Everything that was read of one stack.

    Attributes:
        stack: The stack's name.
        account: Its account.
        region: Its region.
        status: CloudFormation's StackStatus.
        outputs: The stack's outputs.
        is_fed_here: Whether approvals come in on the default bus, as the registry is in this account.
        function: The deployer.
        function_policy: The policy of the deployer's function.
        rules: The stack's rules, on the default bus and on the one for the parts of sweeps.
        dead_letters: By the queue's URL, how many messages are in it.
        subscriptions: The subscriptions of the outcomes' topic.
        settings_digest: The digest that the stack's parameter has.
    """

    stack: str
    account: str
    region: str
    status: str
    outputs: Mapping[str, str]
    is_fed_here: bool
    function: Reading[Function]
    function_policy: Reading[Mapping[str, Any]]
    rules: Reading[Sequence[Rule]]
    dead_letters: Mapping[str, Reading[int]]
    subscriptions: Reading[Sequence[Subscription]]
    settings_digest: Reading[str]

    @property
    def where(self) -> str:
        """Where the stack is deployed."""
        return f"In account {self.account}, {self.region}: deploy the stack {self.stack}."
