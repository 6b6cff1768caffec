"""Owns the rule for roles that endpoints' settings bring for their models: whose they are.

Pure. The deployer may pass exactly these roles; `infra/permissions/spreading.py` finds room for them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from infra.configuration.app_context import PLACE
from infra.settings.aws_shapes import shape
from infra.settings.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.configuration.app_context import Configuration
    from infra.settings.endpoint_spec import EndpointSpec

_ROLE: Final = re.compile(shape("RoleArn").metadata["pattern"])


def check_execution_roles(endpoints: Sequence[EndpointSpec], configuration: Configuration) -> list[Problem]:
    """Check that all roles for models are of one account.

    Which account is deployed to is not known at synth, but it is one: SageMaker takes no role of another.
    """
    named = [(configuration.execution_role_arn, PLACE)] + [(_role_of(spec), spec.file) for spec in endpoints]
    roles = [(role, file) for role, file in named if role is not None]
    return [
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


def _role_of(endpoint: EndpointSpec) -> str | None:
    role = endpoint.compiled.get("CreateModel", {}).get("ExecutionRoleArn")
    # What is no role's ARN at all is reported where it stands.
    return role if isinstance(role, str) and _ROLE.fullmatch(role) else None


def _account(role: str) -> str:
    return role.split(":")[4]
