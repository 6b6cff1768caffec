from tests.unit.deployer.test_variants import *  # noqa: F403 - conftest.py says why
