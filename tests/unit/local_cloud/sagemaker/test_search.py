"""Search over model packages: what it finds, in which order, and how far it may be behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local_cloud.sagemaker.switch_settings import SearchedGroupNames, SearchIndex
from local_cloud.sagemaker.switches import Switches
from local_cloud.testing.virtual_clock import START
from tests.unit.local_cloud.sagemaker.virtual_cloud import BOB, VirtualCloud


def _search(cloud: VirtualCloud, *filters: dict[str, str], **members: Any) -> list[dict[str, Any]]:
    if filters:
        members["SearchExpression"] = {"Filters": list(filters)}
    answer = cloud.call("Search", Resource="ModelPackage", **members)
    return [each["ModelPackage"] for each in answer["Results"]]


def _names(found: list[dict[str, Any]]) -> list[str]:
    return [each["ModelPackageArn"].rpartition(":model-package/")[2] for each in found]


def _since(seconds: float) -> dict[str, str]:
    time = (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return {"Name": "LastModifiedTime", "Operator": "GreaterThanOrEqualTo", "Value": time}


def _versions(cloud: VirtualCloud) -> None:
    """Register a version of each of three groups, a minute apart; approve the first one last."""
    for group in ("churn", "fraud", "risk"):
        cloud.group(group)
        cloud.version(group, approval="PendingManualApproval")
        cloud.advance(60)
    cloud.call("UpdateModelPackage", ModelPackageArn=_arn(cloud, "churn"), ModelApprovalStatus="Approved")


def _arn(cloud: VirtualCloud, group: str) -> str:
    listed = cloud.call("ListModelPackages", ModelPackageGroupName=group)["ModelPackageSummaryList"]
    arn: str = listed[0]["ModelPackageArn"]
    return arn


def test_the_versions_of_all_groups_come_with_those_first_that_were_modified_last(
    cloud: VirtualCloud,
) -> None:
    _versions(cloud)

    assert _names(_search(cloud)) == ["churn/1", "risk/1", "fraud/1"]
    assert _names(_search(cloud, SortOrder="Ascending")) == ["fraud/1", "risk/1", "churn/1"]
    assert _names(_search(cloud, SortBy="CreationTime")) == ["risk/1", "fraud/1", "churn/1"]


def test_a_result_shows_what_a_description_shows(cloud: VirtualCloud) -> None:
    _versions(cloud)
    described = cloud.call("DescribeModelPackage", ModelPackageName=_arn(cloud, "churn"))
    (found,) = _search(cloud, _since(150))

    assert found == {name: value for name, value in described.items() if name in found}
    assert found["ModelApprovalStatus"] == "Approved"
    assert found["ModelPackageGroupName"] == "churn"


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (_since(60), ["churn/1", "risk/1", "fraud/1"]),
        (_since(61), ["churn/1", "risk/1"]),
        ({"Name": "ModelApprovalStatus", "Value": "Approved"}, ["churn/1"]),
        (
            {"Name": "ModelApprovalStatus", "Operator": "NotEquals", "Value": "Approved"},
            ["risk/1", "fraud/1"],
        ),
        ({"Name": "ModelPackageGroupName", "Operator": "In", "Value": "risk,churn"}, ["churn/1", "risk/1"]),
        ({"Name": "ModelPackageGroupName", "Operator": "Contains", "Value": "rau"}, ["fraud/1"]),
        ({"Name": "ModelPackageVersion", "Operator": "LessThan", "Value": "1"}, []),
        ({"Name": "LastModifiedBy", "Operator": "Exists"}, None),
        ({"Name": "ModelLifeCycle", "Operator": "Exists"}, None),
        ({"Name": "Domain", "Operator": "NotExists"}, ["churn/1", "risk/1", "fraud/1"]),
        ({"Name": "Domain", "Operator": "Exists"}, []),
    ],
)
def test_a_filter_compares_one_property(
    cloud: VirtualCloud, condition: dict[str, str], found: list[str] | None
) -> None:
    _versions(cloud)

    if found is None:
        error = cloud.refused("Search", Resource="ModelPackage", SearchExpression={"Filters": [condition]})
        assert error.message == (
            f"{condition['Name']} is no property of ModelPackage that Search can compare."
        )
    else:
        assert _names(_search(cloud, condition)) == found


def test_filters_are_joined_by_and_unless_the_expression_says_or(cloud: VirtualCloud) -> None:
    _versions(cloud)
    filters = [_since(100), {"Name": "ModelPackageGroupName", "Value": "fraud"}]
    either = cloud.call(
        "Search", Resource="ModelPackage", SearchExpression={"Filters": filters, "Operator": "Or"}
    )

    assert _search(cloud, *filters) == []
    assert len(either["Results"]) == 3


def test_a_token_leads_through_all_pages(cloud: VirtualCloud) -> None:
    _versions(cloud)
    seen: list[str] = []
    answer = cloud.call("Search", Resource="ModelPackage", MaxResults=2)
    seen += _names([each["ModelPackage"] for each in answer["Results"]])
    answer = cloud.call("Search", Resource="ModelPackage", MaxResults=2, NextToken=answer["NextToken"])
    seen += _names([each["ModelPackage"] for each in answer["Results"]])

    assert seen == ["churn/1", "risk/1", "fraud/1"]
    assert "NextToken" not in answer


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"Filters": []}, "1 validation error detected"),
        ({"Operator": "And"}, "A SearchExpression needs at least one filter."),
        ({"Filters": [{"Name": "Domain"}]}, "The filter Equals on Domain needs a Value."),
        (
            {"Filters": [{"Name": "Domain", "Operator": "LessThan", "Value": "x"}]},
            "The operator LessThan is not supported for text: Domain.",
        ),
        (
            {"Filters": [{"Name": "CreationTime", "Operator": "In", "Value": "x"}]},
            "The operator In is only supported for text: CreationTime.",
        ),
        (
            {"Filters": [{"Name": "CreationTime", "Value": "2026-01-01T00:00:00Z"}]},
            "2026-01-01T00:00:00Z is no value of CreationTime, which is a timestamp.",
        ),
        (
            {"SubExpressions": [{"Filters": [{"Name": "Domain", "Value": "x"}]}]},
            "The local cloud does not model SubExpressions of Search. Use Filters.",
        ),
    ],
)
def test_an_expression_that_makes_no_sense_is_refused(
    cloud: VirtualCloud, request_: dict[str, Any], told: str
) -> None:
    error = cloud.refused("Search", Resource="ModelPackage", SearchExpression=request_)

    assert error.code == "ValidationException"
    assert error.message.startswith(told)


@pytest.mark.parametrize(
    "members",
    [{"Resource": "Endpoint"}, {"Resource": "ModelPackage", "CrossAccountFilterOption": "CrossAccount"}],
)
def test_what_is_not_modelled_is_refused(cloud: VirtualCloud, members: dict[str, Any]) -> None:
    assert cloud.refused("Search", **members).message.startswith("The local cloud does not model ")


def test_other_accounts_versions_are_not_shown(cloud: VirtualCloud) -> None:
    _versions(cloud)

    assert cloud.call("Search", BOB, Resource="ModelPackage")["Results"] == []


def test_a_deleted_version_is_not_shown(cloud: VirtualCloud) -> None:
    _versions(cloud)
    cloud.call("DeleteModelPackage", ModelPackageName=_arn(cloud, "risk"))

    assert _names(_search(cloud)) == ["churn/1", "fraud/1"]


def test_a_late_index_shows_what_was_ten_minutes_ago() -> None:
    cloud = VirtualCloud(switches=Switches(search_index=SearchIndex.LATE))
    _versions(cloud)
    assert _search(cloud) == []

    cloud.advance(599)
    assert [each["ModelApprovalStatus"] for each in _search(cloud)] == ["PendingManualApproval"] * 3
    cloud.advance(1)
    assert _search(cloud)[0]["ModelApprovalStatus"] == "Approved"

    cloud.call("DeleteModelPackage", ModelPackageName=_arn(cloud, "risk"))
    assert len(_search(cloud)) == 3
    cloud.advance(600)
    assert len(_search(cloud)) == 2


def test_many_changes_of_a_version_leave_only_those_that_a_late_index_may_yet_show() -> None:
    cloud = VirtualCloud(switches=Switches(search_index=SearchIndex.LATE))
    cloud.group()
    arn = cloud.version()
    for number in range(40):
        cloud.advance(60)
        cloud.call(
            "UpdateModelPackage", ModelPackageArn=arn, CustomerMetadataProperties={"number": str(number)}
        )
    (found,) = _search(cloud)

    assert found["CustomerMetadataProperties"] == {"number": "29"}


def test_an_index_that_shows_nothing_is_a_choice() -> None:
    cloud = VirtualCloud(switches=Switches(search_index=SearchIndex.NEVER))
    _versions(cloud)
    cloud.advance(86_400)

    assert _search(cloud) == []


def test_the_name_of_the_group_may_be_missing() -> None:
    cloud = VirtualCloud(switches=Switches(search_group_names=SearchedGroupNames.ABSENT))
    _versions(cloud)

    assert all("ModelPackageGroupName" not in each for each in _search(cloud))
