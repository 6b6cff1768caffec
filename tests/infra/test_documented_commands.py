"""Every documented command is run by a test, and its program knows it."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

import botocore.session
import pytest
from botocore import xform_name

from infra.bundling.assets import REPOSITORY
from tests.e2e.command import Done, greenlight
from tests.infra.documented import HOW, PLACEHOLDER, Because, By, Command, Here, documented, how

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = documented()
GLOBAL_OPTIONS = {"--profile", "--region", "--output", "--query", "--endpoint-url"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.file}: {command.text[:60]}")
def test_every_command_has_a_row_and_its_program_knows_it(command: Command) -> None:
    how(command)

    assert problem(command) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("make tset", "no target"),
        ("make scale M=3", "no variable"),
        ("npx cdk destory X", "no command"),
        ("npx cdk deploy --exclusivly", "no option"),
        ("greenlight docter", "not know"),
        ("python -m infra.bundlng", "no module"),
        ("aws sagemaker update-model-pakage", "no operation"),
        ("aws sagemaker update-model-package --model-arn x", "no option"),
        ("aws sagemaker update-model-package --model-approval-status Approved", "needs"),
        ("aws sagemakr list-models", "no service"),
        ("pytest tests/unit/deploier", "no file"),
        ("greenlight stauts", "not know"),
        ("greenlight status --jsn", "no option"),
        ("python docs/examples/registre.py", "no file"),
        ("python docs/examples/register.py --braek start", "no option"),
        ("frobnicate x", "no program"),
    ],
)
def test_a_command_that_its_program_does_not_know_is_found(text: str, what: str) -> None:
    assert what in str(problem(Command("README.md", text)))


def test_a_new_command_without_a_row_is_found() -> None:
    with pytest.raises(LookupError, match="which test runs it"):
        how(Command("README.md", "make coffee"))


def test_every_row_is_about_a_command_and_leads_to_a_test_or_a_reason() -> None:
    used = {how(command)[0] for command in COMMANDS}
    assert [pattern for pattern in HOW if pattern not in used] == []
    for row in HOW.values():
        match row:
            case Here(test):
                assert test in functions(REPOSITORY / "tests" / "e2e" / "test_documented_commands.py")
            case By(test):
                file, _, function = test.partition("::")
                assert function == "*" or function in functions(REPOSITORY / "tests" / file), test
                assert (REPOSITORY / "tests" / file).exists()
            case Because(reason):
                assert len(reason.split()) >= 5


def functions(file: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}


def problem(command: Command) -> str | None:
    """Return the part of a command that its program does not know."""
    match command.words:
        case ["make", target, *variables]:
            return of_make(target, variables)
        case ["npx", "cdk", subcommand, *rest] | ["cdk", subcommand, *rest]:
            return of_cdk(subcommand, rest)
        case ["python", "-m", module, *rest]:
            return of_module(module, rest)
        case ["aws", service, operation, *rest]:
            return of_aws(service, operation, rest)
        case ["greenlight", *rest]:
            return of_module("greenlight", rest)
        case ["python", script, *rest]:
            return of_script(script, rest)
        case ["source", script]:
            made = {".venv/bin/activate", ".build/cloud.sh"}
            return None if script in made else f"no file {script}"
        case ["pytest" | "ruff" | "mypy", *rest]:
            paths = [word for word in rest if word != "check"]
            return next((f"no file {path}" for path in paths if not (REPOSITORY / path).exists()), None)
        case words:
            return f"no program of ours: {words[:1]}"


def of_make(target: str, variables: list[str]) -> str | None:
    makefile = (REPOSITORY / "Makefile").read_text()
    if not re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE):
        return f"make has no target {target}"
    recipe = makefile.split(f"\n{target}:")[1].split("\n\n")[0]
    names = [variable.partition("=")[0] for variable in variables]
    return next((f"{target} has no variable {name}" for name in names if f"({name})" not in recipe), None)


def of_cdk(subcommand: str, rest: list[str]) -> str | None:
    said = cdk_help(subcommand)
    if said is None:
        return f"cdk has no command {subcommand}"
    options = [word for word in rest if word.startswith("-")]
    return next((f"cdk {subcommand} has no option {it}" for it in options if it not in said), None)


@cache
def cdk_help(subcommand: str) -> frozenset[str] | None:
    """Return the options of a command of the CDK CLI; None if it has no such command."""
    cli = REPOSITORY / "node_modules" / ".bin" / "cdk"
    done = subprocess.run([cli, subcommand, "--help"], capture_output=True, text=True, check=False)  # noqa: S603 - the pinned CLI
    said = done.stdout + done.stderr
    # For an unknown command it prints the help of all commands.
    if not re.match(rf"cdk ({re.escape(subcommand)}\b|list )", said.lstrip()):
        return None
    return frozenset(re.findall(r"(?<![\w-])--?[a-z][\w-]*", said))


def of_module(module: str, rest: list[str]) -> str | None:
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is None:
        return f"there is no module {module}"
    if all(word == PLACEHOLDER for word in rest):
        return None
    done = module_help(module, *(word for word in rest[:1] if not word.startswith("-")))
    if done.returncode:
        return f"{module} does not know {' '.join(rest)}: {done.stderr}"
    options = [word for word in rest if word.startswith("-")]
    return next((f"{module} has no option {it}" for it in options if it not in done.stdout), None)


@cache
def module_help(module: str, *subcommands: str) -> subprocess.CompletedProcess[str] | Done:
    """Ask one of our own programs for the help of itself or of a subcommand."""
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'lambdas'}"}
    if module == "greenlight":
        return greenlight(*subcommands, "--help", environ=environ)
    return subprocess.run(  # noqa: S603 - our own modules
        [sys.executable, "-m", module, *subcommands, "--help"],
        cwd=REPOSITORY,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def aws_session() -> botocore.session.Session:
    """Return the one session, which reads each service's model once."""
    return botocore.session.Session()


