from tests.unit.deployer.test_kinds import *  # noqa: F403 - conftest.py says why
