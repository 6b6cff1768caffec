from tests.unit.deployer.test_forgeries import *  # noqa: F403 - conftest.py says why
