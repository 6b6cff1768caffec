"""The CDK app: reads the configuration and the endpoints, then synthesises or says what to correct."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.bundling.assets import REGISTRY_ACCESS, build_asset
from infra.bundling.bundling_error import BundlingError
from infra.configuration.app_context import PLACE, read_configuration, shared_context
from infra.configuration.role_accounts import check_execution_roles
from infra.settings.catalogue import load_catalogue
from infra.settings.notices import noticed
from infra.settings.problem import ConfigurationError, warned
from infra.settings.reading.files import find_settings, told
from infra.stacks.deployment_stack import DeploymentStack
from infra.stacks.registry_stack import RegistryStack
from infra.stages.loading import load_stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aws_cdk.cx_api import CloudAssembly

    from infra.configuration.app_context import Configuration
    from infra.settings.endpoint_spec import EndpointSpec
    from infra.settings.problem import Problem
    from infra.stages.access import StageAccess


def synthesise(app: App) -> CloudAssembly:
    """Synthesise everything that the app's context and its endpoint settings describe.

    Raises `ConfigurationError` with every mistake in them, and `BundlingError`.
    """
    configuration, problems = read_configuration(
        app.node.get_all_context(), shared=shared_context(Path("~").expanduser())
    )
    stages, found = load_stages(configuration, PLACE)
    problems += found
    endpoints: list[EndpointSpec] = []
    if configuration.registry is None:
        directory = Path(configuration.endpoints_dir)
        endpoints, found = load_catalogue(
            directory, directory.as_posix(), stack_name=configuration.stack_name
        )
        problems += found
        problems += check_execution_roles(endpoints, configuration)
    _refuse(problems)
    _tell_left_out(Path(configuration.endpoints_dir))
    warnings = [warning for endpoint in endpoints for warning in endpoint.warnings]
    warnings += [warning for stage in stages for endpoint in stage.endpoints for warning in endpoint.warnings]
    if warnings:
        sys.stderr.write(f"\n{warned(warnings)}\n\n")
    notices = noticed([*endpoints, *(endpoint for stage in stages for endpoint in stage.endpoints)])
    if notices:
        sys.stderr.write(f"\n{notices}\n\n")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    if configuration.registry is None:
        _refuse(_deploy(app, "Greenlight", configuration, endpoints))
        return app.synth()
    _refuse(
        problem
        for stage in stages
        for problem in _deploy(
            app, f"Greenlight-{stage.names.stage_name}", stage.configuration, stage.endpoints, stage.access
        )
    )
    RegistryStack(
        app,
        "Greenlight-Registry",
        configuration=configuration,
        registry=configuration.registry,
        stages=[stage.access for stage in stages],
        asset=build_asset(function=REGISTRY_ACCESS),
    )
    return app.synth()


def _deploy(
    app: App,
    construct_id: str,
    configuration: Configuration,
    endpoints: Sequence[EndpointSpec],
    access: StageAccess | None = None,
) -> list[Problem]:
    """Add the stack of one account and region; return what it cannot hold."""
    return DeploymentStack(
        app,
        construct_id,
        configuration=configuration,
        endpoints=endpoints,
        asset=build_asset(),
        access=access,
    ).problems


def _tell_left_out(directory: Path) -> None:
    left_out = told(find_settings(directory, directory.as_posix()))
    if left_out:
        sys.stderr.write(f"\n{left_out}\n")


def _refuse(problems: Iterable[Problem]) -> None:
    found = list(problems)
    if found:
        raise ConfigurationError(found)


if __name__ == "__main__":
    try:
        synthesise(App())
    except (ConfigurationError, BundlingError) as error:
        sys.exit(f"\n{error}\n")
