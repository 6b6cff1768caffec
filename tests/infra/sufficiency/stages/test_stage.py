from tests.unit.deployer.test_stage import *  # noqa: F403 - conftest.py says why
