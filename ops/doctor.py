"""The doctor: read the whole chain from the registry to a stage, and say for every gap what to add.

It never writes.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.configuration.app_context import PLACE, read_configuration
from infra.settings.problem import ConfigurationError
from infra.stages.loading import load_stages
from ops.checks import diagnose
from ops.gathering import account_of, gather
from ops.report import as_json, as_text, exit_code

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from infra.stages.carried_stage import CarriedStage

CANNOT: Final = 2

_PATIENCE: Final = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 6})
"""Throttled reads are retried; a missing region or network is reported within a minute."""


class CannotError(Exception):
    """The doctor cannot begin; the message says why, and what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--stage", required=True, help="the stage, as the context key stages names it")
    parser.add_argument(
        "--group", action="append", help="a model package group; by default all of the stage's"
    )
    parser.add_argument(
        "--version", help="the ARN of a version; by default the newest approved, else the newest"
    )
    parser.add_argument(
        "--profile", help="the AWS profile of the stage's account; by default as AWS's tools do"
    )
    parser.add_argument(
        "--registry-profile", help="the AWS profile of the registry's account, to read its policies"
    )
    parser.add_argument(
        "-c", "--context", action="append", default=[], metavar="KEY=VALUE", help="as for cdk, over cdk.json"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Examine, print, and return the exit code: 0 no gaps, 1 gaps, 2 cannot begin, 3 some unknown."""
    try:
        stage = _stage(arguments.stage, _context(arguments.context))
        found = _examine(stage, arguments)
    except (CannotError, ConfigurationError) as error:
        sys.stderr.write(f"{error}\n")
        return CANNOT
    render = as_json if arguments.json else as_text
    sys.stdout.write(f"{render(arguments.stage, found)}\n")
    return exit_code([finding for findings in found.values() for finding in findings])


def _context(given: list[str]) -> dict[str, Any]:
    file = Path("cdk.json")
    if not file.is_file():
        raise CannotError("There is no cdk.json here. Run the doctor in the directory of the CDK app.")
    context: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")).get("context", {})
    for pair in given:
        key, _, value = pair.partition("=")
        context[key] = value
    return context


def _stage(name: str, context: Mapping[str, Any]) -> CarriedStage:
    configuration, problems = read_configuration(context)
    stages, found = load_stages(configuration, PLACE)
    if problems or found:
        raise ConfigurationError([*problems, *found])
    by_name = {stage.names.stage_name: stage for stage in stages}
    if name not in by_name:
        known = ", ".join(by_name) or "none: the context has no stages"
        raise CannotError(f"There is no stage {name}. There are {known}.")
    return by_name[name]


def _examine(stage: CarriedStage, arguments: argparse.Namespace) -> dict[str, Any]:
    access = stage.access
    names = access.names
    unknown = sorted(set(arguments.group or ()) - set(access.groups))
    if unknown:
        known = ", ".join(access.groups)
        raise CannotError(f"Stage {names.stage_name} has no group {', '.join(unknown)}, but {known}.")
    region = names.region
    here, caller = _session("stage", arguments.profile, region)
    there, registry_caller = None, None
    if arguments.registry_profile:
        there, registry_caller = _session("registry", arguments.registry_profile, region)
    found = {}
    for group in arguments.group or stage.access.groups:
        endpoints = [spec for spec in stage.endpoints if spec.model_package_group.rpartition("/")[2] == group]
        access = replace(access, groups=(group,))
        facts = gather(
            access,
            group,
            endpoints,
            stage=here,
            registry=there,
            caller_account=caller,
            registry_account=registry_caller,
            version=arguments.version,
        )
        found[group] = diagnose(access, group, endpoints, facts)
    return found


def _session(side: str, profile: str | None, region: str) -> tuple[boto3.Session, str]:
    """Return the credentials of one side, and their account; without them no other read makes sense.

    Raises:
        CannotError: There are no credentials, or AWS refuses them.
    """
    option = "--profile" if side == "stage" else "--registry-profile"
    try:
        core = botocore.session.Session(profile=profile)
        core.set_default_client_config(_PATIENCE)
        session = boto3.Session(botocore_session=core, region_name=region)
        return session, account_of(session)
    except (BotoCoreError, ClientError) as error:
        raise CannotError(
            f"Nobody could be asked whose the {side}'s credentials are, in {region}: {error}\n"
            f"Check them, and the region: aws sts get-caller-identity --region {region} "
            f"{f'--profile {profile}' if profile else f'(or give a profile by {option})'}"
        ) from error
