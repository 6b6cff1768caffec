"""The course of an examination, against clients that answer as the services do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from greenlight.doctor.examination import Kind
from greenlight.doctor.examining import examine_stage
from greenlight.doctor.findings import Status
from greenlight.doctor.scope import Scope
from infra.stages.carried_stage import CarriedStage
from tests.infra.stages.example import STAGING
from tests.unit.greenlight.doctor.builders import GROUP, access, endpoint
from tests.unit.greenlight.doctor.test_gathering import connection, refused, stage_answers

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

NO_STACK = refused("ValidationError", "Stack with id Greenlight-staging does not exist")
DENIED = refused(
    "AccessDenied",
    "User: x is not authorized to perform: cloudformation:DescribeStacks on resource: arn:stack",
)


def examined(described: ClientError, *, account: str = STAGING) -> list[tuple[Kind, set[str]]]:
    """Return what was found of a stage, by part: the checks that are not in order."""
    answers = stage_answers()
    answers["cloudformation"]["describe_stacks"] = described
    answers["sts"] = {"get_caller_identity": {"Arn": f"arn:aws:iam::{account}:user/ada"}}
    stage = CarriedStage(cast("Any", None), (endpoint("churn"),), access())
    found = examine_stage(stage, Scope(groups=(GROUP,)), connection(answers), None)
    return [
        (
            part.kind,
            {f"{each.check} {each.status.value}" for each in part.findings if each.status is not Status.OK},
        )
        for part in found.parts
    ]


@pytest.mark.parametrize(("described", "said"), [(NO_STACK, "stack gap"), (DENIED, "stack unknown")])
def test_a_stage_is_examined_before_it_is_deployed_and_without_permission_to_see_its_stack(
    described: ClientError, said: str
) -> None:
    installation, group = examined(described)

    assert installation == (Kind.INSTALLATION, {said})
    assert group[0] is Kind.GROUP
    assert "policy unknown" in group[1]


def test_of_another_account_than_the_stages_nothing_else_is_said() -> None:
    assert examined(NO_STACK, account="999999999999") == [(Kind.GROUP, {"account gap"})]
