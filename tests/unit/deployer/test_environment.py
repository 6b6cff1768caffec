import pytest

from deployer.environment import Environment

COMPLETE = {
    "JOURNAL_TABLE_NAME": "journal",
    "EXECUTION_ROLE_ARN": "arn:aws:iam::111122223333:role/models",
    "EVENT_BUS_NAME": "default",
    "SWEEP_BUS_NAME": "Greenlight.sweep-parts",
    "OUTCOME_TOPIC_ARN": "arn:aws:sns:eu-central-1:111122223333:outcomes",
    "STACK_NAME": "Greenlight",
    "DEPLOYER_ROLE_NAME": "deployer",
}


def test_a_complete_environment_is_read() -> None:
    assert Environment.read({**COMPLETE, "PATH": "/bin"}) == Environment(
        journal_table_name="journal",
        execution_role_arn="arn:aws:iam::111122223333:role/models",
        event_bus_name="default",
        sweep_bus_name="Greenlight.sweep-parts",
        outcome_topic_arn="arn:aws:sns:eu-central-1:111122223333:outcomes",
        stack_name="Greenlight",
        deployer_role_name="deployer",
    )


def test_history_expires_if_the_environment_says_when() -> None:
    variables = {**COMPLETE, "HISTORY_DAYS": "400"}

    assert Environment.read(variables).history_days == 400
    assert Environment.read(variables).variables() == variables
    assert Environment.read(COMPLETE).history_days is None


def test_links_and_chats_are_read_if_they_are_set() -> None:
    variables = {**COMPLETE, "STUDIO_URL": "https://studio", "RUNBOOK_URL": "https://docs", "CHATS": "2"}

    read = Environment.read(variables)

    assert (read.studio_url, read.runbook_url, read.chats) == ("https://studio", "https://docs", 2)
    assert read.variables() == variables


def test_the_buckets_that_models_may_read_are_known_if_the_stack_made_their_role() -> None:
    variables = {**COMPLETE, "MODEL_BUCKETS": "models,others"}

    assert Environment.read(variables).identity.model_buckets == ("models", "others")
    assert Environment.read(variables).variables() == variables
    assert Environment.read(COMPLETE).identity.model_buckets is None


def test_all_that_is_missing_is_said_at_once() -> None:
    with pytest.raises(RuntimeError, match=r"EXECUTION_ROLE_ARN, STACK_NAME\. .* deploy it again"):
        Environment.read({**COMPLETE, "STACK_NAME": "", "EXECUTION_ROLE_ARN": ""})


def test_the_stack_sets_what_the_function_reads() -> None:
    assert Environment.read(COMPLETE).variables() == COMPLETE
