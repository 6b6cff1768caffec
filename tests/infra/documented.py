"""Every command that README and docs tell people to run, and how each is proven.

A command is a line of a fenced shell block, or inline code that begins with a program. It has a row in `HOW`:
a test of `tests/e2e/test_documented_commands.py` runs its text (`Here`), another test runs it (`By`), or a
written reason says why none does (`Because`). In any case its program has to know it.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from infra.bundling.assets import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK: Final = re.compile(r"^( *)```(?:console|sh|bash|shell)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_ANY_BLOCK: Final = re.compile(r"^( *)```.*?^ *```$", re.MULTILINE | re.DOTALL)
_IN_SHELL: Final = re.compile(r"""\baws (?:"[^"]*"|'[^']*'|[^|;)"'])+""")
"""A command of the AWS CLI within a line of shell grammar: in a loop, a pipe, a function, a substitution."""
_GRAMMAR: Final = re.compile(
    r"\w+\(\) \{.*|\}|done.*|\| while .*|[A-Z]+=\w+"
    r"|kept \S+ \| while read .*|ours \$ARN \|\| continue|echo .*"
)
"""A line of it that runs no program, or one of the page's own functions."""
_INLINE: Final = re.compile(r"`([^`\n]+)`")
_PROGRAM: Final = re.compile(
    r"(?:(?:make|npx|python -m|pytest|ruff|mypy|source|uv|pip) \S|greenlight [a-z-]|cdk [a-z]"
    r"|aws [a-z][a-z0-9-]* [a-z])"
)


PLACEHOLDER: Final = "PLACEHOLDER"
"""The placeholder for `<what the reader has to put there>`."""


@dataclass(frozen=True, slots=True)
class Command:
    """A documented command, continued lines joined, comments left out."""

    file: str
    text: str

    @property
    def words(self) -> list[str]:
        """Return the command's words, without assignments and substitutions around it."""
        return shlex.split(re.sub(r"<[^<>]*>", PLACEHOLDER, self.text), comments=True)


@dataclass(frozen=True, slots=True)
class Here:
    """The commands' own text is run by a function of `tests/e2e/test_documented_commands.py`."""

    test: str


@dataclass(frozen=True, slots=True)
class By:
    """Another test runs the same: `file::function`, below `tests/`."""

    test: str


@dataclass(frozen=True, slots=True)
class Because:
    """No test runs it, for a reason."""

    reason: str


_ACCOUNTS: Final = By("e2e/test_accounts.py::test_a_stage_is_let_in_and_shut_out_again_and_the_doctor_knows")
_WHOLE_WAY: Final = By(
    "e2e/test_demo_accounts.py::"
    "test_one_approval_passes_both_stages_a_broken_version_none_and_one_reject_takes_both_back"
)
_MENTIONED: Final = Because("a mention in prose, run as part of another command")
_LONG: Final = Because("it measures for minutes; the parts that it is made of have tests")
_SCALING: Final = Here("test_scaling_from_nothing_as_the_page_writes_it")
_PAUSE: Final = Here("test_a_pause_is_set_and_ended_as_the_page_writes_it")
_REMOVAL: Final = By(
    "e2e/test_destroy.py::"
    "test_destroyed_it_serves_on_deployed_again_it_takes_over_and_removed_nothing_is_left"
)
_TUTORIAL: Final = By(
    "e2e/test_tutorial.py::test_a_reader_of_the_tutorial_registers_approves_watches_breaks_and_goes_back"
)

_COMMAND: Final = By("e2e/test_pipeline.py::test_the_command_tells_what_serves_and_what_happened")

_STEERING: Final = By("e2e/test_pipeline.py::test_the_command_pauses_decides_and_reads_logs")
_DOCTOR: Final = By("e2e/test_pipeline.py::test_the_command_says_what_keeps_an_approval_from_serving")
_ADOPTED: Final = By(
    "e2e/test_pipeline.py::test_hand_made_endpoints_are_adopted_and_their_first_deployment_changes_nothing"
)

_FORESEEN: Final = By("e2e/test_pipeline.py::test_the_command_says_why_and_what_would_happen")

