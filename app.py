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
from infra.settings.catalogue import load_catalogue
from infra.settings.problem import ConfigurationError

if TYPE_CHECKING:
    from aws_cdk.cx_api import CloudAssembly


def synthesise(app: App) -> CloudAssembly:
    """Synthesise everything that the app's context and its endpoint settings describe.

    Raises `ConfigurationError` with every mistake in them, and `BundlingError`.
    """
    configuration, problems = read_configuration(app.node.get_all_context())
    directory = Path(configuration.endpoints_dir)
    endpoints, found = load_catalogue(directory, directory.as_posix())
    if problems or found:
        raise ConfigurationError([*problems, *found])
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    DeploymentStack(app, "Greenlight", configuration=configuration, endpoints=endpoints, asset=build_asset())
    return app.synth()


if __name__ == "__main__":
    try:
        synthesise(App())
    except (ConfigurationError, BundlingError) as error:
        sys.exit(f"\n{error}\n")
