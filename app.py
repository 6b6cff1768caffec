"""The CDK app: reads the configuration and the endpoints, then synthesises or says what to correct."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.bundling import BundlingError, build_asset
from infra.context import read_configuration
from infra.deployment_stack import DeploymentStack
from infra.execution_roles import check_execution_roles
from infra.placement import check_room, place
from infra.settings.catalogue import load_catalogue
from infra.settings.problem import ConfigurationError
from infra.settings_stack import SettingsStack

if TYPE_CHECKING:
    from aws_cdk import Stack
    from aws_cdk.cx_api import CloudAssembly


def synthesise(app: App) -> CloudAssembly:
    """Synthesise everything that the app's context and its endpoint settings describe.

    Raises `ConfigurationError` with every mistake in them, and `BundlingError`.
    """
    configuration, problems = read_configuration(app.node.get_all_context())
    directory = Path(configuration.endpoints_dir)
    endpoints, found = load_catalogue(directory, directory.as_posix(), stack_name=configuration.stack_name)
    problems += [*found, *check_room(endpoints, configuration)]
    problems += check_execution_roles(endpoints, configuration)
    if problems:
        raise ConfigurationError(problems)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    stack: Stack = DeploymentStack(
        app, "Greenlight", configuration=configuration, endpoints=endpoints, asset=build_asset()
    )
    _, *placed = place(endpoints, configuration.settings_stacks)
    for number, some in enumerate(placed, start=2):
        stack = SettingsStack(
            app,
            f"GreenlightSettings{number}",
            number=number,
            after=stack,
            configuration=configuration,
            endpoints=some,
        )
    return app.synth()


if __name__ == "__main__":
    try:
        synthesise(App())
    except (ConfigurationError, BundlingError) as error:
        sys.exit(f"\n{error}\n")
