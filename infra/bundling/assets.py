"""Owns building the functions' Lambda assets: pure Python, no Docker, the same bytes for the same inputs.

It must not import a handler, which builds clients at import. Run `python -m infra.bundling` to build the
deployer's asset and see its size.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from deployer.contract import SETTINGS_DIRECTORY
from infra.bundling.bundling_error import BundlingError
from infra.bundling.installing import InstallationError, find_uv, run, uv_environment
from infra.bundling.lambda_runtime import compile_to_bytecode, runtime
from infra.bundling.service_data import prune_service_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

REPOSITORY: Final = Path(__file__).parents[2]
BUILD_DIRECTORY: Final = REPOSITORY / ".build"
DEPLOYER: Final = REPOSITORY / "lambdas" / "deployer"
REGISTRY_ACCESS: Final = REPOSITORY / "lambdas" / "registry_access"

_NOT_NEEDED: Final = (".lock", "*.dist-info", "bin", "__pycache__", "*.pyc", "*.pyi", "py.typed")
_UNUSED_PARTS: Final = (
    "aws_lambda_powertools/event_handler",  # HTTP routing with a bundled Swagger UI: 60 % of Powertools
    *(
        f"aws_lambda_powertools/utilities/{part}"
        for part in (
            "auth_alpha",
            "batch",
            "circuit_breaker",
            "data_classes",
            "data_masking",
            "feature_flags",
            "idempotency",
            "kafka",
            "parameters",
            "parser",
            "streaming",
            "validation",
        )
    ),  # the deployer logs and counts; a test imports the handlers without these
    "boto3/data",  # models of boto3's resource interface; the deployer uses clients
    "boto3/examples",
    "botocore/data",  # replaced by the pruned data
)


def build_asset(build_directory: Path = BUILD_DIRECTORY, function: Path = DEPLOYER) -> Path:
    """Build a function's asset, unless one with the same inputs exists, and return its directory.

    A function is a folder with its modules, its pinned `requirements.txt`, and its `operations.py`.

    Raises `BundlingError` if the pinned packages cannot be installed.
    """
    requirements = function / "requirements.txt"
    sources = sorted(path for path in function.rglob("*.py"))
    recipe = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    named = [(path.relative_to(function).as_posix(), path.read_bytes()) for path in sources]
    compiler = runtime().interpreter
    bytecode = ("bytecode", runtime().name.encode() if compiler else b"no")
    inputs = [("requirements", requirements.read_bytes()), ("recipe", recipe), bytecode, *named]

    def assemble(target: Path) -> None:
        packages = installed_packages(build_directory, function)
        _copy(packages, target)
        for name, content in named:
            path = target / function.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        prune_service_data(packages / "botocore" / "data", target / "botocore" / "data", operations(function))
        if compiler:
            compile_to_bytecode(target, compiler)

    return build_once(build_directory / function.name, digest(inputs), assemble)


def with_settings(
    asset: Path, settings: Mapping[str, bytes], build_directory: Path = BUILD_DIRECTORY
) -> Path:
    """Put endpoints' settings beside the deployer's code, and return the directory of both.

    They are one asset, so that Lambda changes both at once. The code's files are linked, not copied.
    """

    def assemble(target: Path) -> None:
        shutil.copytree(asset, target, copy_function=os.link, dirs_exist_ok=True)
        for name, content in settings.items():
            path = target / SETTINGS_DIRECTORY / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    inputs = [("code", asset.name.encode()), *settings.items()]
    return build_once(build_directory / f"{asset.parent.name}-with-settings", digest(inputs), assemble)


def installed_packages(build_directory: Path = BUILD_DIRECTORY, function: Path = DEPLOYER) -> Path:
    """Install a function's pinned packages, unless they are installed, and return their directory.

    Raises `BundlingError` if they cannot be installed.
    """
    requirements = function / "requirements.txt"
    return build_once(
        build_directory / "packages",
        digest([("requirements", requirements.read_bytes()), ("python", runtime().version.encode())]),
        lambda directory: install_packages(requirements, directory),
    )


def operations(function: Path = DEPLOYER) -> Mapping[str, tuple[str, ...]]:
    """Read a function's own list of operations."""
    spec = importlib.util.spec_from_file_location(f"_{function.name}_operations", function / "operations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast("Mapping[str, tuple[str, ...]]", module.OPERATIONS)


def build_once(parent: Path, key: str, build: Callable[[Path], None]) -> Path:
    """Build a directory named after its inputs' digest, or find it.

    It is built elsewhere and then renamed, so that nobody sees half of it. Of several builders the first
    wins; the others throw away their identical results.
    """
    finished = parent / key
    if finished.is_dir():
        return finished
    parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".building-", dir=parent))
    try:
        build(aside)
        aside.chmod(0o755)
        try:
            aside.rename(finished)
        except OSError:
            if not finished.is_dir():
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return finished


def digest(inputs: Iterable[tuple[str, bytes]]) -> str:
    """Digest named contents to 16 hexadecimal digits."""
    total = hashlib.sha256()
    for name, content in inputs:
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()[:16]


def install_packages(requirements: Path, target: Path) -> None:
    """Install pinned packages, and only those.

    Raises:
        BundlingError: uv is missing, or could not install them, with its message; or a package is compiled
            for one machine type, which must fail here rather than on Lambda.
    """
    try:
        command: list[str | Path] = [
            find_uv(),
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-build",
            "--target",
            target,
        ]
        command += ["--python", sys.executable, "--python-version", runtime().version, "-r", requirements]
        run(command, environ=uv_environment(os.environ), what=f"Installing {requirements}")
    except InstallationError as error:
        raise BundlingError(str(error)) from error
    compiled = [
        wheel.parent.name.removesuffix(".dist-info")
        for wheel in sorted(target.glob("*.dist-info/WHEEL"))
        if "Root-Is-Purelib: true" not in wheel.read_text().splitlines()
    ]
    if compiled:
        raise BundlingError(
            f"{', '.join(compiled)} of {requirements} is compiled for this machine, and Lambda's may be of "
            "another kind. Choose packages in pure Python."
        )


def _copy(packages: Path, target: Path) -> None:
    unused = {packages / part for part in _UNUSED_PARTS}

    def ignored(directory: str, names: list[str]) -> set[str]:
        parts = {name for name in names if Path(directory, name) in unused}
        return parts | shutil.ignore_patterns(*_NOT_NEEDED)(directory, names)

    shutil.copytree(packages, target, ignore=ignored, dirs_exist_ok=True)
