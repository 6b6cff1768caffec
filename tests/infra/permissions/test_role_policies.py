from __future__ import annotations

import pytest
from aws_cdk import App, Fn, Stack
from aws_cdk import aws_iam as iam

from infra.permissions.role_policies import Permissions


@pytest.fixture
def role() -> iam.Role:
    return iam.Role(Stack(App(), "Stack"), "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def test_a_wildcard_needs_its_reason(role: iam.Role) -> None:
    with pytest.raises(ValueError, match=r"Read: say why \* may have a wildcard"):
        Permissions(role).allow("Read", ["ssm:GetParameter"], ["*"])


def test_a_resource_that_cannot_be_named_in_a_finding_is_refused(role: iam.Role) -> None:
    resource = Fn.select(0, Fn.split("x", Fn.import_value("a")))

    with pytest.raises(ValueError, match="no resource of a statement should look like"):
        Permissions(role).allow("Read", ["ssm:GetParameter"], [resource])
