"""Owns building the functions' Lambda assets: pure Python, no Docker, the same bytes for the same inputs.

Lambda runs an asset from a read-only folder, so without bytecode in it every cold start compiles it all
again. Bytecode belongs to one Python version, so the runtime is one that this machine has the Python of.

Run `python -m infra.bundling` to build the deployer's and see what it weighs. It must not import a handler,
which builds clients at import: those belong to Lambda.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.loaders import Loader

from infra.installing import InstallationError, find_uv, run, uv_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

REPOSITORY: Final = Path(__file__).parent.parent
BUILD_DIRECTORY: Final = REPOSITORY / ".build"
DEPLOYER: Final = REPOSITORY / "lambdas" / "deployer"
REGISTRY_ACCESS: Final = REPOSITORY / "lambdas" / "registry_access"
RUNTIMES: Final = ("3.14", "3.13", "3.12", "3.11")
"""The Lambda runtimes that the functions run on, the best first (developer guide, "lambda-runtimes").

Older ones lack what the functions' code uses.
"""

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
    ),  # the deployer logs and counts; a test imports the handlers from what is left
    "boto3/data",  # models of boto3's resource interface; the deployer uses clients
    "boto3/examples",
    "botocore/data",  # replaced by the pruned data
)
NO_BYTECODE: Final = (
    f"without bytecode: no Python {', '.join(RUNTIMES)} is on the PATH, so each cold start compiles the asset"
)
_TASK_ROOT: Final = "/var/task"
"""Where Lambda unpacks an asset (developer guide, "lambda-python")."""

_SHARED_DATA: Final = ("partitions.json", "sdk-default-configuration.json", "_retry.json")


class BundlingError(Exception):
    """Say why the asset could not be built, and what to do."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The Lambda runtime of the functions, and the Python here that compiles for it, if there is one."""

    version: str
    interpreter: str | None

    @property
    def name(self) -> str:
        """Return Lambda's name of it."""
        return f"python{self.version}"


@cache
def runtime() -> Runtime:
    """Choose the newest runtime that this machine has the Python of; the newest one of all if it has none.

    Bytecode is worth more than a newer Python: without it each cold start compiles the asset again, which
    takes a multiple of the time (docs/benchmarks.md).
    """
    return choose_runtime(interpreter_of)


def choose_runtime(find: Callable[[str], str | None]) -> Runtime:
    """Choose a runtime where `find` knows the interpreters of versions."""
    for version in RUNTIMES:
        if interpreter := find(version):
            return Runtime(version, interpreter)
    return Runtime(RUNTIMES[0], None)


def build_asset(build_directory: Path = BUILD_DIRECTORY, function: Path = DEPLOYER) -> Path:
    """Build a function's asset, unless one of the same inputs stands already, and return its directory.

    A function is a folder with its modules, its pinned `requirements.txt`, and its `operations.py`.

    Raises `BundlingError` if the pinned packages cannot be installed.
    """
    requirements = function / "requirements.txt"
    recipe = Path(__file__).read_bytes()
    sources = sorted(path for path in function.rglob("*.py"))
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


def installed_packages(build_directory: Path = BUILD_DIRECTORY, function: Path = DEPLOYER) -> Path:
    """Install a function's pinned packages whole, unless they stand already, and return their directory.

    Raises `BundlingError` if they cannot be installed.
    """
    requirements = function / "requirements.txt"
    return build_once(
        build_directory / "packages",
        digest([("requirements", requirements.read_bytes()), ("python", runtime().version.encode())]),
        lambda directory: install_packages(requirements, directory),
    )


def interpreter_of(version: str) -> str | None:
    """Return a Python of a version: this one, or one on the PATH; None without one."""
    if sys.version_info[:2] == tuple(int(part) for part in version.split(".")):
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None:
        return None
    # A version manager's shim is on the PATH whether or not it leads anywhere.
    works = subprocess.run([found, "-c", ""], capture_output=True, check=False)  # noqa: S603 - as found
    return found if works.returncode == 0 else None


