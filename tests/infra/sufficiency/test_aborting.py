from tests.unit.deployer.test_aborting import *  # noqa: F403 - conftest.py says why
