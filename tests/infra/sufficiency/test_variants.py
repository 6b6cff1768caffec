from typing import Any

import pytest

from deployer.decisions.retained_properties import retained_properties


def variant(name: str = "AllTraffic", **members: Any) -> dict[str, Any]:
    return {"VariantName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1, **members}


KEEP = {"RetainAllVariantProperties": True}


def excluding(*names: str) -> dict[str, Any]:
    return {**KEEP, "ExcludeRetainedVariantProperties": [{"VariantPropertyType": name} for name in names]}


@pytest.mark.parametrize(
    ("serving", "wanted", "expected"),
    [
        pytest.param([variant()], [variant(ModelName="new")], KEEP, id="another model"),
        pytest.param([variant()], [variant(InstanceType="ml.m5.xlarge")], KEEP, id="another type"),
        pytest.param(
            [variant()],
            [variant(InitialInstanceCount=2)],
            excluding("DesiredInstanceCount"),
            id="another count takes effect",
        ),
        pytest.param(
            [variant()],
            [variant(InitialVariantWeight=0.5)],
            excluding("DesiredWeight"),
            id="another weight takes effect",
        ),
        pytest.param(
            [variant()],
            [variant(InitialInstanceCount=2, InitialVariantWeight=0.5)],
            excluding("DesiredInstanceCount", "DesiredWeight"),
            id="both take effect",
        ),
        pytest.param(
            [variant(InitialVariantWeight=1.0)], [variant()], KEEP, id="a default written out is no change"
        ),
        pytest.param([variant("a")], [variant("b")], {}, id="another variant"),
        pytest.param([variant("a")], [variant("a"), variant("b")], {}, id="one variant more"),
        pytest.param(
            [variant(ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 1})],
            [variant()],
            {},
            id="serverless variants have no counts",
        ),
    ],
)
def test_an_update_keeps_what_nobody_meant_to_change(
    serving: list[dict[str, Any]], wanted: list[dict[str, Any]], expected: dict[str, Any]
) -> None:
    assert retained_properties(serving, wanted) == expected
