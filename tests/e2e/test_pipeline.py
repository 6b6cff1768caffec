"""The deployed stack, from the approval in the registry to the answer of the endpoint."""

from __future__ import annotations

import json
import secrets
import shlex
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from greenlight.connection import Connection
from greenlight.doctor.examining import examine_stack
from greenlight.doctor.findings import Status
from greenlight.doctor.scope import Scope
from greenlight.errors import Addressee
from tests.e2e.clients.account import BROKEN_MODEL, Account, archive_of, eventually, policy
from tests.e2e.clients.programs import aws
from tests.e2e.deployment import ONE_INSTANCE, Deployment
from tests.unit.greenlight.schemas import mistakes

if TYPE_CHECKING:
    from pathlib import Path

    from greenlight.doctor.findings import Finding
    from local_cloud.child_process import LocalCloud

WRITES = frozenset({"CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint", "AddTags"})
LONGEST_WAY_BACK_SECONDS = 5
"""From a reject until the version before has all calls; the canary alone takes as long."""

LONGEST_TEST_SECONDS = 10
"""From the first call of a bad version in the bake until the version before has all calls."""

UNBAKED = {"kind": "all_at_once", "termination_wait_seconds": 0}
"""A rollout after which a smoke test waits for nothing."""

SENT = "[[271828182.0]]"
"""A smoke test's body that stands nowhere else."""


def endpoints(account: Account) -> dict[str, dict[str, Any]]:
    """Return the settings of each test's endpoint."""
    people = f"arn:aws:iam::{account.account_id}:role"
    positive = {"content_type": "application/json", "expect": "[0][0] > `0`"}
    plain = (
        "first",
        "update",
        "broken",
        "copies",
        "quiet",
        "unhandled",
        "settings",
        "removed",
        "logs",
        "lost",
        "forged",
        "asked",
        "steered",
        "rolled",
        "retried",
        "restarted",
        "foreseen",
        "examined",
    )
    return {name: {} for name in plain} | {
        "tried": {
            "smoke_test": {
                "requests": [
                    {"name": "one row", "body": SENT, **positive},
                    {"body_from": f"s3://{account.bucket}/rows.json", **positive},
                    {"sample_payload": True, "expect": "[0][0] > `0`", "p95_ms": 30_000},
                ]
            },
            "rollout": UNBAKED,
        },
        "baked": {
            "smoke_test": {"requests": [{"body": SENT, **positive}]},
            "rollout": {"kind": "all_at_once", "termination_wait_seconds": 60},
        },
        "compared": {
            "variants": [
                {"name": "Champion", "version": 1, "weight": 1, **ONE_INSTANCE},
                {"name": "Challenger", "weight": 1, **ONE_INSTANCE},
            ],
            "smoke_test": {"requests": [{"body": SENT, **positive}]},
            "rollout": UNBAKED,
        },
        "shadowed": {
            "approvers": [f"{people}/release-manager"],
            "shadow": {"approvers": [f"{people}/data-scientist"], **ONE_INSTANCE},
        },
        "reject": {
            "instance_count": 2,
            "rollout": {
                "kind": "canary",
                "size_percent": 50,
                "wait_seconds": LONGEST_WAY_BACK_SECONDS,
                "termination_wait_seconds": 0,
            },
        },
        "guarded": {
            "instance_count": 4,
            "rollout": {
                "kind": "canary",
                "size_percent": 25,
                "wait_seconds": 600,
                "alarms": {"error_ratio_percent": 5},
            },
        },
        "scaled": {
            "autoscaling": {
                "min": 1,
                "max": 3,
                "target_tracking": [{"metric": "invocations_per_instance", "target": 600}],
                "scheduled": [{"name": "day", "schedule": "cron(0 6 * * ? *)", "min": 2}],
            }
        },
    }


pytestmark = pytest.mark.e2e