def compile_to_bytecode(target: Path, interpreter: str) -> None:
    """Compile every module in place.

    The bytecode is marked as never to be checked against its source, and names files as Lambda has them, so
    that it is the same wherever it is built. Raises `BundlingError` if something does not compile.
    """
    command = [interpreter, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(target), "-p", _TASK_ROOT, str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - as found
    if done.returncode != 0:
        raise BundlingError(f"{interpreter} could not compile the asset:\n{done.stdout}{done.stderr}")


def operations(function: Path = DEPLOYER) -> Mapping[str, tuple[str, ...]]:
    """Read a function's own list of the operations that it calls."""
    spec = importlib.util.spec_from_file_location(f"_{function.name}_operations", function / "operations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast("Mapping[str, tuple[str, ...]]", module.OPERATIONS)


def build_once(parent: Path, key: str, build: Callable[[Path], None]) -> Path:
    """Build a directory named after its inputs' digest, or find it built.

    It is built aside and renamed into place, so that nobody ever sees half of it; of several builders at once
    the first wins, and the others' work, being the same, is thrown away.
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
        BundlingError: uv is missing, or could not install them, with its own words; or one of them is
            compiled for a machine, which has to fail here and not on Lambda.
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


def prune_service_data(source: Path, target: Path, wanted: Mapping[str, tuple[str, ...]]) -> None:
    """Copy of botocore's data only what clients of the wanted operations read.

    A service's model keeps the wanted operations and the shapes they reach, without documentation; waiters,
    paginators and examples are left out. Models are written plain: they are small now, and the asset is
    compressed.
    """
    loader = Loader(extra_search_paths=[str(source)], include_default_search_paths=False)
    prefixes = set()
    for service, names in sorted(wanted.items()):
        version = loader.determine_latest_version(service, "service-2")
        model = prune_model(loader.load_service_model(service, "service-2", version), names)
        prefixes.add(model["metadata"]["endpointPrefix"])
        folder = target / service / version
        _write(folder / "service-2.json", model)
        rules = loader.load_service_model(service, "endpoint-rule-set-1", version)
        _write(folder / "endpoint-rule-set-1.json", rules)
    for name in _SHARED_DATA:
        shutil.copyfile(source / name, target / name)
    endpoints = json.loads((source / "endpoints.json").read_bytes())
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in sorted(prefixes & services.keys())}
    _write(target / "endpoints.json", endpoints)


def prune_model(model: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Reduce a service model to some operations and the shapes that they reach.

    Raises `BundlingError` for an operation that the model does not have.
    """
    missing = sorted(set(names) - model["operations"].keys())
    if missing:
        service = model["metadata"]["serviceId"]
        raise BundlingError(
            f"botocore knows no operation {', '.join(missing)} of {service}: "
            "correct the function's operations.py, or pin a newer botocore."
        )
    kept = {name: model["operations"][name] for name in sorted(names)}
    reached: dict[str, Any] = {}
    waiting = list(_references(kept))
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached[name] = model["shapes"][name]
            waiting += _references(reached[name])
    rest = {key: value for key, value in model.items() if key not in {"operations", "shapes"}}
    pruned = {**rest, "operations": kept, "shapes": {name: reached[name] for name in sorted(reached)}}
    bare = cast("dict[str, Any]", _without_documentation(pruned))
    # The only texts that botocore itself reads, and fails without (S3 has such parameters).
    return bare | {key: rest[key] for key in ("clientContextParams",) if key in rest}


def _references(value: object) -> Iterable[str]:
    if isinstance(value, dict):
        shape = value.get("shape")
        if isinstance(shape, str):
            yield shape
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _without_documentation(value: object) -> object:
    """Drop the texts; a structure's member that is called `documentation` is a mapping, and stays."""
    if isinstance(value, dict):
        return {
            key: _without_documentation(inner)
            for key, inner in value.items()
            if not (key == "documentation" and isinstance(inner, str))
        }
    if isinstance(value, list):
        return [_without_documentation(inner) for inner in value]
    return value


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")


def size_by_part(asset: Path) -> dict[str, int]:
    """Measure the bytes of each top-level part of an unpacked asset, the largest first."""
    sizes: dict[str, int] = {}
    for path in asset.rglob("*"):
        if path.is_file():
            parts = path.relative_to(asset).parts
            name = "botocore/data" if parts[:2] == ("botocore", "data") else parts[0]
            sizes[name] = sizes.get(name, 0) + path.stat().st_size
    return dict(sorted(sizes.items(), key=lambda part: -part[1]))


def main() -> None:
    """Build the asset and print where it is and what it weighs."""
    asset = build_asset()
    sizes = size_by_part(asset)
    lines = [str(asset), *(f"{size / 1e6:8.2f} MB  {name}" for name, size in sizes.items())]
    lines.append(f"{sum(sizes.values()) / 1e6:8.2f} MB  in all, unpacked")
    lines.append(
        f"for Lambda's {runtime().name}, " + ("with bytecode" if runtime().interpreter else NO_BYTECODE)
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
