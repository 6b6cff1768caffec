from tests.unit.deployer.test_pipeline import *  # noqa: F403 - conftest.py says why
