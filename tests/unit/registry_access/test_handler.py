from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

import pytest

from registry_access import answer
from registry_access.admission import ACTIONS, KINDS, Kind
from registry_access.environment import Environment
from registry_access.handler import respond
from registry_access.operations import OPERATIONS
from registry_access.roles import session_as
from tests.unit.registry_access.services import ACCOUNT, ECR, KEY, KMS, S3, STS, SageMaker, Services
from tests.unit.registry_access.test_merging import OWNER, statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STAGE = "444455556666"
ENVIRONMENT = Environment(OWNER, frozenset({STAGE}))
EDITING_ROLE = f"arn:aws:iam::{ACCOUNT}:role/editing"
ROLE = f"arn:aws:iam::{STAGE}:role/models"


def ours(kind: str, resource: str = "*") -> dict[str, Any]:
    """A statement as stages ask for it."""
    return {
        "Sid": f"{OWNER}A",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{STAGE}:root"},
        "Action": [min(ACTIONS[cast("Kind", kind)])],
        "Resource": [resource],
        "Condition": {"ArnLike": {"aws:PrincipalArn": [ROLE]}},
    }


THEIRS = json.dumps({"Version": "2012-10-17", "Statement": [statement("Theirs")]})
OURS: dict[str, list[dict[str, Any]]] = {kind: [ours(kind)] for kind in KINDS}
TARGETS = {"group": "churn", "bucket": "models", "repository": "team/churn", "key": KEY}


def event(kind: str, request_type: str = "Create", **changes: Any) -> dict[str, Any]:
    statements = wanted(f"{OWNER}A")["Statements"] if kind == "key-grants" else json.dumps(OURS.get(kind))
    properties = {
        "Kind": kind,
        "Target": TARGETS.get(kind, KEY),
        "Role": EDITING_ROLE,
        "Statements": statements,
        **changes.pop("properties", {}),
    }
    return {
        "RequestType": request_type,
        "ResponseURL": "http://127.0.0.1:1/",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Logical",
        "ResourceProperties": properties,
        **changes,
    }


def everything(text: str | None) -> Services:
    return Services({"churn": text}, {"models": text}, {"team/churn": text}, {KEY: text or THEIRS})


def standing(services: Services, kind: str) -> str | None:
    held: dict[str, Any] = {
        "group": services.groups,
        "bucket": services.buckets,
        "repository": services.repositories,
        "key": services.keys,
    }
    text: str | None = held[kind][TARGETS[kind]]
    return text


def ask(
    services: Services, request: dict[str, Any], pause: Callable[[float], None] = lambda _: None
) -> dict[str, Any]:
    answered: dict[str, Any] = json.loads(
        respond(request, ENVIRONMENT, services.clients_as, account=ACCOUNT, pause=pause)
    )
    assert {answered[name] for name in ("StackId", "RequestId", "LogicalResourceId")} == {
        "stack",
        "request",
        "Logical",
    }
    return answered


@pytest.mark.parametrize("kind", TARGETS)
def test_statements_come_into_a_policy_and_go_again(kind: str) -> None:
    services = everything(THEIRS)

    created = ask(services, event(kind))
    text = standing(services, kind)
    deleted = ask(services, event(kind, "Delete", PhysicalResourceId=created["PhysicalResourceId"]))

    assert created["Status"] == deleted["Status"] == "SUCCESS"
    assert json.loads(text or "")["Statement"] == [statement("Theirs"), *OURS[kind]]
    assert json.loads(standing(services, kind) or "") == json.loads(THEIRS)


@pytest.mark.parametrize("kind", ["group", "bucket", "repository"])
def test_a_resource_without_a_policy_gets_one_and_loses_it_again(kind: str) -> None:
    services = everything(None)

    ask(services, event(kind))
    text = standing(services, kind)
    ask(services, event(kind, "Delete", PhysicalResourceId="x"))

    assert json.loads(text or "") == {"Version": "2012-10-17", "Statement": OURS[kind]}
    assert standing(services, kind) is None


