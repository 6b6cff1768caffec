"""Owns the rules for roles that endpoints' settings bring for their models: whose they are, and how many fit.

Pure. The deployer may pass exactly these roles, each named in a policy, and policies hold so much.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from infra.context import PLACE
from infra.settings.problem import Problem
from infra.settings.service_model import shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.context import Configuration
    from infra.settings.catalogue import EndpointSpec

_ROLE: Final = re.compile(shape("RoleArn").metadata["pattern"])

MOST_POLICIES: Final = 9
"""A role has at most 10 managed policies (IAM quota), and the deployer's has another one."""

MOST_CHARACTERS: Final = 5_600
"""Of ARNs in one policy: it holds 6,144 characters (IAM quota), what is around the ARNs included."""


def check_execution_roles(endpoints: Sequence[EndpointSpec], configuration: Configuration) -> list[Problem]:
    """Check that all roles for models are of one account, and that the deployer's policies can name them.

    Which account is deployed to is not known at synth, but it is one: SageMaker takes no role of another.
    """
    named = [(configuration.execution_role_arn, PLACE)] + [(_role_of(spec), spec.file) for spec in endpoints]
    roles = [(role, file) for role, file in named if role is not None]
    problems = [
        Problem(
            file,
            0,
            "execution_role_arn",
            f"a role of account {_account(role)}",
            f"a role of account {_account(roles[0][0])}, as in {roles[0][1]}: SageMaker takes no role of "
            "another account than the endpoint's",
            "name a role of the account that is deployed to",
        )
        for role, file in roles
        if _account(role) != _account(roles[0][0])
    ]
    policies = len(policies_of(sorted({role for role, file in roles if file != PLACE})))
    if policies > MOST_POLICIES:
        problems.append(
            Problem(
                PLACE,
                0,
                "endpoints_dir",
                f"endpoints with so many roles that the deployer needs {policies} policies to pass them",
                f"at most {MOST_POLICIES} policies, each of {MOST_CHARACTERS:,} characters of roles' ARNs",
                "let endpoints share roles, or move some endpoints to another account or region",
            )
        )
    return problems


def policies_of(arns: Sequence[str], most_characters: int = MOST_CHARACTERS) -> list[list[str]]:
    """Spread roles' ARNs, or others, over as few policies as hold them, in order."""
    spread: list[list[str]] = []
    room = 0
    for arn in arns:
        needed = len(arn) + len('"",')
        if needed > room:
            spread.append([])
            room = most_characters
        spread[-1].append(arn)
        room -= needed
    return spread


def _role_of(endpoint: EndpointSpec) -> str | None:
    role = endpoint.compiled.get("CreateModel", {}).get("ExecutionRoleArn")
    # What is no role's ARN at all is reported where it stands.
    return role if isinstance(role, str) and _ROLE.fullmatch(role) else None


def _account(role: str) -> str:
    return role.split(":")[4]
