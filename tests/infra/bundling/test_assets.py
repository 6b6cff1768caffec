"""The asset must run on its own: these tests run it in an interpreter that has nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import aws_lambda as lambda_

from infra.bundling.__main__ import size_by_part
from infra.bundling.assets import (
    REGISTRY_ACCESS,
    REPOSITORY,
    build_asset,
    build_once,
    digest,
    install_packages,
    operations,
)
from infra.bundling.bundling_error import BundlingError
from infra.bundling.lambda_runtime import (
    RUNTIMES,
    Runtime,
    choose_runtime,
    compile_to_bytecode,
    interpreter_of,
    runtime,
)
from infra.bundling.service_data import prune_model

# Packages take 8.1 MB, the deployer's own code 2.1 MB, with bytecode. The bound notices a needless package.
LARGEST_ASSET_BYTES = 11_000_000

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "111122223333",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "EVENT_BUS_NAME": "default",
    "SWEEP_BUS_NAME": "Greenlight.sweep-parts",
    "OUTCOME_TOPIC_ARN": "arn:aws:sns:eu-central-1:111122223333:outcomes",
    "EXECUTION_ROLE_ARN": "arn:aws:iam::111122223333:role/models",
    "DEPLOYER_ROLE_NAME": "deployer",
    "JOURNAL_TABLE_NAME": "journal",
    "OWNER": "Greenlight0123456789",
    "POWERTOOLS_SERVICE_NAME": "greenlight",
    "SETTINGS_PREFIX": "/greenlight/endpoints/",
    "STACK_NAME": "Greenlight",
    "STAGE_ACCOUNTS": "444455556666",
}

CALL_EVERYTHING = """
import json, boto3, botocore
from botocore.awsrequest import AWSResponse
from deployer.operations import OPERATIONS

VALUES = {"integer": 1, "long": 1, "boolean": True, "float": 1.0, "double": 1.0,
          "timestamp": 1, "blob": b"a"}

def example(shape, depth=0):
    if shape.type_name == "structure":
        return {name: example(shape.members[name], depth + 1) for name in shape.required_members}
    if shape.type_name == "list":
        return [example(shape.member, depth + 1)]
    if shape.type_name == "map":
        return {"a": example(shape.value, depth + 1)}
    if shape.type_name == "string":
        return "a" * shape.metadata.get("min", 1)
    return VALUES[shape.type_name]

class Raw:
    def __init__(self, operation):
        in_xml = operation.service_model.protocol in {"query", "rest-xml"}
        self.body = f"<a><{operation.name}Result/></a>".encode() if in_xml else b"{}"
    def stream(self, *args, **kwargs):
        yield self.body
    def read(self, *args, **kwargs):
        return self.body

done = {}
for service, names in OPERATIONS.items():
    client = boto3.client(service)
    assert set(client.meta.service_model.operation_names) == set(names), service
    sent = []
    client.meta.events.register(
        "before-send",
        lambda request, **_: sent.append(request) or AWSResponse(request.url, 200, {}, Raw(operation)),
    )
    for name in names:
        method, operation = botocore.xform_name(name), client.meta.service_model.operation_model(name)
        getattr(client, method)(**example(operation.input_shape))
        if client.can_paginate(method):
            client.get_paginator(method)
    done[service] = [request.url for request in sent]
