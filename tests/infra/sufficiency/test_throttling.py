from tests.unit.deployer.test_throttling import *  # noqa: F403 - conftest.py says why