@pytest.fixture(scope="session")
def deployment(local_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """One stack for the whole run: each test has its own endpoint and group in it."""
    account_id = str(secrets.randbelow(9 * 10**11) + 10**11)
    stack = Deployment(local_cloud, account_id, tmp_path_factory.mktemp("stack"))
    return stack.deploy(endpoints(stack.account))


def shown(deployment: Deployment, version_arn: str) -> dict[str, str]:
    """Return what the registry shows in a version's metadata."""
    version = deployment.account.sagemaker.describe_model_package(ModelPackageName=version_arn)
    found: dict[str, str] = version.get("CustomerMetadataProperties", {})
    return found


def test_an_approved_version_answers_after_three_writes_and_the_registry_says_so(
    deployment: Deployment,
) -> None:
    # The look that follows the deployment of settings reads as well.
    eventually(lambda: deployment.noted_seconds_ago("first"), bool)
    version_arn = deployment.register("first", factor=3)
    eventually(lambda: shown(deployment, version_arn), lambda found: found == {"greenlight:preflight": "ok"})
    deployment.wait_until_handled("first")
    before = len(deployment.deployer_calls("first"))
    deployment.approve(version_arn)

    assert deployment.outcome(version_arn)["Outcome"] == "succeeded"
    assert deployment.account.predict("first", [[1, 2]]) == [[3, 6]]
    deployment.wait_until_handled("first")
    calls = deployment.deployer_calls("first")[before:]
    assert [each for each in calls if each in WRITES | {"UpdateModelPackage"}] == [
        "CreateModel",
        "CreateEndpointConfig",
        "CreateEndpoint",
        "UpdateModelPackage",
    ]
    # Nine, and one more if the endpoint is in service before the event of its creation is handled.
    assert len(calls) <= 4 + 10, "\n".join(calls)
    assert shown(deployment, version_arn)["greenlight:endpoint:first"].startswith("serving since 20")


def test_the_next_version_updates_the_endpoint_in_place(deployment: Deployment) -> None:
    deployment.deployed("update", factor=2)
    created = deployment.account.sagemaker.describe_endpoint(EndpointName="update")["CreationTime"]
    deployment.deployed("update", factor=5)

    assert deployment.account.predict("update", [[1]]) == [[5]]
    assert deployment.account.sagemaker.describe_endpoint(EndpointName="update")["CreationTime"] == created


def test_a_broken_version_is_reported_and_the_endpoint_keeps_answering(deployment: Deployment) -> None:
    deployment.deployed("broken", factor=2)
    version_arn = deployment.register("broken", code=BROKEN_MODEL)
    deployment.approve(version_arn)

    outcome = deployment.outcome(version_arn)

    assert outcome["Outcome"] == "failed"
    assert "did not pass the ping health check" in outcome["Reason"]
    assert "The container's last error: " in outcome["Reason"]
    assert outcome["ApprovedBy"] == f"arn:aws:iam::{deployment.account.account_id}:root"
    assert deployment.account.predict("broken", [[1]]) == [[2]]


def test_the_command_tells_what_serves_and_what_happened(deployment: Deployment) -> None:
    """Under IAM, with nothing but the viewers' policy."""
    viewer = deployment.somebody("viewer", "ViewerPolicyArn")
    deployment.deployed("asked", factor=2)
    before = datetime.now(UTC)
    deployment.approve(deployment.register("asked", code=BROKEN_MODEL))

    watched = deployment.greenlight("watch", "asked", "--version", "2", "--timeout", "2m", **viewer)
    fleet = deployment.greenlight("status", "--json", **viewer)
    one = deployment.greenlight_process("status", "asked", **viewer)
    happened = deployment.greenlight("history", "asked", "--since", "yesterday", **viewer)
    origin = deployment.greenlight("history", "asked", "--at", before.isoformat(), "--json", **viewer)
    version = deployment.greenlight("version", "--json", **viewer)
    lines = eventually(
        lambda: deployment.greenlight("logs", "asked", "--json", **viewer),
        lambda done: "RuntimeError: the model needs a feature" in done.stdout,
    )
    denied = deployment.greenlight("pause", "asked", "--reason", "because", **viewer)

    assert watched.returncode == 1, watched
    assert "did not pass the ping health check" in watched.stdout.splitlines()[-1]
    document = json.loads(fleet.stdout)
    assert mistakes(document, "status") == []
    [asked] = [each for each in document["endpoints"] if each["endpoint"] == "asked"]
    assert (asked["state"], asked["serves"]["version"], asked["coming"]["version"]) == ("failed", 1, 2)
    assert asked["serves"]["approved_by"].endswith(":root")
    assert one.stdout.startswith("asked  ✗ v2 failed"), one
    assert [line.split()[1:4] for line in happened.stdout.splitlines()] == [
        ["v1", "✓", "serving"],
        ["v2", "✗", "failed"],
    ]
    served = json.loads(origin.stdout)
    assert mistakes(served, "history") == []
    assert served["served"]["artifacts"] == [f"s3://{deployment.account.bucket}/asked/1/model.tar.gz"]
    assert (version.returncode, mistakes(json.loads(version.stdout), "version")) == (0, [])
    assert mistakes(json.loads(lines.stdout), "logs") == []
    assert (denied.returncode, denied.stderr.splitlines()[0]) == (3, "✗ You may not call PutItem.")


def test_the_command_pauses_decides_and_reads_logs(deployment: Deployment) -> None:
    """Under IAM, with the operators' policy beside the viewers'."""
    operator = deployment.somebody("operator", "ViewerPolicyArn", "OperatorPolicyArn")
    deployment.deployed("steered", factor=2)
    second = deployment.register("steered", factor=5)

    def run(schema: str, *words: str) -> dict[str, Any]:
        done = deployment.greenlight(*words, "--json", **operator)
        assert done.returncode == 0, done
        document: dict[str, Any] = json.loads(done.stdout)
        assert mistakes(document, schema) == []
        return document

    assert run("pause", "pause", "steered", "--reason", "incident 42", "--until", "2h")["before"] is None
    asked = deployment.greenlight("approve", "steered", "2", **operator)
    assert (asked.returncode, "steered: v1 serves; v2 goes out there" in asked.stdout) == (2, True), asked
    decided = run("approve", "approve", "steered", "2", "--yes", "-m", "recall 0.91")
    assert (decided["before"], decided["endpoints"]) == ("PendingManualApproval", ["steered"])
    described = deployment.account.sagemaker.describe_model_package(ModelPackageName=second)
    assert described["ApprovalDescription"] == "recall 0.91"
    held = eventually(
        lambda: run("status", "status", "steered"), lambda found: found["endpoints"][0]["state"] == "held"
    )
    assert "incident 42" in held["detail"]["hold"]["why"]
    assert run("approve", "reject", "steered", "2", "--reason", "slow", "--yes")["now"] == "Rejected"
    assert run("resume", "resume", "steered")["ended"]["reason"] == "incident 42"
    assert deployment.greenlight("resume", "steered").returncode == 2
    of_deployer = run("logs", "logs", "--deployer", "steered")
    assert any("Held back on steered" in each["message"] for each in of_deployer["lines"])


def test_the_command_rolls_back_under_the_operators_policy(deployment: Deployment) -> None:
    operator = deployment.somebody("returner", "ViewerPolicyArn", "OperatorPolicyArn")
    deployment.deployed("rolled", factor=2)
    second = deployment.register("rolled", factor=5)
    deployment.approve(second)
    assert deployment.outcome(second)["Outcome"] == "succeeded"

    asked = deployment.greenlight("rollback", "rolled", "--reason", "wrong in Spain", **operator)
    done = deployment.greenlight(
        "rollback", "rolled", "--to", "1", "--reason", "wrong in Spain", "--yes", "--json", **operator
    )
    watched = deployment.greenlight("watch", "rolled", "--version", "1", "--timeout", "2m", **operator)
    why = deployment.greenlight("why", "rolled", "2", "--json", **operator)
    history = deployment.greenlight("history", "rolled", "--json", **operator)
    again = deployment.greenlight("rollback", "rolled", "--reason", "again", "--yes", "--json", **operator)

    assert (asked.returncode, "rolled goes back from v2 to v1." in asked.stdout) == (2, True), asked
    document = json.loads(done.stdout)
    assert mistakes(document, "rollback") == []
    assert (document["from"], document["to"], document["stays_away"], document["told"]) == (2, 1, [2], True)
    assert watched.returncode == 0, watched
    [told] = json.loads(why.stdout)["versions"]
    assert (told["reason"], "wrong in Spain" in told["detail"]) == ("rolled_back", True)
    [last, *_] = json.loads(history.stdout)["entries"]
    assert mistakes(json.loads(history.stdout), "history") == []
    assert (last["kind"], last["version"]) == ("back", 1)
    assert (last["asked"]["for"], last["asked"]["by"]) == ("rollback", document["by"])
    assert (again.returncode, mistakes(json.loads(again.stderr), "error")) == (2, [])


def test_the_command_tries_a_failed_version_again_under_the_operators_policy(deployment: Deployment) -> None:
    operator = deployment.somebody("tireless", "ViewerPolicyArn", "OperatorPolicyArn")
    deployment.deployed("retried", factor=2)
    broken = deployment.register("retried", code=BROKEN_MODEL)
    deployment.approve(broken)
    assert deployment.outcome(broken)["Outcome"] == "failed"

    asked = deployment.greenlight("retry", "retried", **operator)
    done = deployment.greenlight("retry", "retried", "2", "--yes", "--json", **operator)
    watched = deployment.greenlight("watch", "retried", "--version", "2", "--timeout", "2m", **operator)
    why = deployment.greenlight("why", "retried", "2", "--json", **operator)
    history = deployment.greenlight("history", "retried", "--json", **operator)
    never = deployment.greenlight("retry", "retried", "1", "--yes", "--json", **operator)

    assert (asked.returncode, "v2 is tried again on retried." in asked.stdout) == (2, True), asked
    document = json.loads(done.stdout)
    assert mistakes(document, "retry") == []
    assert (document["version"], document["waits"], document["told"]) == (2, None, True)
    assert watched.returncode == 1, watched
    [told] = json.loads(why.stdout)["versions"]
    assert (told["reason"], told["command"]) == ("failed", "greenlight retry retried 2")
    assert [each["status"] for each in told["attempts"]] == ["failed", "failed"]
    [again, before, *_] = json.loads(history.stdout)["entries"]
    assert (again["asked"]["for"], again["asked"]["by"]) == ("retry", document["by"])
    assert before["asked"] is None
    assert (never.returncode, mistakes(json.loads(never.stderr), "error")) == (2, [])


def test_the_command_restarts_what_serves_under_the_operators_policy(deployment: Deployment) -> None:
    operator = deployment.somebody("refresher", "ViewerPolicyArn", "OperatorPolicyArn")
    deployment.deployed("restarted", factor=2)
    before = json.loads(deployment.greenlight("status", "restarted", "--json", **operator).stdout)

    asked = deployment.greenlight("restart", "restarted", **operator)
    done = deployment.greenlight("restart", "restarted", "--yes", "--json", **operator)
    watched = deployment.greenlight("watch", "restarted", "--timeout", "2m", **operator)
    after = json.loads(deployment.greenlight("status", "restarted", "--json", **operator).stdout)
    history = deployment.greenlight("history", "restarted", "--json", **operator)
    unmanaged = deployment.greenlight("restart", "nobodys", "--yes", "--json", **operator)

    assert (asked.returncode, "restarted is restarted, on new" in asked.stdout) == (2, True), asked
    document = json.loads(done.stdout)
    assert mistakes(document, "restart") == []
    assert (document["version"], document["waits"], document["told"]) == (1, None, True)
    assert watched.returncode == 0, watched
    configs = [each["endpoints"][0]["serves"]["endpoint_config"] for each in (before, after)]
    assert len(set(configs)) == 2
    entries = json.loads(history.stdout)["entries"]
    assert [(each["kind"], each["version"]) for each in entries] == [("serving", 1)] * 2
    assert (entries[0]["asked"]["for"], entries[0]["asked"]["by"]) == ("restart", document["by"])
    assert (unmanaged.returncode, mistakes(json.loads(unmanaged.stderr), "error")) == (2, [])


def test_the_command_says_why_and_what_would_happen(deployment: Deployment) -> None:
    deployment.deployed("foreseen", factor=2)
    second = deployment.register("foreseen", factor=3)
    project = str(deployment.endpoints_dir)

    checked = deployment.greenlight("check", project, "--json")
    approval = deployment.greenlight("plan", "--approve", "foreseen", "2", "--json")
    rejection = deployment.greenlight("plan", "--reject", "foreseen", "1")
    plan = deployment.greenlight("plan", project, "--json")
    pending = deployment.greenlight("why", "foreseen", "2")
    serving = deployment.greenlight("why", "foreseen", "--json")
    deployment.approve(second)
    happened = deployment.outcome(second)

    assert (checked.returncode, mistakes(json.loads(checked.stdout), "check")) == (0, [])
    [foreseen] = json.loads(approval.stdout)["endpoints"]
    assert mistakes(json.loads(approval.stdout), "plan") == []
    assert (foreseen["effect"], foreseen["serves"], foreseen["in_turn"]) == ("updates", [1], [2])
    assert {each["check"]: each.get("passed") for each in foreseen["checks"]}["artifact"] is True
    assert "No approved version is left to serve" in rejection.stdout, rejection
    assert mistakes(json.loads(plan.stdout), "plan") == []
    [unchanged] = [each for each in json.loads(plan.stdout)["endpoints"] if each["endpoint"] == "foreseen"]
    assert (unchanged["effect"], unchanged["changes"]) == ("nothing", [])
    assert pending.stdout.startswith("✗ v2 of foreseen does not serve on foreseen."), pending
    assert mistakes(json.loads(serving.stdout), "why") == []
    assert [each["reason"] for each in json.loads(serving.stdout)["versions"]] == ["serves"]
    assert (happened["Outcome"], happened["ModelPackageVersion"]) == ("succeeded", 2)


def test_the_command_says_what_keeps_an_approval_from_serving(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The doctor says what a viewer may not check, and prints the command that mends a broken rule."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    events, account = deployment.account.client("events"), deployment.account
    deployment.register("examined")
    viewer = deployment.somebody("examiner", "ViewerPolicyArn")

    seen = deployment.greenlight("doctor", "examined", "--json", **viewer)
    healthy = examined(deployment)
    rules = events.list_rules(NamePrefix="Greenlight-TriggersModelPackageRule")["Rules"]
    events.disable_rule(Name=rules[0]["Name"])
    [off] = examined(deployment)
    aws(account, *shlex.split(off.command)[1:])
    role = deployment.outputs["ExecutionRoleArn"].rpartition("/")[2]
    nobody = policy({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*", "Sid": "Nobody"})
    account.client("iam").put_role_policy(RoleName=role, PolicyName="nobody", PolicyDocument=nobody)
    [kept_out] = examined(deployment)
    account.client("iam").delete_role_policy(RoleName=role, PolicyName="nobody")

    document = json.loads(seen.stdout)
    assert mistakes(document, "doctor") == []
    assert [part["kind"] for part in document["parts"]] == ["installation", "group", "endpoint"]
    unknown = [each for part in document["parts"] for each in part["findings"] if each["status"] == "unknown"]
    assert {each["check"] for each in unknown} == {"artifact", "region", "policy"}, unknown
    assert {each["statement"]["Action"][0] for each in unknown} == {"s3:ListBucket", "s3:GetBucketPolicy"}
    assert healthy == []
    assert (off.found, kept_out.check) == ("it is disabled", "permission")
    assert kept_out.found == "s3:GetObject is denied by the statement Nobody: no other can allow it"
    assert examined(deployment) == []


def examined(deployment: Deployment) -> list[Finding]:
    """Return the gaps of the endpoint `examined`, by the doctor in this process, without dead letters."""
    clients: Any = deployment.account.client
    connection = Connection(Addressee(None, deployment.account.region, "Greenlight"), clients)
    found = examine_stack(connection, Scope("examined"))
    gaps = [each for part in found.parts for each in part.of(Status.GAP, Status.UNKNOWN)]
    return [each for each in gaps if each.check != "dead letters"]


def test_the_command_explains_in_three_lines_why_it_cannot(deployment: Deployment) -> None:
    nowhere = deployment.greenlight("status", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    stranger = deployment.greenlight("status", AWS_SECRET_ACCESS_KEY="another")
    missing = deployment.greenlight("status", "--stack", "Another", "--json")

    assert [each.returncode for each in (nowhere, stranger, missing)] == [3, 3, 2]
    assert nowhere.stderr.splitlines()[0] == "✗ AWS cannot be reached (eu-central-1)."
    assert stranger.stderr.splitlines()[0] == "✗ AWS does not accept your credentials."
    assert [len(each.stderr.splitlines()) for each in (nowhere, stranger)] == [3, 3]
    assert mistakes(json.loads(missing.stderr), "error") == []


def test_a_reject_brings_back_the_version_before(deployment: Deployment) -> None:
    first = deployment.deployed("reject", factor=2)
    second = deployment.deployed("reject", factor=5)
    deployment.outcomes.received.clear()
    deployment.reject(second)
    rejected_at = time.monotonic()
    eventually(lambda: deployment.account.predict("reject", [[1]]), lambda answer: answer == [[2]])
    seconds = time.monotonic() - rejected_at

    assert deployment.outcome(first)["Outcome"] == "rolled_back"
    assert {str(deployment.account.predict("reject", [[1]])) for _ in range(10)} == {"[[2.0]]"}
    described = deployment.account.sagemaker.describe_endpoint(EndpointName="reject")
    assert "AutoRollbackConfiguration" not in described["LastDeploymentConfig"]
    assert seconds < LONGEST_WAY_BACK_SECONDS


def test_a_reject_in_mid_canary_aborts_the_rollout(deployment: Deployment) -> None:
    deployment.deployed("guarded", factor=2)
    sagemaker = deployment.account.sagemaker
    version_arn = deployment.register("guarded", factor=5)
    deployment.approve(version_arn)
    eventually(
        lambda: json.dumps(sagemaker.describe_endpoint(EndpointName="guarded"), default=str),
        lambda described: "Baking" in described,
    )
    assert deployment.account.predict("guarded", [[1]])
    shown = eventually(
        lambda: json.loads(deployment.greenlight("status", "guarded", "--json").stdout),
        lambda status: bool(status["detail"]["measured"]),
    )
    deployment.reject(version_arn)

    [measured] = shown["detail"]["measured"].values()
    assert measured == {"value": 0, "limit": 5, "unit": "%"}

    assert deployment.outcome(version_arn)["Outcome"] == "aborted"
    assert {str(deployment.account.predict("guarded", [[1]])) for _ in range(20)} == {"[[2.0]]"}


def test_events_that_come_twice_and_late_deploy_once(deployment: Deployment) -> None:
    cloud = deployment.account.cloud
    before = cloud.switches()["delivery"]
    cloud.switch({"delivery": {"duplicate_probability": 1.0, "delay_seconds": 1.0}})
    try:
        version_arn = deployment.deployed("copies", factor=2)
        time.sleep(2)
    finally:
        cloud.switch({"delivery": before})

    calls = deployment.deployer_calls("copies")
    assert calls.count("CreateEndpoint") == 1
    assert calls.count("UpdateEndpoint") == 0
    told = [
        each["Outcome"] for each in deployment.outcomes.received if each.get("ModelPackageArn") == version_arn
    ]
    assert sorted(told) == ["started", "succeeded"]


def test_an_event_that_changes_nothing_makes_no_write(deployment: Deployment) -> None:
    version_arn = deployment.deployed("quiet", factor=2)
    before = deployment.deployer_calls("quiet")
    deployment.account.sagemaker.update_model_package(
        ModelPackageArn=version_arn, ApprovalDescription="reviewed"
    )

    after = eventually(lambda: deployment.deployer_calls("quiet"), lambda calls: len(calls) > len(before))
    assert not WRITES & set(after[len(before) :])


def test_an_event_that_the_deployer_fails_on_ends_in_the_failure_queue(deployment: Deployment) -> None:
    """Without its journal the deployer can tell nobody of anything: a person must hear of that."""
    iam, functions = deployment.account.client("iam"), deployment.account.client("lambda")
    function = functions.get_function_configuration(FunctionName=deployment.outputs["DeployerFunctionName"])
    role_name = function["Role"].rsplit("/", 1)[-1]
    denial = {"Effect": "Deny", "Action": "dynamodb:Query", "Resource": "*"}
    version_arn = deployment.register("unhandled", factor=2)
    # The event of the registration leads to a look as well.
    deployment.wait_until_handled("unhandled")
    iam.put_role_policy(
        RoleName=role_name,
        PolicyName="denied",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [denial]}),
    )
    try:
        deployment.approve(version_arn)
        messages = deployment.messages(deployment.outputs["UnhandledQueueUrl"])
    finally:
        iam.delete_role_policy(RoleName=role_name, PolicyName="denied")

    [message] = [
        each for each in messages if each["requestPayload"]["detail"].get("ModelPackageArn") == version_arn
    ]
    assert "dynamodb:Query" in json.dumps(message["responsePayload"])


def test_a_version_that_fails_its_smoke_test_gives_way_to_what_served(deployment: Deployment) -> None:
    account = deployment.account
    rows, samples = b"[[1.0, 2.0, 3.0]]", {"a.json": "[[7.0]]", "b.json": "[[7.0, 7.0]]"}
    for key, content in {"rows.json": rows, "sample.tar.gz": archive_of(samples)}.items():
        account.client("s3").put_object(Bucket=account.bucket, Key=key, Body=content)
    with_sample = {"SamplePayloadUrl": f"s3://{account.bucket}/sample.tar.gz"}
    good = deployment.register("tried", factor=2, **with_sample)
    deployment.approve(good)

    assert deployment.outcome(good)["Outcome"] == "succeeded"
    bodies = [SENT.encode(), rows, *[each.encode() for each in samples.values()] * 20]
    sent = [("AllTraffic", len(body)) for body in bodies]
    assert deployment.deployer_invocations("tried") == sent

    bad = deployment.register("tried", factor=-1, **with_sample)
    deployment.outcomes.received.clear()
    deployment.approve(bad)

    failed = deployment.outcome(bad)
    assert failed["Outcome"] == "failed"
    milliseconds = failed["SmokeTest"]["Answer"].pop("Milliseconds")
    assert failed["SmokeTest"] == {
        "Request": {"Name": "one row", "ContentType": "application/json", "Bytes": len(SENT)},
        "Answer": {"Status": 200, "ContentType": "application/json", "Bytes": len("[[-271828182.0]]")},
        "Expectation": "[0][0] > `0` to be true",
    }
    assert 0 <= milliseconds < 60_000
    assert deployment.outcome(good)["Outcome"] == "rolled_back"
    assert account.predict("tried", [[1]]) == [[2]]
    # What served well before is not tried again.
    assert deployment.deployer_invocations("tried") == [*sent, ("AllTraffic", len(SENT))]
    assert "271828182" not in json.dumps(deployment.outcomes.received)
    assert not [line for line in deployment.log_lines() if "271828182" in line]

    unsaid = deployment.register("tried", factor=3)
    deployment.approve(unsaid)
    assert "registered without a SamplePayloadUrl" in deployment.outcome(unsaid)["Reason"]
    account.client("s3").delete_object(Bucket=account.bucket, Key="rows.json")
    untried = deployment.register("tried", factor=4, **with_sample)
    deployment.approve(untried)
    test = deployment.outcome(untried)["SmokeTest"]
    assert test["Expectation"] == "something to send"
    assert f"s3://{account.bucket}/rows.json cannot be read (" in test["Answer"]["Error"]
    eventually(lambda: account.predict("tried", [[1]]), lambda answer: answer == [[2]])


def test_a_version_that_fails_its_smoke_test_in_the_bake_loses_its_calls_within_seconds(
    deployment: Deployment,
) -> None:
    good, bad = deployment.register("baked", factor=2), deployment.register("baked", factor=-1)
    deployment.approve(good)
    assert deployment.outcome(good)["Outcome"] == "succeeded"
    deployment.approve(bad)

    def answer() -> list[list[float]]:
        return deployment.account.predict("baked", [[1]])

    eventually(answer, lambda answered: answered == [[-1]])
    first = time.monotonic()
    eventually(answer, lambda answered: answered == [[2]])

    assert time.monotonic() - first < LONGEST_TEST_SECONDS
    assert deployment.outcome(bad)["Outcome"] == "failed"
    updates = [each for each in deployment.deployer_calls("baked") if each == "UpdateEndpoint"]
    assert len(updates) == 1, "SageMaker went back by itself"


def test_a_pinned_version_shares_the_calls_with_whichever_is_approved(deployment: Deployment) -> None:
    def answers() -> set[float]:
        """Return the factors of those that answer some calls in a row."""
        return {deployment.account.predict("compared", [[1]])[0][0] for _ in range(4)}

    champion = deployment.deployed("compared", factor=2)
    challenger = deployment.deployed("compared", factor=5)

    assert answers() == {2, 5}
    assert deployment.deployer_invocations("compared") == [("Challenger", len(SENT))] * 2
    deployment.outcomes.received.clear()
    deployment.reject(champion)

    assert deployment.outcome(challenger)["Outcome"] == "succeeded"
    assert answers() == {5}
    left_out = (
        "Left out of compared: Champion (version 1: not approved in compared). "
        "The other variants take the calls. Approve the version, or pin another."
    )
    eventually(deployment.log, lambda messages: left_out in messages)


def test_a_shadow_gets_copies_until_somebody_approves_it_for_the_endpoint(deployment: Deployment) -> None:
    account = deployment.account
    release_manager, data_scientist = (
        deployment.person(name) for name in ("release-manager", "data-scientist")
    )
    first = deployment.register("shadowed", factor=2)
    deployment.approve(first, by=release_manager)
    assert deployment.outcome(first)["Outcome"] == "succeeded"
    second = deployment.register("shadowed", factor=5)
    deployment.outcomes.received.clear()
    deployment.approve(second, by=data_scientist)

    beside = deployment.outcome(first)
    assert beside["Outcome"] == "succeeded"
    assert beside["Companions"] == [
        {"VariantName": "Shadow", "ModelPackageArn": second, "ModelPackageVersion": 2, "Shadow": True}
    ]
    assert [account.predict("shadowed", [[1]]) for _ in range(4)] == [[[2]]] * 4
    copies: dict[str, Any] = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocations",
        "Dimensions": [
            {"Name": "EndpointName", "Value": "shadowed"},
            {"Name": "VariantName", "Value": "Shadow"},
        ],
        "StartTime": "2020-01-01T00:00:00Z",
        "EndTime": "2100-01-01T00:00:00Z",
        "Period": 60,
        "Statistics": ["Sum"],
    }
    eventually(
        lambda: account.client("cloudwatch").get_metric_statistics(**copies)["Datapoints"],
        lambda points: sum(point["Sum"] for point in points) == 4,
    )
    deployment.approve(second, by=release_manager)

    assert deployment.outcome(second)["Outcome"] == "succeeded"
    assert account.predict("shadowed", [[1]]) == [[5]]
    assert not account.sagemaker.describe_endpoint(EndpointName="shadowed").get("ShadowProductionVariants")


def test_scaling_stays_through_an_update_and_comes_back_after_a_new_instance_type(
    deployment: Deployment,
) -> None:
    account = deployment.account
    scaling = account.client("application-autoscaling")

    def registered() -> tuple[Any, ...]:
        """Return the target's limits and birth, and the names of its policies and scheduled actions."""
        named = {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/scaled/variant/AllTraffic"}
        targets = scaling.describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[named["ResourceId"]]
        )["ScalableTargets"]
        policies = scaling.describe_scaling_policies(**named)["ScalingPolicies"]
        actions = scaling.describe_scheduled_actions(**named)["ScheduledActions"]
        return (
            *((each["MinCapacity"], each["MaxCapacity"], each["CreationTime"]) for each in targets),
            *(each["PolicyName"] for each in policies),
            *(each["ScheduledActionName"] for each in actions),
        )

    def variant() -> dict[str, Any]:
        described = account.sagemaker.describe_endpoint(EndpointName="scaled")
        return {"Status": described["EndpointStatus"], **described["ProductionVariants"][0]}

    deployment.deployed("scaled", factor=2)
    (limits, *rules) = eventually(registered, lambda seen: len(seen) == 3)
    assert (limits[:2], rules) == ((1, 3), ["invocations-per-instance", "day"])
    assert account.cloud.scale(account.account_id, account.region, "scaled", "AllTraffic", 3) == 3
    eventually(variant, lambda seen: (seen["Status"], seen["CurrentInstanceCount"]) == ("InService", 3))

    deployment.deployed("scaled", factor=5)

    assert account.predict("scaled", [[1]]) == [[5]]
    assert variant()["CurrentInstanceCount"] == 3
    assert registered() == (limits, *rules)
    assert "DeregisterScalableTarget" not in deployment.deployer_calls("scaled")

    settings = {**endpoints(account)["scaled"], "instance_type": "ml.m5.xlarge"}
    deployment.write_settings("scaled", **settings)
    deployment.deploy_again()

    again = eventually(registered, lambda seen: len(seen) == 3 and seen[0][2] > limits[2])
    assert (again[0][:2], list(again[1:])) == ((1, 3), rules)
    assert "DeregisterScalableTarget" in deployment.deployer_calls("scaled")
    config = account.sagemaker.describe_endpoint(EndpointName="scaled")["EndpointConfigName"]
    described = account.sagemaker.describe_endpoint_config(EndpointConfigName=config)
    assert described["ProductionVariants"][0]["InstanceType"] == "ml.m5.xlarge"


def test_an_event_that_somebody_else_puts_reaches_nobody_and_starts_nothing(deployment: Deployment) -> None:
    account = deployment.account
    putting = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"}
    somebody = account.assuming(account.role("somebody", account.account_id, putting)).client("events")
    [bus] = [
        each["Name"]
        for each in account.client("events").list_event_buses()["EventBuses"]
        if each["Name"].endswith(".sweep-parts")
    ]
    stack = {"StackName": bus.removesuffix(".sweep-parts")}
    told = {"OutcomeId": "forged", "Outcome": "failed", "EndpointName": "forged", "Message": "Sign in here."}
    outcome = _forged("Greenlight Deployment Outcome", {**stack, **told})
    part = _forged("Greenlight Sweep Part", {**stack, "EndpointNames": ["forged"]})

    put = somebody.put_events(Entries=[outcome, part])["Entries"]
    for entries in ([{**part, "EventBusName": bus}], [outcome, {**part, "EventBusName": bus}]):
        with pytest.raises(ClientError, match="explicit deny"):
            somebody.put_events(Entries=entries)
    version_arn = deployment.deployed("forged", factor=2)

    assert [
        each["OutcomeId"].rpartition("/")[0]
        for each in deployment.outcomes.received
        if each["EndpointName"] == "forged"
    ] == [
        "forged/1/started",
        "forged/1/succeeded",
    ]
    assert deployment.outcome(version_arn)["StackName"] == stack["StackName"]
    assert all(deployment.log(event_id=each["EventId"]) == [] for each in put)


def _forged(detail_type: str, detail: dict[str, Any]) -> dict[str, str]:
    return {"Source": "greenlight", "DetailType": detail_type, "Detail": json.dumps(detail)}


def test_one_correlation_id_runs_through_the_functions_log(deployment: Deployment) -> None:
    version_arn = deployment.deployed("logs", factor=2)
    correlation_id = deployment.outcome(version_arn)["CorrelationId"]

    said = eventually(
        lambda: deployment.log(correlation_id=correlation_id),
        lambda seen: "Version 1 of logs serves on logs." in seen,
    )
    assert "Approval journalled" in said
    assert "Deploying" in said


def test_a_lost_approval_is_healed_by_the_schedule(deployment: Deployment) -> None:
    cloud = deployment.account.cloud
    before = cloud.switches()
    version_arn = deployment.register("lost", factor=2)
    cloud.switch({"delivery": {"drop_probability": 1.0}})
    try:
        deployment.approve(version_arn)
        time.sleep(0.5)
        # The sweep of every fifteen minutes comes every nine seconds.
        cloud.switch({"delivery": before["delivery"], "timings": {"schedule_scale": 0.01}})
        assert deployment.outcome(version_arn)["Outcome"] == "succeeded"
    finally:
        cloud.switch({part: before[part] for part in ("delivery", "timings")})


def test_changed_settings_reach_their_endpoint_and_removed_ones_are_told(deployment: Deployment) -> None:
    deployment.deployed("settings", factor=2)
    deployment.deployed("removed", factor=3)
    # Settings that were noted just now may be newer than those that an invocation has.
    eventually(
        lambda: deployment.noted_seconds_ago("removed"), lambda seconds: seconds > 60, timeout_seconds=180
    )
    before = deployment.deployer_calls("first")
    deployment.write_settings("settings", instance_count=2)
    deployment.remove_settings("removed")
    deployment.deploy_again()

    described = eventually(
        lambda: deployment.account.sagemaker.describe_endpoint(EndpointName="settings"),
        lambda seen: (
            seen["EndpointStatus"] == "InService"
            and seen["ProductionVariants"][0]["CurrentInstanceCount"] == 2
        ),
    )
    assert described["EndpointConfigName"].startswith("settings-v1-")
    assert (
        deployment.outcomes.wait_for(None, kind="unmanaged", timeout_seconds=150)["EndpointName"] == "removed"
    )
    assert deployment.account.predict("removed", [[1]]) == [[3]]
    assert deployment.deployer_calls("first") == before


BY_HAND: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "byhand-plain": ({"InstanceType": "ml.m5.large", "InitialInstanceCount": 2}, {}),
    "byhand-scaled": ({"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}, {}),
    "byhand-serverless": ({"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}, {}),
    "byhand-async": (
        {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1},
        {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://{bucket}/answers"}}},
    ),
}
"""Endpoints that people make by hand: what is particular of the variant, and of the config."""


def make_by_hand(deployment: Deployment) -> None:
    """Make endpoints of one version's artifact as people do without Greenlight, with a role of their own."""
    account, sagemaker = deployment.account, deployment.account.sagemaker
    sagemaker.create_model_package_group(ModelPackageGroupName="byhand")
    version_arn = deployment.register("byhand", factor=7)
    deployment.approve(version_arn)
    described = sagemaker.describe_model_package(ModelPackageName=version_arn)
    [brought] = described["InferenceSpecification"]["Containers"]
    actions = ["s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:AbortMultipartUpload", "ecr:*"]
    allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    role_arn = account.role("made-by-hand", "sagemaker.amazonaws.com", allowed)
    for name, (variant, config) in BY_HAND.items():
        sagemaker.create_model(
            ModelName=f"{name}-model",
            ExecutionRoleArn=role_arn,
            PrimaryContainer={"Image": brought["Image"], "ModelDataUrl": brought["ModelDataUrl"]},
        )
        made: Any = {"VariantName": "AllTraffic", "ModelName": f"{name}-model", **variant}
        more: Any = json.loads(json.dumps(config).replace("{bucket}", account.bucket))
        sagemaker.create_endpoint_config(
            EndpointConfigName=f"{name}-config", ProductionVariants=[made], **more
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config")
    for name in BY_HAND:
        eventually(
            lambda name=name: sagemaker.describe_endpoint(EndpointName=name),  # type: ignore[misc] # a default
            lambda seen: seen["EndpointStatus"] == "InService",
        )
    scaling = account.client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/byhand-scaled/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    scaling.put_scaling_policy(
        **target,
        PolicyName="invocations-per-instance",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 600.0,
            "PredefinedMetricSpecification": metric,
        },
    )


def test_hand_made_endpoints_are_adopted_and_their_first_deployment_changes_nothing(
    deployment: Deployment,
) -> None:
    """Under IAM, with the operators' policy beside the viewers'."""
    operator = deployment.somebody("adopter", "ViewerPolicyArn", "OperatorPolicyArn")
    make_by_hand(deployment)
    project = str(deployment.endpoints_dir)

    def adopt(name: str, *words: str) -> dict[str, Any]:
        done = deployment.greenlight("adopt", name, "--directory", project, "--json", *words, **operator)
        assert done.returncode == 0, done
        document: dict[str, Any] = json.loads(done.stdout)
        assert mistakes(document, "adopt") == []
        return document

    asked = deployment.greenlight("adopt", "byhand-plain", "--directory", project, **operator)
    written = adopt("byhand-plain", "--group", "byhand", "--no-tag")
    untagged = deployment.greenlight("plan", project)
    adopted = {name: adopt(name, "--yes") for name in BY_HAND}
    planned = json.loads(deployment.greenlight("plan", project, "--json").stdout)["endpoints"]
    deployment.deploy_again()
    for name in BY_HAND:
        eventually(lambda name=name: deployment.noted_seconds_ago(name), bool)  # type: ignore[misc] # likewise

    assert (asked.returncode, asked.stderr.splitlines()[0]) == (2, "✗ Nobody can be asked here.")
    assert (written["tagged"], written["version"], written["changes_nothing"]) == (False, 1, True)
    assert "greenlight adopt byhand-plain" in untagged.stdout.replace("\n", " "), untagged
    assert not adopted["byhand-plain"]["written"], "it was there already"
    assert adopted["byhand-scaled"]["settings"]["autoscaling"] == {
        "min": 1,
        "max": 3,
        "target_tracking": [{"metric": "invocations_per_instance", "target": 600.0}],
    }
    assert {each["effect"] for each in planned if each["endpoint"] in BY_HAND} == {"nothing"}
    assert all(each["tagged"] and each["changes_nothing"] for each in adopted.values())
    for name in BY_HAND:
        calls = deployment.deployer_calls(name)
        assert [each for each in calls if each in WRITES - {"AddTags"}] == [], name
        described = deployment.account.sagemaker.describe_endpoint(EndpointName=name)
        assert described["EndpointConfigName"] == f"{name}-config"
    status = json.loads(deployment.greenlight("status", "byhand-plain", "--json", **operator).stdout)
    [shown] = status["endpoints"]
    assert (shown["state"], shown["serves"]["version"]) == ("in_sync", 1)
    kept = deployment.greenlight("remove", "byhand-plain", "--yes", "--delete-endpoint", **operator)
    assert (kept.returncode, kept.stderr.splitlines()[0]) == (2, "✗ byhand-plain is managed.")
    managed = deployment.greenlight("adopt", "byhand-plain", "--directory", project, "--yes", **operator)
    assert (managed.returncode, managed.stderr.splitlines()[0]) == (2, "✗ byhand-plain is managed already.")