print(json.dumps(done))
"""


@pytest.fixture(scope="module")
def asset() -> Path:
    return build_asset()


def run_isolated(asset: Path, code: str) -> str:
    """Run code in the interpreter below the virtual environment, with only the asset to import from.

    `-I` leaves out the working directory and the user's packages, `-S` the site's.
    """
    interpreter = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    bootstrap = f"import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {str(asset)!r})\n{code}"
    done = subprocess.run(  # noqa: S603 - this interpreter, with code from this file
        [interpreter, "-I", "-S", "-c", bootstrap],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_handler_can_be_imported_with_nothing_but_the_asset_on_the_path(asset: Path) -> None:
    code = "import deployer.handler as h; print(callable(h.handler), h.__file__, *sys.path, sep='\\n')"

    is_callable, file, *path = run_isolated(asset, code).splitlines()

    assert is_callable == "True"
    assert file == str(asset / "deployer" / "handler.py")
    assert not [entry for entry in path if "site-packages" in entry]


def test_what_the_handler_loads_is_never_searched_for_garbage(asset: Path) -> None:
    code = "import deployer.handler, gc; print(gc.get_freeze_count() > 50_000)"

    assert run_isolated(asset, code).strip() == "True"


def test_every_listed_operation_can_be_called_from_the_pruned_service_data_and_no_other(asset: Path) -> None:
    sent = json.loads(run_isolated(asset, CALL_EVERYTHING))

    assert {service: len(urls) for service, urls in sent.items()} == {
        service: len(names) for service, names in operations().items()
    }
    assert sent["sagemaker"][0] == "https://api.sagemaker.eu-central-1.amazonaws.com/"


def test_the_registrys_policy_editor_runs_with_nothing_but_its_own_asset() -> None:
    asset = build_asset(function=REGISTRY_ACCESS)
    code = "import registry_access.handler as h; print(callable(h.handler), h.__file__, sep='\\n')"

    assert run_isolated(asset, code).splitlines() == ["True", str(asset / "registry_access" / "handler.py")]
    assert sum(size_by_part(asset).values()) < LARGEST_ASSET_BYTES


def test_the_registrys_policy_editor_can_make_all_its_calls_and_no_others() -> None:
    asset = build_asset(function=REGISTRY_ACCESS)

    sent = json.loads(run_isolated(asset, CALL_EVERYTHING.replace("deployer.", "registry_access.")))

    assert {service: len(urls) for service, urls in sent.items()} == {
        service: len(names) for service, names in operations(REGISTRY_ACCESS).items()
    }


@pytest.mark.parametrize(
    ("region", "suffix"),
    [("us-gov-west-1", "us-gov-west-1.amazonaws.com"), ("cn-north-1", "amazonaws.com.cn")],
)
def test_endpoints_of_other_partitions_are_still_known(asset: Path, region: str, suffix: str) -> None:
    code = f"import boto3; print(boto3.client('sagemaker', region_name={region!r}).meta.endpoint_url)"

    assert suffix in run_isolated(asset, code)


def test_the_asset_is_pure_python(asset: Path) -> None:
    suffixes = {path.suffix for path in asset.rglob("*") if path.is_file()}

    assert ".py" in suffixes
    assert not suffixes & {".so", ".pyd", ".dll", ".dylib"}


def test_the_asset_has_bytecode_if_the_runtimes_python_is_at_hand(asset: Path) -> None:
    assert any(asset.rglob("*.pyc")) is (runtime().interpreter is not None)


def test_the_asset_is_small(asset: Path) -> None:
    sizes = size_by_part(asset)

    assert sum(sizes.values()) < LARGEST_ASSET_BYTES
    assert sizes["botocore/data"] < 500_000


def test_two_builds_have_the_same_files_with_the_same_bytes(asset: Path, tmp_path: Path) -> None:
    again = build_asset(tmp_path)

    assert again.name == asset.name
    assert _contents(again) == _contents(asset)


def _contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_a_directory_of_the_same_inputs_is_built_once(tmp_path: Path) -> None:
    built: list[Path] = []

    def build(directory: Path) -> None:
        built.append(directory)
        (directory / "a").write_text("x")

    first = build_once(tmp_path, "key", build)
    second = build_once(tmp_path, "key", build)

    assert first == second == tmp_path / "key"
    assert len(built) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_builders_at_the_same_time_get_one_whole_directory(tmp_path: Path) -> None:
    everybody = threading.Barrier(4)
    results: list[str] = []

    def build(directory: Path) -> None:
        everybody.wait(timeout=10)
        (directory / "a").write_text("whole")

    def run() -> None:
        results.append((build_once(tmp_path, "key", build) / "a").read_text())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert results == ["whole"] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_build_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def build(directory: Path) -> None:
        (directory / "half").write_text("x")
        raise BundlingError("no")

    with pytest.raises(BundlingError, match="no"):
        build_once(tmp_path, "key", build)

    assert list(tmp_path.iterdir()) == []


def test_a_package_that_cannot_be_had_is_said_in_pips_words(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("absent @ file:///nowhere/absent-1.0-py3-none-any.whl\n")

    with pytest.raises(BundlingError, match=r"(?s)Installing .*failed \(uv ended with .*absent"):
        install_packages(requirements, tmp_path / "target")


def test_a_digest_tells_apart_contents_names_and_where_one_ends() -> None:
    digests = {
        digest([("a", b"b")]),
        digest([("a", b"c")]),
        digest([("b", b"b")]),
        digest([("a", b""), ("b", b"")]),
        digest([("a", b"b"), ("", b"")]),
    }

    assert len(digests) == 5
    assert all(len(each) == 16 for each in digests)


MODEL: dict[str, Any] = {
    "metadata": {"serviceId": "Example", "documentation": "dropped"},
    "clientContextParams": {"Option": {"type": "boolean", "documentation": "read by botocore"}},
    "documentation": "dropped",
    "operations": {
        "Kept": {
            "name": "Kept",
            "input": {"shape": "Input"},
            "errors": [{"shape": "Error"}],
            "documentation": "x",
        },
        "Dropped": {"name": "Dropped", "input": {"shape": "Other"}},
    },
    "shapes": {
        "Input": {
            "type": "structure",
            "members": {"Self": {"shape": "Input"}, "documentation": {"shape": "Text", "documentation": "x"}},
        },
        "Error": {"type": "structure", "members": {}, "exception": True},
        "Text": {"type": "string"},
        "Other": {"type": "string"},
    },
}


def test_a_pruned_model_keeps_the_operations_and_all_that_they_reach() -> None:
    pruned = prune_model(MODEL, ["Kept"])

    assert pruned == {
        "metadata": {"serviceId": "Example"},
        "clientContextParams": {"Option": {"type": "boolean", "documentation": "read by botocore"}},
        "operations": {"Kept": {"name": "Kept", "input": {"shape": "Input"}, "errors": [{"shape": "Error"}]}},
        "shapes": {
            "Error": {"type": "structure", "members": {}, "exception": True},
            "Input": {
                "type": "structure",
                "members": {"Self": {"shape": "Input"}, "documentation": {"shape": "Text"}},
            },
            "Text": {"type": "string"},
        },
    }


def test_an_operation_that_botocore_does_not_know_is_named() -> None:
    with pytest.raises(
        BundlingError, match=r"no operation Mistyped of Example: correct the function's operations"
    ):
        prune_model(MODEL, ["Kept", "Mistyped"])


def test_bytecode_is_the_same_wherever_it_is_built_and_names_files_as_lambda_has_them(tmp_path: Path) -> None:
    built = []
    for place in ("here", "there"):
        target = tmp_path / place
        target.mkdir()
        (target / "module.py").write_text("def fail():\n    raise ValueError\n")
        compile_to_bytecode(target, sys.executable)
        (bytecode,) = target.rglob("*.pyc")
        built.append(bytecode.read_bytes())

    assert built[0] == built[1]
    assert b"/var/task/module.py" in built[0]


def test_a_module_that_does_not_compile_is_named(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("def")

    with pytest.raises(BundlingError, match=r"module\.py"):
        compile_to_bytecode(tmp_path, sys.executable)


@pytest.mark.parametrize("version", RUNTIMES)
def test_an_interpreter_for_bytecode_is_one_of_the_runtimes_version(version: str) -> None:
    found = interpreter_of(version)

    if "{}.{}".format(*sys.version_info) == version:
        assert found == sys.executable
    elif found is not None:
        said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)  # noqa: S603 - as found
        assert said.stdout.startswith(f"Python {version}.")


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [
        ({"3.14": "a", "3.13": "b"}, Runtime("3.14", "a")),
        ({"3.13": "b", "3.11": "c"}, Runtime("3.13", "b")),
        ({"3.11": "c"}, Runtime("3.11", "c")),
        ({"3.10": "d", "3.15": "e"}, Runtime("3.14", None)),
    ],
)
def test_the_runtime_is_the_newest_that_this_machine_can_compile_for(
    installed: dict[str, str], chosen: Runtime
) -> None:
    assert choose_runtime(installed.get) == chosen


def test_the_cdk_knows_every_runtime() -> None:
    known = {name.removeprefix("PYTHON_").replace("_", ".") for name in dir(lambda_.Runtime)}

    assert set(RUNTIMES) <= known


def test_no_older_python_than_the_code_needs_is_a_runtime() -> None:
    """For mypy, the functions' code runs on the oldest possible Python."""
    oldest = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["mypy"]["python_version"]

    assert min(RUNTIMES, key=lambda version: int(version.split(".")[1])) == oldest
