from tests.unit.deployer.test_gateways import *  # noqa: F403 - conftest.py says why
