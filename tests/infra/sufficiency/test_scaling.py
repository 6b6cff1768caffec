from tests.unit.deployer.test_scaling import *  # noqa: F403 - conftest.py says why
