import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

from local_cloud import ministack
from local_cloud.ministack import emulator

MODULES = [
    importlib.import_module(f"local_cloud.ministack.{module.name}")
    for module in pkgutil.iter_modules(ministack.__path__)
]


def test_pinned_ministack_has_everything_that_is_relied_on() -> None:
    """Run it in a child process, because MiniStack reads the environment on import."""
    code = "from local_cloud.ministack.emulator import missing_internals; print(missing_internals())"

    finished = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[4],
        env=emulator.settings(4566),
        capture_output=True,
        text=True,
        check=True,
    )

    assert finished.stdout.strip() == "[]"


def test_every_private_name_that_is_touched_is_listed() -> None:
    """A name of MiniStack's that is used without being listed would break unannounced."""
    accesses = [
        node
        for module in MODULES
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_")
    ]
    of_modules = {
        access.attr
        for access in accesses
        if isinstance(access.value, ast.Attribute)
        or (isinstance(access.value, ast.Name) and access.value.id in {"ssm", "evaluator", "functions"})
    }

    assert of_modules - {"_data"} == {name for _, name in emulator.RELIED_ON if name.startswith("_")}
