from tests.unit.deployer.test_channels import *  # noqa: F403 - conftest.py says why
