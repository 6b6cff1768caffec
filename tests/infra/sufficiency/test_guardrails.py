from tests.unit.deployer.test_guardrails import *  # noqa: F403 - conftest.py says why