def test_a_key_never_loses_its_last_statement() -> None:
    services = everything(json.dumps({"Statement": OURS["key"]}))

    answered = ask(services, event("key", "Delete", PhysicalResourceId="x"))

    assert answered["Status"] == "FAILED"
    assert "nobody could use or manage the key" in answered["Reason"]
    assert json.loads(services.keys[KEY])["Statement"] == OURS["key"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_exist_is_named_with_what_to_do(kind: str) -> None:
    answered = ask(Services(), event(kind))

    assert answered["Status"] == "FAILED"
    assert (
        f"There is no {'key' if kind == 'key-grants' else kind.replace('group', 'model package group')}"
        in (answered["Reason"])
    )
    assert "context key registry" in answered["Reason"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_gone_needs_no_deletion(kind: str) -> None:
    answered = ask(Services(), event(kind, "Delete", PhysicalResourceId="x"))

    assert answered["Status"] == "SUCCESS"


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_of_the_service_is_told_in_its_words(kind: str, request_type: str) -> None:
    services = everything(THEIRS)
    services.denied = True

    answered = ask(services, event(kind, request_type, PhysicalResourceId="x"))

    assert answered["Status"] == "FAILED"
    assert "not authorized to perform" in answered["Reason"]


def test_a_permission_that_the_stack_has_only_just_given_is_waited_for() -> None:
    """IAM is eventually consistent."""
    services = everything(THEIRS)
    services.denied = True
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        services.denied = len(waited) < 3

    answered = ask(services, event("bucket"), pause)

    assert answered["Status"] == "SUCCESS"
    assert json.loads(services.buckets["models"] or "")["Statement"] == [statement("Theirs"), *OURS["bucket"]]


@pytest.mark.parametrize(
    "properties",
    [
        {"Kind": "queue"},
        {"Target": ""},
        {"Statements": "{"},
        {"Statements": '[{"Sid": "x"}]'},
        {"Statements": "5"},
        {"Statements": '["x"]'},
    ],
)
def test_a_request_that_the_stack_never_writes_is_answered_as_failed(properties: dict[str, str]) -> None:
    services = everything(THEIRS)

    answered = ask(services, event("bucket", properties=properties))

    assert answered["Status"] == "FAILED"
    assert services == everything(THEIRS)


def test_the_deletion_of_what_could_never_be_read_succeeds() -> None:
    created = ask(Services(), event("queue"))

    deleted = ask(Services(), event("queue", "Delete", PhysicalResourceId=created["PhysicalResourceId"]))

    assert (created["Status"], deleted["Status"]) == ("FAILED", "SUCCESS")


def test_a_failed_creation_is_deleted_without_harm() -> None:
    """CloudFormation deletes a resource that it failed to create."""
    services = everything('{"Statement": [], "Statement": []}')
    before = dict(services.buckets)

    answered = ask(services, event("bucket"))
    again = everything(THEIRS)
    ask(again, event("bucket", "Delete", PhysicalResourceId=answered["PhysicalResourceId"]))

    assert answered["Status"] == "FAILED"
    assert services.buckets == before
    assert again == everything(json.dumps(json.loads(THEIRS)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_creation_that_failed_before_it_wrote_is_rolled_back_without_a_call(kind: str) -> None:
    """Where a policy cannot be read, it could not be for the deletion either: the stack would be stuck."""
    services = everything(THEIRS)
    services.denied = True

    created = ask(services, event(kind))
    deleted = ask(services, event(kind, "Delete", PhysicalResourceId=created["PhysicalResourceId"]))

    assert (created["Status"], deleted["Status"]) == ("FAILED", "SUCCESS")


def test_an_update_that_failed_before_it_wrote_leaves_what_stands_for_the_former_target() -> None:
    """Another identity would have CloudFormation delete the former's statements."""
    services = everything(THEIRS)
    services.denied = True

    answered = ask(services, event("bucket", "Update", PhysicalResourceId="the former"))

    assert (answered["Status"], answered["PhysicalResourceId"]) == ("FAILED", "the former")


def test_a_creation_that_failed_after_it_wrote_is_taken_out_again() -> None:
    services = everything(THEIRS)
    waited: list[float] = []

    def pause(seconds: float) -> None:
        """Lose the right to read between the write and the reading back."""
        waited.append(seconds)
        services.denied = len(waited) >= 2

    created = ask(services, event("bucket"), pause)
    services.denied = False
    left = json.loads(services.buckets["models"] or "")["Statement"]
    deleted = ask(services, event("bucket", "Delete", PhysicalResourceId=created["PhysicalResourceId"]))

    assert (created["Status"], deleted["Status"]) == ("FAILED", "SUCCESS")
    assert left == [statement("Theirs"), *OURS["bucket"]]
    assert json.loads(services.buckets["models"] or "") == json.loads(THEIRS)


def test_a_grant_that_failed_after_another_was_made_is_taken_out_again() -> None:
    services = everything(THEIRS)
    statements = [wanted_grant(f"{OWNER}A"), wanted_grant(f"{OWNER}B", f"{ROLE}-gone")]

    created = ask(services, event("key-grants", properties={"Statements": json.dumps(statements)}))
    made = len(services.grants)
    ask(services, event("key-grants", "Delete", PhysicalResourceId=created["PhysicalResourceId"]))

    assert (created["Status"], made, services.grants) == ("FAILED", 1, [])


def test_a_bucket_of_another_account_is_named_as_such() -> None:
    services = Services(buckets={"models-2": None}, elsewhere={"models"})

    answered = ask(services, event("bucket"))

    assert f"no bucket models in account {ACCOUNT}: it is another account's" in answered["Reason"]


def test_a_bucket_that_was_made_again_in_another_account_needs_no_deletion() -> None:
    services = Services(buckets={"models-1": None, "models-2": None}, elsewhere={"models"})

    answered = ask(services, event("bucket", "Delete", PhysicalResourceId="x"))

    assert answered["Status"] == "SUCCESS"


def test_a_bucket_of_this_account_whose_policy_is_denied_keeps_its_deletion_failing() -> None:
    """Its statements may still be there: a report that they are gone must be reliable."""
    services = everything(THEIRS)
    services.buckets = {"model": None, "models": THEIRS, "models-2": None}
    services.elsewhere = {"models"}

    answered = ask(services, event("bucket", "Delete", PhysicalResourceId="x"))

    assert answered["Status"] == "FAILED"


def test_what_holds_nothing_of_ours_needs_no_deletion_however_it_is_written() -> None:
    unreadable = '{"Statement": [], "Statement": []}'
    services = everything(unreadable)

    for kind in TARGETS:
        assert ask(services, event(kind, "Delete", PhysicalResourceId="x"))["Status"] == "SUCCESS"
    assert services == everything(unreadable)


@pytest.mark.parametrize("kind", TARGETS)
def test_others_statements_with_deleted_principals_are_named_with_whose_to_mend_they_are(kind: str) -> None:
    """The services keep such a policy, and take none back with it."""
    orphaned = statement("Theirs") | {"Principal": {"AWS": ["AROAEXAMPLEEXAMPLE123", ACCOUNT]}}
    nameless = statement(None) | {"NotPrincipal": {"AWS": "AIDAEXAMPLEEXAMPLE123"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [orphaned, statement("Fine"), nameless]})
    services = everything(policy)
    services.takes_ids = False

    answered = ask(services, event(kind))

    assert answered["Status"] == "FAILED"
    assert "others' statements in it do: Theirs, the statement at place 3." in answered["Reason"]
    assert "Their owner must remove or rename those principals" in answered["Reason"]
    assert standing(services, kind) == policy


def test_a_policy_that_is_refused_for_anything_else_is_told_in_the_services_words() -> None:
    services = everything(THEIRS)
    services.takes_ids = False
    statements = json.dumps([ours("bucket", "AROA")])

    answered = ask(services, event("bucket", properties={"Statements": statements}))

    assert "its service refused the new one: An error occurred (MalformedPolicy)" in answered["Reason"]


@pytest.mark.parametrize("code", ["ThrottlingException", "SlowDown", "TooManyRequestsException"])
def test_a_service_that_is_busy_is_waited_for(code: str) -> None:
    """CloudFormation asks for every policy of a stack at the same time."""
    services = everything(THEIRS)
    services.busy = code
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        services.busy = code if len(waited) < 10 else ""

    answered = ask(services, event("bucket"), pause)

    assert answered["Status"] == "SUCCESS"


def test_a_service_that_stays_busy_is_given_up_within_the_functions_time() -> None:
    services = everything(THEIRS)
    services.busy = "ThrottlingException"
    waited: list[float] = []

    answered = ask(services, event("bucket"), waited.append)

    assert (answered["Status"], "Rate exceeded" in answered["Reason"]) == ("FAILED", True)
    assert 2 * sum(waited) < 300


@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_is_edited_by_the_role_that_may_and_taking_it_on_is_waited_for(kind: str) -> None:
    services = everything(THEIRS)
    services.untaken = 3

    answered = ask(services, event(kind))

    assert answered["Status"] == "SUCCESS"
    assert set(services.taken) == {EDITING_ROLE}


def test_a_role_is_taken_on_with_credentials_of_its_own() -> None:
    credentials = session_as(cast("Any", STS()), EDITING_ROLE).get_credentials()

    assert credentials is not None
    assert (credentials.access_key, credentials.secret_key, credentials.token) == (
        "key of editing",
        "secret of editing",
        "token of editing",
    )


def test_whoever_invokes_the_function_takes_out_nobody_elses_statements() -> None:
    """The stack says whose statements it removes."""
    standing = json.dumps({"Version": "2012-10-17", "Statement": [statement("DenyInsecure")]})
    services = everything(standing)

    for kind in TARGETS:
        invoked = event(kind, "Delete", PhysicalResourceId="x", properties={"Owner": "Deny"})
        assert ask(services, invoked)["Status"] == "SUCCESS"

    assert services == everything(standing)


def test_another_target_is_another_resource_to_cloudformation() -> None:
    first = ask(everything(None), event("bucket"))
    second = ask(
        Services(buckets={"others": None}), event("bucket", "Update", properties={"Target": "others"})
    )
    same = ask(everything(None), event("bucket", "Update", PhysicalResourceId=first["PhysicalResourceId"]))

    assert first["PhysicalResourceId"] != second["PhysicalResourceId"]
    assert first["PhysicalResourceId"] == same["PhysicalResourceId"]


def test_a_reason_is_cut_to_what_cloudformation_takes() -> None:
    body = answer.body(event("bucket"), physical_id="x", failure="ü" * 5000)

    assert json.loads(body)["Reason"] == "ü" * 750
    assert len(body) <= 4096


def grant(name: str, role: str = ROLE, *operations: str) -> dict[str, Any]:
    return {"Name": name, "GranteePrincipal": role, "Operations": list(operations or ("Decrypt",))}


def wanted(*names: str) -> dict[str, str]:
    return {"Statements": json.dumps([wanted_grant(name) for name in names])}


def wanted_grant(name: str, role: object = ROLE) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Principal": {"AWS": role}, "Action": ["kms:Decrypt"]}


def shown(services: Services) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name != "GrantId"} for each in services.grants]


def test_grants_are_made_once_and_others_grants_are_left_alone() -> None:
    others = [grant("theirs") | {"GrantId": "a"}, grant("") | {"GrantId": "b"}, {"GrantId": "c"}]
    services = everything(THEIRS)
    services.grants = [dict(each) for each in others]

    for request_type in ("Create", "Update"):
        ask(services, event("key-grants", request_type, properties=wanted(f"{OWNER}A", f"{OWNER}B")))

    assert shown(services)[3:] == [grant(f"{OWNER}A"), grant(f"{OWNER}B")]
    ask(services, event("key-grants", "Delete", PhysicalResourceId="x"))
    assert services.grants == others


def test_a_grant_that_says_something_else_is_replaced() -> None:
    services = everything(THEIRS)
    services.grants = [
        grant(f"{OWNER}A", f"{ROLE}-old") | {"GrantId": "a"},
        grant(f"{OWNER}B", ROLE, "Decrypt", "Encrypt") | {"GrantId": "b"},
        grant(f"{OWNER}C") | {"GrantId": "c"},
    ]

    ask(services, event("key-grants", "Update", properties=wanted(f"{OWNER}A", f"{OWNER}B")))

    assert shown(services) == [grant(f"{OWNER}A"), grant(f"{OWNER}B")]


def test_a_grant_to_more_than_one_role_is_refused() -> None:
    statements = [wanted_grant(OWNER, [ROLE, ROLE])]
    services = everything(THEIRS)

    answered = ask(services, event("key-grants", properties={"Statements": json.dumps(statements)}))

    assert "its principal is no role of a stage's account" in answered["Reason"]
    assert services.grants == []


def test_every_call_is_among_the_listed_operations() -> None:
    """The bundle keeps only listed operations."""
    made = {
        "sagemaker": SageMaker,
        "s3": S3,
        "ecr": ECR,
        "kms": KMS,
        "sts": STS,
    }
    for service, fake in made.items():
        names = {name for name in vars(fake) if not name.startswith("_") and name != "state"}
        assert {"".join(part.title() for part in name.split("_")) for name in names} == set(
            OPERATIONS[service]
        )


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, list[tuple[str, str | None, bytes]]]]:
    received: list[tuple[str, str | None, bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, self.headers["Content-Type"], content))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/answer?signature=x", received
        server.shutdown()
        thread.join()


def test_the_answer_is_put_where_cloudformation_waits_without_a_content_type(
    cloudformation: tuple[str, list[tuple[str, str | None, bytes]]],
) -> None:
    url, received = cloudformation

    answer.send(url, b"{}")

    assert received == [("/answer?signature=x", "", b"{}")]
