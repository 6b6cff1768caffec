from tests.unit.deployer.test_interruptions import *  # noqa: F403 - conftest.py says why