HOW: Final[dict[str, Here | By | Because]] = {
    "make setup": Because(
        "this environment is what it made; tests/infra/bundling/test_installing.py runs its steps"
    ),
    "make test": Because("it is what runs this"),
    "make test-all": Because("it is what runs this"),
    "make foretold": Because("it runs the stories once more"),
    "make demo": Here("test_recipes_of_the_makefile_run"),
    "make demo-accounts": _WHOLE_WAY,
    "make cloud*": _TUTORIAL,
    "source .build/cloud.sh": _TUTORIAL,
    "python docs/examples/*": _TUTORIAL,
    "make help": Here("test_recipes_of_the_makefile_run"),
    "make simulate*": Here("test_recipes_of_the_makefile_run"),
    "make storm*": By("simulation/test_storm.py::test_equal_storms_give_equal_numbers"),
    "make scale*": Here("test_recipes_of_the_makefile_run"),
    "make sabotage": By("simulation/test_sabotaged_decisions.py::test_a_broken_deployer_is_caught"),
    "make mutants*": By("unit/test_mutants.py::test_a_mutant_is_killed_by_its_tests_or_survives_them"),
    "make iam-proof": Because("it runs the whole of several test folders once for each permission"),
    "make iam-evidence": By("infra/test_evidence.py::test_no_permission_is_without_evidence"),
    "make coverage": Because("it runs the deployer's tests once more"),
    "make bench": _LONG,
    "make fleet": Because("its test is part of what runs this"),
    "make every-fleet": _LONG,
    "make blast-radius": _LONG,
    "make exposure": Here("test_recipes_of_the_makefile_run"),
    "python -m bench.exposure*": By("unit/bench/test_exposure.py::test_the_plot_has_a_line_for_each_mode"),
    "python -m bench.status*": By(
        "unit/bench/test_status.py::test_a_small_fleet_is_measured_and_every_endpoint_is_in_sync"
    ),
    "pytest tests/unit/greenlight/test_timeline.py*": Because("it is part of what runs this"),
    "make lock": Because("it changes the pinned versions"),
    "source .venv/bin/activate": _REMOVAL,
    "pytest tests/unit/deployer*": Because("it is part of what runs this"),
    "ruff check .": Because("`make test` runs it before these tests"),
    "mypy .": Because("`make test` runs it before these tests"),
    "npx cdk bootstrap": _REMOVAL,
    "npx cdk deploy --all": _REMOVAL,
    "npx cdk synth --quiet": Here("test_the_guide_s_context_synthesises"),
    "npx cdk list": Here("test_the_guide_s_context_synthesises"),
    "npx cdk bootstrap aws://*": _ACCOUNTS,
    "npx cdk deploy Greenlight-* --exclusively*": _ACCOUNTS,
    "npx cdk destroy*": _ACCOUNTS,
    "cdk *": _MENTIONED,
    "greenlight status --stage *": By("e2e/test_accounts.py::test_the_command_asks_several_stages_at_once"),
    "greenlight status*": _COMMAND,
    "greenlight watch*": _COMMAND,
    "greenlight history*": _COMMAND,
    "greenlight version": _COMMAND,
    "greenlight doctor": _DOCTOR,
    "greenlight doctor churn": _DOCTOR,
    "greenlight doctor *": _ACCOUNTS,
    "greenlight approve*": _STEERING,
    "greenlight reject*": _STEERING,
    "greenlight pause*": _STEERING,
    "greenlight rollback*": By(
        "e2e/test_pipeline.py::test_the_command_rolls_back_under_the_operators_policy"
    ),
    "greenlight retry*": By(
        "e2e/test_pipeline.py::test_the_command_tries_a_failed_version_again_under_the_operators_policy"
    ),
    "greenlight restart*": By(
        "e2e/test_pipeline.py::test_the_command_restarts_what_serves_under_the_operators_policy"
    ),
    "greenlight resume*": _STEERING,
    "greenlight logs*": _STEERING,
    "greenlight adopt*": _ADOPTED,
    "greenlight remove*": By("infra/sufficiency/test_command.py::test_a_remover_removes_what_is_left"),
    "greenlight messages --preview": By("unit/greenlight/test_messages.py::*"),
    "greenlight why*": _FORESEEN,
    "greenlight plan*": _FORESEEN,
    "greenlight check": _FORESEEN,
    "greenlight --help": By(
        "infra/bundling/test_installing.py::test_the_command_is_put_into_the_environment"
    ),
    "greenlight --install-completion": Because("it changes the files of the shell of who runs it"),
    "python -m local_cloud --no-iam": By("e2e/test_iam.py::test_without_iam_everybody_may_do_everything"),
    "python -m infra.reference.settings_page": By("infra/reference/test_settings_page.py::*"),
    "python -m infra.reference.api_members *": Because(
        "it reads another version of botocore than the one that is pinned"
    ),
    "python -m tests.pictures": By("unit/greenlight/test_pictures.py::*"),
    "python -m tests.witnesses": By("witnesses/test_witnesses.py::*"),
    "python -m infra.bundling": Here("test_recipes_of_the_makefile_run"),
    "python -m bench.blast_radius*": _LONG,
    "aws cloudformation delete-stack*": Because(
        "CloudFormation's own command; tests/e2e/test_accounts.py deletes the same stack by the CDK CLI"
    ),
    "aws sagemaker update-model-package*": Here("test_approvals_as_the_guides_write_them"),
    "aws sagemaker describe-endpoint*": By(
        "e2e/clients/test_aws_cli.py::test_cli_registers_approves_deploys_invokes_and_deletes"
    ),
    "aws cloudwatch set-alarm-state*": By(
        "e2e/clients/test_guardrails.py::test_an_alarm_that_is_set_by_hand_aborts_a_canary_in_seconds"
    ),
    "aws application-autoscaling put-scaling-policy*": _SCALING,
    "aws cloudwatch put-metric-alarm*": _SCALING,
    "aws cloudwatch describe-alarms --alarm-name-prefix *": _REMOVAL,
    "aws cloudwatch delete-alarms *": _REMOVAL,
    "aws sagemaker list-*": _REMOVAL,
    "aws sagemaker delete-*": _REMOVAL,
    "aws sagemaker wait endpoint-deleted *": _REMOVAL,
    "aws application-autoscaling *": _REMOVAL,
    "aws logs *": _REMOVAL,
    "aws cloudformation list-stacks *": _REMOVAL,
    "aws cloudformation describe-stack-events *": _REMOVAL,
    "aws iam *": _REMOVAL,
    "aws dynamodb put-item *": _PAUSE,
    "aws dynamodb delete-item *": _PAUSE,
    "aws dynamodb *": _REMOVAL,
    "aws kms schedule-key-deletion *": _REMOVAL,
}


