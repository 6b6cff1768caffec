"""`make setup` on machines that differ: what decides where packages come from, and where they go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.bundling.installing import (
    REPOSITORY,
    InstallationError,
    Setup,
    find_uv,
    run,
    uv_environment,
)

MIRROR = "https://mirror.example/simple"


def environment(home: Path, **variables: str) -> dict[str, str]:
    return {"HOME": str(home), "PATH": os.environ["PATH"], **variables}


def configure(home: Path, text: str) -> None:
    (home / ".config" / "pip").mkdir(parents=True)
    (home / ".config" / "pip" / "pip.conf").write_text(text)


def test_uv_asks_the_index_of_pip_s_variables(tmp_path: Path) -> None:
    chosen = uv_environment(
        environment(tmp_path, PIP_INDEX_URL=MIRROR, PIP_EXTRA_INDEX_URL=f"{MIRROR}/2", PIP_CERT="/ca.pem")
    )

    assert (chosen["UV_DEFAULT_INDEX"], chosen["UV_INDEX"]) == (MIRROR, f"{MIRROR}/2")
    assert chosen["SSL_CERT_FILE"] == "/ca.pem"


def test_uv_asks_the_index_of_pip_s_files(tmp_path: Path) -> None:
    configure(tmp_path, f"[global]\nindex-url = {MIRROR}\nextra-index-url = file:///nowhere\n  {MIRROR}/2\n")

    chosen = uv_environment(environment(tmp_path))

    assert (chosen["UV_DEFAULT_INDEX"], chosen["UV_INDEX"]) == (MIRROR, f"{MIRROR}/2")


def test_a_variable_goes_before_a_file_and_uv_s_own_before_pip_s(tmp_path: Path) -> None:
    configure(tmp_path, "[global]\nindex-url = https://file.example/simple\n")

    of_pip = uv_environment(environment(tmp_path, PIP_INDEX_URL=MIRROR))
    of_uv = uv_environment(environment(tmp_path, PIP_INDEX_URL=MIRROR, UV_DEFAULT_INDEX="https://uv.example"))

    assert of_pip["UV_DEFAULT_INDEX"] == MIRROR
    assert of_uv["UV_DEFAULT_INDEX"] == "https://uv.example"


@pytest.mark.parametrize("text", ["", "no section", "[global]\nuser = true\n", "\ufeff[global"])
def test_a_file_of_pip_s_that_says_nothing_of_an_index_changes_nothing(tmp_path: Path, text: str) -> None:
    configure(tmp_path, text)

    assert not {name for name in uv_environment(environment(tmp_path)) if name.endswith("INDEX")}


def test_no_file_of_pip_s_is_read_that_pip_would_not_read(tmp_path: Path) -> None:
    configure(tmp_path, f"[global]\nindex-url = {MIRROR}\n")

    assert "UV_DEFAULT_INDEX" not in uv_environment(environment(tmp_path, PIP_CONFIG_FILE=os.devnull))


def test_nothing_activated_decides_where_packages_go(tmp_path: Path) -> None:
    activated = {"VIRTUAL_ENV": "/elsewhere", "UV_SYSTEM_PYTHON": "1", "UV_PYTHON": "3.8"}

    assert not activated.keys() & uv_environment(environment(tmp_path, **activated)).keys()


def test_a_python_with_neither_pip_nor_ensurepip_is_refused_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match=r"neither pip nor ensurepip.*apt install python3-venv"):
        Setup(tmp_path, has=lambda _: False).pip()


@pytest.mark.long
def test_what_a_link_leads_to_is_not_emptied(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "kept").touch()
    (tmp_path / ".venv").symlink_to(own)

    with pytest.raises(InstallationError, match=f"a link to {own}, .* Remove the link: rm "):
        Setup(tmp_path / ".venv").create()
    assert (own / "kept").exists()


def test_pip_or_else_ensurepip_brings_uv(tmp_path: Path) -> None:
    setup = Setup(tmp_path / "venv", has=lambda module: module == "ensurepip")
    setup.create()

    command = setup.pip()

    said = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)  # noqa: S603 - its pip
    assert str(tmp_path / "venv") in said.stdout
    assert Setup(tmp_path, has=lambda module: module == "pip").pip()[:3] == [sys.executable, "-m", "pip"]


def test_what_a_step_s_program_says_is_told() -> None:
    with pytest.raises(InstallationError, match=r"(?s)npm ci failed \(.*ended with 3\):.*no such package"):
        run(
            [sys.executable, "-c", "import sys; print('no such package', file=sys.stderr); sys.exit(3)"],
            environ=os.environ,
            what="npm ci",
        )
    with pytest.raises(InstallationError, match=r"npm ci: /nowhere/npm could not be run: No such file"):
        run(["/nowhere/npm", "ci"], environ=os.environ, what="npm ci")


@pytest.mark.long
def test_a_user_s_settings_of_pip_send_no_package_elsewhere(tmp_path: Path) -> None:
    """`PIP_USER=1` made pip refuse virtual environments, or install beside them."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("six==1.17.0\n")
    hostile = {"PIP_USER": "1", "PIP_TARGET": str(tmp_path / "elsewhere"), "PIP_REQUIRE_VIRTUALENV": "1"}
    base = getattr(sys, "_base_executable", sys.executable)
    command = [base, "-m", "infra.bundling.installing", str(tmp_path / "venv"), str(requirements), "--new"]
    without_uv = os.pathsep.join(["/usr/bin", "/bin"])

    done = subprocess.run(  # noqa: S603 - our own program
        command,
        cwd=REPOSITORY,
        env=os.environ | hostile | {"PATH": without_uv},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "venv").glob("lib/python*/site-packages/six.py"))
    assert not (tmp_path / "elsewhere").exists()
    assert [line.split(" s  ")[-1].split()[0] for line in done.stdout.splitlines()[1:]] == [
        "virtual",
        "uv",
        "1",
        "in",
    ]


def test_an_environment_without_uv_is_named(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)  # noqa: S603 - our own
    code = "from infra.bundling.installing import find_uv; find_uv()"

    done = subprocess.run(  # noqa: S603 - our own code
        [tmp_path / "venv" / "bin" / "python", "-c", code],
        cwd=REPOSITORY,
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert f"uv is missing in {tmp_path / 'venv'} and on the PATH. Install" in done.stderr


def test_the_smaller_files_of_requirements_are_part_of_the_larger() -> None:
    def pins(name: str) -> set[str]:
        return set((REPOSITORY / name).read_text().splitlines())

    assert pins("requirements.txt") <= pins("requirements-demo.txt") <= pins("requirements-dev.txt")


def test_the_command_is_put_into_the_environment(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)  # noqa: S603 - this Python
    (tmp_path / "bin" / "uv").symlink_to(find_uv())

    Setup(tmp_path).install_command()

    packages = Path(pytest.__file__).parents[1]
    told = subprocess.run(  # noqa: S603 - the script that was just installed
        [tmp_path / "bin" / "greenlight", "--help"],
        env={"PYTHONPATH": str(packages), "PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.startswith("Usage: greenlight ")
