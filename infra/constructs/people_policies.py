"""Owns the managed policies for people: attach them to the roles of those who use `greenlight`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.permissions.people import of_operators, of_removers, of_viewers
from infra.permissions.role_policies import acknowledge_wildcards, statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.permissions.people import Reached
    from infra.permissions.spreading import Allowance


class PeoplePolicies(Construct):
    """Hold what viewers may do, and what operators and removers may do as well. No role has them."""

    def __init__(self, scope: Construct, construct_id: str, *, reached: Reached) -> None:
        super().__init__(scope, construct_id)
        self.viewer = self._policy(
            "Viewer", of_viewers(reached), "Greenlight: see what serves, what happened, and the logs"
        )
        self.operator = self._policy(
            "Operator",
            of_operators(reached),
            "Greenlight: approve, reject, pause, roll back and adopt, beside the viewers' policy",
        )

        self.remover = self._policy(
            "Remover",
            of_removers(reached),
            "Greenlight: delete what is left of endpoints, beside the viewers' policy",
        )

    def _policy(self, name: str, allowances: Iterable[Allowance], about: str) -> iam.ManagedPolicy:
        said = list(allowances)
        made = iam.ManagedPolicy(self, name, description=about, statements=[statement(each) for each in said])
        acknowledge_wildcards(made, said)
        return made
