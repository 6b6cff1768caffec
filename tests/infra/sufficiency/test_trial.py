from tests.unit.deployer.test_trial import *  # noqa: F403 - conftest.py says why