def of_script(script: str, rest: list[str]) -> str | None:
    path = REPOSITORY / script
    if not path.exists():
        return f"no file {script}"
    options = [word for word in rest if word.startswith("-")]
    return next((f"{script} has no option {it}" for it in options if f'"{it}"' not in path.read_text()), None)


def of_waiter(session: botocore.session.Session, service: str, rest: list[str]) -> str | None:
    waiters = session.get_waiter_model(service).waiter_names
    name, *options = rest
    for each in waiters:
        if xform_name(each).replace("_", "-") == name:
            polled = session.get_waiter_model(service).get_waiter(each).operation
            return of_aws(service, xform_name(polled).replace("_", "-"), options)
    return f"{service} waits for no {name}"


def of_aws(service: str, operation: str, rest: list[str]) -> str | None:
    session = aws_session()
    if operation == "wait":
        return of_waiter(session, service, rest)
    if service not in session.get_available_services():
        return f"there is no service {service}"
    model = session.get_service_model(service)
    names = {xform_name(name).replace("_", "-"): name for name in model.operation_names}
    if operation not in names:
        return f"{service} has no operation {operation}"
    shape = model.operation_model(names[operation]).input_shape
    members, required = (shape.members, shape.required_members) if shape else ({}, [])
    options = {f"--{xform_name(member).replace('_', '-')}": member for member in members}
    given = {re.sub("^--no-", "--", word) for word in rest if word.startswith("--")}
    if unknown := given - options.keys() - GLOBAL_OPTIONS:
        return f"{operation} has no option {', '.join(sorted(unknown))}"
    needed = {option for option, member in options.items() if member in required}
    missing = needed - given
    # A mention may leave the values out; a whole command may not.
    return f"{operation} needs {', '.join(sorted(missing))}" if rest and missing else None