def pages() -> list[Path]:
    """Return the pages that people read."""
    first = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md"]
    return [*first, *sorted((REPOSITORY / "docs").rglob("*.md"))]


def documented() -> list[Command]:
    """Return every command of every page."""
    return [command for page in pages() for command in in_page(page)]


def in_page(page: Path) -> Iterator[Command]:
    """Yield the commands of a page: those of its blocks first, then those in its sentences."""
    text, name = page.read_text(), page.relative_to(REPOSITORY).as_posix()
    for _, block in _BLOCK.findall(text):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            command = re.sub(r"\s#\s.*$", "", line).strip()
            if found := _IN_SHELL.findall(command):
                yield from (Command(name, each.strip()) for each in found)
            elif command and not _GRAMMAR.fullmatch(command):
                yield Command(name, command)
    for code in _INLINE.findall(_ANY_BLOCK.sub("", text)):
        if _PROGRAM.match(code):
            yield Command(name, code)


def how(command: Command) -> tuple[str, Here | By | Because]:
    """Return the first row that fits a command, and its pattern.

    Raises:
        LookupError: None does.
    """
    for pattern, row in HOW.items():
        if fnmatchcase(command.text, pattern.replace("[", "[[]")):
            return pattern, row
    raise LookupError(
        f"{command.file} has the command\n  {command.text}\nwhich no row of HOW in {__name__} fits. "
        "Say there which test runs it, or why none does."
    )


def block_of(page: str, first: str) -> list[str]:
    """Return the lines of the block whose first command begins so, as they are printed."""
    text = (REPOSITORY / page).read_text()
    [found] = [block for _, block in _BLOCK.findall(text) if block.lstrip().startswith(first)]
    return [line for line in found.splitlines() if line.strip()]


def blocks_of(page: str) -> list[list[str]]:
    """Return the lines of every shell block of a page, as they are printed."""
    text = (REPOSITORY / page).read_text()
    return [[line for line in block.splitlines() if line.strip()] for _, block in _BLOCK.findall(text)]
