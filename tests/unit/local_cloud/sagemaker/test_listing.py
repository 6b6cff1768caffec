"""List calls: defaults, filters, orders, pages and tokens."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_cloud.sagemaker.switch_settings import FilteredPages
from local_cloud.sagemaker.switches import Switches
from local_cloud.testing.virtual_clock import START
from tests.unit.local_cloud.sagemaker.virtual_cloud import VirtualCloud, specification

NAMES = ["banana", "Apple", "cherry"]


def _models(cloud: VirtualCloud) -> None:
    for name in NAMES:
        cloud.model(name)
        cloud.advance(10)


def _configs(cloud: VirtualCloud) -> None:
    cloud.model()
    for name in NAMES:
        cloud.config(name)
        cloud.advance(10)


def _endpoints(cloud: VirtualCloud) -> None:
    cloud.model()
    cloud.config()
    for name in NAMES:
        cloud.call("CreateEndpoint", EndpointName=name, EndpointConfigName="config-1")
        cloud.advance(10)


def _groups(cloud: VirtualCloud) -> None:
    for name in NAMES:
        cloud.group(name)
        cloud.advance(10)


LISTS = {
    "ListModels": (_models, "Models", "ModelName", True),
    "ListEndpointConfigs": (_configs, "EndpointConfigs", "EndpointConfigName", True),
    "ListEndpoints": (_endpoints, "Endpoints", "EndpointName", True),
    "ListModelPackageGroups": (_groups, "ModelPackageGroupSummaryList", "ModelPackageGroupName", False),
}


@pytest.mark.parametrize("operation", LISTS)
def test_each_list_sorts_filters_and_pages(cloud: VirtualCloud, operation: str) -> None:
    arrange, member, name, descending = LISTS[operation]
    arrange(cloud)

    def names(**request: Any) -> list[str]:
        return [item[name] for item in cloud.call(operation, **request)[member]]

    assert names() == (NAMES[::-1] if descending else NAMES)
    assert names(SortOrder="Ascending") == NAMES
    assert names(SortOrder="Descending") == NAMES[::-1]
    assert names(SortBy="Name", SortOrder="Ascending") == ["Apple", "banana", "cherry"]
    assert names(NameContains="an") == ["banana"]
    assert names(NameContains="APPLE") == ["Apple"]
    times = [(START + timedelta(seconds=seconds)).timestamp() for seconds in (0, 10, 20)]
    assert names(CreationTimeAfter=times[0], CreationTimeBefore=times[2]) == ["Apple"]
    first = cloud.call(operation, MaxResults=2, SortOrder="Ascending")
    assert [item[name] for item in first[member]] == NAMES[:2]
    rest = cloud.call(operation, MaxResults=2, SortOrder="Ascending", NextToken=first["NextToken"])
    assert [item[name] for item in rest[member]] == NAMES[2:]
    assert "NextToken" not in rest


def test_endpoints_are_listed_by_status_and_modification_time(cloud: VirtualCloud) -> None:
    _endpoints(cloud)
    cloud.settle()
    cloud.call("DeleteEndpoint", EndpointName="banana")

    def names(**request: Any) -> list[str]:
        return [item["EndpointName"] for item in cloud.call("ListEndpoints", **request)["Endpoints"]]

    assert names(StatusEquals="Deleting") == ["banana"]
    assert names(StatusEquals="InService") == ["cherry", "Apple"]
    assert names(SortBy="Status", SortOrder="Ascending")[0] == "banana"
    boundary = (START + timedelta(seconds=15)).timestamp()
    assert names(LastModifiedTimeBefore=boundary) == ["Apple"]
    assert names(LastModifiedTimeAfter=boundary) == ["cherry", "banana"]


def test_a_page_holds_ten_unless_asked_otherwise(cloud: VirtualCloud) -> None:
    for index in range(11):
        cloud.group(f"g{index}")
    assert len(cloud.call("ListModelPackageGroups")["ModelPackageGroupSummaryList"]) == 10
    assert len(cloud.call("ListModelPackageGroups", MaxResults=100)["ModelPackageGroupSummaryList"]) == 11


def test_versions_are_listed_with_their_group_and_unversioned_packages_by_default(
    cloud: VirtualCloud,
) -> None:
    cloud.group("Churn")
    cloud.group("other")
    types = ["ml.m5.large"]
    plain = specification(
        SupportedRealtimeInferenceInstanceTypes=types, SupportedTransformInstanceTypes=types
    )
    cloud.call("CreateModelPackage", ModelPackageName="churn", InferenceSpecification=plain)
    for approval in ("Approved", "Rejected", "Approved"):
        cloud.version("Churn", approval)
    cloud.version("other")

    def listed(**request: Any) -> list[tuple[str, int | None]]:
        answer = cloud.call("ListModelPackages", **request)["ModelPackageSummaryList"]
        return [
            (item.get("ModelPackageGroupName") or item["ModelPackageName"], item.get("ModelPackageVersion"))
            for item in answer
        ]

    versions = [("Churn", 1), ("Churn", 2), ("Churn", 3)]
    assert listed() == [("churn", None)]
    assert listed(ModelPackageGroupName="Churn") == versions
    assert listed(ModelPackageGroupName="Churn", ModelPackageType="Unversioned") == []
    assert listed(ModelPackageType="Versioned") == [*versions, ("other", 1)]
    assert listed(ModelPackageType="Both") == [("churn", None), *versions, ("other", 1)]
    assert listed(ModelPackageGroupName="Churn", ModelApprovalStatus="Approved") == [
        ("Churn", 1),
        ("Churn", 3),
    ]
    assert listed(ModelPackageGroupName="Churn", SortOrder="Descending") == versions[::-1]
    group_arn = cloud.call("DescribeModelPackageGroup", ModelPackageGroupName="Churn")["ModelPackageGroupArn"]
    assert listed(ModelPackageGroupName=group_arn) == versions


@pytest.mark.parametrize("setting", FilteredPages)
def test_whether_pages_are_filled_after_filtering_is_a_switch(setting: FilteredPages) -> None:
    cloud = VirtualCloud(switches=Switches(filtered_pages=setting))
    cloud.group()
    for approval in ("Rejected", "Rejected", "Approved"):
        cloud.version("churn", approval)
    request = {"ModelPackageGroupName": "churn", "ModelApprovalStatus": "Approved", "MaxResults": 2}
    first = cloud.call("ListModelPackages", **request)
    if setting is FilteredPages.FULL:
        assert [item["ModelPackageVersion"] for item in first["ModelPackageSummaryList"]] == [3]
        assert "NextToken" not in first
    else:
        assert first["ModelPackageSummaryList"] == []
        second = cloud.call("ListModelPackages", **request, NextToken=first["NextToken"])
        assert [item["ModelPackageVersion"] for item in second["ModelPackageSummaryList"]] == [3]
        assert "NextToken" not in second


def test_a_page_survives_the_deletion_of_what_it_ended_with(cloud: VirtualCloud) -> None:
    _models(cloud)
    for sort_by, order in (("Name", "Ascending"), ("Name", "Descending"), ("CreationTime", "Descending")):
        request = {"MaxResults": 1, "SortBy": sort_by, "SortOrder": order}
        first = cloud.call("ListModels", **request)
        ended_with = first["Models"][0]["ModelName"]
        cloud.call("DeleteModel", ModelName=ended_with)
        rest = cloud.call("ListModels", **{**request, "MaxResults": 5}, NextToken=first["NextToken"])
        assert sorted(item["ModelName"] for item in rest["Models"]) == sorted(set(NAMES) - {ended_with})
        cloud.model(ended_with)


def _forged(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


@pytest.mark.parametrize(
    "token", ["x", "!!!", "é", _forged(1), _forged([]), _forged(["x", "y", 1]), _forged(["x", 1, "y"])]
)
def test_a_token_that_was_not_handed_out_is_refused(cloud: VirtualCloud, token: str) -> None:
    assert cloud.refused("ListModels", NextToken=token).message.startswith("Invalid NextToken")


def test_a_token_is_good_for_its_own_call_and_filters_only(cloud: VirtualCloud) -> None:
    _models(cloud)
    _groups(cloud)
    token = cloud.call("ListModels", MaxResults=1)["NextToken"]
    cloud.call("ListModels", MaxResults=2, NextToken=token)
    for operation, request in (
        ("ListModels", {"NameContains": "a"}),
        ("ListModels", {"SortOrder": "Ascending"}),
        ("ListModelPackageGroups", {}),
    ):
        assert cloud.refused(operation, **request, NextToken=token).message.startswith("Invalid NextToken")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    approvals=st.lists(st.sampled_from(["Approved", "Rejected"]), max_size=12),
    size=st.integers(1, 5),
    order=st.sampled_from(["Ascending", "Descending"]),
    sort_by=st.sampled_from(["Name", "CreationTime"]),
    pages=st.sampled_from(FilteredPages),
    approval=st.sampled_from([None, "Approved"]),
)
def test_pages_together_hold_every_match_once_and_in_order(
    approvals: list[str],
    size: int,
    order: str,
    sort_by: str,
    pages: FilteredPages,
    approval: str | None,
) -> None:
    cloud = VirtualCloud(switches=Switches(filtered_pages=pages))
    cloud.group()
    for status in approvals:
        cloud.version("churn", status)
    request: dict[str, Any] = {
        "ModelPackageGroupName": "churn",
        "MaxResults": size,
        "SortOrder": order,
        "SortBy": sort_by,
    }
    if approval is not None:
        request["ModelApprovalStatus"] = approval
    seen: list[int] = []
    while True:
        answer = cloud.call("ListModelPackages", **request)
        assert len(answer["ModelPackageSummaryList"]) <= size
        seen += [item["ModelPackageVersion"] for item in answer["ModelPackageSummaryList"]]
        if "NextToken" not in answer:
            break
        request["NextToken"] = answer["NextToken"]
    expected = [
        number for number, status in enumerate(approvals, 1) if approval is None or status == approval
    ]
    assert seen == (expected if order == "Ascending" else expected[::-1])


def test_an_endpoint_is_listed_until_its_deletion_is_over(cloud: VirtualCloud) -> None:
    cloud.serving()
    cloud.call("DeleteEndpoint", EndpointName="churn")
    assert len(cloud.call("ListEndpoints")["Endpoints"]) == 1
    cloud.settle()
    assert cloud.call("ListEndpoints") == {"Endpoints": []}
