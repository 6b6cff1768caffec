"""Folders of the local cloud import only those below them, and at run time there are no import circles.

Within `sagemaker`, the state and its resources name each other for types only, where circles do no harm.
"""

from __future__ import annotations

from typing import Final

from tests.imports import imports_of, in_circles, layer_of, modules_of, upwards

PACKAGES: Final = ("iam_evaluator", "local_cloud", "service_model")
LAYERS: Final = (
    "iam_evaluator",
    "service_model",
    "local_cloud.front_door.http",
    "local_cloud.sagemaker",
    "local_cloud.application_auto_scaling",
    "local_cloud.service_quotas",
    "local_cloud.eventbridge",
    "local_cloud.hosting",
    "local_cloud.cloudwatch",
    "local_cloud.sagemaker_runtime",
    "local_cloud.ministack",
    "local_cloud.front_door",
    "local_cloud.server",
    "local_cloud.child_process",
    "local_cloud.__main__",
    "local_cloud.testing",
)
"""From the lowest to the highest: what only tests use is known to nothing."""


def test_a_module_knows_nothing_of_the_layers_above_it() -> None:
    assert upwards(imports_of(*PACKAGES), LAYERS) == []


def test_every_module_is_in_a_layer() -> None:
    modules = modules_of(*PACKAGES).keys() - {"local_cloud"}
    assert [module for module in sorted(modules) if layer_of(module, LAYERS) is None] == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert in_circles(each for each in imports_of(*PACKAGES) if not each.for_types) == []
