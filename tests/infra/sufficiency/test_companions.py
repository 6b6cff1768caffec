from tests.unit.deployer.test_companions import *  # noqa: F403 - conftest.py says why
