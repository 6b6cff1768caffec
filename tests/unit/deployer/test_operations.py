import ast
from pathlib import Path

import boto3

import deployer
from deployer.operations import OPERATIONS

GATEWAYS = {
    "sagemaker": (
        "gateways/endpoints.py",
        "gateways/models_and_configs.py",
        "gateways/model_registry.py",
        "gateways/tags.py",
    ),
    "application-autoscaling": ("gateways/scalable_targets.py",),
    "cloudwatch": ("gateways/alarms.py",),
    "dynamodb": ("gateways/journal_table.py",),
    "events": ("gateways/bus.py",),
    "sns": ("gateways/topic.py",),
    "sagemaker-runtime": ("gateways/invocations.py",),
    "s3": ("gateways/s3.py",),
    "logs": ("gateways/container_logs.py",),
}
SOURCE = Path(deployer.__file__).parent


def methods_called_on_the_client(path: Path) -> set[str]:
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "_client"
    }


def test_the_list_of_operations_is_exactly_what_the_gateways_call() -> None:
    """The bundle and the role are cut from this list: neither too short nor too long."""
    called = {}
    for service, file_names in GATEWAYS.items():
        client = boto3.client(service, region_name="eu-central-1")  # type: ignore[call-overload] # any service
        names = client.meta.method_to_api_mapping
        methods = set().union(*(methods_called_on_the_client(SOURCE / each) for each in file_names))
        called[service] = tuple(sorted(names[each] for each in methods))

    assert called == OPERATIONS


def test_no_module_but_a_gateway_has_a_client() -> None:
    gateways = {SOURCE / each for file_names in GATEWAYS.values() for each in file_names}
    others = [path for path in SOURCE.rglob("*.py") if path not in gateways]

    assert others
    assert not [path.name for path in others if methods_called_on_the_client(path)]
