from tests.unit.deployer.test_installations import *  # noqa: F403 - conftest.py says why
